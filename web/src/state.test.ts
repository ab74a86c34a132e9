import { describe, expect, it } from "vitest";
import {
  backoff,
  browserOf,
  cameraProblem,
  commandIn,
  type Connection,
  judge,
  lose,
  noticeOf,
  sentence,
  type Problem,
  type Situation,
  spoken,
  Steady,
} from "./state";

const CAMERA = { kind: "camera", phase: "running", name: "Camera" } as const;
const WELL: Situation = {
  connection: { kind: "ready" },
  source: CAMERA,
  sight: "face",
  faces: 1,
  slow: false,
  serverProblem: null,
  avatarOpening: null,
  avatarProblem: null,
  canDraw: true,
  finder: { kind: "off" },
};

describe("a lost connection", () => {
  it("waits twice as long each time, ten seconds at most", () => {
    expect([0, 1, 2, 3, 4, 5, 50].map(backoff)).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  });

  it("counts attempts, and starts again after it was up", () => {
    const first = lose({ kind: "ready" }, 1000);
    expect(first).toEqual({ kind: "lost", attempt: 0, retryAt: 1500 });
    const second = lose(first, 2000);
    expect(second).toEqual({ kind: "lost", attempt: 1, retryAt: 3000 });
    expect(lose({ kind: "connecting" }, 0)).toMatchObject({ attempt: 0 });
  });
});

describe("the notice", () => {
  const lost: Connection = { kind: "lost", attempt: 2, retryAt: 3500 };
  it.each<[string | undefined, Partial<Situation>]>([
    [undefined, {}],
    ["no-webgl", { canDraw: false, connection: lost }],
    ["server-gone", { connection: lost, source: { ...CAMERA, phase: "failed", problem: "denied" } }],
    ["server-problem", { connection: lost, serverProblem: "All sessions are taken." }],
    ["refused", { connection: { kind: "refused", reason: "No token." } }],
    ["connecting", { connection: { kind: "connecting" } }],
    ["opening", { source: { ...CAMERA, phase: "opening" } }],
    ["server-problem", { serverProblem: "The model is missing." }],
    ["private-loading", { finder: { kind: "loading", share: 0.5 } }],
    ["private-missing", { finder: { kind: "missing", text: "Run `mien pull x`." }, source: { ...CAMERA, phase: "opening" } }],
    ["private-failed", { finder: { kind: "failed", text: "no WebGL" }, sight: "none" }],
    [undefined, { finder: { kind: "running" } }],
    ["server-gone", { finder: { kind: "missing", text: "" }, connection: lost }],
    ["no-face", { sight: "none", faces: 0 }],
    ["too-small", { sight: "small" }],
    ["cut", { sight: "cut" }],
    ["too-dark", { sight: "dark" }],
    ["slow", { slow: true }],
    ["several", { faces: 3 }],
    [undefined, { sight: "small", source: { kind: "photo", phase: "running", name: "a.jpg" } }],
    ["no-face", { sight: "none", source: { kind: "photo", phase: "running", name: "a.jpg" } }],
    [undefined, { sight: "unknown", source: { kind: "none", phase: "idle", name: "" } }],
  ])("is %s", (id, part) => {
    expect(noticeOf({ ...WELL, ...part }, 0, "chrome")?.id).toBe(id);
  });

  it.each<[Problem, string]>([
    ["denied", "use-camera"],
    ["no-camera", "open-file"],
    ["busy", "use-camera"],
    ["unplugged", "use-camera"],
    ["insecure", "open-file"],
    ["unsupported-file", "open-file"],
    ["failed", "use-camera"],
  ])("of a source that is %s offers %s", (problem, action) => {
    const source = { ...CAMERA, phase: "failed", problem } as const;
    const notice = noticeOf({ ...WELL, source }, 0, "firefox");
    expect(notice?.id).toBe(problem);
    expect(notice?.action?.kind).toBe(action);
    expect(notice?.tone).toBe("trouble");
  });

  it("counts down to the next attempt", () => {
    const at = (now: number) => noticeOf({ ...WELL, connection: lost }, now, "chrome")?.text;
    expect(at(0)).toContain("in 4 s");
    expect(at(3400)).toContain("in 1 s");
    expect(at(3600)).toContain("now");
  });

  it("tells how to allow the camera in this browser", () => {
    const source = { ...CAMERA, phase: "failed", problem: "denied" } as const;
    const texts = (["chrome", "firefox", "safari"] as const).map((b) => noticeOf({ ...WELL, source }, 0, b)?.text);
    expect(new Set(texts).size).toBe(3);
  });
});

it.each([
  ["no model", "pull it.", "No model. Pull it."],
  ["No model.", "", "No model."],
])("the server's %j and %j become a sentence", (message, hint, text) => {
  expect(sentence(message, hint)).toBe(text);
});

it("a person is not told of headers", () => {
  const detail = { code: "unauthorised", message: "the token is wrong", hint: "send `Authorization`" } as const;
  expect(spoken(detail)).toBe("The token is wrong. Open the whole address that mien printed.");
  expect(spoken({ ...detail, code: "busy" })).toContain("Authorization");
});

it("a command in what the server says can be copied", () => {
  const lost: Connection = { kind: "lost", attempt: 0, retryAt: 500 };
  const notice = noticeOf({ ...WELL, connection: lost, serverProblem: "It is missing. Run `mien pull x`." }, 0, "chrome");
  expect(notice?.action?.kind).toBe("copy");
  expect(commandIn("Run `mien pull x`.")).toBe("mien pull x");
  expect(commandIn("Send `configure`.")).toBeNull();
});

it.each([
  ["NotAllowedError", "denied"],
  ["NotFoundError", "no-camera"],
  ["OverconstrainedError", "no-camera"],
  ["NotReadableError", "busy"],
  ["TypeError", "insecure"],
  ["Surprise", "failed"],
])("%s of the camera means %s", (name, problem) => {
  expect(cameraProblem(Object.assign(new Error(), { name }))).toBe(problem);
});

it.each([
  ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "firefox"],
  ["Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15", "safari"],
  ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36", "chrome"],
])("%s is %s", (agent, browser) => {
  expect(browserOf(agent)).toBe(browser);
});

it.each([
  [0, 0.5, 1, 200, "none"],
  [1, 0.5, 1, 200, "face"],
  [1, 0.5, 1, NaN, "face"],
  [1, 0.5, 0.89, 200, "cut"],
  [1, 0.1, 1, 200, "small"],
  [1, 0.5, 1, 30, "dark"],
  [0, 0, 0, 0, "dark"],
] as const)("%i faces of size %f, %f inside, lit by %f, are judged %s", (faces, size, inside, light, sight) => {
  expect(judge(faces, size, inside, light)).toBe(sight);
});

describe("a steady judgement", () => {
  it("changes only when it has held", () => {
    const steady = new Steady("face", () => 500);
    expect(steady.next("none", 0)).toBe("face");
    expect(steady.next("face", 400)).toBe("face");
    expect(steady.next("none", 600)).toBe("face");
    expect(steady.next("none", 1100)).toBe("none");
  });
});
