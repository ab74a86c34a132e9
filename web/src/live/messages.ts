/** What the page and its worker say to each other. */

import type { components } from "../generated/api";

type Schemas = components["schemas"];
export type Ready = Schemas["Ready"];
export type Calibrate = Schemas["Calibrate"];
export type CalibrationState = Schemas["CalibrationState"];
export type Configured = Schemas["Configured"];
export type Stream = Schemas["Stream"];
export type StreamingState = Schemas["StreamingState"];
export type StreamState = Schemas["StreamState"];
export type ServerError = Schemas["ErrorMessage"];
export type ServerMessage = Schemas["ServerMessage"];
export type ClientMessage = Schemas["ClientMessage"];
export type InferAnswer = Schemas["InferAnswer"];
export type FaceAnswer = Schemas["FaceAnswer"];
export type ErrorDetail = Schemas["ErrorDetail"];

/** To the worker. */
export type Order =
  | { readonly kind: "open"; readonly url: string; readonly token: string | null; readonly raw: boolean }
  | { readonly kind: "close" }
  | { readonly kind: "text"; readonly message: ClientMessage }
  /** What comes out of it goes to the server as it is. */
  | { readonly kind: "line"; readonly port: MessagePort }
  | {
      readonly kind: "frame";
      readonly image: VideoFrame | ImageBitmap;
      /** Size to send it in. */
      readonly width: number;
      readonly height: number;
      readonly sequence: number;
      readonly time: number;
    };

/** From the worker. A frame comes back with its answer, in the size it was sent. */
export type Report =
  | { readonly kind: "opened" }
  | { readonly kind: "closed"; readonly code: number; readonly reason: string }
  | { readonly kind: "text"; readonly message: ServerMessage }
  | {
      readonly kind: "answer";
      readonly buffer: ArrayBuffer;
      readonly bitmap: ImageBitmap | null;
      /** Milliseconds spent on encoding. */
      readonly encoding: number;
      /** Luma of the brightest parts of the face, or of the picture without one; 0..255 or NaN. */
      readonly light: number;
    };
