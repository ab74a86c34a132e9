/** The beat of the page: everything that is drawn, is drawn together, no more often than wanted. */

type Step = (now: number) => void;

export class Rhythm {
  private readonly everyFrame = new Set<Step>();
  private readonly everyTenth = new Set<Step>();
  private readonly everyPicture = new Set<() => void>();
  private pictureChanged = false;
  private lastFrame = 0;
  private lastTenth = 0;

  /** `cap`: most pictures drawn a second, 0 for the display's own rate. */
  constructor(private readonly cap: () => number) {}

  /** Whenever something is drawn. Returns what ends it, like all of these. */
  onFrame(step: Step): () => void {
    this.everyFrame.add(step);
    return () => this.everyFrame.delete(step);
  }

  /** Ten times a second, for numbers that are read. */
  onTenth(step: Step): () => void {
    this.everyTenth.add(step);
    return () => this.everyTenth.delete(step);
  }

  /** With the next drawing after `pictured`. */
  onPicture(step: () => void): () => void {
    this.everyPicture.add(step);
    return () => this.everyPicture.delete(step);
  }

  /** The picture, or what is drawn on it, has changed. */
  pictured(): void {
    this.pictureChanged = true;
  }

  start(): void {
    requestAnimationFrame(this.tick);
  }

  private readonly tick = (now: number): void => {
    requestAnimationFrame(this.tick);
    const cap = this.cap();
    if (cap > 0 && now - this.lastFrame < 1000 / cap - 4) return;
    this.lastFrame = now;
    // Whatever changes, the browser puts the whole page together anew, which without a graphics
    // card costs more than anything here: so preview, stage and meters change in one go.
    if (this.pictureChanged) {
      this.pictureChanged = false;
      for (const step of this.everyPicture) step();
    }
    for (const step of this.everyFrame) step(now);
    if (now - this.lastTenth < 100) return;
    this.lastTenth = now;
    for (const step of this.everyTenth) step(now);
  };
}
