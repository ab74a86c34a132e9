/** The stations of a frame on its way, in the order they are passed. */

import { STAGES } from "../generated/wire";
import type { Pulse } from "../live/pulse";

export interface Station {
  readonly name: string;
  readonly label: string;
  readonly read: (pulse: Pulse) => number;
}

const LABELS: Record<(typeof STAGES)[number], string> = {
  wait: "Wait",
  decode: "Decode",
  landmarks: "Landmarks",
  identity: "Identity",
  pose: "Pose",
  heads: "Heads",
  smooth: "Smooth",
  total: "Tracker in all",
};
const WAIT = STAGES.indexOf("wait");
const DECODE = STAGES.indexOf("decode");
const TOTAL = STAGES.indexOf("total");

/** What neither the server nor the encoding accounts for. */
export function networkOf(pulse: Pulse): number {
  const { trip, encoding, stages } = pulse;
  return Math.max(0, trip - encoding - stages[WAIT] - stages[DECODE] - stages[TOTAL]);
}

/** Milliseconds each; NaN where nothing was timed. */
export const STATIONS: readonly Station[] = [
  { name: "encode", label: "In the page", read: (pulse) => pulse.encoding },
  ...STAGES.map((stage, i) => ({ name: stage, label: LABELS[stage], read: (pulse: Pulse) => pulse.stages[i] })),
  { name: "network", label: "Network and queue", read: networkOf },
  { name: "trip", label: "Round trip", read: (pulse) => pulse.trip },
];
