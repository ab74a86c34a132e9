/** Which frames are on their way: at most two, and none that a later answer has overtaken. */

export class Flight {
  private readonly sent = new Map<number, number>();
  private sequence = 0;

  constructor(
    private readonly limit = 2,
    private readonly patience = 4000,
  ) {}

  /** Whether another frame may go up. Frames that were never answered are forgotten in time. */
  free(now: number): boolean {
    for (const [sequence, at] of this.sent) {
      if (now - at > this.patience) this.sent.delete(sequence);
    }
    return this.sent.size < this.limit;
  }

  /** Number the next frame. */
  launch(now: number): number {
    this.sequence = (this.sequence + 1) >>> 0;
    this.sent.set(this.sequence, now);
    return this.sequence;
  }

  /** Milliseconds the frame was on its way, or null if it is unknown. Older ones were dropped. */
  land(sequence: number, now: number): number | null {
    const at = this.sent.get(sequence);
    for (const other of this.sent.keys()) {
      if (other <= sequence) this.sent.delete(other);
    }
    return at === undefined ? null : now - at;
  }

  clear(): void {
    this.sent.clear();
  }

  get count(): number {
    return this.sent.size;
  }
}
