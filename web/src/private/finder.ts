/** The page's end of private mode: pictures go to a worker without a socket, and never further. */

import { InferError, type Still } from "../live/infer";
import type { ErrorDetail } from "../live/messages";
import type { Answer } from "../live/protocol";
import { spoken } from "../state";
import type { Kept, Moment, Order, Report } from "./messages";

export type FinderState =
  | { readonly kind: "off" }
  | { readonly kind: "loading"; readonly share: number | null }
  | { readonly kind: "missing"; readonly text: string }
  | { readonly kind: "running" }
  | { readonly kind: "failed"; readonly text: string };

export interface FinderHost {
  told: (state: FinderState) => void;
  /** Number the next frame, or null while too many are on their way. */
  launch: () => number | null;
  /** A way for messages to the server that does not pass through the page. */
  line: () => MessagePort;
}

interface Wanted {
  /** What it was sent as; 0 while it waits. */
  sequence: number;
  readonly bitmap: ImageBitmap;
  readonly done: (still: Still) => void;
  readonly failed: (error: Error) => void;
}

/** Milliseconds after which nothing more is hoped for. */
const NO_ANSWER = 10_000;
/** Whose landmarks they are. */
const ENGINE = "facelandmarker";

export class Finder {
  /** Whether pictures are to stay in the page. It is so from the first moment, ready or not. */
  on = false;
  private state: FinderState = { kind: "off" };
  private worker: Worker | null = null;
  private busy = false;
  /** The newest picture that waits; an older one is of no use to anybody. */
  private slot: Moment | null = null;
  private wanted: Wanted | null = null;
  private readonly kept = new Map<number, Kept>();

  constructor(private readonly host: FinderHost) {}

  /** Get the model from `address` and begin; nothing happens where that has been done. */
  start(address: string, faces: number): void {
    if (this.worker) return;
    this.become({ kind: "loading", share: null });
    this.worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    this.worker.onmessage = ({ data }: MessageEvent<Report>) => this.hear(data);
    this.worker.onerror = ({ message }) => this.become({ kind: "failed", text: message || "the worker does not start" });
    const line = this.host.line();
    this.order({ kind: "open", model: new URL(address, document.baseURI).href, faces, line }, [line]);
  }

  stop(): void {
    this.worker?.terminate();
    this.worker = null;
    this.busy = false;
    this.forget();
    this.become({ kind: "off" });
  }

  faces(faces: number): void {
    this.order({ kind: "faces", faces });
  }

  /** Look at a picture, unless a newer one comes before its turn. */
  offer(moment: Moment): void {
    this.slot?.image.close();
    this.slot = moment;
    this.pump();
  }

  /**
   * Look at a photo.
   *
   * @throws InferError when no answer comes
   */
  still(bitmap: ImageBitmap, signal: AbortSignal): Promise<Still> {
    return new Promise((done, failed) => {
      const wanted: Wanted = { sequence: 0, bitmap, done, failed };
      this.wanted = wanted;
      signal.addEventListener("abort", () => this.giveUp(wanted, "Something else is looked at."));
      this.pump();
    });
  }

  /** There may be room for another frame. */
  pump(): void {
    if (this.state.kind !== "running" || this.busy) return;
    if (this.wanted?.sequence === 0) {
      void this.look(this.wanted);
      return;
    }
    const moment = this.slot;
    const sequence = moment && this.host.launch();
    if (!moment || sequence === null) return;
    this.slot = null;
    this.find(moment, sequence);
  }

  /** What was kept of the frame that is answered; older ones were overtaken. */
  settle(sequence: number): Kept | null {
    const found = this.kept.get(sequence) ?? null;
    for (const [other, { bitmap }] of this.kept) {
      if (other > sequence) continue;
      if (other < sequence) bitmap.close();
      this.kept.delete(other);
    }
    return found;
  }

  /** Whether an answer was that to a photo; `stages` are those it times. */
  answered({ sequence, faces, width, height, seconds }: Answer, stages: readonly string[]): boolean {
    const { wanted } = this;
    if (wanted?.sequence !== sequence || sequence === 0) return false;
    this.wanted = null;
    this.settle(sequence)?.bitmap.close();
    const timings = Object.fromEntries(stages.map((stage, i) => [stage, seconds[i]]));
    wanted.done({ faces, width, height, engine: ENGINE, timings });
    return true;
  }

  /** The server does not take what came of a frame. */
  refused(sequence: number, error: Pick<ErrorDetail, "code" | "message" | "hint">): void {
    this.settle(sequence)?.bitmap.close();
    if (this.wanted?.sequence === sequence) this.giveUp(this.wanted, spoken(error));
  }

  /** Frames on their way will not be answered. */
  forget(): void {
    for (const { bitmap } of this.kept.values()) bitmap.close();
    this.kept.clear();
    this.slot?.image.close();
    this.slot = null;
    if (this.wanted) this.wanted.sequence = 0;
  }

  private async look(wanted: Wanted): Promise<void> {
    const sequence = this.host.launch();
    if (sequence === null) return;
    wanted.sequence = sequence;
    const { width, height } = wanted.bitmap;
    const image = await createImageBitmap(wanted.bitmap);
    this.find({ image, width, height, time: performance.now() / 1000, still: true }, sequence);
    setTimeout(() => {
      if (wanted.sequence === sequence) this.giveUp(wanted, "The server did not answer.");
    }, NO_ANSWER);
  }

  private giveUp(wanted: Wanted, reason: string): void {
    if (this.wanted !== wanted) return;
    this.wanted = null;
    wanted.failed(new InferError(reason));
  }

  private find(moment: Moment, sequence: number): void {
    this.busy = true;
    this.order({ kind: "find", sequence, ...moment }, [moment.image]);
  }

  private order(order: Order, transfer: Transferable[] = []): void {
    this.worker?.postMessage(order, transfer);
  }

  private hear(report: Report): void {
    if (report.kind === "found") {
      this.busy = false;
      this.kept.set(report.sequence, report);
    } else this.become(report);
    this.pump();
  }

  private become(state: FinderState): void {
    this.state = state;
    this.host.told(state);
  }
}
