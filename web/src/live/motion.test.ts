import { describe, expect, it } from "vitest";
import { FACE_FLOATS } from "../generated/wire";
import { Motion, quaternionAt } from "./motion";
import { AT } from "./protocol";

const TURNED = [0, 0, 1, 0, 1, 0, -1, 0, 0]; // 90 degrees about y: the nose to the person's left

function face(first: number, rotation: readonly number[] | null = TURNED): Float32Array {
  const block = new Float32Array(FACE_FLOATS).fill(NaN);
  block[AT.expression] = first;
  if (rotation) block.set(rotation, AT.rotation);
  return block;
}

/** Let time pass in steps of 10 ms. */
function pass(motion: Motion, from: number, milliseconds: number): number {
  for (let t = 10; t <= milliseconds; t += 10) motion.tick(from + t, 0.01);
  return from + milliseconds;
}

describe("turns", () => {
  const half = Math.SQRT1_2;
  it.each([
    ["none", [1, 0, 0, 0, 1, 0, 0, 0, 1], [0, 0, 0, 1]],
    ["about x", [1, 0, 0, 0, 0, -1, 0, 1, 0], [half, 0, 0, half]],
    ["about y", TURNED, [0, half, 0, half]],
    ["about z, back", [0, 1, 0, -1, 0, 0, 0, 0, 1], [0, 0, -half, half]],
    ["half a turn about y", [-1, 0, 0, 0, 1, 0, 0, 0, -1], [0, 1, 0, 0]],
  ])("%s", (_, matrix, expected) => {
    const out = new Float32Array(4);
    quaternionAt(matrix, 0, out);
    out.forEach((value, i) => expect(value).toBeCloseTo(expected[i], 5));
  });
});

describe("motion between answers", () => {
  it("goes straight to the answer in the time between two", () => {
    const motion = new Motion();
    motion.follow(face(0), 0, 0.05);
    let now = pass(motion, 0, 500);
    motion.follow(face(1), now, 0.1);
    now = pass(motion, now, 50);
    expect(motion.weights[0]).toBeCloseTo(0.5, 2);
    pass(motion, now, 60);
    expect(motion.weights[0]).toBeCloseTo(1, 5);
    expect(motion.head[1]).toBeCloseTo(Math.SQRT1_2, 4);
    expect(motion.tick(now + 100, 0.01)).toBe(false);
  });

  it("moves on where an answer comes with every picture", () => {
    const motion = new Motion();
    motion.follow(face(0), 0, 0.03);
    const now = pass(motion, 0, 500);
    for (let i = 1; i <= 10; i++) {
      motion.follow(face(i / 10), now + i * 80, 0.08);
      motion.tick(now + i * 80 - 5, 0.08);
    }
    expect(motion.weights[0]).toBeCloseTo(0.9, 5);
  });

  it("stays where it is in a picture that began before the answer came", () => {
    const motion = new Motion();
    motion.follow(face(0, null), 0, 0.05);
    const now = pass(motion, 0, 500);
    for (let i = 0; i < 20; i++) {
      motion.follow(face(i % 2), now + i * 10, 0.01);
      motion.tick(now + i * 10 - 50, 0.01);
      expect(Math.abs(motion.weights[0] - 0.5)).toBeLessThanOrEqual(0.5);
      expect(motion.head[3]).toBeGreaterThan(0.7);
    }
  });

  it("what no model produced asks for nothing", () => {
    const motion = new Motion();
    motion.follow(face(NaN, null), 0, 0.05);
    pass(motion, 0, 500);
    expect(motion.weights.every((value) => value === 0)).toBe(true);
    expect([...motion.head]).toEqual([0, 0, 0, 1]);
  });

  it("someone who appears takes shape and does not pop", () => {
    const motion = new Motion();
    motion.follow(face(1), 0, 0.03);
    pass(motion, 0, 50);
    expect(motion.weights[0]).toBeLessThan(0.2);
  });

  it("comes to rest when the face is lost, and then stands still", () => {
    const motion = new Motion();
    motion.follow(face(1), 0, 0.03);
    const now = pass(motion, 0, 500);
    motion.rest();
    pass(motion, now, 100);
    expect(motion.weights[0]).toBeGreaterThan(0.5);
    pass(motion, now + 100, 8000);
    expect(motion.weights[0]).toBeLessThan(1e-3);
    expect(motion.head[3]).toBeCloseTo(1, 3);
    expect(motion.tick(now + 9000, 0.01)).toBe(false);
  });
});
