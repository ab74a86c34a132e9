/** What is kept of a take, as files. */

import { useState } from "react";
import { openGltf } from "../avatar/refusal";
import { clipOf } from "../record/clip";
import { download, toCsv, toJson, toParquet } from "../record/export";
import { withClip } from "../record/glb";
import type { Take } from "../record/take";
import { exportVideo, type Film, filmsHere } from "../record/video";
import type { Studio } from "../studio";
import { useGallery, useStudio } from "./context";
import { Icon } from "./icons";
import { ITEM, Menu } from "./Menu";

interface Format {
  readonly id: string;
  readonly title: string;
  readonly what: string;
  readonly write: (studio: Studio, take: Take) => Blob | Promise<Blob>;
}

const FORMATS: readonly Format[] = [
  { id: "csv", title: "CSV", what: "channels and pose", write: (_, take) => new Blob([toCsv(take)], { type: "text/csv" }) },
  { id: "parquet", title: "Parquet", what: "the same, for pandas and DuckDB", write: async (_, take) => new Blob([await toParquet(take)]) },
  { id: "json", title: "JSON", what: "all, with the landmarks", write: (_, take) => new Blob([toJson(take)], { type: "application/json" }) },
  { id: "glb", title: "GLB", what: "the avatar with its motion", write: animated },
];

function animated({ closet, store, stage }: Studio, take: Take): Blob {
  const { figure } = closet.gallery;
  const clip = figure && clipOf(figure, take, store.get().leadId, closet.hand.gains);
  // It was put into other faces.
  stage?.refresh();
  if (!clip) throw new Error("Nothing of this avatar can be moved by this take.");
  return new Blob([withClip(openGltf(figure.bytes, figure.name), clip)], { type: "model/gltf-binary" });
}

export function ExportMenu() {
  const studio = useStudio();
  const bare = useGallery((g) => g.worn === "mask");
  const [progress, setProgress] = useState<number | null>(null);
  const [outcome, setOutcome] = useState<{ text: string; trouble: boolean } | null>(null);
  const save = async (name: string, make: () => Blob | Promise<Blob>) => {
    try {
      download(await make(), name);
      setOutcome({ text: `Saved as ${name.slice(name.lastIndexOf(".") + 1).toUpperCase()}`, trouble: false });
    } catch (error) {
      setOutcome({ text: error instanceof Error ? error.message : "It could not be written.", trouble: true });
    }
  };
  const shoot = async (film: Film, name: string) => {
    setOutcome(null);
    setProgress(0);
    const blob = await exportVideo(studio, film, setProgress);
    setProgress(null);
    if (blob) await save(name, () => blob);
    else setOutcome({ text: "This browser cannot film the stage.", trouble: true });
  };
  if (progress !== null) {
    return (
      <label className="flex items-center gap-2 text-s" data-testid="exporting">
        Filming the stage <progress max={1} value={progress} />
      </label>
    );
  }
  return (
    <>
      <span className={`max-w-56 truncate text-s max-sm:ml-auto ${outcome?.trouble ? "text-live" : "text-quiet"}`} role="status" title={outcome?.text} data-testid="exported">
        {outcome?.text}
      </span>
      <Menu label="Export" text="Export" title="Export (E)" icon="download" testid="export-menu" id="export" width="w-80" above framed>
        {(done) => {
          const item = (id: string, title: string, what: string, act: () => void, disabled = false) => (
            <button
              key={id}
              type="button"
              role="menuitem"
              className={`${ITEM} gap-3`}
              data-testid={`download-${id}`}
              disabled={disabled}
              onClick={() => {
                done();
                act();
              }}
            >
              <Icon name="download" />
              <span className="w-14 shrink-0 text-text">{title}</span>
              <span className="min-w-0 flex-1 truncate text-s">{what}</span>
            </button>
          );
          const { kept } = studio.review;
          const films = filmsHere();
          if (!kept) return null;
          return (
            <>
              {FORMATS.map(({ id, title, what, write }) =>
                id === "glb" && bare
                  ? item(id, title, "wear an avatar first", () => undefined, true)
                  : item(id, title, what, () => void save(`${kept.name}.${id}`, () => write(studio, kept))),
              )}
              {films.map((film) => item(film.id, film.title, "the stage as a film", () => void shoot(film, `${kept.name}.${film.id}`)))}
              {films.length === 0 && item("film", "Film", "this browser makes none", () => undefined, true)}
            </>
          );
        }}
      </Menu>
    </>
  );
}
