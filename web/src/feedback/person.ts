/** The token with which somebody can delete what this browser has sent: random, and kept here alone. */

const KEY = "mien.feedback.token";
const BYTES = 32;

/** Where the browser keeps nothing, it lives as long as the page. */
let kept: string | null = null;

/** The token, or null when nothing has been sent from here. */
export function tokenKept(): string | null {
  try {
    return localStorage.getItem(KEY) ?? kept;
  } catch {
    return kept;
  }
}

/** The token; a new one where there is none yet. */
export function tokenMade(): string {
  const there = tokenKept();
  if (there) return there;
  const bytes = crypto.getRandomValues(new Uint8Array(BYTES));
  kept = btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  try {
    localStorage.setItem(KEY, kept);
  } catch {
    // As above.
  }
  return kept;
}

/** What was sent is deleted; whatever is sent next belongs to nobody who sent before. */
export function dropToken(): void {
  kept = null;
  try {
    localStorage.removeItem(KEY);
  } catch {
    // As above.
  }
}
