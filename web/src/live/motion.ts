/** How a face moves between answers, for what is drawn at the display's rate. */

import { CHANNELS } from "../tables";
import { AT, type FaceBlock } from "./protocol";

/** Seconds in which a lost face comes to rest (time constant). */
const REST = 0.45;
/** Milliseconds in which someone who appears takes shape. */
const ARRIVAL = 350;
const STILL = 1e-4;

/** A quaternion (x, y, z, w) from the rows of a rotation matrix at `at`. */
export function quaternionAt(m: ArrayLike<number>, at: number, out: Float32Array): void {
  const [xx, xy, xz] = [m[at], m[at + 1], m[at + 2]];
  const [yx, yy, yz] = [m[at + 3], m[at + 4], m[at + 5]];
  const [zx, zy, zz] = [m[at + 6], m[at + 7], m[at + 8]];
  const w = Math.sqrt(Math.max(0, 1 + xx + yy + zz)) / 2;
  // The sign of each part is that of the difference across the diagonal.
  const x = Math.sqrt(Math.max(0, 1 + xx - yy - zz)) / 2;
  const y = Math.sqrt(Math.max(0, 1 - xx + yy - zz)) / 2;
  const z = Math.sqrt(Math.max(0, 1 - xx - yy + zz)) / 2;
  const length = Math.hypot(x, y, z, w) || 1;
  out[0] = (zy < yz ? -x : x) / length;
  out[1] = (xz < zx ? -y : y) / length;
  out[2] = (yx < xy ? -z : z) / length;
  out[3] = w / length;
}

/** From `a` to `b`, the short way around, normalised. */
function blend(a: Float32Array, b: Float32Array, t: number, out: Float32Array): void {
  const turn = a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3] < 0 ? -1 : 1;
  for (let i = 0; i < 4; i++) out[i] = a[i] + (b[i] * turn - a[i]) * t;
  const length = Math.hypot(out[0], out[1], out[2], out[3]) || 1;
  for (let i = 0; i < 4; i++) out[i] /= length;
}

export class Motion {
  /** The channels now; one that no model produced is 0. */
  readonly weights = new Float32Array(CHANNELS.length);
  /** The head's turn now, (x, y, z, w): head to camera axes. */
  readonly head = Float32Array.of(0, 0, 0, 1);
  private readonly fromWeights = new Float32Array(CHANNELS.length);
  private readonly toWeights = new Float32Array(CHANNELS.length);
  private readonly fromHead = Float32Array.of(0, 0, 0, 1);
  private readonly toHead = Float32Array.of(0, 0, 0, 1);
  private started = 0;
  private duration = 0;
  private arrival = 0;
  private resting = true;
  private moving = false;

  /** Go to where an answer saw the face, within `seconds` of `now` (milliseconds). */
  follow(block: FaceBlock, now: number, seconds: number): void {
    // Answers may come with every picture, and then this is all that moves it.
    if (this.moving && !this.resting) this.reach(now);
    this.fromWeights.set(this.weights);
    this.fromHead.set(this.head);
    for (let i = 0; i < this.toWeights.length; i++) {
      const value = block[AT.expression + i];
      this.toWeights[i] = Number.isNaN(value) ? 0 : value;
    }
    if (Number.isFinite(block[AT.rotation])) quaternionAt(block, AT.rotation, this.toHead);
    else this.toHead.set([0, 0, 0, 1]);
    this.started = now;
    if (this.resting) this.arrival = now + ARRIVAL;
    this.duration = Math.max(seconds * 1000, this.arrival - now);
    this.resting = false;
    this.moving = true;
  }

  /** Come to rest. */
  rest(): void {
    if (this.resting) return;
    this.toWeights.fill(0);
    this.toHead.set([0, 0, 0, 1]);
    this.resting = true;
    this.moving = true;
  }

  /** Move on; returns whether anything changed. `elapsed` is in seconds. */
  tick(now: number, elapsed: number): boolean {
    if (!this.moving) return false;
    const { weights, head } = this;
    if (this.resting) {
      const step = 1 - Math.exp(-elapsed / REST);
      let far = 0;
      for (let i = 0; i < weights.length; i++) {
        far = Math.max(far, Math.abs(weights[i]));
        weights[i] -= weights[i] * step;
      }
      far = Math.max(far, 1 - Math.abs(head[3]));
      blend(head, this.toHead, step, head);
      this.moving = far > STILL;
    } else {
      this.reach(now);
    }
    return true;
  }

  private reach(now: number): void {
    const { weights } = this;
    // A display tells the time at which its picture began, which may be before the answer came.
    const t = this.duration > 0 ? Math.min(1, Math.max(0, (now - this.started) / this.duration)) : 1;
    for (let i = 0; i < weights.length; i++) weights[i] = this.fromWeights[i] + (this.toWeights[i] - this.fromWeights[i]) * t;
    blend(this.fromHead, this.toHead, t, this.head);
    this.moving = t < 1;
  }
}
