/** Where the picture comes from: one source at a time, opened, changed and lost. */

import { InferError, type Still } from "../live/infer";
import type { Settings } from "../settings";
import type { Problem, Source } from "../state";
import { type Camera, Feed, kindOfFile, listCameras, SourceError } from "./feed";

export interface SourceHost {
  settings: () => Settings;
  /** What is remembered of the camera. */
  remember: (camera: string) => void;
  changed: (source: Source) => void;
  /** A source is about to be opened, `another` or the same; what came from it before is history. */
  begun: (another: boolean) => void;
  cameras: (cameras: readonly Camera[]) => void;
  /** Find the faces of a photo; `bitmap` is the same, decoded, and stays the sender's. */
  look: (photo: Blob, bitmap: ImageBitmap, signal: AbortSignal) => Promise<Still>;
  /** A still was seen; the bitmap belongs to the receiver. */
  still: (still: Still, bitmap: ImageBitmap) => void;
  frame: (video: HTMLVideoElement) => void;
}

export class Sources {
  readonly feed = new Feed();
  source: Source = { kind: "none", phase: "idle", name: "" };
  private cameras: readonly Camera[] = [];
  private aborter = new AbortController();
  private photo: Blob | null = null;

  constructor(private readonly host: SourceHost) {
    this.feed.onFrame = host.frame;
    this.feed.onUnplugged = () => this.fail({ ...this.source, problem: "unplugged" });
    if (!("mediaDevices" in navigator)) return;
    navigator.mediaDevices.addEventListener("devicechange", () => void this.devicesChanged());
    void this.findCameras();
  }

  /** Open a camera; the one of last time unless another is named. */
  async useCamera(id: string | null = this.host.settings().camera, another = true): Promise<void> {
    const source: Source = { kind: "camera", phase: "opening", name: "the camera" };
    const { signal } = this.begin(source, another);
    try {
      const used = await this.feed.openCamera(id, this.host.settings().cameraHeight);
      if (signal.aborted) return;
      if (used) this.host.remember(used);
      // Only now the browser tells the names.
      await this.findCameras();
      const name = this.cameras.find((camera) => camera.id === used)?.label ?? "Camera";
      this.become({ ...source, name, phase: "running" });
    } catch (error) {
      if (!signal.aborted) this.fail({ ...source, ...describe(error) });
    }
  }

  async openFile(file: File): Promise<void> {
    const kind = kindOfFile(file);
    const source: Source = { kind: kind ?? "photo", phase: "opening", name: file.name };
    if (kind === "photo") return this.openPhoto(file, source, true);
    const { signal } = this.begin(source, true);
    try {
      if (kind === null) throw new SourceError("unsupported-file");
      await this.feed.openFile(file);
      if (!signal.aborted) this.become({ ...source, phase: "running" });
    } catch (error) {
      if (!signal.aborted) this.fail({ ...source, ...describe(error) });
    }
  }

  /** The camera that is in use, with what is wanted of it now. */
  async reopenCamera(): Promise<void> {
    if (this.source.kind === "camera") await this.useCamera(undefined, false);
  }

  async useSample(another = true): Promise<void> {
    const source: Source = { kind: "sample", phase: "opening", name: "the sample" };
    const { signal } = this.begin(source, another);
    try {
      const response = await fetch("./sample.jpg", { signal });
      if (!response.ok) throw new InferError(`The server has no sample portrait (${response.status}).`);
      const photo = await response.blob();
      if (!signal.aborted) await this.openPhoto(photo, source, false);
    } catch (error) {
      if (!signal.aborted) this.fail({ ...source, ...describe(error) });
    }
  }

  /** Show the still once more, or fetch what could not be had before. */
  async again(): Promise<void> {
    if (this.source.kind === "sample" || !this.photo) return this.useSample(false);
    return this.openPhoto(this.photo, { ...this.source, phase: "opening" }, false);
  }

  private async openPhoto(file: Blob, source: Source, another: boolean): Promise<void> {
    const { signal } = this.begin(source, another);
    this.photo = file;
    try {
      const bitmap = await decode(file);
      const still = await this.host.look(file, bitmap, signal);
      this.become({ ...source, phase: "running" });
      this.host.still(still, bitmap);
    } catch (error) {
      if (!signal.aborted) this.fail({ ...source, ...describe(error) });
    }
  }

  private begin(source: Source, another: boolean): AbortController {
    this.aborter.abort();
    this.aborter = new AbortController();
    this.feed.stop();
    this.host.begun(another);
    this.become(source);
    return this.aborter;
  }

  private become(source: Source): void {
    this.source = source;
    this.host.changed(source);
  }

  private fail(source: Source): void {
    this.feed.stop();
    this.become({ ...source, phase: "failed" });
  }

  private async findCameras(): Promise<void> {
    this.cameras = await listCameras();
    this.host.cameras(this.cameras);
  }

  private async devicesChanged(): Promise<void> {
    await this.findCameras();
    if (this.source.problem === "unplugged" && this.cameras.length > 0) await this.reopenCamera();
  }
}

function describe(error: unknown): { problem: Problem; detail?: string } {
  if (error instanceof SourceError) {
    return error.message ? { problem: error.problem, detail: error.message } : { problem: error.problem };
  }
  if (error instanceof InferError) return { problem: "failed", detail: error.message };
  return { problem: "failed", detail: "The server did not answer." };
}

/** Longest side of a still that is kept; graphics memory likes no more. */
const LARGEST = 2048;

/** Decode a picture upright. */
async function decode(file: Blob): Promise<ImageBitmap> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new SourceError("unsupported-file");
  }
  const scale = LARGEST / Math.max(bitmap.width, bitmap.height);
  if (scale >= 1) return bitmap;
  const smaller = await createImageBitmap(bitmap, {
    resizeWidth: Math.round(bitmap.width * scale),
    resizeHeight: Math.round(bitmap.height * scale),
    resizeQuality: "high",
  });
  bitmap.close();
  return smaller;
}
