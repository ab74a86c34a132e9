import { describe, expect, it } from "vitest";
import { leadOf, nextOf, orderOf, sameCast } from "./cast";
import { FACE_FLOATS } from "./generated/wire";
import { AT } from "./live/protocol";

function face(id: number, x: number, y = 0, scale = 1): Float32Array {
  const block = new Float32Array(FACE_FLOATS).fill(NaN);
  block[AT.id] = id;
  block[AT.scale] = scale;
  block.set([x, y, 0], AT.translation);
  return block;
}

describe("the lead", () => {
  const [small, large] = [face(4, 0, 0, 2), face(9, 50, 0, 5)];
  it.each([
    ["is who was chosen", [small, large], 4, 4],
    ["is the largest when nobody was", [small, large], 0, 9],
    ["passes to the largest when the chosen one leaves", [small, large], 7, 9],
    ["is the only one there", [small], 9, 4],
    ["is nobody on an empty stage", [], 4, undefined],
  ])("%s", (_, faces, chosen, id) => {
    expect(leadOf(faces, chosen)?.[AT.id]).toBe(id);
  });

  it.each([
    [[3, 1, 2], 3, 1, 1],
    [[3, 1, 2], 2, 1, 3],
    [[3, 1, 2], 3, -1, 2],
    [[3, 1, 2], 8, 1, 3],
    [[3], 3, 1, 3],
  ] as const)("of %j moves from %i by %i to %i", (order, lead, step, to) => {
    expect(nextOf(order, lead, step)).toBe(to);
  });
});

describe("the order", () => {
  it("is from left to right as seen, also in a mirror", () => {
    const three = [face(1, 300), face(2, 100), face(3, 200)];
    expect(orderOf(three, false)).toEqual([2, 3, 1]);
    expect(orderOf(three, true)).toEqual([1, 3, 2]);
    expect(orderOf([], true)).toEqual([]);
  });

  it("of a crowd is row by row", () => {
    // Six stand in rows of four, the upper ones of the picture behind.
    const crowd = [face(1, 0, 900), face(2, 500, 800), face(3, 400, 10), face(4, 0, 20), face(5, 90, 0), face(6, 300, 30)];
    expect(orderOf(crowd, false)).toEqual([4, 5, 6, 3, 1, 2]);
    expect(orderOf(crowd, true)).toEqual([3, 6, 5, 4, 2, 1]);
  });
});

it.each([
  ["nobody", [], [], true],
  ["the same, elsewhere", [face(1, 5), face(2, 0)], [2, 1], true],
  ["one more", [face(1, 5), face(2, 0)], [2], false],
  ["another one", [face(1, 5), face(3, 0)], [1, 2], false],
])("%s: the cast is known by its ids", (_, faces, known, same) => {
  expect(sameCast(faces, known)).toBe(same);
});
