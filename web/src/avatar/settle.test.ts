import { describe, expect, it } from "vitest";
import { CHANNELS } from "../tables";
import { settle } from "./settle";

const settled = (given: Record<string, number>): Record<string, number> => {
  const weights = Float32Array.from(CHANNELS, (name) => given[name] ?? 0);
  settle(weights);
  return Object.fromEntries(CHANNELS.map((name, i) => [name, weights[i]] as const).filter(([, value]) => value !== 0));
};

describe("settle", () => {
  it.each([
    ["leaves what goes together", { eyeSquintLeft: 1, jawOpen: 0.5, mouthClose: 0.5 }, { eyeSquintLeft: 1, jawOpen: 0.5, mouthClose: 0.5 }],
    ["closes lids once", { eyeBlinkLeft: 1, eyeSquintLeft: 1, cheekSquintLeft: 1 }, { eyeBlinkLeft: 1 }],
    ["each side for itself", { eyeBlinkLeft: 1, eyeSquintRight: 1 }, { eyeBlinkLeft: 1, eyeSquintRight: 1 }],
    ["fades what opens", { eyeBlinkRight: 0.75, eyeWideRight: 1 }, { eyeBlinkRight: 0.75, eyeWideRight: 0.25 }],
    ["keeps lips from turning inside out", { jawOpen: 0.25, mouthClose: 1 }, { jawOpen: 0.25, mouthClose: 0.25 }],
  ])("%s", (_, given, wanted) => {
    expect(settled(given)).toEqual(wanted);
  });

  it("shares what a blink leaves", () => {
    const { eyeSquintLeft, cheekSquintLeft } = settled({ eyeBlinkLeft: 0.75, eyeSquintLeft: 1, cheekSquintLeft: 1 });
    expect(eyeSquintLeft).toBeCloseTo(0.25 / 0.48, 5);
    expect(cheekSquintLeft).toBeCloseTo(0.25 / 0.48, 5);
  });
});
