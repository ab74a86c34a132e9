import { AT, type FaceBlock } from "./protocol";

/** Seconds in which a bar closes most of its distance (time constant). */
const BARS = 0.05;

/**
 * Move what the meters show towards a face's channels. Without a face the bars sink; a channel
 * that was not measured has no bar at all (NaN).
 */
export function easeChannels(shown: Float32Array, face: FaceBlock | null, elapsed: number): void {
  const step = 1 - Math.exp(-elapsed / BARS);
  for (let i = 0; i < shown.length; i++) {
    const value = face ? face[AT.expression + i] : 0;
    if (Number.isNaN(value)) shown[i] = NaN;
    else if (!Number.isNaN(shown[i])) shown[i] += (value - shown[i]) * step;
    else if (face) shown[i] = value;
  }
}
