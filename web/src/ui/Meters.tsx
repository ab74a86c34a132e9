/** Quiet meters for the channels. Bars move at the display's rate, past React. */

import { useEffect, useMemo, useRef } from "react";
import { useStudio, useStudioState } from "./context";
import { type Row, SECTIONS } from "./channels";
import { Icon } from "./icons";
import { Modes } from "./Modes";

const ALL = SECTIONS.flatMap((section) => section.rows);

export function Meters() {
  const studio = useStudio();
  const pinned = useStudioState((s) => s.settings.pinned);
  const swapped = useStudioState((s) => !(s.take ? s.take.mirrored : s.fromCamera && s.settings.mirror));
  const root = useRef<HTMLDivElement>(null);
  const pins = useMemo(() => ALL.filter((row) => pinned.includes(row.key)), [pinned]);

  useEffect(() => {
    const element = root.current;
    if (!element) return;
    const bars = [...element.querySelectorAll<HTMLElement>("[data-channel]")].map((track) => ({
      track,
      bar: track.firstElementChild as HTMLElement,
      channel: Number(track.dataset.channel),
      value: -1,
    }));
    const numbers = [...element.querySelectorAll<HTMLElement>("[data-number]")].map((node) => ({
      node,
      channel: Number(node.dataset.number),
    }));
    const stopBars = studio.rhythm.onFrame(() => {
      for (const entry of bars) {
        const value = studio.shown[entry.channel];
        // Compared as shown: a bar of 120 pixels shows no less than a hundredth.
        const step = Number.isNaN(value) ? -2 : Math.round(value * 250) / 250;
        if (step === entry.value) continue;
        if ((step === -2) !== (entry.value === -2)) entry.track.toggleAttribute("data-unmeasured", step === -2);
        entry.value = step;
        entry.bar.style.transform = `scaleX(${step === -2 ? 0 : step})`;
      }
    });
    const stopNumbers = studio.rhythm.onTenth(() => {
      for (const { node, channel } of numbers) {
        const value = studio.shown[channel];
        const text = Number.isNaN(value) ? "–" : value.toFixed(2);
        if (node.textContent !== text) node.textContent = text;
      }
      for (const { track, channel } of bars) {
        const value = studio.shown[channel];
        if (Number.isNaN(value)) {
          // A meter must have a value; the text is what is read out.
          track.setAttribute("aria-valuenow", "0");
          track.setAttribute("aria-valuetext", "not measured");
        } else {
          track.setAttribute("aria-valuenow", value.toFixed(1));
          track.removeAttribute("aria-valuetext");
        }
      }
    });
    return () => {
      stopBars();
      stopNumbers();
    };
  }, [studio, pins, swapped]);

  const toggle = (row: Row) => {
    const others = pinned.filter((key) => key !== row.key);
    studio.change({ pinned: others.length < pinned.length ? others : [...pinned, row.key] });
  };
  const list = (rows: readonly Row[], pin: boolean) =>
    rows.map((row) => (
      <Meter key={row.key} row={row} swapped={swapped} pinned={pinned.includes(row.key)} always={pin} onClick={() => toggle(row)} />
    ));
  return (
    <div ref={root} data-testid="meters">
      {pins.length > 0 && (
        <Group title="Pinned" swapped={swapped}>
          {list(pins, true)}
        </Group>
      )}
      {SECTIONS.map(({ name, rows }) => (
        <Group key={name} title={name} swapped={swapped} sides={rows.some((row) => row.right !== null)}>
          {list(rows, false)}
        </Group>
      ))}
      <Modes />
      <p className="px-2 pt-4 pb-2 text-s text-quiet">
        A dotted track means that no model here measures that channel. Left and right are the person&rsquo;s own.
      </p>
    </div>
  );
}

function Group(props: { title: string; swapped: boolean; sides?: boolean; children: React.ReactNode }) {
  return (
    <section className="pt-4 first:pt-0">
      <h2 className="flex items-center justify-between px-2 text-s font-semibold capitalize">
        {props.title}
        {props.sides && (
          <span className="font-normal text-quiet" aria-hidden="true">
            {props.swapped ? "right · left" : "left · right"}
          </span>
        )}
      </h2>
      <ul>{props.children}</ul>
    </section>
  );
}

function Meter(props: { row: Row; swapped: boolean; pinned: boolean; always: boolean; onClick: () => void }) {
  const { row, swapped, pinned, always } = props;
  // The bar on the left of the page is the side that is seen on the left of the stage.
  const first = row.right === null ? null : swapped ? row.right : row.left;
  const second = row.right === null ? row.left : swapped ? row.left : row.right;
  const side = (channel: number) => (row.right === null ? "" : channel === row.left ? ", left" : ", right");
  const number = `w-8 text-s text-quiet ${always ? "" : "opacity-0 group-hover:opacity-100 group-focus-within:opacity-100"}`;
  return (
    <li className="group relative h-10 rounded-lg px-2 py-1 hover:bg-sunken/60">
      <button
        type="button"
        className="absolute inset-0 rounded-lg"
        aria-pressed={pinned}
        aria-label={`Pin ${row.label}`}
        title={pinned ? "Unpin" : "Pin to the top"}
        data-testid={`pin-${row.key}`}
        onClick={props.onClick}
      />
      <div className="flex items-center justify-center gap-2">
        {first !== null ? <span className={number} data-number={first} /> : <span className={`${number} invisible`} />}
        <span className="flex flex-1 items-center justify-center gap-1 truncate text-center text-s">
          {row.label}
          {pinned && !always && (
            <span className="text-quiet">
              <Icon name="pin" />
            </span>
          )}
        </span>
        <span className={`${number} text-right`} data-number={second} />
      </div>
      <div className="mt-1 flex gap-0.5">
        {first !== null && <Track channel={first} label={row.label + side(first)} from="right" />}
        <Track channel={second} label={row.label + side(second)} from="left" />
      </div>
    </li>
  );
}

function Track({ channel, label, from }: { channel: number; label: string; from: "left" | "right" }) {
  return (
    <span
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={1}
      aria-valuenow={0}
      aria-valuetext="not measured"
      data-channel={channel}
      className="h-1.5 flex-1 overflow-hidden rounded-full bg-sunken data-unmeasured:border data-unmeasured:border-dotted data-unmeasured:border-quiet data-unmeasured:bg-transparent"
    >
      <span
        className={`block h-full w-full bg-accent ${from === "left" ? "origin-left" : "origin-right"}`}
        style={{ transform: "scaleX(0)" }}
      />
    </span>
  );
}
