/** Small effects that an expression sets off: what calls for them, and how they fly. As in films. */

import {
  Color,
  CustomBlending,
  DynamicDrawUsage,
  Float32BufferAttribute,
  GLSL3,
  InstancedBufferAttribute,
  InstancedBufferGeometry,
  Mesh,
  OneFactor,
  OneMinusSrcAlphaFactor,
  type Quaternion,
  ShaderMaterial,
  Vector3,
} from "three";
import FRAGMENT from "../../../src/mien/render/shaders/sprite.frag?raw";
import { CHANNELS, type Effect, EFFECT_TABLE, EFFECTS } from "../tables";

/** A channel, or the mean of its two sides, times a factor. */
interface Level {
  readonly channels: readonly number[];
  readonly factor: number;
}

function levelOf([name, factor]: readonly [string, number]): Level {
  const names = CHANNELS.includes(name) ? [name] : [`${name}Left`, `${name}Right`];
  return { channels: names.map((one) => CHANNELS.indexOf(one)), factor };
}

const KINDS = EFFECTS.map((name) => {
  const row = EFFECT_TABLE.effects[name];
  const [red, green, blue] = row.colour;
  const [x, y, z] = row.velocity;
  return {
    ...row,
    call: row.call.map((term) => term.map((part) => Object.entries(part).map(levelOf))),
    // They are drawn over a picture that is encoded already.
    colour: new Color(red, green, blue).convertLinearToSRGB(),
    velocity: new Vector3(x, y, z),
    flashes: name === "sparkle",
  };
});

/** How strongly an expression calls for an effect, 0..1: `weights` by channel. Allocates nothing. */
export function strength(effect: Effect, weights: ArrayLike<number>): number {
  const kind = KINDS[EFFECTS.indexOf(effect)];
  let call = 0;
  for (const term of kind.call) {
    let most = 0;
    for (const part of term) {
      let least = Infinity;
      for (const { channels, factor } of part) {
        let sum = 0;
        for (const channel of channels) sum += weights[channel];
        least = Math.min(least, (factor * sum) / channels.length);
      }
      most = Math.max(most, least);
    }
    call += most;
  }
  return Math.min(1, Math.max(0, (call - kind.from) / EFFECT_TABLE.span));
}

const MOST = EFFECT_TABLE.most;

// A square that faces the viewer; the shapes on it are those of the films.
const VERTEX = /* glsl */ `
in float size;
in float angle;
in vec3 centre;
in vec4 paint;
in float kind;
out vec2 spot;
out vec4 colour;
flat out float shape;
void main() {
  float c = cos(angle), s = sin(angle);
  vec2 corner = position.xy;
  vec2 turned = vec2(c * corner.x - s * corner.y, s * corner.x + c * corner.y) * size;
  gl_Position = projectionMatrix * (modelViewMatrix * vec4(centre, 1.0) + vec4(turned, 0.0, 0.0));
  spot = corner;
  colour = paint;
  shape = kind;
}`;

/** One that flies; `kind` is a place in `KINDS`. */
interface Sprite {
  kind: number;
  age: number;
  readonly start: Vector3;
  phase: number;
  factor: number;
  turn: number;
}

const random = () => Math.random() * 2 - 1;

export class Effects {
  readonly root: Mesh<InstancedBufferGeometry, ShaderMaterial>;
  private readonly wanted = KINDS.map(() => false);
  private readonly due = KINDS.map(() => 0);
  /** The first `flying` of them fly. */
  private readonly sprites = Array.from({ length: MOST }, (): Sprite => ({ kind: 0, age: 0, start: new Vector3(), phase: 0, factor: 1, turn: 0 }));
  private flying = 0;
  private readonly centres = instanced(3);
  private readonly sizes = instanced(1);
  private readonly angles = instanced(1);
  private readonly paints = instanced(4);
  private readonly shapes = instanced(1);
  private readonly attributes = [this.centres, this.sizes, this.angles, this.paints, this.shapes];

  constructor() {
    const geometry = new InstancedBufferGeometry();
    geometry.setAttribute("position", new Float32BufferAttribute([-1, -1, 0, 1, -1, 0, 1, 1, 0, -1, 1, 0], 3));
    geometry.setIndex([0, 1, 2, 0, 2, 3]);
    geometry.setAttribute("centre", this.centres);
    geometry.setAttribute("size", this.sizes);
    geometry.setAttribute("angle", this.angles);
    geometry.setAttribute("paint", this.paints);
    geometry.setAttribute("kind", this.shapes);
    geometry.instanceCount = 0;
    const material = new ShaderMaterial({
      glslVersion: GLSL3,
      vertexShader: VERTEX,
      fragmentShader: FRAGMENT,
      transparent: true,
      depthWrite: false,
      // What they give is multiplied by its opacity already.
      blending: CustomBlending,
      blendSrc: OneFactor,
      blendDst: OneMinusSrcAlphaFactor,
    });
    this.root = new Mesh(geometry, material);
    this.root.frustumCulled = false;
    this.root.visible = false;
  }

  /** Show these from now on; others leave the air at once. */
  dress(effects: readonly Effect[]): void {
    EFFECTS.forEach((name, kind) => {
      this.wanted[kind] = effects.includes(name);
      if (!this.wanted[kind]) this.due[kind] = 0;
    });
  }

  /**
   * Move on; returns whether there is something new to be drawn. `weights` by channel, the `head`'s
   * turn, seconds. Allocates nothing.
   */
  tick(weights: ArrayLike<number>, head: Quaternion, elapsed: number): boolean {
    const { sprites, wanted, due } = this;
    const before = this.flying;
    for (let i = 0; i < this.flying; ) {
      const sprite = sprites[i];
      sprite.age += elapsed;
      if (wanted[sprite.kind] && sprite.age < KINDS[sprite.kind].life) i++;
      else {
        this.flying--;
        sprites[i] = sprites[this.flying];
        sprites[this.flying] = sprite;
      }
    }
    for (let kind = 0; kind < KINDS.length; kind++) {
      if (!wanted[kind]) continue;
      due[kind] += elapsed * KINDS[kind].rate * strength(EFFECTS[kind], weights);
      for (; due[kind] >= 1 && this.flying < MOST; due[kind]--) bear(sprites[this.flying++], kind, head);
      due[kind] = Math.min(1, due[kind]);
    }
    if (this.flying + before === 0) return false;
    this.lay();
    return true;
  }

  private lay(): void {
    const { centres, sizes, angles, paints, shapes } = this;
    for (let i = 0; i < this.flying; i++) {
      const { kind: at, age, start, phase, factor, turn } = this.sprites[i];
      const { life, velocity, sway, fall, size, colour, shape, flashes } = KINDS[at];
      const part = age / life;
      const swing = Math.sin(3.2 * age + phase);
      const aside = sway * (swing - Math.sin(phase));
      const flash = Math.sin(Math.PI * part);
      const grown = flashes ? flash : Math.min(1, 0.35 + 5 * part);
      const seen = flashes ? flash : Math.min(1, 6 * part, 2.5 * (1 - part));
      centres.setXYZ(i, start.x + velocity.x * age + aside, start.y + velocity.y * age - (fall * age * age) / 2, start.z + velocity.z * age);
      sizes.setX(i, size * factor * grown);
      angles.setX(i, turn + (sway > 0 ? 0.25 * swing : 0));
      paints.setXYZW(i, colour.r, colour.g, colour.b, 0.92 * seen);
      shapes.setX(i, shape);
    }
    for (const attribute of this.attributes) attribute.needsUpdate = true;
    this.root.geometry.instanceCount = this.flying;
    this.root.visible = this.flying > 0;
  }

  dispose(): void {
    this.root.geometry.dispose();
    this.root.material.dispose();
  }
}

/** Beside the face, at the temples, or around it; in head units from the head's own origin. */
function bear(sprite: Sprite, kind: number, head: Quaternion): void {
  const side = Math.random() < 0.5 ? -1 : 1;
  const { start } = sprite;
  if (EFFECTS[kind] === "hearts") start.set(side * (7.5 + 1.5 * random()), 2 + 3 * random(), 3);
  else if (EFFECTS[kind] === "sweat") start.set(side * (6.6 + 0.5 * random()), 6 + 0.8 * random(), 5.5);
  else {
    const angle = Math.PI * (0.5 + 0.62 * random());
    start.set(10 * Math.cos(angle), 2 + 10 * Math.sin(angle) + random(), 3);
  }
  start.applyQuaternion(head);
  sprite.kind = kind;
  sprite.age = 0;
  sprite.phase = Math.PI * random();
  sprite.factor = 1 + 0.3 * random();
  sprite.turn = KINDS[kind].turn * random();
}

function instanced(size: number): InstancedBufferAttribute {
  return new InstancedBufferAttribute(new Float32Array(MOST * size), size).setUsage(DynamicDrawUsage);
}
