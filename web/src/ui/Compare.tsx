/** What a calibration does, live: the channels that it changes, with and without it. */

import { useEffect, useMemo, useRef, useState } from "react";
import { easeTowards } from "../live/ease";
import { CHANNELS } from "../tables";
import { type Row, SECTIONS } from "./channels";
import { useGuide, useStudio, useStudioState } from "./context";

/** Rows shown until more are asked for. */
const FEW = 6;
/** Marks below it would be lost in the rounded end. */
const LEAST = 0.01;
const WAYS = [
  { id: "with", label: "With it" },
  { id: "without", label: "Without" },
] as const;

/** Rows with one of these channels, in their order. */
function rowsWith(channels: readonly string[]): { row: Row; section: string }[] {
  const all = SECTIONS.flatMap(({ name, rows }) => rows.map((row) => ({ row, section: name })));
  const place = ({ row }: { row: Row }) =>
    Math.min(...[row.left, row.right ?? row.left].map((i) => channels.indexOf(CHANNELS[i])).map((at) => (at < 0 ? Infinity : at)));
  return all.filter((entry) => place(entry) < Infinity).sort((a, b) => place(a) - place(b));
}

export function Compare() {
  const studio = useStudio();
  const changed = useGuide((g) => g.changed);
  const live = useStudioState(({ source: { kind, phase } }) => phase === "running" && (kind === "camera" || kind === "video"));
  const [way, setWay] = useState<(typeof WAYS)[number]["id"]>("with");
  const [all, setAll] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const rows = useMemo(() => rowsWith(changed), [changed]);
  const shown = all ? rows : rows.slice(0, FEW);

  useEffect(() => {
    const element = root.current;
    if (!element) return;
    const { before, after } = studio.guide;
    const bars = [...element.querySelectorAll<HTMLElement>("[data-channel]")].map((track) => ({
      track,
      channel: Number(track.dataset.channel),
      from: track.dataset.from === "right" ? -1 : 1,
      bar: track.children[0] as HTMLElement,
      mark: track.children[1] as HTMLElement,
    }));
    const eased = { before: before.slice(), after: after.slice() };
    let last = performance.now();
    const stopBars = studio.rhythm.onFrame((now) => {
      const elapsed = Math.min(0.2, (now - last) / 1000);
      last = now;
      easeTowards(eased.before, before, elapsed);
      easeTowards(eased.after, after, elapsed);
      for (const { channel, from, bar, mark } of bars) {
        const [value, other] = way === "with" ? [eased.after[channel], eased.before[channel]] : [eased.before[channel], eased.after[channel]];
        bar.style.transform = `scaleX(${Number.isNaN(value) ? 0 : value.toFixed(3)})`;
        mark.style.visibility = other >= LEAST ? "visible" : "hidden";
        // Short of the end, where it could not be seen.
        mark.style.transform = `translateX(${(from * 98 * (Number.isNaN(other) ? 0 : other)).toFixed(1)}%)`;
      }
    });
    const stopNumbers = studio.rhythm.onTenth(() => {
      for (const { track, channel } of bars) {
        const value = (way === "with" ? after : before)[channel];
        track.setAttribute("aria-valuenow", Number.isNaN(value) ? "0" : value.toFixed(1));
        track.setAttribute("aria-valuetext", Number.isNaN(value) ? "not measured" : `${before[channel].toFixed(2)} without, ${after[channel].toFixed(2)} with`);
      }
    });
    return () => {
      stopBars();
      stopNumbers();
    };
  }, [studio, shown, way]);

  if (rows.length === 0) return <p className="text-s text-quiet">There was next to nothing to correct: this face reads as nothing at rest.</p>;
  return (
    <section aria-label="What it does" data-testid="compare">
      <div className="flex items-center justify-between gap-2 pb-1">
        <h3 className="text-s font-semibold">What it does</h3>
        <div role="radiogroup" aria-label="Show the meters" className="flex rounded-lg border border-line">
          {WAYS.map(({ id, label }) => (
            <button key={id} type="button" role="radio" aria-checked={way === id} className="control px-3 text-s" data-testid={`compare-${id}`} onClick={() => setWay(id)}>
              {label}
            </button>
          ))}
        </div>
      </div>
      <div ref={root}>
        {shown.map(({ row, section }) => (
          <Line key={row.key} row={row} section={section} quiet={way === "without"} />
        ))}
      </div>
      {rows.length > FEW && (
        <button type="button" className="control w-full text-s" aria-expanded={all} data-testid="compare-all" onClick={() => setAll(!all)}>
          {all ? "Fewer" : `${rows.length - FEW} more`}
        </button>
      )}
      <p className="pt-1 text-s text-quiet">
        {live ? `The thin mark is where a bar stands ${way === "with" ? "without" : "with"} it.` : "Pictures are shown as they are read; the camera is corrected."}
      </p>
    </section>
  );
}

function Line({ row, section, quiet }: { row: Row; section: string; quiet: boolean }) {
  const label = `${section.charAt(0).toUpperCase()}${section.slice(1)}: ${row.label.toLowerCase()}`;
  const swapped = useStudioState((s) => !(s.fromCamera && s.settings.mirror));
  // The bar on the left of the page is the side that is seen on the left of the stage.
  const sides = row.right === null ? [row.left] : swapped ? [row.right, row.left] : [row.left, row.right];
  return (
    <div className="py-1.5">
      <p className="pb-1 text-s">{label}</p>
      <div className="flex gap-0.5">
        {sides.map((channel, i) => {
          const from = sides.length === 2 && i === 0 ? "right" : "left";
          const side = row.right === null ? "" : channel === row.left ? ", left" : ", right";
          return (
            <span
              key={channel}
              role="meter"
              aria-label={label + side}
              aria-valuemin={0}
              aria-valuemax={1}
              aria-valuenow={0}
              data-channel={channel}
              data-from={from}
              className="relative h-2.5 flex-1 overflow-hidden rounded-full bg-sunken"
            >
              <span className={`block h-full w-full ${quiet ? "bg-quiet" : "bg-accent"} ${from === "left" ? "origin-left" : "origin-right"}`} style={{ transform: "scaleX(0)" }} />
              <span className="absolute inset-0">
                <span className={`absolute inset-y-0 w-0.5 bg-text ${from === "left" ? "left-0" : "right-0"}`} />
              </span>
            </span>
          );
        })}
      </div>
    </div>
  );
}
