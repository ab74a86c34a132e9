/** Names, orders and the mesh, read from the tables of the Python package. */

import canonicalTable from "../../src/mien/assets/canonical_face.json";
import channelTable from "../../src/mien/assets/channels.json";
import effectTable from "../../src/mien/assets/effects.json";
import topologyTable from "../../src/mien/assets/topology.json";

export const CHANNELS: readonly string[] = channelTable.arkit52;
export const GROUPS: Readonly<Record<string, readonly string[]>> = channelTable.groups;

/** The seven classes of FER-2013, in the order of the wire. */
export const EMOTIONS: readonly string[] = channelTable.emotions;

/** Standard deviations of the ten coefficients of the face model, as published with 3DDFA_V2. */
export const MODE_DEVIATIONS: readonly number[] = channelTable.morphable_deviation;

/** What an expression can set off around a face: when, and how it flies; films have the same. */
export type Effect = keyof typeof effectTable.effects;
interface EffectRow {
  readonly for: string;
  readonly shape: number;
  /** A sum of maxima of minima: channels by name, with factors. */
  readonly call: readonly (readonly Readonly<Record<string, number>>[])[];
  /** Of the call, below which nothing flies. */
  readonly from: number;
  readonly rate: number;
  readonly life: number;
  readonly size: number;
  readonly colour: readonly number[];
  readonly velocity: readonly number[];
  readonly fall: number;
  readonly sway: number;
  readonly turn: number;
}
// Rows name different channels, which to the compiler are different types.
export const EFFECT_TABLE = effectTable as unknown as { readonly span: number; readonly most: number; readonly effects: Readonly<Record<Effect, EffectRow>> };
export const EFFECTS = Object.keys(effectTable.effects) as readonly Effect[];

export const POINTS = topologyTable.points;
/** Three indices a triangle, counter-clockwise from outside; eyes and mouth are holes. */
export const TRIANGLES = Uint16Array.from(topologyTable.triangles.flat());
/** Two indices an edge. */
export const EDGES = Uint16Array.from(topologyTable.edges.flat());
export const RIGID: readonly number[] = topologyTable.rigid;
/** Contours in drawing order; ovals, lips, eyes and irises close on themselves. */
export const REGIONS = topologyTable.regions;
export const IRIS_CENTRES = topologyTable.iris_centres;

/** Mean neutral face in the head frame: x to the subject's left, y up, z forward; centimetres. */
export const CANONICAL = Float32Array.from(canonicalTable.points.flat());
