"""What people read of a training: one HTML file for a run, and ``docs/results.md`` for all heads.

The HTML file holds everything itself, pictures included, and may show faces of the data set: it
stays on the machine of the run. The page for all heads is made of ``results/*.json`` alone, hence
without faces, and the same results give the same page.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import heads
from ..arrays import Array
from ..outputs.files import replacing
from . import datasets, html_page, plots, rows
from .bench import detection_page, families
from .bench import page as emotions_page
from .evaluate import BY_POSITION, PREDICTORS, WHOLE, Answers, read_results
from .html_page import image, text
from .reach import TITLES as AIM_TITLES
from .reach import aims
from .recipe import Recipe

__all__ = [
    "read_heads",
    "results_page",
    "run_page",
    "write_pages",
    "write_results_page",
    "write_run_page",
]

_PARTS = {
    "test": (
        "people whom no head has seen, as far as the data say who is who; `fer2013` does not, and "
        "a picture counts as a person."
    ),
    WHOLE: "the training images too: what it adds to a score is memory.",
    BY_POSITION: (
        "no head's: two lists of the truth itself, paired by position after each has lost "
        "different images. The system that mien continues published such a row (mean R2 -0.972) as "
        "that of its baseline, beside one over all images (0.567) as its own."
    ),
}
_GROUPS = {
    "Heads": "They ship with mien. seed10 is there to compare with, not to use.",
    "Baseline": "It needs no training.",
    "Experiments": (
        "They do not ship, and nothing uses them. seed10-extra is told the teacher's own pose and "
        "shape, which nobody has without running the teacher: its scores are no head's to reach."
    ),
}
_SCORES = ("r", "mae", "rmse", "r2", "r2_mean", "image_mse", "worst_mse")
_RUN_TITLES = (
    "data", "landmarks", "part", "faces", "people", "channels", "r", "MAE", "RMSE", "R2", "mean R2",
    "MSE per image", "worst image",
)  # fmt: skip
_TITLES = (
    "head", "data", "landmarks", "part", "faces", "people", "r", "channels", "MAE", "RMSE", "R2",
    "mean R2",
)  # fmt: skip


def write_run_page(
    path: Path,
    recipe: Recipe,
    results: Mapping[str, Any],
    answers: Answers,
    history: Sequence[Mapping[str, float]],
    data: Path,
    facts: Mapping[str, str],
) -> None:
    """Write :func:`run_page`.

    Raises:
        OutputError: when the system refuses.
    """
    with replacing(path) as part:
        part.write_text(run_page(recipe, results, answers, history, data, facts), "utf-8")


def run_page(
    recipe: Recipe,
    results: Mapping[str, Any],
    answers: Answers,
    history: Sequence[Mapping[str, float]],
    data: Path,
    facts: Mapping[str, str],
) -> str:
    """The HTML page of one run.

    Args:
        recipe: what was trained.
        results: as :func:`mien.lab.evaluate.evaluate` gives them.
        answers: to the samples of the first split.
        history: a row for each epoch; empty for a head that was not trained.
        data: folder of the data sets, for the pictures of the worst faces.
        facts: lines for the head of the page, by title.
    """
    parts = [html_page.facts(facts), "<h2>Scores</h2>", html_page.table(_overview(results))]
    meanings = "\n".join(
        f"<dt>{text(word)}</dt><dd>{_plain(meaning)}</dd>" for word, meaning in rows.READING.items()
    )
    parts.append(html_page.details("How to read it", f"<dl>{meanings}</dl>"))
    for title, told, table in (
        ("Pose leak", rows.LEAK, rows.leaks([results])),
        ("Turned blinks", rows.KEPT, rows.kept([results])),
        ("Calibration", rows.CALIBRATED, rows.calibrated([results])),
    ):
        if table:
            parts += [f"<h3>{title}</h3>", f"<p>{_plain(told)}</p>", html_page.table(table)]
    if history:
        parts += ["<h2>Training</h2>", image(plots.curves(history), "The best epoch is marked.")]
    pairs = list(zip(answers.source, answers.engine, strict=True))
    splits = [row["split"] for row in results["sets"] if row["split"] != BY_POSITION]
    for row in results["sets"]:
        source, engine = row["source"], row["engine"]
        chosen = np.array([pair == (source, engine) for pair in pairs])
        if row["split"] not in splits[:1] or row["mse"] is None or not chosen.any():
            continue
        truth, said = answers.truth[chosen], answers.prediction[chosen]
        parts += [
            f"<h2>{text(source)}, landmarks of {text(engine)}</h2>",
            html_page.grid(
                [
                    _bars(results["head"], row),
                    f"<div>{_errors(truth, said)}{_worst(row, answers, data)}</div>",
                ],
                "plots",
            ),
            "<h3>Prediction over truth</h3>",
            "<p>Truth to the right, prediction upwards, both in the range that stands below; on "
            "the diagonal they are equal.</p>",
            html_page.grid(
                [
                    image(square.png, f"{square.channel}\n{square.low:.2g} to {square.high:.2g}")
                    for square in plots.squares(truth, said, answers.channels)
                ],
                "squares",
            ),
            html_page.details("All channels as a table", html_page.table(rows.channels(row))),
        ]
    settings = json.dumps(recipe.as_dict(), indent=2, ensure_ascii=False)
    parts += ["<h2>Recipe</h2>", f"<pre>{text(settings)}</pre>"]
    return html_page.page(f"{results['head']}: report", "\n".join(parts))


def read_heads(results: Path) -> list[dict[str, Any]]:
    """Results of heads; none where there are only those of emotions or of detection.

    Raises:
        InputError: no results of anything, or a file that holds none.
    """
    others = any(any((results / name).glob("*.json")) for name in ("emotions", "detection"))
    return [] if others and not any(results.glob("*.json")) else read_results(results)


def write_pages(results: Path, docs: Path) -> list[Path]:
    """Write all that is made of results alone, with the plots.

    Args:
        results: a folder with ``*.json``, ``emotions/*.json``, ``emotions/search/*.json`` and
            ``detection/*.json``.
        docs: folder of the documentation.

    Returns:
        the files.

    Raises:
        InputError: no results, or a file that holds none.
        OutputError: when the system refuses.
    """
    emotions = families.read(results / "emotions")
    searches = families.searches(results / "emotions" / "search")
    written = write_results_page(read_heads(results), docs, emotions)
    written += emotions_page.write(emotions, searches, docs)
    return written + detection_page.write(detection_page.read(results), docs)


def write_results_page(
    results: Sequence[Mapping[str, Any]], docs: Path, emotions: Sequence[Mapping[str, Any]] = ()
) -> list[Path]:
    """Write ``results.md`` and its plots, ``plots/<head>.png``.

    Args:
        results: as in ``results/*.json``.
        docs: folder of the documentation.
        emotions: as in ``results/emotions/*.json``.

    Returns:
        the files.

    Raises:
        OutputError: when the system refuses.
    """
    written = []
    for result in results:
        row = _first_scored(result)
        if row is not None:
            path = docs / "plots" / f"{result['head']}.png"
            with replacing(path) as part:
                part.write_bytes(plots.channel_bars(row["channels"], _where(result["head"], row)))
            written.append(path)
    path = docs / "results.md"
    with replacing(path) as part:
        part.write_text(results_page(results, emotions), "utf-8")
    return [*written, path]


def results_page(
    results: Sequence[Mapping[str, Any]], emotions: Sequence[Mapping[str, Any]] = ()
) -> str:
    """The page about all heads, Markdown: those that ship first, then the baseline, emotions.

    Args:
        results: as in ``results/*.json``.
        emotions: as in ``results/emotions/*.json``.
    """
    groups = _grouped(results)
    results = [result for group in groups.values() for result in group]
    parts = {row["split"] for result in results for row in result["sets"]}
    lines = [
        "# Results",
        "",
        "Generated by `mien report` from `results/*.json`, which `mien evaluate` writes; never by",
        "hand. Where the truth is the output of another model, as on photographs, the scores are",
        "agreement with it, not accuracy.",
        "",
        *(f"- **part `{part}`**: {told}" for part, told in _PARTS.items() if part in parts),
        *(f"- **{word}**: {meaning}" for word, meaning in rows.READING.items()),
    ]
    for title, group in groups.items():
        scored = [(result, row) for result in group for row in result["sets"]
                  if row["mse"] is not None]  # fmt: skip
        if scored:
            table = [_score(result["head"], row) for result, row in scored]
            lines += ["", f"## {title}", "", _GROUPS[title], "", *rows.markdown(_TITLES, table)]
    if aimed := aims(results):
        lines += ["", "## Aims", "", "On the test part, of the heads that ship.", ""]
        lines += rows.markdown(AIM_TITLES, [aim.row() for aim in aimed])
    for title, told, found in (
        ("Coverage", rows.COVERED, rows.coverage(results)),
        ("Pose leak", rows.LEAK, rows.leaks(results)),
        ("Turned blinks", rows.KEPT, rows.kept(results)),
        ("Calibration", rows.CALIBRATED, rows.calibrated(results)),
    ):
        if found:
            lines += ["", f"## {title}", "", told, "", *rows.markdown(found[0], found[1:])]
    lines += emotions_page.section(emotions)
    for title, group in groups.items():
        for result in group:
            lines += ["", *_section(result, title)]
    return "\n".join(lines) + "\n"


def _grouped(
    results: Sequence[Mapping[str, Any]],
) -> dict[str, list[Mapping[str, Any]]]:
    """Results by title of :data:`_GROUPS`, in its order."""
    shipped = list(heads.shipped())
    groups: dict[str, list[Mapping[str, Any]]] = {title: [] for title in _GROUPS}
    for result in results:
        name = result["head"]
        kind = "Heads" if name in shipped else "Baseline" if name in PREDICTORS else "Experiments"
        groups[kind].append(result)
    return groups


def _score(head: str, row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        f"[{head}](#{_anchor(head)})",
        row["source"],
        row["engine"],
        row["split"],
        rows.faces(row),
        f"{row['subjects']:,}",
        rows.interval(row),
        rows.counted(row),
        rows.number(row["mae"], 4),
        rows.number(row["rmse"], 4),
        rows.number(row["r2"]),
        rows.number(row["r2_mean"]),
    )


def _section(result: Mapping[str, Any], group: str) -> list[str]:
    lines = [f"## {result['head']}", ""]
    if group == "Experiments":
        lines += ["An experiment; it does not ship.", ""]
    row = _first_scored(result)
    if row is None:
        return [*lines, "Nothing was scored."]
    for name in result["sets"]:
        if name["mse"] is not None and name["split"] == "test":
            lines += [
                f"- {name['source']}, {name['engine']}: the mean squared error of an image is "
                f"{rows.number(name['image_mse'], 4)}, of the worst "
                f"{rows.number(name['worst_mse'], 4)} (`{name['worst']}`); {name['given']} of "
                f"{name['varying']} channels that vary are given."
            ]
    where = _where(result["head"], row)
    lines += ["", f"![Correlation and slope of each channel of {result['head']}]"
              f"(plots/{result['head']}.png)", ""]  # fmt: skip
    if absent := rows.missing(row):
        lines += [f"Not given: {', '.join(absent)}.", ""]
    table = rows.channels(row)
    return [*lines, f"By channel, {where}:", "", *rows.markdown(table[0], table[1:])]


def _where(head: str, row: Mapping[str, Any]) -> str:
    return f"{head} on {row['source']}, {row['engine']}, {row['split']}"


def _first_scored(result: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return next((row for row in result["sets"] if row["mse"] is not None), None)


def _overview(results: Mapping[str, Any]) -> rows.Rows:
    table: rows.Rows = [_RUN_TITLES]
    for row in results["sets"]:
        counts = rows.faces(row), f"{row['subjects']:,}", rows.counted(row)
        figures = [rows.number(row[key], 4) for key in _SCORES]
        table.append((row["source"], row["engine"], row["split"], *counts, *figures))
    return table


def _bars(head: str, row: Mapping[str, Any]) -> str:
    drawn = plots.channel_bars(row["channels"], _where(head, row))
    return image(drawn, "Channels that vary, best first.")


def _errors(truth: Array, said: Array) -> str:
    return image(plots.error_histogram(truth, said), "Errors of the images.")


def _worst(row: Mapping[str, Any], answers: Answers, data: Path) -> str:
    place = next(
        i
        for i, key in enumerate(zip(answers.source, answers.engine, answers.names, strict=True))
        if key == (row["source"], row["engine"], row["worst"])
    )
    width, height = (int(v) for v in answers.size[place])
    picture = datasets.picture(row["source"], data, row["worst"])
    shown = plots.face(answers.pixels[place], (width, height), picture)
    gone = "" if picture is not None else " (its picture cannot be shown)"
    told = f"The worst image, {row['worst']}{gone}: mean squared error {row['worst_mse']:.4f}."
    return image(shown, told, "face")


def _plain(told: str) -> str:
    """Our own words, in which names stand between backticks, as HTML."""
    pieces = text(told).split("`")
    return "".join(f"<code>{p}</code>" if i % 2 else p for i, p in enumerate(pieces))


def _anchor(title: str) -> str:
    """How GitHub and others call the place of a heading."""
    return "".join(c for c in title.lower().replace(" ", "-") if c.isalnum() or c in "-_")
