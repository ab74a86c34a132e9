/** Plays a take back on the stage. */

import type { StudioState } from "../state";
import type { Store } from "../store";
import { cut, lengthOf, type Moment, momentAt, type Take } from "./take";

/** Shortest part that can be kept, in seconds. */
const SHORTEST = 0.1;

export class Review {
  /** Seconds from the start of the take. */
  position = 0;
  /** Called once when playing reaches the end; playing otherwise begins again. */
  onEnd: (() => void) | null = null;
  private last = 0;
  private shown: Moment | null = null;

  constructor(
    private readonly store: Store<StudioState>,
    private readonly show: (moment: Moment, take: Take) => void,
  ) {}

  open(take: Take): void {
    this.position = 0;
    this.shown = null;
    this.store.set({ take, playing: true, trim: [0, lengthOf(take)] });
  }

  close(): void {
    this.onEnd = null;
    this.store.set({ take: null, playing: false });
  }

  toggle(): void {
    this.store.set({ playing: !this.store.get().playing });
  }

  seek(position: number): void {
    const { take } = this.store.get();
    if (!take) return;
    this.position = Math.min(Math.max(0, position), lengthOf(take));
    this.present(take);
  }

  /** Keep what comes after `at`, or what comes before it. */
  trim(end: "from" | "to", at = this.position): void {
    const { take, trim } = this.store.get();
    if (!take) return;
    const [from, to] = trim;
    const least = Math.min(SHORTEST, lengthOf(take));
    if (end === "from") this.store.set({ trim: [Math.min(Math.max(0, at), to - least), to] });
    else this.store.set({ trim: [from, Math.max(Math.min(at, lengthOf(take)), from + least)] });
  }

  /** What of the take is kept. */
  get kept(): Take | null {
    const { take, trim } = this.store.get();
    return take && cut(take, ...trim);
  }

  tick(now: number): void {
    const elapsed = (now - this.last) / 1000;
    this.last = now;
    const { take, playing, trim } = this.store.get();
    if (!take || !playing) return;
    this.position = Math.max(trim[0], this.position + Math.min(elapsed, 0.25));
    if (this.position > trim[1]) {
      this.position = trim[0];
      const end = this.onEnd;
      this.onEnd = null;
      end?.();
    }
    this.present(take);
  }

  private present(take: Take): void {
    const moment = momentAt(take, this.position);
    if (!moment || moment === this.shown) return;
    this.shown = moment;
    this.show(moment, take);
  }
}
