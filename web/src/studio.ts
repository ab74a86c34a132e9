/** Ties sources, server, stage and recorder together; the interface only looks on and asks. */

import { Guide } from "./calibrate/guide";
import { Closet } from "./avatar/closet";
import { leadOf, nextOf, orderOf, sameCast } from "./cast";
import { FACE_LENGTH } from "./generated/wire";
import { Sources } from "./sources/sources";
import { configuring } from "./live/configure";
import { infer, type Still } from "./live/infer";
import { Live, type Seen } from "./live/client";
import type { ClientMessage, ServerMessage } from "./live/messages";
import { type Answer, AT, type FaceBlock } from "./live/protocol";
import { easeChannels } from "./live/ease";
import { Pulse } from "./live/pulse";
import { Watch } from "./live/watch";
import { Recorder } from "./record/take";
import { Review } from "./record/review";
import { Rhythm } from "./rhythm";
import { capsOf, isLoopback, loadSettings, saveSettings, type Settings, socketOf, takeToken } from "./settings";
import { type Action, beginning, type Source, spoken, type StudioState } from "./state";
import { dress, isMirrored } from "./stage/dress";
import { Stage } from "./stage/stage";
import { Store } from "./store";
import { Streams } from "./streams";
import { CHANNELS } from "./tables";

const SOFTWARE_RATE = 15;
const REDUCED = matchMedia("(prefers-reduced-motion: reduce)");

export class Studio {
  readonly store: Store<StudioState>;
  readonly sources: Sources;
  readonly pulse = new Pulse();
  readonly rhythm = new Rhythm(() => this.cap);
  readonly review: Review;
  readonly guide: Guide;
  readonly closet: Closet;
  readonly streams: Streams;
  readonly local = isLoopback(location.hostname);
  /** The faces shown now, the one that drives the meters, and the picture they were seen in. */
  faces: readonly FaceBlock[] = [];
  lead: FaceBlock | null = null;
  picture: ImageBitmap | null = null;
  size = { width: 0, height: 0 };
  /** Channels of the lead face, eased for the eye; NaN where no model produced one. */
  readonly shown = new Float32Array(CHANNELS.length).fill(NaN);
  /** The same for the coefficients of the face model, in their own units. */
  readonly modes = new Float32Array(FACE_LENGTH.morphable).fill(NaN);

  readonly recorder = new Recorder();
  /** Null until it is mounted, and where the browser cannot draw it. */
  stage: Stage | null = null;
  private readonly live: Live;
  readonly token = takeToken();
  private readonly caps = capsOf(location.search);
  private readonly eye = new Watch();
  private sourceSince = 0;
  private lastDraw = 0;

  constructor() {
    this.store = new Store<StudioState>(beginning(loadSettings()));
    this.live = new Live(
      { url: socketOf(location), token: this.token, raw: this.local },
      {
        connection: (connection) => {
          this.store.set({ connection });
          if (connection.kind === "ready") return this.greet();
          this.guide.lose();
          if (this.moving) this.clear();
        },
        message: (message, asked) => this.hear(message, asked),
        answer: (answer, bitmap, seen) => this.take(answer, bitmap, seen),
        finder: (finder) => this.store.set({ finder }),
      },
    );
    this.live.finder.on = this.settings.private;
    this.guide = new Guide({
      say: (message) => this.live.say(message),
      state: () => this.store.get(),
      remember: (person) => this.change({ person }),
      lookForOthers: () => this.configure({ maxFaces: this.settings.maxFaces }),
      token: this.token,
    });
    this.streams = new Streams(this.store, (message) => this.live.say(message), () => this.live.offer(this.sources.feed.video, this.settings.sendWidth));
    this.closet = new Closet({
      settings: () => this.settings,
      change: (part) => this.change(part),
      wear: (figure) => this.stage?.wear(figure),
      told: ({ opening, problem }) => this.store.set({ avatarOpening: opening, avatarProblem: problem }),
    });
    this.sources = new Sources(
      {
        settings: () => this.settings,
        remember: (camera) => this.change({ camera }),
        changed: (source) => this.sourceChanged(source),
        begun: (another) => this.forget(another),
        cameras: (cameras) => this.store.set({ cameras }),
        look: (photo, bitmap, signal) =>
          this.settings.private ? this.live.finder.still(bitmap, signal) : infer(photo, this.token, signal),
        still: (still, bitmap) => this.showStill(still, bitmap),
        // Frames go out for someone who looks on; browsers disagree on what hidden pages get.
        frame: (video) => {
          if (!document.hidden) this.live.offer(video, this.settings.sendWidth);
        },
      },
    );
    this.review = new Review(this.store, (moment, take) =>
      this.show(moment.faces, take.width, take.height, null, performance.now()),
    );
  }

  get settings(): Settings {
    return this.store.get().settings;
  }

  /** Most pictures drawn a second; 0 is the display's own rate. */
  private get cap(): number {
    // Drawing in software at the display's rate would leave nothing for the face itself.
    return this.caps.fps ?? (this.settings.fps || (this.stage?.software ? SOFTWARE_RATE : 0));
  }

  /** Whether pictures are drawn without a graphics card. */
  get software(): boolean {
    return this.stage?.software ?? false;
  }

  /** Whether pictures follow each other by themselves. */
  private get moving(): boolean {
    const { kind, phase } = this.store.get().source;
    return phase === "running" && (kind === "camera" || kind === "video");
  }

  get mirrored(): boolean {
    return isMirrored(this.store.get());
  }

  /** Begin: connect, show the sample, start the clock. */
  start(): void {
    this.live.connect();
    void this.sources.useSample();
    this.rhythm.onFrame(this.draw);
    this.rhythm.onTenth(this.watch);
    this.rhythm.start();
    document.addEventListener("visibilitychange", this.shownAgain);
    REDUCED.addEventListener("change", () => this.dress());
  }

  /** Give the stage its canvas; returns what takes it away again. */
  mount(canvas: HTMLCanvasElement): () => void {
    let stage: Stage;
    try {
      stage = new Stage(canvas, { size: this.caps.size, hand: this.closet.hand });
    } catch {
      this.store.set({ canDraw: false });
      return () => undefined;
    }
    this.stage = stage;
    this.dress();
    stage.wear(this.closet.gallery.figure);
    return () => {
      this.stage = null;
      stage.dispose();
    };
  }

  change(part: Partial<Settings>): void {
    const settings = { ...this.settings, ...part };
    this.store.set({ settings });
    saveSettings(settings);
    this.dress();
    if ("maxFaces" in part || "smoothing" in part || "mouthThreshold" in part) this.configure(part);
    if ("private" in part) this.keepPictures(settings.private);
    if ("mirror" in part) this.store.set({ faceIds: orderOf(this.faces, this.mirrored) });
    if ("cameraHeight" in part) void this.sources.reopenCamera();
    this.rhythm.pictured();
  }

  /** What a notice offers, but for what the interface does itself. */
  act(action: Action): void {
    switch (action) {
      case "retry":
        this.store.set({ serverProblem: null });
        this.live.connect();
        break;
      case "use-camera":
        void this.sources.useCamera();
        break;
      case "use-sample":
        void this.sources.useSample();
        break;
      case "to-server":
        this.change({ private: false });
        break;
      case "lighter":
        this.eye.reset();
        this.store.set({ slow: false });
        this.change({ sendWidth: 320, maxFaces: 1, fps: 15 });
        break;
      case "reload":
        location.reload();
        break;
    }
  }

  pickLead(id: number): void {
    this.store.set({ leadId: id });
    this.lead = this.faces.find((face) => face[AT.id] === id) ?? this.lead;
    this.rhythm.pictured();
  }

  /** Hand the lead on, in the order of the stage. */
  passLead(step: 1 | -1): void {
    const { faceIds, leadId } = this.store.get();
    if (faceIds.length > 1) this.pickLead(nextOf(faceIds, leadId, step));
  }

  pickAt(x: number, y: number): void {
    const id = this.stage?.pick(x, y);
    if (typeof id === "number" && this.store.get().faces > 1) this.pickLead(id);
  }

  togglePause(): void {
    const { video } = this.sources.feed;
    if (video.paused) void video.play();
    else video.pause();
    this.store.set({ paused: video.paused });
    this.dress();
  }

  toggleRecording(): void {
    const { recording, engine } = this.store.get();
    if (recording) {
      const stamp = new Date().toISOString().slice(0, 19).replace(/[:T]/g, "-");
      const take = this.recorder.finish(`mien-${stamp}`, engine, this.mirrored);
      this.store.set({ recording: false });
      if (take.moments.length > 0) this.review.open(take);
    } else {
      this.review.close();
      this.store.set({ recording: true });
    }
    this.dress();
  }

  /** Open the calibration, which needs what is live, or close it. */
  calibrate(): void {
    if (this.store.get().take) this.closeTake();
    this.guide.toggle();
  }

  /** Leave the take that is looked at, back to what is live. */
  closeTake(): void {
    this.review.close();
    this.dress();
    const { source } = this.store.get();
    if (source.kind === "photo" || source.kind === "sample") void this.sources.again();
  }

  /** The stage as settings, source and theme want it. */
  dress(): void {
    if (this.stage) dress(this.stage, this.store.get(), REDUCED.matches);
  }

  /** Whether pictures stay in the page from now on. */
  private keepPictures(on: boolean): void {
    const { finder } = this.live;
    finder.on = on;
    this.find();
    if (!on) finder.stop();
    this.configure({ private: on });
    this.pulse.clear();
    const { source, take } = this.store.get();
    if (!take && (source.kind === "photo" || source.kind === "sample")) void this.sources.again();
  }

  /** Look for faces in the page, where that is wanted and the server has said with what. */
  private find(): void {
    const { ready, session, settings } = this.store.get();
    if (ready && settings.private) this.live.finder.start(ready.landmark_model, session?.max_faces ?? 1);
  }

  private forget(another: boolean): void {
    if (another) this.closet.hand.giveWay();
    this.review.close();
    this.sourceSince = performance.now();
    this.pulse.clear();
    this.store.set({ sight: this.eye.reset("unknown"), slow: false, paused: false, serverProblem: null, faceIds: [], leadId: 0 });
    if (this.store.get().recording) this.toggleRecording();
    this.live.say({ type: "reset" });
  }

  private sourceChanged(source: Source): void {
    this.store.set({ source });
    if (source.phase === "running") this.store.set({ fromCamera: source.kind === "camera" });
    // A file that could not be looked at is not to stand beside the face and the numbers of another.
    const nobody = source.phase === "failed" && (source.kind === "photo" || source.kind === "video");
    if (this.moving || nobody) {
      this.stage?.unpaint();
      this.picture?.close();
      this.picture = null;
      this.clear();
    }
    this.dress();
  }

  /** Nobody is known to be seen: what was, is history. The stage comes to rest by itself. */
  private clear(): void {
    this.faces = [];
    this.lead = null;
    this.store.set({ faces: 0, faceIds: [] });
    this.rhythm.pictured();
  }

  private showStill(still: Still, bitmap: ImageBitmap): void {
    this.pulse.still(still.timings);
    if (still.faces.length === 0) this.stage?.unpaint();
    this.show(still.faces, still.width, still.height, bitmap, performance.now());
    this.store.set({ engine: still.engine, sight: this.eye.reset(still.faces.length > 0 ? "face" : "none") });
  }

  private greet(): void {
    this.store.set({ serverProblem: null });
    this.configure(this.settings);
    this.closet.greet();
    // The page may have come up before the server.
    const { kind, phase } = this.store.get().source;
    if (kind === "sample" && phase === "failed") void this.sources.again();
  }

  private configure(part: Partial<Settings>): void {
    const { ready, session } = this.store.get();
    this.live.say(configuring(part, session, ready?.limits.max_faces ?? 1, this.guide.running));
  }

  private hear(message: ServerMessage, asked: ClientMessage | null): void {
    const calibrate = asked?.type === "calibrate" ? asked : null;
    if (message.type === "streaming") return this.streams.hear(message);
    if (message.type === "error") {
      if (asked?.type === "stream") return this.streams.refuse(message, asked);
      if (calibrate && calibrate.action !== "look") return this.guide.refuse(message, calibrate);
      // Frames that came out of order or too late are no news for a person.
      if (message.sequence === null || message.code === "model_missing") {
        this.store.set({ serverProblem: spoken(message) });
      }
      return;
    }
    if (message.type === "calibration") return this.guide.hear(message, calibrate);
    const before = this.store.get().session;
    this.store.set({ session: message, engine: message.engine });
    this.live.finder.faces(message.max_faces);
    if (message.type === "ready") this.store.set({ ready: message });
    else if (before?.private === message.private) return;
    // Landmarks of another net: what was learnt of a person may not fit them.
    else this.guide.lose();
    this.find();
    this.guide.greet(message);
  }

  private take(answer: Answer, bitmap: ImageBitmap | null, seen: Seen): void {
    const now = performance.now();
    if (answer.time * 1000 < this.sourceSince || !this.sources.feed.running) {
      bitmap?.close();
      return;
    }
    this.pulse.beat(answer, seen.trip, seen.encoding, now);
    const { take, recording } = this.store.get();
    this.store.set({ serverProblem: null });
    if (recording && !this.recorder.add(answer.time, answer.width, answer.height, answer.faces)) {
      this.toggleRecording();
    }
    if (take !== null) {
      bitmap?.close();
      return;
    }
    this.show(answer.faces, answer.width, answer.height, bitmap, now);
    this.store.set({ sight: this.eye.see(this.lead, this.size, answer.faces.length, seen.light, now) });
  }

  private show(faces: readonly FaceBlock[], width: number, height: number, bitmap: ImageBitmap | null, now: number): void {
    this.faces = faces;
    this.size.width = width;
    this.size.height = height;
    const { leadId, faceIds } = this.store.get();
    const lead = leadOf(faces, leadId);
    this.lead = lead;
    // People keep their numbers while they move about.
    if (!sameCast(faces, faceIds)) this.store.set({ faceIds: orderOf(faces, this.mirrored) });
    this.store.set({ faces: faces.length });
    if (lead && lead[AT.id] !== leadId) this.store.set({ leadId: lead[AT.id] });
    this.stage?.show(faces, width, height, bitmap, lead ? lead[AT.id] : 0, now);
    if (bitmap) {
      this.picture?.close();
      this.picture = bitmap;
    }
    this.rhythm.pictured();
  }

  private readonly shownAgain = (): void => {
    if (document.hidden) return;
    const now = performance.now();
    this.stage?.wake(now);
    this.eye.reset();
    this.pulse.clear();
  };

  private readonly draw = (now: number): void => {
    const elapsed = Math.min(0.2, (now - this.lastDraw) / 1000);
    this.lastDraw = now;
    this.review.tick(now);
    this.stage?.tick(now);
    easeChannels(this.shown, this.lead, elapsed);
    easeChannels(this.modes, this.lead, elapsed, AT.morphable);
    this.guide.tick(now, elapsed);
  };

  private readonly watch = (now: number): void => {
    const { paused, settings } = this.store.get();
    const counts = this.moving && !paused && this.pulse.answers > 10 && settings.sendWidth > 320;
    this.store.set({ slow: this.eye.halting(this.pulse.rate(now), counts, now) });
  };
}
