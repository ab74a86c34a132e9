/** The stage, and what is said on it. */

import { useEffect, useRef, useState } from "react";
import { browserOf, commandIn, type Notice, noticeOf } from "../state";
import { useGallery, useGuide, useStudio, useStudioState } from "./context";
import { HeldSign } from "./HeldSign";
import { Icon } from "./icons";
import { STAGE } from "./Menu";
import { NUMBERED, Plates } from "./Plates";
import { Preview } from "./Preview";

const BROWSER = browserOf(navigator.userAgent);
/** Pixels that a pointer may move while it clicks; more turns the stage. */
const STEADY = 5;

/** What a calibration tells itself, or what would only take the eye off it. */
const TOLD_THERE: ReadonlySet<string> = new Set(["no-face", "several", "slow"]);

interface Openers {
  readonly openFile: () => void;
  readonly openAvatar: () => void;
}

export function StageView({ openFile, openAvatar }: Openers) {
  const studio = useStudio();
  const canvas = useRef<HTMLCanvasElement>(null);
  const pressed = useRef({ x: 0, y: 0 });
  // The large action stays until something else is running, and comes back when that fails.
  const start = useStudioState(({ take, source: { kind, phase } }) => take === null && (kind === "sample" || kind === "none" || phase === "failed"));
  const preview = useStudioState((s) => s.settings.preview && s.take === null);
  const seen = useStudioState((s) => s.source.kind !== "sample" && s.source.phase === "running");
  useEffect(() => (canvas.current ? studio.mount(canvas.current) : undefined), [studio]);
  useEffect(() => {
    const move = (event: PointerEvent) =>
      studio.stage?.pointer((event.clientX / innerWidth) * 2 - 1, (event.clientY / innerHeight) * 2 - 1);
    window.addEventListener("pointermove", move);
    return () => window.removeEventListener("pointermove", move);
  }, [studio]);

  return (
    <main className="relative min-h-0 min-w-0 overflow-hidden" aria-label="Stage">
      <div className="absolute inset-0">
        <canvas
          ref={canvas}
          id={STAGE}
          tabIndex={0}
          role="img"
          aria-label="The face in 3D. Arrow keys turn it, plus and minus zoom, Home resets the view."
          className="block h-full w-full touch-none"
          data-testid="stage"
          onPointerDown={({ clientX: x, clientY: y }) => (pressed.current = { x, y })}
          onClick={({ clientX: x, clientY: y }) => {
            if (Math.hypot(x - pressed.current.x, y - pressed.current.y) < STEADY) studio.pickAt(x, y);
          }}
        />
      </div>
      {preview && seen && <Preview />}
      <Plates />
      {/* No larger than it has to be: whatever lies over the stage is blended with each of its frames,
          which without a graphics card takes longer than drawing the face. */}
      <div
        className={`pointer-events-none absolute z-10 flex flex-col items-center p-2 ${start ? "inset-0" : "inset-x-0 top-0 max-sm:top-auto max-sm:bottom-0"}`}
      >
        <NoticeView openFile={openFile} openAvatar={openAvatar} />
        <HeldSign />
        <Gap kept={start} />
        {start && <Start openFile={openFile} />}
      </div>
    </main>
  );
}

/**
 * The room between what is said and what is offered; on a phone, where both stand below, above
 * them. While it is `kept` the face stays within it; live faces do not move for a passing word.
 */
function Gap({ kept }: { kept: boolean }) {
  const studio = useStudio();
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = root.current;
    const around = element?.offsetParent;
    if (!kept || !element || !around) return;
    const observer = new ResizeObserver(() => {
      const top = element.offsetTop;
      studio.stage?.keepFree(top, around.clientHeight - top - element.offsetHeight);
    });
    observer.observe(element);
    observer.observe(around);
    return () => {
      observer.disconnect();
      studio.stage?.keepFree(0, 0);
    };
  }, [studio, kept]);
  return <div ref={root} className="min-h-0 flex-1 max-sm:-order-1" />;
}

function Start({ openFile }: { openFile: () => void }) {
  const studio = useStudio();
  const own = useStudioState((s) => s.settings.backdrop === "studio");
  const bare = useGallery((g) => g.worn === "mask");
  const plain = own && bare;
  const kept = useStudioState((s) => s.settings.private);
  return (
    <div className="flex flex-col items-center gap-2 px-2 pt-2 pb-2 text-center sm:pb-6">
      <button type="button" className="primary pointer-events-auto shadow-lg" data-testid="use-camera" onClick={() => void studio.sources.useCamera()}>
        <Icon name="camera" /> Use my camera
      </button>
      {/* Avatars, and other grounds than the theme's, may be of any lightness. */}
      <div className={plain ? "flex flex-col items-center gap-2" : "panel px-4 pt-2"}>
        <p className="text-s text-quiet" data-testid="privacy">
          {kept ? "Pictures stay in this page." : studio.local ? "Frames stay on this machine." : `Frames go to ${location.hostname} and nowhere else.`}
        </p>
        <button type="button" className="control pointer-events-auto text-text underline decoration-line underline-offset-4" data-testid="open-file" onClick={openFile}>
          or open a photo or video
        </button>
      </div>
    </div>
  );
}

function NoticeView(openers: Openers) {
  const studio = useStudio();
  const state = useStudioState((s) => s);
  const calibrating = useGuide((g) => g.step === "ready" || g.step === "faces");
  const [now, setNow] = useState(() => performance.now());
  const waiting = state.connection.kind === "lost";
  useEffect(() => {
    if (!waiting) return;
    const timer = window.setInterval(() => setNow(performance.now()), 250);
    return () => window.clearInterval(timer);
  }, [waiting]);
  const found = state.take ? null : noticeOf(state, now, BROWSER);
  const notice = found && calibrating && TOLD_THERE.has(found.id) ? null : found;
  // The countdown is to be seen, not heard every second.
  const spoken = notice?.text.replace(/ in \d+ s/, "").replaceAll("`", "");
  return (
    <>
      <p className="sr-only" role="status">
        {spoken}
      </p>
      {notice && (
        <div
          className={`panel pointer-events-auto flex w-fit max-w-[min(720px,100%)] flex-wrap items-center justify-center gap-x-4 gap-y-1 px-4 py-2 shadow-lg sm:flex-nowrap ${notice.tone === "info" ? "" : "border-live"}`}
          data-testid="notice"
          data-notice={notice.id}
        >
          <p className="min-h-6 py-1 text-m" data-testid="notice-text">
            <Words text={notice.text} />
          </p>
          {notice.action && <Act key={notice.id} notice={notice} {...openers} />}
          {notice.id === "several" && <Chooser />}
          {notice.id === "avatar-problem" && (
            <button type="button" className="control" aria-label="Close" data-testid="notice-close" onClick={() => {
                studio.closet.gallery.dismiss();
                studio.store.set({ avatarProblem: null });
              }}>
              <Icon name="close" />
            </button>
          )}
        </div>
      )}
    </>
  );
}

function Act({ notice: { action, text }, openFile, openAvatar }: Openers & { notice: Notice }) {
  const studio = useStudio();
  const [copied, setCopied] = useState(false);
  if (!action) return null;
  const act = () => {
    if (action.kind === "open-file") openFile();
    else if (action.kind === "open-avatar") openAvatar();
    else if (action.kind !== "copy") studio.act(action.kind);
    // Pages without https have no clipboard; there one click selects the command.
    else if ("clipboard" in navigator) {
      void navigator.clipboard.writeText(commandIn(text) ?? "").then(() => setCopied(true), () => undefined);
    }
  };
  return (
    <button type="button" className="control shrink-0 border border-line px-4 text-text max-sm:w-full" data-testid="notice-action" onClick={act}>
      {copied ? "Copied" : action.label}
    </button>
  );
}

/** A text in which what stands between backticks is to be typed. */
function Words({ text }: { text: string }) {
  return text.split("`").map((part, i) =>
    i % 2 === 0 ? (
      part
    ) : (
      <code key={i} className="rounded bg-sunken px-1.5 py-0.5 text-s select-all">
        {part}
      </code>
    ),
  );
}

/** Which of several faces drives the meters, by the numbers they bear on the stage. */
function Chooser() {
  const studio = useStudio();
  const lead = useStudioState((s) => s.leadId);
  const ids = useStudioState((s) => s.faceIds);
  if (ids.length > NUMBERED) {
    return (
      <button type="button" className="control border border-line px-4 text-text" title="Next face (F)" data-testid="next-face" onClick={() => studio.passLead(1)}>
        Next face
      </button>
    );
  }
  return (
    <div className="flex gap-1" role="radiogroup" aria-label="Face that drives the meters">
      {ids.map((id, i) => (
        <button
          key={id}
          type="button"
          role="radio"
          aria-checked={id === lead}
          aria-label={`Face ${i + 1}`}
          className="control"
          data-testid="choose-face"
          onClick={() => studio.pickLead(id)}
        >
          {i + 1}
        </button>
      ))}
    </div>
  );
}
