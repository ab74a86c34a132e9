import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { quaternionAt } from "../live/motion";
import { AT } from "../live/protocol";
import { CHANNELS } from "../tables";
import { CaptureError, readCapture, rotationOf } from "./capture";

/** A packet of frame `frame` at 60 a second; without `jaw` nobody is seen. */
function packet(frame: number, jaw: number | null, roll = 0): Buffer {
  const name = Buffer.from("phone");
  const length = Buffer.alloc(4);
  length.writeInt32BE(name.length);
  const time = Buffer.alloc(16);
  time.writeInt32BE(frame, 0);
  time.writeFloatBE(0.5, 4);
  time.writeInt32BE(60, 8);
  time.writeInt32BE(1, 12);
  const values = Buffer.alloc(1 + 61 * 4);
  values.writeUInt8(61);
  values.writeFloatBE(jaw ?? 0, 1 + CHANNELS.indexOf("jawOpen") * 4);
  values.writeFloatBE(roll, 1 + 54 * 4);
  return Buffer.concat([Buffer.from([6]), length, name, length, name, time, ...(jaw === null ? [] : [values])]);
}

function capture(...packets: Buffer[]): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(6);
  head.writeUInt32BE(packets.length, 1);
  const parts = packets.flatMap((data) => {
    const size = Buffer.alloc(4);
    size.writeUInt32BE(data.length);
    return [size, data];
  });
  return Buffer.concat([head, ...parts]);
}

const read = (data: Buffer, packed = true) => readCapture(new Blob([new Uint8Array(packed ? gzipSync(data) : data)]), "walk.gesichter");

describe("a capture", () => {
  it("is a take with the times and channels of its packets", async () => {
    const take = await read(capture(packet(100, 0.25), packet(103, null), packet(106, 1.4, 0.5)));
    expect(take).toMatchObject({ name: "walk", mirrored: false });
    expect(take.moments.map(({ time, faces }) => [Number(time.toFixed(3)), faces.length])).toEqual([[0, 1], [0.05, 0], [0.1, 1]]);
    const jaw = AT.expression + CHANNELS.indexOf("jawOpen");
    expect(take.moments[0].faces[0][jaw]).toBe(0.25);
    expect(take.moments[2].faces[0][jaw]).toBe(1);
    expect(take.moments[2].faces[0][AT.roll]).toBeCloseTo(-28.65, 1);
    expect(take.moments[0].faces[0][AT.points]).toBeNaN();
  });

  it("that was cut off holds what is whole, and what is no packet is left out", async () => {
    const whole = capture(packet(0, 0), Buffer.from("noise"), packet(1, 0.5), packet(2, 1));
    expect((await read(whole)).moments).toHaveLength(3);
    expect((await read(whole.subarray(0, -9))).moments).toHaveLength(2);
  });

  it.each([
    ["no gzip", capture(packet(0, 0)), false],
    ["nothing", Buffer.alloc(0), true],
    ["words", Buffer.from("just words"), true],
    ["no packets", capture(), true],
  ])("is refused when it is %s", async (_, data, packed) => {
    await expect(read(data, packed)).rejects.toThrow(CaptureError);
    await expect(read(data, packed)).rejects.toThrow(/^walk\.gesichter cannot be played: /);
  });

  it("turns to the left, up, and to the left shoulder", () => {
    const turn = (yaw: number, pitch: number, roll: number) => {
      const out = new Float32Array(4);
      quaternionAt(rotationOf(yaw, pitch, roll), 0, out);
      return [...out].slice(0, 3).map((part) => Math.sign(Math.round(part * 1e4)));
    };
    expect(turn(0.3, 0, 0)).toEqual([0, 1, 0]);
    expect(turn(0, 0.3, 0)).toEqual([-1, 0, 0]);
    expect(turn(0, 0, 0.3)).toEqual([0, 0, -1]);
  });
});
