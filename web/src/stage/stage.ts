/** The three-dimensional stage: camera, light, backdrop, and the faces on it. */

import { type CanvasTexture, Group, Scene, Vector3, WebGLRenderer } from "three";
import type { Figure } from "../avatar/figure";
import type { Hand } from "../avatar/hand";
import { Puppet } from "../avatar/puppet";
import { AT, type FaceBlock } from "../live/protocol";
import type { Backdrop, LightName, Mode } from "../settings";
import type { Effect } from "../tables";
import { Effects } from "./effects";
import { FaceActor } from "./face";
import { BACKDROP, Materials, type ThemeName } from "./materials";
import { backdrop, Lights } from "./scenery";
import { type Frame3, frameOf, layout, ONE_FACE, spread } from "./placement";
import { Veil } from "./veil";
import { View } from "./view";

export interface StageOptions {
  /** Longest side of what is drawn, in pixels; 0 follows the display. */
  size: number;
  /** What is done to the avatar by hand. */
  hand: Hand;
}

/** Milliseconds without a face in the answers, and without answers, until the face comes to rest. */
const GRACE = 350;
const SILENCE = 2000;
/** Longest side drawn without a graphics card; more would leave no time for the face itself. */
const SOFTWARE_SIZE = 720;
/** Below the chin of the mean face, from the head's own origin. */
const BELOW_CHIN = -9.4;

export class Stage {
  readonly software: boolean;
  /** Whether the last face stays as it is when no answers follow: a still, a paused video. */
  holding = false;
  /** Pictures drawn so far. */
  drawn = 0;
  private readonly renderer: WebGLRenderer;
  private readonly scene = new Scene();
  private readonly view: View;
  private readonly materials = new Materials();
  /** Turns after the pointer. */
  private readonly stand = new Group();
  /** The mask; mirrored as a whole. */
  private readonly world = new Group();
  private readonly puppet: Puppet;
  private readonly lights = new Lights();
  private readonly effects = new Effects();
  private readonly veil: Veil;
  private mirrored = false;
  private readonly actors = new Map<number, FaceActor>();
  private readonly frames: Frame3[] = [];
  private lead: FaceActor;
  private leadId = 0;
  private dressedFor = "";
  private ground: CanvasTexture | null = null;
  private mode: Mode = "surface";
  private painted = true;
  private havePicture = false;
  /** What the faces of the last answer were seen in; it belongs to the studio. */
  private picture: TexImageSource | null = null;
  /** Whether the graphics card has another picture. */
  private stale = false;
  private following = false;
  private calmed = false;
  private readonly point = new Vector3();
  private readonly gaze = { x: 0, y: 0 };
  private crowd: { width: number; height: number } = { ...ONE_FACE };
  private lastSeen = -Infinity;
  private lastAnswer = 0;
  private interval = 0.05;
  private lastTick = 0;
  private dirty = true;
  private readonly observer: ResizeObserver;

  /** Throws where the browser gives no WebGL context. */
  constructor(
    readonly canvas: HTMLCanvasElement,
    private readonly options: StageOptions,
  ) {
    this.software = drawsInSoftware();
    this.renderer = new WebGLRenderer({ canvas, antialias: !this.software });

    this.puppet = new Puppet(options.hand);
    this.veil = new Veil(canvas);
    this.stand.add(this.world, this.puppet.root, this.effects.root);
    this.scene.add(this.lights.root, this.stand);

    this.view = new View(canvas, () => (this.dirty = true));
    this.lead = new FaceActor(this.materials);
    this.world.add(this.lead.root);
    this.actors.set(0, this.lead);
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(canvas.parentElement ?? canvas);
    this.dress();
    this.resize();
    this.view.reset();
  }

  /** Light, backdrop and effects. */
  theme(name: ThemeName, chosen: Backdrop, light: LightName, effects: readonly Effect[]): void {
    this.lights.dress(light);
    this.effects.dress(this.calmed ? [] : effects);
    const wanted = `${name} ${chosen}`;
    if (this.dressedFor === wanted) return;
    if (this.dressedFor !== "") this.fade();
    this.dressedFor = wanted;
    this.ground?.dispose();
    const { inner, outer } = BACKDROP[chosen] ?? BACKDROP[name];
    this.ground = backdrop(inner, outer);
    this.scene.background = this.ground;
    this.materials.dress(name);
    this.dirty = true;
  }

  /** Put an avatar on the stage in the place of the mask; null brings the mask back. */
  wear(figure: Figure | null): void {
    if (figure === this.puppet.figure) return;
    this.fade();
    if (this.software) figure?.soften();
    this.puppet.wear(figure);
    this.world.visible = figure === null;
    this.frame();
    this.dirty = true;
  }

  /** The channels as the avatar shows them. */
  get posed(): Float32Array {
    return this.puppet.posed;
  }

  /** The avatar was moved by something else than its face. */
  refresh(): void {
    this.puppet.refresh();
  }

  /** What is seen now fades into what comes. */
  private fade(): void {
    this.renderer.render(this.scene, this.view.camera);
    this.veil.drop();
  }

  look(mode: Mode, painted: boolean): void {
    const before = this.usesPicture;
    this.mode = mode;
    this.painted = painted;
    if (!before) this.stale = true;
    this.dress();
  }

  /** Take the picture off until another comes: it is of someone else. */
  unpaint(): void {
    this.stale = false;
    this.havePicture = false;
    this.picture = null;
    this.dress();
  }

  /** A mirrored camera looks like a mirror on the stage as well. */
  mirror(on: boolean): void {
    this.world.scale.x = on ? -1 : 1;
    this.mirrored = on;
    this.puppet.refresh();
    this.dirty = true;
  }

  /** Move nothing that no face moved, for those who asked their system for less motion. */
  calm(on: boolean): void {
    this.calmed = on;
    this.view.calm(on);
  }

  /** Turn gently after the pointer; `x` and `y` in -1..1 of the window. */
  followPointer(on: boolean): void {
    this.following = on && !this.calmed;
    this.gaze.x = this.gaze.y = 0;
  }
  pointer(x: number, y: number): void {
    if (!this.following) return;
    this.gaze.x = x;
    this.gaze.y = y;
  }

  /** Keep so many pixels at the top and the bottom free of the face. */
  keepFree(top: number, bottom: number): void {
    this.view.keepFree(top, bottom);
  }

  /** Show the faces of an answer; with `picture`, the frame they were seen in. */
  show(
    faces: readonly FaceBlock[],
    width: number,
    height: number,
    picture: TexImageSource | null,
    leadId: number,
    now: number,
  ): void {
    const gap = (now - this.lastAnswer) / 1000;
    this.lastAnswer = now;
    if (faces.length === 0) {
      // The faces keep the texture coordinates of the last picture, which is about to be closed.
      this.upload();
      this.picture = null;
      return;
    }
    if (gap < 1) this.interval += (Math.min(0.15, gap) - this.interval) * 0.2;
    this.lastSeen = now;
    if (picture) {
      this.picture = picture;
      this.stale = true;
      if (!this.havePicture) {
        this.havePicture = true;
        this.dress();
      }
    }

    while (this.frames.length < faces.length) this.frames.push({ x: 0, y: 0, z: 0, scale: 1 });
    const frames = faces.map((block, i) => frameOf(block, this.frames[i]));
    const spots = layout(frames);
    const seen = new Set<number>();
    faces.forEach((block, i) => {
      const id = block[AT.id];
      seen.add(id);
      const actor = this.actorOf(id);
      // What was captured elsewhere has channels and no points.
      if (!Number.isNaN(block[AT.points])) actor.follow(block, frames[i], spots[i], now, this.interval);
      if (picture) actor.paint(block, width, height);
      if (id === leadId || faces.length === 1) {
        this.lead = actor;
        this.leadId = id;
        this.puppet.follow(block, now, this.interval);
      }
    });
    for (const [id, actor] of this.actors) {
      if (seen.has(id)) continue;
      actor.dispose();
      this.actors.delete(id);
      if (actor === this.lead) {
        this.leadId = faces[0][AT.id];
        this.lead = this.actorOf(this.leadId);
      }
    }
    this.crowd = spread(spots);
    this.frame();
    this.dirty = true;
  }

  /** Show the avatar, or else all faces. */
  private frame(): void {
    this.view.include(this.puppet.figure?.extent ?? this.crowd);
  }

  /** Someone looks again: that no answers came meanwhile is no loss of the face. */
  wake(now: number): void {
    if (this.lastSeen === this.lastAnswer) this.lastSeen = now;
    this.lastAnswer = now;
  }

  /** Move on, and draw if anything changed. */
  tick(now: number): void {
    const elapsed = Math.min(0.2, (now - this.lastTick) / 1000);
    this.lastTick = now;
    if (this.lostAt(now)) this.settle();
    if (this.puppet.tick(now, elapsed, this.mirrored)) this.dirty = true;
    if (this.world.visible) {
      for (const actor of this.actors.values()) if (actor.tick(now, elapsed)) this.dirty = true;
    }
    if (this.lights.tick(elapsed)) this.dirty = true;
    if (this.effects.tick(this.world.visible ? this.puppet.motion.weights : this.posed, this.puppet.head, elapsed)) this.dirty = true;
    this.turnToPointer(elapsed);
    this.view.tick();
    this.upload();
    if (!this.dirty) return;
    this.dirty = false;
    this.drawn++;
    this.renderer.render(this.scene, this.view.camera);
  }

  private lostAt(now: number): boolean {
    if (this.lastSeen === -Infinity) return false;
    const unseen = this.lastAnswer - this.lastSeen > 0 && now - this.lastSeen > GRACE;
    return unseen || (!this.holding && now - this.lastAnswer > SILENCE);
  }

  private settle(): void {
    this.puppet.rest();
    for (const [id, actor] of this.actors) {
      if (actor === this.lead) {
        actor.rest();
      } else {
        actor.dispose();
        this.actors.delete(id);
      }
    }
    this.crowd = ONE_FACE;
    this.frame();
  }

  private actorOf(id: number): FaceActor {
    const known = this.actors.get(id);
    if (known) return known;
    // A face that was lost, or the first one of all, becomes the one that is seen next.
    if (this.actors.size === 1 && (this.leadId === 0 || this.lead.resting)) {
      this.actors.clear();
      this.actors.set(id, this.lead);
      this.leadId = id;
      return this.lead;
    }
    const actor = new FaceActor(this.materials);
    actor.dress(this.mode, this.painted && this.havePicture);
    this.actors.set(id, actor);
    this.world.add(actor.root);
    return actor;
  }

  /** Put into `out` where below its chin a face can bear a sign, in CSS pixels of the canvas. */
  chinOf(id: number, out: { x: number; y: number }): boolean {
    const actor = this.actors.get(id);
    if (!actor || !this.world.visible) return false;
    const { x, y } = this.view.onCanvas(actor.root.localToWorld(this.point.set(0, BELOW_CHIN, 0)));
    out.x = x;
    out.y = y;
    return true;
  }

  /** Id of the face nearest to a point of the window, or null where none stands. */
  pick(clientX: number, clientY: number): number | null {
    const box = this.canvas.getBoundingClientRect();
    let best: number | null = null;
    let nearest = this.world.visible ? 0.25 : 0;
    for (const [id, actor] of this.actors) {
      const { x, y } = this.view.onCanvas(actor.root.getWorldPosition(this.point));
      const far = Math.hypot(box.left + x - clientX, box.top + y - clientY) / Math.min(box.width, box.height);
      if (far < nearest) {
        nearest = far;
        best = id;
      }
    }
    return best;
  }

  private get usesPicture(): boolean {
    return this.mode === "surface" && this.painted && this.world.visible;
  }

  /** Hand the picture to the graphics card, once and only if it is to be seen. */
  private upload(): void {
    if (!this.stale || !this.picture || !this.usesPicture) return;
    this.stale = false;
    this.materials.paint(this.picture);
    this.renderer.initTexture(this.materials.texture);
    this.dirty = true;
  }

  private dress(): void {
    for (const actor of this.actors.values()) {
      actor.dress(this.mode, this.painted && this.havePicture);
    }
    this.dirty = true;
  }

  private turnToPointer(elapsed: number): void {
    const ease = 1 - Math.exp(-elapsed / 0.25);
    const { rotation } = this.stand;
    const dx = this.gaze.y * 0.16 - rotation.x;
    const dy = this.gaze.x * 0.3 - rotation.y;
    if (Math.abs(dx) + Math.abs(dy) < 1e-4) return;
    rotation.x += dx * ease;
    rotation.y += dy * ease;
    this.dirty = true;
  }

  private resize(): void {
    const box = (this.canvas.parentElement ?? this.canvas).getBoundingClientRect();
    const width = Math.max(1, Math.round(box.width));
    const height = Math.max(1, Math.round(box.height));
    const size = this.options.size || (this.software ? SOFTWARE_SIZE : Infinity);
    const ratio = Math.min(2, window.devicePixelRatio, size / Math.max(width, height));
    this.renderer.setPixelRatio(ratio);
    this.renderer.setSize(width, height, false);
    this.view.resize(width, height);
    this.materials.dot.uniforms.size.value = 0.18 * ratio * this.view.pixels;
    this.dirty = true;
  }

  /** Back to the front view. */
  reset(): void {
    this.view.reset();
  }

  dispose(): void {
    this.observer.disconnect();
    for (const actor of this.actors.values()) actor.dispose();
    this.view.dispose();
    this.ground?.dispose();
    // Figures belong to the gallery.
    this.puppet.wear(null);
    this.effects.dispose();
    this.veil.dispose();
    this.materials.dispose();
    this.renderer.dispose();
  }
}

function drawsInSoftware(): boolean {
  const gl = document.createElement("canvas").getContext("webgl2");
  const info = gl?.getExtension("WEBGL_debug_renderer_info");
  const name = info && gl ? String(gl.getParameter(info.UNMASKED_RENDERER_WEBGL)) : "";
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|software|basic render/i.test(name);
}
