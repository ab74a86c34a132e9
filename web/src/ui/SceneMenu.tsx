/** What stands around the face. */

import { BACKDROPS, type Backdrop, LIGHT_NAMES, type LightName } from "../settings";
import { BACKDROP, PALETTE } from "../stage/materials";
import { type Effect, EFFECT_TABLE, EFFECTS } from "../tables";
import { useStudio, useStudioState } from "./context";
import { Icon } from "./icons";
import { ITEM, Menu, MenuGroup } from "./Menu";

const GROUNDS: Record<Backdrop, string> = { studio: "Studio", sand: "Sand", dusk: "Dusk", lagoon: "Lagoon", key: "Green, to be cut out" };
const LIGHTS: Record<LightName, string> = { soft: "Soft", window: "Window", evening: "Evening" };
const EXTRAS: Record<Effect, string> = { hearts: "Hearts", sweat: "Sweat", sparkle: "Sparkle" };

export function SceneMenu() {
  const studio = useStudio();
  const settings = useStudioState((s) => s.settings);
  const { backdrop, light, effects } = settings;
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
            {EFFECTS.map((name) => {
              const on = effects.includes(name);
              return (
                <button
                  key={name}
                  type="button"
                  role="menuitemcheckbox"
                  aria-checked={on}
                  className={ITEM}
                  data-testid={`effect-${name}`}
                  onClick={() => studio.change({ effects: on ? effects.filter((other) => other !== name) : [...effects, name] })}
                >
                  <span className="flex-1">
                    {EXTRAS[name]} for {EFFECT_TABLE.effects[name].for}
                  </span>
                  {on && <Icon name="tick" />}
                </button>
              );
            })}
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
