"""What ``mien explain`` writes: a page, a contact sheet, the numbers, and the maps as arrays.

They may show faces of the data set, and stay where they are written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...outputs.files import must_be_new, replacing, write_json_atomic
from ...outputs.image import write_image
from .. import html_page
from ..plots import INK
from . import draw
from .explaining import Case, Mean
from .landmarks import by_part

__all__ = ["FILES", "Story", "check_free", "page", "table", "write"]

FILES = ("index.html", "sheet.png", "explain.json", "maps.npz")

_HEAT = (
    "Heat is Grad-CAM (Selvaraju et al., 2017): the maps of the net's last convolutions, each "
    "weighted by the gradient of the class's score. It is coarse, and shows only what spoke for "
    "the class."
)
_POINTS = (
    "Colours on the mesh are integrated gradients (Sundararajan et al., 2017): what each landmark "
    "brought to the score of the class, on the way from the baseline to this face. Orange spoke "
    "for the class, blue against it. The number in a panel is how much higher the score is than "
    "that of the baseline, which is what all landmarks and the turn of the head brought together; "
    "1 more is 2.7 times the odds."
)
_SCALE = (
    "The maps of one picture share a scale, and pictures do not: the strongest colour is the "
    "strongest of that picture."
)
_NOT = (
    "This is what moved a number, and not a reason. A map can look sensible where a net is wrong, "
    "and odd where it is right; it says nothing of what would happen if the face were another. It "
    "shows what the net reacts to, faults of the data among it. A face is not a feeling."
)


@dataclass(frozen=True)
class Story:
    """What is told beside the pictures.

    Attributes:
        title: of page and sheet.
        told: in a line, what is shown of how much.
        facts: of net and data, by title.
        notes: what has to be minded.
    """

    title: str
    told: str
    facts: Mapping[str, str]
    notes: Sequence[str] = ()


def check_free(folder: Path, *, overwrite: bool) -> None:
    """Refuse a folder that holds an earlier explanation.

    Raises:
        OutputError: it is there, and may not be replaced.
    """
    for name in FILES:
        must_be_new(folder / name, overwrite=overwrite)


def write(folder: Path, story: Story, cases: Sequence[Case], means: Sequence[Mean]) -> list[Path]:
    """Write everything.

    Returns:
        the files.

    Raises:
        OutputError: when the system refuses.
    """
    paths = [folder / name for name in FILES]
    with replacing(paths[0]) as part:
        part.write_text(page(story, cases, means), "utf-8")
    write_image(paths[1], draw.sheet(story.title, story.told, cases, means))
    write_json_atomic(paths[2], table(story, cases, means))
    arrays = _arrays(cases)
    with replacing(paths[3]) as part, part.open("wb") as file:
        np.savez_compressed(file, **arrays)
    return paths


def page(story: Story, cases: Sequence[Case], means: Sequence[Mean]) -> str:
    """The HTML page; it holds everything itself."""
    shown = draw.kinds(cases)
    told = [_HEAT] * (False in shown) + [_POINTS] * (True in shown) + [_SCALE]
    parts = [html_page.facts(story.facts)]
    parts += [f"<p>{html_page.text(note)}</p>" for note in story.notes]
    parts += [f"<p>{html_page.text(line)}</p>" for line in told]
    for points in shown:
        name = "Landmarks" if points else "Heat"
        parts.append(html_page.image(draw.png(draw.legend(points, INK, 380)), name, "face"))
    parts += [
        f"<p><strong>{html_page.text(_NOT)}</strong></p>",
        "<h2>Pictures</h2>",
        f"<p>{html_page.text(story.told)}</p>",
        html_page.grid([_figure(case) for case in cases], "plots"),
    ]
    if means:
        parts += [
            "<h2>On average</h2>",
            "<p>Of the first pictures of each class that were told rightly: heat over their mean "
            "picture, each scaled by its strongest place first; landmarks over the canonical "
            "face.</p>",
            html_page.grid([_mean_figure(mean) for mean in means], "tiles"),
        ]
        if rows := _parts(means):
            parts += [
                "<p>What the parts of the face brought to the score of the class.</p>",
                html_page.table(rows),
            ]
    return html_page.page(story.title, "\n".join(parts))


def table(story: Story, cases: Sequence[Case], means: Sequence[Mean]) -> dict[str, Any]:
    """All numbers but the maps themselves, as JSON has them."""
    return {
        "title": story.title,
        "facts": dict(story.facts),
        "notes": list(story.notes),
        "pictures": [_numbers(case) for case in cases],
        "means": [
            {"class": mean.towards, "pictures": mean.pictures, "parts": _rounded(_of(mean))}
            for mean in means
        ],
    }


def _figure(case: Case) -> str:
    told = [draw.headline(case), Path(case.name).name]
    for one in case.maps:
        if one.moved is not None:
            brought = _strongest(by_part(one.moved.points) | {"turn": one.moved.turn})
            told.append(f"for {one.towards}: {brought}")
    return html_page.image(draw.png(draw.row(case)), "; ".join(told))


def _mean_figure(mean: Mean) -> str:
    caption = f"{mean.towards}, {mean.of}"
    return html_page.image(draw.png(draw.mean_row(mean)), caption)


def _strongest(brought: Mapping[str, float], most: int = 4) -> str:
    names = sorted(brought, key=lambda name: -abs(brought[name]))
    return ", ".join(f"{name} {draw.signed(brought[name])}" for name in names[:most])


def _of(mean: Mean) -> dict[str, float]:
    return {} if mean.points is None else by_part(mean.points) | {"turn": mean.turn}


def _parts(means: Sequence[Mean]) -> list[tuple[str, ...]]:
    """A row for each class; none for a net that sees no landmarks."""
    found = [(mean.towards, _of(mean)) for mean in means if mean.points is not None]
    if not found:
        return []
    rows = [(name, *(draw.signed(value, 2) for value in parts.values())) for name, parts in found]
    return [("class", *found[0][1]), *rows]


def _numbers(case: Case) -> dict[str, Any]:
    maps = []
    for one in case.maps:
        row: dict[str, Any] = {"class": one.towards}
        if one.heat is not None:
            row["hottest"] = round(float(one.heat.max()), 4)
        if one.moved is not None:
            parts = by_part(one.moved.points) | {"turn": one.moved.turn}
            row |= {
                "change": round(one.moved.change, 4),
                "gap": round(one.moved.gap, 6),
                "parts": _rounded(parts),
            }
        maps.append(row)
    return {
        "name": case.name,
        "truth": case.truth,
        "told": case.told,
        "probabilities": _rounded(case.probabilities),
        "maps": maps,
    }


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in values.items()}


def _arrays(cases: Sequence[Case]) -> dict[str, Any]:
    """Row by row: whose map, of which class, and the maps there are."""
    rows = [(case, one) for case in cases for one in case.maps]
    arrays: dict[str, Any] = {
        "name": np.array([case.name for case, _ in rows]),
        "towards": np.array([one.towards for _, one in rows]),
    }
    if all(one.heat is not None for _, one in rows):
        arrays["heat"] = np.array([one.heat for _, one in rows])
    brought = [np.full(478, np.nan) if m.moved is None else m.moved.points for _, m in rows]
    if any(one.moved is not None for _, one in rows):
        arrays["points"] = np.array(brought, np.float32)
    return arrays
