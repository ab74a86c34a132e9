/** How bright a face is in the picture it was, or will be, seen in. */

import { FACE_LENGTH } from "../generated/wire";
import { AT, type FaceBlock } from "./protocol";

/** Left, top, right and bottom in pixels. */
export type Box = readonly [number, number, number, number];

/** What holds all points of a face. */
export function boxOf(face: FaceBlock): Box {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = AT.points; i < AT.points + FACE_LENGTH.points; i += 3) {
    const x = face[i];
    const y = face[i + 1];
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  return [left, top, right, bottom];
}

const counts = new Uint32Array(256);
/** Samples along each side of the box. */
const SAMPLES = 32;
/**
 * Share of the samples that may be brighter. In good light even the darkest skin shines at nose,
 * cheeks and eyes, so these tell of the light, where the mean would tell of the skin.
 */
const BRIGHTEST = 0.05;

/** Luma (0..255, Rec. 601) that only the brightest few of an RGBA picture's pixels in `box` exceed. */
export function lightOf(pixels: Uint8ClampedArray, width: number, height: number, box: Box | null): number {
  const [x0, y0, x1, y1] = box ?? [0, 0, width, height];
  const left = Math.min(Math.max(0, x0), width - 1);
  const top = Math.min(Math.max(0, y0), height - 1);
  const across = Math.min(x1, width) - left;
  const down = Math.min(y1, height) - top;
  counts.fill(0);
  for (let row = 0; row < SAMPLES; row++) {
    const y = Math.floor(top + Math.max(0, down) * (row / SAMPLES));
    for (let column = 0; column < SAMPLES; column++) {
      const x = Math.floor(left + Math.max(0, across) * (column / SAMPLES));
      const p = (y * width + x) * 4;
      counts[(pixels[p] * 77 + pixels[p + 1] * 150 + pixels[p + 2] * 29) >> 8]++;
    }
  }
  let above = 0;
  for (let luma = 255; luma > 0; luma--) {
    above += counts[luma];
    if (above > SAMPLES * SAMPLES * BRIGHTEST) return luma;
  }
  return 0;
}
