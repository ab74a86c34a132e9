/** The stage as settings, source and theme want it. */

import type { StudioState } from "../state";
import type { Stage } from "./stage";

/** Whether what is shown is shown as in a mirror. */
export function isMirrored({ fromCamera, settings, take }: StudioState): boolean {
  return take ? take.mirrored : fromCamera && settings.mirror;
}

/** Lay it on the stage; `calm` for those who want little motion. */
export function dress(stage: Stage, state: StudioState, calm: boolean): void {
  const { settings, source, paused, take } = state;
  const dark = settings.theme === "system" ? matchMedia("(prefers-color-scheme: dark)").matches : settings.theme === "dark";
  const still = source.kind === "sample" || source.kind === "photo";
  stage.calm(calm);
  stage.theme(dark ? "dark" : "light", settings.backdrop, settings.light, settings.effects);
  stage.look(settings.mode, settings.textured && take === null);
  stage.mirror(isMirrored(state));
  stage.followPointer(still && take === null);
  stage.holding = take !== null || (source.phase !== "failed" && (still || paused));
}
