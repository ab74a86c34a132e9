/** The faces of one answer as a cast: their order on the stage, and who has the lead. */

import { AT, type FaceBlock } from "./live/protocol";
import { frameOf, reading } from "./stage/placement";

/** Who drives the meters: who was chosen, or the largest where that one is not seen. */
export function leadOf(faces: readonly FaceBlock[], chosen: number): FaceBlock | null {
  let largest: FaceBlock | null = null;
  for (const face of faces) {
    if (face[AT.id] === chosen) return face;
    if (!largest || face[AT.scale] > largest[AT.scale]) largest = face;
  }
  return largest;
}

/** Whether an answer shows the very people whose ids are known, wherever they stand now. */
export function sameCast(faces: readonly FaceBlock[], ids: readonly number[]): boolean {
  return faces.length === ids.length && faces.every((face) => ids.includes(face[AT.id]));
}

/** Ids as one reads the stage, from left to right, a crowd row by row. */
export function orderOf(faces: readonly FaceBlock[], mirrored: boolean): number[] {
  const frames = faces.map((face) => frameOf(face, { x: 0, y: 0, z: 0, scale: 1 }));
  return reading(frames, mirrored).map((i) => faces[i][AT.id]);
}

/** Who follows `lead` by `step` places, around the ends; the first where `lead` is not there. */
export function nextOf(ids: readonly number[], lead: number, step: 1 | -1): number {
  const at = ids.indexOf(lead);
  return at < 0 ? ids[0] : ids[(at + step + ids.length) % ids.length];
}
