/** How fast answers come, and where their time goes. */

import { STAGES } from "../generated/wire";
import type { Answer } from "./protocol";

const WINDOW = 1500;

export class Pulse {
  answers = 0;
  dropped = 0;
  /** Milliseconds, smoothed: from sending a frame to its answer, and encoding it before. */
  trip = NaN;
  encoding = NaN;
  /** Milliseconds by stage, smoothed, in the order of `STAGES`. */
  readonly stages = new Float32Array(STAGES.length).fill(NaN);
  private readonly beats = new Float64Array(256);
  private next = 0;

  beat(answer: Answer, trip: number, encoding: number, now: number): void {
    this.answers++;
    this.dropped = answer.dropped;
    this.trip = smooth(this.trip, trip);
    this.encoding = smooth(this.encoding, encoding);
    for (let i = 0; i < STAGES.length; i++) {
      this.stages[i] = smooth(this.stages[i], answer.seconds[i] * 1000);
    }
    this.beats[this.next] = now;
    this.next = (this.next + 1) % this.beats.length;
  }

  /** A still's timings, in seconds by name. */
  still(timings: Readonly<Record<string, number>>): void {
    this.answers++;
    STAGES.forEach((stage, i) => (this.stages[i] = stage in timings ? timings[stage] * 1000 : NaN));
  }

  /** Answers a second. */
  rate(now: number): number {
    let count = 0;
    let first = now;
    for (const beat of this.beats) {
      if (beat > now - WINDOW) {
        count++;
        first = Math.min(first, beat);
      }
    }
    return count < 2 ? 0 : ((count - 1) * 1000) / Math.max(1, now - first);
  }

  clear(): void {
    this.trip = this.encoding = NaN;
    this.stages.fill(NaN);
    this.beats.fill(0);
  }
}

function smooth(old: number, value: number): number {
  return Number.isNaN(old) ? value : old + (value - old) * 0.15;
}
