/** Avatars as the studio has them: the gallery, what is done by hand, and what is remembered. */

import type { Settings } from "../settings";
import { CHANNELS } from "../tables";
import type { Figure } from "./figure";
import { Gallery, MASK, type GalleryState } from "./gallery";
import { Hand } from "./hand";

export interface Room {
  settings: () => Settings;
  change: (part: Partial<Settings>) => void;
  wear: (figure: Figure | null) => void;
  /** What is being opened, and what went wrong, has changed. */
  told: (state: GalleryState) => void;
}

export class Closet {
  /** What is done to the avatar by hand. */
  readonly hand = new Hand();
  readonly gallery: Gallery;

  constructor(private readonly room: Room) {
    this.gallery = new Gallery({
      wear: room.wear,
      remember: (avatar) => room.change({ avatar }),
    });
    this.gallery.store.subscribe(() => room.told(this.gallery.store.get()));
    for (const [name, gain] of Object.entries(room.settings().gains)) {
      const channel = CHANNELS.indexOf(name);
      if (channel >= 0) this.hand.amplify(channel, gain);
    }
  }

  /** The server is there: see what it has, and put on what was worn last. */
  greet(): void {
    void this.gallery.find(this.room.settings().avatar);
  }

  /** Wear some avatar: what comes has channels, and no face for the mask. */
  async putOn(): Promise<void> {
    const { avatars, worn } = this.gallery.store.get();
    const head = avatars.find(({ from }) => from !== "page");
    if (worn === MASK && head) await this.gallery.choose(head.id);
  }

  /** How strongly the avatar shows a channel. */
  amplify(channel: number, gain: number): void {
    this.hand.amplify(channel, gain);
    const name = CHANNELS[channel];
    const others = Object.entries(this.room.settings().gains).filter(([other]) => other !== name);
    this.room.change({ gains: Object.fromEntries(gain === 1 ? others : [...others, [name, gain]]) });
  }

  /** All channels as strong as they are. */
  evenGains(): void {
    for (let channel = 0; channel < CHANNELS.length; channel++) this.hand.amplify(channel, 1);
    this.room.change({ gains: {} });
  }
}
