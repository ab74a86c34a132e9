"""What one user wants of one avatar otherwise: a small TOML file; ``docs/rigs.md`` has examples.

    [channels.mouthSmile]       # both sides; mouthSmileLeft is one
    gain = 1.3                  # weight = clamp(gain * curve(weight) + offset)
    offset = -0.05
    clamp = [0, 1]
    curve = "ease"              # or an exponent, or points [[0, 0], [0.4, 0.1], [1, 1]]

    [rename]                    # a target of the avatar = what it is in a known vocabulary
    Mund_auf = "jawOpen"

    [targets.Blush]             # a target of the avatar, driven by these and by nothing else
    mouthSmileLeft = 0.5
    mouthSmileRight = 0.5

Every table may be left out.
"""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Mapping as Table
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from ..arrays import Array, Bool, Float32
from ..errors import InputError
from ..types import RigPose
from .pose import turned
from .rigs import RIGS, VOCABULARIES, Mapping, Meaning, mapping, meaning, near

__all__ = ["Adjustment", "Overrides", "parse", "read"]

_EASE = tuple((x / 32, 3 * (x / 32) ** 2 - 2 * (x / 32) ** 3) for x in range(33))
_KNOWN = tuple(name for vocabulary in VOCABULARIES for name in RIGS[vocabulary])
_SIDED = {n.removesuffix("Left") for n in _KNOWN if n.endswith("Left")}
_LARGEST = 100.0


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What becomes of one channel: ``clamp(gain * curve(weight) + offset)``.

    Attributes:
        gain: factor; negative turns it about.
        offset: added.
        low, high: the clamp.
        gamma: exponent of the curve; below 1 small movements show more.
        points: a curve through points instead, straight between them, level beyond.
    """

    gain: float = 1.0
    offset: float = 0.0
    low: float = 0.0
    high: float = 1.0
    gamma: float = 1.0
    points: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Overrides:
    """What a file says; built by :func:`read` and :func:`parse`. Empty, it changes nothing.

    Attributes:
        channels: by what a channel means.
        rename: for names of the avatar's targets, what they stand for.
        targets: for names of the avatar's targets, weights of channels.
        source: the file's name, for messages.
    """

    channels: Table[Meaning, Adjustment] = field(default_factory=lambda: MappingProxyType({}))
    rename: Table[str, str] = field(default_factory=lambda: MappingProxyType({}))
    targets: Table[str, Table[str, float]] = field(default_factory=lambda: MappingProxyType({}))
    source: str = "overrides"

    def apply(self, pose: RigPose) -> RigPose:
        """The pose with its channels adjusted; eyes and jaw follow theirs. To be done once."""
        steps = _steps(self, pose.names)
        if not steps.any:
            return pose
        changed = replace(pose, weights=steps.run(pose.weights))
        return turned(changed, eyes=steps.eyes, jaw=steps.jaw)

    def mapping(self, source: str | Sequence[str], target: str | Sequence[str]) -> Mapping:
        """:func:`mien.retarget.rigs.mapping` for poses to which :meth:`apply` was done.

        Raises:
            InputError: an unknown rig, or a target or channel that does not exist.
        """
        try:
            made = mapping(source, target, rename=self.rename, extra=self.targets)
        except InputError as error:
            raise InputError(f"{self.source}: {error}") from None
        # Where a channel may leave 0..1, so may what it drives.
        steps = _steps(self, made.source)
        on = made.matrix > 0
        low = np.where(on, steps.low, 0).min(1, initial=0).astype(np.float32)
        high = np.where(on, steps.high, 1).max(1, initial=1).astype(np.float32)
        return replace(made, low=low, high=high)


class _Steps:
    """The adjustments of a list of channels, as arrays."""

    def __init__(self, found: list[Adjustment | None]) -> None:
        each = [a or Adjustment() for a in found]
        self.any = any(found)
        self.eyes = self.jaw = False
        self.low, self.high, self._gain, self._offset = (
            np.array([getattr(a, key) for a in each], np.float32)
            for key in ("low", "high", "gain", "offset")
        )
        gamma = np.array([a.gamma for a in each], np.float32)
        self._bent: Bool[Array, "n"] = gamma != 1
        self._gamma = gamma[self._bent]
        self._curves = [(i, np.array(a.points).T) for i, a in enumerate(each) if a.points]
        self._free = np.array([a is None for a in found], bool)

    def run(self, weights: Float32[Array, "n"]) -> Float32[Array, "n"]:
        out = np.array(weights)
        if len(self._gamma):
            out[self._bent] = np.maximum(out[self._bent], 0) ** self._gamma
        for i, (x, y) in self._curves:
            out[i] = np.interp(out[i], x, y)
        out *= self._gain
        out += self._offset
        np.maximum(out, self.low, out=out)
        np.minimum(out, self.high, out=out)
        out[self._free] = weights[self._free]
        return out


@lru_cache(maxsize=32)
def _steps(overrides: Overrides, names: tuple[str, ...]) -> _Steps:
    found = [overrides.channels.get(m) if (m := meaning(name)) else None for name in names]
    steps = _Steps(found)
    changed = [name for name, adjustment in zip(names, found, strict=True) if adjustment]
    steps.eyes = any(name.startswith("eyeLook") for name in changed)
    steps.jaw = any(name.startswith("jaw") for name in changed)
    return steps


def read(path: Path) -> Overrides:
    """Read a file.

    Raises:
        InputError: it cannot be read, is no TOML, or has an unknown key or channel, or a value that
            is out of range. The message names the file and the key.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read overrides from {path}: {error}") from None
    return parse(text, str(path))


def parse(text: str, source: str = "overrides") -> Overrides:
    """Overrides from the text of a file; ``source`` is its name in messages. See :func:`read`."""
    # In the standard library from Python 3.11 on; the same code under its first name before.
    toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        table = toml.loads(text)
    except toml.TOMLDecodeError as error:
        raise InputError(f"{source} is no TOML: {error}") from None
    try:
        return _overrides(table, source)
    except InputError as error:
        raise InputError(f"{source}: {error}") from None


def _overrides(table: dict[str, Any], source: str) -> Overrides:
    _keys(table, ("channels", "rename", "targets"), "the file")
    channels: dict[Meaning, Adjustment] = {}
    for name, entry in _table(table.get("channels", {}), "channels").items():
        adjustment = _adjustment(_table(entry, f"channels.{name}"), f"channels.{name}")
        for found in _channel(name, "channels"):
            if found in channels:
                raise InputError(f"channels.{name} says again what is said of {found.name}")
            channels[found] = adjustment
    rename = _table(table.get("rename", {}), "rename")
    for name, stands_for in rename.items():
        if not isinstance(stands_for, str):
            raise InputError(f'rename.{name} is the name of a channel in "", got {stands_for!r}')
        if meaning(stands_for) is None:
            raise InputError(
                f"rename.{name}: no vocabulary has {stands_for!r}; {near(stands_for, _KNOWN)}"
            )
    targets: dict[str, dict[str, float]] = {}
    for name, entry in _table(table.get("targets", {}), "targets").items():
        targets[name] = {}
        for channel, weight in _table(entry, f"targets.{name}").items():
            for found in _channel(channel, f"targets.{name}"):
                targets[name][found.name] = _number(weight, f"targets.{name}.{channel}")
    return Overrides(
        MappingProxyType(channels), MappingProxyType(rename), MappingProxyType(targets), source
    )


def _channel(name: str, where: str) -> list[Meaning]:
    """What a channel's name means; without a side, both."""
    if found := meaning(name):
        return [found]
    both = [m for side in ("Left", "Right") if (m := meaning(name + side))]
    if len(both) != 2:
        known = sorted({*_KNOWN, *_SIDED})
        # All of them would fill a screen.
        hint = near(name, known)
        hint = hint if hint.startswith("did") else "docs/rigs.md lists the channels"
        raise InputError(f"{where}: there is no channel {name!r}; {hint}")
    return both


def _adjustment(entry: Table[str, Any], where: str) -> Adjustment:
    _keys(entry, ("gain", "offset", "clamp", "curve"), where)
    low, high = 0.0, 1.0
    if "clamp" in entry:
        low, high = _pair(entry["clamp"], f"{where}.clamp")
        if not low < high:
            raise InputError(f"{where}.clamp is [low, high] with low < high, got [{low}, {high}]")
    gamma, points = _curve(entry.get("curve", "linear"), f"{where}.curve")
    return Adjustment(
        _number(entry.get("gain", 1.0), f"{where}.gain"),
        _number(entry.get("offset", 0.0), f"{where}.offset"),
        low,
        high,
        gamma,
        points,
    )


def _curve(value: Any, where: str) -> tuple[float, tuple[tuple[float, float], ...]]:
    if value == "linear":
        return 1.0, ()
    if value == "ease":
        return 1.0, _EASE
    if isinstance(value, list) and len(value) >= 2:
        points = tuple(_pair(point, where) for point in value)
        if any(a >= b for (a, _), (b, _) in pairwise(points)):
            raise InputError(f"{where}: the points go from left to right, got {value}")
        return 1.0, points
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not 0.05 <= value <= 20:
            raise InputError(f"{where}: an exponent is in 0.05..20, got {value}")
        return float(value), ()
    raise InputError(
        f'{where} is "linear", "ease", an exponent, or at least two points [[0, 0], [1, 1]]; '
        f"got {value!r}"
    )


def _pair(value: Any, where: str) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise InputError(f"{where}: expected two numbers [a, b], got {value!r}")
    return _number(value[0], where), _number(value[1], where)


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{where} is a number, got {value!r}")
    if abs(value) > _LARGEST:
        raise InputError(f"{where} is in -{_LARGEST:g}..{_LARGEST:g}, got {value}")
    return float(value)


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{where} is a table [{where}], got {value!r}")
    return value


def _keys(table: Table[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in known:
            raise InputError(f"{where}: there is no key {key!r}; {near(key, known)}")
