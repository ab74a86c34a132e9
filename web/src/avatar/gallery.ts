/** The avatars to choose from: the person's own mask, those of the server, and files. */

import type { components } from "../generated/api";
import { Store } from "../store";
import type { Figure } from "./figure";
import { AvatarError } from "./refusal";
import { settle } from "./settle";

export const MASK = "mask";
/** The head that comes with the package, by its name on the server. */
const BUST = "bust";

export interface Avatar {
  /** "mask", the server's name, or "file:" and a number. */
  readonly id: string;
  readonly title: string;
  readonly from: "page" | "server" | "file";
}

export interface GalleryState {
  readonly avatars: readonly Avatar[];
  /** What is on the stage. */
  readonly worn: string;
  /** What is being read, by its title. */
  readonly opening: string | null;
  /** Why the last one could not be used, as a sentence. */
  readonly problem: string | null;
  /** Channels that the one on the stage does not show. */
  readonly missing: readonly string[];
}

export interface Wardrobe {
  /** Put it on the stage; null is the mask. */
  wear: (figure: Figure | null) => void;
  remember: (id: string) => void;
}

/** A name as people read it: "my_avatar.vrm" is "my avatar". */
export function titleOf(file: string): string {
  return file.replace(/\.(glb|gltf|vrm)$/i, "").replace(/[_\s]+/g, " ").trim() || file;
}

export function isAvatar(file: { readonly name: string }): boolean {
  return /\.(glb|gltf|vrm)$/i.test(file.name);
}

export class Gallery {
  readonly store = new Store<GalleryState>({
    avatars: [{ id: MASK, title: "Your own face", from: "page" }],
    worn: MASK,
    opening: null,
    problem: null,
    missing: [],
  });
  /** Read once, kept for as long as the page is open. */
  private readonly figures = new Map<string, Figure>();
  private readonly files = new Map<string, File>();
  private turn = 0;
  private wanted = MASK;

  constructor(private readonly wardrobe: Wardrobe) {}

  get figure(): Figure | null {
    return this.figures.get(this.store.get().worn) ?? null;
  }

  /** Ask the server what it has; then put on what was worn last. */
  async find(last: string): Promise<void> {
    try {
      const response = await fetch("./avatars");
      if (!response.ok) return;
      const { avatars } = (await response.json()) as components["schemas"]["AvatarsAnswer"];
      const { avatars: known } = this.store.get();
      const own = known.filter(({ from }) => from !== "server");
      const served = avatars.map(({ name, title }): Avatar => ({ id: name, title, from: "server" }));
      this.store.set({ avatars: [own[0], ...served, ...own.slice(1)] });
    } catch {
      // A server that is gone is told of by the stage.
      return;
    }
    if (this.wanted === MASK && last !== MASK && this.store.get().avatars.some(({ id }) => id === last)) await this.choose(last);
  }

  /** The one at a place of the list, from 0. */
  async chooseAt(place: number): Promise<void> {
    const avatar = this.store.get().avatars.at(place);
    if (avatar) await this.choose(avatar.id);
  }

  async choose(id: string): Promise<void> {
    const avatar = this.store.get().avatars.find((one) => one.id === id);
    if (!avatar) return;
    const turn = ++this.turn;
    this.wanted = id;
    let figure: Figure | null = null;
    if (id !== MASK) {
      try {
        this.store.set({ opening: avatar.title, problem: null });
        figure = this.figures.get(id) ?? (await this.read(avatar));
        if (id === BUST) figure.settle = settle;
        this.figures.set(id, figure);
      } catch (error) {
        if (turn === this.turn) this.store.set({ opening: null, problem: said(error, avatar.title) });
        if (avatar.from === "file") this.drop(id);
        return;
      }
      // Somebody chose another meanwhile.
      if (turn !== this.turn) return;
    }
    this.wardrobe.wear(figure);
    this.store.set({ worn: id, opening: null, problem: null, missing: figure?.missing ?? [] });
    if (avatar.from !== "file") this.wardrobe.remember(id);
  }

  /** A file from the person; it stays in the page. */
  async open(file: File): Promise<void> {
    const id = `file:${file.name}:${file.size}:${file.lastModified}`;
    if (!this.store.get().avatars.some((avatar) => avatar.id === id)) {
      this.files.set(id, file);
      this.store.set({ avatars: [...this.store.get().avatars, { id, title: titleOf(file.name), from: "file" }] });
    }
    await this.choose(id);
  }

  /** Take a file off the list. */
  async remove(id: string): Promise<void> {
    if (this.store.get().worn === id) await this.choose(MASK);
    this.drop(id);
  }

  dismiss(): void {
    this.store.set({ problem: null });
  }

  private drop(id: string): void {
    this.figures.get(id)?.dispose();
    this.figures.delete(id);
    this.files.delete(id);
    this.store.set({ avatars: this.store.get().avatars.filter((avatar) => avatar.id !== id) });
  }

  private async read({ id, title }: Avatar): Promise<Figure> {
    const file = this.files.get(id);
    const bytes = file ? await file.arrayBuffer() : await this.fetch(id, title);
    const { loadFigure } = await import("./load");
    return loadFigure(bytes, file?.name ?? title);
  }

  private async fetch(name: string, title: string): Promise<ArrayBuffer> {
    const response = await fetch(`./avatars/${encodeURIComponent(name)}.glb`);
    if (response.ok) return response.arrayBuffer();
    throw new AvatarError(`The server could not give ${title} (${response.status}).`);
  }
}

function said(error: unknown, title: string): string {
  if (error instanceof AvatarError) return error.message;
  return error instanceof TypeError ? `${title} could not be fetched: the server does not answer.` : `${title} cannot be used: reading it failed.`;
}
