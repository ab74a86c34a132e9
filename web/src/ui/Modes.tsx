/** The ten coefficients of the 3D face model: bars to both sides of zero, past React. */

import { useEffect, useRef, useState } from "react";
import { MODE_DEVIATIONS } from "../tables";
import { useStudio, useStudioState } from "./context";
import { deviationsOf, MOST, reachOf, signed } from "./deviations";

export function Modes() {
  const studio = useStudio();
  const head = useStudioState((s) => s.session?.morphable ?? null);
  const [read, setRead] = useState(false);
  const root = useRef<HTMLUListElement>(null);

  // A take may hold what the session has no head for, and the other way round.
  useEffect(() => studio.rhythm.onTenth(() => setRead(studio.modes.some((value) => !Number.isNaN(value)))), [studio]);

  useEffect(() => {
    const element = root.current;
    if (!element) return;
    const rows = [...element.children].map((row) => ({
      track: row.querySelector<HTMLElement>("[role=meter]"),
      bar: row.querySelector<HTMLElement>("[data-bar]"),
      number: row.querySelector<HTMLElement>("[data-deviation]"),
      value: NaN,
    }));
    const stopBars = studio.rhythm.onFrame(() => {
      rows.forEach((row, mode) => {
        const value = Math.round(reachOf(mode, studio.modes[mode]) * 250) / 250;
        if (!row.bar || Object.is(value, row.value)) return;
        row.value = value;
        row.bar.style.transform = `scaleX(${Number.isNaN(value) ? 0 : value})`;
      });
    });
    const stopNumbers = studio.rhythm.onTenth(() => {
      rows.forEach(({ track, number }, mode) => {
        const value = deviationsOf(mode, studio.modes[mode]);
        const text = signed(value);
        if (number && number.textContent !== text) number.textContent = text;
        track?.setAttribute("aria-valuenow", Number.isNaN(value) ? "0" : Math.max(-MOST, Math.min(MOST, value)).toFixed(1));
        track?.setAttribute("aria-valuetext", Number.isNaN(value) ? "not measured" : `${text} standard deviations`);
      });
    });
    return () => {
      stopBars();
      stopNumbers();
    };
  }, [studio, read]);

  return (
    <section className="pt-4" data-testid="modes" aria-label="Face model">
      <h2 className="flex items-center justify-between px-2 text-s font-semibold">
        Face model
        {read && <span className="font-normal text-quiet">standard deviations</span>}
      </h2>
      {read ? (
        <ul ref={root}>
          {MODE_DEVIATIONS.map((_, mode) => (
            <li key={mode} className="h-10 rounded-lg px-2 py-1">
              <div className="flex items-baseline justify-between text-s">
                <span>Mode {mode + 1}</span>
                <span className="text-quiet" data-deviation />
              </div>
              <span
                role="meter"
                aria-label={`Mode ${mode + 1}`}
                aria-valuemin={-MOST}
                aria-valuemax={MOST}
                aria-valuenow={0}
                data-mode={mode}
                className="relative mt-1 block h-1.5 overflow-hidden rounded-full bg-sunken"
              >
                <span data-bar className="absolute inset-y-0 left-1/2 w-1/2 origin-left bg-accent" style={{ transform: "scaleX(0)" }} />
                <span className="absolute inset-y-0 left-1/2 -ml-px w-0.5 bg-quiet" />
              </span>
            </li>
          ))}
        </ul>
      ) : (
        <p className="px-2 pt-1 text-s text-quiet" data-testid="no-modes">
          {head === null ? "No head here reads the ten coefficients of the 3D face model." : "The ten coefficients of the 3D face model come with the first face."}
        </p>
      )}
    </section>
  );
}
