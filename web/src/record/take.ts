/** A take: the answers of one recording, kept in memory within a bound. */

import type { FaceBlock } from "../live/protocol";

export interface Moment {
  /** Seconds from the start of the take. */
  readonly time: number;
  readonly faces: readonly FaceBlock[];
}

export interface Take {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly moments: readonly Moment[];
  readonly engine: string;
  /** Whether it was watched in a mirror; the numbers themselves never are. */
  readonly mirrored: boolean;
}

/** Seconds from first to last answer. */
export function lengthOf(take: Take): number {
  return take.moments.at(-1)?.time ?? 0;
}

/** The moment shown at `time`: the last one not after it. Null in an empty take. */
export function momentAt(take: Take, time: number): Moment | null {
  const { moments } = take;
  if (moments.length === 0) return null;
  let low = 0;
  let high = moments.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (moments[middle].time <= time) low = middle;
    else high = middle - 1;
  }
  return moments[low];
}

/** The part of a take from one second to another, its times from its own beginning. */
export function cut(take: Take, from: number, to: number): Take {
  const moments = take.moments.filter(({ time }) => time >= from && time <= to);
  const start = moments.at(0)?.time ?? 0;
  return { ...take, moments: moments.map(({ time, faces }) => ({ time: time - start, faces })) };
}

export class Recorder {
  bytes = 0;
  private moments: Moment[] = [];
  private start = 0;
  private size = { width: 0, height: 0 };

  constructor(private readonly limit = 96 * 2 ** 20) {}

  get seconds(): number {
    return this.moments.at(-1)?.time ?? 0;
  }

  /** Keep an answer; false when the bound is reached and nothing more is kept. */
  add(time: number, width: number, height: number, faces: readonly FaceBlock[]): boolean {
    const size = faces.reduce((sum, face) => sum + face.byteLength, 64);
    if (this.bytes + size > this.limit) return false;
    if (this.moments.length === 0) {
      this.start = time;
      this.size = { width, height };
    }
    // Answers share one buffer with what else came down; a take outlives it.
    const copies = faces.map((face) => face.slice());
    this.moments.push({ time: Math.max(this.seconds, time - this.start), faces: copies });
    this.bytes += size;
    return true;
  }

  /** The take so far; the recorder starts afresh. */
  finish(name: string, engine: string, mirrored: boolean): Take {
    const take: Take = { name, engine, mirrored, ...this.size, moments: this.moments };
    this.moments = [];
    this.bytes = 0;
    return take;
  }
}
