import { describe, expect, it } from "vitest";
import { FACE_FLOATS } from "../generated/wire";
import { easeChannels, easeTowards } from "./ease";
import { AT } from "./protocol";

function face(...values: number[]): Float32Array {
  const block = new Float32Array(FACE_FLOATS).fill(NaN);
  block.set(values, AT.expression);
  return block;
}

describe("bars", () => {
  it("start where the first measurement is, and then ease", () => {
    const shown = new Float32Array(1).fill(NaN);
    easeChannels(shown, face(1), 0.01);
    expect(shown[0]).toBe(1);
    easeChannels(shown, face(0), 0.01);
    expect(shown[0]).toBeGreaterThan(0.5);
    easeChannels(shown, face(0), 1);
    expect(shown[0]).toBeCloseTo(0, 5);
  });

  it("do not exist for what is not measured", () => {
    const shown = Float32Array.of(0.5, 0.5);
    easeChannels(shown, face(0.5, NaN), 1);
    expect([...shown]).toEqual([0.5, NaN]);
  });

  it("show what else stands in a face", () => {
    const block = face();
    block.set([-2, 3], AT.morphable);
    const shown = new Float32Array(2).fill(NaN);
    easeChannels(shown, block, 1, AT.morphable);
    expect([...shown]).toEqual([-2, 3]);
  });

  it("follow any values", () => {
    const shown = Float32Array.of(0, NaN, 1);
    easeTowards(shown, Float32Array.of(1, 0.25, NaN), 1);
    expect(shown[0]).toBeCloseTo(1, 5);
    expect([...shown.slice(1)]).toEqual([0.25, NaN]);
  });

  it("sink without a face, but never appear", () => {
    const shown = Float32Array.of(0.8, NaN);
    easeChannels(shown, null, 1);
    expect(shown[0]).toBeCloseTo(0, 5);
    expect(shown[1]).toBeNaN();
  });
});
