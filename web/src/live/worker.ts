/** Holds the WebSocket and encodes frames, so that neither ever stops the drawing. */

import { ANSWER_BYTES, FRAME_BYTES, SUBPROTOCOL, TOKEN_PREFIX } from "../generated/wire";
import { encodeHeader, sequenceOf } from "./protocol";
import type { Order, Report, ServerMessage } from "./messages";

interface Pending {
  readonly bitmap: ImageBitmap;
  readonly encoding: number;
}

const JPEG_QUALITY = 0.85;

let socket: WebSocket | null = null;
let raw = true;
const pending = new Map<number, Pending>();
const canvas = new OffscreenCanvas(1, 1);
const context = canvas.getContext("2d", { willReadFrequently: true });
let message = new Uint8Array(0);

function report(value: Report, transfer: Transferable[] = []): void {
  self.postMessage(value, { transfer });
}

function drop(): void {
  for (const { bitmap } of pending.values()) bitmap.close();
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
    const sequence = sequenceOf(data);
    const frame = pending.get(sequence);
    for (const [other, { bitmap }] of pending) {
      if (other > sequence) continue;
      if (other < sequence) bitmap.close();
      pending.delete(other);
    }
    const bitmap = frame?.bitmap ?? null;
    report(
      { kind: "answer", buffer: data, bitmap, encoding: frame?.encoding ?? 0 },
      bitmap ? [data, bitmap] : [data],
    );
  };
}

function close(): void {
  const old = socket;
  socket = null;
  old?.close();
  drop();
}

async function send(bitmap: ImageBitmap, sequence: number, time: number): Promise<void> {
  const target = socket;
  if (!target || target.readyState !== WebSocket.OPEN || !context) {
    bitmap.close();
    return;
  }
  const began = performance.now();
  const { width, height } = bitmap;
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  context.drawImage(bitmap, 0, 0);
  if (raw) {
    const pixels = context.getImageData(0, 0, width, height).data;
    const size = FRAME_BYTES + pixels.byteLength;
    if (message.byteLength !== size) message = new Uint8Array(size);
    encodeHeader(message.buffer, "RGBA", sequence, time, width, height);
    message.set(pixels, FRAME_BYTES);
    pending.set(sequence, { bitmap, encoding: performance.now() - began });
    target.send(message);
    return;
  }
  const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: JPEG_QUALITY });
  const pixels = await blob.arrayBuffer();
  if (socket !== target) {
    bitmap.close();
    return;
  }
  const encoded = new Uint8Array(FRAME_BYTES + pixels.byteLength);
  encodeHeader(encoded.buffer, "IMAGE", sequence, time, 0, 0);
  encoded.set(new Uint8Array(pixels), FRAME_BYTES);
  pending.set(sequence, { bitmap, encoding: performance.now() - began });
  target.send(encoded);
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
    case "frame":
      void send(data.bitmap, data.sequence, data.time);
      break;
  }
};
