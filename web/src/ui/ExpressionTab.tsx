import { useCallback, useRef } from "react";
import { AT } from "../live/protocol";
import { useGuide, useStudio, useStudioState, useTenth } from "./context";
import { Meters } from "./Meters";

/** The server's threshold until it has said its own. */
const THRESHOLD = 0.5;

export function ExpressionTab() {
  return (
    <>
      <Person />
      <Mouth />
      <Meters />
    </>
  );
}

/** Whose face the meters are corrected for. */
function Person() {
  const studio = useStudio();
  const name = useGuide((g) => (g.status === "off" ? null : g.name));
  return (
    <section className="mb-2 flex items-center gap-2 rounded-lg bg-sunken/50 py-1 pr-1 pl-2" aria-label="Calibration">
      <h2 className="text-s font-semibold">Calibration</h2>
      <span className="min-w-0 flex-1 truncate text-right text-s text-quiet" data-testid="person">
        {name ?? "none"}
      </span>
      <button type="button" className="control border border-line px-3 text-s text-text" data-testid="calibrate-here" onClick={() => studio.calibrate()}>
        {name === null ? "Calibrate" : "Change"}
      </button>
    </section>
  );
}

function Mouth() {
  const studio = useStudio();
  const threshold = useStudioState((s) => s.settings.mouthThreshold ?? s.session?.mouth_threshold ?? THRESHOLD);
  const live = useStudioState(({ source: { kind, phase } }) => phase === "running" && (kind === "camera" || kind === "video"));
  const badge = useRef<HTMLSpanElement>(null);
  const paint = useCallback(() => {
    const value = studio.lead ? studio.lead[AT.mouth_open] : NaN;
    const state = !studio.lead ? "nobody" : Number.isNaN(value) ? "unknown" : value === 1 ? "open" : "closed";
    const node = badge.current;
    if (!node || node.dataset.mouth === state) return;
    node.dataset.mouth = state;
    node.textContent = state === "nobody" ? "no face" : state === "unknown" ? "not measured" : state;
  }, [studio]);
  useTenth(paint);
  return (
    <section className="mb-4 rounded-lg bg-sunken/50 px-2 py-2" aria-label="Mouth">
      <div className="flex min-h-6 items-center justify-between">
        <h2 className="text-s font-semibold">Mouth</h2>
        <span
          ref={badge}
          data-testid="mouth"
          className="rounded-full border border-line px-3 py-0.5 text-s text-quiet data-[mouth=open]:border-accent data-[mouth=open]:bg-accent data-[mouth=open]:text-on-accent"
        />
      </div>
      {live && (
        <label className="flex items-center gap-3 text-s text-quiet">
          <span className="whitespace-nowrap">Opens at</span>
          <input
            type="range"
            min={0.02}
            max={0.98}
            step={0.01}
            value={threshold}
            data-testid="mouth-threshold"
            onChange={(event) => studio.change({ mouthThreshold: Number(event.target.value) })}
          />
          <output className="w-8 text-right text-text">{threshold.toFixed(2)}</output>
        </label>
      )}
    </section>
  );
}
