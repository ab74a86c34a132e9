import { AT, type FaceBlock } from "./protocol";

/** Seconds in which a bar closes most of its distance (time constant). */
const BARS = 0.05;

/**
 * Move what the meters show towards a face's channels, or what else stands in it from `at` on.
 * Without a face the bars sink; a channel that was not measured has no bar at all (NaN).
 */
export function easeChannels(shown: Float32Array, face: FaceBlock | null, elapsed: number, at: number = AT.expression): void {
  ease(shown, face, at, elapsed);
}

/** Move what is shown towards as many values; NaN has no bar. */
export function easeTowards(shown: Float32Array, values: Float32Array, elapsed: number): void {
  ease(shown, values, 0, elapsed);
}

function ease(shown: Float32Array, values: Float32Array | null, at: number, elapsed: number): void {
  const step = 1 - Math.exp(-elapsed / BARS);
  for (let i = 0; i < shown.length; i++) {
    const value = values ? values[at + i] : 0;
    if (Number.isNaN(value)) shown[i] = NaN;
    else if (!Number.isNaN(shown[i])) shown[i] += (value - shown[i]) * step;
    else if (values) shown[i] = value;
  }
}
