/** What the studio remembers between visits, and what the address asks for. */

import { type Effect, EFFECTS } from "./tables";

export const MODES = ["surface", "wireframe", "points"] as const;
export type Mode = (typeof MODES)[number];
export const BACKDROPS = ["studio", "sand", "dusk", "lagoon", "key"] as const;
export type Backdrop = (typeof BACKDROPS)[number];
export const LIGHT_NAMES = ["soft", "window", "evening"] as const;
export type LightName = (typeof LIGHT_NAMES)[number];

export interface Settings {
  theme: "system" | "light" | "dark";
  camera: string | null;
  /** Rows asked of the camera. */
  cameraHeight: number;
  /** Widest picture sent to the server, in pixels. */
  sendWidth: number;
  maxFaces: number;
  /** Cut-off of the smoothing in Hz, "off", or "default" for the server's own. */
  smoothing: number | "off" | "default";
  /** Null leaves the server's own. */
  mouthThreshold: number | null;
  mode: Mode;
  textured: boolean;
  /** Pictures stay in the page. */
  private: boolean;
  /** Name of the avatar: the mask, or one of the server's. */
  avatar: string;
  backdrop: Backdrop;
  light: LightName;
  /** What expressions may set off. */
  effects: readonly Effect[];
  /** How strongly an avatar shows a channel, by its name, where that is not 1. */
  gains: Readonly<Record<string, number>>;
  mirror: boolean;
  preview: boolean;
  overlay: boolean;
  /** Most pictures drawn a second; 0 follows the display. */
  fps: number;
  pinned: readonly string[];
  /** Whose calibration is used: "" for nobody's, null for what the server begins with. */
  person: string | null;
  /** More time for each face of a calibration. */
  slowly: boolean;
}

export const DEFAULTS: Settings = {
  theme: "system",
  camera: null,
  cameraHeight: 480,
  sendWidth: 640,
  maxFaces: 1,
  smoothing: "default",
  mouthThreshold: null,
  mode: MODES[0],
  textured: true,
  private: false,
  avatar: "mask",
  backdrop: BACKDROPS[0],
  light: LIGHT_NAMES[0],
  effects: [],
  gains: {},
  mirror: true,
  preview: true,
  overlay: true,
  fps: 0,
  pinned: [],
  person: null,
  slowly: false,
};

/** How much more an avatar can be made to show of a channel. */
export const MOST_GAIN = 2;

const KEY = "mien.settings";

/** Stored settings over the defaults; what is unknown or of another type is left out. */
export function readSettings(stored: string | null): Settings {
  const settings: Settings = { ...DEFAULTS };
  let values: unknown;
  try {
    values = JSON.parse(stored ?? "{}");
  } catch {
    return settings;
  }
  if (typeof values !== "object" || values === null) return settings;
  const given = new Map(Object.entries(values));
  const bools = ["textured", "mirror", "preview", "overlay", "slowly", "private"] as const;
  for (const name of bools) {
    const value: unknown = given.get(name);
    if (typeof value === "boolean") settings[name] = value;
  }
  const numbers = { cameraHeight: [120, 2160], sendWidth: [160, 1280], maxFaces: [1, 8], fps: [0, 240] } as const;
  for (const name of Object.keys(numbers) as (keyof typeof numbers)[]) {
    const value: unknown = given.get(name);
    const [low, high] = numbers[name];
    if (typeof value === "number" && value >= low && value <= high) settings[name] = value;
  }
  const theme: unknown = given.get("theme");
  if (theme === "light" || theme === "dark") settings.theme = theme;
  const mode = MODES.find((m) => m === given.get("mode"));
  if (mode) settings.mode = mode;
  const backdrop = BACKDROPS.find((b) => b === given.get("backdrop"));
  if (backdrop) settings.backdrop = backdrop;
  const light = LIGHT_NAMES.find((l) => l === given.get("light"));
  if (light) settings.light = light;
  const effects: unknown = given.get("effects");
  if (Array.isArray(effects)) settings.effects = EFFECTS.filter((e) => effects.includes(e));
  const gains: unknown = given.get("gains");
  if (typeof gains === "object" && gains !== null) {
    const known = Object.entries(gains).filter((pair): pair is [string, number] => typeof pair[1] === "number" && pair[1] >= 0 && pair[1] <= MOST_GAIN);
    settings.gains = Object.fromEntries(known);
  }
  const avatar: unknown = given.get("avatar");
  if (typeof avatar === "string") settings.avatar = avatar;
  const camera: unknown = given.get("camera");
  if (typeof camera === "string") settings.camera = camera;
  const person: unknown = given.get("person");
  if (typeof person === "string") settings.person = person;
  const smoothing: unknown = given.get("smoothing");
  if (smoothing === "off" || (typeof smoothing === "number" && smoothing > 0)) settings.smoothing = smoothing;
  const threshold: unknown = given.get("mouthThreshold");
  if (typeof threshold === "number" && threshold > 0 && threshold < 1) settings.mouthThreshold = threshold;
  const pinned: unknown = given.get("pinned");
  if (Array.isArray(pinned)) settings.pinned = pinned.filter((p) => typeof p === "string");
  return settings;
}

export function loadSettings(): Settings {
  try {
    return readSettings(localStorage.getItem(KEY));
  } catch {
    // Storage may be blocked; the studio works without a memory.
    return { ...DEFAULTS };
  }
}

export function saveSettings(settings: Settings): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(settings));
  } catch {
    // As above.
  }
}

/** `?fps=` and `?size=` cap the stage for this visit, for slow graphics and for tests. */
export function capsOf(query: string): { fps: number | null; size: number } {
  const values = new URLSearchParams(query);
  const number = (name: string): number | null => {
    const value = Number(values.get(name));
    return values.has(name) && Number.isFinite(value) && value >= 0 ? value : null;
  };
  return { fps: number("fps"), size: number("size") ?? 0 };
}

const TOKEN = "mien.token";

/** The token of the address (`#token=...`), which is then cleaned, or that of this session. */
export function takeToken(): string | null {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  try {
    if (given) {
      sessionStorage.setItem(TOKEN, given);
      history.replaceState(null, "", location.pathname + location.search);
    }
    return given ?? sessionStorage.getItem(TOKEN);
  } catch {
    return given;
  }
}

/** Where the page's server listens for sessions; the page may lie under a path. */
export function socketOf({ protocol, host, pathname }: Pick<Location, "protocol" | "host" | "pathname">): string {
  return `${protocol === "https:" ? "wss:" : "ws:"}//${host}${pathname.replace(/[^/]*$/, "")}ws`;
}

/** Whether a host name means this very machine. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127(\.\d+){3}$/.test(host) || host.endsWith(".localhost");
}
