import { Bone, BufferAttribute, BufferGeometry, Group, Mesh, MeshBasicMaterial, type Object3D, Quaternion, Vector3 } from "three";
import { describe, expect, it } from "vitest";
import { CHANNELS } from "../tables";
import { Figure, gazeOf } from "./figure";

const at = (name: string) => CHANNELS.indexOf(name);
const AHEAD = Float32Array.of(0, 0, 0, 1);
/** 40 degrees to the person's left. */
const LEFT = Float32Array.of(0, Math.sin(Math.PI / 9), 0, Math.cos(Math.PI / 9));

/** A box of a head, with these targets. */
function skull(...targets: string[]): Mesh {
  const geometry = new BufferGeometry();
  const corners = new Float32Array([-0.1, 0, -0.1, 0.1, 0, 0.1, 0, 0.25, 0]);
  geometry.setAttribute("position", new BufferAttribute(corners, 3));
  geometry.morphAttributes.position = targets.map(() => new BufferAttribute(new Float32Array(9), 3));
  const mesh = new Mesh(geometry, new MeshBasicMaterial());
  mesh.updateMorphTargets();
  mesh.morphTargetDictionary = Object.fromEntries(targets.map((name, i) => [name, i]));
  return mesh;
}

function wear(scene: Object3D): Figure {
  return new Figure({ name: "a", scene, bytes: new ArrayBuffer(0), indexOf: () => null, dispose: () => undefined });
}

function bone(name: string, parent: Object3D, y = 0): Bone {
  const made = new Bone();
  made.name = name;
  made.position.y = y;
  parent.add(made);
  return made;
}

function weights(given: Readonly<Record<string, number>>): Float32Array {
  return Float32Array.from(CHANNELS, (name) => given[name] ?? 0);
}

/** Where the nose of a node points, in the axes of the stage. */
function nose(node: Object3D): Vector3 {
  return new Vector3(0, 0, 1).applyQuaternion(node.getWorldQuaternion(new Quaternion()));
}

describe("a figure", () => {
  it("shows channels by name, whatever the spelling, and names what it lacks", () => {
    const mesh = skull("jawOpen", "eyeBlink_L", "EyeBlinkRight", "hairLong");
    const figure = wear(new Group().add(mesh));
    figure.pose(weights({ jawOpen: 0.5, eyeBlinkLeft: 0.25, eyeBlinkRight: 1 }), AHEAD, 0.01);
    expect(mesh.morphTargetInfluences).toEqual([0.5, 0.25, 1, 0]);
    expect(figure.missing).toHaveLength(49);
    expect(figure.missing).toContain("tongueOut");
  });

  it("shows presets and visemes where it has no channels", () => {
    const mesh = skull("A", "Joy", "Blink", "Blink_L", "Blink_R");
    const figure = wear(mesh);
    figure.pose(weights({ jawOpen: 0.5, mouthSmileLeft: 1, mouthSmileRight: 1, eyeBlinkLeft: 1 }), AHEAD, 0.01);
    expect(mesh.morphTargetInfluences).toEqual([0.75, 1, 0, 1, 0]);
  });

  it("leaves visemes alone where it has channels", () => {
    const mesh = skull("jawOpen", "viseme_aa");
    wear(mesh).pose(weights({ jawOpen: 1 }), AHEAD, 0.01);
    expect(mesh.morphTargetInfluences).toEqual([1, 0]);
  });

  it("without a head turns as a whole", () => {
    const mesh = skull();
    const figure = wear(mesh);
    figure.pose(weights({}), LEFT, 0.01);
    expect([figure.hasHead, figure.missing.length]).toEqual([false, 52]);
    expect(nose(mesh).x).toBeCloseTo(Math.sin((40 * Math.PI) / 180), 4);
  });

  it("turns its head in the axes of the model, however its bones lie, and the neck takes a part", () => {
    const scene = new Group();
    const spine = bone("Spine", scene, 1);
    spine.quaternion.setFromAxisAngle(new Vector3(1, 0, 0), 0.7);
    const neck = bone("Neck", spine, 0.1);
    neck.quaternion.setFromAxisAngle(new Vector3(0, 0, 1), 0.4);
    const head = bone("Head", neck, 0.1);
    head.quaternion.setFromAxisAngle(new Vector3(1, 0, 0), -0.5);
    const mesh = skull("jawOpen");
    head.add(mesh);
    scene.updateMatrixWorld(true);
    const [rest, neckRest] = [head, neck].map((node) => node.getWorldQuaternion(new Quaternion()));
    const figure = wear(scene);
    const turn = new Quaternion().fromArray(LEFT);
    figure.pose(weights({}), LEFT, 0.01);
    expect(head.getWorldQuaternion(new Quaternion()).angleTo(turn.clone().multiply(rest))).toBeCloseTo(0, 3);
    const share = neck.getWorldQuaternion(new Quaternion()).angleTo(neckRest);
    expect(share).toBeCloseTo(0.4 * (40 * Math.PI) / 180, 3);
    figure.pose(weights({}), AHEAD, 0.01);
    expect(head.getWorldQuaternion(new Quaternion()).angleTo(rest)).toBeCloseTo(0, 3);
    expect(figure.moved).toEqual([head, neck]);
  });

  it("turns eyes that are bones, and knows gaze by them", () => {
    const head = bone("Head", new Group());
    const eye = bone("LeftEye", head);
    eye.add(skull());
    const figure = wear(head.parent ?? head);
    figure.pose(weights({ eyeLookOutLeft: 1, eyeLookUpRight: 1 }), AHEAD, 0.01);
    expect(nose(eye).x).toBeCloseTo(Math.sin((35 * Math.PI) / 180), 3);
    expect(nose(eye).y).toBeCloseTo(0, 4);
    figure.pose(weights({ eyeLookUpLeft: 1 }), AHEAD, 0.01);
    expect(nose(eye).y).toBeGreaterThan(0.5);
    expect(figure.missing).toHaveLength(48);
  });

  it("fills the stage with its head, whatever its size", () => {
    for (const scale of [0.01, 1, 100]) {
      const scene = new Group();
      bone("Head", scene).add(skull());
      scene.scale.setScalar(scale);
      const figure = wear(scene);
      expect(figure.root.scale.x * scale).toBeCloseTo(23 / 0.25, 3);
      expect(figure.extent.height).toBeGreaterThan(10);
    }
  });

  it("lets arms down that are held out", () => {
    const scene = new Group();
    const arm = bone("LeftArm", scene, 1.4);
    const hand = bone("LeftHand", arm);
    hand.position.set(0.5, 0, 0);
    wear(scene.add(skull()));
    expect(new Vector3(1, 0, 0).applyQuaternion(arm.quaternion).y).toBeLessThan(-0.8);
  });
});

it("eyes look both ways from their own side", () => {
  const out = { left: 0, down: 0 };
  const reach = { across: 35, up: 35, down: 35 };
  gazeOf(weights({ eyeLookOutRight: 1, eyeLookDownRight: 0.5 }), "rightEye", reach, out);
  expect(out.left).toBeLessThan(0);
  expect(out.down).toBeGreaterThan(0);
  gazeOf(weights({ eyeLookInRight: 1 }), "rightEye", reach, out);
  expect(out.left).toBeCloseTo((35 * Math.PI) / 180);
  expect(at("eyeLookInRight")).toBeGreaterThan(0);
});
