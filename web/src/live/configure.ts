/** What the settings ask of a session. */

import type { Settings } from "../settings";
import type { ClientMessage, Configured, Ready } from "./messages";

/** How fast the smoothing yields to speed, until the server has said its own. */
const BETA = 0.5;

/**
 * The message for settings that changed.
 *
 * `others`: whoever comes by shall be seen too, although one face is wanted.
 */
export function configuring(part: Partial<Settings>, session: Configured | Ready | null, limit: number, others: boolean): ClientMessage {
  const { smoothing, mouthThreshold, maxFaces, private: kept } = part;
  const inForce = session?.smoothing;
  const beta = inForce && inForce !== "off" ? inForce.beta : BETA;
  const faces = others && maxFaces ? Math.min(limit, Math.max(2, maxFaces)) : maxFaces;
  return {
    type: "configure",
    max_faces: faces ?? null,
    mouth_threshold: mouthThreshold ?? null,
    private: kept ?? null,
    smoothing: typeof smoothing === "number" ? { min_cutoff: smoothing, beta } : (smoothing ?? null),
  };
}
