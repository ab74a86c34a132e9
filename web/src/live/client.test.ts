import { beforeEach, describe, expect, it, vi } from "vitest";
import { Live } from "./client";
import type { ClientMessage, Order, Report, ServerMessage } from "./messages";

/** The worker's place: keeps what it is told, and tells what it is asked to. */
class Stub {
  static last: Stub;
  onmessage: ((event: { data: Report }) => void) | null = null;
  readonly orders: Order[] = [];

  constructor() {
    Stub.last = this;
  }

  postMessage(order: Order): void {
    this.orders.push(order);
  }
}

const USE: ClientMessage = { type: "calibrate", action: "use", name: "Ada" };
const LOOK: ClientMessage = { type: "calibrate", action: "look" };
const ERROR = { type: "error", code: "invalid_value", message: "", hint: "" } as const;

describe("what is said to the server", () => {
  let live: Live;
  let heard: [string, ClientMessage | null][];
  const hear = (message: object) => Stub.last.onmessage?.({ data: { kind: "text", message: message as ServerMessage } });

  beforeEach(() => {
    vi.stubGlobal("Worker", Stub);
    vi.stubGlobal("window", { setTimeout, clearTimeout });
    heard = [];
    live = new Live(
      { url: "ws://x", token: null, raw: true },
      { connection: () => undefined, message: (message, asked) => heard.push([message.type, asked]), answer: () => undefined, finder: () => undefined },
    );
  });

  it("comes back with its answer, in order", () => {
    hear({ type: "ready" });
    expect([live.say(USE), live.say(LOOK)]).toEqual([true, true]);
    hear({ ...ERROR, sequence: null });
    hear({ type: "calibration" });
    expect(heard).toEqual([["ready", null], ["error", USE], ["calibration", LOOK]]);
  });

  it("is not answered by what is said of a frame", () => {
    hear({ type: "ready" });
    live.say(USE);
    hear({ ...ERROR, sequence: 7 });
    hear({ type: "calibration" });
    expect(heard.slice(1)).toEqual([["error", null], ["calibration", USE]]);
  });

  it("is said to nobody before the server is ready, and forgotten when it is gone", () => {
    expect(live.say(USE)).toBe(false);
    hear({ type: "ready" });
    live.say(USE);
    Stub.last.onmessage?.({ data: { kind: "closed", code: 1012, reason: "" } });
    expect(live.say(USE)).toBe(false);
    live.close = () => undefined;
    hear({ type: "ready" });
    hear({ type: "configured" });
    expect(heard.at(-1)).toEqual(["configured", null]);
  });
});
