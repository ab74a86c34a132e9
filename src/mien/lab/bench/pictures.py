"""Plots of methods side by side, as PNG bytes that depend on the results alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from ..plots import FIRST, INK, SECOND, WIDTH, png
from . import families
from .families import Entry

__all__ = ["drawn", "trials"]

_COLOURS = dict(
    zip(
        families.ORDER,
        ("#2f81f7", "#8b6fe0", "#e8853d", "#d1a400", "#2ea078", "#d1495b", "#8c6d5a", "#17becf"),
        strict=True,
    )
)
_SHORT = 4  # letters of a class beside a confusion matrix


def drawn(found: Sequence[Entry]) -> dict[str, bytes]:
    """All plots by name.

    Args:
        found: see :func:`mien.lab.bench.families.entries`; one at least.
    """
    best = families.best_of_each(found)
    return {
        "time": _time(found),
        "found": _found(found, best),
        "confusion": _confusion(best),
        "reliability": _reliability(best),
        "classes": _classes(best),
    }


def _time(found: Sequence[Entry]) -> bytes:
    """Accuracy over the time of a face; a line for what nothing quicker beats."""
    timed = [entry for entry in found if entry.table.get("microseconds")]
    figure = Figure((WIDTH, 3.6))
    axes = figure.add_subplot()
    for name, colour in _COLOURS.items():
        some = [entry for entry in timed if entry.looks_at == name]
        if some:
            x = [entry.table["microseconds"] for entry in some]
            y = [entry.accuracy for entry in some]
            low, high = np.array([entry.row["accuracy_interval"] for entry in some]).T
            reach = np.maximum([np.array(y) - low, high - np.array(y)], 0)
            axes.errorbar(
                x, y, reach, fmt="o", markersize=4, linewidth=0.8, color=colour, label=name
            )
    front: list[Entry] = []
    for entry in sorted(timed, key=lambda e: (e.table["microseconds"], -e.accuracy)):
        if not front or entry.accuracy > front[-1].accuracy:
            front.append(entry)
    axes.plot(
        [e.table["microseconds"] for e in front], [e.accuracy for e in front],
        color=INK, linewidth=0.8, linestyle=":",
    )  # fmt: skip
    axes.set(xscale="log", xlabel="µs a face, one thread", ylabel="accuracy of all pictures")
    axes.set_title("Accuracy over time, with 95 % intervals")
    return png(figure, [axes])


def _found(found: Sequence[Entry], best: Sequence[Entry]) -> bytes:
    """Accuracy where a face was found and where none was."""
    seen = families.found_faces(found)
    figure = Figure((WIDTH, 1.5 + 0.34 * len(best)))
    axes = figure.add_subplot()
    there = np.ones(best[0].row["pictures"], bool) if seen is None else seen
    parts = (("found", there, -0.2, FIRST), ("not found", ~there, 0.2, SECOND))
    for name, which, shift, colour in parts:
        if which.any():
            shares = [entry.bits("right")[which].mean() for entry in best]
            places = np.arange(len(best)) + shift
            axes.barh(places, shares, 0.36, color=colour, label=f"{name}: {which.sum():,}")
    axes.set_yticks(np.arange(len(best)), [f"{e.looks_at}" for e in best])
    axes.set(ylim=(len(best) - 0.4, -0.6), xlim=(0, 1), xlabel="accuracy")
    axes.set_title("The best of each kind, by whether a face was found")
    return png(figure, [axes])


def _confusion(best: Sequence[Entry]) -> bytes:
    """What each class was told as, a square for the best of each representation."""
    columns = 2
    lines = -(-len(best) // columns)
    figure = Figure((WIDTH, 0.3 + 2.5 * lines))
    every = []
    for place, entry in enumerate(best):
        axes = figure.add_subplot(lines, columns, place + 1)
        names = [name[:_SHORT] for name in entry.table["classes"]]
        counts = np.array(entry.row["confusion"], float)
        shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
        missed = bool(counts[:, -1].any())
        shares = shares if missed else shares[:, :-1]
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        for (row, column), share in np.ndenumerate(shares):
            axes.text(
                column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=5.5,
                color="white" if share > 0.5 else "#57606a",
            )  # fmt: skip
        axes.set_xticks(range(shares.shape[1]), [*names, "miss"][: shares.shape[1]], rotation=60)
        axes.set_yticks(range(len(names)), names)
        axes.set_title(f"{entry.looks_at}, {entry.accuracy:.3f}")
        every.append(axes)
    return png(figure, every)


def _reliability(best: Sequence[Entry]) -> bytes:
    """How often a method is right when it is so sure."""
    figure = Figure((WIDTH, 4.2))
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle=":")
    for entry in best:
        bins = np.array(entry.row["reliability"]).reshape(-1, 3)
        axes.plot(
            bins[:, 1], bins[:, 2], "o-", markersize=3, linewidth=1.1,
            color=_COLOURS[entry.looks_at], label=entry.looks_at,
        )  # fmt: skip
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="accuracy of found ones")
    axes.set_title("Reliability of the best of each kind")
    return png(figure, [axes])


def _classes(best: Sequence[Entry]) -> bytes:
    """F1 of each class."""
    classes = list(best[0].table["classes"])
    figure = Figure((WIDTH, 3.6))
    axes = figure.add_subplot()
    for place, entry in enumerate(best):
        shift = (place - (len(best) - 1) / 2) * 0.09
        axes.plot(
            [entry.row["f1"][name] for name in classes], np.arange(len(classes)) + shift, "o",
            markersize=4, color=_COLOURS[entry.looks_at], label=entry.looks_at,
        )  # fmt: skip
    axes.set_yticks(np.arange(len(classes)), classes)
    axes.set(ylim=(len(classes) - 0.5, -0.5), xlim=(0, 1), xlabel="F1, over all pictures")
    axes.grid(axis="x", color=INK, alpha=0.25, linewidth=0.6)
    axes.set_title("F1 by class, the best of each kind")
    return png(figure, [axes])


def trials(table: Mapping[str, Any]) -> bytes:
    """Accuracy of the trials of a search over each of its settings."""
    names = list(table["space"])
    done = [trial for trial in table["trials"] if trial["accuracy"] is not None]
    figure = Figure((WIDTH, 0.4 + 1.9 * len(names)))
    every = []
    for place, name in enumerate(names):
        axes = figure.add_subplot(len(names), 1, place + 1)
        values = [trial["settings"][name] for trial in done]
        accuracy = [trial["accuracy"] for trial in done]
        numbers = all(_number(v) and v > 0 for v in values)
        choices = _choices(values)
        at = values if numbers else [choices.index(str(v)) for v in values]
        axes.plot(at, accuracy, "o", markersize=4, color=FIRST)
        if done:
            top = int(np.argmax(accuracy))
            axes.plot(at[top], accuracy[top], "o", markersize=7, fillstyle="none", color=SECOND)
        if numbers and values and max(values) > 10 * min(values):
            axes.set_xscale("log")
        elif numbers:
            axes.xaxis.set_major_formatter(ScalarFormatter())
        else:
            axes.set_xticks(range(len(choices)), choices)
        axes.set(xlabel=name, ylabel="accuracy")
        every.append(axes)
    return png(figure, every)


def _choices(values: Sequence[Any]) -> list[str]:
    """Each value once, as it is written: numbers rise, and words and lists come after them."""
    written = {str(value): value for value in values}
    return sorted(written, key=lambda w: (0, written[w], w) if _number(written[w]) else (1, 0, w))


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
