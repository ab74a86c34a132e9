/** What stands around a face: backdrop, light, and small effects that expressions set off. */

import {
  AdditiveBlending,
  BufferAttribute,
  BufferGeometry,
  CanvasTexture,
  Color,
  DirectionalLight,
  DynamicDrawUsage,
  Group,
  HemisphereLight,
  NormalBlending,
  Points,
  ShaderMaterial,
  SRGBColorSpace,
} from "three";
import type { Effect, LightName } from "../settings";
import { CHANNELS } from "../tables";

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

const POOL = 40;
/** Particles a second at most, and seconds that one lasts. */
const RATE = 7;
const LIFE = 1.6;

interface Trigger {
  readonly channels: readonly number[];
  readonly from: number;
  readonly glyph: (context: CanvasRenderingContext2D) => void;
  readonly additive: boolean;
  readonly size: number;
}

const channels = (...names: string[]) => names.map((name) => CHANNELS.indexOf(name));
const TRIGGERS: Record<Exclude<Effect, "none">, Trigger> = {
  sparkles: { channels: channels("mouthSmileLeft", "mouthSmileRight"), from: 0.45, glyph: star, additive: true, size: 2.4 },
  hearts: { channels: channels("mouthPucker"), from: 0.5, glyph: heart, additive: false, size: 2.2 },
};

const VERTEX = /* glsl */ `
attribute float life;
uniform float scale;
uniform float size;
varying float vLife;
void main() {
  vLife = life;
  vec4 p = modelViewMatrix * vec4(position, 1.0);
  gl_PointSize = scale * size * sin(3.1416 * min(1.0, life)) / -p.z;
  gl_Position = projectionMatrix * p;
}`;
const FRAGMENT = /* glsl */ `
uniform sampler2D glyph;
varying float vLife;
void main() {
  if (vLife <= 0.0) discard;
  vec4 c = texture2D(glyph, gl_PointCoord);
  gl_FragColor = vec4(c.rgb, c.a * min(1.0, vLife * 3.0));
  #include <colorspace_fragment>
}`;

/** Sparkles around a smile, hearts for a kiss: a few, and only when wanted. */
export class Effects {
  readonly root: Points;
  private readonly positions = new Float32Array(POOL * 3);
  private readonly speeds = new Float32Array(POOL * 2);
  private readonly lives = new Float32Array(POOL);
  private readonly material = new ShaderMaterial({
    vertexShader: VERTEX,
    fragmentShader: FRAGMENT,
    transparent: true,
    depthWrite: false,
    uniforms: { glyph: { value: null }, scale: { value: 1 }, size: { value: 1 } },
  });
  private trigger: Trigger | null = null;
  private due = 0;
  private alive = 0;

  constructor() {
    const geometry = new BufferGeometry();
    geometry.setAttribute("position", new BufferAttribute(this.positions, 3).setUsage(DynamicDrawUsage));
    geometry.setAttribute("life", new BufferAttribute(this.lives, 1).setUsage(DynamicDrawUsage));
    this.root = new Points(geometry, this.material);
    this.root.frustumCulled = false;
    this.root.visible = false;
  }

  dress(effect: Effect): void {
    const trigger = effect === "none" ? null : TRIGGERS[effect];
    if (trigger === this.trigger) return;
    this.trigger = trigger;
    this.lives.fill(0);
    this.root.visible = trigger !== null;
    if (!trigger) return;
    const { glyph, size } = this.material.uniforms;
    (glyph.value as CanvasTexture | null)?.dispose();
    glyph.value = drawn(trigger.glyph);
    size.value = trigger.size;
    this.material.blending = trigger.additive ? AdditiveBlending : NormalBlending;
    this.material.needsUpdate = true;
  }

  /** Pixels that one head unit takes at distance 1. */
  resize(pixels: number): void {
    this.material.uniforms.scale.value = pixels;
  }

  /** Returns whether anything moves. `weights` are the channels of the face. */
  tick(weights: Float32Array, elapsed: number): boolean {
    const { trigger, lives, positions, speeds } = this;
    if (!trigger) return false;
    let strength = 0;
    for (const channel of trigger.channels) strength += weights[channel] / trigger.channels.length;
    const eager = Math.max(0, (strength - trigger.from) / (1 - trigger.from));
    this.due = eager > 0 ? this.due + eager * RATE * elapsed : 0;
    const before = this.alive;
    this.alive = 0;
    for (let i = 0; i < POOL; i++) {
      if (lives[i] <= 0) {
        if (this.due < 1) continue;
        this.due--;
        this.spawn(i);
      }
      lives[i] -= elapsed / LIFE;
      positions[i * 3] += speeds[i * 2] * elapsed;
      positions[i * 3 + 1] += speeds[i * 2 + 1] * elapsed;
      this.alive++;
    }
    if (this.alive + before === 0) return false;
    this.root.geometry.attributes.position.needsUpdate = true;
    this.root.geometry.attributes.life.needsUpdate = true;
    return true;
  }

  private spawn(i: number): void {
    const side = Math.random() < 0.5 ? -1 : 1;
    const up = Math.random();
    this.positions[i * 3] = side * (9 + Math.random() * 4);
    this.positions[i * 3 + 1] = -4 + up * 13;
    this.positions[i * 3 + 2] = 4 + Math.random() * 3;
    this.speeds[i * 2] = side * (0.4 + Math.random());
    this.speeds[i * 2 + 1] = 1.6 + Math.random() * 1.6;
    this.lives[i] = 1;
  }

  dispose(): void {
    this.root.geometry.dispose();
    (this.material.uniforms.glyph.value as CanvasTexture | null)?.dispose();
    this.material.dispose();
  }
}

function drawn(glyph: (context: CanvasRenderingContext2D) => void): CanvasTexture {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 64;
  const context = canvas.getContext("2d");
  if (context) {
    context.translate(32, 32);
    glyph(context);
  }
  const texture = new CanvasTexture(canvas);
  texture.colorSpace = SRGBColorSpace;
  // A point counts its own rows from above.
  texture.flipY = false;
  return texture;
}

function star(context: CanvasRenderingContext2D): void {
  const glow = context.createRadialGradient(0, 0, 0, 0, 0, 30);
  glow.addColorStop(0, "rgba(255,244,214,1)");
  glow.addColorStop(1, "rgba(255,214,140,0)");
  context.fillStyle = glow;
  context.beginPath();
  for (let i = 0; i < 8; i++) {
    const r = i % 2 === 0 ? 30 : 6;
    context.lineTo(Math.sin((i * Math.PI) / 4) * r, Math.cos((i * Math.PI) / 4) * r);
  }
  context.fill();
}

function heart(context: CanvasRenderingContext2D): void {
  context.fillStyle = "#ff6f7d";
  context.beginPath();
  context.moveTo(0, 22);
  context.bezierCurveTo(-34, -2, -20, -26, 0, -10);
  context.bezierCurveTo(20, -26, 34, -2, 0, 22);
  context.fill();
}
