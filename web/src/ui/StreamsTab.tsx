/** Streams to other programs: where to, a switch for each, and what becomes of it. */

import { useId, useState } from "react";
import { useStore } from "../store";
import { anyOn, type Kind, PROGRAMS, statusOf, type StreamsState } from "../streams";
import { useStudio, useStudioState } from "./context";

export function useStreams<S>(select: (state: StreamsState) => S): S {
  return useStore(useStudio().streams.store, select);
}

export function StreamsTab() {
  const studio = useStudio();
  const allowed = useStudioState((s) => (s.ready?.limits.streams ?? 1) > 0);
  return (
    <div className="flex flex-col gap-6 px-2" data-testid="streams">
      <p className="text-s text-quiet">
        {allowed
          ? "Your face drives avatars in other programs."
          : "This server sends nothing to other programs. Its owner may allow it with MIEN_STREAMS."}
      </p>
      {PROGRAMS.map(({ kind }) => (
        <Program key={kind} kind={kind} allowed={allowed} />
      ))}
      <Options />
      {!studio.local && <p className="text-s text-quiet">Packets leave from {location.hostname}; 127.0.0.1 is that machine.</p>}
    </div>
  );
}

function Program({ kind, allowed }: { kind: Kind; allowed: boolean }) {
  const studio = useStudio();
  const line = useStreams((s) => s.lines[kind]);
  const { label, hears, address } = PROGRAMS.find((program) => program.kind === kind) ?? PROGRAMS[0];
  const id = useId();
  return (
    <section className="flex flex-col gap-1" data-stream={kind}>
      <div className="flex items-center justify-between gap-2">
        <div className="min-w-0">
          <h2 id={id} className="text-s font-semibold">
            {label}
          </h2>
          <p className="text-s text-quiet">{hears}</p>
        </div>
        <button
          type="button"
          role="switch"
          aria-checked={line.on}
          aria-labelledby={id}
          aria-describedby={`${id}-status`}
          disabled={!allowed}
          className="group grid size-12 shrink-0 place-items-center rounded-lg"
          data-testid={`stream-${kind}`}
          onClick={() => studio.streams.switch(kind, !line.on)}
        >
          <span className="flex h-6 w-11 items-center rounded-full border border-quiet bg-sunken px-0.5 group-aria-checked:border-accent group-aria-checked:bg-accent">
            <span className="eased size-4.5 rounded-full bg-quiet group-aria-checked:translate-x-5 group-aria-checked:bg-on-accent" />
          </span>
        </button>
      </div>
      <Field value={line.address} label={`${label}: host and port`} usual={address} testid={`stream-${kind}-address`} commit={(text) => studio.streams.aim(kind, text)} />
      <Status kind={kind} id={`${id}-status`} />
    </section>
  );
}

/** Trouble is read out once; rates are not. */
function Status({ kind, id }: { kind: Kind; id: string }) {
  const line = useStreams((s) => s.lines[kind]);
  const connected = useStudioState((s) => s.connection.kind === "ready");
  const moving = useStudioState((s) => s.source.phase === "running" && (s.source.kind === "camera" || s.source.kind === "video"));
  const faces = useStudioState((s) => s.faces);
  const { text, trouble } = statusOf(line, { connected, moving, faces });
  return (
    <>
      <p id={id} className={`min-h-4 text-s wrap-anywhere ${trouble ? "text-live" : "text-quiet"}`} data-testid={`stream-${kind}-status`}>
        {text}
      </p>
      <p role="status" className="sr-only">
        {trouble ? text : ""}
      </p>
    </>
  );
}

interface FieldProps {
  readonly value: string;
  readonly label: string;
  readonly usual: string;
  readonly testid: string;
  readonly commit: (text: string) => void;
}

/** Text that counts when it is left, or at Enter. */
function Field({ value, label, usual, testid, commit }: FieldProps) {
  const [draft, setDraft] = useState<string | null>(null);
  const done = () => {
    if (draft !== null) commit(draft);
    setDraft(null);
  };
  return (
    <input
      type="text"
      className="field text-s"
      value={draft ?? value}
      aria-label={label}
      placeholder={usual}
      maxLength={300}
      autoCapitalize="none"
      autoComplete="off"
      spellCheck={false}
      data-testid={testid}
      onChange={(event) => setDraft(event.target.value)}
      onBlur={done}
      onKeyDown={(event) => {
        if (event.key === "Enter") done();
        else if (event.key === "Escape") setDraft(null);
      }}
    />
  );
}

function Options() {
  const studio = useStudio();
  const subject = useStreams((s) => s.subject);
  const mirrored = useStreams((s) => s.mirrored);
  const latency = useStreams((s) => (anyOn(s) ? s.latency : null));
  return (
    <section className="flex flex-col gap-2 text-s">
      <h2 className="font-semibold">For all of them</h2>
      <label className="flex min-h-10 items-center justify-between">
        As in a mirror
        <input type="checkbox" className="check" checked={mirrored} data-testid="stream-mirror" onChange={(event) => studio.streams.mirror(event.target.checked)} />
      </label>
      <div className="grid grid-cols-[auto_1fr] items-center gap-3">
        <span aria-hidden="true">Name in Unreal</span>
        <Field value={subject} label="Name in Unreal" usual="mien" testid="stream-subject" commit={(text) => studio.streams.name(text)} />
      </div>
      <p className="min-h-4 text-quiet" data-testid="stream-latency">
        {latency === null ? "" : `From a frame to its packets: ${Math.round(latency * 1000)} ms`}
      </p>
    </section>
  );
}
