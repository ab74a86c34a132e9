"""Names and orders of everything a face can express; the tables are in ``assets/channels.json``.

* ``ARKIT_52``: Apple's blend shape locations, camelCase, in the order of the Live Link packet.
* ``GROUPS``: the same channels by part of the face.
* ``MOTION``: the same channels by how fast they move, blinks fastest.
* ``OPPOSITES``: pairs that are the two ways of one motion, such as to look up and down.
* ``EMOTIONS``: the seven classes of FER-2013, in its order of folders.
* ``MORPHABLE_DEVIATION``: standard deviations of the ten coefficients of the 3D face model, as
  published with 3DDFA_V2's weights.
* ``ACTION_UNITS``: the 27 FACS units of ME-GraphAU and AUFART.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from . import assets
from .arrays import Array, Float, Int

__all__ = [
    "ACTION_UNITS",
    "ARKIT_52",
    "EMOTIONS",
    "GROUPS",
    "MIRROR",
    "MORPHABLE_DEVIATION",
    "MOTION",
    "OPPOSITES",
    "index_of",
    "mirror",
    "shares",
]

_table = assets.load("channels")

ARKIT_52: tuple[str, ...] = tuple(_table["arkit52"])
GROUPS = MappingProxyType({name: tuple(members) for name, members in _table["groups"].items()})
MOTION = MappingProxyType({name: tuple(members) for name, members in _table["motion"].items()})
OPPOSITES: tuple[tuple[str, str], ...] = tuple((a, b) for a, b in _table["opposites"])
MORPHABLE_DEVIATION: tuple[float, ...] = tuple(_table["morphable_deviation"])
EMOTIONS: tuple[str, ...] = tuple(_table["emotions"])
ACTION_UNITS: tuple[str, ...] = tuple(unit["id"] for unit in _table["action_units"])

_INDEX = {name: i for i, name in enumerate(ARKIT_52)}


def index_of(name: str) -> int:
    """Position of an ARKit channel.

    Raises:
        KeyError: an unknown name; the message lists the near ones.
    """
    try:
        return _INDEX[name]
    except KeyError:
        near = difflib.get_close_matches(name, ARKIT_52, n=3)
        hint = f"did you mean {', '.join(near)}?" if near else "see mien.channels.ARKIT_52"
        raise KeyError(f"{name!r} is not one of the 52 ARKit channels; {hint}") from None


def _opposite(name: str) -> str:
    if "Left" in name:
        return name.replace("Left", "Right")
    return name.replace("Right", "Left")


MIRROR: Int[Array, "52"] = np.array([_INDEX[_opposite(name)] for name in ARKIT_52])
"""``values[MIRROR]`` are the channels of the mirrored face; its own inverse."""
MIRROR.flags.writeable = False


def mirror(values: Float[Array, "*n 52"]) -> Float[Array, "*n 52"]:
    """Channels of the same face seen in a mirror: left and right exchanged."""
    return values[..., MIRROR]


def shares(counts: Mapping[str, int]) -> dict[str, float]:
    """How often each name came, as shares of all, rounded; the largest first."""
    total = sum(counts.values())
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return {name: round(count / total, 4) for name, count in most}
