"""``docs/data.md``: the data sets of a recipe as numbers and pictures, without a face in them."""

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
    "pose": "Yaw, pitch and roll of the heads.",
    "channels": "Mean, spread and use of each channel.",
    "landmarks": "Aligned points, and the canonical face in orange.",
}


def write(material: Material, docs: Path) -> list[Path]:
    """Write the page, and its pictures into ``plots``.

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
            path = docs / "plots" / f"data-{name}-{kind}.png"
            with replacing(path) as part:
                part.write_bytes(content)
            written.append(path)
    path = docs / "data.md"
    with replacing(path) as part:
        part.write_text(page(sections, material.coverage), "utf-8")
    return [*written, path]


def page(
    sections: Mapping[str, Mapping[str, Any]], coverage: Mapping[str, Mapping[str, int]]
) -> str:
    """The page, Markdown.

    Args:
        sections: by data set, see :func:`mien.lab.eda.summary`.
        coverage: by data set, see :func:`mien.lab.datasets.coverage`.
    """
    lines = [
        "# Data",
        "",
        "What the heads learn from, as `mien explore` counts it; never by hand. A channel is in",
        f"use in a face where it is above {eda.ACTIVE}.",
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
        for kind, caption in _CAPTIONS.items():
            lines += ["", f"![{name}: {caption}](plots/data-{name}-{kind}.png)"]
    return "\n".join(lines) + "\n"
