import { describe, expect, it } from "vitest";
import { CHANNELS } from "../tables";
import { labelOf, rowsOf, SECTIONS } from "./channels";

describe("rows of channels", () => {
  it("pair left and right, whichever comes first", () => {
    const all = ["aRight", "aLeft", "b"];
    expect(rowsOf("x", all, all)).toEqual([
      { key: "a", label: "A", left: 1, right: 0 },
      { key: "b", label: "B", left: 2, right: null },
    ]);
  });

  it("leave a side without its other alone", () => {
    expect(rowsOf("x", ["aLeft"], ["aLeft"])).toEqual([{ key: "aLeft", label: "A left", left: 0, right: null }]);
  });

  it("are none for no channels", () => {
    expect(rowsOf("x", [], [])).toEqual([]);
  });

  it("show each of the 52 channels once", () => {
    const shown = SECTIONS.flatMap(({ rows }) => rows.flatMap(({ left, right }) => (right === null ? [left] : [left, right])));
    expect(shown.sort((a, b) => a - b)).toEqual(CHANNELS.map((_, i) => i));
  });

  it("have names that differ within a group", () => {
    for (const { rows } of SECTIONS) {
      expect(new Set(rows.map((row) => row.label)).size).toBe(rows.length);
    }
  });
});

it.each([
  ["eyeLookDown", "eyes", "Look down"],
  ["browInnerUp", "brows", "Inner up"],
  ["jaw", "jaw", "Sideways"],
  ["tongueOut", "tongue", "Out"],
  ["noseSneer", "nose", "Sneer"],
])("%s of the %s is called %s", (stem, group, label) => {
  expect(labelOf(stem, group)).toBe(label);
});
