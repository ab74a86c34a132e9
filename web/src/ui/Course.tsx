/** The faces, one after the other: what to do now, how long still, what is in the way. */

import { useEffect, useRef } from "react";
import { hint } from "../calibrate/course";
import { CHANNELS } from "../tables";
import { useGuide, useStudio, useStudioState } from "./context";
import { FaceSign } from "./FaceSign";

/** Channels that show best whether a face is made, by the server's names for the faces. */
const WATCHED: ReadonlyMap<string, readonly number[]> = new Map(
  Object.entries({
    smile: ["mouthSmileLeft", "mouthSmileRight"],
    jaw_open: ["jawOpen"],
    pucker: ["mouthPucker"],
    brows_up: ["browOuterUpLeft", "browOuterUpRight"],
    brows_down: ["browDownLeft", "browDownRight"],
    blink: ["eyeBlinkLeft", "eyeBlinkRight"],
  }).map(([face, names]) => [face, names.map((name) => CHANNELS.indexOf(name))]),
);

const RADIUS = 66;
const ROUND = 2 * Math.PI * RADIUS;

export function Course() {
  const studio = useStudio();
  const { guide } = studio;
  const { faces } = guide.course;
  const at = useGuide((g) => g.at);
  const hindrance = useGuide((g) => g.hindrance);
  const advice = useGuide((g) => g.advice);
  const busy = useGuide((g) => g.busy);
  const problem = useGuide((g) => g.problem);
  const count = useStudioState((s) => s.faces);
  const lost = useStudioState((s) => s.connection.kind !== "ready");
  const off = hindrance === "camera";
  const face = faces[Math.max(0, at)];
  const next = faces.at(at + 1);
  const over = busy && at === faces.length - 1;
  const wait = lost ? "The server is gone. This goes on when it is back." : hindrance === null ? problem : hint(hindrance, count, advice);
  return (
    <>
      <div className="flex items-center gap-4 md:flex-col md:pt-2">
        <Ring face={face.name} hindered={wait !== null} />
        <div className="min-w-0 flex-1 md:flex-none md:text-center">
          <p className="pb-1 text-s text-quiet" data-testid="calibration-count">
            {at < 0 ? "Get ready" : faces.length === 1 ? "Watching" : `${at + 1} of ${faces.length}`}
            {" · "}
            <Left />
          </p>
          <p className="min-h-28 text-l font-semibold max-[360px]:min-h-21 max-[360px]:text-m md:min-h-21" data-testid="calibration-say">
            {over ? "Thank you." : face.say}
          </p>
        </div>
      </div>
      <Segments />
      <Reading face={at < 0 ? "" : face.name} />
      <p className={`min-h-10 text-s md:text-center ${wait === null ? "text-quiet" : "font-semibold text-live"}`} data-testid="calibration-wait" data-hindrance={wait === null ? "" : (hindrance ?? "lost")}>
        {wait ?? (at >= 0 && next ? `Then: ${next.say}` : at < 0 ? "Sit as you usually do, with light on your face." : "")}
      </p>
      <div className="flex flex-wrap justify-center gap-2">
        {off && (
          <button type="button" className="control bg-accent px-4 font-semibold text-on-accent!" data-testid="calibration-camera" onClick={() => studio.act("use-camera")}>
            Use my camera
          </button>
        )}
        <button type="button" className="control border border-line px-4 text-text" data-testid="calibration-cancel" onClick={() => guide.cancel()}>
          Cancel
        </button>
        {at > 0 && (
          <>
            <button type="button" className="control border border-line px-4 text-text" title="Leave this face out" data-testid="calibration-skip" disabled={over} onClick={() => guide.skip()}>
              Skip
            </button>
            <button type="button" className="control border border-line px-4 text-text" title="The faces so far will do" data-testid="calibration-finish" disabled={over} onClick={() => guide.finish()}>
              Enough
            </button>
          </>
        )}
      </div>
    </>
  );
}

/** Fills while a face is asked for, with that face within; past React, as the meters. */
function Ring({ face, hindered }: { face: string; hindered: boolean }) {
  const studio = useStudio();
  const at = useGuide((g) => g.at);
  const arc = useRef<SVGCircleElement>(null);
  useEffect(
    () =>
      studio.rhythm.onFrame(() => {
        arc.current?.setAttribute("stroke-dashoffset", (ROUND * (1 - studio.guide.course.progress)).toFixed(1));
      }),
    [studio],
  );
  return (
    <svg viewBox="0 0 144 144" className={`size-28 shrink-0 max-[360px]:size-24 md:size-44 ${hindered ? "opacity-60" : ""}`} aria-hidden="true" data-testid="calibration-ring">
      <circle cx="72" cy="72" r={RADIUS} fill="none" className="stroke-sunken" strokeWidth="6" />
      <circle
        ref={arc}
        cx="72"
        cy="72"
        r={RADIUS}
        fill="none"
        className={hindered ? "stroke-quiet" : at < 0 ? "stroke-text" : "stroke-accent"}
        strokeWidth="6"
        strokeLinecap="round"
        strokeDasharray={ROUND}
        strokeDashoffset={ROUND}
        transform="rotate(-90 72 72)"
      />
      <g transform="translate(17 17) scale(1.1)">
        <FaceSign face={face} />
      </g>
    </svg>
  );
}

/** What is read of the face that is asked for: whoever sees it rise gives more. */
function Reading({ face }: { face: string }) {
  const studio = useStudio();
  const watched = WATCHED.get(face) ?? [];
  const root = useRef<HTMLDivElement>(null);
  const swapped = useStudioState((s) => !(s.fromCamera && s.settings.mirror));
  useEffect(
    () =>
      studio.rhythm.onFrame(() => {
        for (const bar of root.current?.querySelectorAll<HTMLElement>("[data-channel]") ?? []) {
          const value = studio.shown[Number(bar.dataset.channel)];
          bar.style.transform = `scaleX(${Number.isNaN(value) ? 0 : value.toFixed(3)})`;
        }
      }),
    [studio],
  );
  const sides = swapped ? watched.toReversed() : watched;
  // Kept free where there is nothing to show, so that nothing below it moves.
  return (
    <div ref={root} className="flex h-2.5 gap-0.5" aria-hidden="true" data-testid="calibration-reading">
      {sides.map((channel, i) => (
        <span key={channel} className="flex-1 overflow-hidden rounded-full bg-sunken">
          <span
            data-channel={channel}
            className={`block h-full w-full bg-accent ${sides.length > 1 && i === 0 ? "origin-right" : "origin-left"}`}
            style={{ transform: "scaleX(0)" }}
          />
        </span>
      ))}
    </div>
  );
}

/** Seconds left, to be seen and not heard. */
function Left() {
  const studio = useStudio();
  const text = useRef<HTMLSpanElement>(null);
  useEffect(
    () =>
      studio.rhythm.onTenth(() => {
        const now = `${Math.ceil(studio.guide.course.left)} s`;
        if (text.current && text.current.textContent !== now) text.current.textContent = now;
      }),
    [studio],
  );
  return <span ref={text} aria-hidden="true" data-testid="calibration-left" />;
}

/** How far the whole is. */
function Segments() {
  const studio = useStudio();
  const { faces } = studio.guide.course;
  const at = useGuide((g) => g.at);
  return (
    <div
      className="flex gap-1"
      role="progressbar"
      aria-label="Faces made"
      aria-valuemin={0}
      aria-valuemax={faces.length}
      aria-valuenow={Math.max(0, at)}
      aria-valuetext={`${Math.max(0, at)} of ${faces.length} faces made`}
      data-testid="calibration-progress"
    >
      {faces.map(({ name }, i) => (
        <span key={name} className={`h-1.5 flex-1 rounded-full ${i < at ? "bg-accent" : i === at ? "bg-text" : "bg-sunken"}`} />
      ))}
    </div>
  );
}
