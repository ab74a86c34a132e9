/** The page: layout, keys, and files dropped anywhere. */

import { useCallback, useEffect, useRef, useState } from "react";
import { openFile } from "../opening";
import { MODES } from "../settings";
import type { Studio } from "../studio";
import { Bar } from "./Bar";
import { StudioContext } from "./context";
import { Footer } from "./Footer";
import { Help } from "./Help";
import { Inspector } from "./Inspector";
import { StageView } from "./StageView";

const ACCEPT = "image/*,video/*,.mkv,.mov,.gesichter";
const ACCEPT_AVATAR = ".glb,.gltf,.vrm,.gesichter,model/gltf-binary";

export function App({ studio }: { studio: Studio }) {
  const input = useRef<HTMLInputElement>(null);
  const avatarInput = useRef<HTMLInputElement>(null);
  const openPicture = useCallback(() => input.current?.click(), []);
  const openAvatar = useCallback(() => avatarInput.current?.click(), []);
  useKeys(studio);
  const dropping = useDrop(studio);
  return (
    <StudioContext value={studio}>
      <div className="grid h-dvh grid-cols-[minmax(0,1fr)] grid-rows-[auto_minmax(0,1fr)_auto_auto] md:grid-cols-[minmax(0,1fr)_360px] md:grid-rows-[auto_minmax(0,1fr)_auto]">
        <div className="md:col-span-2">
          <Bar openFile={openPicture} openAvatar={openAvatar} />
        </div>
        <StageView openFile={openPicture} openAvatar={openAvatar} />
        <div className="max-md:order-last md:row-span-1 md:contents">
          <Inspector />
        </div>
        <div className="md:col-span-2">
          <Footer />
        </div>
      </div>
      {([["file-input", input, ACCEPT], ["avatar-input", avatarInput, ACCEPT_AVATAR]] as const).map(([id, ref, accept]) => (
        <input
          key={id}
          ref={ref}
          type="file"
          accept={accept}
          hidden
          data-testid={id}
          onChange={(event) => {
            const file = event.target.files?.[0];
            // The same file may be chosen again.
            event.target.value = "";
            if (file) void openFile(studio, file);
          }}
        />
      ))}
      {dropping && (
        <div className="pointer-events-none fixed inset-2 z-50 grid place-items-center rounded-2xl border-2 border-dashed border-accent bg-ground/80 text-l" data-testid="drop">
          Drop a photo, a video or an avatar
        </div>
      )}
      <Help />
    </StudioContext>
  );
}

function useKeys(studio: Studio): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target instanceof Element ? event.target : null;
      if (target?.closest("input:not([type=range]), select, textarea, dialog")) return;
      const { settings, recording, take, source, help } = studio.store.get();
      const place = /^[1-9]$/.test(event.key) ? Number(event.key) : 0;
      if (event.key === " ") {
        // Space belongs to a button that has the focus.
        if (target?.closest("button, [role=tab], input")) return;
        const moving = source.kind === "camera" || source.kind === "video";
        if (recording || (moving && source.phase === "running" && !take)) studio.toggleRecording();
        else if (take) studio.review.toggle();
      } else if (event.key === "m" || event.key === "M") studio.change({ mirror: !settings.mirror });
      else if (event.key === "p" || event.key === "P") studio.change({ preview: !settings.preview });
      else if (event.key === "t" || event.key === "T") studio.change({ textured: !settings.textured });
      else if (event.key === "r" || event.key === "R") studio.stage?.reset();
      else if (event.key === "f" || event.key === "F") studio.passLead(event.shiftKey ? -1 : 1);
      else if (event.key === "c" || event.key === "C") studio.calibrate();
      else if (take && event.key === "[") studio.review.trim("from");
      else if (take && event.key === "]") studio.review.trim("to");
      else if (take && (event.key === "e" || event.key === "E")) document.getElementById("export")?.click();
      else if (event.key === "?") studio.store.set({ help: !help });
      else if (event.key === "Escape" && studio.guide.store.get().open) studio.guide.back();
      else if (event.key === "Escape" && take) studio.closeTake();
      else if (event.key === "w" || event.key === "W") studio.change({ mode: MODES[(MODES.indexOf(settings.mode) + 1) % MODES.length] });
      else if (place > 0) void studio.closet.gallery.chooseAt(place - 1);
      else return;
      event.preventDefault();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [studio]);
}

function useDrop(studio: Studio): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const onOver = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const onLeave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false);
    };
    const onDrop = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(false);
      const file = event.dataTransfer?.files[0];
      if (file) void openFile(studio, file);
    };
    window.addEventListener("dragover", onOver);
    window.addEventListener("dragleave", onLeave);
    window.addEventListener("drop", onDrop);
    return () => {
      window.removeEventListener("dragover", onOver);
      window.removeEventListener("dragleave", onLeave);
      window.removeEventListener("drop", onDrop);
    };
  }, [studio]);
  return over;
}
