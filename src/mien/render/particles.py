"""Hearts for a smile, drops of sweat for worry, sparkles for wide eyes. Off unless asked for.

Which expression calls for which, and how they fly, is in ``assets/effects.json``; the page of the
studio reads the same.

What is seen depends on the expressions and times alone, never on chance or the clock: the same
capture gives the same film.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import assets
from ..arrays import Array, Float
from ..channels import ARKIT_52
from ..errors import InputError
from .scene import Sprites

__all__ = ["EFFECTS", "Particles", "strength"]

_LONGEST_STEP = 0.25  # seconds; a longer pause is a cut
_TABLE = assets.load("effects")
_SPAN: float = _TABLE["span"]
_MOST: int = _TABLE["most"]


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one effect behaves; lengths in head units (centimetres), times in seconds.

    Attributes:
        why: what it is for, in words.
        shape: number in :class:`Sprites`.
        threshold: of the call, below which nothing flies.
        call: a sum of maxima of minima of channels, each times its factor.
        rate: sprites a second at full strength.
        life: of one sprite.
        size: half of its height at its largest.
        colour: linear.
        velocity: towards the subject's left, up, forward.
        fall: acceleration downwards.
        sway: how far it swings sideways.
        turn: largest turn at birth, radians.
    """

    why: str
    shape: int
    threshold: float
    call: tuple[tuple[Mapping[str, float], ...], ...]
    rate: float
    life: float
    size: float
    colour: tuple[float, float, float]
    velocity: tuple[float, float, float]
    fall: float
    sway: float
    turn: float

    @staticmethod
    def of(row: Mapping[str, Any]) -> _Kind:
        """From a row of the table."""
        values = {
            key: row[key] for key in ("shape", "rate", "life", "size", "fall", "sway", "turn")
        }
        return _Kind(
            why=row["for"],
            threshold=row["from"],
            call=tuple(tuple(term) for term in row["call"]),
            colour=tuple(row["colour"]),
            velocity=tuple(row["velocity"]),
            **values,
        )


EFFECTS: Mapping[str, _Kind] = {name: _Kind.of(row) for name, row in _TABLE["effects"].items()}
"""By name."""


def strength(effect: str, weights: Mapping[str, float]) -> float:
    """How strongly an expression calls for an effect, 0..1.

    Args:
        effect: of :data:`EFFECTS`.
        weights: ARKit channels by name; those that are missing count as 0.
    """

    def level(name: str) -> float:
        names = (name,) if name in ARKIT_52 else (f"{name}Left", f"{name}Right")
        return sum(weights.get(one, 0.0) for one in names) / len(names)

    kind = EFFECTS[effect]
    call = sum(
        max(min(factor * level(name) for name, factor in part.items()) for part in term)
        for term in kind.call
    )
    return min(max((call - kind.threshold) / _SPAN, 0.0), 1.0)


class Particles:
    """The effects of one face over time.

    Args:
        effects: names of :data:`EFFECTS`.

    Raises:
        InputError: an unknown name.
    """

    def __init__(self, effects: Sequence[str]) -> None:
        for name in effects:
            if name not in EFFECTS:
                raise InputError(f"there is no effect {name!r}; there are {', '.join(EFFECTS)}")
        self._effects = tuple(dict.fromkeys(effects))
        self._start()

    def _start(self) -> None:
        self._rng = np.random.default_rng(7)
        self._time: float | None = None
        self._due = dict.fromkeys(self._effects, 0.0)
        # Kind, born, place (3), sideways phase, size factor, turn.
        self._alive: list[tuple[str, float, Float[Array, "3"], float, float, float]] = []
        self._unit = 1.0

    def update(
        self, time: float, weights: Mapping[str, float], head: Float[Array, "4 4"]
    ) -> Sprites | None:
        """What flies at a time.

        Args:
            time: seconds; a step back or a long pause clears the air.
            weights: ARKit channels by name.
            head: head frame (centimetres) -> world, now.

        Returns:
            None when the air is clear.
        """
        if self._time is not None and not 0 <= time - self._time <= _LONGEST_STEP:
            self._start()
        step = 0.0 if self._time is None else time - self._time
        self._time = time
        self._unit = float(np.linalg.norm(head[:3, 1]))
        for name in self._effects:
            # A little more than the time that has passed, so that the first comes at once.
            due = self._due[name] + step * EFFECTS[name].rate * strength(name, weights)
            while due >= 1.0 and len(self._alive) < _MOST:
                due -= 1.0
                self._alive.append(self._born(name, time, head))
            self._due[name] = min(due, 1.0)
        self._alive = [one for one in self._alive if time - one[1] < EFFECTS[one[0]].life]
        return self._sprites(time) if self._alive else None

    def _born(
        self, name: str, time: float, head: Float[Array, "4 4"]
    ) -> tuple[str, float, Float[Array, "3"], float, float, float]:
        r = self._rng.uniform(-1, 1, 6)
        side = 1.0 if r[0] > 0 else -1.0
        if name == "hearts":
            place = (side * (7.5 + 1.5 * r[1]), 2.0 + 3.0 * r[2], 3.0)
        elif name == "sweat":
            place = (side * (6.4 + 0.5 * r[1]), 6.5 + 0.8 * r[2], 4.0)
        else:
            angle = math.pi * (0.5 + 0.62 * r[1])
            place = (10.0 * math.cos(angle), 2.0 + 10.0 * math.sin(angle) + r[2], 3.0)
        start = head[:3, :3] @ np.array(place) + head[:3, 3]
        turn = EFFECTS[name].turn * float(r[5])
        return name, time, start, math.pi * float(r[3]), 1.0 + 0.3 * float(r[4]), turn

    def _sprites(self, time: float) -> Sprites:
        places, sizes, turns, colours, kinds = [], [], [], [], []
        for name, born, start, phase, factor, turn in self._alive:
            kind, age = EFFECTS[name], time - born
            part = age / kind.life
            drift = np.array(kind.velocity) * age
            drift[0] += kind.sway * (math.sin(3.2 * age + phase) - math.sin(phase))
            drift[1] -= kind.fall * age * age / 2
            places.append(start + self._unit * drift)
            if name == "sparkle":  # flashes up and goes
                grown, seen = math.sin(math.pi * part), math.sin(math.pi * part)
            else:
                grown = min(1.0, 0.35 + 5.0 * part)
                seen = min(1.0, 6.0 * part, 2.5 * (1.0 - part))
            sizes.append(self._unit * kind.size * factor * grown)
            turns.append(turn + (0.25 * math.sin(3.2 * age + phase) if kind.sway else 0.0))
            colours.append((*kind.colour, 0.92 * seen))
            kinds.append(kind.shape)
        return Sprites(
            np.array(places, np.float32),
            np.array(sizes, np.float32),
            np.array(turns, np.float32),
            np.array(colours, np.float32),
            np.array(kinds, np.float32),
        )
