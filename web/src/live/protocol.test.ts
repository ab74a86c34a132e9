import { describe, expect, it } from "vitest";
import { ANSWER, ANSWER_BYTES, FACE_FLOATS, FRAME, FRAME_BYTES, MAGIC, WIRE_VERSION } from "../generated/wire";
import { Flight } from "./flight";
import { AT, encodeHeader, parseAnswer, sequenceOf } from "./protocol";

function answer(faces: number, change: (view: DataView) => void = () => undefined): ArrayBuffer {
  const buffer = new ArrayBuffer(ANSWER_BYTES + faces * FACE_FLOATS * 4);
  const view = new DataView(buffer);
  view.setUint32(ANSWER.magic, MAGIC, true);
  view.setUint32(ANSWER.version, WIRE_VERSION, true);
  view.setUint32(ANSWER.sequence, 7, true);
  view.setUint32(ANSWER.faces, faces, true);
  view.setFloat64(ANSWER.time, 1.5, true);
  view.setUint32(ANSWER.width, 640, true);
  view.setUint32(ANSWER.height, 480, true);
  view.setUint32(ANSWER.dropped, 3, true);
  view.setUint32(ANSWER.block, FACE_FLOATS, true);
  view.setFloat32(ANSWER.seconds_landmarks, 0.25, true);
  for (let i = 0; i < faces; i++) {
    const at = ANSWER_BYTES + i * FACE_FLOATS * 4;
    view.setFloat32(at + AT.id * 4, i + 1, true);
    view.setFloat32(at + AT.presence * 4, NaN, true);
    view.setFloat32(at + (AT.emotion + 6) * 4, 0.5, true);
  }
  change(view);
  return buffer;
}

describe("answers", () => {
  it.each([0, 1, 3])("hold %i faces as views on one buffer", (count) => {
    const buffer = answer(count);
    const parsed = parseAnswer(buffer);
    expect(parsed).toMatchObject({ sequence: 7, time: 1.5, width: 640, height: 480, dropped: 3 });
    expect(parsed?.seconds[2]).toBe(0.25);
    expect(parsed?.faces.map((face) => face[AT.id])).toEqual([1, 2, 3].slice(0, count));
    for (const face of parsed?.faces ?? []) {
      expect(face.buffer).toBe(buffer);
      expect(face[AT.presence]).toBeNaN();
      expect(face[AT.emotion + 6]).toBe(0.5);
    }
    expect(sequenceOf(buffer)).toBe(7);
  });

  it.each([
    ["nothing", new ArrayBuffer(0)],
    ["half a header", answer(0).slice(0, 40)],
    ["another magic", answer(1, (v) => v.setUint32(ANSWER.magic, 1, true))],
    ["another version", answer(1, (v) => v.setUint32(ANSWER.version, WIRE_VERSION + 1, true))],
    ["blocks of another length", answer(1, (v) => v.setUint32(ANSWER.block, 5, true))],
    ["fewer faces than it says", answer(1, (v) => v.setUint32(ANSWER.faces, 2, true))],
    ["a face cut short", answer(1).slice(0, ANSWER_BYTES + 8)],
  ])("are refused when they hold %s", (_, buffer) => {
    expect(parseAnswer(buffer)).toBeNull();
  });
});

describe("the header of a frame", () => {
  it("is laid out as the server reads it", () => {
    const buffer = new ArrayBuffer(FRAME_BYTES);
    encodeHeader(buffer, "RGBA", 9, 2.25, 320, 240);
    const view = new DataView(buffer);
    expect(view.getUint32(FRAME.magic, true)).toBe(MAGIC);
    expect(view.getUint32(FRAME.version, true)).toBe(WIRE_VERSION);
    expect(view.getUint32(FRAME.encoding, true)).toBe(3);
    expect(view.getUint32(FRAME.sequence, true)).toBe(9);
    expect(view.getFloat64(FRAME.time, true)).toBe(2.25);
    expect([view.getUint32(FRAME.width, true), view.getUint32(FRAME.height, true)]).toEqual([320, 240]);
  });
});

describe("frames in flight", () => {
  it("are two at most", () => {
    const flight = new Flight(2);
    expect(flight.free(0)).toBe(true);
    flight.launch(0);
    flight.launch(5);
    expect(flight.free(10)).toBe(false);
    expect(flight.land(1, 30)).toBe(30);
    expect(flight.free(30)).toBe(true);
  });

  it("are freed by the answer to a later one, for the server dropped them", () => {
    const flight = new Flight(2);
    flight.launch(0);
    const last = flight.launch(5);
    expect(flight.land(last, 25)).toBe(20);
    expect(flight.count).toBe(0);
  });

  it("are forgotten when no answer comes", () => {
    const flight = new Flight(1, 100);
    const lost = flight.launch(0);
    expect(flight.free(100)).toBe(false);
    expect(flight.free(101)).toBe(true);
    expect(flight.land(lost, 200)).toBeNull();
  });
});
