/** An avatar on the stage: finds what of it can move, and moves it. */

import { type Bone, Box3, Group, MathUtils, type Mesh, MeshLambertMaterial, MeshStandardMaterial, type Object3D, Quaternion, type SkinnedMesh, Vector3 } from "three";
import { CHANNELS } from "../tables";
import { Morphs } from "./morphs";
import { type BoneName, boneOf, channelOf } from "./names";
import { driven, type Expression, expressionOf } from "./recipes";

/** Height of a head on the stage, in head units, and where its middle stands. */
const HEAD = 23;
const MIDDLE = 0.6;
/** Degrees that an eye turns when a channel is at 1, as ARKit's own eyes and the server's do. */
const GAZE = { across: 35, up: 35, down: 35 } as const;
/** Radians that the jaw turns with jawOpen at 1. */
const JAW = MathUtils.degToRad(25);
/** Share of a turn that the neck takes. */
const NECK = 0.4;
/** Arms that are held out are let down by this. */
const ARMS = MathUtils.degToRad(65);

const at = (name: string) => CHANNELS.indexOf(name);
const LOOK = {
  leftEye: { out: at("eyeLookOutLeft"), in: at("eyeLookInLeft"), up: at("eyeLookUpLeft"), down: at("eyeLookDownLeft"), side: 1 },
  rightEye: { out: at("eyeLookOutRight"), in: at("eyeLookInRight"), up: at("eyeLookUpRight"), down: at("eyeLookDownRight"), side: -1 },
} as const;
const JAW_OPEN = at("jawOpen");

/** How far eyes turn, in degrees. */
export interface Reach {
  readonly across: number;
  readonly up: number;
  readonly down: number;
}

/** One eye's turn from the channels: radians to the person's left, and down. */
export function gazeOf(weights: Float32Array, eye: "leftEye" | "rightEye", reach: Reach, out: { left: number; down: number }): void {
  const { out: outward, in: inward, up, down, side } = LOOK[eye];
  out.left = MathUtils.degToRad((weights[outward] - weights[inward]) * side * reach.across);
  out.down = MathUtils.degToRad(weights[down] * reach.down - weights[up] * reach.up);
}

/** What drives expressions that are more than morph targets (VRM). */
export interface Expressions {
  /** Channels that show, and those an eye's turn is made of. */
  readonly shown: ReadonlySet<number>;
  /** Whether it turns the eyes itself. */
  readonly looks: boolean;
  set: (weights: Float32Array) => void;
  /** After bones and expressions were set; seconds. */
  update: (elapsed: number) => void;
}

interface Binding {
  readonly influences: number[];
  readonly target: number;
  readonly channels: readonly number[];
  readonly weights: readonly number[];
}

/** A bone, and what turns a rotation in the axes of the model into its own. */
interface Joint {
  readonly node: Object3D;
  readonly rest: Quaternion;
  /** Rest of its parent, in the axes of the model. */
  readonly above: Quaternion;
  readonly back: Quaternion;
}

export interface Loaded {
  readonly name: string;
  readonly scene: Object3D;
  /** The file, to be written again with an animation. */
  readonly bytes: ArrayBuffer;
  /** Index in the file of each node that was read from it. */
  readonly indexOf: (node: Object3D) => number | null;
  /** Bones the file names itself. */
  readonly bones?: Partial<Record<BoneName, Object3D>>;
  readonly expressions?: Expressions;
  readonly reach?: Reach | undefined;
  readonly dispose: () => void;
}

export class Figure {
  /** Normalised: head units, the face towards +z, the head's middle near 0. */
  readonly root = new Group();
  readonly name: string;
  readonly bytes: ArrayBuffer;
  /** Channels that nothing of it shows. */
  readonly missing: readonly string[];
  /** Half width and half height to be seen, in head units. */
  readonly extent: { readonly width: number; readonly height: number };
  /** What can change: for an animation. */
  readonly meshes: readonly Mesh[];
  readonly moved: readonly Object3D[];
  /** What its targets need so that they do not add up to too much; changes the weights in place. */
  settle: ((weights: Float32Array) => void) | null = null;
  private readonly pivot = new Group();
  private readonly joints: Partial<Record<BoneName, Joint>> = {};
  private readonly bindings: readonly Binding[];
  private readonly eyes: readonly ("leftEye" | "rightEye")[];
  private readonly jawTurns: boolean;
  private readonly turn = new Quaternion();
  private readonly part = new Quaternion();
  private readonly look = { left: 0, down: 0 };
  private readonly morphs: Morphs[] = [];

  constructor(private readonly loaded: Loaded) {
    this.name = loaded.name;
    this.bytes = loaded.bytes;
    const { scene } = loaded;
    this.pivot.add(scene);
    this.root.add(this.pivot);
    this.root.updateMatrixWorld(true);

    const meshes: Mesh[] = [];
    const bones: Partial<Record<BoneName, Object3D>> = { ...loaded.bones };
    scene.traverse((node) => {
      if ("isMesh" in node) meshes.push(node as Mesh);
      const bone = boneOf(node.name);
      // A mesh may be called like the bone that it hangs on.
      if (bone && !("isMesh" in node) && (!bones[bone] || (isBone(node) && !isBone(bones[bone])))) bones[bone] = node;
    });
    for (const mesh of meshes) mesh.frustumCulled = false;
    this.meshes = meshes.filter((mesh) => (mesh.morphTargetInfluences?.length ?? 0) > 0);
    for (const [name, node] of Object.entries(bones) as [BoneName, Object3D][]) this.joints[name] = jointOf(node);
    this.letArmsDown();

    const expressions = loaded.expressions;
    const shown = new Set(expressions?.shown);
    this.bindings = expressions ? [] : bind(this.meshes, shown);
    this.eyes = expressions?.looks ? [] : (["leftEye", "rightEye"] as const).filter((eye) => this.joints[eye] && !this.targetsTurn(eye));
    this.jawTurns = this.joints.jaw !== undefined && (!shown.has(JAW_OPEN) || this.carries("jaw"));
    if (this.jawTurns) shown.add(JAW_OPEN);
    const turning = expressions?.looks ? (["leftEye", "rightEye"] as const) : this.eyes;
    for (const eye of turning) {
      const { out, in: inward, up, down } = LOOK[eye];
      for (const channel of [out, inward, up, down]) shown.add(channel);
    }
    this.missing = CHANNELS.filter((_, i) => !shown.has(i));
    const movable: BoneName[] = ["head", "neck", ...this.eyes, ...(this.jawTurns ? (["jaw"] as const) : [])];
    this.moved = movable.flatMap((bone) => this.joints[bone]?.node ?? []);
    this.extent = this.normalise(meshes);
  }

  /** Be drawn without a graphics card, as fast as that goes. */
  soften(): void {
    if (this.morphs.length > 0) return;
    for (const mesh of this.meshes) this.morphs.push(new Morphs(mesh));
    this.loaded.scene.traverse((node) => {
      if ("isMesh" in node) cheapen(node as Mesh);
    });
  }

  /** Index of a node in the file, or null for one that is not of it. */
  indexOf(node: Object3D): number | null {
    return this.loaded.indexOf(node);
  }

  /** Whether something of it moves on by itself: hair, cloth. */
  get swings(): boolean {
    return this.loaded.expressions !== undefined;
  }

  /** Whether its head turns on a neck, and not as a whole. */
  get hasHead(): boolean {
    return this.joints.head !== undefined;
  }

  /** Show a face: weights by channel, the head's turn (x, y, z, w). Allocates nothing. */
  pose(weights: Float32Array, head: Float32Array, elapsed: number): void {
    this.arrange(weights, head, elapsed);
    for (const morphs of this.morphs) morphs.apply();
  }

  /** Set bones and weights as a face wants them, without moving a vertex. */
  arrange(weights: Float32Array, head: Float32Array, elapsed: number): void {
    const { bindings, joints, turn, look } = this;
    for (const { influences, target, channels, weights: shares } of bindings) {
      let sum = 0;
      for (let i = 0; i < channels.length; i++) sum += weights[channels[i]] * shares[i];
      influences[target] = Math.min(1, Math.max(0, sum));
    }
    turn.set(head[0], head[1], head[2], head[3]);
    if (!joints.head) this.pivot.quaternion.copy(turn);
    else if (!joints.neck) this.bend(joints.head, turn);
    else {
      this.part.identity().slerp(turn, NECK);
      this.bend(joints.neck, this.part);
      this.part.invert().multiply(turn);
      this.bend(joints.head, this.part);
    }
    for (const eye of this.eyes) {
      const joint = joints[eye];
      if (!joint) continue;
      gazeOf(weights, eye, this.loaded.reach ?? GAZE, look);
      this.bend(joint, this.euler(look.down, look.left));
    }
    if (this.jawTurns && joints.jaw) this.bend(joints.jaw, this.euler(weights[JAW_OPEN] * JAW, 0));
    this.loaded.expressions?.set(weights);
    this.loaded.expressions?.update(elapsed);
  }

  dispose(): void {
    this.root.removeFromParent();
    this.loaded.dispose();
  }

  /** A turn of `left` about y after one of `down` about x, in radians. */
  private euler(down: number, left: number): Quaternion {
    const [cx, sx] = [Math.cos(down / 2), Math.sin(down / 2)];
    const [cy, sy] = [Math.cos(left / 2), Math.sin(left / 2)];
    return this.turn.set(cy * sx, sy * cx, -sy * sx, cy * cx);
  }

  /** Turn a bone by a rotation in the axes of the model. */
  private bend({ node, rest, above, back }: Joint, by: Quaternion): void {
    node.quaternion.copy(back).multiply(by).multiply(above).multiply(rest);
  }

  private letArmsDown(): void {
    const tip = new Vector3();
    const from = new Vector3();
    for (const [name, side] of [["leftArm", -1], ["rightArm", 1]] as const) {
      const joint = this.joints[name];
      const hand = joint?.node.children.at(0);
      if (!joint || !hand) continue;
      tip.setFromMatrixPosition(hand.matrixWorld).sub(from.setFromMatrixPosition(joint.node.matrixWorld)).normalize();
      // Arms that hang already stay.
      if (Math.abs(tip.y) > 0.5) continue;
      this.bend(joint, this.part.setFromAxisAngle(from.set(0, 0, 1), side * ARMS));
    }
  }

  /** Whether meshes hang below a bone without being skinned by it. */
  private carries(bone: BoneName): boolean {
    let found = false;
    this.joints[bone]?.node.traverse((node) => (found ||= "isMesh" in node && !("isSkinnedMesh" in node)));
    return found;
  }

  /** Whether targets that look aside move the eyeball itself, which must not be turned as well. */
  private targetsTurn(eye: "leftEye" | "rightEye"): boolean {
    const bone = this.joints[eye]?.node;
    if (!bone) return false;
    for (const mesh of this.meshes) {
      const target = Object.entries(mesh.morphTargetDictionary ?? {}).find(([name]) => channelOf(name) === LOOK[eye].out)?.[1];
      const deltas = target === undefined ? undefined : (mesh.geometry.morphAttributes.position)?.at(target);
      if (!deltas) continue;
      for (let i = 0; i < deltas.count; i++) {
        const moves = Math.abs(deltas.getX(i)) + Math.abs(deltas.getY(i)) + Math.abs(deltas.getZ(i)) > 1e-5;
        if (moves && hangsOn(mesh, i, bone)) return true;
      }
    }
    return false;
  }

  /** Scale and place it so that its head, or all of it where there is no head, fills the stage. */
  private normalise(meshes: readonly Mesh[]): { width: number; height: number } {
    const all = new Box3();
    const head = new Box3();
    const point = new Vector3();
    const skull = this.joints.head?.node;
    for (const mesh of meshes) {
      const { count } = mesh.geometry.attributes.position;
      for (let i = 0; i < count; i++) {
        mesh.getVertexPosition(i, point).applyMatrix4(mesh.matrixWorld);
        all.expandByPoint(point);
        if (skull && hangsOn(mesh, i, skull)) head.expandByPoint(point);
      }
    }
    const size = new Vector3();
    const centre = new Vector3();
    const known = !head.isEmpty() && head.getSize(size).y > 1e-6;
    const box = known ? head : all;
    if (box.isEmpty()) box.set(new Vector3(-0.1, -0.1, -0.1), new Vector3(0.1, 0.1, 0.1));
    box.getSize(size);
    box.getCenter(centre);
    if (!this.joints.head) {
      // It turns as a whole, about where its neck would be.
      const neck = new Vector3(centre.x, centre.y - size.y * 0.25, centre.z);
      this.pivot.position.copy(neck);
      this.loaded.scene.position.sub(neck);
    }
    const tallest = known ? size.y : Math.max(size.y, size.x, size.z * 0.7, 1e-6);
    const scale = HEAD / tallest;
    this.root.scale.setScalar(scale);
    this.root.position.set(-centre.x * scale, MIDDLE - centre.y * scale, -centre.z * scale);
    return { width: Math.max(10.5, (size.x * scale) / 2 + 1.5), height: known ? 14.5 : 13 };
  }
}

/** Diffuse light alone takes a fraction of the time. */
function cheapen(mesh: Mesh): void {
  if (!(mesh.material instanceof MeshStandardMaterial)) return;
  const { name, color, map, emissive, emissiveMap, emissiveIntensity, alphaTest, transparent, opacity, side, vertexColors, depthWrite } = mesh.material;
  mesh.material = new MeshLambertMaterial({ name, color, map, emissive, emissiveMap, emissiveIntensity, alphaTest, transparent, opacity, side, vertexColors, depthWrite });
}

function isBone(node: Object3D): node is Bone {
  return "isBone" in node;
}

function jointOf(node: Object3D): Joint {
  const above = new Quaternion();
  node.parent?.getWorldQuaternion(above);
  return { node, rest: node.quaternion.clone(), above, back: above.clone().invert() };
}

/** Whether a vertex goes with a node: bound to it or to what hangs on it, more than to anything else. */
function hangsOn(mesh: Mesh, vertex: number, node: Object3D): boolean {
  if (!("isSkinnedMesh" in mesh)) return within(mesh, node);
  const { geometry, skeleton } = mesh as SkinnedMesh;
  const { skinIndex, skinWeight } = geometry.attributes;
  let best = 0;
  let bone = 0;
  for (let k = 0; k < 4; k++) {
    const weight = skinWeight.getComponent(vertex, k);
    if (weight > best) {
      best = weight;
      bone = skinIndex.getComponent(vertex, k);
    }
  }
  const holder = skeleton.bones.at(bone);
  return holder !== undefined && within(holder, node);
}

function within(node: Object3D, ancestor: Object3D): boolean {
  for (let up: Object3D | null = node; up; up = up.parent) if (up === ancestor) return true;
  return false;
}

/** Targets by name: ARKit's where there are any, otherwise what other vocabularies name. */
function bind(meshes: readonly Mesh[], shown: Set<number>): Binding[] {
  const bindings: Binding[] = [];
  const others: { readonly influences: number[]; readonly target: number; readonly expression: Expression }[] = [];
  for (const { morphTargetDictionary, morphTargetInfluences: influences } of meshes) {
    if (!influences) continue;
    for (const [name, target] of Object.entries(morphTargetDictionary ?? {})) {
      const channel = channelOf(name);
      const expression = channel < 0 ? expressionOf(name) : null;
      if (channel >= 0) bindings.push({ influences, target, channels: [channel], weights: [1] });
      else if (expression) others.push({ influences, target, expression });
    }
  }
  // A mouth that has the channels has no need of visemes on top.
  if (bindings.length === 0) {
    for (const { influences, target, expression } of driven(others)) {
      const { recipe } = expression;
      bindings.push({ influences, target, channels: recipe.map(([channel]) => channel), weights: recipe.map(([, weight]) => weight) });
    }
  }
  for (const { channels, weights } of bindings) {
    channels.forEach((channel, i) => {
      if (weights[i] > 0) shown.add(channel);
    });
  }
  return bindings;
}
