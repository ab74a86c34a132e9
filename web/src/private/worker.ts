/** Finds faces in the page. It sees the pictures, and has no socket: only points go down its line. */

import { FaceLandmarker } from "@mediapipe/tasks-vision";
import ModuleFactory from "../../node_modules/@mediapipe/tasks-vision/wasm/vision_wasm_internal.js";
import wasm from "../../node_modules/@mediapipe/tasks-vision/wasm/vision_wasm_internal.wasm?url";
import { lightOf } from "../live/light";
import { sentence } from "../state";
import type { Order, Report } from "./messages";
import { boxOfPoints, packLandmarks } from "./points";

type Find = Extract<Order, { kind: "find" }>;

/** Milliseconds after which a model that was not there is asked for again. */
const AGAIN = 3000;

let landmarker: FaceLandmarker | null = null;
let line: MessagePort | null = null;
let faces = 1;
let still = false;
let clock = 0;
let queue = Promise.resolve();
const canvas = new OffscreenCanvas(1, 1);
const context = canvas.getContext("2d", { willReadFrequently: true });

function report(value: Report, transfer: Transferable[] = []): void {
  self.postMessage(value, { transfer });
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((done) => setTimeout(done, milliseconds));
}

/** The model, however long it takes until the server has it. */
async function fetchModel(address: string): Promise<Uint8Array> {
  for (; ; await wait(AGAIN)) {
    let response: Response;
    try {
      response = await fetch(address);
    } catch {
      // Nobody answers; the page tells of that.
      continue;
    }
    if (response.ok) return read(response);
    const problem = (await response.json().catch(() => null)) as { error?: { message: string; hint: string } } | null;
    const error = problem?.error;
    report({ kind: "missing", text: error ? sentence(error.message, error.hint) : `The server answered ${response.status}.` });
  }
}

async function read(response: Response): Promise<Uint8Array> {
  const total = Number(response.headers.get("Content-Length"));
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (;;) {
    report({ kind: "loading", share: total > 0 ? length / total : null });
    const part = await reader?.read();
    if (!part?.value) break;
    parts.push(part.value);
    length += part.value.length;
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

async function open(model: string): Promise<void> {
  const modelAssetBuffer = await fetchModel(model);
  const scope = self as unknown as { ModuleFactory: unknown; Module: unknown };
  scope.ModuleFactory = ModuleFactory;
  // What it tells of its delegates is no error, and would be printed as one.
  scope.Module = { print: () => undefined, printErr: () => undefined };
  landmarker = await FaceLandmarker.createFromOptions(
    { wasmLoaderPath: "", wasmBinaryPath: wasm },
    // The graphics card has the stage to draw, and the processor gives the same points everywhere.
    { baseOptions: { modelAssetBuffer, delegate: "CPU" }, runningMode: "VIDEO", numFaces: faces },
  );
  // The first picture takes several times as long as the next.
  canvas.width = canvas.height = 64;
  if (context) landmarker.detectForVideo(context.getImageData(0, 0, 64, 64), ++clock);
  report({ kind: "running" });
}

function pixelsOf({ image, width, height }: Find): ImageData | null {
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  context?.drawImage(image, 0, 0, width, height);
  image.close();
  return context?.getImageData(0, 0, width, height) ?? null;
}

async function find(order: Find): Promise<void> {
  const began = performance.now();
  const { sequence, width, height, time } = order;
  const picture = pixelsOf(order);
  if (!picture || !landmarker) return;
  if (still !== order.still) {
    still = order.still;
    await landmarker.setOptions({ runningMode: still ? "IMAGE" : "VIDEO" });
  }
  // It wants whole milliseconds that rise.
  clock = Math.max(clock + 1, Math.round(time * 1000));
  const { faceLandmarks } = still ? landmarker.detect(picture) : landmarker.detectForVideo(picture, clock);
  const message = packLandmarks(faceLandmarks, sequence, time, width, height);
  const encoding = performance.now() - began;
  const box = faceLandmarks.length > 0 ? boxOfPoints(faceLandmarks[0], width, height) : null;
  const light = lightOf(picture.data, width, height, box);
  const bitmap = await createImageBitmap(picture);
  // The picture is at hand before the answer can be.
  report({ kind: "found", sequence, bitmap, encoding, light }, [bitmap]);
  line?.postMessage(message, [message]);
}

/** One after another: they share a canvas, and the landmarker does not like to be interrupted. */
function later(work: () => Promise<void>): void {
  queue = queue.then(work).catch((error: unknown) => {
    report({ kind: "failed", text: error instanceof Error ? error.message : String(error) });
  });
}

self.onmessage = ({ data }: MessageEvent<Order>) => {
  switch (data.kind) {
    case "open":
      ({ faces, line } = data);
      later(() => open(data.model));
      break;
    case "faces":
      later(async () => {
        faces = data.faces;
        await landmarker?.setOptions({ numFaces: faces });
      });
      break;
    case "find":
      later(() => find(data));
      break;
  }
};
