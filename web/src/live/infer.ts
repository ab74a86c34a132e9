/** Faces of a still picture: one request, no session. */

import type { components } from "../generated/api";
import { FACE_FLOATS, FACE_LENGTH } from "../generated/wire";
import { spoken } from "../state";
import { CHANNELS } from "../tables";
import type { FaceAnswer, InferAnswer } from "./messages";
import { AT, type FaceBlock } from "./protocol";

type Problem = components["schemas"]["Problem"];

export interface Still {
  readonly faces: readonly FaceBlock[];
  readonly width: number;
  readonly height: number;
  readonly engine: string;
  readonly timings: Readonly<Record<string, number>>;
}

/** The server answered, but not with faces. */
export class InferError extends Error {}

/**
 * @throws InferError with the server's own words
 * @throws TypeError when no server answers
 */
export async function infer(picture: Blob, token: string | null, signal: AbortSignal): Promise<Still> {
  const body = new FormData();
  body.append("image", picture, "picture");
  const response = await fetch("./infer", {
    method: "POST",
    body,
    signal,
    headers: token ? { Authorization: `Bearer ${token}` } : {},
  });
  if (!response.ok) {
    // A proxy in between answers without our body.
    const problem = (await response.json().catch(() => null)) as Problem | null;
    const error = problem?.error;
    throw new InferError(error ? spoken(error) : `The server answered ${response.status}.`);
  }
  const answer = (await response.json()) as InferAnswer;
  return {
    faces: answer.faces.map(blockOf),
    width: answer.size.width,
    height: answer.size.height,
    engine: answer.engine,
    timings: answer.timings,
  };
}

/** The block of a face that came as JSON from `/infer`. */
export function blockOf(face: FaceAnswer): FaceBlock {
  const block = new Float32Array(FACE_FLOATS).fill(NaN);
  const put = (at: number, length: number, values: Iterable<number | null> | null) => {
    if (!values) return;
    let i = 0;
    for (const value of values) {
      if (i < length) block[at + i++] = value ?? NaN;
    }
  };
  block[AT.id] = face.id;
  block[AT.presence] = face.presence ?? NaN;
  block[AT.inside] = face.inside;
  if (face.mouth_open !== null) block[AT.mouth_open] = Number(face.mouth_open);
  if (face.pose) {
    block[AT.yaw] = face.pose.yaw;
    block[AT.pitch] = face.pose.pitch;
    block[AT.roll] = face.pose.roll;
    block[AT.scale] = face.pose.scale;
    put(AT.translation, FACE_LENGTH.translation, face.pose.translation);
    put(AT.rotation, FACE_LENGTH.rotation, face.pose.rotation.flat());
  }
  put(AT.points, FACE_LENGTH.points, face.landmarks?.flat() ?? null);
  const { channels, engine_shapes: shapes } = face;
  const named = (table: Record<string, number | null>) =>
    CHANNELS.map((name) => (name in table ? table[name] : null));
  put(AT.expression, FACE_LENGTH.expression, channels && named(channels));
  put(AT.engine_shapes, FACE_LENGTH.engine_shapes, shapes && named(shapes));
  put(AT.morphable, FACE_LENGTH.morphable, face.morphable);
  put(AT.action_units, FACE_LENGTH.action_units, face.action_units && Object.values(face.action_units));
  put(AT.emotion, FACE_LENGTH.emotion, face.emotion && Object.values(face.emotion));
  return block;
}
