import { describe, expect, it } from "vitest";
import { CHANNELS } from "../tables";
import { boneOf, channelOf, plain } from "./names";
import { driven, expand, expressionOf } from "./recipes";

describe("names of targets", () => {
  it.each([
    ["eyeBlinkLeft", "eyeBlinkLeft"],
    ["EyeBlinkLeft", "eyeBlinkLeft"],
    ["eyeBlink_L", "eyeBlinkLeft"],
    ["eyeBlinkL", "eyeBlinkLeft"],
    ["eye_blink_left", "eyeBlinkLeft"],
    ["Face.eye-blink_R", "eyeBlinkRight"],
    ["blendShape1:mouthSmile_R", "mouthSmileRight"],
    ["mouthLeft", "mouthLeft"],
    ["jawRight", "jawRight"],
    ["browInnerUp_L", "browInnerUp"],
    ["cheekPuff_R", "cheekPuff"],
    ["TONGUE_OUT", "tongueOut"],
  ])("%s is %s", (given, channel) => {
    expect(CHANNELS[channelOf(given)]).toBe(channel);
  });

  it("all 52 are known, and what is none is not", () => {
    expect(CHANNELS.map((name) => channelOf(name))).toEqual(CHANNELS.map((_, i) => i));
    for (const name of ["", "viseme_aa", "Joy", "smile", "_neutral", "FULL"]) expect(channelOf(name)).toBe(-1);
    expect(plain("ALL")).toBe("all");
  });

  it.each([
    ["Head", "head"],
    ["mixamorig:Head", "head"],
    ["J_Bip_C_Head", "head"],
    ["Neck", "neck"],
    ["LeftEye", "leftEye"],
    ["Eye.L", "leftEye"],
    ["RightEye", "rightEye"],
    ["jaw", "jaw"],
    ["LeftArm", "leftArm"],
    ["HeadTop_End", null],
    ["Headphones", null],
    ["LeftForeArm", null],
    ["", null],
  ])("the bone %s is %s", (given, bone) => {
    expect(boneOf(given)).toBe(bone);
  });
});

describe("expressions of other vocabularies", () => {
  it("have one name in all spellings", () => {
    for (const name of ["Joy", "joy", "happy", "Happy"]) expect(expressionOf(name)?.name).toBe("happy");
    expect(expressionOf("Blink_L")?.name).toBe("blinkLeft");
    expect(expressionOf("viseme_O")?.name).toBe("viseme_O");
    for (const name of ["", "Fun and games", "jawOpen"]) expect(expressionOf(name)).toBeNull();
  });

  it("are sums of known channels, a star standing for both sides", () => {
    expect(expand({ "mouthSmile*": 0.5, jawOpen: -1 })).toEqual([
      [CHANNELS.indexOf("mouthSmileLeft"), 0.5],
      [CHANNELS.indexOf("mouthSmileRight"), 0.5],
      [CHANNELS.indexOf("jawOpen"), -1],
    ]);
    for (const name of ["happy", "aa", "blink", "lookLeft", "viseme_PP"]) {
      for (const [channel] of expressionOf(name)?.recipe ?? [[-1]]) expect(channel).toBeGreaterThanOrEqual(0);
    }
  });

  it("rest where finer ones speak for them", () => {
    const given = (...names: string[]) => names.flatMap((name) => expressionOf(name) ?? []).map((expression) => ({ expression }));
    const left = (...names: string[]) => driven(given(...names)).map(({ expression }) => expression.name);
    expect(left("blink", "blinkLeft", "blinkRight")).toEqual(["blinkLeft", "blinkRight"]);
    expect(left("blink", "blinkLeft")).toEqual(["blink", "blinkLeft"]);
    expect(left()).toEqual([]);
  });
});
