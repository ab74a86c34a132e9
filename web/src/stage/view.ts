/** From where the stage is looked at: framing, orbiting by pointer and keys, the way back. */

import { MathUtils, PerspectiveCamera, Spherical, Vector3 } from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";
import { ONE_FACE } from "./placement";

const FOV = 24;
/** Half the height of the picture at distance 1. */
const HALF = Math.tan(MathUtils.degToRad(FOV / 2));
/** A little above the level of the eyes, as a portrait is taken. */
const HOME = new Spherical(1, MathUtils.degToRad(87), 0);
/** Nearest to straight from above or below, in radians. */
const POLE = 0.35;

export class View {
  readonly camera = new PerspectiveCamera(FOV, 1, 5, 900);
  private readonly controls: OrbitControls;
  private readonly extent: { width: number; height: number } = { ...ONE_FACE };
  private size = { width: 1, height: 1 };
  private inset = { top: 0, bottom: 0 };
  private distance = 1;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly changed: () => void,
  ) {
    const controls = new OrbitControls(this.camera, canvas);
    controls.enablePan = false;
    controls.dampingFactor = 0.12;
    controls.minPolarAngle = POLE;
    controls.maxPolarAngle = Math.PI - POLE;
    controls.addEventListener("change", changed);
    this.controls = controls;
    canvas.addEventListener("dblclick", this.reset);
    canvas.addEventListener("keydown", this.turnByKey);
  }

  /** Stop at once where a turn ends, instead of running on. */
  calm(on: boolean): void {
    this.controls.enableDamping = !on;
  }

  /** Turn a point of the world into where the canvas shows it, in CSS pixels from its corner. */
  onCanvas(point: Vector3): Vector3 {
    point.project(this.camera);
    point.x = ((point.x + 1) / 2) * this.size.width;
    point.y = ((1 - point.y) / 2) * this.size.height;
    return point;
  }

  /** The window has this size, in CSS pixels. */
  resize(width: number, height: number): void {
    this.size = { width, height };
    this.frame();
  }

  /** Keep so many pixels at the top and the bottom free of faces. */
  keepFree(top: number, bottom: number): void {
    if (this.inset.top === top && this.inset.bottom === bottom) return;
    this.inset = { top, bottom };
    this.frame();
  }

  /** Show all of this; steps too small to be seen are passed over. */
  include({ width, height }: Readonly<{ width: number; height: number }>): void {
    if (Math.abs(width - this.extent.width) + Math.abs(height - this.extent.height) <= 0.5) return;
    this.extent.width = width;
    this.extent.height = height;
    this.frame();
  }

  /** Pixels of the window that one head unit takes at distance 1. */
  get pixels(): number {
    return this.size.height / (2 * HALF);
  }

  /** Move on with what is left of a turn. */
  tick(): void {
    this.controls.update();
  }

  private frame(): void {
    const { camera, controls, extent, inset } = this;
    const { width, height } = this.size;
    const taken = inset.top + inset.bottom;
    const free = Math.max(height * 0.3, height - taken);
    const tilt = taken > 0 ? (inset.bottom - inset.top) / taken : 0;
    camera.aspect = width / height;
    // Move the middle of the picture into the middle of what is free.
    camera.setViewOffset(width, height, 0, (tilt * (height - free)) / 2, width, height);
    camera.updateProjectionMatrix();
    const tall = (extent.height * (height / free)) / HALF;
    const wide = extent.width / (HALF * camera.aspect);
    const distance = Math.max(tall, wide) + 6;
    camera.position.sub(controls.target).multiplyScalar(distance / this.distance).add(controls.target);
    this.distance = distance;
    controls.minDistance = distance * 0.4;
    controls.maxDistance = distance * 2.5;
    this.changed();
  }

  /** Back to the front view. */
  readonly reset = (): void => {
    this.controls.target.set(0, -0.4, 2.5);
    HOME.radius = this.distance;
    this.camera.position.setFromSpherical(HOME).add(this.controls.target);
    this.controls.update();
    this.changed();
  };

  private readonly turnByKey = (event: KeyboardEvent): void => {
    const step = 0.12;
    const turns: Record<string, [number, number, number]> = {
      ArrowLeft: [-step, 0, 1],
      ArrowRight: [step, 0, 1],
      ArrowUp: [0, -step, 1],
      ArrowDown: [0, step, 1],
      "+": [0, 0, 1 / 1.1],
      "=": [0, 0, 1 / 1.1],
      "-": [0, 0, 1.1],
    };
    if (event.key === "Home" || event.key === "0") this.reset();
    else if (event.key in turns) this.turn(...turns[event.key]);
    else return;
    event.preventDefault();
  };

  private turn(around: number, over: number, zoom: number): void {
    const { target, minDistance, maxDistance } = this.controls;
    const offset = new Vector3().subVectors(this.camera.position, target);
    const s = new Spherical().setFromVector3(offset);
    s.theta += around;
    s.phi = MathUtils.clamp(s.phi + over, POLE, Math.PI - POLE);
    s.radius = MathUtils.clamp(s.radius * zoom, minDistance, maxDistance);
    this.camera.position.setFromSpherical(s).add(target);
    this.controls.update();
    this.changed();
  }

  dispose(): void {
    this.canvas.removeEventListener("dblclick", this.reset);
    this.canvas.removeEventListener("keydown", this.turnByKey);
    this.controls.dispose();
  }
}
