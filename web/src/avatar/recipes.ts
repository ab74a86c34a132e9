/** Expressions of other vocabularies as weighted sums of the channels; the tables are the server's. */

import rigs from "../../../src/mien/assets/rigs.json";
import { CHANNELS } from "../tables";
import { plain } from "./names";

/** A sum as pairs: index of a channel, weight. What comes of it is kept within 0..1. */
export type Recipe = readonly (readonly [channel: number, weight: number])[];

/** An expression by its one name. */
export interface Expression {
  readonly name: string;
  readonly recipe: Recipe;
  /** Finer expressions that speak for it: where they are, it stays at rest. */
  readonly spokenFor: readonly string[];
}

const SPOKEN_FOR: Readonly<Record<string, readonly string[] | undefined>> = rigs.spoken_for;

/** "mouthSmile*" are both sides. */
export function expand(sum: Readonly<Record<string, number>>): Recipe {
  return Object.entries(sum).flatMap(([name, weight]) => {
    const names = name.endsWith("*") ? ["Left", "Right"].map((side) => name.slice(0, -1) + side) : [name];
    return names.map((channel) => [CHANNELS.indexOf(channel), weight] as const);
  });
}

const KNOWN = new Map<string, Expression>();
for (const table of [rigs.from_arkit.vrm1, rigs.from_arkit.visemes]) {
  for (const [name, sum] of Object.entries(table)) {
    // The tables name each expression's own channels only.
    const recipe = expand(sum as Readonly<Record<string, number>>);
    KNOWN.set(plain(name), { name, recipe, spokenFor: SPOKEN_FOR[name] ?? [] });
  }
}
for (const [old, name] of Object.entries(rigs.vrm0)) {
  const known = KNOWN.get(plain(name));
  if (known) KNOWN.set(plain(old), known);
}

/** What makes an expression of VRM or a viseme, in any spelling; null for an unknown name. */
export function expressionOf(name: string): Expression | null {
  return KNOWN.get(plain(name)) ?? null;
}

/** Those of some expressions that are driven: what others speak for stays at rest. */
export function driven<T extends { readonly expression: Expression }>(all: readonly T[]): readonly T[] {
  const names = new Set(all.map(({ expression }) => expression.name));
  return all.filter(({ expression: { spokenFor } }) => spokenFor.length === 0 || !spokenFor.every((name) => names.has(name)));
}
