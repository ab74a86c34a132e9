import { useEffect, useRef } from "react";
import { AT } from "../live/protocol";
import { CHANNELS } from "../tables";
import { useStudio, useStudioState } from "./context";

const ANGLES = [
  { key: "yaw", label: "Yaw", low: "to their right", high: "to their left", range: 60, sided: true },
  { key: "pitch", label: "Pitch", low: "down", high: "up", range: 45, sided: false },
  { key: "roll", label: "Roll", low: "right shoulder", high: "left shoulder", range: 45, sided: true },
] as const;

const LOOK = {
  left: [["eyeLookOutLeft", 1], ["eyeLookInLeft", -1], ["eyeLookUpLeft", 1], ["eyeLookDownLeft", -1]],
  right: [["eyeLookInRight", 1], ["eyeLookOutRight", -1], ["eyeLookUpRight", 1], ["eyeLookDownRight", -1]],
} as const;

/** Where an eye looks: x towards the person's left, y up; NaN where not measured. */
function gaze(shown: Float32Array, eye: keyof typeof LOOK): [number, number] {
  const at = (i: number) => shown[CHANNELS.indexOf(LOOK[eye][i][0])] * LOOK[eye][i][1];
  return [at(0) + at(1), at(2) + at(3)];
}

export function PoseTab() {
  const studio = useStudio();
  const mirrored = useStudioState((s) => (s.take ? s.take.mirrored : s.fromCamera && s.settings.mirror));
  const root = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const element = root.current;
    if (!element) return;
    const find = (name: string) => element.querySelector<HTMLElement>(`[data-part="${name}"]`);
    const parts = ANGLES.map(({ key, range, sided }) => ({ key, range: sided && mirrored ? -range : range, needle: find(`${key}-needle`), number: find(`${key}-number`) }));
    const eyes = (["left", "right"] as const).map((eye) => ({ eye, dot: find(`${eye}-dot`), number: find(`${eye}-number`) }));
    const stopFrames = studio.rhythm.onFrame(() => {
      for (const { key, range, needle } of parts) {
        const value = studio.lead ? studio.lead[AT[key]] : NaN;
        if (!needle) continue;
        needle.style.visibility = Number.isNaN(value) ? "hidden" : "visible";
        needle.style.transform = `translateX(${Math.max(-1, Math.min(1, value / range)) * 50}%)`;
      }
      // The page shows head and eyes as the stage does.
      const side = mirrored ? -1 : 1;
      for (const { eye, dot } of eyes) {
        if (!dot) continue;
        const [x, y] = gaze(studio.shown, eye);
        dot.style.visibility = Number.isNaN(x) || Number.isNaN(y) ? "hidden" : "visible";
        dot.style.transform = `translate(${x * side * 26}px, ${-y * 18}px)`;
      }
    });
    const stopNumbers = studio.rhythm.onTenth(() => {
      for (const { key, number } of parts) {
        const value = studio.lead ? studio.lead[AT[key]] : NaN;
        if (number) number.textContent = Number.isNaN(value) ? "–" : `${value < 0 ? "−" : ""}${Math.abs(value).toFixed(1)}°`;
      }
      for (const { eye, number } of eyes) {
        const [x, y] = gaze(studio.shown, eye);
        if (number) number.textContent = Number.isNaN(x) || Number.isNaN(y) ? "not measured" : describe(x, y);
      }
    });
    return () => {
      stopFrames();
      stopNumbers();
    };
  }, [studio, mirrored]);

  const order = mirrored ? (["left", "right"] as const) : (["right", "left"] as const);
  return (
    <div ref={root} data-testid="pose" className="flex flex-col gap-4 px-2">
      <h2 className="text-s font-semibold">Head</h2>
      {ANGLES.map(({ key, label, low, high, sided }) => (
        <div key={key}>
          <div className="flex items-baseline justify-between">
            <span className="text-s">{label}</span>
            <span className="text-l" data-part={`${key}-number`} data-testid={key} />
          </div>
          <div className="relative my-1 h-2 overflow-hidden rounded-full bg-sunken">
            <span className="absolute inset-y-0 left-1/2 w-px bg-quiet" />
            <span className="absolute inset-0" data-part={`${key}-needle`}>
              <span className="absolute top-0 left-1/2 -ml-1 h-2 w-2 rounded-full bg-accent" />
            </span>
          </div>
          <div className="flex justify-between text-s text-quiet">
            <span>{sided && mirrored ? high : low}</span>
            <span>{sided && mirrored ? low : high}</span>
          </div>
        </div>
      ))}
      <h2 className="pt-2 text-s font-semibold">Gaze</h2>
      <div className="flex justify-around">
        {order.map((eye) => (
          <div key={eye} className="flex flex-col items-center gap-2">
            <svg viewBox="-48 -32 96 64" width="120" height="80" aria-hidden="true">
              <path d="M-44 0C-24-30 24-30 44 0 24 30-24 30-44 0z" className="fill-ground stroke-line" strokeWidth="1.5" />
              <g data-part={`${eye}-dot`}>
                <circle r="13" className="fill-accent" />
                <circle r="5.5" className="fill-ground" />
              </g>
            </svg>
            <span className="text-s">
              {eye === "left" ? "Left" : "Right"}: <span className="text-quiet" data-part={`${eye}-number`} />
            </span>
          </div>
        ))}
      </div>
    </div>
  );
}

function describe(x: number, y: number): string {
  const across = Math.abs(x) < 0.15 ? "" : x > 0 ? "to their left" : "to their right";
  const along = Math.abs(y) < 0.15 ? "" : y > 0 ? "up" : "down";
  return [along, across].filter(Boolean).join(", ") || "ahead";
}
