import { useCallback, useRef } from "react";
import { useGuide, useStudio, useStudioState, useTenth } from "./context";
import { FeedbackDelete } from "./FeedbackDelete";
import { STATIONS } from "./stages";

const WORDS = { connecting: "connecting", ready: "connected", lost: "lost, trying again", refused: "refused" } as const;

export function SessionTab() {
  return (
    <div className="flex flex-col gap-6 px-2">
      <Facts />
      <Choices />
      <section>
        <h2 className="pb-2 text-s font-semibold">Where the time goes</h2>
        <Latencies />
      </section>
      <FeedbackDelete />
    </div>
  );
}

function Facts() {
  const connection = useStudioState((s) => s.connection.kind);
  const engine = useStudioState((s) => s.engine);
  const version = useStudioState((s) => s.ready?.version ?? "–");
  const source = useStudioState((s) => s.source.name || "–");
  const session = useStudioState((s) => s.session);
  const person = useGuide((g) => (g.status === "off" ? null : g.name));
  const kept = useStudioState((s) => s.settings.private);
  const studio = useStudio();
  const facts = [
    ["Server", WORDS[connection]],
    ["Version", version],
    ["Landmarks by", engine || "–"],
    ["Channels by", session === null ? "–" : (session.expression ?? "no head")],
    ["Coefficients by", session === null ? "–" : (session.morphable ?? "no head")],
    ["Emotions by", session === null ? "–" : (session.emotion ?? "no head")],
    ["Calibrated for", person ?? "nobody"],
    ["Source", source],
    ["Frames go to", kept ? "nobody: points do" : studio.local ? "this machine only" : location.hostname],
  ] as const;
  return (
    <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-2 text-s">
      {facts.map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-quiet">{name}</dt>
          <dd className="truncate text-right" data-testid={`fact-${name.split(" ")[0].toLowerCase()}`}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Choices() {
  const studio = useStudio();
  const settings = useStudioState((s) => s.settings);
  const session = useStudioState((s) => s.session);
  const limit = useStudioState((s) => s.ready?.limits.max_faces ?? 4);
  const inForce = session?.smoothing;
  const off = settings.smoothing === "off" || (settings.smoothing === "default" && inForce === "off");
  const cutoff = typeof settings.smoothing === "number" ? settings.smoothing : inForce && inForce !== "off" ? inForce.min_cutoff : 1.5;
  const counts = [1, 2, 3, 4, 6, 8].filter((n) => n <= limit);
  return (
    <section className="flex flex-col gap-3 text-s">
      <h2 className="font-semibold">Tracking</h2>
      <label className="flex min-h-10 items-center justify-between">
        Smooth the motion
        <input
          type="checkbox"
          className="check"
          checked={!off}
          data-testid="smoothing"
          onChange={(event) => studio.change({ smoothing: event.target.checked ? "default" : "off" })}
        />
      </label>
      {!off && (
        <label className="flex items-center gap-3">
          Calm
          <input
            type="range"
            min={-2}
            max={4}
            step={0.1}
            // Octaves of the cut-off: equal steps look equally different.
            value={Math.log2(cutoff)}
            aria-valuetext={`cut-off ${cutoff.toFixed(1)} hertz`}
            data-testid="smoothing-cutoff"
            onChange={(event) => studio.change({ smoothing: Number((2 ** Number(event.target.value)).toFixed(2)) })}
          />
          Quick
          <output className="w-14 shrink-0 text-right whitespace-nowrap text-quiet">{cutoff.toFixed(1)} Hz</output>
        </label>
      )}
      <Choice label="Faces at once" value={settings.maxFaces} values={counts} name={String} testid="max-faces" onChange={(maxFaces) => studio.change({ maxFaces })} />
      <Choice label="Camera rows" value={settings.cameraHeight} values={[360, 480, 720, 1080]} name={String} testid="camera-height" onChange={(cameraHeight) => studio.change({ cameraHeight })} />
      <Choice label="Width sent" value={settings.sendWidth} values={[320, 480, 640]} name={(n) => `${n} px`} testid="send-width" onChange={(sendWidth) => studio.change({ sendWidth })} />
      <Choice label="Stage draws at" value={settings.fps} values={[0, 15, 30]} name={(n) => (n === 0 ? "display rate" : `${n} a second`)} testid="stage-fps" onChange={(fps) => studio.change({ fps })} />
    </section>
  );
}

interface ChoiceProps {
  label: string;
  value: number;
  values: readonly number[];
  name: (value: number) => string;
  testid: string;
  onChange: (value: number) => void;
}

function Choice({ label, value, values, name, testid, onChange }: ChoiceProps) {
  const all = values.includes(value) ? values : [...values, value].sort((a, b) => a - b);
  return (
    <label className="grid grid-cols-2 items-center gap-3">
      {label}
      <select className="field" value={value} data-testid={testid} onChange={(event) => onChange(Number(event.target.value))}>
        {all.map((option) => (
          <option key={option} value={option}>
            {name(option)}
          </option>
        ))}
      </select>
    </label>
  );
}

/** The breakdown by stage, ten times a second. */
export function Latencies() {
  const studio = useStudio();
  const root = useRef<HTMLTableElement>(null);
  const paint = useCallback(() => {
    root.current?.querySelectorAll("tr").forEach((line, i) => {
      const value = STATIONS[i].read(studio.pulse);
      const cell = line.lastElementChild;
      const text = Number.isNaN(value) ? "–" : `${value.toFixed(1)} ms`;
      if (cell && cell.textContent !== text) cell.textContent = text;
    });
  }, [studio]);
  useTenth(paint);
  return (
    <table ref={root} className="w-full text-s" data-testid="latencies">
      <tbody>
        {STATIONS.map(({ name, label }) => (
          <tr key={name} data-stage={name} className={name === "trip" || name === "total" ? "border-t border-line" : ""}>
            <th scope="row" className="py-1 text-left font-normal text-quiet">
              {label}
            </th>
            <td className="py-1 text-right" />
          </tr>
        ))}
      </tbody>
    </table>
  );
}
