/** Holds the WebSocket and encodes frames, so that neither ever stops the drawing. */

import { ANSWER_BYTES, FRAME_BYTES, SUBPROTOCOL, TOKEN_PREFIX } from "../generated/wire";
import { type Box, boxOf, lightOf } from "./light";
import { encodeHeader, parseAnswer, sequenceOf } from "./protocol";
import type { Order, Report, ServerMessage } from "./messages";

type Frame = Extract<Order, { kind: "frame" }>;

interface Pending {
  readonly bitmap: Promise<ImageBitmap>;
  readonly encoding: number;
  readonly light: number;
}

const JPEG_QUALITY = 0.85;

let socket: WebSocket | null = null;
let raw = true;
const pending = new Map<number, Pending>();
const canvas = new OffscreenCanvas(1, 1);
const context = canvas.getContext("2d", { willReadFrequently: true });
let message = new Uint8Array(0);
let queue = Promise.resolve();
/** Where the first face was last seen; the next one is not far. */
let box: Box | null = null;

function report(value: Report, transfer: Transferable[] = []): void {
  self.postMessage(value, { transfer });
}

function discard(bitmap: Promise<ImageBitmap>): void {
  void bitmap.then((picture) => picture.close());
}

function drop(): void {
  for (const { bitmap } of pending.values()) discard(bitmap);
  pending.clear();
}

function open(url: string, token: string | null): void {
  close();
  const next = new WebSocket(url, token ? [SUBPROTOCOL, TOKEN_PREFIX + token] : [SUBPROTOCOL]);
  socket = next;
  next.binaryType = "arraybuffer";
  next.onopen = () => report({ kind: "opened" });
  next.onclose = ({ code, reason }) => {
    if (socket !== next) return;
    socket = null;
    drop();
    report({ kind: "closed", code, reason });
  };
  next.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
    if (typeof data === "string") {
      report({ kind: "text", message: JSON.parse(data) as ServerMessage });
      return;
    }
    if (data.byteLength < ANSWER_BYTES) return;
    void answer(data);
  };
}

async function answer(buffer: ArrayBuffer): Promise<void> {
  const sequence = sequenceOf(buffer);
  const frame = pending.get(sequence);
  for (const [other, { bitmap }] of pending) {
    if (other > sequence) continue;
    if (other < sequence) discard(bitmap);
    pending.delete(other);
  }
  const face = parseAnswer(buffer)?.faces.at(0);
  box = face ? boxOf(face) : null;
  const bitmap = frame ? await frame.bitmap : null;
  report(
    { kind: "answer", buffer, bitmap, encoding: frame?.encoding ?? 0, light: frame?.light ?? NaN },
    bitmap ? [buffer, bitmap] : [buffer],
  );
}

function close(): void {
  const old = socket;
  socket = null;
  old?.close();
  drop();
}

/** The pixels of a frame in the size asked for; takes the frame. */
function pixelsOf(image: VideoFrame | ImageBitmap, width: number, height: number): ImageData | null {
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  context?.drawImage(image, 0, 0, width, height);
  image.close();
  return context?.getImageData(0, 0, width, height) ?? null;
}

async function send({ image, width, height, sequence, time }: Frame): Promise<void> {
  const target = socket;
  const began = performance.now();
  if (!target || target.readyState !== WebSocket.OPEN) {
    image.close();
    return;
  }
  const picture = pixelsOf(image, width, height);
  if (!picture) return;
  const light = lightOf(picture.data, width, height, box);
  // From pixels in memory, so that neither the preview nor the stage has to fetch them back.
  const bitmap = createImageBitmap(picture);
  if (raw) {
    const size = FRAME_BYTES + picture.data.byteLength;
    if (message.byteLength !== size) message = new Uint8Array(size);
    encodeHeader(message.buffer, "RGBA", sequence, time, width, height);
    message.set(picture.data, FRAME_BYTES);
  } else {
    const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: JPEG_QUALITY });
    const pixels = await blob.arrayBuffer();
    message = new Uint8Array(FRAME_BYTES + pixels.byteLength);
    encodeHeader(message.buffer, "IMAGE", sequence, time, 0, 0);
    message.set(new Uint8Array(pixels), FRAME_BYTES);
  }
  const encoding = performance.now() - began;
  if (socket !== target) {
    (await bitmap).close();
    return;
  }
  pending.set(sequence, { bitmap, encoding, light });
  target.send(message);
}

self.onmessage = ({ data }: MessageEvent<Order>) => {
  switch (data.kind) {
    case "open":
      raw = data.raw;
      open(data.url, data.token);
      break;
    case "close":
      close();
      break;
    case "text":
      if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(data.message));
      break;
    case "line":
      data.port.onmessage = ({ data: landmarks }: MessageEvent<ArrayBuffer>) => {
        if (socket?.readyState === WebSocket.OPEN) socket.send(landmarks);
      };
      break;
    case "frame":
      // One after another: they share a canvas.
      queue = queue.then(() => send(data)).catch(() => undefined);
      break;
  }
};
