import { describe, expect, it } from "vitest";
import { EMOTION_LABELS, EMOTION_LOOKS, looksOf, percent, sharesOf, spansOf } from "./emotion";
import { FACE_FLOATS, FACE_LENGTH } from "./generated/wire";
import { AT, type FaceBlock } from "./live/protocol";
import type { Take } from "./record/take";
import { EMOTIONS } from "./tables";

function face(emotion: string | null, id = 1): FaceBlock {
  const block = new Float32Array(FACE_FLOATS).fill(NaN);
  block[AT.id] = id;
  block[AT.scale] = 10;
  if (emotion !== null) {
    block.fill(0.05, AT.emotion, AT.emotion + EMOTIONS.length);
    block[AT.emotion + EMOTIONS.indexOf(emotion)] = 0.7;
  }
  return block;
}

function takeOf(...moments: [time: number, ...faces: FaceBlock[]][]): Take {
  return { name: "t", width: 1, height: 1, engine: "", mirrored: false, moments: moments.map(([time, ...faces]) => ({ time, faces })) };
}

describe("emotions", () => {
  it("are seven, in the order of the wire", () => {
    expect(EMOTIONS).toHaveLength(FACE_LENGTH.emotion);
    expect(EMOTION_LABELS).toContain("Fear");
    expect(EMOTION_LOOKS).toEqual(["Angry", "Disgusted", "Afraid", "Happy", "Sad", "Surprised", "Neutral"]);
  });

  it.each([
    [face("happy"), "happy"],
    [face("angry"), "angry"],
    [face("neutral"), "neutral"],
    [face(null), undefined],
    [null, undefined],
  ])("the likeliest leads", (block, name) => {
    expect(EMOTIONS[looksOf(block)]).toBe(name);
  });

  it.each([
    [0.824, "82 %"],
    [1, "100 %"],
    [0, "0 %"],
    [NaN, "–"],
  ])("%d is written %s", (share, text) => {
    expect(percent(share)).toBe(text);
  });
});

describe("the emotions of a take", () => {
  const take = takeOf([0, face("happy")], [1, face("happy")], [2, face("sad")], [3], [3.5, face(null)], [4, face("sad"), face("fear", 2)], [5, face("sad")]);

  it("are spans without gaps", () => {
    expect(spansOf(take, 1).map(({ from, to, emotion }) => [from, to, EMOTIONS[emotion] ?? null])).toEqual([
      [0, 2, "happy"],
      [2, 3, "sad"],
      [3, 4, null],
      [4, 5, "sad"],
    ]);
  });

  it("are those of the lead", () => {
    expect(spansOf(take, 2).map(({ emotion }) => EMOTIONS[emotion] ?? null)).toEqual(["happy", "sad", null, "fear", "sad"]);
  });

  it("are shared out over the time that is known", () => {
    expect(sharesOf(spansOf(take, 1)).map(([emotion, share]) => [EMOTIONS[emotion], share])).toEqual([
      ["happy", 0.5],
      ["sad", 0.5],
    ]);
  });

  it.each([[takeOf()], [takeOf([0, face(null)], [2, face(null)])]])("are none where none were read", (empty) => {
    expect(sharesOf(spansOf(empty, 1))).toEqual([]);
  });
});
