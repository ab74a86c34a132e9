/** How the coefficients of the face model are shown: in standard deviations, about zero. */

import { MODE_DEVIATIONS } from "../tables";

/** Standard deviations at which a bar reaches its end; faces seldom go further. */
export const MOST = 3;

/** A coefficient in standard deviations. */
export function deviationsOf(mode: number, value: number): number {
  return value / MODE_DEVIATIONS[mode];
}

/** Length and side of its bar, -1..1; NaN where no model produced it. */
export function reachOf(mode: number, value: number): number {
  return Math.max(-1, Math.min(1, deviationsOf(mode, value) / MOST));
}

/** With its sign, as it is read; a minus is as wide as a plus. */
export function signed(value: number): string {
  if (Number.isNaN(value)) return "–";
  const text = Math.abs(value).toFixed(1);
  return text === "0.0" ? text : (value < 0 ? "−" : "+") + text;
}
