/** The token with which somebody can delete what this browser has sent: random, and kept here alone. */

const KEY = "mien.feedback.token";
const BYTES = 32;

/** Where the browser keeps nothing, it lives as long as the page. Elsewhere other tabs may have dropped it. */
let alone: string | null = null;

const listeners = new Set<() => void>();

/** The token, or null when nothing has been sent from here. */
export function tokenKept(): string | null {
  try {
    return localStorage.getItem(KEY) ?? alone;
  } catch {
    return alone;
  }
}

/** The token; a new one where there is none yet. */
export function tokenMade(): string {
  const there = tokenKept();
  if (there) return there;
  const bytes = crypto.getRandomValues(new Uint8Array(BYTES));
  const made = btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  try {
    localStorage.setItem(KEY, made);
  } catch {
    alone = made;
  }
  tell();
  return made;
}

/**
 * What was sent with it is deleted; whatever is sent next belongs to nobody who sent before.
 *
 * A token that another tab has made since stays: without it, what was sent there could not be deleted.
 */
export function dropToken(token: string): void {
  if (tokenKept() !== token) return;
  alone = null;
  try {
    localStorage.removeItem(KEY);
  } catch {
    // As above.
  }
  tell();
}

/** Calls back when the token is another one, in this tab or in another; returns what ends it. */
export function onToken(listener: () => void): () => void {
  const elsewhere = (event: StorageEvent) => {
    // Null: all that the browser kept is gone.
    if (event.key === KEY || event.key === null) listener();
  };
  listeners.add(listener);
  addEventListener("storage", elsewhere);
  return () => {
    listeners.delete(listener);
    removeEventListener("storage", elsewhere);
  };
}

function tell(): void {
  for (const listener of listeners) listener();
}
