/** Judges what comes back, steadily: how well the face is seen, and whether it all goes too slowly. */

import { judge, type Sight, Steady } from "../state";
import { AT, type FaceBlock } from "./protocol";

/** Frames a second below which a live face moves haltingly, and how long that must hold. */
const SLOW = 7;
const SLOW_FOR = 6000;

export class Watch {
  private readonly sight = new Steady<Sight>("unknown", (s) => (s === "face" ? 200 : 900));
  private readonly slow = new Steady<boolean>(false, (s) => (s ? SLOW_FOR : 0));

  /** Begin afresh, with this of the face. */
  reset(sight: Sight = this.sight.value): Sight {
    this.sight.reset(sight);
    this.slow.reset(false);
    return sight;
  }

  /** An answer, with `light` as of `judge`. */
  see(lead: FaceBlock | null, size: { width: number; height: number }, faces: number, light: number, now: number): Sight {
    const share = lead ? (lead[AT.scale] * 18) / Math.min(size.width, size.height) : 0;
    return this.sight.next(judge(faces, Number.isFinite(share) ? share : 1, lead ? lead[AT.inside] : 0, light), now);
  }

  /** Whether answers come too slowly; `counts` while that can be judged. */
  halting(rate: number, counts: boolean, now: number): boolean {
    return this.slow.next(counts && rate < SLOW, now);
  }
}
