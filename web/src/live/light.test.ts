import { describe, expect, it } from "vitest";
import { FACE_FLOATS } from "../generated/wire";
import { boxOf, lightOf } from "./light";
import { AT } from "./protocol";

/** A dark picture with a bright square in its lower right quarter. */
function picture(width: number, height: number): Uint8ClampedArray {
  const pixels = new Uint8ClampedArray(width * height * 4).fill(10);
  for (let y = height / 2; y < height; y++) {
    pixels.fill(200, (y * width + width / 2) * 4, (y + 1) * width * 4);
  }
  return pixels;
}

describe("the light", () => {
  it.each([
    ["everywhere", null, 200],
    ["on a dark face", [0, 0, 40, 40], 10],
    ["on a bright face", [50, 50, 90, 90], 200],
    ["on a face half outside", [-30, -30, 20, 20], 10],
    ["on a face all outside", [300, 300, 400, 400], 200],
    ["on a face of no size", [5, 5, 5, 5], 10],
  ] as const)("%s", (_, box, luma) => {
    expect(lightOf(picture(100, 100), 100, 100, box)).toBe(luma);
  });

  it("forgives a few bright pixels", () => {
    const pixels = new Uint8ClampedArray(64 * 64 * 4).fill(5);
    pixels.fill(255, 0, 64 * 4);
    expect(lightOf(pixels, 64, 64, null)).toBe(5);
  });
});

it("the box of a face holds its points", () => {
  const face = new Float32Array(FACE_FLOATS).fill(50);
  face[AT.points + 3] = 7;
  face[AT.points + 7] = 99;
  expect(boxOf(face)).toEqual([7, 50, 50, 99]);
});
