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

describe("black bars", () => {
  /** `bars` everywhere but in a box of `middle`, in a picture of 160 by 120. */
  const framed = (bars: number, middle: number, [left, top, right, bottom]: readonly number[]) => {
    const pixels = new Uint8ClampedArray(160 * 120 * 4).fill(bars);
    for (let y = top; y < bottom; y++) pixels.fill(middle, (y * 160 + left) * 4, (y * 160 + right) * 4);
    return lightOf(pixels, 160, 120, null);
  };

  it.each([
    ["above and below a lit room", 0, 130, [0, 50, 160, 70], 130],
    ["beside a lit room", 0, 130, [72, 0, 100, 120], 130],
    ["all around a lit room", 0, 130, [70, 50, 95, 68], 130],
    ["to one side of it", 0, 130, [0, 0, 20, 120], 130],
    ["with traces of coding", 4, 130, [70, 50, 95, 68], 130],
    ["around a dark room do not light it", 0, 20, [40, 30, 120, 90], 20],
    ["are not what a sensor sees in the dark around a lamp", 8, 250, [70, 50, 95, 68], 8],
    ["are not the night around a distant lamp", 0, 250, [80, 60, 90, 66], 0],
    ["alone are a covered lens", 0, 0, [0, 0, 0, 0], 0],
  ] as const)("%s", (_, bars, middle, box, luma) => {
    expect(framed(bars, middle, box)).toBe(luma);
  });
});

it("the box of a face holds its points", () => {
  const face = new Float32Array(FACE_FLOATS).fill(50);
  face[AT.points + 3] = 7;
  face[AT.points + 7] = 99;
  expect(boxOf(face)).toEqual([7, 50, 50, 99]);
});
