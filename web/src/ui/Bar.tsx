/** The slim bar: where the picture comes from, how the face is drawn, record, help. */

import { useEffect, useRef, useState } from "react";
import { MODES, type Mode } from "../settings";
import { useGuide, useStudio, useStudioState } from "./context";
import { Icon, type IconName } from "./icons";

const MODE_NAMES: Record<Mode, string> = { surface: "Surface", wireframe: "Wireframe", points: "Points" };

export function Bar({ openFile }: { openFile: () => void }) {
  const studio = useStudio();
  const mode = useStudioState((s) => s.settings.mode);
  const textured = useStudioState((s) => s.settings.textured);
  const recording = useStudioState((s) => s.recording);
  const live = useStudioState(
    (s) => s.source.phase === "running" && (s.source.kind === "camera" || s.source.kind === "video"),
  );
  return (
    <header className="flex h-14 items-center border-b border-line bg-raised px-2 max-[360px]:px-0 sm:gap-1 sm:px-4">
      <h1 className="mr-4 text-m font-semibold tracking-tight max-sm:sr-only">mien</h1>
      <SourceMenu openFile={openFile} />
      <div className="flex-1" />
      <div role="radiogroup" aria-label="How the face is drawn" className="flex sm:gap-1">
        {MODES.map((name, i) => (
          <button
            key={name}
            type="button"
            role="radio"
            aria-checked={mode === name}
            className="control"
            title={`${MODE_NAMES[name]} (${i + 1})`}
            aria-label={MODE_NAMES[name]}
            data-testid={`mode-${name}`}
            onClick={() => studio.change({ mode: name })}
          >
            <Icon name={name} />
          </button>
        ))}
      </div>
      <Toggle name="texture" label="Picture on the face" keys="T" on={textured} onClick={() => studio.change({ textured: !textured })} />
      <span className="mx-1 hidden h-6 w-px bg-line sm:block" aria-hidden="true" />
      <button
        type="button"
        className="control"
        aria-pressed={recording}
        data-testid="record"
        disabled={!live}
        aria-label={recording ? "Stop recording" : "Record"}
        title={live ? "Record (space)" : "Recording needs a camera or a video"}
        onClick={() => studio.toggleRecording()}
      >
        <span className={recording ? "pulsing text-live" : "text-live"}>
          <Icon name={recording ? "stop" : "record"} filled />
        </span>
        <span className="hidden lg:inline">{recording ? "Stop" : "Record"}</span>
      </button>
      <Calibrate />
      <ThemeToggle />
      <button
        type="button"
        className="control"
        aria-label="Help"
        title="Help (?)"
        data-testid="help"
        onClick={() => studio.store.set({ help: true })}
      >
        <Icon name="help" />
      </button>
    </header>
  );
}

export function Toggle(props: { name: IconName; label: string; keys?: string; on: boolean; onClick: () => void }) {
  return (
    <button
      type="button"
      className="control"
      aria-pressed={props.on}
      aria-label={props.label}
      title={props.keys ? `${props.label} (${props.keys})` : props.label}
      data-testid={`toggle-${props.name}`}
      onClick={props.onClick}
    >
      <Icon name={props.name} />
    </button>
  );
}

/** On a phone the bar has no room for it; there it is in the inspector. */
function Calibrate() {
  const studio = useStudio();
  const open = useGuide((g) => g.open);
  return (
    <button
      type="button"
      className="control max-sm:hidden"
      aria-pressed={open}
      aria-label="Calibrate"
      title="Calibrate (C)"
      data-testid="calibrate"
      onClick={() => studio.calibrate()}
    >
      <Icon name="calibrate" />
      <span className="hidden lg:inline">Calibrate</span>
    </button>
  );
}

function ThemeToggle() {
  const studio = useStudio();
  const theme = useStudioState((s) => s.settings.theme);
  const dark = theme === "system" ? matchMedia("(prefers-color-scheme: dark)").matches : theme === "dark";
  const next = dark ? "light" : "dark";
  return (
    <button
      type="button"
      className="control"
      aria-label={`Use ${next} colours`}
      title={`Use ${next} colours`}
      data-testid="theme"
      onClick={() => studio.change({ theme: next })}
    >
      <Icon name={next} />
    </button>
  );
}

function SourceMenu({ openFile }: { openFile: () => void }) {
  const studio = useStudio();
  const source = useStudioState((s) => s.source);
  const cameras = useStudioState((s) => s.cameras);
  const used = useStudioState((s) => s.settings.camera);
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const icon = source.kind === "camera" ? "camera" : source.kind === "sample" || source.kind === "none" ? "sample" : "file";
  const name = source.kind === "sample" || source.kind === "none" ? "Sample" : source.kind === "camera" ? "Camera" : source.name;

  useEffect(() => {
    if (!open) return;
    root.current?.querySelector<HTMLElement>("[role^=menuitem]")?.focus();
    const away = (event: PointerEvent) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", away);
    return () => document.removeEventListener("pointerdown", away);
  }, [open]);

  const choose = (action: () => void) => () => {
    setOpen(false);
    action();
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (!open) return;
    const items = [...(root.current?.querySelectorAll<HTMLElement>("[role^=menuitem]") ?? [])];
    const at = items.indexOf(document.activeElement as HTMLElement);
    if (event.key === "Escape") {
      setOpen(false);
      root.current?.querySelector("button")?.focus();
    } else if (event.key === "ArrowDown") items[(at + 1) % items.length].focus();
    else if (event.key === "ArrowUp") items[(at - 1 + items.length) % items.length].focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const item = "control w-full justify-start text-left";
  return (
    <div ref={root} className="relative" onKeyDown={onKeyDown}>
      <button
        type="button"
        className="control"
        aria-haspopup="menu"
        aria-expanded={open}
        data-testid="source-menu"
        aria-label={`Source: ${name}`}
        title="Where the picture comes from"
        onClick={() => setOpen(!open)}
      >
        <Icon name={icon} />
        <span className="hidden max-w-48 truncate sm:inline">{name}</span>
        <span className="max-[360px]:hidden">
          <Icon name="chevron" />
        </span>
      </button>
      {open && (
        <div role="menu" aria-label="Source" className="panel absolute top-12 left-0 z-30 w-64 bg-raised p-2 shadow-xl">
          {cameras.length === 0 && (
            <button type="button" role="menuitem" className={item} data-testid="source-camera" onClick={choose(() => void studio.sources.useCamera())}>
              <Icon name="camera" /> Camera
            </button>
          )}
          {cameras.map((camera) => (
            <button
              key={camera.id || camera.label}
              type="button"
              role="menuitemradio"
              aria-checked={source.kind === "camera" && camera.id === used}
              className={item}
              data-testid="source-camera"
              onClick={choose(() => void studio.sources.useCamera(camera.id || null))}
            >
              <Icon name="camera" />
              <span className="truncate">{camera.label}</span>
            </button>
          ))}
          <button type="button" role="menuitem" className={item} data-testid="source-file" onClick={choose(openFile)}>
            <Icon name="file" /> Open a photo or video
          </button>
          <button type="button" role="menuitem" className={item} data-testid="source-sample" onClick={choose(() => void studio.sources.useSample())}>
            <Icon name="sample" /> Sample
          </button>
        </div>
      )}
    </div>
  );
}
