import { expect, it } from "vitest";
import { ENCODING, FACE_LENGTH, FRAME, FRAME_BYTES } from "../generated/wire";
import { boxOfPoints, packLandmarks } from "./points";

const FACE = Array.from({ length: 478 }, (_, i) => ({ x: i / 478, y: 0.25 + (i % 2) / 2, z: -0.1 }));

it.each([0, 1, 2])("a frame of %i faces is a header and their points in pixels", (faces) => {
  const buffer = packLandmarks(Array(faces).fill(FACE), 7, 1.5, 640, 480);
  expect(buffer.byteLength).toBe(FRAME_BYTES + faces * FACE_LENGTH.points * 4);
  const view = new DataView(buffer);
  expect(view.getUint32(FRAME.encoding, true)).toBe(ENCODING.LANDMARKS);
  expect(view.getUint32(FRAME.sequence, true)).toBe(7);
  expect([view.getUint32(FRAME.width, true), view.getUint32(FRAME.height, true)]).toEqual([640, 480]);
  const points = new Float32Array(buffer, FRAME_BYTES);
  if (faces > 0) {
    // The last point of the last face: z is in the scale of x.
    const [x, y, z] = points.slice(-3);
    expect([x, y, z].map((value) => value.toFixed(2))).toEqual([((477 / 478) * 640).toFixed(2), "360.00", "-64.00"]);
  }
});

it("a box holds all points", () => {
  expect(boxOfPoints([{ x: 0.5, y: 0.1, z: 0 }, { x: 0.25, y: 0.9, z: 0 }], 200, 100)).toEqual([50, 10, 100, 90]);
});
