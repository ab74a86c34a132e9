import { describe, expect, it } from "vitest";
import { CHANNELS } from "../tables";
import { blockOf } from "./infer";
import type { FaceAnswer } from "./messages";
import { AT } from "./protocol";

const BARE: FaceAnswer = {
  id: 3,
  box: { left: 0, top: 0, right: 1, bottom: 1 },
  presence: null,
  inside: 0.5,
  pose: null,
  landmarks: null,
  channels: null,
  mouth_open: null,
  engine_shapes: null,
  morphable: null,
  action_units: null,
  emotion: null,
};

describe("a face that came as JSON", () => {
  it("has NaN for all that is null", () => {
    const block = blockOf(BARE);
    expect(block[AT.id]).toBe(3);
    expect(block[AT.inside]).toBe(0.5);
    const rest = block.filter((_, i) => i !== AT.id && i !== AT.inside);
    expect(rest.every(Number.isNaN)).toBe(true);
  });

  it("lies in the block as a live one does", () => {
    const block = blockOf({
      ...BARE,
      mouth_open: false,
      pose: {
        yaw: 1,
        pitch: 2,
        roll: 3,
        scale: 4,
        translation: [5, 6, 7],
        rotation: [
          [1, 2, 3],
          [4, 5, 6],
          [7, 8, 9],
        ],
        quaternion: [0, 0, 0, 1],
      },
      landmarks: [
        [10, 11, 12],
        [13, 14, 15],
      ],
      channels: { jawOpen: 0.5, tongueOut: null },
    });
    expect(block[AT.mouth_open]).toBe(0);
    expect([...block.subarray(AT.yaw, AT.points)]).toEqual([1, 2, 3, 4, 5, 6, 7, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect([...block.subarray(AT.points, AT.points + 6)]).toEqual([10, 11, 12, 13, 14, 15]);
    expect(block[AT.expression + CHANNELS.indexOf("jawOpen")]).toBe(0.5);
    expect(block[AT.expression + CHANNELS.indexOf("tongueOut")]).toBeNaN();
    expect(block[AT.expression]).toBeNaN();
  });
});
