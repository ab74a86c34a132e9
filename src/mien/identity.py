"""Who is who from frame to frame: ids that survive crossings, short losses and re-entries.

A face keeps its id when it is where that face was expected, and when it looks like it. Where comes
from a constant-velocity prediction. Looks are a bone shape (rigid landmarks in the head frame) and
a skin colour (chromaticity and lightness under a few dozen landmarks): too little to recognise a
person among many, enough to tell apart those in one picture. Nothing of it leaves the process.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .arrays import Array, Float, Points, RGBImage

__all__ = ["Identities", "Sighting", "look_of"]

# Cheeks, forehead, bridge of the nose, chin: seldom hidden by hair, glasses or a beard.
_SKIN = np.array(
    [50, 280, 101, 330, 205, 425, 36, 266, 123, 352, 151, 9, 337, 108, 69, 299, 6, 197, 195, 5]
)
_BONES = np.array(
    [10, 151, 9, 168, 6, 197, 195, 5, 4, 1, 33, 263, 133, 362, 127, 356, 234, 454, 93, 323,
     132, 361, 58, 288, 129, 358, 98, 327, 103, 332]
)  # fmt: skip
# One unit is a common difference between frames of one person (talking, turning, moving light).
_BONE_UNIT = 0.3  # centimetres, root mean square
_CHROMA_UNIT = 0.02
_LIGHT_UNIT = 0.35  # natural logarithm of brightness

_GLANCE = 0.1  # seconds; how often somebody who is alone in the picture is looked at
_FOLLOWED = 0.15  # seconds; a face seen so lately is followed by place alone
_SHORT = 1.5  # seconds; after a longer absence place says nothing
_ALIKE = 1.6  # looks further apart than this are two people
_UNLIKE = 3.2  # so far apart that even the same place does not help: a cut
_MEMORY = 60.0  # seconds a face is remembered after it left
_MOST_REMEMBERED = 64


@dataclass(frozen=True, eq=False)
class Sighting:
    """One face of a frame, as far as it matters for telling who it is.

    Attributes:
        centre: (x, y) in pixels.
        size: width or height of the face, the larger one, in pixels.
        see: gives :func:`look_of`; called only when place alone does not tell.
    """

    centre: tuple[float, float]
    size: float
    see: Callable[[], Float[Array, "n"]]

    @cached_property
    def look(self) -> Float[Array, "n"]:
        """What the face looks like."""
        return self.see()


def look_of(points: Points, aligned: Float[Array, "478 3"], image: RGBImage) -> Float[Array, "n"]:
    """Shape and colour as one vector; the distance of two is in common differences of one person.

    Args:
        points: picture coordinates, pixels.
        aligned: the same points in the head frame, in head units.
        image: uint8 RGB.
    """
    height, width = image.shape[:2]
    xy = points[_SKIN, :2].astype(np.intp)
    x, y = np.clip(xy[:, 0], 0, width - 1), np.clip(xy[:, 1], 0, height - 1)
    # The upper median: as robust as np.median and five times as fast.
    red, green, blue = np.sort(image[y, x], axis=0)[len(_SKIN) // 2].tolist()
    total = red + green + blue + 3.0
    colour = (
        (red + 1) / total / _CHROMA_UNIT,
        (green + 1) / total / _CHROMA_UNIT,
        math.log(total) / _LIGHT_UNIT,
    )
    bones = aligned[_BONES].ravel() / (_BONE_UNIT * math.sqrt(len(_BONES)))
    return np.concatenate([bones, colour])


class _Person:
    __slots__ = ("centre", "id", "look", "looked", "size", "time", "velocity")

    def __init__(self, number: int, seen: Sighting, time: float) -> None:
        self.id = number
        self.velocity = (0.0, 0.0)
        self.look, self.looked = seen.look, time
        self.centre, self.size, self.time = seen.centre, seen.size, time

    def followed(self, seen: Sighting, time: float) -> bool:
        """Whether the sighting is this person for sure, going by place: hardly moved, just seen."""
        return (
            0 <= time - self.time < _FOLLOWED
            and 0 <= time - self.looked < _GLANCE
            and math.dist(seen.centre, self.centre) < 0.2 * self.size
            and 0.8 < seen.size / self.size < 1.25
        )

    def update(self, seen: Sighting, time: float, *, look: bool = True) -> None:
        step = time - self.time
        if 0 < step < _SHORT:
            (vx, vy), (x, y), (last_x, last_y) = self.velocity, seen.centre, self.centre
            self.velocity = (
                0.6 * vx + 0.4 * (x - last_x) / step,
                0.6 * vy + 0.4 * (y - last_y) / step,
            )
        else:
            self.velocity = (0.0, 0.0)
        if look:
            # Slowly, so that a hand in front of the face does not become the face.
            self.look = self.look + 0.15 * (seen.look - self.look)
            self.looked = time
        self.centre, self.size, self.time = seen.centre, seen.size, time

    def cost(self, seen: Sighting, time: float) -> float:
        """How badly the sighting fits; infinity where it cannot be this person."""
        gap = max(time - self.time, 0.0)
        look = float(np.linalg.norm(seen.look - self.look))
        if gap > _SHORT:
            return 10.0 + look if look < _ALIKE else math.inf
        ahead = min(gap, 0.5)
        expected = [p + v * ahead for p, v in zip(self.centre, self.velocity, strict=True)]
        size = max(self.size, seen.size)
        away = math.dist(seen.centre, expected) / size
        growth = abs(math.log(seen.size / self.size))
        near = away < 0.5 + gap and growth < 0.5 + gap
        if near and look < (_UNLIKE if gap < _FOLLOWED else _ALIKE * 1.5):
            return away + growth + 0.5 * look
        # It jumped: a cut, or a loss while it moved. Only looks can tell.
        return 5.0 + look if look < _ALIKE else math.inf


class Identities:
    """Hands out ids from 1; until a reset no id is given to somebody else."""

    def __init__(self) -> None:
        self._people: list[_Person] = []
        self._numbers = itertools.count(1)

    def assign(self, sightings: Sequence[Sighting], time: float) -> list[int]:
        """An id for each sighting of one frame.

        Args:
            sightings: the faces of the frame, in any order.
            time: seconds; frames come in rising time.
        """
        self._people = [p for p in self._people if time - p.time < _MEMORY]
        if len(sightings) == len(self._people) == 1:
            seen, alone = sightings[0], self._people[0]
            if alone.followed(seen, time):
                alone.update(seen, time, look=False)
                return [alone.id]
        chosen = self._match(sightings, time)
        ids = []
        for seen, person in zip(sightings, chosen, strict=True):
            if person is None:
                person = _Person(next(self._numbers), seen, time)
                self._people.append(person)
            else:
                person.update(seen, time)
            ids.append(person.id)
        if len(self._people) > _MOST_REMEMBERED:
            self._people.sort(key=lambda p: p.time)
            del self._people[:-_MOST_REMEMBERED]
        return ids

    def _match(self, sightings: Sequence[Sighting], time: float) -> list[_Person | None]:
        chosen: list[_Person | None] = [None] * len(sightings)
        if not sightings or not self._people:
            return chosen
        costs = np.array([[p.cost(s, time) for p in self._people] for s in sightings])
        if costs.shape == (1, 1):
            rows, columns = [0], [0]
        else:
            from scipy.optimize import linear_sum_assignment

            rows, columns = linear_sum_assignment(np.minimum(costs, 1e6))
        for row, column in zip(rows, columns, strict=True):
            if math.isfinite(costs[row, column]):
                chosen[row] = self._people[column]
        return chosen

    def reset(self) -> None:
        """Forget everybody and count from 1 again."""
        self._people.clear()
        self._numbers = itertools.count(1)
