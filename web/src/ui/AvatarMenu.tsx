/** Whose face is on the stage: the person's own, one of the server's heads, or a file of theirs. */

import { MASK } from "../avatar/gallery";
import { MODES, type Mode } from "../settings";
import { useGallery, useStudio, useStudioState } from "./context";
import { Icon } from "./icons";
import { ITEM, Menu, MenuGroup } from "./Menu";

const MODE_NAMES: Record<Mode, string> = { surface: "Surface", wireframe: "Wireframe", points: "Points" };

export function AvatarMenu({ openAvatar }: { openAvatar: () => void }) {
  const studio = useStudio();
  const avatars = useGallery((g) => g.avatars);
  const worn = useGallery((g) => g.worn);
  const mode = useStudioState((s) => s.settings.mode);
  const textured = useStudioState((s) => s.settings.textured);
  const title = avatars.find(({ id }) => id === worn)?.title ?? "";
  return (
    <Menu label={`Avatar: ${title}`} text={title} title="Whose face is on the stage" icon={worn === MASK ? "surface" : "avatar"} testid="avatar-menu" width="w-72">
      {(done) => (
        <>
          <MenuGroup title="Avatar">
            {avatars.map((avatar, i) => (
              <div key={avatar.id} className="flex">
                <button
                  type="button"
                  role="menuitemradio"
                  aria-checked={avatar.id === worn}
                  className={`${ITEM} min-w-0 flex-1`}
                  data-testid={`avatar-${avatar.from === "file" ? "file" : avatar.id}`}
                  onClick={() => {
                    done();
                    void studio.closet.gallery.choose(avatar.id);
                  }}
                >
                  <Icon name={avatar.from === "page" ? "surface" : avatar.from === "server" ? "avatar" : "file"} />
                  <span className="min-w-0 flex-1 truncate">{avatar.title}</span>
                  {i < 9 && (
                    <kbd className="font-sans text-s text-quiet" aria-hidden="true">
                      {i + 1}
                    </kbd>
                  )}
                </button>
                {avatar.from === "file" && (
                  <button type="button" role="menuitem" className="control" aria-label={`Take ${avatar.title} off the list`} title="Take it off the list" onClick={() => void studio.closet.gallery.remove(avatar.id)}>
                    <Icon name="close" />
                  </button>
                )}
              </div>
            ))}
            <button
              type="button"
              role="menuitem"
              className={ITEM}
              data-testid="avatar-open"
              onClick={() => {
                done();
                openAvatar();
              }}
            >
              <Icon name="plus" /> Open a GLB or VRM file
            </button>
            <p className="px-2 pt-1 text-s text-quiet">Or drop one on the page. It stays in the page.</p>
          </MenuGroup>
          {worn === MASK && (
            <MenuGroup title="Drawn as" row>
              {MODES.map((name) => (
                <button key={name} type="button" role="menuitemradio" aria-checked={mode === name} className="control" aria-label={MODE_NAMES[name]} title={MODE_NAMES[name]} data-testid={`mode-${name}`} onClick={() => studio.change({ mode: name })}>
                  <Icon name={name} />
                </button>
              ))}
              <button
                type="button"
                role="menuitemcheckbox"
                aria-checked={textured}
                className="control flex-1"
                title="The picture of the camera on the face (T)"
                data-testid="toggle-texture"
                disabled={mode !== "surface"}
                onClick={() => studio.change({ textured: !textured })}
              >
                <Icon name="texture" /> Picture
              </button>
            </MenuGroup>
          )}
        </>
      )}
    </Menu>
  );
}
