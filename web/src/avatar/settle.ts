/**
 * Weights that the built-in head's lids and lips can follow, as `bust.settled` of the package has
 * them: its targets are added up, and a blink is the whole way between the lids.
 */

import bust from "../../../src/mien/assets/bust.json";
import { CHANNELS } from "../tables";

const at = (name: string) => CHANNELS.indexOf(name);
const SHARES = Object.values(bust.lid_shares);
const LIDS = ["Left", "Right"].map((side) => ({
  blink: at(`eyeBlink${side}`),
  closing: Object.keys(bust.lid_shares).map((name) => at(name + side)),
  opening: [at(`eyeWide${side}`), at(`eyeLookUp${side}`)],
}));
const CLOSE = at("mouthClose");
const OPEN = at("jawOpen");

/** Change the 52 weights in place. */
export function settle(weights: Float32Array): void {
  for (const { blink, closing, opening } of LIDS) {
    const room = 1 - Math.min(Math.max(weights[blink], 0), 1);
    let asked = 0;
    for (let i = 0; i < closing.length; i++) asked += SHARES[i] * weights[closing[i]];
    if (asked > room) for (const channel of closing) weights[channel] *= room / asked;
    for (const channel of opening) weights[channel] *= room;
  }
  weights[CLOSE] = Math.min(weights[CLOSE], Math.max(weights[OPEN], 0));
}
