/** The keys of the page, as the help lists them; docs/studio.md has the same table. */
export const KEYS = [
  ["Space", "Record, and stop; play a take, and pause"],
  ["1 … 9", "Avatars"],
  ["W", "The mask as surface, wireframe, points"],
  ["T", "Picture on the mask"],
  ["M", "Mirror the camera"],
  ["P", "Preview"],
  ["F", "Next of several faces; with Shift the one before"],
  ["R", "Front view"],
  ["C", "Calibrate"],
  ["[ ]", "Keep a take from here, to here"],
  ["E", "Export a take"],
  ["Arrows", "Turn the stage, when it has the focus"],
  ["+ −", "Come closer, go back"],
  ["Esc", "Close what is open"],
  ["?", "This help"],
] as const;
