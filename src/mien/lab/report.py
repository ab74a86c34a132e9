"""What people read of a training: one HTML file for a run, and ``docs/results.md`` for all heads.

The HTML file holds everything itself, pictures included, and may show faces of the data set: it
stays on the machine of the run. The page for all heads is made of ``results/*.json`` alone, hence
without faces, and the same results give the same page.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..outputs.files import replacing
from . import datasets, plots
from .evaluate import BY_POSITION, WHOLE, Answers
from .reach import TITLES as AIM_TITLES
from .reach import aims
from .recipe import Recipe

__all__ = ["results_page", "run_page", "write_results_page", "write_run_page"]

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --soft: #656d76; --line: #d1d9e0; --back: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --soft: #9198a1; --line: #3d444d; --back: #0d1117; }
}
body { margin: 0 auto; padding: 1rem; max-width: 60rem; color: var(--ink);
  background: var(--back); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
p, figcaption { color: var(--soft); }
img { max-width: 100%; height: auto; }
figure { margin: 1rem 0; }
.wide { overflow-x: auto; }
.wide img { min-width: 40rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: right;
  white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
pre { overflow-x: auto; font-size: .8rem; padding: .8rem; border: 1px solid var(--line);
  border-radius: 6px; }
"""

_GLOBAL = ("samples", "subjects", "r", "mae", "mse", "rmse", "r2", "image_mse", "worst_mse")
_TITLES = ("faces", "people", "r", "MAE", "MSE", "RMSE", "R2", "MSE per image", "worst image")
_LEAK = "Largest correlation of any channel with yaw or pitch, on neutral heads that turn."
_LEAK_TITLES = ("head", "landmarks", "part", "people", "largest r", "channel", "axis")
_NOT_SCORES = {
    WHOLE: "The part `all` holds the training images too: what it adds to a score is memory.",
    BY_POSITION: (
        "The part `by-position` is no head's: two lists of the truth itself, paired by position "
        "after each has lost different images. The system that mien continues published such a row "
        "(mean R2 -0.972) as that of its baseline, beside one over all images (0.567) as its own."
    ),
}
_COVERED = (
    "Pictures in which FaceMesh finds a face, and those of them in which the Face Landmarker, the "
    "teacher, finds one too. Only the latter are scored."
)
_COVERED_TITLES = ("data", "pictures", "damaged", "FaceMesh", "both")
_KEPT = (
    "Both eyes shut on made heads: what is said of heads turned 30 degrees to a side, as a share "
    "of what it says from the front; the smaller of both sides."
)
_KEPT_TITLES = ("head", "landmarks", "part", "people", "channel", "frontal", "kept")
_CALIBRATED = (
    "Made people whom the head has not seen are calibrated by the faces that the studio asks for, "
    "as the engine sees them drawn; then they make others. MAE against the truth of those."
)
_CALIBRATED_TITLES = ("head", "landmarks", "people", "faces", "before", "after", "after / before")
_CHANNEL = ("std", "r", "slope", "offset", "mae", "rmse", "r2")


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
    parts = [_facts(facts), "<h2>Scores</h2>", _table(_overview(results))]
    if leaks := _leaks([results]):
        parts += ["<h3>Pose leak</h3>", f"<p>{_LEAK}</p>", _table([_LEAK_TITLES, *leaks])]
    if kept := _kept([results]):
        parts += ["<h3>Turned blinks</h3>", f"<p>{_KEPT}</p>", _table([_KEPT_TITLES, *kept])]
    if gains := _calibrated([results]):
        table = _table([_CALIBRATED_TITLES, *gains])
        parts += ["<h3>Calibration</h3>", f"<p>{_CALIBRATED}</p>", table]
    if history:
        parts += ["<h2>Training</h2>", _image(plots.curves(history), "Loss by epoch.")]
    kinds = sorted({*zip(answers.source, answers.engine, strict=True)})
    for source, engine in kinds:
        row = _row(results, source, engine)
        if row is None or row["mse"] is None:
            continue
        pairs = zip(answers.source, answers.engine, strict=True)
        chosen = np.array([pair == (source, engine) for pair in pairs])
        truth, said = answers.truth[chosen], answers.prediction[chosen]
        scattered = plots.scatter(truth, said, answers.channels)
        parts += [
            f"<h2>{_text(source)}, landmarks of {_text(engine)}</h2>",
            _image(plots.channel_bars(row["channels"]), "Channels that vary, best first."),
            # Thirty small plots: on a phone they are better scrolled than squeezed.
            f'<div class="wide">{_image(scattered, "Prediction over truth.")}</div>',
            _image(plots.error_histogram(truth, said), "Errors of the images."),
            _worst(row, answers, data),
            "<h3>Channels</h3>",
            _table(_channel_rows(row["channels"])),
        ]
    settings = json.dumps(recipe.as_dict(), indent=2, ensure_ascii=False)
    parts += ["<h2>Recipe</h2>", f"<pre>{_text(settings)}</pre>"]
    return _page(f"{results['head']}: report", "\n".join(parts))


def write_results_page(results: Sequence[Mapping[str, Any]], docs: Path) -> list[Path]:
    """Write ``results.md`` and its plots, ``plots/<head>.png``.

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
                part.write_bytes(plots.channel_bars(row["channels"]))
            written.append(path)
    path = docs / "results.md"
    with replacing(path) as part:
        part.write_text(results_page(results), "utf-8")
    return [*written, path]


def results_page(results: Sequence[Mapping[str, Any]]) -> str:
    """The page about all heads, Markdown.

    Args:
        results: as in ``results/*.json``.
    """
    lines = [
        "# Results",
        "",
        "Generated by `mien report` from `results/*.json`, which `mien evaluate` writes; never by",
        "hand. Everybody in the test part is unknown to the heads, as far as the data say who is",
        "who; `fer2013` does not, and a picture counts as a person. r is the mean correlation over",
        "the channels that vary (standard deviation of the truth above 0.03), with the 95 %",
        "interval of a bootstrap by person; a channel that a head does not give counts as 0.",
        "Where the truth is the output of another model, the scores are agreement with it, not",
        "accuracy. R2 is over all numbers at once, mean R2 the mean over the channels that vary.",
        "",
        *_markdown(
            (
                "head",
                "data",
                "landmarks",
                "part",
                "faces",
                "people",
                "r",
                "MAE",
                "RMSE",
                "R2",
                "mean R2",
            ),
            [
                (
                    f"[{result['head']}](#{_anchor(result['head'])})",
                    row["source"],
                    row["engine"],
                    row["split"],
                    f"{row['samples']:,}",
                    f"{row['subjects']:,}",
                    _interval(row),
                    _number(row["mae"], 4),
                    _number(row["rmse"], 4),
                    _number(row["r2"]),
                    _number(row["r2_mean"]),
                )
                for result in results
                for row in result["sets"]
                if row["mse"] is not None
            ],
        ),
    ]
    if aimed := aims(results):
        lines += ["", "## Aims", "", *_markdown(AIM_TITLES, [aim.row() for aim in aimed])]
    if covered := _coverage(results):
        lines += ["", "## Coverage", "", _COVERED, "", *_markdown(_COVERED_TITLES, covered)]
    parts = {row["split"] for result in results for row in result["sets"]}
    lines += [
        line for part in sorted(parts & _NOT_SCORES.keys()) for line in ("", _NOT_SCORES[part])
    ]
    if leaks := _leaks(results):
        lines += ["", "## Pose leak", "", _LEAK, "", *_markdown(_LEAK_TITLES, leaks)]
    if kept := _kept(results):
        lines += ["", "## Turned blinks", "", _KEPT, "", *_markdown(_KEPT_TITLES, kept)]
    if gains := _calibrated(results):
        table = _markdown(_CALIBRATED_TITLES, gains)
        lines += ["", "## Calibration", "", _CALIBRATED, "", *table]
    for result in results:
        lines += ["", *_section(result)]
    return "\n".join(lines) + "\n"


def _section(result: Mapping[str, Any]) -> list[str]:
    lines = [f"## {result['head']}", ""]
    row = _first_scored(result)
    if row is None:
        return [*lines, "Nothing was scored."]
    for name in result["sets"]:
        if name["mse"] is not None and name["split"] == "test":
            lines += [
                f"- {name['source']}, {name['engine']}: the mean squared error of an image is "
                f"{_number(name['image_mse'], 4)}, of the worst {_number(name['worst_mse'], 4)} "
                f"(`{name['worst']}`); {name['given']} of {name['varying']} channels that vary "
                "are given."
            ]
    where = f"{row['source']}, {row['engine']}, {row['split']}"
    return [
        *lines,
        "",
        f"![Correlation and slope of each channel of {result['head']}](plots/{result['head']}.png)",
        "",
        f"By channel, on {where}:",
        "",
        *_markdown(("channel", *_CHANNEL), _channel_rows(row["channels"])[1:]),
    ]


def _first_scored(result: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return next((row for row in result["sets"] if row["mse"] is not None), None)


def _row(results: Mapping[str, Any], source: str, engine: str) -> Mapping[str, Any] | None:
    rows = results["sets"]
    return next((r for r in rows if (r["source"], r["engine"]) == (source, engine)), None)


def _overview(results: Mapping[str, Any]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("data", "landmarks", "part", *_TITLES)]
    for row in results["sets"]:
        figures = [str(row[k]) if k in _GLOBAL[:2] else _number(row[k], 4) for k in _GLOBAL]
        rows.append((row["source"], row["engine"], row["split"], *figures))
    return rows


def _channel_rows(channels: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, ...]]:
    scored = [(name, c) for name, c in channels.items() if c["count"]]
    rows = [(name, *(_number(c[k]) for k in _CHANNEL)) for name, c in scored]
    return [("channel", *_CHANNEL), *rows]


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
    return _image(shown, told)


def _leaks(results: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for result in results:
        for row in result["sets"]:
            if leak := row.get("pose_leak"):
                found = _number(leak["largest"]), leak["channel"] or "-", leak["axis"] or "-"
                people = f"{row['subjects']:,}"
                rows.append((result["head"], row["engine"], row["split"], people, *found))
    return rows


def _coverage(results: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    counted = {name: c for result in results for name, c in result.get("coverage", {}).items()}

    def share(counts: Mapping[str, int], engine: str) -> str:
        return f"{counts[engine]:,} ({counts[engine] / counts['pictures']:.1%})"

    return [
        (name, f"{c['pictures']:,}", f"{c['damaged']:,}", share(c, "facemesh"),
         share(c, "facelandmarker"))
        for name, c in sorted(counted.items())
    ]  # fmt: skip


def _kept(results: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    return [
        (result["head"], row["engine"], row["split"], f"{row['subjects']:,}", channel,
         _number(found["frontal"]), _number(found["kept"]))
        for result in results
        for row in result["sets"] if "kept" in row
        for channel, found in row["kept"]["channels"].items()
    ]  # fmt: skip


def _calibrated(results: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    return [
        (result["head"], row["engine"], str(gain["people"]), str(gain["faces"]),
         _number(gain["before"], 4), _number(gain["after"], 4), _number(gain["ratio"]))
        for result in results
        for row in result["sets"] if (gain := row.get("calibration"))
    ]  # fmt: skip


def _interval(row: Mapping[str, Any]) -> str:
    if row["r_interval"] is None:
        return _number(row["r"])
    low, high = row["r_interval"]
    return f"{_number(row['r'])} ({low:.3f}-{high:.3f})"


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _anchor(title: str) -> str:
    """How GitHub and others call the place of a heading."""
    return "".join(c for c in title.lower().replace(" ", "-") if c.isalnum() or c in "-_")


def _markdown(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    # Names of files may hold what a table is made of.
    cells = [[str(cell).replace("|", "\\|") for cell in row] for row in [titles, *rows]]
    lines = ["| " + " | ".join(row) + " |" for row in cells]
    return [lines[0], "|" + "---|" * len(titles), *lines[1:]]


def _facts(facts: Mapping[str, str]) -> str:
    rows = [f"<tr><td>{_text(k)}</td><td>{_text(v)}</td></tr>" for k, v in facts.items()]
    return f'<div class="wide"><table>{"".join(rows)}</table></div>'


def _table(rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{_text(c)}</{tag}>" for c in cells) + "</tr>"

    body = "\n".join(line(row, "td") for row in rows[1:])
    return f'<div class="wide"><table>{line(rows[0], "th")}\n{body}</table></div>'


def _image(png: bytes, caption: str) -> str:
    source = "data:image/png;base64," + base64.b64encode(png).decode()
    told = _text(caption)
    return f'<figure><img src="{source}" alt="{told}"><figcaption>{told}</figcaption></figure>'


def _text(value: str) -> str:
    return html.escape(value, quote=True)


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{_text(title)}</h1>\n{body}\n</body>\n</html>\n"
    )
