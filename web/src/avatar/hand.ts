/** What a person does to a rig by hand: channels that are held, and how strongly each is felt. */

import { Store } from "../store";
import { CHANNELS } from "../tables";

/** Where the partner of each channel stands in a mirror; itself where it has none. */
export const MIRRORED: Readonly<Uint8Array> = Uint8Array.from(CHANNELS, (name, i) => {
  const other = name.endsWith("Left") ? name.replace(/Left$/, "Right") : name.replace(/Right$/, "Left");
  const at = CHANNELS.indexOf(other);
  return at < 0 ? i : at;
});

/** Faces to try a rig with, by the names of channels. */
export const PRESETS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  Smile: { mouthSmileLeft: 0.85, mouthSmileRight: 0.85, cheekSquintLeft: 0.5, cheekSquintRight: 0.5, eyeSquintLeft: 0.25, eyeSquintRight: 0.25 },
  Surprise: { jawOpen: 0.55, browInnerUp: 0.9, browOuterUpLeft: 0.8, browOuterUpRight: 0.8, eyeWideLeft: 0.8, eyeWideRight: 0.8 },
  Wink: { eyeBlinkLeft: 1, mouthSmileLeft: 0.55, cheekSquintLeft: 0.6, browDownLeft: 0.25 },
  Kiss: { mouthPucker: 0.95, mouthFunnel: 0.2 },
  Anger: { browDownLeft: 0.9, browDownRight: 0.9, noseSneerLeft: 0.5, noseSneerRight: 0.5, mouthPressLeft: 0.5, mouthPressRight: 0.5, eyeSquintLeft: 0.4, eyeSquintRight: 0.4 },
  Sadness: { browInnerUp: 0.85, mouthFrownLeft: 0.75, mouthFrownRight: 0.75, mouthShrugLower: 0.35 },
  Doze: { eyeBlinkLeft: 0.75, eyeBlinkRight: 0.75, jawOpen: 0.08 },
  Tongue: { tongueOut: 0.9, jawOpen: 0.4 },
};

/** Seconds in which a held channel reaches its place (time constant). */
const REACH = 0.07;

/** What the hand does, in a word. */
export interface Grasp {
  readonly holding: boolean;
  /** Name of the face that is held, where it has one. */
  readonly face: string | null;
  /** What was held was let go just now, and not by hand. */
  readonly slipped: boolean;
}

export class Hand {
  readonly store = new Store<Grasp>({ holding: false, face: null, slipped: false });
  /** Value of each held channel; NaN follows the face. */
  readonly held = new Float32Array(CHANNELS.length).fill(NaN);
  readonly gains = new Float32Array(CHANNELS.length).fill(1);
  /** How far the hand has taken over, 0..1, and from where: it eases in and out. */
  private readonly grip = new Float32Array(CHANNELS.length);
  private readonly place = new Float32Array(CHANNELS.length);
  private moving = false;

  hold(channel: number, value: number): void {
    this.grasp(channel, value);
    this.store.set({ holding: true, face: null, slipped: false });
  }

  release(channel: number): void {
    this.held[channel] = NaN;
    this.moving = true;
    this.store.set({ holding: this.held.some((value) => !Number.isNaN(value)), face: null });
  }

  /** Hold this face and nothing else. */
  pose(face: Readonly<Record<string, number>>, name: string | null = null): void {
    CHANNELS.forEach((channel, i) => {
      // What the face does not name is at rest in it.
      this.grasp(i, face[channel] ?? 0);
    });
    this.store.set({ holding: true, face: name, slipped: false });
  }

  releaseAll(): void {
    this.held.fill(NaN);
    this.moving = true;
    this.store.set({ holding: false, face: null });
  }

  /** Someone else comes on the stage, who has a face of their own. */
  giveWay(): void {
    if (!this.holding) return;
    this.releaseAll();
    this.store.set({ slipped: true });
  }

  private grasp(channel: number, value: number): void {
    this.held[channel] = value;
    if (this.grip[channel] === 0) this.place[channel] = value;
    this.moving = true;
  }

  amplify(channel: number, gain: number): void {
    this.gains[channel] = gain;
    this.moving = true;
  }

  get holding(): boolean {
    return this.store.get().holding;
  }

  /** Whether something changed since the last `apply`. */
  get restless(): boolean {
    return this.moving;
  }

  /** The face as the avatar shows it. `mirrored` swaps the sides of what is followed. */
  apply(weights: Float32Array, mirrored: boolean, elapsed: number, out: Float32Array): void {
    const { held, gains, grip, place } = this;
    const step = 1 - Math.exp(-elapsed / REACH);
    let far = 0;
    for (let i = 0; i < out.length; i++) {
      const holds = !Number.isNaN(held[i]);
      if (holds) {
        const gap = held[i] - place[i];
        place[i] += gap * step;
        far = Math.max(far, Math.abs(gap));
      }
      const wanted = holds ? 1 : 0;
      const slack = wanted - grip[i];
      grip[i] = Math.abs(slack) < 1e-3 ? wanted : grip[i] + slack * step;
      far = Math.max(far, Math.abs(slack));
      const seen = Math.min(1, Math.max(0, weights[mirrored ? MIRRORED[i] : i] * gains[i]));
      out[i] = seen + (place[i] - seen) * grip[i];
    }
    this.moving = far > 1e-3;
  }
}
