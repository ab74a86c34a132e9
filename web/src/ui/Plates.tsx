/** Numbers below several faces, and which of them drives the meters: told by shape, not by colour. */

import { useEffect, useRef } from "react";
import { useStudio, useStudioState } from "./context";
import { Icon } from "./icons";

/** With more faces than these only the lead bears its number. */
export const NUMBERED = 6;

export function Plates() {
  const studio = useStudio();
  const lead = useStudioState((s) => s.leadId);
  const ids = useStudioState((s) => s.faceIds);
  const root = useRef<HTMLDivElement>(null);
  const several = ids.length > 1;

  useEffect(() => {
    const element = root.current;
    if (!element || !several) return;
    const plates = [...element.querySelectorAll<HTMLElement>("[data-face]")].map((node) => ({
      node,
      id: Number(node.dataset.face),
      place: "",
    }));
    const at = { x: 0, y: 0 };
    const move = () => {
      for (const plate of plates) {
        const known = studio.stage?.chinOf(plate.id, at) ?? false;
        const place = known ? `translate(${at.x.toFixed(1)}px, ${at.y.toFixed(1)}px) translateX(-50%)` : "";
        if (place === plate.place) continue;
        plate.place = place;
        plate.node.hidden = !known;
        plate.node.style.transform = place;
      }
    };
    move();
    return studio.rhythm.onFrame(move);
  }, [studio, several, ids, lead]);

  const number = ids.indexOf(lead) + 1;
  return (
    <>
      <p className="sr-only" role="status">
        {several && number > 0 ? `Face ${number} of ${ids.length} drives the meters.` : ""}
      </p>
      {several && (
        <div ref={root} className="pointer-events-none absolute inset-0 z-10 overflow-hidden" aria-hidden="true">
          {ids.map((id, i) =>
            id === lead ? (
              <span key={id} data-face={id} hidden className="plate border-transparent bg-accent pr-2.5 font-semibold text-on-accent" data-testid="lead-plate">
                <Icon name="tick" />
                {i + 1}
              </span>
            ) : (
              ids.length <= NUMBERED && (
                <span key={id} data-face={id} hidden className="plate border-line bg-raised text-text">
                  {i + 1}
                </span>
              )
            ),
          )}
        </div>
      )}
    </>
  );
}
