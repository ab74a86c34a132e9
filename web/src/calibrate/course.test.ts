import { describe, expect, it } from "vitest";
import type { Source } from "../state";
import { Course, hindranceOf, hint, LEAD_IN, nameOf, personFrom, sentenceOf, type Turn } from "./course";

const FACES = [
  { name: "neutral", seconds: 2, say: "Relax." },
  { name: "smile", seconds: 1, say: "Smile." },
];
const CAMERA: Source = { kind: "camera", phase: "running", name: "Camera" };

/** What happens within so many seconds. */
function pass(course: Course, seconds: number, good = 100, hindered = false): Turn[] {
  return Array.from({ length: seconds * 8 }, () => course.tick(0.125, hindered, good)).filter((turn) => turn !== null);
}

describe("a course", () => {
  it("counts in, asks for each face in turn, and ends", () => {
    const course = new Course(FACES);
    expect([course.at, course.left]).toEqual([-1, LEAD_IN]);
    expect(pass(course, 3)).toEqual(["begin"]);
    expect([course.at, course.left]).toEqual([0, 3]);
    expect(pass(course, 1)).toEqual([]);
    expect(course.progress).toBeCloseTo(0.5);
    expect(pass(course, 1)).toEqual(["next"]);
    expect(pass(course, 1)).toEqual(["finish"]);
  });

  it("takes longer where more time is wanted, but not to get ready", () => {
    const course = new Course(FACES, 2);
    expect(pass(course, 3)).toEqual(["begin"]);
    expect(course.left).toBe(6);
    expect(pass(course, 3.875)).toEqual([]);
    expect(pass(course, 0.125)).toEqual(["next"]);
  });

  it("waits for frames on a slow machine, longest for the neutral face", () => {
    const course = new Course(FACES);
    pass(course, 3);
    expect(pass(course, 5, 11)).toEqual([]);
    expect([course.progress, course.left]).toEqual([1, 1]);
    expect(pass(course, 0.125, 12)).toEqual(["next"]);
    expect(pass(course, 5, 3)).toEqual([]);
    expect(pass(course, 0.125, 4)).toEqual(["finish"]);
  });

  it("stands still while something is in the way, and then asks for the face afresh", () => {
    const course = new Course(FACES);
    pass(course, 3);
    pass(course, 1.5);
    expect(pass(course, 10, 100, true)).toEqual([]);
    expect(course.at).toBe(0);
    expect(pass(course, 0.125)).toEqual(["again"]);
    expect(course.progress).toBe(0);
    expect(pass(course, 1.875)).toEqual([]);
    expect(pass(course, 0.125)).toEqual(["next"]);
  });

  it("counts in again after something was in the way", () => {
    const course = new Course(FACES);
    pass(course, 2.5);
    pass(course, 0.5, 0, true);
    expect(pass(course, 2.5)).toEqual([]);
    expect(course.at).toBe(-1);
  });

  it("goes on at once when a face is left out", () => {
    const course = new Course(FACES);
    expect([course.advance(), course.advance(), course.advance()]).toEqual(["begin", "next", "finish"]);
  });

  it("ends at once without faces", () => {
    expect(new Course([]).advance()).toBe("finish");
  });
});

describe("what is in the way", () => {
  it.each([
    [null, CAMERA, 1, false, null],
    ["nobody", CAMERA, 0, false, "close your mouth"],
    ["several", CAMERA, 2, false, null],
    ["advice", CAMERA, 1, false, "close your mouth"],
    ["camera", CAMERA, 1, true, null],
    ["camera", { ...CAMERA, phase: "failed" }, 1, false, null],
    ["camera", { ...CAMERA, kind: "sample" }, 1, false, null],
    ["camera", { ...CAMERA, kind: "video" }, 1, false, null],
    ["opening", { ...CAMERA, phase: "opening" }, 0, false, null],
  ] as const)("is %s", (expected, source, faces, paused, advice) => {
    expect(hindranceOf({ source, faces }, paused, advice)).toBe(expected);
  });

  it.each([
    ["nobody", 0, null, /^No face/],
    ["several", 2, null, /^Two faces/],
    ["several", 3, null, /^3 faces/],
    ["advice", 1, "close your mouth", /^Close your mouth\.$/],
    ["camera", 0, null, /camera is off/],
    ["opening", 0, null, /permission/],
  ] as const)("%s with %i faces is told", (hindrance, faces, advice, expected) => {
    expect(hint(hindrance, faces, advice)).toMatch(expected);
  });
});

it.each([
  ["Ada", "Ada"],
  ["  Ada  ", "Ada"],
  ["a/b\\c", "a-b-c"],
  ["x".repeat(80), "x".repeat(64)],
  ["   ", ""],
])("the name %j is taken as %j", (text, name) => {
  expect(personFrom(text)).toBe(name);
});

it("words are made of the server's", () => {
  expect([sentenceOf(""), sentenceOf("look up."), nameOf("jaw_open")]).toEqual(["", "Look up.", "jaw open"]);
});
