/** What is corrected: the moment in which somebody says that it is not right. */

import { FACE_LENGTH } from "../generated/wire";
import { AT } from "../live/protocol";
import type { Studio } from "../studio";
import type { FeedbackRequest } from "./client";
import { cropOf } from "./crop";

export interface Moment {
  /** The same however often it is sent, so that it is stored once. */
  readonly id: string;
  readonly model: string;
  readonly version: string;
  readonly engine: string;
  /** Probabilities, in the order of the wire. */
  readonly said: Float32Array;
  readonly points: Float32Array;
  readonly size: readonly [width: number, height: number];
  /** The small picture, which is sent only when it is ticked; null where there is none to give. */
  readonly crop: Uint8Array<ArrayBuffer> | null;
}

/** What is seen now, held fast; null when no emotion is read. */
export function momentOf(studio: Studio): Moment | null {
  const { lead, picture, size } = studio;
  const { session, engine, settings } = studio.store.get();
  const model = session?.emotion;
  const version = session?.emotion_version;
  if (!lead || !model || !version || Number.isNaN(lead[AT.emotion]) || Number.isNaN(lead[AT.points])) return null;
  const fits = picture && picture.width === size.width && picture.height === size.height;
  return {
    id: numberOf(crypto.getRandomValues(new Uint8Array(16))),
    model,
    version,
    engine,
    said: lead.slice(AT.emotion, AT.emotion + FACE_LENGTH.emotion),
    points: lead.slice(AT.points, AT.points + FACE_LENGTH.points),
    size: [size.width, size.height],
    // In private mode no picture leaves the page, however small.
    crop: fits && !settings.private ? cropOf(picture, lead) : null,
  };
}

/** As it is sent. */
export function requestOf(moment: Moment, label: string, consent: string, token: string, withCrop: boolean): FeedbackRequest {
  const { buffer, byteOffset, byteLength } = moment.points;
  return {
    id: moment.id,
    token,
    consent,
    model: moment.model,
    version: moment.version,
    engine: moment.engine,
    said: Array.from(moment.said),
    label,
    size: [...moment.size],
    landmarks: base64(new Uint8Array(buffer, byteOffset, byteLength)),
    crop: withCrop && moment.crop ? base64(moment.crop) : null,
  };
}

export function base64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** A random UUID; `crypto.randomUUID` is there on secure pages only. */
export function numberOf(bytes: Uint8Array): string {
  const set = Uint8Array.from(bytes);
  set[6] = (set[6] & 0x0f) | 0x40;
  set[8] = (set[8] & 0x3f) | 0x80;
  const hex = Array.from(set, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
