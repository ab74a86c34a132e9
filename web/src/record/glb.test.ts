import { AnimationMixer, type Mesh } from "three";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
import { describe, expect, it } from "vitest";
import { Figure } from "../avatar/figure";
import { closeGlb, openGltf } from "../avatar/refusal";
import { FACE_FLOATS } from "../generated/wire";
import { AT } from "../live/protocol";
import { CHANNELS } from "../tables";
import { clipOf } from "./clip";
import { type Clip, withClip } from "./glb";
import type { Take } from "./take";

/** A triangle on a head, which can open its jaw and smile. */
function avatar(): ArrayBuffer {
  const values = Float32Array.of(0, 0, 0, 1, 0, 0, 0, 1, 0, /* jawOpen */ 0, -1, 0, 0, 0, 0, 0, 0, 0, /* smile */ 0, 0, 0, 0, 1, 0, 0, 0, 0);
  const accessor = (i: number) => ({ bufferView: i, componentType: 5126, count: 3, type: "VEC3", min: [-9, -9, -9], max: [9, 9, 9] });
  const json = {
    asset: { version: "2.0" },
    scene: 0,
    scenes: [{ nodes: [0] }],
    nodes: [{ name: "Root", children: [1] }, { name: "Head", children: [2] }, { name: "face", mesh: 0 }],
    meshes: [{ primitives: [{ attributes: { POSITION: 0 }, targets: [{ POSITION: 1 }, { POSITION: 2 }] }], extras: { targetNames: ["jawOpen", "mouthSmileLeft"] } }],
    buffers: [{ byteLength: values.byteLength }],
    bufferViews: [0, 1, 2].map((i) => ({ buffer: 0, byteOffset: i * 36, byteLength: 36 })),
    accessors: [0, 1, 2].map(accessor),
  };
  return closeGlb(json, new Uint8Array(values.buffer));
}

async function wear(bytes: ArrayBuffer): Promise<Figure> {
  const gltf = await new GLTFLoader().parseAsync(bytes, "");
  return new Figure({
    name: "triangle",
    scene: gltf.scene,
    bytes,
    indexOf: (node) => gltf.parser.associations.get(node)?.nodes ?? null,
    dispose: () => undefined,
  });
}

/** A take in which the jaw opens and the head turns, at uneven times. */
function take(...moments: [time: number, jaw: number, turn: number][]): Take {
  return {
    name: "take",
    engine: "",
    width: 640,
    height: 480,
    mirrored: true,
    moments: moments.map(([time, jaw, turn]) => {
      const face = new Float32Array(FACE_FLOATS).fill(NaN);
      face[AT.id] = 1;
      face[AT.expression + CHANNELS.indexOf("jawOpen")] = jaw;
      face.set([Math.cos(turn), 0, Math.sin(turn), 0, 1, 0, -Math.sin(turn), 0, Math.cos(turn)], AT.rotation);
      return { time, faces: Number.isNaN(jaw) ? [] : [face] };
    }),
  };
}

const EVEN = new Float32Array(CHANNELS.length).fill(1);

describe("a take on an avatar", () => {
  it("plays in three with the right weights and turns at the right times", async () => {
    const bytes = avatar();
    const clip = clipOf(await wear(bytes), take([0, 0, 0], [0.1, 0.4, 0.2], [0.5, 1, -0.4]), 1, EVEN);
    expect(clip?.tracks.map(({ node, path }) => [node, path])).toEqual([[2, "weights"], [1, "rotation"]]);
    const gltf = await new GLTFLoader().parseAsync(withClip(openGltf(bytes, "a"), clip as Clip), "");
    const mixer = new AnimationMixer(gltf.scene);
    mixer.clipAction(gltf.animations[0]).play();
    const face = gltf.scene.getObjectByName("face") as Mesh;
    for (const [time, jaw, turn] of [[0.05, 0.2, 0.1], [0.1, 0.4, 0.2], [0.3, 0.7, -0.1]]) {
      mixer.setTime(time);
      expect(face.morphTargetInfluences?.[0]).toBeCloseTo(jaw, 4);
      expect(face.morphTargetInfluences?.[1]).toBe(0);
      expect(gltf.scene.getObjectByName("Head")?.quaternion.y).toBeCloseTo(Math.sin(turn / 2), 3);
    }
    expect(gltf.animations[0]).toMatchObject({ name: "take", duration: 0.5 });
  });

  it("leaves out moments without a face, or that no file can tell apart", async () => {
    const figure = await wear(avatar());
    const clip = clipOf(figure, take([0, 0.5, 0], [0.1, NaN, 0], [0.2, 0.6, 0], [0.2, 0.7, 0]), 1, EVEN);
    expect([...(clip?.times ?? [])]).toEqual([0, Math.fround(0.2)]);
    expect(clipOf(figure, take([0, NaN, 0]), 1, EVEN)).toBeNull();
  });

  it("shows channels as strongly as the avatar does", async () => {
    const gains = EVEN.slice().fill(2);
    const clip = clipOf(await wear(avatar()), take([0, 0.3, 0], [1, 0.9, 0]), 1, gains);
    expect([...(clip?.tracks[0].values ?? [])].map((v) => Number(v.toFixed(3)))).toEqual([0.6, 0, 1, 0]);
  });
});

describe("a file with a clip", () => {
  const clip: Clip = { name: "c", times: Float32Array.of(0, 1), tracks: [{ node: 2, path: "weights", values: Float32Array.of(0, 0, 1, 0) }] };

  it("keeps what it had, its own motion last", () => {
    const before = openGltf(avatar(), "a");
    const old = { ...before, json: { ...before.json, animations: [{ name: "old" }] } };
    const { json, bin } = openGltf(withClip(old, clip), "b");
    expect(json.animations).toMatchObject([{ name: "c" }, { name: "old" }]);
    expect([...(bin ?? []).slice(0, before.bin?.length)]).toEqual([...(before.bin ?? [])]);
    expect(json.accessors?.slice(0, 3)).toEqual(before.json.accessors);
    expect(json.accessors?.[3]).toMatchObject({ min: [0], max: [1], count: 2 });
    expect(before.json.animations).toBeUndefined();
  });

  it("may have been a glTF with its values in text", async () => {
    const { json, bin } = openGltf(avatar(), "a");
    const uri = `data:application/octet-stream;base64,${Buffer.from(bin ?? []).toString("base64")}`;
    const text = { ...json, buffers: [{ uri, byteLength: bin?.length ?? 0 }] };
    const made = openGltf(withClip({ json: text, bin: null }, clip), "b");
    expect(made.json.buffers).toHaveLength(2);
    expect(made.json.bufferViews?.map(({ buffer }) => buffer)).toEqual([1, 1, 1, 0, 0]);
    expect(made.bin?.length).toBe(24);
    expect(text.bufferViews?.map(({ buffer }) => buffer)).toEqual([0, 0, 0]);
    await Promise.resolve();
  });
});
