/** A face as heads of emotion are shown it: upright, grey, 48 x 48. As `mien.heads.emotion.cut` does. */

import { AT, type FaceBlock } from "../live/protocol";

export const CROP_SIDE = 48;
/** Longer side of the box around the points, in sides of the square. */
const FILLS = 0.915;
/** How far the middle of the box lies below that of the square, in its sides. */
const BELOW = 0.048;
const POINTS = 478;
/** Pixels that a side of the square is read in; more would tell 48 nothing. */
const FINE = 192;

export interface Square {
  /** Its middle in the picture, pixels. */
  readonly x: number;
  readonly y: number;
  readonly side: number;
  /** The picture turned by this angle has the head upright. */
  readonly cosine: number;
  readonly sine: number;
}

/** The square around a face. */
export function squareOf(face: FaceBlock): Square {
  const at = AT.rotation;
  let cosine = face[at] + face[at + 4];
  let sine = face[at + 3] - face[at + 1];
  const length = Math.hypot(cosine, sine);
  // Without a pose, or seen from above, it stays as it is.
  if (length > 1e-6) {
    cosine /= length;
    sine /= length;
  } else {
    cosine = 1;
    sine = 0;
  }
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < POINTS; i++) {
    const x = face[AT.points + 3 * i];
    const y = face[AT.points + 3 * i + 1];
    const across = cosine * x - sine * y;
    const down = sine * x + cosine * y;
    left = Math.min(left, across);
    right = Math.max(right, across);
    top = Math.min(top, down);
    bottom = Math.max(bottom, down);
  }
  const side = Math.max(Math.max(right - left, bottom - top) / FILLS, 1);
  const across = (left + right) / 2;
  const down = (top + bottom) / 2 - BELOW * side;
  return { x: cosine * across + sine * down, y: cosine * down - sine * across, side, cosine, sine };
}

/** Pixels of a part of a picture: RGBA, and where it lies. */
export interface Part {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  /** Its corner in the picture, and its pixels per pixel of the picture. */
  readonly left: number;
  readonly top: number;
  readonly scale: number;
}

/** Grey levels of a square; what lies beyond the part repeats its edge. */
export function greyOf(part: Part, square: Square): Uint8Array<ArrayBuffer> {
  const grey = new Uint8Array(CROP_SIDE * CROP_SIDE);
  const cell = (square.side * part.scale) / CROP_SIDE;
  // Each pixel is the mean of as many as it covers.
  const many = Math.max(1, Math.ceil(cell));
  const clamp = (value: number, most: number) => Math.min(Math.max(Math.floor(value), 0), most - 1);
  for (let row = 0; row < CROP_SIDE; row++) {
    for (let column = 0; column < CROP_SIDE; column++) {
      let sum = 0;
      for (let k = 0; k < many * many; k++) {
        const across = ((column + ((k % many) + 0.5) / many) / CROP_SIDE - 0.5) * square.side;
        const down = ((row + (Math.floor(k / many) + 0.5) / many) / CROP_SIDE - 0.5) * square.side;
        const x = square.x + square.cosine * across + square.sine * down;
        const y = square.y + square.cosine * down - square.sine * across;
        const i = 4 * (clamp((y - part.top) * part.scale, part.height) * part.width + clamp((x - part.left) * part.scale, part.width));
        sum += 0.299 * part.data[i] + 0.587 * part.data[i + 1] + 0.114 * part.data[i + 2];
      }
      grey[row * CROP_SIDE + column] = Math.round(sum / (many * many));
    }
  }
  return grey;
}

/** The face in grey; null where the browser does not let us look. */
export function cropOf(picture: ImageBitmap, face: FaceBlock): Uint8Array<ArrayBuffer> | null {
  const square = squareOf(face);
  const reach = square.side * Math.SQRT1_2 + 2;
  const left = Math.min(Math.max(Math.floor(square.x - reach), 0), picture.width - 1);
  const top = Math.min(Math.max(Math.floor(square.y - reach), 0), picture.height - 1);
  const right = Math.max(Math.min(Math.ceil(square.x + reach), picture.width), left + 1);
  const bottom = Math.max(Math.min(Math.ceil(square.y + reach), picture.height), top + 1);
  const scale = Math.min(1, FINE / square.side);
  const width = Math.max(1, Math.round((right - left) * scale));
  const height = Math.max(1, Math.round((bottom - top) * scale));
  const context = new OffscreenCanvas(width, height).getContext("2d");
  if (!context) return null;
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, left, top, right - left, bottom - top, 0, 0, width, height);
  return greyOf({ data: context.getImageData(0, 0, width, height).data, width, height, left, top, scale }, square);
}
