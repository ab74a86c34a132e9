/** A take as the motion of an avatar. */

import type { Figure } from "../avatar/figure";
import { leadOf } from "../cast";
import { quaternionAt } from "../live/motion";
import { AT } from "../live/protocol";
import { CHANNELS } from "../tables";
import type { Clip, Track } from "./glb";
import type { Take } from "./take";

/**
 * How an avatar moves in a take, driven by one face, as its numbers are: no mirror.
 *
 * `gains`: how strongly it shows each channel. Moments without the face are left out. Null where
 * nothing of the avatar can be moved, or the face is never seen.
 */
export function clipOf(figure: Figure, take: Take, lead: number, gains: Float32Array): Clip | null {
  const weights = new Float32Array(CHANNELS.length);
  const head = Float32Array.of(0, 0, 0, 1);
  const times: number[] = [];
  // Primitives of one mesh share a node and its weights.
  const meshes = new Map<number, { influences: readonly number[]; values: number[] }>();
  for (const mesh of figure.meshes) {
    const node = figure.indexOf(mesh);
    if (node !== null && !meshes.has(node)) meshes.set(node, { influences: mesh.morphTargetInfluences ?? [], values: [] });
  }
  const bones = figure.moved.flatMap((node) => {
    const index = figure.indexOf(node);
    return index === null ? [] : [{ index, node, values: [] as number[] }];
  });
  for (const { time, faces } of take.moments) {
    const face = leadOf(faces, lead);
    // A file keeps its times in 32 bits, in which two moments may be one.
    if (!face || (times.length > 0 && Math.fround(time) <= Math.fround(times[times.length - 1]))) continue;
    for (let i = 0; i < weights.length; i++) {
      const value = face[AT.expression + i];
      weights[i] = Number.isNaN(value) ? 0 : Math.min(1, value * gains[i]);
    }
    if (Number.isFinite(face[AT.rotation])) quaternionAt(face, AT.rotation, head);
    else head.set([0, 0, 0, 1]);
    figure.arrange(weights, head, 0);
    times.push(time);
    for (const { influences, values } of meshes.values()) values.push(...influences);
    for (const { node, values } of bones) values.push(...nearer(values, node.quaternion.toArray()));
  }
  const tracks: Track[] = [
    ...[...meshes].map(([node, { values }]): Track => ({ node, path: "weights", values: Float32Array.from(values) })),
    ...bones.map(({ index, values }): Track => ({ node: index, path: "rotation", values: Float32Array.from(values) })),
  ];
  return times.length === 0 || tracks.length === 0 ? null : { name: take.name, times: Float32Array.from(times), tracks };
}

/** A quaternion and its negative are one turn; programs go the short way only between near ones. */
function nearer(before: readonly number[], turn: readonly number[]): readonly number[] {
  const last = before.slice(-4);
  const product = last.reduce((sum, value, i) => sum + value * turn[i], 0);
  return product < 0 ? turn.map((value) => -value) : turn;
}
