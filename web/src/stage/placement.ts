/**
 * Where a face stands on the stage. Stage axes: x right, y up, z towards the viewer, in head units
 * (a centimetre on a face of average size), the head's own origin at 0. Mirroring is not done here:
 * the stage mirrors its whole scene, so that points, layout and light agree.
 */

import { AT, type FaceBlock } from "../live/protocol";
import { CANONICAL, POINTS, RIGID } from "../tables";

/** What lays picture coordinates on the stage: `(p - origin) / scale`, y and z turned. */
export interface Frame3 {
  x: number;
  y: number;
  z: number;
  scale: number;
}

const canonicalExtent = extent(CANONICAL, 0);

function extent(points: Float32Array, at: number): number {
  let cx = 0;
  let cy = 0;
  for (const i of RIGID) {
    cx += points[at + i * 3];
    cy += points[at + i * 3 + 1];
  }
  cx /= RIGID.length;
  cy /= RIGID.length;
  let sum = 0;
  for (const i of RIGID) sum += Math.hypot(points[at + i * 3] - cx, points[at + i * 3 + 1] - cy);
  return sum / RIGID.length;
}

/** From the pose, or, where there is none, from the middle and size of the rigid points. */
export function frameOf(block: FaceBlock, out: Frame3): Frame3 {
  const scale = block[AT.scale];
  if (Number.isFinite(scale) && scale > 0) {
    out.x = block[AT.translation];
    out.y = block[AT.translation + 1];
    out.z = block[AT.translation + 2];
    out.scale = scale;
    return out;
  }
  out.scale = Math.max(extent(block, AT.points) / canonicalExtent, 1e-6);
  out.x = out.y = out.z = 0;
  let hx = 0;
  let hy = 0;
  let hz = 0;
  for (const i of RIGID) {
    out.x += block[AT.points + i * 3] / RIGID.length;
    out.y += block[AT.points + i * 3 + 1] / RIGID.length;
    out.z += block[AT.points + i * 3 + 2] / RIGID.length;
    hx += CANONICAL[i * 3] / RIGID.length;
    hy += CANONICAL[i * 3 + 1] / RIGID.length;
    hz += CANONICAL[i * 3 + 2] / RIGID.length;
  }
  // The rigid points lie above and before the head's origin by as much as on the mean face.
  out.x -= hx * out.scale;
  out.y += hy * out.scale;
  out.z += hz * out.scale;
  return out;
}

/** Points of a face in stage axes, around the head's origin. */
export function place(block: FaceBlock, frame: Frame3, out: Float32Array): void {
  const inverse = 1 / frame.scale;
  for (let i = 0; i < POINTS; i++) {
    const p = AT.points + i * 3;
    out[i * 3] = (block[p] - frame.x) * inverse;
    out[i * 3 + 1] = (frame.y - block[p + 1]) * inverse;
    out[i * 3 + 2] = (frame.z - block[p + 2]) * inverse;
  }
}

/** Texture coordinates: share of the picture, first row at 0. */
export function textureOf(block: FaceBlock, width: number, height: number, out: Float32Array): void {
  for (let i = 0; i < POINTS; i++) {
    out[i * 2] = block[AT.points + i * 3] / width;
    out[i * 2 + 1] = block[AT.points + i * 3 + 1] / height;
  }
}

/** Where one of several faces stands: stage position of its origin, and its relative size. */
export interface Spot {
  x: number;
  y: number;
  size: number;
}

/** Distance of two heads side by side, in head units. */
const SHOULDERS = 24;
/** More faces than these are a crowd. */
const CROWD = 4;

/**
 * Several faces stand as they do in the picture, in units of their median size, their middle at 0;
 * a single face stands in the middle at size 1, wherever and how near it was in the picture.
 * A crowd is lined up in ranks, or its faces would be dots.
 */
export function layout(frames: readonly Readonly<Frame3>[]): Spot[] {
  if (frames.length < 2) return frames.map(() => ({ x: 0, y: 0, size: 1 }));
  if (frames.length > CROWD) return ranks(frames);
  const sizes = frames.map((f) => f.scale).sort((a, b) => a - b);
  const median = sizes[sizes.length >> 1];
  const xs = frames.map((f) => f.x);
  const ys = frames.map((f) => f.y);
  const mx = (Math.min(...xs) + Math.max(...xs)) / 2;
  const my = (Math.min(...ys) + Math.max(...ys)) / 2;
  let nearest = Infinity;
  frames.forEach((a, i) => {
    for (const b of frames.slice(i + 1)) nearest = Math.min(nearest, Math.hypot(a.x - b.x, a.y - b.y));
  });
  // People far apart come together until the nearest two stand shoulder to shoulder.
  const closer = Math.min(1, (SHOULDERS * median) / nearest) / median;
  return frames.map((f) => ({
    x: (f.x - mx) * closer,
    y: (my - f.y) * closer,
    size: f.scale / median,
  }));
}

/** The back row of the picture above, each from left to right, all of one size. */
function ranks(frames: readonly Readonly<Frame3>[]): Spot[] {
  const columns = Math.ceil(Math.sqrt(frames.length * 1.6));
  const rows = Math.ceil(frames.length / columns);
  const spots = frames.map((): Spot => ({ x: 0, y: 0, size: 1 }));
  const downwards = frames.map((_, i) => i).sort((a, b) => frames[a].y - frames[b].y);
  for (let row = 0; row < rows; row++) {
    const members = downwards.slice(row * columns, (row + 1) * columns);
    members.sort((a, b) => frames[a].x - frames[b].x);
    members.forEach((member, i) => {
      spots[member].x = (i - (members.length - 1) / 2) * 20;
      spots[member].y = ((rows - 1) / 2 - row) * 23;
    });
  }
  return spots;
}

/** Indices of faces as one reads the stage: a crowd row by row, each from left to right. */
export function reading(frames: readonly Readonly<Frame3>[], mirrored: boolean): number[] {
  const spots = layout(frames);
  const side = mirrored ? -1 : 1;
  // A few stand at the heights of the picture, which make no rows.
  const row = (i: number) => (frames.length > CROWD ? spots[i].y : 0);
  return frames.map((_, i) => i).sort((a, b) => row(b) - row(a) || side * (spots[a].x - spots[b].x));
}

/** Half width and half height that hold a single face, in head units. */
export const ONE_FACE = { width: 8.6, height: 10.2 } as const;

/** Half width and half height that hold all spots with air around each face. */
export function spread(spots: readonly Spot[]): { width: number; height: number } {
  let width: number = ONE_FACE.width;
  let height: number = ONE_FACE.height;
  for (const s of spots) {
    width = Math.max(width, Math.abs(s.x) + ONE_FACE.width * s.size);
    height = Math.max(height, Math.abs(s.y) + ONE_FACE.height * s.size);
  }
  return { width, height };
}
