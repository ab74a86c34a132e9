import { expect, it } from "vitest";
import { configuring } from "./configure";
import type { Configured } from "./messages";

const SESSION = { smoothing: { min_cutoff: 1, beta: 0.2 } } as Configured;

it.each([
  ["one face", { maxFaces: 1 }, 4, false, { max_faces: 1 }],
  ["one face, and others by the way", { maxFaces: 1 }, 4, true, { max_faces: 2 }],
  ["one face where a server sees no more", { maxFaces: 1 }, 1, true, { max_faces: 1 }],
  ["many faces", { maxFaces: 4 }, 8, true, { max_faces: 4 }],
  ["nothing of faces", { mouthThreshold: 0.3 }, 4, true, { max_faces: null, mouth_threshold: 0.3 }],
  ["pictures to stay", { private: true }, 4, false, { private: true, max_faces: null }],
  ["smoothing off", { smoothing: "off" as const }, 4, false, { smoothing: "off" }],
  ["calm", { smoothing: 0.5 }, 4, false, { smoothing: { min_cutoff: 0.5, beta: 0.2 } }],
])("asks for %s", (_, part, limit, others, expected) => {
  expect(configuring(part, SESSION, limit, others)).toMatchObject({ type: "configure", ...expected });
});

it("has a way to smooth before the server has said its own", () => {
  for (const session of [null, { smoothing: "off" } as Configured]) {
    expect(configuring({ smoothing: 2 }, session, 4, false)).toMatchObject({ smoothing: { min_cutoff: 2, beta: 0.5 } });
  }
});
