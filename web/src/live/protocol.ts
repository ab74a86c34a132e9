/** The binary messages; offsets come from the server (`generated/wire.ts`). */

import {
  ANSWER,
  ANSWER_BYTES,
  ENCODING,
  FACE,
  FACE_FLOATS,
  FRAME,
  MAGIC,
  STAGES,
  WIRE_VERSION,
} from "../generated/wire";

/** Offsets within a face's block, in floats. */
export const AT = FACE;

/** All numbers of one face; a value that no model produced is NaN. */
export type FaceBlock = Float32Array;

export interface Answer {
  readonly sequence: number;
  /** Seconds, as sent with the frame. */
  readonly time: number;
  readonly width: number;
  readonly height: number;
  /** Frames dropped for a newer one since the session began. */
  readonly dropped: number;
  /** Seconds by stage, in the order of `STAGES`. */
  readonly seconds: Float32Array;
  readonly faces: readonly FaceBlock[];
}

export function encodeHeader(
  buffer: ArrayBuffer,
  encoding: keyof typeof ENCODING,
  sequence: number,
  time: number,
  width: number,
  height: number,
): void {
  const words = new Uint32Array(buffer, 0, FRAME.height / 4 + 1);
  words[FRAME.magic / 4] = MAGIC;
  words[FRAME.version / 4] = WIRE_VERSION;
  words[FRAME.encoding / 4] = ENCODING[encoding];
  words[FRAME.sequence / 4] = sequence;
  words[FRAME.width / 4] = width;
  words[FRAME.height / 4] = height;
  new Float64Array(buffer, FRAME.time, 1)[0] = time;
}

export function sequenceOf(buffer: ArrayBuffer): number {
  return new Uint32Array(buffer, ANSWER.sequence, 1)[0];
}

/** Lay views on an answer without copying; null if it is not one of this version. */
export function parseAnswer(buffer: ArrayBuffer): Answer | null {
  if (buffer.byteLength < ANSWER_BYTES) return null;
  const words = new Uint32Array(buffer, 0, ANSWER_BYTES / 4);
  const count = words[ANSWER.faces / 4];
  const block = words[ANSWER.block / 4];
  if (
    words[ANSWER.magic / 4] !== MAGIC ||
    words[ANSWER.version / 4] !== WIRE_VERSION ||
    block !== FACE_FLOATS ||
    buffer.byteLength !== ANSWER_BYTES + count * block * 4
  ) {
    return null;
  }
  return {
    sequence: words[ANSWER.sequence / 4],
    time: new Float64Array(buffer, ANSWER.time, 1)[0],
    width: words[ANSWER.width / 4],
    height: words[ANSWER.height / 4],
    dropped: words[ANSWER.dropped / 4],
    seconds: new Float32Array(buffer, ANSWER.seconds_wait, STAGES.length),
    faces: Array.from(
      { length: count },
      (_, i) => new Float32Array(buffer, ANSWER_BYTES + i * block * 4, block),
    ),
  };
}
