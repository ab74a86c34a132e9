/** A rig tried by hand: faces to put on, a slider for each channel, how strongly each is felt. */

import { useEffect, useRef, useState } from "react";
import { MASK } from "../avatar/gallery";
import { PRESETS } from "../avatar/hand";
import { MOST_GAIN } from "../settings";
import { CHANNELS } from "../tables";
import { type Row, SECTIONS } from "./channels";
import { useGallery, useHand, useStudio } from "./context";

type Purpose = "hand" | "gain";
/** More names than these are folded away. */
const FEW = 6;

export function RigTab() {
  const worn = useGallery((g) => g.worn);
  return worn === MASK ? <NoRig /> : <Rig key={worn} />;
}

function NoRig() {
  const studio = useStudio();
  const head = useGallery((g) => g.avatars.find(({ from }) => from !== "page"));
  return (
    <div className="flex flex-col gap-3 px-2" data-testid="no-rig">
      <p className="text-s text-quiet">The mask is your own face and has no rig. Choose an avatar to try its expressions by hand.</p>
      {head && (
        <button type="button" className="control border border-line text-text" data-testid="rig-choose" onClick={() => void studio.closet.gallery.choose(head.id)}>
          Use {head.title}
        </button>
      )}
    </div>
  );
}

function Rig() {
  const studio = useStudio();
  const { hand } = studio.closet;
  const missing = useGallery((g) => g.missing);
  const [purpose, setPurpose] = useState<Purpose>("hand");
  const face = useHand((h) => h.face);
  const holding = useHand((h) => h.holding);
  const root = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const element = root.current;
    if (!element) return;
    const sliders = [...element.querySelectorAll<HTMLInputElement>("input[data-channel]")].map((input) => ({ input, channel: Number(input.dataset.channel), number: input.nextElementSibling }));
    // Sliders that are not held follow the face, ten times a second.
    return studio.rhythm.onTenth(() => {
      const posed = studio.stage?.posed;
      if (!posed) return;
      for (const { input, channel, number } of sliders) {
        const held = !Number.isNaN(hand.held[channel]);
        input.toggleAttribute("data-held", purpose === "hand" ? held : hand.gains[channel] !== 1);
        const value = purpose === "gain" ? hand.gains[channel] : held ? hand.held[channel] : posed[channel];
        const text = purpose === "gain" ? `×${value.toFixed(1)}` : value.toFixed(2);
        if (document.activeElement !== input || purpose === "hand") {
          const set = value.toFixed(2);
          if (input.value !== set && !input.matches(":active")) input.value = set;
        }
        if (number && number.textContent !== text) number.textContent = text;
      }
    });
  }, [studio, hand, purpose]);

  const change = (channel: number, value: number) => {
    if (purpose === "gain") studio.closet.amplify(channel, value);
    else hand.hold(channel, value);
  };
  const release = (channel: number) => {
    if (purpose === "gain") studio.closet.amplify(channel, 1);
    else hand.release(channel);
  };
  const reset = () => {
    if (purpose === "gain") studio.closet.evenGains();
    else hand.releaseAll();
  };
  return (
    <div ref={root} className="flex flex-col gap-4 px-2" data-testid="rig">
      {missing.length > 0 && <Missing names={missing} />}
      <section aria-label="Faces">
        <h2 className="pb-1 text-s font-semibold">Faces to try</h2>
        <div className="flex flex-wrap gap-1">
          {Object.entries(PRESETS).map(([name, weights]) => (
            <button
              key={name}
              type="button"
              className="control border border-line px-3 text-s"
              aria-pressed={face === name}
              data-testid={`face-${name.toLowerCase()}`}
              onClick={() => {
                if (face === name) hand.releaseAll();
                else {
                  setPurpose("hand");
                  hand.pose(weights, name);
                }
              }}
            >
              {name}
            </button>
          ))}
        </div>
      </section>
      <section aria-label="Sliders" className="flex flex-col">
        <div className="sticky top-0 z-10 -mx-2 flex items-center gap-1 bg-raised px-2 py-1">
          <div role="radiogroup" aria-label="What the sliders do" className="flex flex-1 gap-1">
            {(["hand", "gain"] as const).map((name) => (
              <button key={name} type="button" role="radio" aria-checked={purpose === name} className="control px-3 text-s" title={name === "hand" ? "Sliders set the face" : "Sliders set how strongly each channel is felt"} data-testid={`rig-${name}`} onClick={() => setPurpose(name)}>
                {name === "hand" ? "By hand" : "Gain"}
              </button>
            ))}
          </div>
          <button type="button" className="control border border-line px-3 text-s text-text" disabled={purpose === "hand" && !holding} title={purpose === "hand" ? "Follow the face again" : "All gains back to 1"} data-testid="rig-reset" onClick={reset}>
            Reset
          </button>
        </div>
        {SECTIONS.map(({ name, rows }) => (
          <div key={name} role="group" aria-label={name} className="pt-2">
            <h3 className="flex justify-between text-s font-semibold capitalize">
              {name}
              {rows.some((row) => row.right !== null) && (
                <span className="font-normal text-quiet normal-case" aria-hidden="true">
                  right · left
                </span>
              )}
            </h3>
            {rows.map((row) => (
              <Sliders key={row.key} row={row} section={name} purpose={purpose} missing={missing} change={change} release={release} />
            ))}
          </div>
        ))}
      </section>
      <p className="pb-2 text-s text-quiet">
        Left and right are the avatar&rsquo;s own. A double click, or Delete, gives a slider back to the face.
      </p>
    </div>
  );
}

function Missing({ names }: { names: readonly string[] }) {
  const list = names.join(", ");
  if (names.length === CHANNELS.length) {
    return (
      <p className="text-s text-quiet" data-testid="rig-missing">
        This avatar has no expressions: its head turns, and that is all.
      </p>
    );
  }
  return names.length <= FEW ? (
    <p className="text-s text-quiet" data-testid="rig-missing">
      This avatar does not show {list}.
    </p>
  ) : (
    <details className="text-s text-quiet" data-testid="rig-missing">
      <summary className="min-h-10 content-center text-text">
        This avatar does not show {names.length} of {CHANNELS.length}
      </summary>
      <p className="wrap-anywhere">{list}</p>
    </details>
  );
}

interface SlidersProps {
  readonly row: Row;
  readonly section: string;
  readonly purpose: Purpose;
  readonly missing: readonly string[];
  readonly change: (channel: number, value: number) => void;
  readonly release: (channel: number) => void;
}

function Sliders({ row, section, purpose, missing, change, release }: SlidersProps) {
  const sides = row.right === null ? [row.left] : [row.right, row.left];
  return (
    <div>
      <p className="text-s text-quiet" aria-hidden="true">
        {row.label}
      </p>
      <div className="flex gap-2">
        {sides.map((channel) => {
          const side = row.right === null ? "" : channel === row.left ? ", left" : ", right";
          return (
            <div key={channel} className="flex min-w-0 flex-1 items-center gap-1">
              <input
                type="range"
                className="quiet"
                min={0}
                max={purpose === "gain" ? MOST_GAIN : 1}
                step={0.01}
                defaultValue={purpose === "gain" ? 1 : 0}
                disabled={missing.includes(CHANNELS[channel])}
                aria-label={`${section}: ${row.label.toLowerCase()}${side}`}
                data-channel={channel}
                data-testid={`slide-${CHANNELS[channel]}`}
                onInput={(event) => change(channel, Number(event.currentTarget.value))}
                onDoubleClick={() => release(channel)}
                onKeyDown={(event) => {
                  if (event.key === "Delete" || event.key === "Backspace") release(channel);
                }}
              />
              <span className="w-8 shrink-0 text-right text-s text-quiet" aria-hidden="true" />
            </div>
          );
        })}
      </div>
    </div>
  );
}
