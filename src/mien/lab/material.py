"""What a recipe learns from and is scored on: its sources, read, filtered and masked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..arrays import Array, Bool, Float
from ..errors import InputError
from . import datasets
from .datasets.samples import SPLITS, Samples
from .recipe import Recipe, SourceRecipe

__all__ = ["Material", "gather"]


@dataclass(frozen=True, eq=False)
class Material:
    """All samples of all sources of a recipe, in the order of the recipe.

    Attributes:
        samples: with the channels that the recipe's output has.
        weight: float64 (n,), how often each is seen in an epoch.
        squared: bool (n,), whether errors on it are squared in any case.
        coverage: by data set, see :func:`mien.lab.datasets.coverage`.
    """

    samples: Samples
    weight: Float[Array, "n"]
    squared: Bool[Array, "n"]
    coverage: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def part(self, split: str) -> Material:
        """One part of the split, without the sources that are for tests only unless it is those.

        Raises:
            InputError: nobody is in it.
        """
        chosen = np.array([s == split for s in self.samples.split], bool)
        if split != "test":
            chosen &= self.weight > 0
        if not chosen.any():
            people = len(set(self.samples.subjects))
            raise InputError(
                f"the {split} part is empty: {len(self.samples)} samples of {people} people. "
                "People are assigned to parts by the hash of their name, where the data set does "
                "not say so itself; add more of them, or the pictures of this part"
            )
        return replace(
            self,
            samples=self.samples.select(chosen),
            weight=self.weight[chosen],
            squared=self.squared[chosen],
        )


def gather(recipe: Recipe, folder: Path) -> Material:
    """Read the sources of a recipe.

    Args:
        recipe: what to read.
        folder: where data sets lie.

    Raises:
        InputError: a source that is unknown or not there, or of which nothing is left.
    """
    parts = [_read(source, recipe, folder) for source in recipe.data.sources]
    samples = Samples.concat(parts)
    lengths = [len(part) for part in parts]
    _check_subjects(samples)
    weights = np.array([source.weight for source in recipe.data.sources], np.float64)
    squared = np.array([source.squared for source in recipe.data.sources], bool)
    covered = {
        source.name: datasets.coverage(source.name, folder, source.options)
        for source in recipe.data.sources
    }
    return Material(
        samples,
        np.repeat(weights, lengths),
        np.repeat(squared, lengths),
        {name: counts for name, counts in covered.items() if counts},
    )


def _read(source: SourceRecipe, recipe: Recipe, folder: Path) -> Samples:
    samples = datasets.read(source.name, folder, source.options)
    if source.engines:
        there = sorted(set(samples.engine))
        samples = samples.select(np.array([e in source.engines for e in samples.engine], bool))
        if missing := set(source.engines) - set(there):
            raise InputError(
                f"{source.name}: there are no landmarks of {', '.join(sorted(missing))}; "
                f"there are those of {', '.join(there) or 'no engine'}"
            )
    if not len(samples):
        raise InputError(f"{source.name}: there are no samples with these options")
    if not set(samples.channels) & set(recipe.channels):
        raise InputError(
            f"{source.name} knows {', '.join(samples.channels[:3])}, ...; "
            f"{recipe.output} is about {', '.join(recipe.channels[:3])}, ..."
        )
    samples = samples.with_channels(recipe.channels)
    return samples.only(source.targets) if source.targets else samples


def _check_subjects(samples: Samples) -> None:
    """Nobody is on both sides, whatever splits the sources bring with them."""
    where: dict[tuple[str, str], str] = {}
    for source, subject, split in zip(samples.source, samples.subjects, samples.split, strict=True):
        if where.setdefault((source, subject), split) != split:
            raise InputError(
                f"{subject} of {source} is in the {where[source, subject]} part and in the {split} "
                f"part; one of {', '.join(SPLITS)} is for one person"
            )
