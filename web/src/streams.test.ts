import { beforeEach, describe, expect, it, vi } from "vitest";
import type { ServerError, Stream, StreamingState, StreamState } from "./live/messages";
import { DEFAULTS } from "./settings";
import { beginning, type StudioState } from "./state";
import { Store } from "./store";
import { anyOn, readStreams, type Situation, statusOf, Streams } from "./streams";

const told = (part: Partial<StreamState> = {}): StreamState => ({
  kind: "vmc",
  address: "127.0.0.1:39539",
  packets: 10,
  errors: 0,
  rate: 59.6,
  trouble: null,
  ...part,
});
const line = (part: object = {}) => ({ ...readStreams(null).lines.vmc, on: true, told: told(), ...part });

describe("what is remembered", () => {
  it.each([null, "", "{", "null", "3", "[]", "{}", '{"vmc": 3, "subject": "", "mirrored": "yes"}'])("%j gives the usual", (stored) => {
    expect(readStreams(stored)).toEqual(readStreams(null));
  });

  it("comes back, switched off", () => {
    const state = readStreams('{"vmc": "pc:39540", "subject": "Ada", "mirrored": true, "on": true}');
    expect(state.lines.vmc.address).toBe("pc:39540");
    expect(state.lines.livelink.address).toBe("127.0.0.1:11111");
    expect([state.subject, state.mirrored, anyOn(state)]).toEqual(["Ada", true, false]);
  });
});

const SITUATION: Situation = { connected: true, moving: true, faces: 1 };
it.each([
  [line({ on: false, told: null }), SITUATION, "Off", false],
  [line({ on: false, problem: "No." }), SITUATION, "No.", true],
  [line(), { ...SITUATION, connected: false }, "Waiting for the server", false],
  [line({ told: null }), SITUATION, "Switching on", false],
  [line(), SITUATION, "60 packets/s", false],
  [line({ told: told({ trouble: "nobody listens there" }) }), SITUATION, "Nobody is listening at 127.0.0.1:39539", true],
  [line({ told: told({ trouble: "Network is unreachable" }) }), SITUATION, "127.0.0.1:39539: Network is unreachable.", true],
  [line(), { ...SITUATION, moving: false }, "Waiting for a camera or a video", false],
  [line({ told: told({ rate: 0 }) }), { ...SITUATION, faces: 0 }, "Waiting for a face", false],
  [line({ told: told({ rate: 0 }) }), SITUATION, "Starting", false],
])("status %#: %j", (state, situation, text, trouble) => {
  expect(statusOf(state, situation)).toEqual({ text, trouble });
});

describe("streams", () => {
  const said: Stream[] = [];
  let studio: Store<StudioState>;
  let streams: Streams;
  const page = { hidden: false, addEventListener: vi.fn() };
  const state = (kinds: ("vmc" | "livelink")[]): StreamingState => ({
    type: "streaming",
    streams: kinds.map((kind) => told({ kind })),
    subject: "mien",
    mirrored: false,
    face: null,
    latency: 0.03,
  });

  beforeEach(() => {
    const stored = new Map<string, string>();
    vi.useFakeTimers();
    vi.stubGlobal("document", page);
    vi.stubGlobal("window", globalThis);
    vi.stubGlobal("localStorage", {
      getItem: (key: string) => stored.get(key) ?? null,
      setItem: (key: string, value: string) => stored.set(key, value),
    });
    studio = new Store(beginning(DEFAULTS));
    streams = new Streams(studio, (message) => said.push(message) > 0, () => undefined);
    studio.set({ connection: { kind: "ready" } });
    said.length = 0;
    return () => {
      vi.useRealTimers();
      vi.unstubAllGlobals();
    };
  });

  it("are asked for, looked after and switched off", () => {
    streams.switch("vmc", true);
    expect(said).toEqual([{ type: "stream", action: "on", kind: "vmc", address: "127.0.0.1:39539", subject: "mien", mirrored: false, face: null }]);
    streams.hear(state(["vmc"]));
    expect(streams.store.get().lines.vmc.told?.packets).toBe(10);
    expect(streams.store.get().latency).toBe(0.03);
    vi.advanceTimersByTime(1000);
    expect(said.slice(1)).toEqual([{ type: "stream", action: "look" }, { type: "stream", action: "look" }]);
    streams.switch("vmc", false);
    expect(said.at(-1)).toEqual({ type: "stream", action: "off", kind: "vmc" });
    const count = said.length;
    vi.advanceTimersByTime(2000);
    expect(said).toHaveLength(count);
    // An answer that was on its way.
    streams.hear(state(["vmc"]));
    expect(streams.store.get().lines.vmc.told).toBeNull();
  });

  it("that are refused are off, and say why", () => {
    streams.switch("livelink", true);
    const error: ServerError = { type: "error", code: "invalid_value", message: "livelink 'x': no such host", hint: "look again", sequence: null };
    streams.refuse(error, said[0]);
    const { on, problem } = streams.store.get().lines.livelink;
    expect([on, problem]).toEqual([false, "'x': no such host. Look again."]);
    streams.switch("livelink", true);
    expect(streams.store.get().lines.livelink.problem).toBeNull();
  });

  it("begin again with the next session", () => {
    streams.switch("vmc", true);
    streams.hear(state(["vmc"]));
    studio.set({ connection: { kind: "lost", attempt: 0, retryAt: 0 } });
    expect(streams.store.get().lines.vmc).toMatchObject({ on: true, told: null });
    said.length = 0;
    studio.set({ connection: { kind: "ready" } });
    expect(said).toMatchObject([{ action: "on", kind: "vmc" }]);
  });

  it("go elsewhere when another address is given, and remember it", () => {
    streams.aim("vmc", " pc:39540 ");
    expect(said).toEqual([]);
    streams.switch("vmc", true);
    streams.aim("vmc", "pc:39540");
    expect(said).toHaveLength(1);
    streams.aim("vmc", "");
    expect(said.slice(1)).toMatchObject([
      { action: "off", kind: "vmc" },
      { action: "on", kind: "vmc", address: "127.0.0.1:39539" },
    ]);
    streams.name("Ada");
    streams.mirror(true);
    expect(said.slice(3)).toMatchObject([{ subject: "Ada" }, { mirrored: true }]);
    expect(readStreams(localStorage.getItem("mien.streams"))).toMatchObject({ subject: "Ada", mirrored: true });
  });

  it("follow who has the lead", () => {
    studio.set({ leadId: 3 });
    expect(said).toEqual([]);
    streams.switch("vmc", true);
    expect(said).toMatchObject([{ face: 3 }]);
    studio.set({ leadId: 4 });
    expect(said[1]).toEqual({ type: "stream", action: "look", face: 4 });
  });
});
