/** Files that a person chose or dropped: something to look at, an avatar, what a phone recorded. */

import { isAvatar } from "./avatar/gallery";
import { CaptureError, isCapture, readCapture } from "./record/capture";
import type { Studio } from "./studio";

export async function openFile(studio: Studio, file: File): Promise<void> {
  if (isAvatar(file)) await studio.closet.gallery.open(file);
  else if (isCapture(file)) await openCapture(studio, file);
  else await studio.sources.openFile(file);
}

/** It has no face of its own to show, so an avatar wears it. */
async function openCapture(studio: Studio, file: File): Promise<void> {
  try {
    const take = await readCapture(file, file.name);
    if (studio.store.get().recording) studio.toggleRecording();
    studio.closet.hand.giveWay();
    await studio.closet.putOn();
    studio.review.open(take);
    studio.dress();
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    studio.store.set({ avatarProblem: error.message });
  }
}
