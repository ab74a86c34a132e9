/** Leads a person through a calibration, and keeps what the server says of it. */

import type { Calibrate, CalibrationState, Ready, ServerError } from "../live/messages";
import { spoken, Steady, type StudioState } from "../state";
import { Store } from "../store";
import { CHANNELS } from "../tables";
import { Course, FREE, type Hindrance, hindranceOf, personFrom, SLOWLY, type Turn } from "./course";
import { forgetPerson, peopleKnown, PeopleError, type Person } from "./people";

/** Who is known; getting ready; making faces; looking at what came of it; it did not work out. */
export type Step = "people" | "ready" | "faces" | "review" | "failed";

export interface GuideState {
  readonly open: boolean;
  readonly step: Step;
  /** The face asked for; -1 while the person gets ready. */
  readonly at: number;
  readonly hindrance: Hindrance | null;
  /** What the server wants done differently. */
  readonly advice: string | null;
  /** What cannot be done, as a sentence. */
  readonly problem: string | null;
  /** What has just been done. */
  readonly note: string | null;
  /** A question to the server is open, and nothing else may be asked for. */
  readonly busy: boolean;
  readonly status: CalibrationState["status"];
  /** Whose calibration is learnt, tried or in use. */
  readonly name: string | null;
  readonly unseen: readonly string[];
  readonly people: readonly Person[];
  /** Channels that the calibration in use changes, the most changed first. */
  readonly changed: readonly string[];
}

export interface Around {
  /** False when there is no server to say it to. */
  say: (message: Calibrate) => boolean;
  state: () => StudioState;
  /** Who is to be used from now on: "" for nobody, null for what the server begins with. */
  remember: (person: string | null) => void;
  /** While faces are made a second person must be seen too, or theirs might be learnt. */
  lookForOthers: (on: boolean) => void;
  readonly token: string | null;
}

/** Milliseconds between two looks at how it goes. */
const LOOK = 200;
/** Milliseconds for which a hindrance must hold; faces come and go for a frame. */
const HOLD = 400;
/** Smaller changes are not worth telling. */
const WORTH = 0.05;
const BROKEN = "The connection broke off, and what was learnt went with it.";

export class Guide {
  readonly store = new Store<GuideState>({
    open: false,
    step: "people",
    at: -1,
    hindrance: null,
    advice: null,
    problem: null,
    note: null,
    busy: false,
    status: "off",
    name: null,
    unseen: [],
    people: [],
    changed: [],
  });
  course = new Course([]);
  /** Whose calibration was begun last. */
  person = "";
  /** The latest frame, as the head reads it and calibrated; NaN where it reads nothing. */
  readonly before = new Float32Array(CHANNELS.length).fill(NaN);
  readonly after = new Float32Array(CHANNELS.length).fill(NaN);
  /** Frames of the present face that can be learnt from. */
  private good = 0;
  /** Whether the server has begun with the present face: what it said before is about another. */
  private begun = false;
  private advice: string | null = null;
  private looking = false;
  private lastLook = 0;
  private slowly = false;
  private free = false;
  private others = false;
  private readonly steady = new Steady<Hindrance | null>(null, () => HOLD);

  constructor(private readonly around: Around) {}

  private get state(): GuideState {
    return this.store.get();
  }

  /** Whether faces are being made, or about to be. */
  get running(): boolean {
    return this.state.step === "ready" || this.state.step === "faces";
  }

  open(): void {
    this.store.set({ open: true, note: null });
    void this.list();
  }

  close(): void {
    this.cancel();
    this.store.set({ open: false, note: null, problem: null });
  }

  toggle(): void {
    if (!this.state.open) this.open();
    else if (this.state.step === "people") this.close();
  }

  /** One step back: out of the course, or out of the panel. */
  back(): void {
    if (this.state.step === "people") this.close();
    else this.cancel();
  }

  /** Begin with the faces; `free` asks for none of them and only watches. */
  start(name: string, slowly: boolean, free = false): void {
    const faces = free ? [FREE] : (this.around.state().ready?.phases ?? []);
    this.person = personFrom(name);
    if (this.person === "" || faces.length === 0) return;
    this.slowly = slowly;
    this.free = free;
    this.course = new Course(faces, slowly ? SLOWLY : 1, free);
    this.good = 0;
    this.begun = false;
    this.advice = null;
    this.steady.reset(null);
    this.become({ step: "ready", at: -1, hindrance: null, advice: null, problem: null, note: null, busy: false });
  }

  /** Once more from the beginning. */
  again(): void {
    this.start(this.person, this.slowly, this.free);
  }

  skip(): void {
    if (this.state.step === "faces" && this.course.at > 0) this.turn(this.course.advance());
  }

  /** The faces made so far will do. */
  finish(): void {
    if (this.state.step === "faces" && this.course.at > 0) this.turn("finish");
  }

  save(): void {
    this.ask({ type: "calibrate", action: "save" });
  }

  cancel(): void {
    const { step } = this.state;
    this.become({ step: "people", problem: null, busy: false, note: step === "people" ? null : "Nothing was saved." });
    // While the person gets ready the server may still hold what was learnt before.
    if (step !== "people") this.ask({ type: "calibrate", action: "cancel" });
  }

  use(name: string): void {
    this.ask({ type: "calibrate", action: "use", name });
  }

  /** Use none; what is kept stays. */
  useNone(): void {
    this.ask({ type: "calibrate", action: "reset" });
  }

  async forget(name: string): Promise<void> {
    this.store.set({ busy: true, problem: null, note: null });
    try {
      await forgetPerson(name, this.around.token);
      if (this.state.name === name) this.useNone();
      this.store.set({ note: `${name} is forgotten.` });
    } catch (error) {
      this.store.set({ problem: said(error) });
    }
    this.store.set({ busy: false });
    await this.list();
  }

  /** A session begins, or begins afresh. */
  greet(session: Pick<Ready, "calibration">): void {
    this.looking = false;
    this.store.set({ busy: false });
    const { person } = this.around.state().settings;
    if (person !== null && person !== (session.calibration ?? "")) {
      this.around.say(person === "" ? { type: "calibrate", action: "reset" } : { type: "calibrate", action: "use", name: person });
    } else {
      this.look();
    }
    if (this.state.open) void this.list();
  }

  /** The session is gone, with all that was not saved. */
  lose(): void {
    this.looking = false;
    const unsaved = this.state.step === "faces" || this.state.step === "review";
    this.store.set({ busy: false, status: "off", name: null, unseen: [], changed: [] });
    if (unsaved) this.become({ step: "failed", problem: BROKEN });
  }

  /** The server's answer to `asked`. */
  hear(told: CalibrationState, asked: Calibrate | null): void {
    const action = asked?.action ?? "look";
    if (action === "look") this.looking = false;
    else this.store.set({ busy: false });
    if (action === "start" || action === "phase") this.begun = true;
    const { status, name, unseen } = told;
    const { step } = this.state;
    this.measure(told);
    this.store.set({ status, name, changed: this.changes(told) });
    if (step === "faces" && this.begun) {
      const face = told.phases.find((phase) => phase.name === told.phase);
      this.good = face?.good ?? 0;
      this.advice = face?.trouble ?? null;
    }
    if (action === "finish") this.become({ step: "review", unseen });
    else if (action === "save" && name !== null) {
      this.around.remember(name);
      this.become({ step: "people", note: `Saved. What is read off ${name} is corrected from now on.` });
      void this.list();
    } else if (action === "use" && name !== null) this.around.remember(name);
    else if (action === "reset") this.around.remember("");
  }

  /** The server does not do what was asked of it. */
  refuse(error: ServerError, asked: Calibrate): void {
    const problem = spoken(error);
    const failed = asked.action === "finish" || asked.action === "start" || asked.action === "phase";
    this.looking = false;
    this.store.set({ busy: false, problem, note: null });
    if (failed && this.state.step !== "people") this.become({ step: "failed" });
    if (asked.action === "use") void this.miss(asked.name ?? "");
  }

  /** A person who cannot be used; one whom nobody knows any more is let go. */
  private async miss(name: string): Promise<void> {
    this.look();
    if (!(await this.list()) || this.state.people.some((person) => person.name === name)) return;
    if (this.around.state().settings.person === name) this.around.remember(null);
    this.store.set({ problem: null, note: `${name} is no longer known.` });
  }

  /** Let `seconds` pass; `now` is on the clock of `performance.now()`. */
  tick(now: number, seconds: number): void {
    const { open, step, status } = this.state;
    const learnt = (step === "faces" && this.begun) || ((step === "review" || step === "people") && status !== "off");
    if (open && learnt && !this.looking && now - this.lastLook >= LOOK) {
      this.lastLook = now;
      this.look();
    }
    if (!this.running) return;
    const { source, faces, paused, connection } = this.around.state();
    // The answer to `start` or `phase` is on its way, or there is nobody to ask.
    if (connection.kind !== "ready" || (step === "faces" && !this.begun)) return;
    const hindrance = this.steady.next(hindranceOf({ source, faces }, paused, this.advice), now);
    this.store.set({ hindrance, advice: this.advice });
    const turn = this.course.tick(seconds, hindrance !== null, this.good);
    if (turn) this.turn(turn);
  }

  private turn(turn: Turn): void {
    const { at, faces } = this.course;
    this.good = 0;
    this.begun = false;
    this.advice = null;
    if (turn === "finish") {
      this.ask({ type: "calibrate", action: "finish" });
      return;
    }
    this.become({ step: "faces", at });
    if (turn !== "begin") this.ask({ type: "calibrate", action: "phase", phase: faces[at].name });
    else this.ask({ type: "calibrate", action: "start", name: this.person, ...(this.free && { free: true }) });
  }

  private become(part: Partial<GuideState>): void {
    this.store.set(part);
    if (this.others === this.running) return;
    this.others = this.running;
    this.around.lookForOthers(this.others);
  }

  private ask(message: Calibrate): void {
    this.store.set({ busy: this.around.say(message), problem: null });
    if (message.action !== "cancel") this.store.set({ note: null });
  }

  private look(): void {
    this.looking = this.around.say({ type: "calibrate", action: "look" });
  }

  /** Those whose names the server has, with what keeps them from being used. */
  private async list(): Promise<boolean> {
    try {
      this.store.set({ people: await peopleKnown(this.around.token) });
      return true;
    } catch (error) {
      // A server that is gone is told of by the stage.
      if (error instanceof PeopleError) this.store.set({ problem: said(error) });
      return false;
    }
  }

  private measure({ channels }: CalibrationState): void {
    CHANNELS.forEach((name, i) => {
      const channel = channels && name in channels ? channels[name] : null;
      this.before[i] = channel?.before ?? NaN;
      this.after[i] = channel?.after ?? NaN;
    });
  }

  /** The same list as long as its channels are the same. */
  private changes({ channels }: CalibrationState): readonly string[] {
    const weight = (name: string) => (channels && name in channels ? Math.max(channels[name].neutral, 1 - 1 / channels[name].scale) : 0);
    const found = CHANNELS.filter((name) => weight(name) >= WORTH).sort((a, b) => weight(b) - weight(a));
    const old = this.state.changed;
    return found.length === old.length && found.every((name, i) => name === old[i]) ? old : found;
  }
}

function said(error: unknown): string {
  return error instanceof PeopleError ? error.message : "The server does not answer.";
}
