"""How the expressions of a VRM file act on each other: binary ones, and those that override.

From the specification of ``VRMC_vrm.expressions``: blinks, gaze and lip shapes are *procedural*;
while another expression is on, it may block them or fade them out, lest eyes close twice. VRM 0.x
knows only binary ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from .. import assets
from ..arrays import Array, Float32
from ..errors import InputError

__all__ = ["PROCEDURAL", "Expression", "Expressions", "Kind"]

Kind = Literal["blink", "lookAt", "mouth"]
Override = Literal["none", "block", "blend"]

_KINDS: tuple[Kind, ...] = ("blink", "lookAt", "mouth")
_OVERRIDES = ("none", "block", "blend")

PROCEDURAL: Mapping[str, Kind] = MappingProxyType(
    {name: kind for kind in _KINDS for name in assets.load("rigs")["procedural"][kind]}
)
"""Which of VRM 1.0's presets are procedural, and of which kind."""


@dataclass(frozen=True, slots=True)
class Expression:
    """What a VRM file says of one expression, besides what it moves.

    Attributes:
        name: of a preset (VRM 1.0's names) or of its own.
        binary: above 0.5 it is fully on, else off.
        blink, look_at, mouth: what it does to the procedural expressions of that kind.
    """

    name: str
    binary: bool = False
    blink: Override = "none"
    look_at: Override = "none"
    mouth: Override = "none"

    def __post_init__(self) -> None:
        for field in ("blink", "look_at", "mouth"):
            if (value := getattr(self, field)) not in _OVERRIDES:
                raise InputError(
                    f"expression {self.name!r}: an override is one of {', '.join(_OVERRIDES)}, "
                    f"got {value!r}; the VRM file breaks its specification"
                )

    @classmethod
    def from_vrm(cls, name: str, entry: Mapping[str, Any]) -> Expression:
        """From an entry of ``VRMC_vrm.expressions`` or of VRM 0.x's ``blendShapeGroups``.

        Raises:
            InputError: an override that the specification does not know.
        """
        return cls(
            name,
            bool(entry.get("isBinary", False)),
            *(entry.get("override" + key, "none") for key in ("Blink", "LookAt", "Mouth")),
        )


class Expressions:
    """The expressions of one file, and what they make of the weights that are asked for.

    Args:
        expressions: each name once.
        procedural: kinds of further procedural expressions. The specification leaves open whether
            a file's own expressions are overridden; by default they are not.
    """

    def __init__(
        self,
        expressions: Sequence[Expression],
        procedural: Mapping[str, Kind] = MappingProxyType({}),
    ) -> None:
        kinds = {**PROCEDURAL, **procedural}
        self.names = tuple(e.name for e in expressions)
        kind_of = [kinds.get(e.name) for e in expressions]
        self._binary = np.array([e.binary for e in expressions], bool)
        self._kinds = np.array([[kind == k for kind in kind_of] for k in _KINDS], bool)
        fields = ("blink", "look_at", "mouth")
        overrides = np.array([[getattr(e, f) for e in expressions] for f in fields], object)
        # To override one's own kind is void.
        self._blend = ((overrides == "blend") & ~self._kinds).astype(np.float32)
        self._block = ((overrides == "block") & ~self._kinds).astype(np.float32)
        self._plain = not (self._blend.any() or self._block.any())

    def apply(self, weights: Float32[Array, "n"]) -> Float32[Array, "n"]:
        """Weights as they are seen, in 0..1.

        Args:
            weights: as they are asked for, in the order of ``names``; they are clamped to 0..1.
        """
        out = self._clear(weights)
        if self._plain:
            return out
        for factor, members in zip(self._factors(out), self._kinds, strict=True):
            if factor < 1:
                out[members & self._binary] = 0  # a binary one must not be seen half
                out[members] *= factor
        return out

    def gaze(self, weights: Float32[Array, "n"]) -> float:
        """What is left of the gaze, 0..1, under the overrides of ``lookAt``; for eye bones."""
        return 1.0 if self._plain else float(self._factors(self._clear(weights))[1])

    def _clear(self, weights: Float32[Array, "n"]) -> Float32[Array, "n"]:
        """Clamped, and binary where that is said: what counts when others are overridden."""
        out: Float32[Array, "n"] = np.clip(weights, 0, 1, dtype=np.float32)
        out[self._binary] = out[self._binary] > 0.5
        return out

    def _factors(self, seen: Float32[Array, "n"]) -> Float32[Array, "3"]:
        taken = self._blend @ seen + self._block @ (seen > 0).astype(np.float32)
        factors: Float32[Array, "3"] = np.maximum(1 - taken, np.float32(0))
        return factors
