/**
 * Captures of a phone as takes: `.gesichter` files, gzip of `u8 version | u32 count` and, for each
 * packet of Live Link Face, `u32 length | packet`, all big-endian. What they say of eyes is in their
 * channels too; pictures and landmarks they have none.
 */

import { FACE_FLOATS } from "../generated/wire";
import { AT } from "../live/protocol";
import { CHANNELS } from "../tables";
import type { Moment, Take } from "./take";

/** A capture that cannot be played, and why. */
export class CaptureError extends Error {}

const VERSION = 6;
/** The channels, then yaw, pitch and roll of the head and of both eyes, in radians. */
const VALUES = CHANNELS.length + 9;

export function isCapture(file: { readonly name: string }): boolean {
  return file.name.toLowerCase().endsWith(".gesichter");
}

/** Rows of the rotation head frame -> camera axes: yaw to the left, pitch up, roll to the left shoulder. */
export function rotationOf(yaw: number, pitch: number, roll: number): number[] {
  const [cy, sy] = [Math.cos(yaw), Math.sin(yaw)];
  const [cx, sx] = [Math.cos(-pitch), Math.sin(-pitch)];
  const [cz, sz] = [Math.cos(-roll), Math.sin(-roll)];
  return [
    ...[cy * cz + sy * sx * sz, -cy * sz + sy * sx * cz, sy * cx],
    ...[cx * sz, cx * cz, -sx],
    ...[-sy * cz + cy * sx * sz, sy * sz + cy * sx * cz, cy * cx],
  ];
}

/** A packet: seconds, and the face if there is one; null for what is no packet. */
function packetOf(view: DataView): Moment | null {
  if (view.byteLength < 1 || view.getUint8(0) !== VERSION) return null;
  let at = 1;
  for (let name = 0; name < 2; name++) at += 4 + view.getInt32(at);
  const rate = view.getInt32(at + 8) / view.getInt32(at + 12);
  const time = (view.getInt32(at) + view.getFloat32(at + 4)) / rate;
  at += 16;
  if (!Number.isFinite(time)) return null;
  if (view.byteLength === at) return { time, faces: [] };
  if (view.byteLength !== at + 1 + VALUES * 4 || view.getUint8(at) !== VALUES) return null;
  const value = (i: number) => view.getFloat32(at + 1 + i * 4);
  const face = new Float32Array(FACE_FLOATS).fill(NaN);
  face[AT.id] = 1;
  for (let i = 0; i < CHANNELS.length; i++) face[AT.expression + i] = Math.min(1, Math.max(0, value(i)));
  // The format's roll goes to the other shoulder.
  const [yaw, pitch, roll] = [value(CHANNELS.length), value(CHANNELS.length + 1), -value(CHANNELS.length + 2)];
  face.set(rotationOf(yaw, pitch, roll), AT.rotation);
  face.set([yaw, pitch, roll].map((angle) => (angle * 180) / Math.PI), AT.yaw);
  return { time, faces: [face] };
}

async function unpack(file: Blob, name: string): Promise<ArrayBuffer> {
  try {
    return await new Response(file.stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  } catch {
    throw new CaptureError(`${name} cannot be played: it is damaged, or no capture of Live Link packets.`);
  }
}

/**
 * Read a capture; of one that was cut off while it was written, what is whole.
 *
 * @throws CaptureError
 */
export async function readCapture(file: Blob, name: string): Promise<Take> {
  const view = new DataView(await unpack(file, name));
  if (view.byteLength < 5 || view.getUint8(0) !== VERSION) throw new CaptureError(`${name} cannot be played: it is no capture of Live Link packets.`);
  const moments: Moment[] = [];
  let start = 0;
  for (let at = 5; at + 4 <= view.byteLength; ) {
    const length = view.getUint32(at);
    if (at + 4 + length > view.byteLength) break;
    let moment: Moment | null = null;
    try {
      moment = packetOf(new DataView(view.buffer, at + 4, length));
    } catch {
      // It ends too early, and is left out like one of another kind.
    }
    at += 4 + length;
    if (!moment) continue;
    if (moments.length === 0) start = moment.time;
    moments.push({ time: Math.max(moments.at(-1)?.time ?? 0, moment.time - start), faces: moment.faces });
  }
  if (moments.length === 0) throw new CaptureError(`${name} cannot be played: it holds no packets.`);
  return { name: name.replace(/\.gesichter$/i, ""), width: 1, height: 1, moments, engine: "Live Link", mirrored: false };
}
