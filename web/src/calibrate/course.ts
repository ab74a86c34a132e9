/** The course of a guided calibration: which face is asked for, and when the next one is due. */

import type { Situation } from "../state";

/** A face that is asked for, as the server has it. */
export interface Asked {
  readonly name: string;
  readonly seconds: number;
  readonly say: string;
}

/** What is asked of a person who is only watched, for as long as the server needs and more. */
export const FREE: Asked = { name: "free", seconds: 10, say: "Talk, smile, look about: as you like." };
/** Seconds to get ready. */
export const LEAD_IN = 3;
/** How many times as long each face is asked for where more time is wanted. */
export const SLOWLY = 2.5;
/**
 * Frames that can be learnt from before a face is over: a slow machine gets more time. The server
 * asks for ten of the first one, the neutral face, without which there is no calibration.
 */
const ENOUGH = { first: 12, other: 4 } as const;

/** What has to happen next: begin to learn, ask for this face afresh, ask for the next, finish. */
export type Turn = "begin" | "again" | "next" | "finish";

/** The clock of a course. It stands still while something is in the way. */
export class Course {
  /** The face asked for; -1 while the person gets ready. */
  at = -1;
  private elapsed = 0;
  private broken = false;

  constructor(
    readonly faces: readonly Asked[],
    private readonly pace = 1,
    /** A person is only watched: after something came in the way it goes on where it was. */
    private readonly free = false,
  ) {}

  /** Seconds that the present face, or getting ready, takes. */
  get length(): number {
    return this.at < 0 ? LEAD_IN : this.faces[this.at].seconds * this.pace;
  }

  /** How much of it is over, 0..1. */
  get progress(): number {
    return Math.min(1, this.elapsed / this.length);
  }

  /** Seconds until all faces are made, or until the first one while the person gets ready. */
  get left(): number {
    const rest = Math.max(0, this.length - this.elapsed);
    if (this.at < 0) return rest;
    return this.faces.slice(this.at + 1).reduce((sum, face) => sum + face.seconds * this.pace, rest);
  }

  /**
   * Let `seconds` pass. `good`: frames of the present face so far that can be learnt from. A face
   * that something came in the way of starts afresh, so that nothing else is learnt with it.
   */
  tick(seconds: number, hindered: boolean, good: number): Turn | null {
    if (hindered) {
      this.broken = true;
      return null;
    }
    if (this.broken) {
      this.broken = false;
      if (this.free && this.at >= 0) return null;
      this.elapsed = 0;
      return this.at < 0 ? null : "again";
    }
    this.elapsed += seconds;
    if (this.elapsed < this.length) return null;
    if (this.at >= 0 && good < (this.at === 0 ? ENOUGH.first : ENOUGH.other)) return null;
    return this.advance();
  }

  /** Go on to the next face at once. */
  advance(): Turn {
    this.elapsed = 0;
    this.broken = false;
    if (this.at + 1 >= this.faces.length) return "finish";
    this.at++;
    return this.at === 0 ? "begin" : "next";
  }
}

/** What keeps a face from being learnt. */
export type Hindrance = "camera" | "opening" | "nobody" | "several" | "advice";

/** `advice`: what the server wants done differently. */
export function hindranceOf(s: Pick<Situation, "source" | "faces">, paused: boolean, advice: string | null): Hindrance | null {
  if (s.source.kind === "camera" && s.source.phase === "opening") return "opening";
  if (s.source.kind !== "camera" || s.source.phase !== "running" || paused) return "camera";
  if (s.faces === 0) return "nobody";
  if (s.faces > 1) return "several";
  return advice === null ? null : "advice";
}

/** What to tell a person about it. */
export function hint(hindrance: Hindrance, faces: number, advice: string | null): string {
  switch (hindrance) {
    case "opening":
      return "Waiting for the camera. Your browser may ask for permission.";
    case "camera":
      return "The camera is off. It goes on when the camera is back.";
    case "nobody":
      return "No face is seen. Come into the middle of the picture.";
    case "several": {
      const count = faces === 2 ? "Two" : faces;
      return `${count} faces are seen. This is for one person: let the others step aside.`;
    }
    case "advice":
      return sentenceOf(advice ?? "");
  }
}

/** "close your mouth" becomes "Close your mouth." */
export function sentenceOf(advice: string): string {
  return advice === "" ? "" : advice.charAt(0).toUpperCase() + advice.slice(1).replace(/[.\s]*$/, ".");
}

/** What a face is called, in a list: "jaw_open" becomes "jaw open". */
export function nameOf(phase: string): string {
  return phase.replaceAll("_", " ");
}

/** A name as the server takes one: no more than 64 letters, and no slash, which ends an address. */
export function personFrom(text: string): string {
  return text.replace(/[/\\]+/g, "-").trim().slice(0, 64).trim();
}
