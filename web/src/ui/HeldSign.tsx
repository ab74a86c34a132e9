/** That the avatar is held by hand, and not by whoever is seen; told where it may be overlooked. */

import { useEffect } from "react";
import { MASK } from "../avatar/gallery";
import { useGallery, useHand, useStudio, useStudioState } from "./context";
import { Icon } from "./icons";

/** Milliseconds for which it is told that a held face was let go. */
const TOLD = 5000;

export function HeldSign() {
  const { hand } = useStudio().closet;
  const { holding, face, slipped } = useHand((h) => h);
  const worn = useGallery((g) => g.worn !== MASK);
  const moves = useStudioState(({ take, source: { kind, phase } }) => take !== null || (phase === "running" && (kind === "camera" || kind === "video")));
  useEffect(() => {
    if (!slipped) return;
    const timer = window.setTimeout(() => hand.store.set({ slipped: false }), TOLD);
    return () => window.clearTimeout(timer);
  }, [hand, slipped]);
  const held = holding && worn && moves;
  const text = held ? (face === null ? "Held by hand" : `${face}, held by hand`) : slipped && worn ? "The face held by hand was let go" : "";
  return (
    <>
      <p className="sr-only" role="status">
        {text}
      </p>
      {text && (
        <div className="panel pointer-events-auto mt-2 flex min-h-10 items-center gap-2 px-3 text-s shadow-lg" data-testid="held">
          <Icon name="hand" />
          <span>{text}</span>
          {held && (
            <button type="button" className="control text-s text-text underline underline-offset-4" title="Follow the face again" data-testid="held-release" onClick={() => hand.releaseAll()}>
              Release
            </button>
          )}
        </div>
      )}
    </>
  );
}
