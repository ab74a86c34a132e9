/** The slim bar: where the picture comes from, whose face is on the stage, record, help. */

import { anyOn } from "../streams";
import { useGuide, useStudio, useStudioState } from "./context";
import { AvatarMenu } from "./AvatarMenu";
import { Icon, type IconName } from "./icons";
import { ITEM, Menu } from "./Menu";
import { PrivateItem } from "./Private";
import { SceneMenu } from "./SceneMenu";
import { useStreams } from "./StreamsTab";

export function Bar({ openFile, openAvatar }: { openFile: () => void; openAvatar: () => void }) {
  const studio = useStudio();
  const recording = useStudioState((s) => s.recording);
  const live = useStudioState(
    (s) => s.source.phase === "running" && (s.source.kind === "camera" || s.source.kind === "video"),
  );
  return (
    <header className="flex h-14 items-center border-b border-line bg-raised px-2 max-[360px]:px-0 sm:gap-1 sm:px-4">
      <h1 className="mr-4 text-m font-semibold tracking-tight max-sm:sr-only">mien</h1>
      <SourceMenu openFile={openFile} />
      <AvatarMenu openAvatar={openAvatar} />
      <SceneMenu />
      <Streaming />
      <div className="flex-1" />
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

/** Lights up while the face goes to other programs, and leads to where that is switched. */
function Streaming() {
  const studio = useStudio();
  const on = useStreams(anyOn);
  return (
    <button
      type="button"
      className="control"
      aria-label={on ? "Streams: on" : "Streams: off"}
      title={on ? "Your face goes to other programs" : "Send your face to other programs"}
      data-testid="streaming"
      data-on={on}
      onClick={() => {
        studio.guide.close();
        studio.store.set({ tab: "streams", sheet: true });
      }}
    >
      <span className={on ? "text-accent" : ""}>
        <Icon name="stream" />
      </span>
      <span className="hidden lg:inline">Streams</span>
    </button>
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
  const icon = source.kind === "camera" ? "camera" : source.kind === "sample" || source.kind === "none" ? "sample" : "file";
  const name = source.kind === "sample" || source.kind === "none" ? "Sample" : source.kind === "camera" ? "Camera" : source.name;
  return (
    <Menu label={`Source: ${name}`} text={name} title="Where the picture comes from" icon={icon} testid="source-menu">
      {(done) => {
        const choose = (action: () => void) => () => {
          done();
          action();
        };
        return (
          <>
            {cameras.length === 0 && (
              <button type="button" role="menuitem" className={ITEM} data-testid="source-camera" onClick={choose(() => void studio.sources.useCamera())}>
                <Icon name="camera" /> Camera
              </button>
            )}
            {cameras.map((camera) => (
              <button
                key={camera.id || camera.label}
                type="button"
                role="menuitemradio"
                aria-checked={source.kind === "camera" && camera.id === used}
                className={ITEM}
                data-testid="source-camera"
                onClick={choose(() => void studio.sources.useCamera(camera.id || null))}
              >
                <Icon name="camera" />
                <span className="truncate">{camera.label}</span>
              </button>
            ))}
            <button type="button" role="menuitem" className={ITEM} data-testid="source-file" onClick={choose(openFile)}>
              <Icon name="file" /> Open a photo or video
            </button>
            <button type="button" role="menuitem" className={ITEM} data-testid="source-sample" onClick={choose(() => void studio.sources.useSample())}>
              <Icon name="sample" /> Sample
            </button>
            <PrivateItem done={done} />
          </>
        );
      }}
    </Menu>
  );
}
