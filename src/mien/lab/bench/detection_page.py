"""The table and the plot of what detection missed: ``results/detection/*.json`` -> pages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from ...errors import InputError
from ...outputs.files import replacing, write_json_atomic
from .. import plots
from ..rows import markdown
from .detection import ANNOTATED, Score

__all__ = ["STUDY", "page", "picture", "read", "save", "write"]

STUDY: tuple[tuple[str, int, int, int], ...] = (
    ("V1", 1971, 41, 22), ("V2", 2133, 56, 29), ("V3", 1969, 43, 23), ("V4", 2047, 63, 24),
    ("V5", 1831, 32, 26),
)  # fmt: skip
"""Video, total, missing and wrong frames as the paper reports them; about 24 ms a frame."""

_TITLES = ("video", "frames", "missing", "wrong", "accuracy", "ms a frame", "against")
_NAME = "detection"


def save(scores: Sequence[Score], engine: str, folder: Path) -> Path:
    """Write ``detection/<engine>.json``; videos that were scored there before, and now not, stay.

    Another video of the same name gets the name of its folder before its own.

    Raises:
        InputError: what lies there holds no such results.
        OutputError: the system refuses.
    """
    path = folder / _NAME / f"{engine}.json"
    videos = list(_table(path)["videos"]) if path.is_file() else []
    for each in scores:
        row = each.as_dict()
        same = next((old for old in videos if old["video"] == each.video), row)
        if same.get("digest", each.digest) != each.digest:
            row["video"] = f"{each.folder}/{each.video}"
        videos = [old for old in videos if old["video"] != row["video"]] + [row]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json_atomic(path, {"engine": engine, "videos": videos})
    return path


def read(folder: Path) -> list[Mapping[str, Any]]:
    """All that :func:`save` wrote into a folder of results, by engine.

    Raises:
        InputError: a file that holds no such results.
    """
    return [_table(path) for path in sorted((folder / _NAME).glob("*.json"))]


def _table(path: Path) -> Mapping[str, Any]:
    try:
        table: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
        _rows(table)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} holds no results of detection ({error!r})") from None
    return table


def write(tables: Sequence[Mapping[str, Any]], docs: Path) -> list[Path]:
    """Write ``detection.md`` and its plots; nothing without results.

    Raises:
        OutputError: the system refuses.
    """
    if not tables:
        return []
    written = []
    for table in tables:
        path = docs / "plots" / f"{_NAME}-{table['engine']}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part:
            part.write_bytes(picture(table))
        written.append(path)
    path = docs / f"{_NAME}.md"
    with replacing(path) as part:
        part.write_text(page(tables), "utf-8")
    return [*written, path]


def page(tables: Sequence[Mapping[str, Any]]) -> str:
    """``docs/detection.md``."""
    lines = [
        "# Detection",
        "",
        "Written by `mien bench detection`; do not edit. A frame is *missing* where a face is",
        "there and was not found, *wrong* where one was seen that is not there; accuracy is the",
        "share of the others. A video with a file `VIDEO.faces.csv` beside it is counted against",
        "that. For the others FaceMesh and the Face Landmarker, without tracking, and OpenCV's",
        "cascade for frontal faces vote on each frame: a face is there where two agree, and one",
        "that none of them sees is wrong. Two of these are related to what is tried, so such a row",
        "tells how steady detection is, not how good.",
        "",
    ]
    for table in tables:
        lines += [
            f"## {table['engine']}",
            "",
            *markdown(_TITLES, _rows(table)),
            "",
            f"![Accuracy and time by video](plots/{_NAME}-{table['engine']}.png)",
            "",
        ]
    frames, missing, wrong = (sum(column) for column in list(zip(*STUDY, strict=True))[1:])
    body = [*STUDY, ("total", frames, missing, wrong)]
    lines += [
        "## As the paper reports it",
        "",
        '"Dynamic Facial Expression Capture and 3D Animation Using Deep Learning", on its own five',
        "videos, which nobody else has, with about 24 ms a frame:",
        "",
        *markdown(
            ("video", "frames", "missing", "wrong", "accuracy"),
            [(n, f"{f:,}", str(m), str(w), f"{1 - (m + w) / f:.1%}") for n, f, m, w in body],
        ),
        "",
    ]
    return "\n".join(lines)


def _rows(table: Mapping[str, Any]) -> list[tuple[str, ...]]:
    rows = [
        (
            row["video"], f"{row['frames']:,}", str(row["missing"]), str(row["wrong"]),
            _percent(row["accuracy"]), f"{row['milliseconds']:.1f}",
            "annotations" if row["truth"] == ANNOTATED else "vote",
        )
        for row in table["videos"]
    ]  # fmt: skip
    frames, missing, wrong = (
        sum(row[key] for row in table["videos"]) for key in ("frames", "missing", "wrong")
    )
    share = 1 - (missing + wrong) / frames if frames else None
    return [*rows, ("total", f"{frames:,}", str(missing), str(wrong), _percent(share), "", "")]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def picture(table: Mapping[str, Any]) -> bytes:
    """Accuracy and time a frame, a row for each video."""
    videos = table["videos"]
    figure = Figure((plots.WIDTH, 1.1 + 0.26 * max(len(videos), 1)))
    left, right = figure.subplots(1, 2, sharey=True)
    places = range(len(videos))[::-1]
    left.barh(places, [100 * (row["accuracy"] or 0) for row in videos], 0.6, color=plots.FIRST)
    left.set_yticks(list(places), [Path(row["video"]).stem for row in videos])
    left.set(xlim=(0, 102), title="Accuracy, %")
    right.barh(places, [row["milliseconds"] for row in videos], 0.6, color=plots.SECOND)
    right.set(title="ms a frame")
    return plots.png(figure, [left, right])
