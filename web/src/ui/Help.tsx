import { useEffect, useRef } from "react";
import { useStudio, useStudioState } from "./context";
import { Icon } from "./icons";
import { KEYS } from "./keys";

export function Help() {
  const studio = useStudio();
  const open = useStudioState((s) => s.help);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  const close = () => studio.store.set({ help: false });
  return (
    <dialog
      ref={dialog}
      aria-labelledby="help-title"
      className="panel m-auto w-[min(480px,calc(100%-32px))] bg-raised p-6 text-text backdrop:bg-black/50"
      data-testid="help-dialog"
      onClose={close}
      onClick={(event) => event.target === dialog.current && close()}
    >
      <div className="flex items-center justify-between pb-4">
        <h2 id="help-title" className="text-l font-semibold">
          Keys
        </h2>
        <button type="button" className="control" aria-label="Close" onClick={close}>
          <Icon name="close" />
        </button>
      </div>
      <dl className="grid grid-cols-[auto_1fr] items-center gap-x-6 gap-y-2">
        {KEYS.map(([keys, what]) => (
          <div key={keys} className="contents">
            <dt>
              <kbd className="rounded border border-line bg-ground px-2 py-0.5 font-sans text-s">{keys}</kbd>
            </dt>
            <dd className="text-quiet">{what}</dd>
          </div>
        ))}
      </dl>
      <p className="pt-4 text-s text-quiet">Drop a photo, a video or an avatar (GLB, VRM) anywhere on the page to open it. Drag the stage to look around; double-click for the front view.</p>
    </dialog>
  );
}
