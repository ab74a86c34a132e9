/** Looking at a take: play, move about, keep a part of it, take it away as a file. */

import { useEffect, useRef } from "react";
import { lengthOf, type Take } from "../record/take";
import { useStudio, useStudioState } from "./context";
import { EmotionStrip } from "./EmotionStrip";
import { ExportMenu } from "./ExportMenu";
import { Icon } from "./icons";
import { clock, PlayButton } from "./PlayButton";

export function Timeline({ take }: { take: Take }) {
  const studio = useStudio();
  const playing = useStudioState((s) => s.playing);
  const range = useRef<HTMLInputElement>(null);
  const text = useRef<HTMLSpanElement>(null);
  const { review } = studio;
  const length = lengthOf(take);
  useEffect(
    () =>
      studio.rhythm.onFrame(() => {
        if (range.current) range.current.value = String(review.position);
        const now = `${clock(review.position)} / ${clock(length)}`;
        if (!text.current || text.current.textContent === now) return;
        text.current.textContent = now;
        range.current?.setAttribute("aria-valuetext", `${clock(review.position)} of ${clock(length)}`);
      }),
    [studio, review, length],
  );
  return (
    <div className="flex min-w-0 flex-1 basis-80 flex-wrap items-center gap-x-2 gap-y-1 py-1" data-testid="timeline">
      <PlayButton playing={playing} onClick={() => review.toggle()} />
      <div className="relative min-w-24 flex-1 basis-24">
        <input
          ref={range}
          type="range"
          className="block"
          min={0}
          max={length}
          step={0.001}
          defaultValue={0}
          aria-label="Position in the take"
          data-testid="scrub"
          onInput={(event) => review.seek(Number(event.currentTarget.value))}
        />
        <EmotionStrip take={take} inset={INSET} />
        <Ends length={length} />
      </div>
      <span ref={text} className="min-w-24 text-right text-s text-quiet" />
      <span className="h-0 basis-full sm:hidden" aria-hidden="true" />
      <button type="button" className="control" aria-label="Begin here" title="Begin here ([)" data-testid="trim-from" onClick={() => review.trim("from")}>
        <Icon name="from" />
      </button>
      <button type="button" className="control" aria-label="End here" title="End here (])" data-testid="trim-to" onClick={() => review.trim("to")}>
        <Icon name="to" />
      </button>
      <ExportMenu />
      <button type="button" className="control" aria-label="Close the take" title="Back to live (Esc)" data-testid="close-take" onClick={() => studio.closeTake()}>
        <Icon name="close" />
      </button>
    </div>
  );
}

/** Half the width of the slider's thumb: where its track begins. */
const INSET = 9;

/** The two ends of what is kept, to be dragged; what is cut off is dimmed. */
function Ends({ length }: { length: number }) {
  const [from, to] = useStudioState((s) => s.trim);
  if (length === 0) return null;
  const place = (time: number) => `calc(${INSET}px + (100% - ${INSET * 2}px) * ${time / length})`;
  const rest = "pointer-events-none absolute top-1/2 h-1.5 -translate-y-1/2 bg-raised/80";
  return (
    <>
      <span className={rest} style={{ left: 0, width: place(from) }} />
      <span className={rest} style={{ left: place(to), right: 0 }} />
      <End end="from" time={from} length={length} place={place(from)} />
      <End end="to" time={to} length={length} place={place(to)} />
    </>
  );
}

const STEP = 0.1;

function End({ end, time, length, place }: { end: "from" | "to"; time: number; length: number; place: string }) {
  const { review } = useStudio();
  const drag = (event: React.PointerEvent<HTMLElement>) => {
    const box = event.currentTarget.parentElement?.getBoundingClientRect();
    if (!box || !event.currentTarget.hasPointerCapture(event.pointerId)) return;
    review.trim(end, ((event.clientX - box.left - INSET) / (box.width - INSET * 2)) * length);
  };
  return (
    <span
      role="slider"
      tabIndex={0}
      aria-label={end === "from" ? "Begin of what is kept" : "End of what is kept"}
      aria-valuemin={0}
      aria-valuemax={Number(length.toFixed(2))}
      aria-valuenow={Number(time.toFixed(2))}
      aria-valuetext={clock(time)}
      data-testid={`end-${end}`}
      className="absolute top-0 grid h-10 w-4 -translate-x-1/2 cursor-ew-resize touch-none place-items-center"
      style={{ left: place }}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={drag}
      onKeyDown={(event) => {
        const by = event.key === "ArrowRight" ? STEP : event.key === "ArrowLeft" ? -STEP : 0;
        if (by === 0) return;
        review.trim(end, time + by);
        event.preventDefault();
      }}
    >
      <span className={`h-5 w-1.5 border-2 border-text ${end === "from" ? "rounded-l border-r-0" : "rounded-r border-l-0"}`} />
    </span>
  );
}
