/** The calibration, in the place of the inspector: who is known, the course, what came of it. */

import { useEffect, useId, useRef, useState } from "react";
import { hint, nameOf, personFrom } from "../calibrate/course";
import type { Person } from "../calibrate/people";
import { Compare } from "./Compare";
import { useGuide, useStudio, useStudioState } from "./context";
import { Course } from "./Course";
import { Icon } from "./icons";

const PLAIN = "control border border-line px-4 text-text";
const MAIN = "control bg-accent px-6 font-semibold text-on-accent! hover:bg-accent! hover:brightness-108";

export function Calibration() {
  const studio = useStudio();
  const step = useGuide((g) => g.step);
  const root = useRef<HTMLElement>(null);
  // What had the focus goes with its step; keys and screen readers shall find the next one.
  useEffect(() => {
    if (!root.current?.contains(document.activeElement)) root.current?.focus();
  }, [step]);
  return (
    <aside
      ref={root}
      tabIndex={-1}
      aria-labelledby="calibration-title"
      data-testid="calibration"
      data-step={step}
      className="z-20 flex min-h-0 flex-col border-line bg-raised outline-none max-md:h-[max(56dvh,352px)] max-md:rounded-t-2xl max-md:border-t md:border-l"
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        studio.guide.back();
        event.stopPropagation();
      }}
    >
      <div className="flex h-14 shrink-0 items-center justify-between pr-2 pl-4">
        <h2 id="calibration-title" className="text-m font-semibold">
          Calibration
        </h2>
        <button type="button" className="control" aria-label="Close the calibration" title="Close (Esc)" data-testid="calibration-close" onClick={() => studio.guide.close()}>
          <Icon name="close" />
        </button>
      </div>
      <Voice />
      <div key={step} className="flex min-h-0 flex-1 flex-col gap-3 overflow-y-auto overscroll-contain px-4 pb-4 md:gap-4">
        {step === "people" && <People />}
        {(step === "ready" || step === "faces") && <Course />}
        {step === "review" && <Review />}
        {step === "failed" && <Failed />}
      </div>
    </aside>
  );
}

/** Each step once, for those who listen: at once, for the next face does not wait. */
function Voice() {
  const studio = useStudio();
  const { step, at, hindrance, advice, problem, note } = useGuide((g) => g);
  const faces = useStudioState((s) => s.faces);
  const say = studio.guide.course.faces.at(Math.max(0, at))?.say ?? "";
  const course = hindrance === null ? (step === "ready" ? `Get ready. ${say}` : say) : hint(hindrance, faces, advice);
  const words = {
    people: problem ?? note ?? "",
    ready: course,
    faces: course,
    review: "Done. Look at the meters, then save.",
    failed: problem ?? "",
  };
  return (
    <p className="sr-only" role="status" aria-live="assertive" data-testid="calibration-voice">
      {words[step]}
    </p>
  );
}

function People() {
  const note = useGuide((g) => g.note);
  const problem = useGuide((g) => g.problem);
  const people = useGuide((g) => g.people);
  const on = useGuide((g) => g.status === "on");
  return (
    <>
      {problem !== null && <Trouble text={problem} />}
      {note !== null && (
        <p className="flex items-start gap-2 rounded-lg bg-sunken px-3 py-2 text-s" data-testid="calibration-note">
          <span className="-mt-0.5 text-accent">
            <Icon name="tick" />
          </span>
          {note}
        </p>
      )}
      {people.length > 0 && <Known />}
      <Begin first={people.length === 0} />
      {on && <Compare />}
    </>
  );
}

/** Whose calibration is used. */
function Known() {
  const studio = useStudio();
  const people = useGuide((g) => g.people);
  const inForce = useGuide((g) => (g.status === "on" ? g.name : null));
  const busy = useGuide((g) => g.busy);
  // A choice is seen at once, and taken back when the server says no.
  const [wanted, setWanted] = useState<string | null>(null);
  const used = busy ? wanted : inForce;
  const choose = (name: string | null) => {
    setWanted(name);
    if (name === null) studio.guide.useNone();
    else studio.guide.use(name);
  };
  const ready = useStudioState((s) => s.connection.kind === "ready");
  const [doubted, setDoubted] = useState<string | null>(null);
  const group = useId();
  return (
    <fieldset className="min-w-0" disabled={!ready}>
      <legend className="pb-1 text-s font-semibold">Who is before the camera</legend>
      <ul className="overflow-hidden rounded-lg border border-line" data-testid="people">
        <li className="flex items-center pr-1">
          <Choice group={group} name="Nobody in particular" checked={used === null} onChoose={() => choose(null)} />
        </li>
        {people.map((person) => (
          <li key={person.name} className="border-t border-line" data-testid="known-person">
            {doubted === person.name ? (
              <Doubt
                person={person}
                onDone={() => {
                  setDoubted(null);
                  setWanted(inForce);
                }}
              />
            ) : (
              <div className="flex items-center pr-1">
                <Choice group={group} name={person.name} checked={used === person.name} disabled={person.trouble !== null} onChoose={() => choose(person.name)} />
                <button
                  type="button"
                  className="control"
                  aria-label={`Forget ${person.name}`}
                  title={`Forget ${person.name}`}
                  data-testid="forget"
                  disabled={busy}
                  onClick={() => setDoubted(person.name)}
                >
                  <Icon name="bin" />
                </button>
              </div>
            )}
            {person.trouble !== null && <p className="px-3 pb-2 text-s text-quiet">Does not fit what runs now: calibrate again.</p>}
          </li>
        ))}
      </ul>
    </fieldset>
  );
}

function Choice(props: { group: string; name: string; checked: boolean; disabled?: boolean; onChoose: () => void }) {
  return (
    <label className="flex min-h-11 min-w-0 flex-1 cursor-pointer items-center gap-3 px-3 has-disabled:cursor-default has-disabled:opacity-60">
      <input type="radio" className="check" name={props.group} checked={props.checked} disabled={props.disabled} onChange={props.onChoose} />
      <span className="truncate">{props.name}</span>
    </label>
  );
}

/** Asked before a person is forgotten, in the place of that person. */
function Doubt({ person, onDone }: { person: Person; onDone: () => void }) {
  const studio = useStudio();
  const keep = useRef<HTMLButtonElement>(null);
  useEffect(() => keep.current?.focus(), []);
  const forget = () => {
    onDone();
    void studio.guide.forget(person.name);
  };
  return (
    <div className="flex min-h-11 flex-wrap items-center gap-2 py-1 pr-1 pl-3" role="group" aria-label={`Forget ${person.name}?`}>
      <span className="min-w-0 flex-1 truncate">Forget {person.name}?</span>
      <button type="button" className="control border border-live px-3 text-live!" data-testid="forget-sure" onClick={forget}>
        Forget
      </button>
      <button ref={keep} type="button" className="control border border-line px-3 text-text" data-testid="forget-not" onClick={onDone}>
        Keep
      </button>
    </div>
  );
}

/** A name, and off it goes. */
function Begin({ first }: { first: boolean }) {
  const studio = useStudio();
  const { guide } = studio;
  const slowly = useStudioState((s) => s.settings.slowly);
  const ready = useStudioState((s) => s.connection.kind === "ready");
  const camera = useStudioState((s) => s.source.kind === "camera" && s.source.phase === "running");
  const opening = useStudioState((s) => s.source.kind === "camera" && s.source.phase === "opening");
  const count = useStudioState((s) => s.ready?.phases.length ?? 7);
  const known = useGuide((g) => g.people);
  const [name, setName] = useState(() => guide.person || (studio.settings.person ?? ""));
  const input = useRef<HTMLInputElement>(null);
  const person = personFrom(name);
  const begin = (free: boolean) => {
    if (person === "") input.current?.focus();
    else if (camera) guide.start(person, slowly, free);
    else studio.act("use-camera");
  };
  return (
    <form
      className="flex flex-col gap-3"
      data-testid="begin"
      onSubmit={(event) => {
        event.preventDefault();
        begin(false);
      }}
    >
      {first ? (
        <div className="flex flex-col gap-1">
          <p>Ten seconds, {count} faces.</p>
          <p className="text-s text-quiet">
            mien learns how your face looks at rest and how far it goes. Rest then reads as nothing, and your smile as a whole one.
          </p>
        </div>
      ) : (
        <h3 className="-mb-2 text-s font-semibold">Calibrate again, or somebody else</h3>
      )}
      <label className="flex flex-col gap-1 text-s">
        <span className={first ? "font-semibold" : "sr-only"}>Name</span>
        <input
          ref={input}
          className="field min-h-11 text-m"
          value={name}
          maxLength={64}
          placeholder="Whose face is it?"
          autoComplete="off"
          required
          data-testid="person-name"
          onChange={(event) => setName(event.target.value)}
        />
      </label>
      {known.some((other) => other.name === person) && <p className="text-s text-quiet">{person} is known; saving replaces what was learnt before.</p>}
      <label className="flex min-h-10 items-center justify-between gap-3 text-s">
        More time for each face
        <input
          type="checkbox"
          className="check"
          checked={slowly}
          data-testid="slowly"
          onChange={(event) => studio.change({ slowly: event.target.checked })}
        />
      </label>
      <button type="submit" className={`${MAIN} min-h-12 w-full`} disabled={!ready || opening} data-testid="calibration-start">
        <Icon name={camera ? "calibrate" : "camera"} />
        {camera ? "Start" : opening ? "Waiting for the camera" : "Use my camera"}
      </button>
      {camera && (
        <button type="button" className={PLAIN} disabled={!ready} data-testid="calibration-free" onClick={() => begin(true)}>
          Or just watch me for ten seconds
        </button>
      )}
      <p className="text-s text-quiet" data-testid="calibration-hint">
        {!ready ? "The server is not there; it goes on when it is back." : !camera ? "This needs your camera. " : ""}
        Numbers are kept, no pictures{studio.local ? ", on this machine" : ""}.
      </p>
    </form>
  );
}

function Review() {
  const studio = useStudio();
  const { guide } = studio;
  const name = useGuide((g) => g.name);
  const unseen = useGuide((g) => g.unseen);
  const problem = useGuide((g) => g.problem);
  const busy = useGuide((g) => g.busy);
  return (
    <>
      <div>
        <h3 className="text-l font-semibold">Try it, {name}</h3>
        <p className="text-s text-quiet">Relax, then smile. It is in use already, and not saved yet.</p>
      </div>
      {problem !== null && <Trouble text={problem} />}
      <div className="flex flex-wrap gap-2">
        <button type="button" className={`${MAIN} flex-1`} disabled={busy} data-testid="calibration-save" onClick={() => guide.save()}>
          Save
        </button>
        <button type="button" className={PLAIN} disabled={busy} data-testid="calibration-redo" onClick={() => guide.again()}>
          Redo
        </button>
        <button type="button" className={PLAIN} data-testid="calibration-cancel" onClick={() => guide.cancel()}>
          Discard
        </button>
      </div>
      {unseen.length > 0 && (
        <p className="text-s text-quiet" data-testid="unseen">
          Hardly seen: {unseen.map(nameOf).join(", ")}. Their range stays as it was.
        </p>
      )}
      <Compare />
    </>
  );
}

function Failed() {
  const studio = useStudio();
  const problem = useGuide((g) => g.problem);
  const ready = useStudioState((s) => s.connection.kind === "ready");
  return (
    <>
      <h3 className="text-l font-semibold">That did not work out</h3>
      <Trouble text={problem ?? ""} />
      <div className="flex flex-wrap gap-2">
        <button type="button" className={`${MAIN} flex-1`} disabled={!ready} data-testid="calibration-redo" onClick={() => studio.guide.again()}>
          {ready ? "Try again" : "Waiting for the server"}
        </button>
        <button type="button" className={PLAIN} data-testid="calibration-cancel" onClick={() => studio.guide.cancel()}>
          Cancel
        </button>
      </div>
    </>
  );
}

function Trouble({ text }: { text: string }) {
  return (
    <p className="rounded-lg border border-live px-3 py-2 text-s" data-testid="calibration-problem">
      {text.replaceAll("`", "")}
    </p>
  );
}
