/** Who is known to the server, and forgetting them. */

import type { components } from "../generated/api";
import { spoken } from "../state";

type Schemas = components["schemas"];
export type Person = Schemas["CalibrationAnswer"];

/** The server answered, but did not do it. */
export class PeopleError extends Error {}

async function ask(method: "GET" | "DELETE", path: string, token: string | null): Promise<Response> {
  const headers: HeadersInit = token ? { Authorization: `Bearer ${token}` } : {};
  const response = await fetch(`./calibrations${path}`, { method, headers });
  if (!response.ok) {
    // A proxy in between answers without our body.
    const problem = (await response.json().catch(() => null)) as Schemas["Problem"] | null;
    throw new PeopleError(problem ? spoken(problem.error) : `The server answered ${response.status}.`);
  }
  return response;
}

/**
 * @throws PeopleError with the server's own words
 * @throws TypeError when no server answers
 */
export async function peopleKnown(token: string | null): Promise<readonly Person[]> {
  const answer = (await (await ask("GET", "", token)).json()) as Schemas["CalibrationsAnswer"];
  return answer.calibrations;
}

/** Remove what is kept of a person; throws as `peopleKnown`. */
export async function forgetPerson(name: string, token: string | null): Promise<void> {
  await ask("DELETE", `/${encodeURIComponent(name)}`, token);
}
