import { createRoot } from "react-dom/client";
import "./index.css";
import { looksOf } from "./emotion";
import { AT } from "./live/protocol";
import { Studio } from "./studio";
import { EMOTIONS } from "./tables";
import { App } from "./ui/App";

const studio = new Studio();
const page = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");

function dress(): void {
  const { theme } = studio.settings;
  page.dataset.theme = theme === "system" ? (dark.matches ? "dark" : "light") : theme;
}
dress();
studio.store.subscribe(dress);
dark.addEventListener("change", () => {
  dress();
  studio.dress();
});

// A pulse that can be read from outside, for tests and for the curious.
studio.rhythm.onTenth((now) => {
  const { connection, source, sight, faces, recording, finder } = studio.store.get();
  const { dataset } = page;
  dataset.connection = connection.kind;
  dataset.source = source.kind;
  dataset.phase = source.phase;
  dataset.sight = sight;
  dataset.faces = String(faces);
  dataset.answers = String(studio.pulse.answers);
  dataset.drawn = String(studio.stage?.drawn ?? 0);
  dataset.fps = studio.pulse.rate(now).toFixed(1);
  dataset.recording = String(recording);
  dataset.finder = finder.kind;
  dataset.avatar = studio.closet.gallery.store.get().worn.split(":")[0];
  dataset.looks = EMOTIONS[looksOf(studio.lead)] ?? "none";
  const mouth = studio.lead ? studio.lead[AT.mouth_open] : NaN;
  dataset.mouth = Number.isNaN(mouth) ? "unknown" : mouth === 1 ? "open" : "closed";
});

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
createRoot(root).render(<App studio={studio} />);
studio.start();
