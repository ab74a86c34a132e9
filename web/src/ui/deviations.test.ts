import { describe, expect, it } from "vitest";
import { FACE_LENGTH } from "../generated/wire";
import { MODE_DEVIATIONS } from "../tables";
import { deviationsOf, reachOf, signed } from "./deviations";

describe("coefficients of the face model", () => {
  it("have a deviation each", () => {
    expect(MODE_DEVIATIONS).toHaveLength(FACE_LENGTH.morphable);
  });

  it.each([
    [0, 0, 0, 0],
    [0, 1.59, 1, 1 / 3],
    [8, -0.16, -1, -1 / 3],
    [8, 1.6, 10, 1],
    [3, -5.9, -10, -1],
  ])("mode %i at %d is %d deviations, a bar of %d", (mode, value, deviations, reach) => {
    expect(deviationsOf(mode, value)).toBeCloseTo(deviations, 5);
    expect(reachOf(mode, value)).toBeCloseTo(reach, 5);
  });

  it("have no bar where nothing was read", () => {
    expect(reachOf(0, NaN)).toBeNaN();
  });

  it.each([
    [1.26, "+1.3"],
    [-0.5, "−0.5"],
    [0.01, "0.0"],
    [-0.01, "0.0"],
    [NaN, "–"],
  ])("%d is written %s", (value, text) => {
    expect(signed(value)).toBe(text);
  });
});
