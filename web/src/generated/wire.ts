// Generated from src/mien/server/wire.py by `python -m mien.server.codegen`.
// Little-endian throughout. A value that no model produced is NaN.

export const MAGIC = 0x6e65696d;
export const WIRE_VERSION = 1;
export const SUBPROTOCOL = "mien.v1";
/** The token may be offered as one more subprotocol after this. */
export const TOKEN_PREFIX = "mien.token.";
/** Frames that may be unanswered at a time. */
export const IN_FLIGHT = 2;

/** What a frame brings: an image file, raw rows, or landmarks and no picture. */
export const ENCODING = {
  IMAGE: 1,
  RGB: 2,
  RGBA: 3,
  LANDMARKS: 4,
} as const;
export type Encoding = (typeof ENCODING)[keyof typeof ENCODING];

/** Codes with which the server closes; a JSON error that says why goes before. */
export const CLOSE = {
  REFUSED: 1008,
  TOO_BIG: 1009,
  FAILED: 1011,
  RESTART: 1012,
  LATER: 1013,
} as const;

/** Timed in an answer; ANSWER.seconds_wait is the first of as many float32. */
export const STAGES = ["wait", "decode", "landmarks", "identity", "pose", "heads", "smooth", "total"] as const;
export type Stage = (typeof STAGES)[number];

/** A frame: this header, then pixels or landmarks. Offsets in bytes. */
export const FRAME = {
  magic: 0, // uint32
  version: 4, // uint32
  encoding: 8, // uint32
  sequence: 12, // uint32
  time: 16, // float64
  width: 24, // uint32
  height: 28, // uint32
} as const;
export const FRAME_BYTES = 32;

/** An answer: this header, then FACE_FLOATS float32 a face. Offsets in bytes. */
export const ANSWER = {
  magic: 0, // uint32
  version: 4, // uint32
  sequence: 8, // uint32
  faces: 12, // uint32
  time: 16, // float64
  width: 24, // uint32
  height: 28, // uint32
  dropped: 32, // uint32
  block: 36, // uint32
  seconds_wait: 40, // float32
  seconds_decode: 44, // float32
  seconds_landmarks: 48, // float32
  seconds_identity: 52, // float32
  seconds_pose: 56, // float32
  seconds_heads: 60, // float32
  seconds_smooth: 64, // float32
  seconds_total: 68, // float32
} as const;
export const ANSWER_BYTES = 72;

/** One face. Offsets and lengths in float32s from the start of its block. */
export const FACE = {
  id: 0,
  presence: 1,
  inside: 2,
  mouth_open: 3,
  yaw: 4,
  pitch: 5,
  roll: 6,
  scale: 7,
  translation: 8,
  rotation: 11,
  points: 20,
  expression: 1454,
  engine_shapes: 1506,
  morphable: 1558,
  action_units: 1568,
  emotion: 1595,
} as const;
export const FACE_LENGTH = {
  id: 1,
  presence: 1,
  inside: 1,
  mouth_open: 1,
  yaw: 1,
  pitch: 1,
  roll: 1,
  scale: 1,
  translation: 3,
  rotation: 9,
  points: 1434,
  expression: 52,
  engine_shapes: 52,
  morphable: 10,
  action_units: 27,
  emotion: 7,
} as const;
export type FaceField = keyof typeof FACE;
export const FACE_FLOATS = 1602;
