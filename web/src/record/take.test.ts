import { parquetReadObjects } from "hyparquet";
import { describe, expect, it } from "vitest";
import { FACE_FLOATS } from "../generated/wire";
import { AT } from "../live/protocol";
import { CHANNELS, EMOTIONS, POINTS } from "../tables";
import { toCsv, toJson, toParquet } from "./export";
import { beginning } from "../state";
import { DEFAULTS } from "../settings";
import { Store } from "../store";
import { Review } from "./review";
import { cut, lengthOf, momentAt, Recorder, type Take } from "./take";

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
  block[AT.emotion + EMOTIONS.indexOf("happy")] = 0.75;
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
    expect(value("face_id")).toBe("4");
    expect(value("yaw")).toBe("-12.35");
    expect(value("mouth_open")).toBe("1");
    expect(value("jawOpen")).toBe("0.25");
    expect(value("presence")).toBe("");
    expect(value("tongueOut")).toBe("");
    expect(value("emotion_happy")).toBe("0.75");
    expect(value("emotion_sad")).toBe("");
  });

  it("to Parquet is the same table, with types", async () => {
    const file = await toParquet(take);
    const [row, ...more] = await parquetReadObjects({ file });
    expect(more).toEqual([]);
    expect(row).toMatchObject({ time: 0, face_id: 4, mouth_open: true, jawOpen: 0.25, presence: null, tongueOut: null });
    expect(row.yaw).toBeCloseTo(-12.35, 5);
    expect(Object.keys(row)).toEqual(toCsv(take).split("\n")[0].split(","));
    expect(await parquetReadObjects({ file: await toParquet(record()) })).toEqual([]);
  });

  it("of nothing is a header", () => {
    expect(toCsv(record()).split("\n")).toHaveLength(2);
  });

  it("to JSON keeps moments without a face, and null where nothing was measured", () => {
    interface Shape {
      moments: { time: number; faces: { mouth_open: boolean | null; expression: (number | null)[]; emotion: (number | null)[]; points: number[][] }[] }[];
    }
    const parsed = JSON.parse(toJson(take)) as Shape;
    expect(parsed.moments.map((m) => [m.time, m.faces.length])).toEqual([[0, 1], [0.04, 0]]);
    const [seen] = parsed.moments[0].faces;
    expect(seen.mouth_open).toBe(true);
    expect(seen.points).toHaveLength(POINTS);
    expect(seen.expression[CHANNELS.indexOf("jawOpen")]).toBe(0.25);
    expect(seen.expression[CHANNELS.indexOf("tongueOut")]).toBeNull();
    expect(seen.emotion[EMOTIONS.indexOf("happy")]).toBe(0.75);
  });
});

describe("a part of a take", () => {
  it.each([
    [0, 9, [0, 1, 2, 4]],
    [0.5, 2, [0, 1]],
    [1, 1, [0]],
    [2.5, 3.5, []],
  ])("from %d to %d begins at 0", (from, to, times) => {
    expect(cut(record(0, 1, 2, 4), from, to).moments.map(({ time }) => time)).toEqual(times);
  });

  it("is marked at the playhead, played over and over, and never empty", () => {
    const store = new Store(beginning(DEFAULTS));
    const review = new Review(store, () => undefined);
    review.open(record(0, 1, 2, 3, 4));
    expect(store.get().trim).toEqual([0, 4]);
    review.seek(3);
    review.trim("to");
    review.trim("from", 1);
    expect(review.kept?.moments).toHaveLength(3);
    for (let now = 0; now < 5000; now += 200) {
      review.tick(now);
      if (now > 400) expect(review.position).toBeGreaterThanOrEqual(1);
      expect(review.position).toBeLessThanOrEqual(3);
    }
    review.trim("from", 9);
    review.trim("to", -1);
    const [from, to] = store.get().trim;
    expect(to - from).toBeCloseTo(0.1);
    review.close();
    expect(review.kept).toBeNull();
  });
});
