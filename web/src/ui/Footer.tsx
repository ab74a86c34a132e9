/** The line below the stage: playing and recording on the left, the pulse on the right. */

import { useCallback, useRef, useState } from "react";
import { useStudio, useStudioState, useTenth } from "./context";
import { Icon } from "./icons";
import { clock, PlayButton } from "./PlayButton";
import { PrivateBadge } from "./Private";
import { Latencies } from "./SessionTab";
import { Timeline } from "./Timeline";

export function Footer() {
  const take = useStudioState((s) => s.take);
  const recording = useStudioState((s) => s.recording);
  const video = useStudioState((s) => s.source.kind === "video" && s.source.phase === "running");
  return (
    <footer className="flex min-h-12 flex-wrap items-center gap-x-4 border-t border-line bg-raised px-2 sm:px-4">
      {take ? <Timeline take={take} /> : recording ? <Recording /> : video ? <Transport /> : <span className="flex-1" />}
      <PrivateBadge />
      <Pulse quiet={take !== null} />
    </footer>
  );
}

function Recording() {
  const studio = useStudio();
  const text = useRef<HTMLSpanElement>(null);
  const paint = useCallback(() => {
    const { seconds, bytes } = studio.recorder;
    if (text.current) text.current.textContent = `${clock(seconds)} · ${(bytes / 2 ** 20).toFixed(1)} MB`;
  }, [studio]);
  useTenth(paint);
  return (
    <p className="flex flex-1 items-center gap-2 text-s" data-testid="recording">
      <span className="pulsing text-live">
        <Icon name="record" filled />
      </span>
      <span className="max-sm:sr-only">Recording</span> <span ref={text} className="whitespace-nowrap" />
    </p>
  );
}

/** Playing a video file. */
function Transport() {
  const studio = useStudio();
  const paused = useStudioState((s) => s.paused);
  const range = useRef<HTMLInputElement>(null);
  const { video } = studio.sources.feed;
  const paint = useCallback(() => {
    if (!range.current) return;
    if (document.activeElement !== range.current) range.current.value = String(video.currentTime);
    range.current.setAttribute("aria-valuetext", `${clock(video.currentTime)} of ${clock(Number.isFinite(video.duration) ? video.duration : 0)}`);
  }, [video]);
  useTenth(paint);
  return (
    <div className="flex min-w-0 flex-1 items-center gap-2">
      <PlayButton playing={!paused} onClick={() => studio.togglePause()} />
      <input
        ref={range}
        type="range"
        min={0}
        max={Number.isFinite(video.duration) ? video.duration : 0}
        step={0.01}
        defaultValue={0}
        aria-label="Position in the video"
        data-testid="seek"
        onInput={(event) => (video.currentTime = Number(event.currentTarget.value))}
      />
    </div>
  );
}

function Pulse({ quiet }: { quiet: boolean }) {
  const studio = useStudio();
  const faces = useStudioState((s) => s.faces);
  const [open, setOpen] = useState(false);
  const fps = useRef<HTMLSpanElement>(null);
  const trip = useRef<HTMLSpanElement>(null);
  const paint = useCallback(
    (now: number) => {
      const rate = studio.pulse.rate(now);
      if (fps.current) fps.current.textContent = rate > 0 ? `${rate.toFixed(1)} fps` : "";
      const ms = studio.pulse.trip;
      if (trip.current) trip.current.textContent = Number.isNaN(ms) ? "" : `${ms.toFixed(0)} ms`;
    },
    [studio],
  );
  useTenth(paint);
  return (
    <div className={`relative ml-auto ${quiet ? "max-sm:hidden" : ""}`}>
      <button type="button" className="control gap-4 text-s" aria-expanded={open} title="Where the time goes" data-testid="status" onClick={() => setOpen(!open)}>
        <span ref={fps} data-testid="fps" />
        <span ref={trip} data-testid="trip" className="max-[360px]:hidden" />
        <span data-testid="faces">{faces === 1 ? "1 face" : `${faces} faces`}</span>
      </button>
      {open && (
        <div className="panel absolute right-0 bottom-12 z-30 w-64 bg-raised p-4 shadow-xl" data-testid="breakdown">
          <Latencies />
        </div>
      )}
    </div>
  );
}
