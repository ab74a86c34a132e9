/** One face on the stage: eases from answer to answer, and draws itself in three modes. */

import {
  BufferAttribute,
  BufferGeometry,
  DynamicDrawUsage,
  Group,
  LineSegments,
  Mesh,
  Points,
  Vector3,
} from "three";
import { AT, type FaceBlock } from "../live/protocol";
import type { Mode } from "../settings";
import { CANONICAL, EDGES, IRIS_CENTRES, POINTS, REGIONS, TRIANGLES } from "../tables";
import type { Materials } from "./materials";
import { eyePatch, mouthPatch } from "./patch";
import { type Frame3, place, type Spot, textureOf } from "./placement";
import { applyRefinement, normalsOf, refine } from "./subdivide";

const MAP = refine(TRIANGLES, POINTS);
const IRISES = [
  { centre: IRIS_CENTRES.right, ring: REGIONS.right_iris },
  { centre: IRIS_CENTRES.left, ring: REGIONS.left_iris },
] as const;

/** Seconds in which a lost face comes to rest (time constant). */
const REST = 0.45;
/** Milliseconds in which someone who appears takes shape. */
const ARRIVAL = 350;

export class FaceActor {
  readonly root = new Group();
  private readonly from = new Float32Array(POINTS * 3);
  private readonly to = new Float32Array(CANONICAL);
  private readonly shown = new Float32Array(CANONICAL);
  private readonly uvs = new Float32Array(POINTS * 2);
  private readonly fine = new Float32Array(MAP.count * 3);
  private readonly fineNormals = new Float32Array(MAP.count * 3);
  private readonly fineUvs = new Float32Array(MAP.count * 2);
  private readonly forward = new Vector3(0, 0, 1);
  private readonly surfaceGeometry = new BufferGeometry();
  private readonly pointGeometry = new BufferGeometry();
  private readonly lineGeometry = new BufferGeometry();
  private readonly eyes = eyePatch(MAP);
  private readonly mouth = mouthPatch(MAP);
  private readonly iris: BufferAttribute;
  private readonly surface: Mesh;
  private readonly inside: Mesh;
  private readonly eyeMesh: Mesh;
  private readonly mouthMesh: Mesh;
  private readonly lines: LineSegments;
  private readonly dots: Points;
  private readonly spot: Spot = { x: 0, y: 0, size: 1 };
  private started = 0;
  private duration = 0;
  private arrival = 0;
  private moving = true;
  private newcomer = true;
  /** Whether the face was lost and has come, or is coming, to rest. */
  resting = true;

  constructor(private readonly materials: Materials) {
    const dynamic = (array: Float32Array, size: number) =>
      new BufferAttribute(array, size).setUsage(DynamicDrawUsage);
    this.surfaceGeometry.setAttribute("position", dynamic(this.fine, 3));
    this.surfaceGeometry.setAttribute("normal", dynamic(this.fineNormals, 3));
    this.surfaceGeometry.setAttribute("uv", dynamic(this.fineUvs, 2));
    this.surfaceGeometry.setIndex(new BufferAttribute(MAP.triangles, 1));
    const positions = dynamic(this.shown, 3);
    this.pointGeometry.setAttribute("position", positions);
    this.lineGeometry.setAttribute("position", positions);
    this.lineGeometry.setIndex(new BufferAttribute(EDGES, 1));
    const eyeVertices = this.eyes.positions.length / 3;
    this.iris = dynamic(new Float32Array(eyeVertices * 4), 4);
    this.eyes.geometry.setAttribute("iris", this.iris);

    this.surface = new Mesh(this.surfaceGeometry, materials.clay);
    this.inside = new Mesh(this.surfaceGeometry, materials.inside);
    this.eyeMesh = new Mesh(this.eyes.geometry, materials.eye);
    this.mouthMesh = new Mesh(this.mouth.geometry, materials.mouth);
    this.lines = new LineSegments(this.lineGeometry, materials.line);
    this.dots = new Points(this.pointGeometry, materials.dot);
    this.eyeMesh.onBeforeRender = () => {
      materials.eye.uniforms.forward.value = this.forward;
      materials.eye.uniformsNeedUpdate = true;
    };
    for (const part of [this.surface, this.inside, this.eyeMesh, this.mouthMesh, this.lines, this.dots]) {
      // The points move without three's knowledge; a face is always in view anyway.
      part.frustumCulled = false;
      this.root.add(part);
    }
    this.rebuild();
  }

  /** How the face is drawn; `painted` lays the picture on it. */
  dress(mode: Mode, painted: boolean): void {
    const surface = mode === "surface";
    const { materials } = this;
    this.surface.material = surface ? (painted ? materials.photo : materials.clay) : materials.veil;
    this.eyeMesh.material = painted ? materials.photo : materials.eye;
    this.mouthMesh.material = painted ? materials.photo : materials.mouth;
    this.inside.visible = surface;
    this.eyeMesh.visible = surface;
    this.mouthMesh.visible = surface;
    this.lines.visible = mode === "wireframe";
    this.dots.visible = mode === "points";
  }

  /** Go to where an answer saw the face, within `seconds`. */
  follow(block: FaceBlock, frame: Frame3, spot: Spot, now: number, seconds: number): void {
    if (this.newcomer) {
      this.root.position.set(spot.x, spot.y, 0);
      this.root.scale.setScalar(spot.size);
      this.newcomer = false;
    }
    // Answers may come with every picture, and then this is all that moves it.
    if (this.moving && !this.resting) this.reach(now);
    this.from.set(this.shown);
    place(block, frame, this.to);
    this.spot.x = spot.x;
    this.spot.y = spot.y;
    this.spot.size = spot.size;
    const r = AT.rotation;
    if (Number.isFinite(block[r])) this.forward.set(block[r + 2], block[r + 5], block[r + 8]);
    else this.forward.set(0, 0, 1);
    this.started = now;
    // Someone who appears grows out of the neutral face; it never pops.
    if (this.resting) this.arrival = now + ARRIVAL;
    this.duration = Math.max(seconds * 1000, this.arrival - now);
    this.resting = false;
    this.moving = true;
  }

  /** Take texture coordinates from the answer that saw the picture now on the face. */
  paint(block: FaceBlock, width: number, height: number): void {
    textureOf(block, width, height, this.uvs);
    applyRefinement(MAP, this.uvs, 2, this.fineUvs);
    this.surfaceGeometry.attributes.uv.needsUpdate = true;
    this.eyes.paint(this.fineUvs);
    this.mouth.paint(this.fineUvs);
  }

  /** Come to rest as the mean neutral face, looking ahead. */
  rest(): void {
    if (this.resting) return;
    this.to.set(CANONICAL);
    this.resting = true;
    this.moving = true;
    this.spot.x = this.spot.y = 0;
    this.spot.size = 1;
  }

  /** Move on; returns whether anything changed. `elapsed` is in seconds. */
  tick(now: number, elapsed: number): boolean {
    const { position, scale } = this.root;
    const ease = 1 - Math.exp(-elapsed / 0.12);
    const gap =
      Math.abs(this.spot.x - position.x) +
      Math.abs(this.spot.y - position.y) +
      Math.abs(this.spot.size - scale.x);
    if (gap > 1e-3) {
      position.x += (this.spot.x - position.x) * ease;
      position.y += (this.spot.y - position.y) * ease;
      scale.setScalar(scale.x + (this.spot.size - scale.x) * ease);
    }
    if (!this.moving) return gap > 1e-3;
    const { shown, to } = this;
    if (this.resting) {
      const step = 1 - Math.exp(-elapsed / REST);
      let far = 0;
      for (let i = 0; i < shown.length; i++) {
        const d = to[i] - shown[i];
        shown[i] += d * step;
        far = Math.max(far, Math.abs(d));
      }
      this.forward.x += -this.forward.x * step;
      this.forward.y += -this.forward.y * step;
      this.forward.z += (1 - this.forward.z) * step;
      this.moving = far > 0.005;
    } else {
      this.reach(now);
    }
    this.rebuild();
    return true;
  }

  private reach(now: number): void {
    const { shown, from, to } = this;
    // A display tells the time at which its picture began, which may be before the answer came.
    const t = this.duration > 0 ? Math.min(1, Math.max(0, (now - this.started) / this.duration)) : 1;
    for (let i = 0; i < shown.length; i++) shown[i] = from[i] + (to[i] - from[i]) * t;
    this.moving = t < 1;
  }

  private rebuild(): void {
    const { shown, fine } = this;
    applyRefinement(MAP, shown, 3, fine);
    normalsOf(fine, MAP.triangles, this.fineNormals);
    this.surfaceGeometry.attributes.position.needsUpdate = true;
    this.surfaceGeometry.attributes.normal.needsUpdate = true;
    this.pointGeometry.attributes.position.needsUpdate = true;
    const { x, y, z } = this.forward;
    this.eyes.move(fine, x, y, z);
    this.mouth.move(fine, x, y, z);
    const iris = this.iris.array as Float32Array;
    const half = iris.length / 2;
    for (let eye = 0; eye < 2; eye++) {
      const { centre, ring } = IRISES[eye];
      const c = centre * 3;
      let radius = 0;
      for (const i of ring) {
        radius += Math.hypot(
          shown[i * 3] - shown[c],
          shown[i * 3 + 1] - shown[c + 1],
          shown[i * 3 + 2] - shown[c + 2],
        );
      }
      radius /= ring.length;
      for (let o = eye * half; o < (eye + 1) * half; o += 4) {
        iris[o] = shown[c];
        iris[o + 1] = shown[c + 1];
        iris[o + 2] = shown[c + 2];
        iris[o + 3] = radius;
      }
    }
    this.iris.needsUpdate = true;
  }

  dispose(): void {
    this.root.removeFromParent();
    this.surfaceGeometry.dispose();
    this.pointGeometry.dispose();
    this.lineGeometry.dispose();
    this.eyes.dispose();
    this.mouth.dispose();
  }
}
