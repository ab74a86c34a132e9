import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Calibrate, CalibrationState, Ready, ServerError } from "../live/messages";
import { DEFAULTS, type Settings } from "../settings";
import { beginning, type StudioState } from "../state";
import { CHANNELS } from "../tables";
import { Guide } from "./guide";

const PHASES = [
  { name: "neutral", seconds: 2, say: "Relax.", frames: 0, good: 0, trouble: null },
  { name: "smile", seconds: 1, say: "Smile.", frames: 0, good: 0, trouble: null },
];
const READY = { type: "ready", phases: PHASES, calibration: null } as unknown as Ready;
const REFUSAL: ServerError = { type: "error", code: "invalid_value", message: "the neutral face cannot be learnt", hint: "close your mouth", sequence: null };

/** A server that says what it is told to say. */
class Scene {
  now = 1000;
  up = true;
  readonly said: Calibrate[] = [];
  readonly remembered: (string | null)[] = [];
  readonly others: boolean[] = [];
  state: StudioState;
  readonly guide: Guide;

  constructor(settings: Partial<Settings> = {}) {
    this.state = {
      ...beginning({ ...DEFAULTS, ...settings }),
      connection: { kind: "ready" },
      source: { kind: "camera", phase: "running", name: "Camera" },
      faces: 1,
      ready: READY,
    };
    this.guide = new Guide({
      say: (message) => {
        if (this.up) this.said.push(message);
        return this.up;
      },
      state: () => this.state,
      remember: (person) => this.remembered.push(person),
      lookForOthers: (on) => this.others.push(on),
      token: null,
    });
    this.guide.open();
  }

  get at() {
    return this.guide.store.get();
  }

  /** The server's answer to the last question. */
  answer(part: Partial<CalibrationState> = {}): void {
    const told: CalibrationState = { type: "calibration", status: "off", name: null, free: false, phase: null, phases: [], unseen: [], channels: null, people: [], ...part };
    this.guide.hear(told, this.said.at(-1) ?? null);
  }

  /** The server learns, and a face can be learnt from. */
  learn(phase: string, good = 100, trouble: string | null = null): void {
    this.answer({ status: "learning", name: "Ada", phase, phases: PHASES.map((p) => ({ ...p, good, frames: good, trouble })) });
  }

  /** Seconds go by; looks at how it goes are left out of what was said. */
  pass(seconds: number): void {
    for (let i = 0; i < seconds * 10; i++) {
      this.now += 100;
      this.guide.tick(this.now, 0.1);
    }
  }

  get actions(): string[] {
    return this.said.filter(({ action }) => action !== "look").map(({ action, phase }) => (phase ? `${action} ${phase}` : action));
  }

  /** Up to what came of it. */
  finish(): void {
    this.guide.start("Ada", false);
    this.pass(3.2);
    this.learn("neutral");
    this.pass(0.2);
    this.learn("neutral");
    this.pass(2);
    this.learn("smile");
    this.pass(0.2);
    this.learn("smile");
    this.pass(1);
    const zero = { neutral: 0, scale: 1, before: 0.2, after: 0.2 };
    const channels = { ...Object.fromEntries(CHANNELS.map((name) => [name, zero])), jawOpen: { neutral: 0.1, scale: 1, before: 0.1, after: 0 }, browDownLeft: { neutral: 0.3, scale: 1, before: null, after: null } };
    this.answer({ status: "trying", name: "Ada", unseen: ["smile"], channels });
  }
}

beforeEach(() => {
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(JSON.stringify({ calibrations: [{ name: "Ada", head: "h", engine: "e", created: "", trouble: null }] }))));
});
afterEach(() => vi.unstubAllGlobals());

describe("a guided calibration", () => {
  it("asks for each face in turn, then tries, then saves", () => {
    const scene = new Scene();
    scene.finish();
    expect(scene.actions).toEqual(["start", "phase smile", "finish"]);
    expect(scene.said.find(({ action }) => action === "start")?.name).toBe("Ada");
    expect([scene.at.step, scene.at.name, scene.at.unseen]).toEqual(["review", "Ada", ["smile"]]);
    expect(scene.at.changed).toEqual(["browDownLeft", "jawOpen"]);
    expect(scene.guide.before[CHANNELS.indexOf("jawOpen")]).toBeCloseTo(0.1);
    expect(scene.guide.after[CHANNELS.indexOf("browDownLeft")]).toBeNaN();
    expect(scene.remembered).toEqual([]);
    scene.guide.save();
    expect(scene.at.busy).toBe(true);
    scene.answer({ status: "on", name: "Ada" });
    expect([scene.at.step, scene.at.busy, scene.remembered]).toEqual(["people", false, ["Ada"]]);
    expect(scene.at.note).toContain("Saved");
  });

  it("does not begin before the server has", () => {
    const scene = new Scene();
    scene.guide.start("Ada", false);
    scene.pass(20);
    expect(scene.actions).toEqual(["start"]);
    expect(scene.guide.course.progress).toBe(0);
  });

  it("waits while nobody is seen, and asks for the face afresh", () => {
    const scene = new Scene();
    scene.guide.start("Ada", false);
    scene.state = { ...scene.state, faces: 0 };
    scene.pass(10);
    expect([scene.actions, scene.at.hindrance]).toEqual([[], "nobody"]);
    scene.state = { ...scene.state, faces: 1 };
    scene.pass(3.8);
    scene.learn("neutral");
    scene.pass(1);
    scene.state = { ...scene.state, faces: 2 };
    scene.pass(1);
    expect(scene.at.hindrance).toBe("several");
    scene.state = { ...scene.state, faces: 1 };
    scene.pass(1);
    expect(scene.actions).toEqual(["start", "phase neutral"]);
  });

  it("tells what the server wants done differently", () => {
    const scene = new Scene();
    scene.guide.start("Ada", false);
    scene.pass(3.2);
    scene.learn("neutral", 3, "close your mouth");
    scene.pass(1);
    expect([scene.at.hindrance, scene.at.advice]).toEqual(["advice", "close your mouth"]);
  });

  it("lets faces be left out, but not the neutral one", () => {
    const scene = new Scene();
    scene.guide.start("Ada", false);
    scene.pass(3.2);
    scene.learn("neutral");
    scene.guide.skip();
    scene.guide.finish();
    expect(scene.actions).toEqual(["start"]);
    scene.pass(0.2);
    scene.learn("neutral");
    scene.pass(2);
    scene.guide.skip();
    expect(scene.actions).toEqual(["start", "phase smile", "finish"]);
  });

  it("takes no name for no person", () => {
    const scene = new Scene();
    scene.guide.start("  ", false);
    expect(scene.at.step).toBe("people");
  });

  it("can be cancelled at every step", () => {
    for (const seconds of [1, 3.2]) {
      const scene = new Scene();
      scene.guide.start("Ada", false);
      scene.pass(seconds);
      scene.guide.back();
      scene.answer();
      expect([scene.at.step, scene.at.open, scene.actions.at(-1)]).toEqual(["people", true, "cancel"]);
    }
    const scene = new Scene();
    scene.finish();
    scene.guide.close();
    scene.answer();
    expect([scene.at.step, scene.at.open, scene.actions.at(-1)]).toEqual(["people", false, "cancel"]);
  });
});

describe("a calibration without a guide", () => {
  const watched = (good: number, trouble: string | null = null) => ({
    status: "learning" as const,
    name: "Ada",
    free: true,
    phase: "free",
    phases: [{ name: "free", seconds: 5, say: "", frames: good, good, trouble }],
  });

  it("watches for a while, asks for nothing, and goes on after a hindrance", () => {
    const scene = new Scene();
    scene.guide.start("Ada", false, true);
    scene.pass(3.2);
    scene.answer(watched(3));
    expect(scene.said.find(({ action }) => action === "start")).toMatchObject({ name: "Ada", free: true });
    scene.pass(6);
    scene.answer(watched(80, "look at the camera"));
    scene.pass(3);
    expect(scene.at.hindrance).toBe("advice");
    scene.answer(watched(80));
    scene.pass(5);
    expect(scene.actions).toEqual(["start", "finish"]);
    scene.answer({ status: "trying", name: "Ada" });
    expect(scene.at.step).toBe("review");
    scene.guide.again();
    scene.pass(3.2);
    expect(scene.said.filter(({ action }) => action === "start").map(({ free }) => free)).toEqual([true, true]);
  });
});

it("a second person is looked for as long as faces are made", () => {
  const scene = new Scene();
  scene.finish();
  expect(scene.others).toEqual([true, false]);
  scene.guide.again();
  scene.guide.back();
  expect(scene.others).toEqual([true, false, true, false]);
});

describe("when it goes wrong", () => {
  it("the server's refusal is told, and it can be tried again", () => {
    const scene = new Scene();
    scene.guide.start("Ada", false);
    scene.pass(3.2);
    scene.guide.refuse(REFUSAL, { type: "calibrate", action: "finish" });
    expect(scene.at).toMatchObject({ step: "failed", busy: false, problem: "The neutral face cannot be learnt. Close your mouth." });
    scene.guide.again();
    scene.pass(3.2);
    expect(scene.actions).toEqual(["start", "start"]);
  });

  it("what cannot be saved can be saved again", () => {
    const scene = new Scene();
    scene.finish();
    scene.guide.save();
    scene.guide.refuse(REFUSAL, { type: "calibrate", action: "save" });
    expect(scene.at).toMatchObject({ step: "review", busy: false });
    expect(scene.at.problem).not.toBeNull();
  });

  it("a lost connection ends what is not saved", () => {
    const scene = new Scene();
    scene.finish();
    scene.up = false;
    scene.guide.lose();
    expect(scene.at).toMatchObject({ step: "failed", status: "off", name: null });
    expect(scene.at.problem).toContain("connection");
  });

  it("a lost connection is waited for while the person gets ready", () => {
    const scene = new Scene();
    scene.guide.start("Ada", false);
    scene.state = { ...scene.state, connection: { kind: "lost", attempt: 0, retryAt: 0 } };
    scene.guide.lose();
    scene.pass(5);
    expect([scene.at.step, scene.actions]).toEqual(["ready", []]);
    scene.state = { ...scene.state, connection: { kind: "ready" } };
    scene.pass(3.2);
    expect(scene.actions).toEqual(["start"]);
  });
});

describe("who was chosen", () => {
  it.each([
    [null, null, "look", null],
    [null, "Bob", "look", null],
    ["Ada", null, "use", "Ada"],
    ["Ada", "Ada", "look", null],
    ["Ada", "Bob", "use", "Ada"],
    ["", null, "look", null],
    ["", "Bob", "reset", null],
  ])("%j is used in a session that begins with %j: %s", (person, calibration, action, name) => {
    const scene = new Scene({ person });
    scene.guide.greet({ ...READY, calibration });
    expect(scene.said).toEqual([{ type: "calibrate", action, ...(name === null ? {} : { name }) }]);
  });

  it("is remembered", () => {
    const scene = new Scene();
    scene.guide.use("Ada");
    scene.answer({ status: "on", name: "Ada" });
    scene.guide.useNone();
    scene.answer();
    expect(scene.remembered).toEqual(["Ada", ""]);
  });

  it("is let go when nobody knows them any more", async () => {
    const scene = new Scene({ person: "Bob" });
    scene.guide.refuse(REFUSAL, { type: "calibrate", action: "use", name: "Bob" });
    await vi.waitFor(() => expect(scene.remembered).toEqual([null]));
    expect(scene.at).toMatchObject({ problem: null, note: "Bob is no longer known." });
  });

  it("is kept in mind while it only does not fit", async () => {
    const scene = new Scene({ person: "Ada" });
    scene.guide.refuse(REFUSAL, { type: "calibrate", action: "use", name: "Ada" });
    await vi.waitFor(() => expect(scene.at.people).toHaveLength(1));
    expect([scene.remembered, scene.at.problem === null]).toEqual([[], false]);
  });

  it("is used no more when forgotten", async () => {
    const scene = new Scene({ person: "Ada" });
    scene.guide.use("Ada");
    scene.answer({ status: "on", name: "Ada" });
    await scene.guide.forget("Ada");
    expect([scene.actions, scene.at.note]).toEqual([["use", "reset"], "Ada is forgotten."]);
  });

  it("is asked about no more often than answers come", () => {
    const scene = new Scene();
    scene.guide.use("Ada");
    scene.answer({ status: "on", name: "Ada" });
    scene.pass(5);
    expect(scene.said.filter(({ action }) => action === "look")).toHaveLength(1);
    scene.answer({ status: "on", name: "Ada" });
    scene.pass(1);
    expect(scene.said.filter(({ action }) => action === "look")).toHaveLength(2);
  });
});
