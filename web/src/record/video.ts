/** The stage as a film: the take is played once, and what is drawn is recorded. */

import type { Studio } from "../studio";

const RATE = 30;

/** Containers, that which most programs open first; of each the best first. */
const FILMS = [
  // Not whatever a browser puts into an MP4: who asks for one wants H.264. Levels 5.1, 4.0, 3.0.
  { id: "mp4", title: "MP4", types: ["video/mp4;codecs=avc1.640033", "video/mp4;codecs=avc1.640028", "video/mp4;codecs=avc1.42E01E", "video/mp4;codecs=avc1"] },
  { id: "webm", title: "WebM", types: ["video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm"] },
] as const;

export interface Film {
  readonly id: "mp4" | "webm";
  readonly title: string;
  /** As the recorder is asked for it. */
  readonly type: string;
}

/** The films that a browser can make, by what it says of each type. */
export function filmsOf(supports: (type: string) => boolean): readonly Film[] {
  return FILMS.flatMap(({ id, title, types }) => {
    const type = types.find(supports);
    return type ? [{ id, title, type }] : [];
  });
}

export function filmsHere(): readonly Film[] {
  return "MediaRecorder" in window ? filmsOf((type) => MediaRecorder.isTypeSupported(type)) : [];
}

/** What is kept of the take. Null where the browser cannot record a canvas. `progress` hears 0..1. */
export async function exportVideo(studio: Studio, { id, type }: Film, progress: (share: number) => void): Promise<Blob | null> {
  const [from, to] = studio.store.get().trim;
  const stream = studio.stage?.canvas.captureStream(RATE);
  if (!stream) return null;
  const recorder = new MediaRecorder(stream, { mimeType: type, videoBitsPerSecond: 6_000_000 });
  const parts: Blob[] = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  const stopped = new Promise<void>((resolve) => {
    recorder.onstop = () => resolve();
  });
  const { review, store } = studio;
  review.seek(from);
  store.set({ playing: true });
  recorder.start();
  const watch = studio.rhythm.onTenth(() => progress(to > from ? (review.position - from) / (to - from) : 1));
  // Closing the take ends the film where it is.
  const unsubscribe = store.subscribe(() => {
    if (store.get().take === null && recorder.state !== "inactive") recorder.stop();
  });
  review.onEnd = () => {
    store.set({ playing: false });
    if (recorder.state !== "inactive") recorder.stop();
  };
  await stopped;
  watch();
  unsubscribe();
  for (const track of stream.getTracks()) track.stop();
  return new Blob(parts, { type: `video/${id}` });
}
