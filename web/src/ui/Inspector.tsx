/** The inspector: tabs beside the stage, or a sheet below it on a phone. */

import { useRef } from "react";
import { Calibration } from "./Calibration";
import { useGuide, useStudio, useStudioState } from "./context";
import { EmotionTab } from "./EmotionTab";
import { ExpressionTab } from "./ExpressionTab";
import { Icon } from "./icons";
import { PoseTab } from "./PoseTab";
import { RigTab } from "./RigTab";
import { SessionTab } from "./SessionTab";
import { StreamsTab } from "./StreamsTab";

const TABS = [
  { id: "expression", label: "Expression", View: ExpressionTab },
  { id: "emotion", label: "Emotion", View: EmotionTab },
  { id: "pose", label: "Pose", View: PoseTab },
  { id: "rig", label: "Rig", View: RigTab },
  { id: "streams", label: "Streams", View: StreamsTab },
  { id: "session", label: "Session", View: SessionTab },
] as const;

export function Inspector() {
  const calibrating = useGuide((g) => g.open);
  return calibrating ? <Calibration /> : <Tabs />;
}

function Tabs() {
  const studio = useStudio();
  const tab = useStudioState((s) => s.tab);
  const open = useStudioState((s) => s.sheet);
  const list = useRef<HTMLDivElement>(null);
  const { View } = TABS.find((t) => t.id === tab) ?? TABS[0];
  const step = (event: React.KeyboardEvent) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (by === 0) return;
    const at = (TABS.findIndex((t) => t.id === tab) + by + TABS.length) % TABS.length;
    studio.store.set({ tab: TABS[at].id });
    list.current?.querySelectorAll("button").item(at).focus();
    event.preventDefault();
  };
  return (
    <aside
      aria-label="Inspector"
      data-testid="inspector"
      className={`eased z-20 flex min-h-0 flex-col border-line bg-raised max-md:rounded-t-2xl max-md:border-t md:border-l ${open ? "max-md:h-[52dvh]" : "max-md:h-[57px]"}`}
    >
      <div className="flex h-14 shrink-0 items-center gap-1 px-2">
        <div ref={list} role="tablist" aria-label="Inspector" className="-m-1 flex min-w-0 flex-1 overflow-x-auto p-1 [scrollbar-width:none]" onKeyDown={step}>
          {TABS.map(({ id, label }) => (
            <button
              key={id}
              type="button"
              role="tab"
              id={`tab-${id}`}
              aria-selected={tab === id}
              aria-controls="inspector-panel"
              tabIndex={tab === id ? 0 : -1}
              className="control shrink-0 px-1 text-s max-md:grow max-md:px-0.5 max-md:tracking-tight"
              data-testid={`tab-${id}`}
              onClick={(event) => {
                event.currentTarget.scrollIntoView({ block: "nearest", inline: "nearest" });
                studio.store.set({ tab: id, sheet: true });
              }}
            >
              {label}
            </button>
          ))}
        </div>
        <button
          type="button"
          className="control md:hidden"
          aria-expanded={open}
          aria-controls="inspector-panel"
          aria-label={open ? "Close the inspector" : "Open the inspector"}
          data-testid="sheet"
          onClick={() => studio.store.set({ sheet: !open })}
        >
          <span className={open ? "" : "rotate-180"}>
            <Icon name="chevron" />
          </span>
        </button>
      </div>
      {/* Each tab begins at its top. */}
      <div
        key={tab}
        role="tabpanel"
        id="inspector-panel"
        aria-labelledby={`tab-${tab}`}
        tabIndex={0}
        className={`relative min-h-0 flex-1 overflow-y-auto overscroll-contain px-2 pb-4 ${open ? "" : "max-md:hidden"}`}
      >
        <View />
      </div>
    </aside>
  );
}
