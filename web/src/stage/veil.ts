/** A still of the stage that fades over what comes next, so that nothing ever pops. */

const SECONDS = 0.32;

export class Veil {
  private readonly picture = document.createElement("canvas");

  constructor(private readonly stage: HTMLCanvasElement) {
    const { style } = this.picture;
    this.picture.setAttribute("aria-hidden", "true");
    Object.assign(style, { position: "absolute", inset: "0", width: "100%", height: "100%", pointerEvents: "none", opacity: "0", visibility: "hidden" });
    this.picture.addEventListener("transitionend", this.lift);
    stage.after(this.picture);
  }

  /** Hold on to what the stage shows; to be called right after it was drawn. */
  drop(): void {
    const { picture, stage } = this;
    if (stage.width === 0 || stage.height === 0) return;
    picture.width = stage.width;
    picture.height = stage.height;
    picture.getContext("2d")?.drawImage(stage, 0, 0);
    Object.assign(picture.style, { transition: "none", opacity: "1", visibility: "visible" });
    // Two pictures on, what comes next has been drawn below.
    requestAnimationFrame(() =>
      requestAnimationFrame(() => Object.assign(picture.style, { transition: `opacity ${SECONDS}s ease-out`, opacity: "0" })),
    );
  }

  private readonly lift = (): void => {
    // What lies over the stage costs time with each of its frames, even unseen.
    this.picture.style.visibility = "hidden";
  };

  dispose(): void {
    this.picture.remove();
  }
}
