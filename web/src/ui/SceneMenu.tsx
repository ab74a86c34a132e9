/** What stands around the face. */

import { BACKDROPS, type Backdrop, type Effect, EFFECTS, LIGHT_NAMES, type LightName } from "../settings";
import { BACKDROP, PALETTE } from "../stage/materials";
import { useStudio, useStudioState } from "./context";
import { Menu, MenuGroup } from "./Menu";

const GROUNDS: Record<Backdrop, string> = { studio: "Studio", sand: "Sand", dusk: "Dusk", lagoon: "Lagoon", key: "Green, to be cut out" };
const LIGHTS: Record<LightName, string> = { soft: "Soft", window: "Window", evening: "Evening" };
const EXTRAS: Record<Effect, string> = { none: "None", sparkles: "Sparkles for a smile", hearts: "Hearts for a kiss" };

export function SceneMenu() {
  const studio = useStudio();
  const settings = useStudioState((s) => s.settings);
  const { backdrop, light, effect } = settings;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  return (
    <Menu label="Scene" text="Scene" title="Background, light, effects" icon="scene" testid="scene-menu">
      {() => (
        <>
          <MenuGroup title="Background" row>
            {BACKDROPS.map((name) => (
              <button
                key={name}
                type="button"
                role="menuitemradio"
                aria-checked={backdrop === name}
                aria-label={GROUNDS[name]}
                title={GROUNDS[name]}
                className="control group p-0!"
                data-testid={`backdrop-${name}`}
                onClick={() => studio.change({ backdrop: name })}
              >
                <span className="size-7 rounded-full border border-line group-aria-checked:outline-2 group-aria-checked:outline-accent" style={{ background: swatch(name) }} />
              </button>
            ))}
          </MenuGroup>
          <MenuGroup title="Light" row>
            {LIGHT_NAMES.map((name) => (
              <button key={name} type="button" role="menuitemradio" aria-checked={light === name} className="control flex-1" data-testid={`light-${name}`} onClick={() => studio.change({ light: name })}>
                {LIGHTS[name]}
              </button>
            ))}
          </MenuGroup>
          <MenuGroup title="Effects">
            {EFFECTS.map((name) => (
              <button key={name} type="button" role="menuitemradio" aria-checked={effect === name} className="control w-full justify-start" data-testid={`effect-${name}`} onClick={() => studio.change({ effect: name })}>
                {EXTRAS[name]}
              </button>
            ))}
            {calm && <p className="px-2 pt-1 text-s text-quiet">Your system asks for less motion, so there are none.</p>}
          </MenuGroup>
        </>
      )}
    </Menu>
  );
}

function swatch(name: Backdrop): string {
  const { inner, outer } = BACKDROP[name] ?? PALETTE[document.documentElement.dataset.theme === "light" ? "light" : "dark"];
  return `radial-gradient(circle at 50% 40%, ${inner}, ${outer})`;
}
