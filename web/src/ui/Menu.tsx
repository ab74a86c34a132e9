/** A button that opens a list below it: by pointer, by keys, for everybody. */

import { useEffect, useRef, useState } from "react";
import { Icon, type IconName } from "./icons";

interface MenuProps {
  readonly label: string;
  /** What the button says on a wide page. */
  readonly text: string;
  readonly title: string;
  readonly icon: IconName;
  readonly testid: string;
  /** Of the button. */
  readonly id?: string;
  readonly width?: string;
  /** Opens upwards, its end below that of the button. */
  readonly above?: boolean;
  /** Told apart by a frame, where it stands among other things. */
  readonly framed?: boolean;
  /** `done` shuts the menu once something was chosen; the keys are the stage's from then on. */
  readonly children: (done: () => void) => React.ReactNode;
}

/** Id of what has the focus after a choice. */
export const STAGE = "stage";

/** Between a list and the edge of the page, pixels. */
const MARGIN = 8;

export const ITEM = "control w-full justify-start text-left";

export function Menu({ label, text, title, icon, testid, id, width = "w-64", above = false, framed = false, children }: MenuProps) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const items = root.current?.querySelectorAll<HTMLElement>("[role^=menuitem]");
    const chosen = [...(items ?? [])].find((item) => item.ariaChecked === "true");
    (chosen ?? items?.item(0))?.focus();
    const away = (event: PointerEvent) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", away);
    const list = root.current?.querySelector<HTMLElement>("[role=menu]");
    // Its button moves with what stands beside it, and not only when the window changes its size.
    let shift = 0;
    let frame = 0;
    const fit = () => {
      if (list) shift = keepInside(list, shift);
      frame = requestAnimationFrame(fit);
    };
    fit();
    return () => {
      document.removeEventListener("pointerdown", away);
      cancelAnimationFrame(frame);
    };
  }, [open]);
  const close = () => {
    setOpen(false);
    root.current?.querySelector("button")?.focus();
  };
  // On the button of the menu Space would open it again, where people mean to record what they chose.
  const done = () => {
    setOpen(false);
    document.getElementById(STAGE)?.focus({ preventScroll: true });
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (!open) return;
    const items = [...(root.current?.querySelectorAll<HTMLElement>("[role^=menuitem]:not(:disabled)") ?? [])];
    const at = items.indexOf(document.activeElement as HTMLElement);
    if (event.key === "Escape") close();
    else if (event.key === "ArrowDown" || event.key === "ArrowRight") items[(at + 1) % items.length].focus();
    else if (event.key === "ArrowUp" || event.key === "ArrowLeft") items[(at - 1 + items.length) % items.length].focus();
    else if (event.key === "Home") items.at(0)?.focus();
    else if (event.key === "End") items.at(-1)?.focus();
    else if (event.key === "Tab") {
      setOpen(false);
      return;
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div ref={root} className="relative" onKeyDown={onKeyDown}>
      <button
        type="button"
        id={id}
        className={`control ${framed ? "border border-line text-text" : ""}`}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-label={label}
        title={title}
        data-testid={testid}
        onClick={() => setOpen(!open)}
      >
        <Icon name={icon} />
        <span className={framed ? "" : "hidden max-w-40 truncate sm:inline"}>{text}</span>
        <span className={framed ? "rotate-180" : "max-sm:hidden"}>
          <Icon name="chevron" />
        </span>
      </button>
      {open && (
        <div
          role="menu"
          aria-label={label}
          className={`panel absolute z-30 ${width} max-h-[70dvh] max-w-[calc(100vw-1rem)] overflow-y-auto bg-raised p-2 shadow-xl ${above ? "right-0 bottom-12" : "top-12 left-0"}`}
        >
          {children(done)}
        </div>
      )}
    </div>
  );
}

/** Moves a list that would stick out of a narrow page, to either side; by how much, and `now` is how far it is moved. */
function keepInside(list: HTMLElement, now: number): number {
  const { left, right } = list.getBoundingClientRect();
  const over = right - now - (document.documentElement.clientWidth - MARGIN);
  // Whole pixels, or it would be moved by a hair in every frame.
  const shift = over > 0 ? -Math.ceil(over) : Math.max(0, Math.ceil(MARGIN - (left - now)));
  if (shift !== now) list.style.translate = shift === 0 ? "" : `${shift}px`;
  return shift;
}

/** Items that belong together, under a heading. */
export function MenuGroup({ title, children, row = false }: { title: string; children: React.ReactNode; row?: boolean }) {
  return (
    <div role="group" aria-label={title} className="border-line not-first:mt-2 not-first:border-t not-first:pt-2">
      <p className="px-2 pb-1 text-s font-semibold" aria-hidden="true">
        {title}
      </p>
      <div className={row ? "flex flex-wrap gap-1" : ""}>{children}</div>
    </div>
  );
}
