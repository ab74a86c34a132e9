/** Corrections over HTTP: sending, taking back, deleting. */

import type { components, operations } from "../generated/api";
import { spoken } from "../state";

type Schemas = components["schemas"];
export type FeedbackAnswer = Schemas["FeedbackAnswer"];
export type Receipt = Schemas["ReceiptAnswer"];
export type Deleted = Schemas["DeletedAnswer"];
export type FeedbackRequest = operations["hand_in"]["requestBody"]["content"]["application/json"];

/** The server answered, but did not do it. */
export class FeedbackError extends Error {}

/** In words. */
export function told(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function ask<T>(path: string, token: string | null, body?: object): Promise<T> {
  const headers: Record<string, string> = token ? { Authorization: `Bearer ${token}` } : {};
  if (body) headers["Content-Type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(`./feedback${path}`, { method: body ? "POST" : "GET", headers, body: body ? JSON.stringify(body) : null });
  } catch {
    throw new FeedbackError("The server does not answer. Nothing was done; try again when it is back.");
  }
  if (!response.ok) {
    // A proxy in between answers without our body.
    const problem = (await response.json().catch(() => null)) as Schemas["Problem"] | null;
    throw new FeedbackError(problem ? spoken(problem.error) : `The server answered ${response.status}.`);
  }
  return (await response.json()) as T;
}

/**
 * Whether corrections can be sent, and what has to be agreed to.
 * @throws FeedbackError with the server's own words; so do the others
 */
export const feedbackOffered = (token: string | null) => ask<FeedbackAnswer>("", token);

/** Send a correction; sent again, it is stored once. */
export const sendFeedback = (request: FeedbackRequest, token: string | null) => ask<Receipt>("", token, request);

/** Take one back. */
export const withdrawFeedback = (id: string, person: string, token: string | null) => ask<Deleted>("/withdraw", token, { id, token: person });

/** Delete all that was sent with a deletion token. */
export const forgetFeedback = (person: string, token: string | null) => ask<Deleted>("/forget", token, { token: person });
