/** Streams to other programs: what is asked of the server, and what it says becomes of it. */

import type { ServerError, Stream, StreamingState, StreamState } from "./live/messages";
import { sentence, type StudioState } from "./state";
import { Store } from "./store";

export const PROGRAMS = [
  { kind: "vmc", label: "VMC", hears: "VSeeFace, Warudo, Unity", address: "127.0.0.1:39539" },
  { kind: "livelink", label: "Live Link Face", hears: "Unreal", address: "127.0.0.1:11111" },
  { kind: "ifacialmocap", label: "iFacialMocap", hears: "Its own receivers", address: "127.0.0.1:49983" },
] as const;
export type Kind = (typeof PROGRAMS)[number]["kind"];

/** One format and the program that it goes to. */
export interface Line {
  readonly address: string;
  /** Whether it is wanted; the server may be gone. */
  readonly on: boolean;
  /** Why it could not be switched on. */
  readonly problem: string | null;
  /** What the server said last. */
  readonly told: StreamState | null;
}

export interface StreamsState {
  readonly lines: Readonly<Record<Kind, Line>>;
  /** Under which name Unreal lists the face. */
  readonly subject: string;
  readonly mirrored: boolean;
  /** Seconds from the arrival of a frame to the packets that show it. */
  readonly latency: number | null;
}

const KEY = "mien.streams";
const SUBJECT = "mien";
const MOST_LETTERS = 64;
/** Milliseconds between two questions how it stands. */
const PERIOD = 500;

/** What was remembered, over the usual; nothing is on. */
export function readStreams(stored: string | null): StreamsState {
  let given = new Map<string, unknown>();
  try {
    const values: unknown = JSON.parse(stored ?? "{}");
    if (typeof values === "object" && values !== null) given = new Map(Object.entries(values));
  } catch {
    // As if nothing had been stored.
  }
  const line = ({ kind, address }: (typeof PROGRAMS)[number]): [Kind, Line] => {
    const known = given.get(kind);
    return [kind, { address: typeof known === "string" && known ? known : address, on: false, problem: null, told: null }];
  };
  const subject = given.get("subject");
  return {
    lines: Object.fromEntries(PROGRAMS.map(line)) as Record<Kind, Line>,
    subject: typeof subject === "string" && subject ? subject.slice(0, MOST_LETTERS) : SUBJECT,
    mirrored: given.get("mirrored") === true,
    latency: null,
  };
}

export function anyOn({ lines }: StreamsState): boolean {
  return PROGRAMS.some(({ kind }) => lines[kind].on);
}

export interface Situation {
  readonly connected: boolean;
  /** Whether pictures follow each other by themselves. */
  readonly moving: boolean;
  readonly faces: number;
}

/** A line's state in words, and whether that is trouble. */
export function statusOf({ on, problem, told, address }: Line, { connected, moving, faces }: Situation): { text: string; trouble: boolean } {
  const quiet = (text: string) => ({ text, trouble: false });
  if (problem !== null) return { text: problem, trouble: true };
  if (!on) return quiet("Off");
  if (!connected) return quiet("Waiting for the server");
  if (told === null) return quiet("Switching on");
  if (told.trouble === "nobody listens there") return { text: `Nobody is listening at ${told.address}`, trouble: true };
  if (told.trouble !== null) return { text: sentence(`${told.address || address}: ${told.trouble}`, ""), trouble: true };
  if (!moving) return quiet("Waiting for a camera or a video");
  if (told.rate > 0) return quiet(`${Math.round(told.rate)} packets/s`);
  return quiet(faces === 0 ? "Waiting for a face" : "Starting");
}

export class Streams {
  readonly store = new Store<StreamsState>(readStreams(remembered()));
  private timer = 0;
  private connected = false;
  private face = 0;
  /** Goes on while nobody looks at the page, whose own clocks the browser then holds back. */
  private clock: Worker | null = null;

  /**
   * `say` is false when there is nobody to say it to; `offer` sends a frame while the page is
   * hidden and none is drawn.
   */
  constructor(
    studio: Store<StudioState>,
    private readonly say: (message: Stream) => boolean,
    private readonly offer: () => void,
  ) {
    studio.subscribe(() => this.follow(studio.get()));
    document.addEventListener("visibilitychange", () => this.attend());
  }

  get on(): boolean {
    return anyOn(this.store.get());
  }

  switch(kind: Kind, on: boolean): void {
    this.become(kind, { on, problem: null, told: null });
    if (on) this.begin(kind);
    else this.say({ type: "stream", action: "off", kind });
    this.attend();
  }

  /** Another program is meant; a stream that is on goes there from now on. */
  aim(kind: Kind, text: string): void {
    const address = text.trim() || (PROGRAMS.find((program) => program.kind === kind)?.address ?? "");
    const { on, address: before } = this.store.get().lines[kind];
    if (address === before) return;
    this.become(kind, { address, problem: null, told: null });
    this.remember();
    if (!on) return;
    this.say({ type: "stream", action: "off", kind });
    this.begin(kind);
  }

  name(text: string): void {
    const subject = text.trim().slice(0, MOST_LETTERS) || SUBJECT;
    this.store.set({ subject });
    this.remember();
    this.look({ subject });
  }

  mirror(mirrored: boolean): void {
    this.store.set({ mirrored });
    this.remember();
    this.look({ mirrored });
  }

  hear(state: StreamingState): void {
    for (const { kind } of PROGRAMS) {
      const told = state.streams.find((stream) => stream.kind === kind) ?? null;
      if (this.store.get().lines[kind].on) this.become(kind, { told });
    }
    this.store.set({ latency: state.latency });
  }

  refuse(error: ServerError, asked: Stream): void {
    if (asked.action !== "on" || !asked.kind) return;
    // The line says which it is.
    const message = error.message.replace(`${asked.kind} `, "");
    this.become(asked.kind, { on: false, told: null, problem: sentence(message, error.hint) });
    this.attend();
  }

  /** A session has come or gone, and its streams with it; or another face has the lead. */
  private follow({ connection, leadId }: StudioState): void {
    const connected = connection.kind === "ready";
    if (connected !== this.connected) {
      this.connected = connected;
      this.face = leadId;
      this.store.set({ latency: null });
      for (const { kind } of PROGRAMS) {
        if (!connected) this.become(kind, { told: null });
        else if (this.store.get().lines[kind].on) this.begin(kind);
      }
    } else if (leadId !== this.face) {
      this.face = leadId;
      if (leadId > 0) this.look({ face: leadId });
    }
  }

  private begin(kind: Kind): void {
    const { lines, subject, mirrored } = this.store.get();
    const face = this.face || null;
    this.say({ type: "stream", action: "on", kind, address: lines[kind].address, subject, mirrored, face });
  }

  private look(part: Partial<Stream> = {}): void {
    if (this.on) this.say({ type: "stream", action: "look", ...part });
  }

  private become(kind: Kind, part: Partial<Line>): void {
    const { lines } = this.store.get();
    this.store.set({ lines: { ...lines, [kind]: { ...lines[kind], ...part } } });
  }

  /** Ask how it stands as long as there is something to know, and keep frames coming. */
  private attend(): void {
    const { on } = this;
    if (on && !this.timer) this.timer = window.setInterval(() => this.look(), PERIOD);
    else if (!on && this.timer) {
      window.clearInterval(this.timer);
      this.timer = 0;
    }
    if (on && document.hidden && !this.clock) {
      this.clock = new Worker(new URL("./clock.ts", import.meta.url), { type: "module" });
      this.clock.onmessage = this.offer;
    } else if (!(on && document.hidden) && this.clock) {
      this.clock.terminate();
      this.clock = null;
    }
  }

  private remember(): void {
    const { lines, subject, mirrored } = this.store.get();
    const addresses = PROGRAMS.map(({ kind }) => [kind, lines[kind].address]);
    try {
      localStorage.setItem(KEY, JSON.stringify({ ...Object.fromEntries(addresses), subject, mirrored }));
    } catch {
      // Storage may be blocked; the streams work without a memory.
    }
  }
}

function remembered(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
