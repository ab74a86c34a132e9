/** What the studio knows about itself, and what it says about it: one sentence, one action. */

import type { Configured, ErrorDetail, Ready } from "./live/messages";
import type { FinderState } from "./private/finder";
import type { Take } from "./record/take";
import type { Settings } from "./settings";
import type { Camera } from "./sources/feed";

export type Connection =
  | { readonly kind: "connecting" }
  | { readonly kind: "ready" }
  /** `retryAt` is on the clock of `performance.now()`. */
  | { readonly kind: "lost"; readonly attempt: number; readonly retryAt: number }
  | { readonly kind: "refused"; readonly reason: string };

export type SourceKind = "none" | "sample" | "photo" | "video" | "camera";

export type Problem =
  | "denied"
  | "no-camera"
  | "busy"
  | "unplugged"
  | "insecure"
  | "unsupported-file"
  | "failed";

export interface Source {
  readonly kind: SourceKind;
  readonly phase: "idle" | "opening" | "running" | "failed";
  readonly name: string;
  readonly problem?: Problem;
  /** More than the problem says by itself, for instance the server's own words. */
  readonly detail?: string;
}

/** What the last answers say about the face before the camera. */
export type Sight = "unknown" | "face" | "none" | "small" | "cut" | "dark";

export interface Situation {
  readonly connection: Connection;
  readonly source: Source;
  readonly sight: Sight;
  readonly faces: number;
  readonly slow: boolean;
  /** What the server says is missing, in its words. */
  readonly serverProblem: string | null;
  /** The avatar that is being read, and why the last one could not be. */
  readonly avatarOpening: string | null;
  readonly avatarProblem: string | null;
  readonly canDraw: boolean;
  /** How finding faces in the page goes. */
  readonly finder: FinderState;
}

export type TabId = "expression" | "emotion" | "pose" | "rig" | "streams" | "session";

/** All that changes rarely; the face itself moves past it. */
export interface StudioState extends Situation {
  readonly settings: Settings;
  readonly cameras: readonly Camera[];
  /** Whether what is on the stage came from a camera, and is mirrored if that is wanted. */
  readonly fromCamera: boolean;
  readonly ready: Ready | null;
  /** What is in force in the session, as the server says. */
  readonly session: Configured | Ready | null;
  readonly engine: string;
  /** In the order of the stage. */
  readonly faceIds: readonly number[];
  readonly leadId: number;
  readonly paused: boolean;
  readonly recording: boolean;
  readonly take: Take | null;
  /** What of the take is kept: seconds from and to. */
  readonly trim: readonly [from: number, to: number];
  readonly playing: boolean;
  readonly help: boolean;
  /** What the inspector shows, and whether it is open on a phone. */
  readonly tab: TabId;
  readonly sheet: boolean;
}

/** As the page comes up. */
export function beginning(settings: Settings): StudioState {
  return {
    connection: { kind: "connecting" },
    source: { kind: "none", phase: "idle", name: "" },
    sight: "unknown",
    faces: 0,
    slow: false,
    serverProblem: null,
    avatarOpening: null,
    avatarProblem: null,
    canDraw: true,
    finder: { kind: "off" },
    settings,
    cameras: [],
    fromCamera: false,
    ready: null,
    session: null,
    engine: "",
    faceIds: [],
    leadId: 0,
    paused: false,
    recording: false,
    take: null,
    trim: [0, 0],
    playing: false,
    help: false,
    tab: "expression",
    sheet: false,
  };
}

export type Action =
  | "retry"
  | "use-camera"
  | "open-file"
  | "lighter"
  | "to-server"
  | "use-sample"
  | "open-avatar"
  | "reload"
  | "copy";

export interface Notice {
  /** Stable name of the state, for tests and for styling. */
  readonly id: string;
  readonly text: string;
  readonly action?: { readonly kind: Action; readonly label: string };
  readonly tone: "info" | "trouble";
}

/** Milliseconds before attempt number `attempt` (from 0): doubling, at most ten seconds. */
export function backoff(attempt: number): number {
  return Math.min(10_000, 500 * 2 ** attempt);
}

/** The next connection after a loss. An answer in between starts the count again. */
export function lose(connection: Connection, now: number): Connection {
  const attempt = connection.kind === "lost" ? connection.attempt + 1 : 0;
  return { kind: "lost", attempt, retryAt: now + backoff(attempt) };
}

/** What a failed `getUserMedia` means. */
export function cameraProblem(error: unknown): Problem {
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
      return "denied";
    case "NotFoundError":
    case "OverconstrainedError":
      return "no-camera";
    case "NotReadableError":
    case "AbortError":
      return "busy";
    case "TypeError":
      return "insecure";
    default:
      return "failed";
  }
}

export type Browser = "chrome" | "firefox" | "safari";

export function browserOf(userAgent: string): Browser {
  if (/firefox|fxios/i.test(userAgent)) return "firefox";
  if (/safari/i.test(userAgent) && !/chrom|android|crios/i.test(userAgent)) return "safari";
  return "chrome";
}

const GRANT: Record<Browser, string> = {
  chrome: "click the icon left of the address, allow Camera, then try again",
  firefox: "click the crossed-out camera left of the address, remove the block, then try again",
  safari: "choose Safari › Settings for this website › Camera › Allow, then try again",
};

const TRY_CAMERA = { kind: "use-camera", label: "Try again" } as const;
const COPY = { kind: "copy", label: "Copy the command" } as const;
const OPEN_FILE = { kind: "open-file", label: "Open a photo or video" } as const;

function sourceNotice(source: Source, browser: Browser): Notice | null {
  if (source.phase === "opening" && source.kind === "camera") {
    return { id: "opening", text: "Waiting for the camera. Your browser may ask for permission.", tone: "info" };
  }
  if (source.phase === "opening" && source.kind !== "sample") return { id: "opening", text: `Opening ${source.name}.`, tone: "info" };
  if (source.phase !== "failed") return null;
  const trouble = (id: string, text: string, action: Notice["action"]): Notice =>
    action ? { id, text, action, tone: "trouble" } : { id, text, tone: "trouble" };
  switch (source.problem) {
    case "denied":
      return trouble("denied", `The camera is blocked for this page: ${GRANT[browser]}.`, TRY_CAMERA);
    case "no-camera":
      return trouble("no-camera", "No camera was found. Plug one in, or open a photo or video instead.", OPEN_FILE);
    case "busy":
      return trouble("busy", "The camera is in use by another program. Close it there, then try again.", TRY_CAMERA);
    case "unplugged":
      return trouble("unplugged", "The camera was unplugged. Plug it back in and it goes on by itself.", TRY_CAMERA);
    case "insecure":
      return trouble("insecure", "Browsers give the camera only to pages from https or from this machine.", OPEN_FILE);
    case "unsupported-file":
      return trouble(
        "unsupported-file",
        `This browser cannot read ${source.name}${source.detail ? ` (${source.detail})` : ""}. Photos (JPEG, PNG, WebP) and videos (MP4, WebM) work.`,
        { kind: "open-file", label: "Open another" },
      );
    default:
      return trouble("failed", source.detail ?? "The source could not be opened.", {
        kind: source.kind === "camera" ? "use-camera" : "open-file",
        label: "Try again",
      });
  }
}

/** What the server says, as a person would write it. */
export function sentence(message: string, hint: string): string {
  return [message, hint]
    .filter((part) => part !== "")
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1).replace(/[.\s]*$/, "."))
    .join(" ");
}

const WITH_TOKEN = "Open the whole address that mien printed";

/** What the server says to the person in front of the page, who cannot set headers. */
export function spoken({ code, message, hint }: Pick<ErrorDetail, "code" | "message" | "hint">): string {
  return sentence(message, code === "unauthorised" ? WITH_TOKEN : hint);
}

/** The command that a text asks to run, or null. */
export function commandIn(text: string): string | null {
  return /`(mien [^`]+)`/.exec(text)?.[1] ?? null;
}

/** What is to be said of finding faces in the page. */
function finderNotice(finder: FinderState): Notice | null {
  switch (finder.kind) {
    case "loading": {
      const share = finder.share === null ? "" : `: ${Math.round(finder.share * 100)} %`;
      return { id: "private-loading", text: `Getting what finds faces in this page${share}.`, tone: "info" };
    }
    case "missing":
      return { id: "private-missing", text: `${finder.text} This page goes on by itself.`, action: COPY, tone: "trouble" };
    case "failed":
      return {
        id: "private-failed",
        text: `${sentence(`faces cannot be found in this page: ${finder.text}`, "")} No picture has left it.`,
        action: { kind: "to-server", label: "Let the server look" },
        tone: "trouble",
      };
    default:
      return null;
  }
}

/** The one thing worth saying now, or nothing. `now` is on the clock of `performance.now()`. */
export function noticeOf(s: Situation, now: number, browser: Browser): Notice | null {
  if (!s.canDraw) {
    return {
      id: "no-webgl",
      text: "This browser has 3D graphics (WebGL) switched off, so the stage stays empty. Turn on hardware acceleration and reload.",
      action: { kind: "reload", label: "Reload" },
      tone: "trouble",
    };
  }
  const { connection } = s;
  if (connection.kind === "refused") {
    return { id: "refused", text: s.serverProblem ?? sentence(connection.reason, WITH_TOKEN), action: { kind: "retry", label: "Try again" }, tone: "trouble" };
  }
  if (connection.kind === "lost") {
    const seconds = Math.max(0, Math.ceil((connection.retryAt - now) / 1000));
    const again = seconds > 0 ? `Trying again in ${seconds} s.` : "Trying again now.";
    return {
      id: s.serverProblem === null ? "server-gone" : "server-problem",
      text: `${s.serverProblem ?? "The server is gone."} ${again}`,
      action: commandIn(s.serverProblem ?? "") ? COPY : { kind: "retry", label: "Try now" },
      tone: "trouble",
    };
  }
  if (s.avatarProblem !== null) {
    return { id: "avatar-problem", text: s.avatarProblem, action: { kind: "open-avatar", label: "Open another" }, tone: "trouble" };
  }
  const here = finderNotice(s.finder);
  if (here) return here;
  const source = sourceNotice(s.source, browser);
  if (source) return source;
  if (s.avatarOpening !== null) return { id: "avatar-opening", text: `Opening ${s.avatarOpening}.`, tone: "info" };
  if (connection.kind === "connecting") {
    return { id: "connecting", text: "Connecting to mien.", tone: "info" };
  }
  if (s.serverProblem !== null) {
    return { id: "server-problem", text: s.serverProblem, action: { kind: "retry", label: "Try again" }, tone: "trouble" };
  }
  if (s.source.phase !== "running") return null;
  const still = s.source.kind === "photo" || s.source.kind === "sample";
  switch (s.sight) {
    case "none":
      if (still) {
        return { id: "no-face", text: `No face was found in ${s.source.name}.`, action: { kind: "open-file", label: "Open another" }, tone: "info" };
      }
      return s.source.kind === "camera"
        ? { id: "no-face", text: "No face yet. Come into the middle of the picture, about an arm's length away.", tone: "info" }
        : { id: "no-face", text: "No face in this part of the video.", tone: "info" };
    case "dark":
      if (still) break;
      return s.source.kind === "camera"
        ? { id: "too-dark", text: "It is too dark to see you well. Turn a light on, or face the window.", tone: "info" }
        : { id: "too-dark", text: "This part of the video is too dark to see a face well.", tone: "info" };
    case "small":
      if (still) break;
      return { id: "too-small", text: "The face is small. Come closer for finer motion.", tone: "info" };
    case "cut":
      if (still) break;
      return { id: "cut", text: "Part of the face is outside the picture. Move to the middle.", tone: "info" };
  }
  if (s.slow) {
    return {
      id: "slow",
      text: "This machine is working hard and the face moves haltingly.",
      action: { kind: "lighter", label: "Use lighter mode" },
      tone: "info",
    };
  }
  if (s.faces > 1) {
    return { id: "several", text: `${s.faces} faces. Tap who drives the meters.`, tone: "info" };
  }
  return null;
}

/** Smallest size of a face worth tracking, as share of the picture's shorter side. */
const SMALL = 0.16;
/** Share of points that must lie within the picture. */
const WITHIN = 0.9;
/** Luma that the brightest parts of a face reach in a room with the lights on. */
const LIT = 60;

/**
 * Judge one face: `size` is its height as share of the picture's shorter side, `light` how bright
 * it is (0..255), or the whole picture if there is none; NaN where nobody knows.
 */
export function judge(faces: number, size: number, inside: number, light: number): Sight {
  if (light < LIT) return "dark";
  if (faces === 0) return "none";
  if (inside < WITHIN) return "cut";
  return size < SMALL ? "small" : "face";
}

/** Lets a judgement through only after it has held for a while, so that notices never flicker. */
export class Steady<T> {
  private since = 0;
  private candidate: T;

  constructor(
    public value: T,
    private readonly hold: (value: T) => number,
  ) {
    this.candidate = value;
  }

  next(seen: T, now: number): T {
    if (seen !== this.candidate) {
      this.candidate = seen;
      this.since = now;
    }
    if (now - this.since >= this.hold(seen)) this.value = seen;
    return this.value;
  }

  reset(value: T): void {
    this.value = this.candidate = value;
    this.since = 0;
  }
}
