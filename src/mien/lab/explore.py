"""``docs/data/<recipe>.md``: the data sets of a recipe as numbers and pictures, without a face.

Two recipes can take different faces of one data set, hence a page for each recipe.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..outputs.files import replacing
from . import eda
from .material import Material

__all__ = ["page", "write"]

_CAPTIONS = {
    "pose": "yaw, pitch and roll of the heads",
    "channels": "mean, range and use of each channel that has a truth",
    "landmarks": "aligned points, and the canonical face in orange",
}


def write(material: Material, docs: Path, recipe: str) -> list[Path]:
    """Write the page of a recipe, ``data/<recipe>.md``, and its pictures into ``plots``.

    Returns:
        the files.

    Raises:
        OutputError: when the system refuses.
    """
    written, sections = [], {}
    sources = np.array(material.samples.source)
    for name in dict.fromkeys(material.samples.source):
        numbers, pictures = eda.look(material.samples.select(sources == name))
        sections[name] = numbers
        for kind, content in pictures.items():
            path = docs / "plots" / f"data-{recipe}-{name}-{kind}.png"
            with replacing(path) as part:
                part.write_bytes(content)
            written.append(path)
    path = docs / "data" / f"{recipe}.md"
    with replacing(path) as part:
        part.write_text(page(recipe, sections, material.coverage), "utf-8")
    return [*written, path]


def page(
    recipe: str,
    sections: Mapping[str, Mapping[str, Any]],
    coverage: Mapping[str, Mapping[str, int]],
) -> str:
    """The page, Markdown.

    Args:
        recipe: its name.
        sections: by data set, see :func:`mien.lab.eda.summary`.
        coverage: by data set, see :func:`mien.lab.datasets.coverage`.
    """
    lines = [
        f"# Data of {recipe}",
        "",
        f"What the recipe `{recipe}.toml` learns from and is scored on, as `mien explore` counts",
        f"it; never by hand. A channel is in use in a face where it is above {eda.ACTIVE}; a line",
        "spans 98 of 100 faces.",
    ]
    for name, numbers in sections.items():
        split = ", ".join(f"{count:,} {part}" for part, count in numbers["split"].items())
        engines = ", ".join(f"{count:,} {engine}" for engine, count in numbers["engines"].items())
        pose = "; ".join(
            f"{axis} {spread['p1']:.0f} to {spread['p99']:.0f}"
            for axis, spread in numbers["pose"].items()
        )
        lines += [
            "",
            f"## {name}",
            "",
            f"- {numbers['faces']:,} faces of {numbers['subjects']:,} people: {split}",
            f"- landmarks: {engines}",
            f"- 98 of 100 heads are turned by: {pose} degrees",
        ]
        if counts := coverage.get(name):
            lines.append("- " + ", ".join(f"{count:,} {what}" for what, count in counts.items()))
        known = [c for c, told in numbers["channels"].items() if told["known"]]
        absent = [c for c in numbers["channels"] if c not in known]
        if not known:
            lines.append("- no channel has a truth")
        elif len(known) < len(absent):
            lines.append(f"- channels with a truth, {len(known)}: {', '.join(known)}")
        elif absent:
            lines.append(f"- channels without a truth, {len(absent)}: {', '.join(absent)}")
        for kind, caption in _CAPTIONS.items():
            if known or kind != "channels":
                lines += ["", f"![{name}: {caption}](../plots/data-{recipe}-{name}-{kind}.png)"]
    return "\n".join(lines) + "\n"
