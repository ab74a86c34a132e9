/** Takes as files. A number that no model produced is empty in CSV and null in JSON. */

import { AT, type FaceBlock } from "../live/protocol";
import { CHANNELS, EMOTIONS, POINTS } from "../tables";
import type { Take } from "./take";

const POSE = ["yaw", "pitch", "roll"] as const;
/** Columns by their names in the tables of `mien capture`, so that its commands play takes too. */
const COLUMNS = ["time", "face_id", "presence", "inside", ...POSE, "mouth_open", ...CHANNELS, ...EMOTIONS.map((name) => `emotion_${name}`)];

function digits(value: number, places: number): number | null {
  return Number.isFinite(value) ? Number(value.toFixed(places)) : null;
}

function row(time: number, face: FaceBlock): (number | null)[] {
  return [
    digits(time, 4),
    face[AT.id],
    digits(face[AT.presence], 4),
    digits(face[AT.inside], 4),
    ...POSE.map((name) => digits(face[AT[name]], 2)),
    digits(face[AT.mouth_open], 0),
    ...CHANNELS.map((_, i) => digits(face[AT.expression + i], 4)),
    ...EMOTIONS.map((_, i) => digits(face[AT.emotion + i], 4)),
  ];
}

/** One row per face and moment. Angles in degrees, channels 0..1, time in seconds. */
export function toCsv(take: Take): string {
  const lines = rows(take).map((cells) => cells.map((cell) => cell ?? "").join(","));
  return [COLUMNS.join(","), ...lines].join("\n") + "\n";
}

function rows(take: Take): (number | null)[][] {
  return take.moments.flatMap(({ time, faces }) => faces.map((face) => row(time, face)));
}

/** The same table as Parquet: `face_id` a whole number, `mouth_open` true or false. */
export async function toParquet(take: Take): Promise<ArrayBuffer> {
  const { parquetWriteBuffer } = await import("hyparquet-writer");
  const table = rows(take);
  return parquetWriteBuffer({
    columnData: COLUMNS.map((name, column) => {
      const values = table.map((cells) => cells[column]);
      if (name === "face_id") return { name, data: Int32Array.from(values, Number), type: "INT32" as const, nullable: false };
      if (name === "mouth_open") return { name, data: values.map((value) => (value === null ? null : value > 0)), type: "BOOLEAN" as const };
      return { name, data: values, type: name === "time" ? ("DOUBLE" as const) : ("FLOAT" as const) };
    }),
  });
}

/** Everything, with the landmarks in pixels (x right, y down, z away from the camera). */
export function toJson(take: Take): string {
  return JSON.stringify({
    format: "mien-take",
    version: 1,
    name: take.name,
    engine: take.engine,
    width: take.width,
    height: take.height,
    channels: CHANNELS,
    emotions: EMOTIONS,
    moments: take.moments.map(({ time, faces }) => ({
      time: digits(time, 4),
      faces: faces.map((face) => ({
        id: face[AT.id],
        presence: digits(face[AT.presence], 4),
        inside: digits(face[AT.inside], 4),
        yaw: digits(face[AT.yaw], 2),
        pitch: digits(face[AT.pitch], 2),
        roll: digits(face[AT.roll], 2),
        mouth_open: Number.isFinite(face[AT.mouth_open]) ? face[AT.mouth_open] === 1 : null,
        expression: CHANNELS.map((_, i) => digits(face[AT.expression + i], 4)),
        emotion: EMOTIONS.map((_, i) => digits(face[AT.emotion + i], 4)),
        points: Array.from({ length: POINTS }, (_, i) =>
          [0, 1, 2].map((axis) => digits(face[AT.points + i * 3 + axis], 2)),
        ),
      })),
    })),
  });
}

/** Hand a file to the person's downloads. */
export function download(content: Blob, name: string): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser reads the address after the click has returned.
  window.setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
