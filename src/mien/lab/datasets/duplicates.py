"""Pictures that a data set holds more than once.

A picture of the train part that is in the validation part too lets a net recite what it is asked;
one that has two classes cannot be told rightly by anybody.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...arrays import Array, Bool, Int, UInt8
from .samples import SPLITS

__all__ = ["Duplicates", "copies", "in_later_parts"]


@dataclass(frozen=True)
class Duplicates:
    """Copies in a data set, by the decoded pixels.

    Attributes:
        repeated: pictures that are there more than once, each counted once.
        spare: pictures that could go without a picture being lost.
        across: by two parts, pictures of the first of which there is a copy in the second.
        contradictory: pictures of which two copies have other classes, each counted once.
    """

    repeated: int
    spare: int
    across: Mapping[tuple[str, str], int]
    contradictory: int

    def as_counts(self) -> dict[str, int]:
        """As words with numbers."""
        table = {"more than once": self.repeated, "copies to spare": self.spare}
        table |= {f"{one} in {other} too": n for (one, other), n in self.across.items()}
        return table | {"with copies of another class": self.contradictory}


def copies(
    digest: UInt8[Array, "n d"], split: Sequence[str], classes: Int[Array, "n"]
) -> Duplicates:
    """Count copies.

    Args:
        digest: equal for copies alone.
        split: part of each picture.
        classes: of each picture.
    """
    group, count = _groups(digest)
    parts = np.array(split, dtype=object)
    held = {part: np.unique(group[parts == part]) for part in SPLITS}
    across = {
        (one, other): int(np.isin(group[parts == one], held[other]).sum())
        for one, other in itertools.combinations(SPLITS, 2)
        if len(held[one]) and len(held[other])
    }
    kinds = np.unique(np.stack([group, classes.astype(np.int64)], 1), axis=0)[:, 0]
    return Duplicates(
        repeated=int((count > 1).sum()),
        spare=len(group) - len(count),
        across=across,
        contradictory=int((np.bincount(kinds, minlength=len(count)) > 1).sum()),
    )


def in_later_parts(digest: UInt8[Array, "n d"], split: Sequence[str]) -> Bool[Array, "n"]:
    """The pictures of the train part of which there is a copy in another part."""
    group, _ = _groups(digest)
    training = np.array([part == "train" for part in split], bool)
    shared: Array = training & np.isin(group, group[~training])
    return shared


def _groups(digest: UInt8[Array, "n d"]) -> tuple[Int[Array, "n"], Int[Array, "m"]]:
    """Number of the group of copies that each picture is in, and how many are in each group."""
    _, group, count = np.unique(digest, axis=0, return_inverse=True, return_counts=True)
    return group.reshape(-1).astype(np.int64), count
