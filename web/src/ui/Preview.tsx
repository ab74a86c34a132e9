/** What the camera sees, with the mesh on it; it can be dragged about. */

import { useEffect, useRef, useState } from "react";
import { type Box, boxOf } from "../live/light";
import { AT, type FaceBlock } from "../live/protocol";
import { EDGES, REGIONS } from "../tables";
import { useStudio, useStudioState } from "./context";
import { Toggle } from "./Bar";
import { Icon } from "./icons";

const CONTOURS = [
  REGIONS.lips_outer,
  REGIONS.lips_inner,
  REGIONS.left_eye,
  REGIONS.right_eye,
  REGIONS.left_iris,
  REGIONS.right_iris,
];

const CORNERS = [[-1, -1], [1, -1], [1, 1], [-1, 1]] as const;
const CORNER_STROKES = [[5, "rgb(0 0 0 / 0.75)"], [2.5, "#ffffff"]] as const;

export function Preview() {
  const studio = useStudio();
  const mirror = useStudioState((s) => s.fromCamera && s.settings.mirror);
  const isCamera = useStudioState((s) => s.fromCamera);
  const alone = useStudioState((s) => s.fromCamera && s.sight === "none");
  const overlay = useStudioState((s) => s.settings.overlay);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [place, setPlace] = useState<{ x: number; y: number } | null>(null);

  useEffect(() => {
    const draw = () => {
      const target = canvas.current;
      const { picture, size } = studio;
      // Without a graphics card a thousand lines are drawn faster outside its imitation.
      const context = target?.getContext("2d", { willReadFrequently: studio.software });
      if (!target || !context || !picture || size.width === 0) return;
      const width = studio.software ? 240 : 480;
      const height = Math.round((width * picture.height) / picture.width);
      if (target.width !== width || target.height !== height) {
        target.width = width;
        target.height = height;
      }
      context.setTransform(mirror ? -1 : 1, 0, 0, 1, mirror ? width : 0, 0);
      context.drawImage(picture, 0, 0, width, height);
      const { faces, lead } = studio;
      const scale = width / size.width;
      if (overlay) for (const face of faces) drawMesh(context, face, scale, face === lead);
      if (lead && faces.length > 1) drawCorners(context, boxOf(lead), scale);
    };
    draw();
    return studio.rhythm.onPicture(draw);
  }, [studio, mirror, overlay]);

  const drag = (event: React.PointerEvent<HTMLElement>) => {
    if (event.target instanceof Element && event.target.closest("button")) return;
    const box = event.currentTarget.getBoundingClientRect();
    const stage = event.currentTarget.parentElement?.getBoundingClientRect();
    if (!stage) return;
    const dx = event.clientX - box.left;
    const dy = event.clientY - box.top;
    const element = event.currentTarget;
    element.setPointerCapture(event.pointerId);
    const move = (e: PointerEvent) =>
      setPlace({
        x: clamp(e.clientX - dx - stage.left, 8, stage.width - box.width - 8),
        y: clamp(e.clientY - dy - stage.top, 8, stage.height - box.height - 8),
      });
    element.addEventListener("pointermove", move);
    element.addEventListener("lostpointercapture", () => element.removeEventListener("pointermove", move), { once: true });
  };

  return (
    <figure
      className={`panel group absolute z-10 w-24 cursor-grab touch-none overflow-hidden shadow-lg active:cursor-grabbing sm:w-[min(15rem,32dvh)] ${place ? "" : "top-2 left-2 sm:top-auto sm:bottom-4 sm:left-4"}`}
      style={place ? { left: place.x, top: place.y } : undefined}
      onPointerDown={drag}
      data-testid="preview"
    >
      <canvas ref={canvas} width={240} height={180} className="block w-full" role="img" aria-label="Preview of the picture, with the mesh found in it" />
      {alone && <Outline />}
      <figcaption className="absolute right-1 bottom-1 flex rounded-lg bg-raised/85 opacity-0 group-focus-within:opacity-100 group-hover:opacity-100 eased">
        <Toggle name="mesh" label="Mesh on the preview" on={overlay} onClick={() => studio.change({ overlay: !overlay })} />
        {isCamera && <Toggle name="mirror" label="Mirror" keys="M" on={mirror} onClick={() => studio.change({ mirror: !mirror })} />}
        <button type="button" className="control" aria-label="Hide the preview" title="Hide the preview (P)" onClick={() => studio.change({ preview: false })}>
          <Icon name="close" />
        </button>
      </figcaption>
    </figure>
  );
}

/** Where to sit. */
function Outline() {
  return (
    <svg viewBox="0 0 200 240" className="pointer-events-none absolute inset-0 mx-auto h-full" aria-hidden="true" data-testid="outline">
      <path
        d="M100 32c34 0 54 25 54 64 0 46-24 86-54 86S46 142 46 96c0-39 20-64 54-64z"
        className="fill-none stroke-accent"
        strokeWidth="2"
        strokeDasharray="5 5"
        strokeLinecap="round"
        vectorEffect="non-scaling-stroke"
      />
    </svg>
  );
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(value, high));
}

function drawMesh(context: CanvasRenderingContext2D, face: FaceBlock, scale: number, lead: boolean): void {
  const at = AT.points;
  context.lineWidth = 0.6;
  context.strokeStyle = lead ? "rgb(170 245 235 / 0.42)" : "rgb(255 255 255 / 0.25)";
  context.beginPath();
  for (let e = 0; e < EDGES.length; e += 2) {
    const a = at + EDGES[e] * 3;
    const b = at + EDGES[e + 1] * 3;
    context.moveTo(face[a] * scale, face[a + 1] * scale);
    context.lineTo(face[b] * scale, face[b + 1] * scale);
  }
  context.stroke();
  context.lineWidth = 1.4;
  context.strokeStyle = lead ? "#7ff0e0" : "rgb(255 255 255 / 0.6)";
  context.beginPath();
  for (const contour of CONTOURS) {
    for (let i = 0; i < contour.length; i++) {
      const p = at + contour[i] * 3;
      if (i === 0) context.moveTo(face[p] * scale, face[p + 1] * scale);
      else context.lineTo(face[p] * scale, face[p + 1] * scale);
    }
    context.closePath();
  }
  context.stroke();
}

/** The corners of a frame, light within dark, so that they are seen on any picture. */
function drawCorners(context: CanvasRenderingContext2D, [left, top, right, bottom]: Box, scale: number): void {
  const x = (left + right) * 0.5 * scale;
  const y = (top + bottom) * 0.5 * scale;
  const half = Math.max(right - left, bottom - top) * 0.6 * scale + 4;
  const arm = half * 0.6;
  context.beginPath();
  for (const [sx, sy] of CORNERS) {
    context.moveTo(x + sx * half, y + sy * (half - arm));
    context.lineTo(x + sx * half, y + sy * half);
    context.lineTo(x + sx * (half - arm), y + sy * half);
  }
  for (const [lineWidth, style] of CORNER_STROKES) {
    context.lineWidth = lineWidth;
    context.strokeStyle = style;
    context.stroke();
  }
}
