import { describe, expect, it } from "vitest";
import { AvatarError, closeGlb, type GltfJson, openGltf } from "./refusal";

const SOUND = { asset: { version: "2.0" }, nodes: [{ children: [1] }, {}], meshes: [{ primitives: [{}] }] };

function glb(json: GltfJson = SOUND, bin = Uint8Array.of(1, 2, 3)): ArrayBuffer {
  return closeGlb(json, bin);
}

function plainFile(json: unknown): ArrayBuffer {
  return new TextEncoder().encode(JSON.stringify(json)).buffer;
}

describe("an avatar's file", () => {
  it("comes apart as it was put together", () => {
    const { json, bin } = openGltf(glb(), "a.glb");
    expect(json).toEqual(SOUND);
    expect([...(bin ?? [])]).toEqual([1, 2, 3, 0]);
    expect(openGltf(plainFile(SOUND), "a.gltf").bin).toBeNull();
  });

  it.each<[string, ArrayBuffer, string]>([
    ["empty", new ArrayBuffer(0), "is empty"],
    ["words", new TextEncoder().encode("just words").buffer, "is not a glTF"],
    ["some other JSON", plainFile({ a: 1 }), "is not a glTF"],
    ["null", plainFile(null), "is not a glTF"],
    ["a picture", Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10).buffer, "is not a glTF"],
    ["half a header", glb().slice(0, 10), "cut short"],
    ["half a file", glb().slice(0, 90), "cut short"],
    ["glTF 1", plainFile({ ...SOUND, asset: { version: "1.0" } }), "glTF 1.0"],
    ["Draco", glb({ ...SOUND, extensionsRequired: ["KHR_draco_mesh_compression"] }), "Draco"],
    ["KTX2", glb({ ...SOUND, extensionsRequired: ["KHR_texture_basisu"] }), "KTX2"],
    ["unknown needs", glb({ ...SOUND, extensionsRequired: ["ACME_magic"] }), "ACME_magic"],
    ["other files", glb({ ...SOUND, buffers: [{ uri: "face.bin", byteLength: 4 }] }), "face.bin"],
    ["no mesh", glb({ asset: { version: "2.0" }, nodes: [{}] }), "no mesh"],
    ["a circle", glb({ ...SOUND, nodes: [{ children: [1] }, { children: [0] }] }), "circle"],
    ["a circle of one", glb({ ...SOUND, nodes: [{}, { children: [1] }] }), "circle"],
    ["too many targets", glb({ ...SOUND, meshes: [{ primitives: [{ targets: Array<object>(2000).fill({}) }] }] }), "2000 targets"],
  ])("is refused when it is %s", (_, bytes, why) => {
    expect(() => openGltf(bytes, "a.glb")).toThrow(AvatarError);
    expect(() => openGltf(bytes, "a.glb")).toThrow(why);
    expect(() => openGltf(bytes, "a.glb")).toThrow(/^a\.glb cannot be used: .*\.$/);
  });

  it("may have two parents' worth of depth and shared children", () => {
    const nodes = Array.from({ length: 5000 }, (_, i) => ({ children: i < 4999 ? [i + 1] : [] }));
    expect(openGltf(glb({ ...SOUND, nodes }), "deep.glb").json.nodes).toHaveLength(5000);
  });
});
