import { describe, expect, it } from "vitest";
import { FACE_FLOATS } from "../generated/wire";
import { AT } from "../live/protocol";
import { CHANNELS, POINTS } from "../tables";
import { toCsv, toJson } from "./export";
import { lengthOf, momentAt, Recorder, type Take } from "./take";

function face(id: number, fill = 0): Float32Array {
  const block = new Float32Array(FACE_FLOATS).fill(fill);
  block[AT.id] = id;
  return block;
}

function record(...times: number[]): Take {
  const recorder = new Recorder();
  times.forEach((time, i) => recorder.add(time, 640, 480, [face(i + 1)]));
  return recorder.finish("take", "facemesh", true);
}

describe("a recorder", () => {
  it("keeps copies, and times from the first answer", () => {
    const block = face(1);
    const recorder = new Recorder();
    recorder.add(10, 640, 480, [block]);
    recorder.add(10.5, 640, 480, []);
    block[AT.id] = 99;
    const take = recorder.finish("a", "facemesh", false);
    expect(take).toMatchObject({ name: "a", width: 640, height: 480, mirrored: false });
    expect(take.moments.map((m) => m.time)).toEqual([0, 0.5]);
    expect(take.moments[0].faces[0][AT.id]).toBe(1);
    expect(recorder.bytes).toBe(0);
    expect(recorder.finish("b", "", false).moments).toEqual([]);
  });

  it("stops at its bound", () => {
    const recorder = new Recorder(FACE_FLOATS * 4 * 2 + 200);
    expect([0, 1, 2].map((t) => recorder.add(t, 1, 1, [face(1)]))).toEqual([true, true, false]);
    expect(recorder.seconds).toBe(1);
  });

  it("never goes back in time", () => {
    expect(record(5, 6, 5.5).moments.map((m) => m.time)).toEqual([0, 1, 1]);
  });
});

describe("the moment of a take", () => {
  const take = record(0, 1, 2);
  it.each([
    [-1, 1],
    [0, 1],
    [0.99, 1],
    [1, 2],
    [1.5, 2],
    [9, 3],
  ])("at %f s shows face %i", (time, id) => {
    expect(momentAt(take, time)?.faces[0][AT.id]).toBe(id);
  });

  it("is none in an empty take", () => {
    const empty = record();
    expect(momentAt(empty, 0)).toBeNull();
    expect(lengthOf(empty)).toBe(0);
  });
});

describe("export", () => {
  const block = face(4, NaN);
  block[AT.yaw] = -12.345;
  block[AT.mouth_open] = 1;
  block[AT.expression + CHANNELS.indexOf("jawOpen")] = 0.25;
  block.fill(1, AT.points, AT.points + POINTS * 3);
  const recorder = new Recorder();
  recorder.add(0, 640, 480, [block]);
  recorder.add(0.04, 640, 480, []);
  const take = recorder.finish("t", "facemesh", true);

  it("to CSV has a row per face, empty where nothing was measured", () => {
    const lines = toCsv(take).trimEnd().split("\n");
    const [header, row] = lines.map((line) => line.split(","));
    expect(lines).toHaveLength(2);
    expect(row).toHaveLength(header.length);
    const value = (name: string) => row[header.indexOf(name)];
    expect(value("face")).toBe("4");
    expect(value("yaw")).toBe("-12.35");
    expect(value("mouth_open")).toBe("1");
    expect(value("jawOpen")).toBe("0.25");
    expect(value("presence")).toBe("");
    expect(value("tongueOut")).toBe("");
  });

  it("of nothing is a header", () => {
    expect(toCsv(record()).split("\n")).toHaveLength(2);
  });

  it("to JSON keeps moments without a face, and null where nothing was measured", () => {
    interface Shape {
      moments: { time: number; faces: { mouth_open: boolean | null; expression: (number | null)[]; points: number[][] }[] }[];
    }
    const parsed = JSON.parse(toJson(take)) as Shape;
    expect(parsed.moments.map((m) => [m.time, m.faces.length])).toEqual([[0, 1], [0.04, 0]]);
    const [seen] = parsed.moments[0].faces;
    expect(seen.mouth_open).toBe(true);
    expect(seen.points).toHaveLength(POINTS);
    expect(seen.expression[CHANNELS.indexOf("jawOpen")]).toBe(0.25);
    expect(seen.expression[CHANNELS.indexOf("tongueOut")]).toBeNull();
  });
});
