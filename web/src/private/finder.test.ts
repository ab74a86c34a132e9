import { beforeEach, describe, expect, it, vi } from "vitest";
import { FACE_FLOATS, STAGES } from "../generated/wire";
import type { Answer } from "../live/protocol";
import { Finder, type FinderState } from "./finder";
import type { Moment, Order, Report } from "./messages";

class Stub {
  static last: Stub;
  onmessage: ((event: { data: Report }) => void) | null = null;
  readonly orders: Order[] = [];
  ended = false;

  constructor() {
    Stub.last = this;
  }

  postMessage(order: Order): void {
    this.orders.push(order);
  }

  terminate(): void {
    this.ended = true;
  }

  /** Sequences that were asked for. */
  get asked(): number[] {
    return this.orders.flatMap((order) => (order.kind === "find" ? [order.sequence] : []));
  }
}

class Picture {
  closed = false;
  readonly width = 20;
  readonly height = 10;
  close(): void {
    this.closed = true;
  }
}

const picture = () => new Picture() as unknown as ImageBitmap & Picture;
const moment = (time: number): Moment => ({ image: picture(), width: 20, height: 10, time, still: false });
const told = (report: Report) => Stub.last.onmessage?.({ data: report });
const found = (sequence: number) => {
  const bitmap = picture();
  told({ kind: "found", sequence, bitmap, encoding: 5, light: 100 });
  return bitmap;
};
const answer = (sequence: number): Answer => ({
  sequence, time: 0, width: 20, height: 10, dropped: 0, seconds: new Float32Array(STAGES.length), faces: [new Float32Array(FACE_FLOATS)],
});

describe("finding faces in the page", () => {
  let states: FinderState["kind"][];
  let room: boolean;
  let finder: Finder;

  beforeEach(() => {
    vi.stubGlobal("Worker", Stub);
    vi.stubGlobal("document", { baseURI: "http://host/under/" });
    vi.stubGlobal("createImageBitmap", () => Promise.resolve(picture()));
    states = [];
    room = true;
    let sequence = 0;
    finder = new Finder({
      told: ({ kind }) => states.push(kind),
      launch: () => (room ? ++sequence : null),
      line: () => ({}) as MessagePort,
    });
    finder.start("models/a.task?sha256=1", 2);
  });

  it("asks for the model where the page lies, once", () => {
    finder.start("models/a.task?sha256=1", 2);
    expect(Stub.last.orders).toEqual([{ kind: "open", model: "http://host/under/models/a.task?sha256=1", faces: 2, line: {} }]);
  });

  it("looks at nothing before it runs, and then at the newest", () => {
    const [old, recent] = [moment(1), moment(2)];
    finder.offer(old);
    finder.offer(recent);
    expect(Stub.last.asked).toEqual([]);
    expect((old.image as unknown as Picture).closed).toBe(true);
    told({ kind: "running" });
    expect(Stub.last.orders.at(-1)).toMatchObject({ kind: "find", sequence: 1, time: 2 });
    expect(states).toEqual(["loading", "running"]);
  });

  it("looks at one picture at a time, and at none that could not be sent", () => {
    told({ kind: "running" });
    for (const time of [1, 2, 3]) finder.offer(moment(time));
    expect(Stub.last.asked).toEqual([1]);
    room = false;
    found(1);
    expect(Stub.last.asked).toEqual([1]);
    room = true;
    finder.pump();
    expect(Stub.last.orders.at(-1)).toMatchObject({ sequence: 2, time: 3 });
  });

  it("keeps a picture until its answer, or a later one", () => {
    told({ kind: "running" });
    const [first, second] = [found(1), found(2)];
    expect(finder.settle(2)?.bitmap).toBe(second);
    expect([first.closed, second.closed]).toEqual([true, false]);
    expect(finder.settle(2)).toBeNull();
  });

  it("answers for a photo, which no frame takes the place of", async () => {
    const still = finder.still(picture(), new AbortController().signal);
    finder.offer(moment(1));
    told({ kind: "running" });
    await Promise.resolve();
    expect(Stub.last.orders.at(-1)).toMatchObject({ kind: "find", sequence: 1, still: true, width: 20 });
    found(1);
    expect(finder.answered(answer(9), STAGES)).toBe(false);
    expect(finder.answered(answer(1), STAGES)).toBe(true);
    expect(await still).toMatchObject({ engine: "facelandmarker", width: 20, faces: [{}] });
  });

  it("gives a photo up that is no longer wanted, or that the server refuses", async () => {
    const aborter = new AbortController();
    const first = finder.still(picture(), aborter.signal);
    aborter.abort();
    await expect(first).rejects.toThrow("Something else");
    const second = finder.still(picture(), new AbortController().signal);
    told({ kind: "running" });
    finder.refused(1, { code: "invalid_value", message: "no", hint: "send it smaller" });
    await expect(second).rejects.toThrow("No. Send it smaller.");
  });

  it("sends a photo again when the server was gone", async () => {
    void finder.still(picture(), new AbortController().signal);
    told({ kind: "running" });
    await Promise.resolve();
    found(1);
    finder.forget();
    finder.pump();
    await Promise.resolve();
    expect(Stub.last.asked).toEqual([1, 2]);
  });

  it("looks at nothing once it has failed or is stopped", () => {
    told({ kind: "running" });
    told({ kind: "failed", text: "lost" });
    finder.offer(moment(1));
    finder.stop();
    finder.offer(moment(2));
    expect([Stub.last.ended, Stub.last.asked]).toEqual([true, []]);
    expect(states.at(-1)).toBe("off");
  });
});
