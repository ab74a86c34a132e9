import { describe, expect, it } from "vitest";
import { FACE_FLOATS } from "../generated/wire";
import { AT } from "../live/protocol";
import { CANONICAL, POINTS, REGIONS, TRIANGLES } from "../tables";
import { type Frame3, frameOf, layout, place, spread, textureOf } from "./placement";
import { applyRefinement, normalsOf, refine } from "./subdivide";

/** The mean face as a picture shows it, `scale` pixels a unit, its origin at (x, y). */
function picture(scale: number, x: number, y: number, pose = true): Float32Array {
  const block = new Float32Array(FACE_FLOATS).fill(NaN);
  for (let i = 0; i < POINTS; i++) {
    block[AT.points + i * 3] = x + CANONICAL[i * 3] * scale;
    block[AT.points + i * 3 + 1] = y - CANONICAL[i * 3 + 1] * scale;
    block[AT.points + i * 3 + 2] = -CANONICAL[i * 3 + 2] * scale;
  }
  if (pose) {
    block[AT.scale] = scale;
    block.set([x, y, 0], AT.translation);
  }
  return block;
}

const frame = (): Frame3 => ({ x: 0, y: 0, z: 0, scale: 1 });

describe("a face on the stage", () => {
  it.each([
    ["near", 30, 320, 240, true],
    ["far and aside", 4, 50, 400, true],
    ["without a pose", 17, 100, 300, false],
  ])("stands in the middle at its own size: %s", (_, scale, x, y, pose) => {
    const block = picture(scale, x, y, pose);
    const out = new Float32Array(POINTS * 3);
    place(block, frameOf(block, frame()), out);
    const far = Math.max(...out.map((value, i) => Math.abs(value - CANONICAL[i])));
    expect(far).toBeLessThan(0.01);
  });

  it("is painted by where the picture shows it", () => {
    const uv = new Float32Array(POINTS * 2);
    const block = picture(10, 320, 240);
    textureOf(block, 640, 480, uv);
    expect(uv[0]).toBeCloseTo(block[AT.points] / 640, 5);
    expect(uv[1]).toBeCloseTo(block[AT.points + 1] / 480, 5);
  });
});

describe("several faces", () => {
  it("are none, or one in the middle", () => {
    expect(layout([])).toEqual([]);
    expect(layout([{ x: 500, y: 9, z: 0, scale: 3 }])).toEqual([{ x: 0, y: 0, size: 1 }]);
    expect(spread([])).toEqual(spread(layout([frame()])));
  });

  it("keep their sides, heights and relative sizes", () => {
    const [a, b] = layout([
      { x: 100, y: 200, z: 0, scale: 5 },
      { x: 300, y: 100, z: 0, scale: 10 },
    ]);
    expect(a.x).toBeLessThan(b.x);
    expect(a.y).toBeLessThan(b.y);
    expect(a.size / b.size).toBeCloseTo(0.5);
    expect(a.x + b.x).toBeCloseTo(0);
  });

  it("far apart come together, near ones stay", () => {
    const pair = (distance: number) => {
      const [a, b] = layout([0, distance].map((x) => ({ x, y: 0, z: 0, scale: 1 })));
      return b.x - a.x;
    };
    expect(pair(500)).toBeCloseTo(24);
    expect(pair(20)).toBeCloseTo(20);
  });
});

it("a crowd stands in ranks, none in front of another", () => {
  const spots = layout(Array.from({ length: 7 }, (_, i) => ({ x: i * 900, y: i % 2, z: 0, scale: 1 + i })));
  expect(new Set(spots.map((s) => `${s.x} ${s.y}`)).size).toBe(7);
  expect(new Set(spots.map((s) => s.size))).toEqual(new Set([1]));
  const { width, height } = spread(spots);
  expect(Math.max(width, height)).toBeLessThan(45);
  // Further left in the picture is further left in the rank.
  const [first, , third] = spots;
  expect(first.y).toBe(third.y);
  expect(first.x).toBeLessThan(third.x);
});

describe("refinement", () => {
  const map = refine(TRIANGLES, POINTS);

  it("gives four triangles for one, and weights that sum to 1", () => {
    expect(map.triangles).toHaveLength(TRIANGLES.length * 4);
    expect(Math.max(...map.triangles)).toBe(map.count - 1);
    for (let i = 0; i < map.count; i++) {
      let sum = 0;
      for (let k = map.starts[i]; k < map.starts[i + 1]; k++) sum += map.weights[k];
      expect(sum).toBeCloseTo(1, 5);
    }
  });

  it("keeps a plane flat and in its place", () => {
    const flat = new Float32Array(POINTS * 3).map((_, i) => (i % 3 === 2 ? 2 : CANONICAL[i]));
    const out = new Float32Array(map.count * 3);
    applyRefinement(map, flat, 3, out);
    for (let i = 2; i < out.length; i += 3) expect(out[i]).toBeCloseTo(2, 4);
  });

  it("stays near the face", () => {
    const out = new Float32Array(map.count * 3);
    applyRefinement(map, CANONICAL, 3, out);
    for (let i = 0; i < POINTS * 3; i++) expect(Math.abs(out[i] - CANONICAL[i])).toBeLessThan(0.6);
  });

  it("knows the rims of eyes and mouth, and refuses what is no edge", () => {
    for (const contour of [REGIONS.left_eye, REGIONS.right_eye, REGIONS.lips_inner]) {
      contour.forEach((p, i) => expect(map.between(p, contour[(i + 1) % contour.length])).toBeGreaterThanOrEqual(POINTS));
    }
    expect(() => map.between(10, 152)).toThrow(/no edge/);
  });

  it("halves the edges of a lone triangle", () => {
    const lone = refine([0, 1, 2], 3);
    const out = new Float32Array(lone.count * 2);
    applyRefinement(lone, Float32Array.of(0, 0, 4, 0, 0, 4), 2, out);
    const at = lone.between(1, 0) * 2;
    expect([out[at], out[at + 1]]).toEqual([2, 0]);
  });
});

describe("normals", () => {
  it("of the mean face are of length 1 and look forward at the nose", () => {
    const normals = new Float32Array(POINTS * 3);
    normalsOf(CANONICAL, TRIANGLES, normals);
    for (const i of new Set(TRIANGLES)) {
      expect(Math.hypot(normals[i * 3], normals[i * 3 + 1], normals[i * 3 + 2])).toBeCloseTo(1, 4);
    }
    expect(normals[4 * 3 + 2]).toBeGreaterThan(0.8);
  });
});
