/** Puts a motion into a glTF file that is there already; everything else of it stays as it is. */

import { closeGlb, type GltfFile, type GltfJson } from "../avatar/refusal";

/** Values of one node over the times of a clip, one after the other. */
export interface Track {
  /** Index in the file. */
  readonly node: number;
  /** All targets of its mesh, or a quaternion (x, y, z, w). */
  readonly path: "weights" | "rotation";
  readonly values: Float32Array;
}

export interface Clip {
  readonly name: string;
  /** Seconds, ascending. */
  readonly times: Float32Array;
  readonly tracks: readonly Track[];
}

const FLOAT = 5126;

/** The file with the clip as its first animation, as GLB. */
export function withClip(file: GltfFile, clip: Clip): ArrayBuffer {
  const json = structuredClone(file.json);
  const bufferViews = [...(json.bufferViews ?? [])];
  const accessors = [...(json.accessors ?? [])];
  const parts: Uint8Array[] = [file.bin ?? new Uint8Array(0)];
  let length = Math.ceil(parts[0].length / 4) * 4;
  const buffers = file.bin ? (json.buffers ?? []) : moveUp(json, bufferViews);
  const store = (values: Float32Array, more: object): number => {
    bufferViews.push({ buffer: 0, byteOffset: length, byteLength: values.byteLength });
    accessors.push({ bufferView: bufferViews.length - 1, componentType: FLOAT, ...more });
    parts.push(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    length += values.byteLength;
    return accessors.length - 1;
  };
  const { times, tracks } = clip;
  const input = store(times, { count: times.length, type: "SCALAR", min: [times[0]], max: [times[times.length - 1]] });
  const samplers = tracks.map(({ path, values }) => {
    const rotation = path === "rotation";
    return { input, output: store(values, { count: rotation ? times.length : values.length, type: rotation ? "VEC4" : "SCALAR" }), interpolation: "LINEAR" };
  });
  const channels = tracks.map(({ node, path }, sampler) => ({ sampler, target: { node, path } }));
  const bin = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bin.set(part, at);
    at += Math.ceil(part.length / 4) * 4;
  }
  buffers[0] = { ...buffers[0], byteLength: length };
  const animations = [{ name: clip.name, samplers, channels }, ...(json.animations ?? [])];
  return closeGlb({ ...json, buffers, bufferViews, accessors, animations }, bin);
}

/** The binary part of a GLB is its first buffer: those of a plain glTF make room for it. */
function moveUp(json: GltfJson, views: NonNullable<GltfJson["bufferViews"]>): NonNullable<GltfJson["buffers"]> {
  for (const view of views) {
    view.buffer++;
    const packed = view.extensions?.EXT_meshopt_compression;
    if (packed) packed.buffer++;
  }
  return [{ byteLength: 0 }, ...(json.buffers ?? [])];
}
