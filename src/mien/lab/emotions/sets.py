"""``docs/data/<recipe>.md`` of a recipe of emotions: its sets by class, faces found, and copies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from ...arrays import Array
from ...outputs.files import replacing
from .. import eda, material
from ..datasets.samples import MISSED, SPLITS, Samples
from ..recipe import DataRecipe, Recipe

__all__ = ["page", "write"]


def write(recipe: Recipe, folder: Path, docs: Path) -> list[Path]:
    """Write the page of a recipe.

    Args:
        recipe: its data are read with the pictures in which no face was found.
        folder: where data sets lie.
        docs: of the documentation.

    Returns:
        the files.

    Raises:
        InputError: a data set that is not there.
        OutputError: when the system refuses.
    """
    sources = tuple(replace(source, engines=()) for source in recipe.data.sources)
    found = material.gather(replace(recipe, data=DataRecipe(sources)), folder)
    path = docs / "data" / f"{recipe.name}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part:
        part.write_text(page(recipe.name, found.samples, found.coverage), "utf-8")
    return [path]


def page(recipe: str, samples: Samples, coverage: Mapping[str, Mapping[str, int]]) -> str:
    """The page, Markdown.

    Args:
        recipe: its name.
        samples: of all its sources.
        coverage: by data set, see :func:`mien.lab.datasets.coverage`.
    """
    lines = [
        f"# Data of {recipe}",
        "",
        f"What the recipe `{recipe}` learns from and is scored on, as `mien explore` counts it;",
        "never by hand. Copies are pictures with the same pixels.",
    ]
    sources = np.array(samples.source)
    for name in dict.fromkeys(samples.source):
        some = samples.select(sources == name)
        lines += ["", f"## {name}", "", *_by_class(some), "", "| counted | pictures |", "|---|--:|"]
        lines += [f"| {what} | {count:,} |" for what, count in coverage.get(name, {}).items()]
        seen = some.select(_found(some))
        if len(seen):
            pose = "; ".join(
                f"{axis} {spread['p1']:.0f} to {spread['p99']:.0f}"
                for axis, spread in eda.summary(seen)["pose"].items()
            )
            lines += ["", f"98 of 100 heads that were found are turned by: {pose} degrees."]
    return "\n".join(lines) + "\n"


def _found(samples: Samples) -> Array:
    return np.array([engine != MISSED for engine in samples.engine], bool)


def _by_class(samples: Samples) -> list[str]:
    """A row for each class: how many of each part, and in how many a face was found."""
    split, classes, seen = np.array(samples.split), samples.target.argmax(1), _found(samples)
    parts = [part for part in SPLITS if part in samples.split]
    rows = ["| class | " + " | ".join(parts) + " | face found |", "|---" * (len(parts) + 2) + "|"]
    chosen = {name: classes == i for i, name in enumerate(samples.channels)}
    for name, mine in (chosen | {"all": np.ones(len(samples), bool)}).items():
        cells = []
        for part in parts:
            count, every = int((mine & (split == part)).sum()), int((split == part).sum())
            cells.append(f"{count:,}" + ("" if name == "all" else f" ({count / every:.1%})"))
        share = f"{seen[mine].mean():.1%}" if mine.any() and seen.any() else ""
        rows.append(f"| {name} | " + " | ".join(cells) + f" | {share} |")
    return rows
