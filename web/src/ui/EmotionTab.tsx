/** What the face shows, as people would call it: the likeliest of seven, and how likely each is. */

import { useCallback, useEffect, useRef } from "react";
import { colourOf, EMOTION_LABELS, EMOTION_LOOKS, looksOf, percent } from "../emotion";
import { easeChannels } from "../live/ease";
import { AT } from "../live/protocol";
import { EMOTIONS } from "../tables";
import { useStudio, useStudioState, useTenth } from "./context";
import { FeedbackButton } from "./FeedbackSheet";

export function EmotionTab() {
  return (
    <div className="flex flex-col gap-4 px-2" data-testid="emotion">
      <EmotionLooks />
      <EmotionBars />
      <EmotionSilence />
      <EmotionMeaning />
      <EmotionReader />
    </div>
  );
}

/** The likeliest emotion of the lead face, in words. */
export function EmotionLooks() {
  const studio = useStudio();
  const name = useRef<HTMLSpanElement>(null);
  const share = useRef<HTMLSpanElement>(null);
  const paint = useCallback(() => {
    const { lead } = studio;
    const best = looksOf(lead);
    const word = best < 0 ? (lead ? "not read" : "no face") : EMOTION_LOOKS[best];
    if (name.current && name.current.textContent !== word) {
      name.current.textContent = word;
      name.current.dataset.looks = EMOTIONS[best] ?? "none";
    }
    const text = best < 0 || !lead ? "" : percent(lead[AT.emotion + best]);
    if (share.current && share.current.textContent !== text) share.current.textContent = text;
  }, [studio]);
  useTenth(paint);
  return (
    <section className="rounded-lg bg-sunken/50 px-2 py-2" aria-label="Looks">
      <h2 className="text-s font-semibold">This face looks</h2>
      <p className="flex min-h-8 items-baseline justify-between gap-2">
        <span ref={name} className="text-l font-semibold data-[looks=none]:font-normal data-[looks=none]:text-quiet" data-looks="none" data-testid="looks" />
        <span ref={share} className="text-quiet" data-testid="looks-share" />
      </p>
      {/* Where the number is, and not where one has to scroll to. */}
      <p className="pb-1 text-s" data-testid="emotion-caution">
        A face is not a feeling.
      </p>
      <FeedbackButton />
    </section>
  );
}

/** A bar for each emotion; they move at the display's rate, past React. */
export function EmotionBars() {
  const studio = useStudio();
  const root = useRef<HTMLUListElement>(null);
  useEffect(() => {
    const element = root.current;
    if (!element) return;
    const shown = new Float32Array(EMOTIONS.length).fill(NaN);
    const rows = [...element.children].map((row) => ({
      row: row as HTMLElement,
      track: row.querySelector<HTMLElement>("[role=meter]"),
      bar: row.querySelector<HTMLElement>("[data-bar]"),
      number: row.querySelector<HTMLElement>("[data-share]"),
      step: NaN,
    }));
    let last = performance.now();
    const stopBars = studio.rhythm.onFrame((now) => {
      easeChannels(shown, studio.lead, Math.min(0.2, (now - last) / 1000), AT.emotion);
      last = now;
      rows.forEach((entry, i) => {
        const step = Math.round(shown[i] * 250) / 250;
        if (!entry.bar || Object.is(step, entry.step)) return;
        entry.step = step;
        entry.bar.style.transform = `scaleX(${Number.isNaN(step) ? 0 : step})`;
      });
    });
    const stopNumbers = studio.rhythm.onTenth(() => {
      const best = looksOf(studio.lead);
      rows.forEach(({ row, track, number }, i) => {
        row.toggleAttribute("data-leads", i === best);
        track?.toggleAttribute("data-unmeasured", Number.isNaN(shown[i]));
        const text = percent(shown[i]);
        if (number && number.textContent !== text) number.textContent = text;
        track?.setAttribute("aria-valuenow", Number.isNaN(shown[i]) ? "0" : shown[i].toFixed(1));
        track?.setAttribute("aria-valuetext", Number.isNaN(shown[i]) ? "not read" : text);
      });
    });
    return () => {
      stopBars();
      stopNumbers();
    };
  }, [studio]);
  return (
    <ul ref={root} aria-label="Emotions" data-testid="emotion-bars">
      {EMOTION_LABELS.map((label, i) => (
        <li key={label} className="group h-10 rounded-lg px-2 py-1 data-leads:bg-sunken/50">
          <div className="flex items-baseline justify-between text-s">
            <span className="group-data-leads:font-semibold">{label}</span>
            <span className="text-quiet group-data-leads:text-text" data-share />
          </div>
          <span
            role="meter"
            aria-label={label}
            aria-valuemin={0}
            aria-valuemax={1}
            aria-valuenow={0}
            aria-valuetext="not read"
            data-emotion={EMOTIONS[i]}
            className="mt-1 block h-1.5 overflow-hidden rounded-full bg-sunken data-unmeasured:border data-unmeasured:border-dotted data-unmeasured:border-quiet data-unmeasured:bg-transparent"
          >
            <span data-bar className="block h-full w-full origin-left" style={{ transform: "scaleX(0)", background: colourOf(i) }} />
          </span>
        </li>
      ))}
    </ul>
  );
}

/** Why nothing is read, where that is so. */
function EmotionSilence() {
  const session = useStudioState((s) => s.session);
  const kept = useStudioState((s) => s.settings.private);
  if (!session) return null;
  const why =
    session.emotion === null
      ? "No head here reads emotions."
      : kept && session.emotion_needs_picture
        ? `The head ${session.emotion} looks at the picture of a face, and in private mode pictures stay in this page. It says nothing here; points alone do not tell it enough.`
        : null;
  return why === null ? null : (
    <p className="px-2 text-s text-quiet" data-testid="emotion-silence">
      {why}
    </p>
  );
}

function EmotionMeaning() {
  return <p className="px-2 text-s text-quiet">This is what the face shows, in the words that people gave to thousands of photographs of others. What somebody feels is not in it.</p>;
}

/** Which head reads, and how often it is right. */
function EmotionReader() {
  const name = useStudioState((s) => s.session?.emotion ?? null);
  const head = useStudioState((s) => s.ready?.heads.find((h) => h.output === "emotion" && h.name === name) ?? null);
  if (name === null) return null;
  const sets = Object.entries(head?.scores ?? {});
  return (
    <details className="px-2 text-s text-quiet" data-testid="emotion-reader">
      <summary className="min-h-10 content-center text-text">
        Read by {name}
        {head && ` ${head.version}`}
      </summary>
      {head && <p className="pb-2">{head.about}</p>}
      {sets.map(([set, scores]) => (
        <p key={set} className="pb-2">
          {told(set, scores)}
        </p>
      ))}
    </details>
  );
}

/** A row of a head's scores in a sentence. */
function told(set: string, scores: unknown): string {
  if (typeof scores !== "object" || scores === null || !("accuracy" in scores) || typeof scores.accuracy !== "number") return set;
  return `Of the photographs of ${set}, ${percent(scores.accuracy)} were called what people had called them.`;
}
