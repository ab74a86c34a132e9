/** Whether pictures stay in the page: the switch, and what tells that they do. */

import { useStudio, useStudioState } from "./context";
import { Icon } from "./icons";
import { ITEM } from "./Menu";

/** Below the sources of a menu. */
export function PrivateItem({ done }: { done: () => void }) {
  const studio = useStudio();
  const on = useStudioState((s) => s.settings.private);
  return (
    <div className="mt-2 border-t border-line pt-2">
      <button
        type="button"
        role="menuitemcheckbox"
        aria-checked={on}
        className={`${ITEM} h-auto py-1`}
        data-testid="private"
        onClick={() => {
          done();
          studio.change({ private: !on });
        }}
      >
        <Icon name="lock" />
        <span className="flex-1">
          Private
          <span className="block text-s text-quiet">Pictures stay in this page</span>
        </span>
        {on && <Icon name="tick" />}
      </button>
    </div>
  );
}

export function PrivateBadge() {
  const running = useStudioState((s) => s.finder.kind === "running");
  if (!running) return null;
  return (
    <p
      className="flex shrink-0 items-center gap-1 text-s text-quiet"
      data-testid="private-badge"
      title="Faces are found in this page. The server gets 478 points of each, and no picture."
    >
      <Icon name="lock" /> Private
    </p>
  );
}
