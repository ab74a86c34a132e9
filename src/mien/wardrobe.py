"""Avatars by what a user calls them: the built-in ones have names, the others are files."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import InputError

if TYPE_CHECKING:
    from .retarget.avatar import Avatar
    from .retarget.overrides import Overrides

__all__ = ["FILES", "NAMES", "find"]

NAMES = ("bust", "ict")
"""Those that have a name; ``ict`` needs ``mien pull ict-facekit``."""

FILES = (".glb", ".gltf", ".vrm")
"""Suffixes of avatars in files."""


def find(
    name: str, overrides: Overrides | None = None, *, names: tuple[str, ...] = NAMES
) -> Avatar:
    """The avatar of a name or a file.

    Args:
        name: one of :data:`NAMES`, or a path.
        overrides: what the user wants otherwise.
        names: that are listed where there is no such avatar.

    Raises:
        InputError: neither; near names are listed. Or a file that cannot be used.
        ModelMissing: ``ict`` before it was pulled.
    """
    from .retarget.avatar import Avatar

    if name == "bust":
        from .retarget import bust

        return Avatar(bust.build(), settle=bust.settled, overrides=overrides)
    if name == "ict":
        from . import ict_avatar

        return Avatar(ict_avatar.load(), overrides=overrides)
    path = Path(name)
    if path.suffix.lower() in FILES or path.is_file():
        return Avatar.load(path, overrides)
    near = difflib.get_close_matches(name.lower(), names, n=2, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise InputError(
        f"there is no avatar {name!r}; {hint}There are {', '.join(names)}, and files that end in "
        f"{', '.join(FILES)}"
    )
