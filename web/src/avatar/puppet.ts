/** The avatar on the stage, driven by the lead face and by hand. */

import { Group, Quaternion } from "three";
import type { FaceBlock } from "../live/protocol";
import { Motion } from "../live/motion";
import { CHANNELS } from "../tables";
import type { Figure } from "./figure";
import type { Hand } from "./hand";

/** Milliseconds for which hair swings on after the head has stopped. */
const SWING = 1500;

export class Puppet {
  readonly root = new Group();
  readonly motion = new Motion();
  figure: Figure | null = null;
  /** The channels as they are shown. */
  readonly posed = new Float32Array(CHANNELS.length);
  /** Where the head is turned to, as it is shown. */
  readonly head = new Quaternion();
  private readonly turn = Float32Array.of(0, 0, 0, 1);
  private lastMoved = 0;
  private stale = true;

  constructor(private readonly hand: Hand) {}

  wear(figure: Figure | null): void {
    this.figure?.root.removeFromParent();
    this.figure = figure;
    if (figure) this.root.add(figure.root);
    this.stale = true;
  }

  follow(block: FaceBlock, now: number, seconds: number): void {
    this.motion.follow(block, now, seconds);
  }

  rest(): void {
    this.motion.rest();
  }

  /** Move on; returns whether there is something new to be drawn. */
  tick(now: number, elapsed: number, mirrored: boolean): boolean {
    const moved = this.motion.tick(now, elapsed);
    const { figure, turn, hand } = this;
    turn.set(this.motion.head);
    if (mirrored) {
      turn[1] = -turn[1];
      turn[2] = -turn[2];
    }
    this.head.fromArray(turn);
    if (!figure) return false;
    if (moved || this.stale || hand.restless) this.lastMoved = now;
    else if (!figure.swings || now - this.lastMoved > SWING) return false;
    this.stale = false;
    hand.apply(this.motion.weights, mirrored, elapsed, this.posed);
    figure.settle?.(this.posed);
    figure.pose(this.posed, turn, elapsed);
    return true;
  }

  /** Sides have been exchanged, or something else that `tick` cannot see. */
  refresh(): void {
    this.stale = true;
  }
}
