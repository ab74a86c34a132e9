"""Emotions in ``docs/results.md``, and ``docs/emotions.md``: made of results alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...outputs.files import replacing
from ..reach import TITLES as AIM_TITLES
from ..rows import Rows, markdown, number, probability
from . import families, pictures
from .aims import aims
from .answers import answers
from .families import Entry, entries

__all__ = ["details", "section", "write"]

_TITLES = (
    "method", "looks at", "accuracy (95 %)", "mirror too", "of found", "found", "macro F1",
    "minutes", "µs a face", "p to the next",
)  # fmt: skip
_ALL_TITLES = (
    "method", "looks at", "accuracy", "95 %", "mirror too", "of found", "balanced", "precision",
    "recall", "F1", "AUC", "calibration error", "found", "minutes", "µs a face", "parameters",
    "bytes", "p to the next",
)  # fmt: skip
_READING = {
    "accuracy": (
        "over all pictures. One in which no face was found is wrong for a method that needs "
        "landmarks; left out, methods would be scored on different pictures. The interval is 95 % "
        "of a bootstrap over pictures."
    ),
    "mirror too": "the mean of what is said of the picture and of its mirror image. All other "
    "figures are of one look.",
    "of found": "accuracy over the pictures that the method says something about.",
    "p to the next": (
        "of McNemar's exact test, on all pictures, against the row below: how often chance alone "
        f"makes equals differ so much. Neighbours with {families.SAME} or more are not told apart. "
        "It is not corrected for the number of rows."
    ),
    "minutes": "of training: time of the processor over the number of threads, which is somewhat "
    "less than the clock shows where nothing else runs, as threads wait for each other; of runs in "
    "which that was not measured, by the clock and without pauses, as on a GPU, which is said. Of "
    "a method that is made of other nets, theirs too.",
    "µs a face": "median of the net or classifier alone, on one thread; finding landmarks is not "
    "in it.",
    "balanced, precision, recall, F1": "means over the classes, over all pictures.",
    "AUC": "mean over the classes of the area under the ROC curve, one against the rest, over "
    "found ones.",
    "calibration error": "by how much confidence and accuracy differ, over found ones, in 15 bins.",
}
_SHORT = ("accuracy", "mirror too", "of found", "p to the next", "minutes", "µs a face")
_MISSED = "missed"


def write(tables: Sequence[Mapping[str, Any]], searches: Sequence[Mapping[str, Any]], docs: Path
          ) -> list[Path]:  # fmt: skip
    """Write ``emotions.md`` and its plots, ``plots/emotions-*.png``.

    Args:
        tables: see :func:`mien.lab.bench.families.read`.
        searches: see :func:`mien.lab.bench.families.searches`.
        docs: folder of the documentation.

    Raises:
        OutputError: when the system refuses.
    """
    found = entries(tables)
    if not found:
        return []
    written = []
    drawn = pictures.drawn(found) | {
        f"search-{table['name']}": pictures.trials(table) for table in searches
    }
    for name, data in drawn.items():
        path = docs / "plots" / f"emotions-{name}.png"
        with replacing(path) as part:
            part.write_bytes(data)
        written.append(path)
    path = docs / "emotions.md"
    with replacing(path) as part:
        part.write_text(details(tables, searches), "utf-8")
    return [*written, path]


def section(tables: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lines for the page of all results; none without results."""
    found = entries(tables)
    if not found:
        return []
    lines = [
        "",
        "## Emotions",
        "",
        f"Seven classes on {_pictures(found)} of FER-2013's PublicTest, on which everything was",
        "chosen. [All figures of every method](emotions.md), by class too. Some of these",
        "pictures are in Training as well; the [page of the data](data/emotion-residual.md)",
        "says how many.",
        "",
        *(f"- **{word}**: {_READING[word]}" for word in _SHORT),
        "",
        *markdown(_TITLES, [_row(found, place) for place in range(len(found))]),
        "",
        *_plot("time", "Accuracy over the time that a face takes"),
        "",
        "### What was aimed at",
        "",
        *markdown(AIM_TITLES, [aim.row() for aim in aims(found)]),
        "",
        "### The study's questions",
        "",
        "The study whose models these are asked how far reconstructions of the face in 3D get",
        "against its pictures, which reconstruction is best, and what they cost.",
    ]
    for question, answer in answers(found):
        lines += ["", f"**{question}** {answer}"]
    lines += [
        "",
        *_plot("found", "Accuracy where a face was found and where none was"),
        "",
        "### Beside the study",
        "",
        "The study's numbers are of another part of FER-2013, on which it also chose settings and",
        "stopped training, and of found faces alone where a model needs landmarks. Compare them",
        "with ours of found ones, and with caution. Ours on pictures see 48 x 48 pixels. How a",
        "net began and how many epochs it was given stand at the end of its row: in few, a large",
        "one shows little of what it can reach.",
        "",
        *markdown(
            ("study", "looks at", "study's accuracy", "study's training", "ours", "of found",
             "of all", "minutes", "begins with", "most epochs"),
            _beside(found),
        ),
    ]  # fmt: skip
    if rows := _private(tables):
        lines += ["", "### PrivateTest", "", "The part that nothing was chosen on.", ""]
        lines += markdown(("method", "accuracy (95 %)", "mirror too", "of found", "looks"), rows)
    return lines


def details(tables: Sequence[Mapping[str, Any]], searches: Sequence[Mapping[str, Any]]) -> str:
    """The page about every method, Markdown."""
    found = entries(tables)
    classes = list(found[0].table["classes"])
    best = families.best_of_each(found)
    lines = [
        "# Emotions, method by method",
        "",
        "Generated by `mien report` from `results/emotions/*.json`, which `mien bench emotions`",
        "and `mien evaluate` write; never by hand. What it comes to is in the",
        "[results](results.md#emotions). A face is not a feeling: what is scored here is which of",
        "seven words people gave a picture.",
        "",
        f"All figures are of {_pictures(found)} of FER-2013's PublicTest.",
        "",
        *(f"- **{word}**: {told}" for word, told in _READING.items()),
        "",
        "## All figures",
        "",
        *markdown(_ALL_TITLES, [_all(found, place) for place in range(len(found))]),
        "",
        "## F1 by class",
        "",
        *markdown(("method", *classes), _by_class(found, classes, "f1")),
        "",
        *_plot("classes", "F1 by class of the best method of each kind"),
        "",
        "## Precision and recall by class",
        "",
        *markdown(("method", *classes), _by_class(found, classes, "precision", "recall")),
        "",
        "## AUC by class",
        "",
        *markdown(("method", *classes), _by_class(found, classes, "auc")),
        "",
        "## Confusion",
        "",
        "What pictures of each class were told as, of the best method of each kind: rows are the",
        "truth, in percent of it.",
    ]
    for entry in best:
        lines += ["", f"{entry.name}, {entry.looks_at}:", "", *_confusion(entry, classes)]
    lines += ["", *_plot("confusion", "Confusion of the best method of each kind")]
    lines += ["", "## Reliability", "", *_plot("reliability", "Accuracy over confidence")]
    if pairs := _experiments(found):
        lines += ["", "## What a change brings", "", *markdown(pairs[0], pairs[1:])]
    if rows := _elsewhere(tables):
        lines += [
            "",
            "## On other sets",
            "",
            "Every picture of them but copies of those that a method was trained on, where these",
            "were there to look at.",
            "",
        ]
        lines += markdown(
            ("method", "set", "pictures", "accuracy (95 %)", "of found", "balanced", "macro F1"),
            rows,
        )
    for table in searches:
        lines += ["", f"## Search: {table['name']}", "", *_search(table)]
    return "\n".join(lines) + "\n"


def _pictures(found: Sequence[Entry]) -> str:
    return f"{found[0].row['pictures']:,} pictures"


def _plot(name: str, told: str) -> list[str]:
    return [f"![{told}](plots/emotions-{name}.png)"]


def _next(found: Sequence[Entry], place: int) -> str:
    if place + 1 == len(found):
        return "-"
    return probability(families.versus(found[place], found[place + 1]).p)


def _minutes(table: Mapping[str, Any]) -> str:
    return number(table.get("minutes"), 1) + (" (GPU)" if table.get("gpu") else "")


def _row(found: Sequence[Entry], place: int) -> tuple[str, ...]:
    entry = found[place]
    row, table = entry.row, entry.table
    low, high = row["accuracy_interval"]
    return (
        entry.name,
        entry.looks_at,
        f"{row['accuracy']:.3f} ({low:.3f}-{high:.3f})",
        number(entry.mirror["accuracy"] if entry.mirror else None),
        number(row["accuracy_found"]),
        f"{row['found'] / row['pictures']:.1%}",
        number(row["macro_f1"]),
        _minutes(table),
        number(table.get("microseconds"), 0),
        _next(found, place),
    )


def _all(found: Sequence[Entry], place: int) -> tuple[str, ...]:
    entry = found[place]
    row, table = entry.row, entry.table
    low, high = row["accuracy_interval"]
    parameters = table.get("parameters")
    return (
        entry.name,
        entry.looks_at,
        number(row["accuracy"]),
        f"{low:.3f}-{high:.3f}",
        number(entry.mirror["accuracy"] if entry.mirror else None),
        number(row["accuracy_found"]),
        *(number(row[key]) for key in ("balanced", "macro_precision", "macro_recall", "macro_f1")),
        number(row["macro_auc"]),
        number(row["calibration_error"]),
        f"{row['found']:,}",
        _minutes(table),
        number(table.get("microseconds"), 0),
        "-" if parameters is None else f"{parameters:,}",
        f"{table['bytes']:,}",
        _next(found, place),
    )


def _by_class(found: Sequence[Entry], classes: Sequence[str], *keys: str) -> Rows:
    def cell(entry: Entry, name: str) -> str:
        return " / ".join(number(entry.row[key][name], 2) for key in keys)

    return [(entry.name, *(cell(entry, name) for name in classes)) for entry in found]


def _confusion(entry: Entry, classes: Sequence[str]) -> list[str]:
    rows: Rows = []
    for name, counts in zip(classes, entry.row["confusion"], strict=True):
        whole = max(sum(counts), 1)
        rows.append((name, *(f"{100 * count / whole:.0f}" for count in counts)))
    return markdown(("truth", *classes, _MISSED), rows)


def _beside(found: Sequence[Entry]) -> Rows:
    by_name = {entry.name: entry for entry in found}
    rows: Rows = []
    for model in families.STUDY:
        theirs = model.model, model.looks_at, number(model.accuracy, 2), model.training
        for name in model.methods:
            ours = by_name.get(name)
            if ours is None:
                rows.append((*theirs, name, "not measured", "not measured", "-", "-", "-"))
            else:
                of_found = number(ours.row["accuracy_found"])
                minutes = _minutes(ours.table)
                recipe = ours.table["recipe"]
                begins = Path(recipe.get("net", {}).get("weights") or "random weights").name
                epochs = str(recipe.get("train", {}).get("epochs", "-"))
                accuracy = number(ours.accuracy)
                rows.append((*theirs, name, of_found, accuracy, minutes, begins, epochs))
    return rows


def _private(tables: Sequence[Mapping[str, Any]]) -> Rows:
    rows: Rows = []
    for table in tables:
        found = {row["mirror"]: row for row in table["sets"] if row["split"] == "test"}
        if False in found:
            row, looks = found[False], len(table.get("private", ()))
            low, high = row["accuracy_interval"]
            mirror = number(found[True]["accuracy"] if True in found else None)
            times = "one" if looks == 1 else f"{looks}: other weights were scored on it before"
            accuracy = f"{row['accuracy']:.3f} ({low:.3f}-{high:.3f})"
            cells = table["method"], accuracy, mirror, number(row["accuracy_found"]), times
            rows.append(cells)
    return rows


def _elsewhere(tables: Sequence[Mapping[str, Any]]) -> Rows:
    rows: Rows = []
    now = {table["method"]: table["sha256"] for table in tables if "on" not in table}
    for table in tables:
        # Those of weights that have been trained anew since say nothing of the ones above.
        if "on" in table and now.get(table["method"], table["sha256"]) == table["sha256"]:
            row = next(row for row in table["sets"] if not row["mirror"])
            low, high = row["accuracy_interval"]
            accuracy = f"{row['accuracy']:.3f} ({low:.3f}-{high:.3f})"
            figures = (number(row[key]) for key in ("accuracy_found", "balanced", "macro_f1"))
            rows.append((table["method"], table["on"], f"{row['pictures']:,}", accuracy, *figures))
    return rows


def _experiments(found: Sequence[Entry]) -> Rows:
    by_name = {entry.name: entry for entry in found}
    rows: Rows = []
    for change, one, other in families.EXPERIMENTS:
        if one in by_name and other in by_name:
            a, b = by_name[one], by_name[other]
            p = probability(families.versus(a, b).p)
            figures = number(a.accuracy), number(b.accuracy), f"{a.accuracy - b.accuracy:+.3f}", p
            rows.append((change, one, other, *figures, ", ".join(families.apart(a, b))))
    titles = (
        "change", "with", "without", "accuracy with", "without", "gain", "p", "recipes differ in",
    )  # fmt: skip
    return [titles, *rows] if rows else []


def _search(table: Mapping[str, Any]) -> list[str]:
    trials = sorted(table["trials"], key=lambda t: (t["accuracy"] is None, -(t["accuracy"] or 0)))
    names = list(table["space"])
    rows = [
        (str(t["number"]), *(str(t["settings"][name]) for name in names),
         number(t["accuracy"]), number(t["minutes"], 1))
        for t in trials
    ]  # fmt: skip
    return [
        f"Of `{table['recipe']}`, {table['method']}: {len(trials)} of {table['wanted']} trials,",
        "judged by the accuracy over all pictures of PublicTest.",
        "",
        *markdown(("trial", *names, "accuracy", "minutes"), rows),
        "",
        *_plot(f"search-{table['name']}", f"Accuracy of the trials of {table['name']}"),
    ]
