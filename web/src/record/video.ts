/** The stage as a film: the take is played once, and what is drawn is recorded. */

import type { Studio } from "../studio";

const RATE = 30;
/** Best first; what the browser lacks is passed over. */
const TYPES = ["video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm"];

/** What is kept of the take. Null where the browser cannot record a canvas. `progress` hears 0..1. */
export async function exportVideo(studio: Studio, progress: (share: number) => void): Promise<Blob | null> {
  const [from, to] = studio.store.get().trim;
  const type = TYPES.find((t) => MediaRecorder.isTypeSupported(t));
  const stream = studio.stage?.canvas.captureStream(RATE);
  if (!type || !stream) return null;
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
  return new Blob(parts, { type: "video/webm" });
}
