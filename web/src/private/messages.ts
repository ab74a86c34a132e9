/** What the page and the worker that finds landmarks say to each other. */

/** A moment of a source. It belongs to the receiver. */
export interface Moment {
  readonly image: VideoFrame | ImageBitmap;
  /** Size to look at it in. */
  readonly width: number;
  readonly height: number;
  /** Seconds. */
  readonly time: number;
  /** Stands alone: a photo. */
  readonly still: boolean;
}

/** To the worker. */
export type Order =
  /** `line` takes messages for the server; `model` is the address of the model. */
  | { readonly kind: "open"; readonly model: string; readonly faces: number; readonly line: MessagePort }
  | { readonly kind: "faces"; readonly faces: number }
  | ({ readonly kind: "find"; readonly sequence: number } & Moment);

/** From the worker. */
export type Report =
  /** `share` of the model that has come, or null where nobody knows. */
  | { readonly kind: "loading"; readonly share: number | null }
  | { readonly kind: "running" }
  /** The server does not have the model, in its own words. */
  | { readonly kind: "missing"; readonly text: string }
  | { readonly kind: "failed"; readonly text: string }
  /** A frame whose landmarks have been sent. */
  | ({ readonly kind: "found"; readonly sequence: number } & Kept);

/** What stays in the page of a frame. */
export interface Kept {
  readonly bitmap: ImageBitmap;
  /** Milliseconds from taking the picture up to sending the landmarks. */
  readonly encoding: number;
  /** Luma of the brightest parts of the face, or of the picture without one; 0..255. */
  readonly light: number;
}
