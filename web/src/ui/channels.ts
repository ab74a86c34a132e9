/** How the channels are laid out: by part of the face, left and right on one row. */

import { CHANNELS, GROUPS } from "../tables";

export interface Row {
  /** Stable name, without the side. */
  readonly key: string;
  readonly label: string;
  /** Index of the channel, or of the one on the subject's left. */
  readonly left: number;
  /** Index of the one on the subject's right; null where the channel has no sides. */
  readonly right: number | null;
}

export interface Section {
  readonly name: string;
  readonly rows: readonly Row[];
}

/** A word a group's channels begin with, which its heading has said already. */
const PREFIX: Readonly<Record<string, string>> = {
  brows: "brow",
  eyes: "eye",
  jaw: "jaw",
  mouth: "mouth",
  cheeks: "cheek",
  nose: "nose",
  tongue: "tongue",
};

/** "eyeLookDown" in the group of the eyes becomes "Look down". */
export function labelOf(stem: string, group: string): string {
  const prefix = PREFIX[group] ?? "";
  const rest = stem.startsWith(prefix) ? stem.slice(prefix.length) : stem;
  if (rest === "") return "Sideways";
  const words = rest.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Pair a group's channels by name; order is that of first appearance. */
export function rowsOf(group: string, members: readonly string[], all: readonly string[]): Row[] {
  const rows: Row[] = [];
  const done = new Set<string>();
  for (const name of members) {
    if (done.has(name)) continue;
    const stem = name.replace(/(Left|Right)$/, "");
    const left = all.indexOf(`${stem}Left`);
    const right = all.indexOf(`${stem}Right`);
    if (stem !== name && left >= 0 && right >= 0) {
      rows.push({ key: stem, label: labelOf(stem, group), left, right });
      done.add(`${stem}Left`).add(`${stem}Right`);
    } else {
      rows.push({ key: name, label: labelOf(name, group), left: all.indexOf(name), right: null });
      done.add(name);
    }
  }
  return rows;
}

export const SECTIONS: readonly Section[] = Object.entries(GROUPS).map(([name, members]) => ({
  name,
  rows: rowsOf(name, members, CHANNELS),
}));
