/** Small line drawings, 20 by 20, in the colour of the text. */

const PATHS = {
  camera: "M2.5 6.5A1.5 1.5 0 0 1 4 5h7.500A1.5 1.5 0 0 1 13 6.500v7A1.5 1.5 0 0 1 11.5 15H4a1.5 1.5 0 0 1-1.5-1.500zM13 9l4.5-2.500v7L13 11",
  file: "M3 6a1.5 1.5 0 0 1 1.5-1.500h3L9 6.500h6.500A1.5 1.5 0 0 1 17 8v6.500A1.5 1.5 0 0 1 15.5 16h-11A1.5 1.5 0 0 1 3 14.500z",
  sample: "M10 10.500a3.25 3.25 0 1 0 0-6.5 3.25 3.25 0 0 0 0 6.500zM3.5 17c.6-3.2 3.2-5 6.5-5s5.9 1.8 6.5 5",
  surface: "M10 2.500c3.6 0 5.5 2.6 5.5 6.2 0 4.4-2.4 8.8-5.5 8.800s-5.5-4.4-5.5-8.800c0-3.6 1.9-6.2 5.5-6.200zM7.5 9h1M11.5 9h1M8 13c1.2.9 2.8.9 4 0",
  wireframe: "M10 2.5 16 7l-2 8-4 2.500L6 15 4 7zM4 7h12M10 2.500V10M4 7l6 3 6-3M10 10l-4 5M10 10l4 5M10 10v7.5",
  points: "M10 3.500h.01M6 5.500h.01M14 5.500h.01M4.5 10h.01M10 8.500h.01M15.5 10h.01M6.5 13.500h.01M13.5 13.500h.01M10 16.500h.01M10 12.500h.01",
  texture: "M3.5 5A1.5 1.5 0 0 1 5 3.500h10A1.5 1.5 0 0 1 16.5 5v10a1.5 1.5 0 0 1-1.5 1.500H5A1.5 1.5 0 0 1 3.5 15zM3.5 13.500l4-4 3.5 3.5 2-2 3.5 3.500M12.5 7.500h.01",
  mirror: "M10 2.500v15M7.5 5.5 2.5 14.500h5zM12.5 5.500l5 9h-5z",
  preview: "M3 4.500h14v11H3zM4.5 9.500h6v4.500h-6z",
  mesh: "M3.5 3.500h13v13h-13zM3.5 10h13M10 3.500v13M3.5 16.500l13-13",
  record: "M10 14.500a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9z",
  stop: "M6 6h8v8H6z",
  play: "M6.5 4.500v11l9-5.500z",
  pause: "M7 4.500v11M13 4.500v11",
  download: "M10 3v9M6.5 9 10 12.5 13.5 9M3.5 16h13",
  close: "M5 5l10 10M15 5 5 15",
  light: "M10 13.250a3.25 3.25 0 1 0 0-6.5 3.25 3.25 0 0 0 0 6.500zM10 2v1.500M10 16.500V18M2 10h1.500M16.5 10H18M4.3 4.300l1.1 1.100M14.6 14.600l1.1 1.100M4.3 15.700l1.1-1.100M14.6 5.400l1.1-1.1",
  dark: "M16.5 11.500A6.8 6.8 0 0 1 8.5 3.500a6.8 6.8 0 1 0 8 8z",
  calibrate: "M6.5 3H5a2 2 0 0 0-2 2v1.500M13.5 3H15a2 2 0 0 1 2 2v1.500M6.5 17H5a2 2 0 0 1-2-2v-1.500M13.5 17H15a2 2 0 0 0 2-2v-1.500M7.5 8v.01M12.5 8v.01M7.25 12c1.6 1.4 3.9 1.4 5.5 0",
  bin: "M4 6h12M8 6V4h4v2M5.5 6l.75 10h7.5l.75-10M8.5 9v4M11.5 9v4",
  help: "M7.5 7.600c.1-1.5 1.2-2.4 2.6-2.4 1.5 0 2.6.9 2.6 2.2 0 2-2.6 2.1-2.6 4.100M10 14.750h.01",
  reset: "M4 10a6 6 0 1 0 1.8-4.300L4 7.500M4 3.500v4h4",
  tick: "M4.5 10.500l3.5 3.5 7.5-8",
  chevron: "M6 8l4 4 4-4",
  pin: "M7.5 3h5l-.5 5 2.5 2.500h-9L8 8zM10 10.500V17",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, filled = false }: { name: IconName; filled?: boolean }) {
  const thick = name === "points" ? 2.4 : 1.6;
  return (
    <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true" className="shrink-0">
      <path
        d={PATHS[name]}
        fill={filled ? "currentColor" : "none"}
        stroke="currentColor"
        strokeWidth={thick}
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}
