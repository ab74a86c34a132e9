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
/** Luma that bars keep below: coding leaves them a trace, a sensor in a dark room makes more. */
const BLACK = 5;
/** Samples along each side that a picture within bars has at least; less is a lamp in the dark. */
const SMALLEST = 4;
/** Whether a row, and a column, of samples is more than black. */
const rows = new Uint8Array(SAMPLES);
const columns = new Uint8Array(SAMPLES);

/**
 * Luma (0..255, Rec. 601) that only the brightest few of an RGBA picture's pixels in `box` exceed.
 * Without a box the whole picture counts, less the black bars around it.
 */
export function lightOf(pixels: Uint8ClampedArray, width: number, height: number, box: Box | null): number {
  const light = sample(pixels, width, height, box ?? [0, 0, width, height]);
  const middle = box ? null : withinBars(width, height);
  return middle ? sample(pixels, width, height, middle) : light;
}

/** Sample a box; leaves in `rows` and `columns` where it is more than black. */
function sample(pixels: Uint8ClampedArray, width: number, height: number, [x0, y0, x1, y1]: Box): number {
  const left = Math.min(Math.max(0, x0), width - 1);
  const top = Math.min(Math.max(0, y0), height - 1);
  const across = Math.min(x1, width) - left;
  const down = Math.min(y1, height) - top;
  counts.fill(0);
  rows.fill(0);
  columns.fill(0);
  for (let row = 0; row < SAMPLES; row++) {
    const y = Math.floor(top + Math.max(0, down) * (row / SAMPLES));
    for (let column = 0; column < SAMPLES; column++) {
      const x = Math.floor(left + Math.max(0, across) * (column / SAMPLES));
      const p = (y * width + x) * 4;
      const luma = (pixels[p] * 77 + pixels[p + 1] * 150 + pixels[p + 2] * 29) >> 8;
      counts[luma]++;
      if (luma >= BLACK) rows[row] = columns[column] = 1;
    }
  }
  let above = 0;
  for (let luma = 255; luma > 0; luma--) {
    above += counts[luma];
    if (above > SAMPLES * SAMPLES * BRIGHTEST) return luma;
  }
  return 0;
}

/** What black bars leave of a picture just sampled, or null where there are none. */
function withinBars(width: number, height: number): Box | null {
  const [left, right] = [columns.indexOf(1), columns.lastIndexOf(1) + 1];
  const [top, bottom] = [rows.indexOf(1), rows.lastIndexOf(1) + 1];
  const small = right - left < SMALLEST || bottom - top < SMALLEST;
  const whole = right - left === SAMPLES && bottom - top === SAMPLES;
  if (small || whole) return null;
  const [x, y] = [width / SAMPLES, height / SAMPLES];
  return [left * x, top * y, right * x, bottom * y];
}
