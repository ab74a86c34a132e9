import { describe, expect, it } from "vitest";
import { capsOf, DEFAULTS, isLoopback, readSettings, socketOf } from "./settings";

describe("stored settings", () => {
  it.each([null, "", "{", "null", "3", "[]", "{}"])("%j gives the defaults", (stored) => {
    expect(readSettings(stored)).toEqual(DEFAULTS);
  });

  it("come back as they were stored", () => {
    const settings = {
      ...DEFAULTS,
      theme: "light" as const,
      camera: "abc",
      mode: "points" as const,
      smoothing: 2.5,
      mouthThreshold: 0.2,
      mirror: false,
      pinned: ["jawOpen"],
      person: "Ada",
      slowly: true,
      private: true,
      effects: ["hearts", "sparkle"] as const,
    };
    expect(readSettings(JSON.stringify(settings))).toEqual(settings);
  });

  it("leave out what cannot be", () => {
    const broken = { theme: "pink", mode: 3, fps: -1, maxFaces: "2", mouthThreshold: 4, smoothing: -1, pinned: [1, "a"], person: 7, slowly: "yes", private: 1, effect: "hearts", effects: ["snow", 1] };
    expect(readSettings(JSON.stringify(broken))).toEqual({ ...DEFAULTS, pinned: ["a"] });
  });
});

it.each([
  ["", { fps: null, size: 0 }],
  ["?fps=12&size=400", { fps: 12, size: 400 }],
  ["?fps=0", { fps: 0, size: 0 }],
  ["?fps=fast&size=-2", { fps: null, size: 0 }],
])("the address %j asks for %j", (query, caps) => {
  expect(capsOf(query)).toEqual(caps);
});

it.each([
  ["https:", "mien.example", "/", "wss://mien.example/ws"],
  ["http:", "127.0.0.1:8765", "/index.html", "ws://127.0.0.1:8765/ws"],
  ["http:", "host", "/under/a/path/", "ws://host/under/a/path/ws"],
])("a page of %s at %s%s talks to %s", (protocol, host, pathname, socket) => {
  expect(socketOf({ protocol, host, pathname })).toBe(socket);
});

it.each([
  ["localhost", true],
  ["127.0.0.1", true],
  ["127.8.9.1", true],
  ["[::1]", true],
  ["studio.localhost", true],
  ["127.0.0.1.example", false],
  ["192.168.1.4", false],
  ["example.org", false],
])("%s is this machine: %s", (host, local) => {
  expect(isLoopback(host)).toBe(local);
});
