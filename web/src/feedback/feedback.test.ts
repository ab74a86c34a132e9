import { afterEach, describe, expect, it, vi } from "vitest";
import { FACE_FLOATS } from "../generated/wire";
import { AT } from "../live/protocol";
import { feedbackOffered, sendFeedback } from "./client";
import { base64, type Moment, numberOf, requestOf } from "./correction";
import { CROP_SIDE, greyOf, type Part, squareOf } from "./crop";
import { dropToken, onToken, tokenKept, tokenMade } from "./person";

/** Points on an ellipse about a middle, turned by an angle in degrees as a head that rolls. */
function face(roll: number): Float32Array {
  const block = new Float32Array(FACE_FLOATS).fill(NaN);
  const angle = (roll * Math.PI) / 180;
  for (let i = 0; i < 478; i++) {
    const around = (2 * Math.PI * i) / 478;
    const [x, y] = [80 * Math.cos(around), 100 * Math.sin(around)];
    block[AT.points + 3 * i] = 320 + Math.cos(angle) * x + Math.sin(angle) * y;
    block[AT.points + 3 * i + 1] = 240 - Math.sin(angle) * x + Math.cos(angle) * y;
    block[AT.points + 3 * i + 2] = 0;
  }
  // Camera axes have y upwards.
  const turn = [Math.cos(angle), -Math.sin(angle), 0, Math.sin(angle), Math.cos(angle), 0, 0, 0, 1];
  turn.forEach((value, i) => (block[AT.rotation + i] = value));
  return block;
}

describe("the square around a face", () => {
  it.each([0, 30, -45, 90, 179])("is as large and in its middle when the head rolls by %i degrees", (roll) => {
    const square = squareOf(face(roll));
    expect(square.side).toBeCloseTo(200 / 0.915, 0);
    // A little above the middle of the points, as the head sees it.
    expect(Math.hypot(square.x - 320, square.y - 240)).toBeCloseTo(0.048 * square.side, 0);
  });

  it("stays upright without a pose", () => {
    const block = face(0);
    block.fill(NaN, AT.rotation, AT.rotation + 9);
    const { cosine, sine } = squareOf(block);
    expect([cosine, sine]).toEqual([1, 0]);
  });
});

describe("the grey picture", () => {
  const part = (width: number, height: number, at: (x: number, y: number) => number): Part => ({
    data: Uint8ClampedArray.from({ length: width * height * 4 }, (_, i) => at((i >> 2) % width, Math.floor((i >> 2) / width))),
    width,
    height,
    left: 0,
    top: 0,
    scale: 1,
  });

  it("has the levels of the picture, each the mean of what it covers", () => {
    const checked = part(96, 96, (x, y) => ((x + y) % 2) * 200);
    const grey = greyOf(checked, { x: 48, y: 48, side: 96, cosine: 1, sine: 0 });
    expect(grey.length).toBe(CROP_SIDE * CROP_SIDE);
    expect(new Set(grey)).toEqual(new Set([100]));
    const rising = greyOf(part(48, 48, (x) => 5 * x), { x: 24, y: 24, side: 48, cosine: 1, sine: 0 });
    expect([rising[0], rising[1], rising[47], rising[48]]).toEqual([0, 5, 235, 0]);
  });

  it("repeats the edge beyond the picture", () => {
    const grey = greyOf(part(10, 10, (x) => (x < 5 ? 10 : 90)), { x: 5, y: 5, side: 1000, cosine: 1, sine: 0 });
    expect([grey[0], grey[47]]).toEqual([10, 90]);
  });

  it("weighs colours as eyes do", () => {
    const red: Part = { ...part(4, 4, () => 0), data: Uint8ClampedArray.from({ length: 64 }, (_, i) => (i % 4 === 0 ? 255 : 0)) };
    expect(greyOf(red, { x: 2, y: 2, side: 4, cosine: 1, sine: 0 })[0]).toBe(76);
  });
});

const moment: Moment = {
  id: "id",
  model: "emotion",
  version: "3",
  engine: "facemesh",
  said: Float32Array.from([0.5, 0.25, 0.25, 0, 0, 0, 0]),
  points: new Float32Array(478 * 3).fill(1.5),
  size: [640, 480],
  crop: new Uint8Array(CROP_SIDE * CROP_SIDE).fill(7),
};

describe("what is sent", () => {
  it("has points to the bit, and no picture unless it is wanted", () => {
    const request = requestOf(moment, "sad", "1", "token", false);
    expect(request.crop).toBeNull();
    expect([request.model, request.version, request.consent]).toEqual(["emotion", "3", "1"]);
    const bytes = Uint8Array.from(atob(request.landmarks), (c) => c.charCodeAt(0));
    expect(new Float32Array(bytes.buffer)).toEqual(moment.points);
    const crop = requestOf(moment, "sad", "1", "token", true).crop ?? "";
    expect(atob(crop).length).toBe(2304);
    expect(requestOf({ ...moment, crop: null }, "sad", "1", "token", true).crop).toBeNull();
  });

  it("is known by a UUID", () => {
    expect(numberOf(new Uint8Array(16))).toBe("00000000-0000-4000-8000-000000000000");
    expect(numberOf(new Uint8Array(16).fill(255))).toBe("ffffffff-ffff-4fff-bfff-ffffffffffff");
    expect(base64(Uint8Array.from([0, 255]))).toBe("AP8=");
  });
});

afterEach(() => vi.unstubAllGlobals());

describe("the deletion token", () => {
  const storage = () => {
    const kept = new Map<string, string>();
    return { getItem: (k: string) => kept.get(k) ?? null, setItem: (k: string, v: string) => void kept.set(k, v), removeItem: (k: string) => void kept.delete(k) };
  };
  const broken = () => {
    const refuse = () => {
      throw new DOMException("no", "SecurityError");
    };
    return { getItem: refuse, setItem: refuse, removeItem: refuse };
  };

  it.each([
    ["kept", storage],
    ["not kept by the browser", broken],
  ])("is made once, and anew after a deletion: %s", (_, make) => {
    vi.stubGlobal("localStorage", make());
    expect(tokenKept()).toBeNull();
    const first = tokenMade();
    expect(first).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(tokenMade()).toBe(first);
    expect(tokenKept()).toBe(first);
    dropToken("another");
    expect(tokenKept()).toBe(first);
    dropToken(first);
    expect(tokenKept()).toBeNull();
    const second = tokenMade();
    expect(second).not.toBe(first);
    dropToken(second);
  });

  it("is not taken up again when another tab has dropped it, nor dropped when it is another tab's", () => {
    const kept = storage();
    vi.stubGlobal("localStorage", kept);
    const first = tokenMade();
    kept.removeItem("mien.feedback.token");
    expect(tokenKept()).toBeNull();
    kept.setItem("mien.feedback.token", "theirs");
    dropToken(first);
    expect(tokenKept()).toBe("theirs");
  });

  it("tells of changes here and in other tabs, until one has heard enough", () => {
    vi.stubGlobal("localStorage", storage());
    const target = new EventTarget();
    vi.stubGlobal("addEventListener", target.addEventListener.bind(target));
    vi.stubGlobal("removeEventListener", target.removeEventListener.bind(target));
    const told = vi.fn();
    const elsewhere = (key: string | null) => target.dispatchEvent(Object.assign(new Event("storage"), { key }));
    const end = onToken(told);
    const token = tokenMade();
    expect(told).toHaveBeenCalledTimes(1);
    elsewhere("mien.feedback.token");
    elsewhere("mien.settings");
    elsewhere(null);
    expect(told).toHaveBeenCalledTimes(3);
    dropToken(token);
    expect(told).toHaveBeenCalledTimes(4);
    end();
    elsewhere("mien.feedback.token");
    tokenMade();
    expect(told).toHaveBeenCalledTimes(4);
  });
});

describe("the server", () => {
  it.each([
    [() => Promise.reject(new TypeError("offline")), /does not answer/],
    [() => Promise.resolve(new Response("proxy", { status: 502 })), /answered 502/],
    [
      () => Promise.resolve(new Response(JSON.stringify({ error: { code: "invalid_value", message: "the label is strange", hint: "choose another" } }), { status: 422 })),
      /the label is strange/i,
    ],
  ])("says what is wrong", async (fetch, words) => {
    vi.stubGlobal("fetch", vi.fn(fetch));
    await expect(feedbackOffered(null)).rejects.toThrow(words);
  });

  it("gets the token of the server in the head and that of the person in the body", async () => {
    const fetch = vi.fn(() => Promise.resolve(new Response('{"state": "stored"}')));
    vi.stubGlobal("fetch", fetch);
    const request = requestOf(moment, "sad", "1", "person", false);
    expect(await sendFeedback(request, "server")).toEqual({ state: "stored" });
    const [url, init] = fetch.mock.calls[0] as unknown as [string, RequestInit];
    expect(url).toBe("./feedback");
    expect(init.headers).toMatchObject({ Authorization: "Bearer server" });
    expect(JSON.parse(init.body as string)).toMatchObject({ token: "person", label: "sad" });
  });
});
