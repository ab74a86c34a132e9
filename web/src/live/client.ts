/** The page's end of the live connection: keeps it up, and keeps frames from piling up. */

import { CLOSE, IN_FLIGHT, STAGES } from "../generated/wire";
import { Finder, type FinderState } from "../private/finder";
import { backoff, type Connection, lose } from "../state";
import { Flight } from "./flight";
import type { ClientMessage, Order, Ready, Report, ServerMessage } from "./messages";
import { type Answer, parseAnswer } from "./protocol";

/** What the page knows of a frame: milliseconds from sending it to its answer and for encoding it
 * before, and how bright it was. */
export interface Seen {
  readonly trip: number;
  readonly encoding: number;
  readonly light: number;
}

export interface LiveHandlers {
  connection: (connection: Connection) => void;
  /** `asked` is what it answers; null for what comes unasked. */
  message: (message: ServerMessage, asked: ClientMessage | null) => void;
  /** `bitmap` is the frame that is answered and belongs to the receiver. */
  answer: (answer: Answer, bitmap: ImageBitmap | null, frame: Seen) => void;
  /** How finding landmarks in the page goes. */
  finder: (state: FinderState) => void;
}

export interface Address {
  readonly url: string;
  readonly token: string | null;
  /** Raw pixels cost no time to encode but are large: only for a server on this machine. */
  readonly raw: boolean;
}

export class Live {
  ready: Ready | null = null;
  /** While it is on no picture leaves the page. */
  readonly finder: Finder;
  private connection: Connection = { kind: "connecting" };
  private readonly worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  private readonly flight = new Flight(IN_FLIGHT);
  /** Each is answered by one message, in order. */
  private readonly asked: ClientMessage[] = [];
  private capturing = false;
  private timer = 0;

  constructor(
    private readonly address: Address,
    private readonly handlers: LiveHandlers,
  ) {
    this.worker.onmessage = ({ data }: MessageEvent<Report>) => this.hear(data);
    this.finder = new Finder({
      told: handlers.finder,
      launch: () => {
        const now = performance.now();
        return this.ready && this.flight.free(now) ? this.flight.launch(now) : null;
      },
      line: () => {
        const { port1, port2 } = new MessageChannel();
        this.worker.postMessage({ kind: "line", port: port1 } satisfies Order, [port1]);
        return port2;
      },
    });
  }

  connect(): void {
    window.clearTimeout(this.timer);
    if (this.connection.kind === "refused") this.become({ kind: "connecting" });
    this.order({ kind: "open", ...this.address });
  }

  close(): void {
    window.clearTimeout(this.timer);
    this.order({ kind: "close" });
    this.worker.terminate();
    this.finder.stop();
  }

  /** False when there is nobody to say it to. */
  say(message: ClientMessage): boolean {
    if (!this.ready) return false;
    this.asked.push(message);
    this.order({ kind: "text", message });
    return true;
  }

  /**
   * Send what the video shows now, at most `width` pixels wide, unless two frames are still on
   * their way. Nothing queues: the next call sends a newer picture.
   */
  offer(video: HTMLVideoElement, width: number): void {
    const now = performance.now();
    if (!this.ready || this.capturing || !video.videoWidth || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    // The one who looks keeps the newest picture until its turn comes.
    if (!this.finder.on && !this.flight.free(now)) return;
    const scale = Math.min(1, width / video.videoWidth);
    const size = {
      width: Math.max(1, Math.round(video.videoWidth * scale)),
      height: Math.max(1, Math.round(video.videoHeight * scale)),
    };
    if ("VideoFrame" in window) {
      // A frame stays where the decoder put it; a bitmap of it may go by way of the graphics
      // card, whose queue the stage fills.
      this.launch(new VideoFrame(video), size, now);
      return;
    }
    this.capturing = true;
    createImageBitmap(video)
      .then((bitmap) => this.launch(bitmap, size, now))
      // The source was taken away between two frames; the next one has its own chance.
      .catch(() => undefined)
      .finally(() => (this.capturing = false));
  }

  private launch(image: VideoFrame | ImageBitmap, size: { width: number; height: number }, now: number): void {
    if (this.finder.on) {
      this.finder.offer({ image, ...size, time: now / 1000, still: false });
      return;
    }
    const sequence = this.flight.launch(now);
    const order: Order = { kind: "frame", image, ...size, sequence, time: now / 1000 };
    this.worker.postMessage(order, [image]);
  }

  private order(order: Order): void {
    this.worker.postMessage(order);
  }

  private become(connection: Connection): void {
    this.connection = connection;
    this.handlers.connection(connection);
  }

  private hear(report: Report): void {
    switch (report.kind) {
      case "opened":
        this.flight.clear();
        this.finder.forget();
        break;
      case "closed":
        this.lost(report.code, report.reason);
        break;
      case "text":
        this.read(report.message);
        break;
      case "answer": {
        const answer = parseAnswer(report.buffer);
        if (!answer) {
          report.bitmap?.close();
          break;
        }
        const trip = this.flight.land(answer.sequence, performance.now());
        if (this.finder.answered(answer, STAGES)) {
          this.finder.pump();
          break;
        }
        const { bitmap, encoding, light } = this.finder.settle(answer.sequence) ?? report;
        this.finder.pump();
        this.handlers.answer(answer, bitmap, { trip: trip ?? 0, encoding, light });
      }
    }
  }

  private read(message: ServerMessage): void {
    if (message.type === "ready") {
      this.ready = message;
      this.become({ kind: "ready" });
      this.finder.pump();
    } else if (message.type === "error" && message.sequence !== null) {
      this.flight.land(message.sequence, performance.now());
      this.finder.refused(message.sequence, message);
      this.finder.pump();
    } else {
      this.handlers.message(message, this.asked.shift() ?? null);
      return;
    }
    this.handlers.message(message, null);
  }

  private lost(code: number, reason: string): void {
    this.ready = null;
    this.flight.clear();
    this.asked.length = 0;
    if (code === CLOSE.REFUSED) {
      this.become({ kind: "refused", reason: reason || "The server refused the connection" });
      return;
    }
    const next = lose(this.connection, performance.now());
    this.become(next);
    const attempt = next.kind === "lost" ? next.attempt : 0;
    this.timer = window.setTimeout(() => this.connect(), backoff(attempt));
  }
}
