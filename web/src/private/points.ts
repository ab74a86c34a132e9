/** Landmarks as they go to the server. */

import { FACE_LENGTH, FRAME_BYTES } from "../generated/wire";
import type { Box } from "../live/light";
import { encodeHeader } from "../live/protocol";

/** As the landmarker gives it: x and y in 0..1 of the picture, z in the scale of x. */
export interface Point {
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

/** A frame that brings the points of its faces, in pixels, and no picture. */
export function packLandmarks(faces: readonly (readonly Point[])[], sequence: number, time: number, width: number, height: number): ArrayBuffer {
  const buffer = new ArrayBuffer(FRAME_BYTES + faces.length * FACE_LENGTH.points * 4);
  encodeHeader(buffer, "LANDMARKS", sequence, time, width, height);
  const values = new Float32Array(buffer, FRAME_BYTES);
  let at = 0;
  for (const face of faces) {
    for (const { x, y, z } of face) {
      values[at++] = x * width;
      values[at++] = y * height;
      values[at++] = z * width;
    }
  }
  return buffer;
}

/** What holds all points of a face, in pixels. */
export function boxOfPoints(face: readonly Point[], width: number, height: number): Box {
  const xs = face.map(({ x }) => x * width);
  const ys = face.map(({ y }) => y * height);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}
