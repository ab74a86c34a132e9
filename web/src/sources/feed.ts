/** Moving pictures: a camera or a video file, played in one video element. */

import { cameraProblem, type Problem } from "../state";

export interface Camera {
  readonly id: string;
  readonly label: string;
}

/** A source that could not be opened, and why. */
export class SourceError extends Error {
  constructor(
    readonly problem: Problem,
    message = "",
  ) {
    super(message);
  }
}

/** Cameras by name; names are empty until the person has allowed one of them. */
export async function listCameras(): Promise<Camera[]> {
  if (!("mediaDevices" in navigator)) return [];
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices
    .filter((d) => d.kind === "videoinput")
    .map((d, i) => ({ id: d.deviceId, label: d.label || `Camera ${i + 1}` }));
}

/** Files a browser may be able to read, by kind. */
export function kindOfFile(file: { type: string; name: string }): "photo" | "video" | null {
  if (file.type.startsWith("image/")) return "photo";
  if (file.type.startsWith("video/")) return "video";
  if (/\.(jpe?g|png|webp|avif|gif|bmp)$/i.test(file.name)) return "photo";
  return /\.(mp4|m4v|mov|webm|mkv)$/i.test(file.name) ? "video" : null;
}

/** Milliseconds after which a video that was stopped, or moved while it stood, is shown again. */
const AGAIN = [200, 800, 2000] as const;

export class Feed {
  readonly video = document.createElement("video");
  onFrame: (video: HTMLVideoElement) => void = () => undefined;
  onUnplugged: () => void = () => undefined;
  private stream: MediaStream | null = null;
  private url: string | null = null;
  private callback = 0;

  constructor() {
    this.video.muted = true;
    this.video.playsInline = true;
    this.video.loop = true;
    for (const name of ["pause", "seeked"]) this.video.addEventListener(name, this.showAgain);
  }

  get running(): boolean {
    return this.stream !== null || this.url !== null;
  }

  /**
   * Open a camera; without `id` the browser's own choice.
   *
   * @throws SourceError
   */
  async openCamera(id: string | null, height: number): Promise<string> {
    this.stop();
    if (!("mediaDevices" in navigator)) throw new SourceError("insecure");
    const wanted: MediaTrackConstraints = {
      height: { ideal: height },
      width: { ideal: Math.round((height * 4) / 3) },
      frameRate: { ideal: 30 },
    };
    let stream: MediaStream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        video: id ? { ...wanted, deviceId: { exact: id } } : { ...wanted, facingMode: "user" },
        audio: false,
      });
    } catch (error) {
      const problem = cameraProblem(error);
      // The camera chosen last time may be gone; any other will do.
      if (id && problem === "no-camera") return this.openCamera(null, height);
      throw new SourceError(problem, error instanceof Error ? error.message : "");
    }
    this.stop();
    this.stream = stream;
    const track = stream.getVideoTracks()[0];
    track.addEventListener("ended", () => {
      if (this.stream === stream) this.onUnplugged();
    });
    this.video.srcObject = stream;
    await this.video.play();
    this.watch();
    return track.getSettings().deviceId ?? "";
  }

  /**
   * Play a file in a loop.
   *
   * @throws SourceError
   */
  async openFile(file: Blob): Promise<void> {
    this.stop();
    const { video } = this;
    const url = URL.createObjectURL(file);
    this.url = url;
    video.src = url;
    try {
      await video.play();
    } catch (error) {
      if (this.url !== url) return;
      const detail = video.error?.message ?? "";
      this.stop();
      throw new SourceError("unsupported-file", detail || (error instanceof Error ? error.message : ""));
    }
    if (video.videoWidth === 0) {
      this.stop();
      throw new SourceError("unsupported-file", "it has no pictures");
    }
    this.watch();
  }

  stop(): void {
    const { video } = this;
    this.unwatch();
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    video.pause();
    video.srcObject = null;
    if (this.url) {
      URL.revokeObjectURL(this.url);
      this.url = null;
      video.removeAttribute("src");
      video.load();
    }
  }

  // A tracker that loses the face at a jump finds it in the picture after that one; a video that
  // stands has no other, so it gives the same.
  private readonly showAgain = (): void => {
    const { url } = this;
    for (const delay of AGAIN) {
      window.setTimeout(() => {
        if (url && this.url === url && this.video.paused) this.onFrame(this.video);
      }, delay);
    }
  };

  private watch(): void {
    this.unwatch();
    const { video } = this;
    // Firefox before 132 tells nothing of new frames; there every frame of the display counts.
    const exact = "requestVideoFrameCallback" in video;
    const next = () => {
      this.callback = exact
        ? video.requestVideoFrameCallback(seen)
        : window.requestAnimationFrame(seen);
    };
    const seen = () => {
      next();
      if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) this.onFrame(video);
    };
    next();
  }

  private unwatch(): void {
    if (!this.callback) return;
    if ("requestVideoFrameCallback" in this.video) this.video.cancelVideoFrameCallback(this.callback);
    else cancelAnimationFrame(this.callback);
    this.callback = 0;
  }
}
