/** How the lead face looked over a take: a strip of colours along the timeline. */

import { useMemo } from "react";
import { colourOf, EMOTION_LABELS, percent, sharesOf, spansOf } from "../emotion";
import { lengthOf, type Take } from "../record/take";
import { useStudioState } from "./context";

/** A take is told in a sentence by so many of its emotions. */
const TOLD = 3;

export function EmotionStrip({ take, inset }: { take: Take; inset: number }) {
  const lead = useStudioState((s) => s.leadId);
  const spans = useMemo(() => spansOf(take, lead), [take, lead]);
  const length = lengthOf(take);
  const shares = sharesOf(spans);
  if (length === 0 || shares.length === 0) return null;
  const text = shares
    .slice(0, TOLD)
    .map(([emotion, share]) => `${EMOTION_LABELS[emotion].toLowerCase()} ${percent(share)}`)
    .join(", ");
  return (
    <svg
      role="img"
      aria-label={`How the face looks over time: ${text}`}
      viewBox={`0 0 ${length} 1`}
      preserveAspectRatio="none"
      className="pointer-events-none absolute bottom-0.5 h-1.5 overflow-hidden rounded-full bg-sunken"
      style={{ left: inset, width: `calc(100% - ${inset * 2}px)` }}
      data-testid="emotion-strip"
    >
      {spans.map(({ from, to, emotion }) => emotion >= 0 && <rect key={from} x={from} width={to - from} height={1} data-emotion={EMOTION_LABELS[emotion].toLowerCase()} style={{ fill: colourOf(emotion) }} />)}
    </svg>
  );
}
