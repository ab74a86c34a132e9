/** What a face shows, as people would call it: which of the seven leads, and how that goes on in a take. */

import { leadOf } from "./cast";
import { AT, type FaceBlock } from "./live/protocol";
import { lengthOf, type Take } from "./record/take";
import { EMOTIONS } from "./tables";

/** As a person reads them. */
export const EMOTION_LABELS: readonly string[] = EMOTIONS.map((name) => name.charAt(0).toUpperCase() + name.slice(1));

const ADJECTIVES: Readonly<Record<string, string>> = { disgust: "Disgusted", fear: "Afraid", surprise: "Surprised" };
/** As a face looks. */
export const EMOTION_LOOKS: readonly string[] = EMOTIONS.map((name, i) => ADJECTIVES[name] ?? EMOTION_LABELS[i]);

/** The colour of an emotion, by its place; themes have their own. */
export function colourOf(emotion: number): string {
  return `var(--emotion-${EMOTIONS[emotion]})`;
}

/** Place of the likeliest emotion of a face, or -1 where no model gave any. */
export function looksOf(face: FaceBlock | null): number {
  let best = -1;
  if (!face) return best;
  for (let i = 0; i < EMOTIONS.length; i++) {
    const value = face[AT.emotion + i];
    if (!Number.isNaN(value) && (best < 0 || value > face[AT.emotion + best])) best = i;
  }
  return best;
}

/** A time in which one emotion leads; -1 where nobody is seen, or no model gave any. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly emotion: number;
}

/** The emotions of the lead over a take, one after the other, from its first second to its last. */
export function spansOf(take: Take, lead: number): Span[] {
  const spans: Span[] = [];
  for (const { time, faces } of take.moments) {
    const emotion = looksOf(leadOf(faces, lead));
    const last = spans.at(-1);
    if (last?.emotion === emotion) continue;
    if (last) spans[spans.length - 1] = { ...last, to: time };
    spans.push({ from: time, to: lengthOf(take), emotion });
  }
  return spans;
}

/** How much of a take each emotion leads, 0..1, the most first; those that never do are left out. */
export function sharesOf(spans: readonly Span[]): [emotion: number, share: number][] {
  const known = spans.filter(({ emotion }) => emotion >= 0);
  const total = known.reduce((sum, { from, to }) => sum + to - from, 0);
  const lengths = EMOTIONS.map((_, i) => known.reduce((sum, { from, to, emotion }) => (emotion === i ? sum + to - from : sum), 0));
  return lengths
    .map((length, i): [number, number] => [i, total > 0 ? length / total : 0])
    .filter(([, share]) => share > 0)
    .sort((a, b) => b[1] - a[1]);
}

/** A share as people read it. */
export function percent(share: number): string {
  return Number.isNaN(share) ? "–" : `${Math.round(100 * share)} %`;
}
