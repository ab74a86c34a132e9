/** What stands around a face: backdrop and light. */

import { CanvasTexture, Color, DirectionalLight, Group, HemisphereLight, SRGBColorSpace } from "three";
import type { LightName } from "../settings";

interface Lighting {
  readonly sky: string;
  readonly floor: string;
  readonly ambient: number;
  readonly key: string;
  readonly keyPower: number;
  readonly keyAt: readonly [number, number, number];
  readonly rim: string;
  readonly rimPower: number;
}

const LIGHTS: Record<LightName, Lighting> = {
  soft: { sky: "#e8eefc", floor: "#4a4038", ambient: 1.25, key: "#fff3e4", keyPower: 2.1, keyAt: [-7, 9, 14], rim: "#bfe9ff", rimPower: 0.8 },
  window: { sky: "#dfe9ff", floor: "#2b3036", ambient: 0.6, key: "#eaf2ff", keyPower: 3.1, keyAt: [-16, 6, 7], rim: "#ffd9b0", rimPower: 0.7 },
  evening: { sky: "#6f6a9c", floor: "#2a1d22", ambient: 0.9, key: "#ffb27a", keyPower: 2.4, keyAt: [10, 3, 11], rim: "#6ea8ff", rimPower: 2.4 },
};

/** Seconds in which the light changes (time constant). */
const DIM = 0.18;

export class Lights {
  readonly root = new Group();
  private readonly ambient = new HemisphereLight();
  private readonly key = new DirectionalLight();
  private readonly rim = new DirectionalLight();
  private wanted: Lighting = LIGHTS.soft;
  private readonly colour = new Color();
  private changing = false;

  constructor() {
    this.rim.position.set(11, 5, -9);
    this.root.add(this.ambient, this.key, this.rim);
    this.move(1);
  }

  dress(name: LightName): void {
    this.changing ||= this.wanted !== LIGHTS[name];
    this.wanted = LIGHTS[name];
  }

  /** Returns whether it changed. */
  tick(elapsed: number): boolean {
    if (!this.changing) return false;
    this.changing = this.move(1 - Math.exp(-elapsed / DIM)) > 0.01;
    return true;
  }

  private move(step: number): number {
    const { ambient, key, rim, wanted, colour } = this;
    const far = Math.abs(wanted.keyPower - key.intensity) + Math.abs(wanted.ambient - ambient.intensity) + Math.abs(wanted.keyAt[0] - key.position.x) / 10;
    ambient.color.lerp(colour.set(wanted.sky), step);
    ambient.groundColor.lerp(colour.set(wanted.floor), step);
    ambient.intensity += (wanted.ambient - ambient.intensity) * step;
    key.color.lerp(colour.set(wanted.key), step);
    key.intensity += (wanted.keyPower - key.intensity) * step;
    key.position.x += (wanted.keyAt[0] - key.position.x) * step;
    key.position.y += (wanted.keyAt[1] - key.position.y) * step;
    key.position.z += (wanted.keyAt[2] - key.position.z) * step;
    rim.color.lerp(colour.set(wanted.rim), step);
    rim.intensity += (wanted.rimPower - rim.intensity) * step;
    return far;
  }
}

/** A soft pool of light; a little noise keeps the gradient from banding. */
export function backdrop(inner: string, outer: string): CanvasTexture {
  const side = 256;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d");
  if (context) {
    const glow = context.createRadialGradient(128, 108, 0, 128, 118, 185);
    glow.addColorStop(0, inner);
    glow.addColorStop(1, outer);
    context.fillStyle = glow;
    context.fillRect(0, 0, side, side);
    // A colour to be cut out must be one colour.
    if (inner !== outer) grain(context, side);
  }
  const texture = new CanvasTexture(canvas);
  texture.colorSpace = SRGBColorSpace;
  return texture;
}

function grain(context: CanvasRenderingContext2D, side: number): void {
  const pixels = context.getImageData(0, 0, side, side);
  for (let i = 0; i < pixels.data.length; i += 4) {
    const noise = (Math.random() - 0.5) * 3;
    for (let c = 0; c < 3; c++) pixels.data[i + c] += noise;
  }
  context.putImageData(pixels, 0, 0);
}
