import { describe, expect, it } from "vitest";
import { CHANNELS } from "../tables";
import { Hand, MIRRORED, PRESETS } from "./hand";

const at = (name: string) => CHANNELS.indexOf(name);

/** What is shown a second later. */
function shown(hand: Hand, seen: Partial<Record<string, number>> = {}, mirrored = false): Float32Array {
  const weights = Float32Array.from(CHANNELS, (name) => seen[name] ?? 0);
  const out = new Float32Array(CHANNELS.length);
  for (let i = 0; i < 100; i++) hand.apply(weights, mirrored, 0.01, out);
  return out;
}

describe("a rig by hand", () => {
  it("follows the face where nothing is held", () => {
    expect(shown(new Hand(), { jawOpen: 0.5 })[at("jawOpen")]).toBe(0.5);
  });

  it("holds a channel on the avatar's own side, and gives it back", () => {
    const hand = new Hand();
    hand.hold(at("eyeBlinkLeft"), 0.8);
    for (const mirrored of [false, true]) {
      const out = shown(hand, { jawOpen: 0.5 }, mirrored);
      expect(out[at("eyeBlinkLeft")]).toBeCloseTo(0.8, 3);
      expect(out[at("eyeBlinkRight")]).toBe(0);
      expect(out[at("jawOpen")]).toBe(0.5);
    }
    expect(hand.holding).toBe(true);
    hand.release(at("eyeBlinkLeft"));
    expect([hand.holding, shown(hand)[at("eyeBlinkLeft")]]).toEqual([false, 0]);
    expect(hand.restless).toBe(false);
  });

  it("eases in", () => {
    const hand = new Hand();
    const out = new Float32Array(CHANNELS.length);
    hand.hold(0, 1);
    hand.apply(out, false, 0.016, out);
    expect(out[0]).toBeGreaterThan(0);
    expect(out[0]).toBeLessThan(0.5);
    expect(hand.restless).toBe(true);
  });

  it("mirrors what is followed", () => {
    const out = shown(new Hand(), { mouthSmileLeft: 1, jawOpen: 0.3, mouthLeft: 0.2 }, true);
    expect([out[at("mouthSmileRight")], out[at("mouthSmileLeft")]]).toEqual([1, 0]);
    expect(out[at("jawOpen")]).toBeCloseTo(0.3);
    expect(out[at("mouthRight")]).toBeCloseTo(0.2);
    expect(MIRRORED.every((other, i) => MIRRORED[other] === i)).toBe(true);
  });

  it("feels a channel as strongly as wanted, within 0..1", () => {
    const hand = new Hand();
    hand.amplify(at("jawOpen"), 2);
    expect(shown(hand, { jawOpen: 0.3 })[at("jawOpen")]).toBeCloseTo(0.6);
    expect(shown(hand, { jawOpen: 0.9 })[at("jawOpen")]).toBe(1);
  });

  it.each(Object.entries(PRESETS))("puts on the face %s, whatever is seen", (_, face) => {
    const hand = new Hand();
    hand.pose(face);
    const out = shown(hand, { noseSneerLeft: 1 });
    for (const [name, weight] of Object.entries(face)) expect(out[at(name)]).toBeCloseTo(weight, 3);
    expect(out[at("jawLeft")]).toBeCloseTo(0);
    hand.releaseAll();
    expect(shown(hand, { noseSneerLeft: 1 })[at("noseSneerLeft")]).toBe(1);
  });
});

describe("what is told of the hand", () => {
  it("names a face until one of its channels is moved", () => {
    const hand = new Hand();
    hand.pose(PRESETS.Kiss, "Kiss");
    expect(hand.store.get()).toEqual({ holding: true, face: "Kiss", slipped: false });
    hand.hold(0, 0.5);
    expect(hand.store.get()).toEqual({ holding: true, face: null, slipped: false });
    hand.releaseAll();
    expect(hand.store.get()).toEqual({ holding: false, face: null, slipped: false });
  });

  it("lets go for someone else, and says so until it is used again", () => {
    const hand = new Hand();
    hand.giveWay();
    expect(hand.store.get().slipped).toBe(false);
    hand.pose(PRESETS.Kiss, "Kiss");
    hand.giveWay();
    expect(hand.store.get()).toEqual({ holding: false, face: null, slipped: true });
    expect(shown(hand, { jawOpen: 0.5 })[at("mouthPucker")]).toBe(0);
    hand.hold(0, 0.5);
    expect(hand.store.get().slipped).toBe(false);
  });
});
