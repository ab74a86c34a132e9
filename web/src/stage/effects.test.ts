import { describe, expect, it } from "vitest";
import { Quaternion } from "three";
import { CHANNELS, EFFECT_TABLE, EFFECTS } from "../tables";
import { Effects, strength } from "./effects";

// As in tests/render/test_particles.py.
const SMILE = { mouthSmileLeft: 0.9, mouthSmileRight: 0.8 };
const WORRY = { mouthFrownLeft: 0.7, mouthFrownRight: 0.7, browInnerUp: 0.6 };
const WIDE = { eyeWideLeft: 0.8, eyeWideRight: 0.8 };
const SURPRISE = { browInnerUp: 1, jawOpen: 0.5 };

function face(weights: Record<string, number>): Float32Array {
  return Float32Array.from(CHANNELS, (name) => weights[name] ?? 0);
}

/** What flies after so many seconds of a face. */
function play(effects: Effects, weights: Record<string, number>, seconds: number): number {
  for (let i = 0; i < seconds * 30; i++) effects.tick(face(weights), new Quaternion(), 1 / 30);
  return effects.root.geometry.instanceCount;
}

describe("strength", () => {
  it.each([
    ["hearts", SMILE, 1],
    ["hearts", { mouthSmileLeft: 0.7, mouthSmileRight: 0.55 }, 0.5],
    ["hearts", { mouthPucker: 1 }, 0],
    ["sweat", WORRY, 1],
    ["sweat", { mouthStretchLeft: 0.6, mouthStretchRight: 0.5, browInnerUp: 0.2 }, 0.486],
    ["sparkle", WIDE, 1],
    ["sparkle", SURPRISE, 1],
    ["sparkle", { browInnerUp: 1 }, 0],
    ["sparkle", { browOuterUpLeft: 0.5, browOuterUpRight: 0.6, jawOpen: 1 }, 0.429],
    ["hearts", {}, 0],
    ["sweat", {}, 0],
    ["sparkle", {}, 0],
  ] as const)("%s for %o", (effect, weights, expected) => {
    expect(strength(effect, face(weights))).toBeCloseTo(expected, 2);
  });

  it("calls for one effect by one expression", () => {
    for (const [effect, weights] of [["hearts", SMILE], ["sweat", WORRY], ["sparkle", WIDE]] as const) {
      expect(EFFECTS.filter((name) => strength(name, face(weights)) > 0.5)).toEqual([effect]);
    }
  });
});

describe("Effects", () => {
  it("shows nothing unless it is wanted", () => {
    const effects = new Effects();
    expect(play(effects, { ...SMILE, ...WIDE }, 3)).toBe(0);
    effects.dress(["sweat"]);
    expect(play(effects, { ...SMILE, ...WIDE }, 3)).toBe(0);
    expect(effects.root.visible).toBe(false);
  });

  it("shows several at once, and as many as a film does", () => {
    const effects = new Effects();
    effects.dress(["hearts", "sparkle"]);
    const flying = play(effects, { ...SMILE, ...WIDE }, 4);
    const { hearts, sparkle } = EFFECT_TABLE.effects;
    expect(Math.abs(flying - hearts.rate * hearts.life - sparkle.rate * sparkle.life)).toBeLessThan(2);
    const kinds = effects.root.geometry.getAttribute("kind").array.slice(0, flying);
    expect(new Set(kinds)).toEqual(new Set([hearts.shape, sparkle.shape]));
    effects.dress(["hearts"]);
    expect(play(effects, {}, 0.1)).toBeLessThan(flying);
    expect(play(effects, {}, 3)).toBe(0);
    expect(effects.root.visible).toBe(false);
  });

  it("never has more than there is room for", () => {
    const effects = new Effects();
    effects.dress(EFFECTS);
    for (let i = 0; i < 50; i++) {
      effects.tick(face({ ...SMILE, ...WIDE, ...WORRY }), new Quaternion(), 1.2);
      expect(effects.root.geometry.instanceCount).toBeLessThanOrEqual(EFFECT_TABLE.most);
    }
  });
});
