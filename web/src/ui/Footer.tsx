/** The line below the stage: playing and recording on the left, the pulse on the right. */

import { useCallback, useEffect, useRef, useState } from "react";
import { exportVideo } from "../record/video";
import { download, toCsv, toJson } from "../record/export";
import { lengthOf, type Take } from "../record/take";
import { useStudio, useStudioState, useTenth } from "./context";
import { Icon } from "./icons";
import { Latencies } from "./SessionTab";

export function clock(seconds: number): string {
  const whole = Math.max(0, seconds);
  return `${Math.floor(whole / 60)}:${(whole % 60).toFixed(1).padStart(4, "0")}`;
}

export function Footer() {
  const take = useStudioState((s) => s.take);
  const recording = useStudioState((s) => s.recording);
  const video = useStudioState((s) => s.source.kind === "video" && s.source.phase === "running");
  return (
    <footer className="flex min-h-12 flex-wrap items-center gap-x-4 border-t border-line bg-raised px-2 sm:px-4">
      {take ? <Timeline take={take} /> : recording ? <Recording /> : video ? <Transport /> : <span className="flex-1" />}
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
    if (range.current && document.activeElement !== range.current) range.current.value = String(video.currentTime);
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

function PlayButton({ playing, onClick }: { playing: boolean; onClick: () => void }) {
  return (
    <button type="button" className="control" aria-label={playing ? "Pause" : "Play"} data-testid="play" onClick={onClick}>
      <Icon name={playing ? "pause" : "play"} filled={!playing} />
    </button>
  );
}

/** Looking at a take. */
function Timeline({ take }: { take: Take }) {
  const studio = useStudio();
  const playing = useStudioState((s) => s.playing);
  const [progress, setProgress] = useState<number | null>(null);
  const range = useRef<HTMLInputElement>(null);
  const text = useRef<HTMLSpanElement>(null);
  const { review } = studio;
  const length = lengthOf(take);
  useEffect(
    () =>
      studio.rhythm.onFrame(() => {
        if (range.current) range.current.value = String(review.position);
        const now = `${clock(review.position)} / ${clock(length)}`;
        if (text.current && text.current.textContent !== now) text.current.textContent = now;
      }),
    [studio, review, length],
  );
  const save = (extension: string, type: string, content: string) => download(new Blob([content], { type }), `${take.name}.${extension}`);
  const film = async () => {
    setProgress(0);
    const blob = await exportVideo(studio, length, setProgress);
    setProgress(null);
    if (blob) download(blob, `${take.name}.webm`);
  };
  const button = "control border border-line text-text";
  return (
    <div className="flex min-w-0 flex-1 basis-80 flex-wrap items-center gap-x-2 gap-y-1 py-1" data-testid="timeline">
      <PlayButton playing={playing} onClick={() => review.toggle()} />
      <input
        ref={range}
        type="range"
        min={0}
        max={length}
        step={0.001}
        defaultValue={0}
        aria-label="Position in the take"
        data-testid="scrub"
        className="min-w-24 flex-1 basis-24"
        onInput={(event) => review.seek(Number(event.currentTarget.value))}
      />
      <span ref={text} className="min-w-24 text-right text-s text-quiet" />
      <span className="h-0 basis-full sm:hidden" aria-hidden="true" />
      {progress === null ? (
        <>
          <button type="button" className={button} data-testid="download-csv" title="Channels and pose as a table" onClick={() => save("csv", "text/csv", toCsv(take))}>
            <Arrow /> CSV
          </button>
          <button type="button" className={button} data-testid="download-json" title="Everything, with the landmarks" onClick={() => save("json", "application/json", toJson(take))}>
            <Arrow /> JSON
          </button>
          <button type="button" className={button} data-testid="download-webm" title="The stage as a film" onClick={() => void film()}>
            <Arrow /> WebM
          </button>
        </>
      ) : (
        <label className="flex items-center gap-2 text-s" data-testid="exporting">
          Filming the stage <progress max={1} value={progress} />
        </label>
      )}
      <button type="button" className="control" aria-label="Close the take" title="Back to live (Esc)" data-testid="close-take" onClick={() => studio.closeTake()}>
        <Icon name="close" />
      </button>
    </div>
  );
}

function Arrow() {
  return (
    <span className="max-[360px]:hidden">
      <Icon name="download" />
    </span>
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
