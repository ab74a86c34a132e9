/** The face that is asked for, drawn with few lines: read sooner than a sentence. */

interface Look {
  /** One brow, the left one of the picture; the other is its mirror image. */
  readonly brow: string;
  /** Half height of an eye; 0 is closed. */
  readonly eye: number;
  readonly mouth: string;
  /** Whether the mouth stands open. */
  readonly open?: boolean;
}

const REST: Look = { brow: "M30 41q7-4 14-1", eye: 4, mouth: "M40 71h20" };

/** By the names of the server; another face is shown at rest, and told in words. */
const LOOKS: Readonly<Record<string, Partial<Look>>> = {
  smile: { mouth: "M33 66q17 19 34 0" },
  jaw_open: { mouth: "M50 60c9 0 12 6 12 13s-4 13-12 13-12-6-12-13 3-13 12-13z", open: true },
  pucker: { mouth: "M50 65c4 0 6 3 6 6s-2 6-6 6-6-3-6-6 2-6 6-6z", open: true },
  brows_up: { brow: "M29 33q8-7 16-2", eye: 5 },
  brows_down: { brow: "M30 42q8-2 14 4", eye: 3, mouth: "M41 72q9-3 18 0" },
  blink: { eye: 0 },
};

export function FaceSign({ face }: { face: string }) {
  const look: Look = { ...REST, ...LOOKS[face] };
  const eye = (x: number) =>
    look.eye === 0 ? <path d={`M${x - 6} 51q6 4 12 0`} /> : <ellipse cx={x} cy={51} rx={4} ry={look.eye} className="fill-current stroke-none" />;
  return (
    <g fill="none" stroke="currentColor" strokeWidth="3" strokeLinecap="round" strokeLinejoin="round">
      <path d="M50 16c19 0 31 14 31 34 0 23-14 42-31 42S19 73 19 50c0-20 12-34 31-34z" className="stroke-quiet" strokeWidth="2" />
      <path d={look.brow} />
      <path d={look.brow} transform="matrix(-1 0 0 1 100 0)" />
      {eye(37)}
      {eye(63)}
      <path d={look.mouth} className={look.open ? "fill-sunken" : ""} />
    </g>
  );
}
