import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { KEYS } from "./keys";

it("stand in the documentation as in the help", () => {
  const page = readFileSync(new URL("../../../docs/studio.md", import.meta.url), "utf8");
  const table = page.split("\n## Keys\n")[1].split("\n## ")[0];
  const rows = [...table.matchAll(/^\| `(.+)` \| (.+) \|$/gm)].map(([, keys, what]) => [keys, what]);
  expect(rows).toEqual(KEYS.map((row) => [...row]));
});
