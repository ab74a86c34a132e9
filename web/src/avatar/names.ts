/** What others call the 52 channels: spellings of ARKit's names, and what a target is meant as. */

import { CHANNELS } from "../tables";

/** Without what tells spellings apart: "Face.eye_blink_L" and "EyeBlinkLeft" become "eyeblinkleft". */
export function plain(name: string): string {
  const sided = name.replace(/[._\-\s]?([LR])$/, (whole, side: string) =>
    // "browInnerUp_L" and "eyeBlinkL" name a side, "FULL" does not.
    whole.length > 1 || /[a-z]/.test(name.at(-2) ?? "") ? (side === "L" ? "Left" : "Right") : whole,
  );
  const last = sided.slice(Math.max(sided.lastIndexOf("."), sided.lastIndexOf(":"), sided.lastIndexOf("|")) + 1);
  return last.toLowerCase().replace(/[^a-z0-9]/g, "");
}

const BY_PLAIN = new Map(CHANNELS.map((name, i) => [plain(name), i]));
/** Halves of channels that ARKit has in one piece, as ICT-FaceKit names them. */
for (const whole of ["browInnerUp", "cheekPuff"]) {
  for (const side of ["Left", "Right"]) BY_PLAIN.set(plain(whole + side), CHANNELS.indexOf(whole));
}

/** Index of the channel that a target or an expression of this name shows; -1 for another name. */
export function channelOf(name: string): number {
  return BY_PLAIN.get(plain(name)) ?? -1;
}

export const BONES = ["head", "neck", "jaw", "leftEye", "rightEye", "leftArm", "rightArm"] as const;
export type BoneName = (typeof BONES)[number];

const PATTERNS: Record<BoneName, RegExp> = {
  head: /^(c|cc|def|bip\d*|j|jbip|jbipc|ccbase)?head\d*$/,
  neck: /^(c|cc|def|bip\d*|j|jbip|jbipc|ccbase)?neck(twist)?0?1?$/,
  jaw: /^(c|cc|def|j|ccbase)?jaw(root|bone|master)?$/,
  leftEye: /^(left_?eye(ball)?|eye(ball)?_?left|l_?eye(ball)?|jadjleyeball|faceeyeleft)$/,
  rightEye: /^(right_?eye(ball)?|eye(ball)?_?right|r_?eye(ball)?|jadjreyeball|faceeyeright)$/,
  leftArm: /^(left_?(upper)?arm|(upper)?arm_?left|l_?upperarm)$/,
  rightArm: /^(right_?(upper)?arm|(upper)?arm_?right|r_?upperarm)$/,
};

/** Which bone of a face a node is by its name, or null. */
export function boneOf(name: string): BoneName | null {
  const bare = plain(name.replace(/^mixamorig\d*/i, ""));
  return BONES.find((bone) => PATTERNS[bone].test(bare)) ?? null;
}
