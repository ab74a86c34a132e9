/** Looks at the bytes of an avatar before anything is made of them, and refuses in sentences. */

/** An avatar that cannot be used: why, and what to do. */
export class AvatarError extends Error {}

const GLB = 0x46546c67;
const JSON_CHUNK = 0x4e4f534a;
const BIN_CHUNK = 0x004e4942;
const MIB = 2 ** 20;
/** Bytes of a file, and nodes, that a page can be asked to hold. */
export const LARGEST = 200 * MIB;
const MOST_NODES = 20_000;
const MOST_TARGETS = 1024;

/** Needed extensions that the page's reader knows. */
const KNOWN = new Set([
  "KHR_materials_unlit",
  "KHR_texture_transform",
  "KHR_mesh_quantization",
  "KHR_materials_emissive_strength",
  "KHR_materials_specular",
  "KHR_materials_ior",
  "KHR_materials_clearcoat",
  "KHR_materials_sheen",
  "KHR_materials_transmission",
  "KHR_materials_volume",
  "KHR_lights_punctual",
  "EXT_meshopt_compression",
  "EXT_texture_webp",
  "EXT_texture_avif",
  "VRM",
  "VRMC_vrm",
  "VRMC_materials_mtoon",
  "VRMC_springBone",
  "VRMC_node_constraint",
]);
const REMEDY: Readonly<Record<string, string>> = {
  KHR_draco_mesh_compression: "its meshes are compressed with Draco; export it without compression, or with meshopt",
  KHR_texture_basisu: "its textures are KTX2; export it with PNG, JPEG or WebP textures",
};

/** What of a glTF's JSON is looked at here. */
export interface GltfJson {
  asset?: { version?: string };
  extensionsUsed?: string[];
  extensionsRequired?: string[];
  buffers?: { uri?: string; byteLength: number }[];
  bufferViews?: { buffer: number; byteOffset?: number; byteLength: number; extensions?: { EXT_meshopt_compression?: { buffer: number } } }[];
  images?: { uri?: string }[];
  nodes?: { children?: number[]; name?: string }[];
  meshes?: { primitives?: { targets?: unknown[] }[] }[];
  accessors?: object[];
  animations?: object[];
}

export interface GltfFile {
  readonly json: GltfJson;
  /** The binary chunk of a GLB; null in a plain .gltf. */
  readonly bin: Uint8Array<ArrayBuffer> | null;
}

function refuse(name: string, why: string): never {
  throw new AvatarError(`${name} cannot be used: ${why}.`);
}

/**
 * Take a file apart.
 *
 * @throws AvatarError
 */
export function openGltf(bytes: ArrayBuffer, name: string): GltfFile {
  if (bytes.byteLength > LARGEST) refuse(name, `it has ${Math.round(bytes.byteLength / MIB)} MB, and ${LARGEST / MIB} MB are the most; make its textures smaller`);
  if (bytes.byteLength < 4) refuse(name, "it is empty");
  const view = new DataView(bytes);
  if (view.getUint32(0, true) !== GLB) return { json: check(parse(bytes, name), name), bin: null };
  const whole = bytes.byteLength >= 20 ? view.getUint32(8, true) : Infinity;
  if (whole > bytes.byteLength) refuse(name, "it is cut short; copy or download it again");
  const version = view.getUint32(4, true);
  if (version !== 2) refuse(name, `it is glTF ${version}, and 2 is needed; export it again`);
  let json: GltfJson | null = null;
  let bin: Uint8Array<ArrayBuffer> | null = null;
  for (let at = 12; at + 8 <= whole; ) {
    const length = view.getUint32(at, true);
    const kind = view.getUint32(at + 4, true);
    if (at + 8 + length > whole) refuse(name, "it is cut short; copy or download it again");
    if (kind === JSON_CHUNK && !json) json = parse(bytes.slice(at + 8, at + 8 + length), name);
    else if (kind === BIN_CHUNK && !bin) bin = new Uint8Array(bytes, at + 8, length);
    at += 8 + length;
  }
  if (!json) refuse(name, "it holds no glTF; export it again");
  return { json: check(json, name), bin };
}

function parse(bytes: ArrayBuffer, name: string): GltfJson {
  try {
    const json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as GltfJson | null;
    if (typeof json === "object" && json?.asset) return json;
  } catch {
    // Told below.
  }
  return refuse(name, "it is not a glTF; avatars are .glb, .gltf or .vrm files");
}

function check(json: GltfJson, name: string): GltfJson {
  const version = json.asset?.version ?? "";
  if (!version.startsWith("2")) refuse(name, `it is glTF ${version || "of an unknown version"}, and 2.0 is needed; export it again`);
  const strange = (json.extensionsRequired ?? []).filter((extension) => !KNOWN.has(extension));
  if (strange.length > 0) refuse(name, REMEDY[strange[0]] ?? `it needs ${strange.join(", ")}, which the page cannot read; export it without`);
  const outside = [...(json.buffers ?? []), ...(json.images ?? [])].find(({ uri }) => uri !== undefined && !uri.startsWith("data:"));
  if (outside) refuse(name, `a part of it lies in another file (${outside.uri?.slice(0, 60)}); export it as one GLB`);
  const nodes = json.nodes ?? [];
  if (!json.meshes?.length || nodes.length === 0) refuse(name, "it has no mesh");
  if (nodes.length > MOST_NODES) refuse(name, `it has ${nodes.length} nodes, and ${MOST_NODES} are the most`);
  const most = Math.max(0, ...json.meshes.flatMap(({ primitives }) => (primitives ?? []).map(({ targets }) => targets?.length ?? 0)));
  if (most > MOST_TARGETS) refuse(name, `a mesh has ${most} targets, and ${MOST_TARGETS} are the most`);
  if (hasCycle(nodes)) refuse(name, "its nodes go around in a circle; export it again");
  return json;
}

function hasCycle(nodes: readonly { children?: number[] }[]): boolean {
  const state = new Uint8Array(nodes.length);
  for (let root = 0; root < nodes.length; root++) {
    const path: [node: number, next: number][] = [[root, 0]];
    while (path.length > 0) {
      const top = path[path.length - 1];
      const [node, next] = top;
      if (next === 0) {
        if (state[node] === 2) {
          path.pop();
          continue;
        }
        state[node] = 1;
      }
      const child = nodes[node].children?.at(next);
      top[1]++;
      if (child === undefined) {
        state[node] = 2;
        path.pop();
      } else if (child < nodes.length && child >= 0) {
        if (state[child] === 1) return true;
        path.push([child, 0]);
      }
    }
  }
  return false;
}

/** Put a file together again: as GLB, whatever it was. */
export function closeGlb(json: GltfJson, bin: Uint8Array): ArrayBuffer {
  const text = new TextEncoder().encode(JSON.stringify(json));
  const [textLength, binLength] = [text.length, bin.length].map((length) => Math.ceil(length / 4) * 4);
  const out = new ArrayBuffer(12 + 8 + textLength + 8 + binLength);
  const view = new DataView(out);
  const words = [GLB, 2, out.byteLength, textLength, JSON_CHUNK];
  words.forEach((word, i) => view.setUint32(i * 4, word, true));
  const bytes = new Uint8Array(out);
  bytes.fill(0x20, 20, 20 + textLength);
  bytes.set(text, 20);
  view.setUint32(20 + textLength, binLength, true);
  view.setUint32(24 + textLength, BIN_CHUNK, true);
  bytes.set(bin, 28 + textLength);
  return out;
}
