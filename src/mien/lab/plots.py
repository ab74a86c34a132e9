"""Pictures of a training and of its scores, as PNG bytes that depend on the numbers alone.

Backgrounds are transparent and text is a middle grey, so that one picture does on light and dark
pages. They are as wide as a phone with letters that can be read there; a page may show them larger.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from ..arrays import Array, Float, Points, RGBImage
from ..topology import EDGES
from .metrics import VARIES

__all__ = [
    "FIRST",
    "INK",
    "SECOND",
    "WIDTH",
    "Square",
    "channel_bars",
    "curves",
    "error_histogram",
    "face",
    "png",
    "squares",
]

INK = "#7d8590"
FIRST, SECOND = "#2f81f7", "#e8853d"
WIDTH = 4.6
"""Of a picture, inches."""

_DPI = 160
_MOST_POINTS = 1500  # in one square
_SIDE = 120  # pixels of a square


@dataclass(frozen=True)
class Square:
    """Prediction (upwards) over truth (to the right) of one channel.

    Attributes:
        channel: its name.
        low: of both axes, in units of the channel.
        high: of both axes.
        png: the points, and the diagonal on which both are equal.
    """

    channel: str
    low: float
    high: float
    png: bytes


def curves(history: Sequence[Mapping[str, float]]) -> bytes:
    """Training and validation loss by epoch; the best epoch is marked."""
    figure = Figure((WIDTH, 2.8))
    axes = figure.add_subplot()
    epochs = [row["epoch"] for row in history]
    axes.plot(epochs, [row["train"] for row in history], color=SECOND, label="training")
    axes.plot(epochs, [row["validation"] for row in history], color=FIRST, label="validation")
    if history:
        best = min(history, key=lambda row: row["validation"])
        axes.plot(best["epoch"], best["validation"], "o", color=FIRST, label="best")
    axes.set(xlabel="epoch", ylabel="loss", yscale="log", title="Loss by epoch")
    return png(figure, [axes])


def channel_bars(channels: Mapping[str, Mapping[str, Any]], title: str) -> bytes:
    """Correlation (bar) and slope (dot) of each channel that varies, best first.

    A channel that the head does not give is hatched: nothing was said of it, which is not 0.

    Args:
        channels: name -> ``r``, ``slope``, ``std`` and ``count``, as in the results.
        title: whose they are, on what.
    """
    shown = [n for n, c in channels.items() if c["std"] is not None and c["std"] > VARIES]
    given = [n for n in shown if channels[n]["count"]]
    given.sort(key=lambda name: channels[name]["r"] or 0.0)
    missing = [n for n in shown if not channels[n]["count"]]
    names = [*missing, *given]
    figure = Figure((WIDTH, 1.25 + 0.17 * max(len(names), 1)))
    axes = figure.add_subplot()
    places = np.arange(len(missing), len(names))
    axes.barh(places, [channels[n]["r"] or 0.0 for n in given], 0.7, color=FIRST, label="r")
    slopes = [np.nan if channels[n]["slope"] is None else channels[n]["slope"] for n in given]
    axes.plot(slopes, places, "o", markersize=3.5, color=SECOND, label="slope")
    if missing:
        axes.barh(
            range(len(missing)), 1, 0.7, color="none", edgecolor=INK, hatch="/////",
            linewidth=0, alpha=0.45, label="not given",
        )  # fmt: skip
    axes.axvline(1, color=INK, linewidth=0.8, linestyle=":")
    axes.set_yticks(np.arange(len(names)), names)
    seen = [v for v in slopes if np.isfinite(v)]
    low = min(0.0, *(channels[n]["r"] or 0.0 for n in given), *seen, -0.05)
    axes.set(xlim=(max(low * 1.1, -1), min(max(1.1, *seen, 0) * 1.03, 2)))
    axes.set(ylim=(-0.7, max(len(names), 1) - 0.3), title=title)
    return png(figure, [axes])


def squares(
    truth: Float[Array, "n c"], prediction: Float[Array, "n c"], channels: Sequence[str]
) -> list[Square]:
    """Prediction over truth of channels that vary and are given, the livelier first, at most 30.

    A square is as wide as the larger of the two ranges.
    """
    known = np.where(np.isnan(prediction), np.nan, truth)
    deviation = np.array([_deviation(column) for column in known.T])
    shown = [i for i in np.argsort(-deviation, kind="stable") if deviation[i] > VARIES][:30]
    every = max(len(truth) // _MOST_POINTS, 1)
    found = []
    for i in shown:
        pair = np.stack([truth[::every, i], prediction[::every, i]])
        pair = pair[:, ~np.isnan(pair).any(axis=0)]
        if pair.size:
            low, high = float(pair.min()), float(pair.max())
            x, y = (pair - low) / max(high - low, 1e-9)
            found.append(Square(channels[i], low, high, _square(x, y)))
    return found


def _square(x: Float[Array, "n"], y: Float[Array, "n"]) -> bytes:
    """Dots in 0..1, three pixels wide; the more lie on each other, the less shines through."""
    dots = np.zeros((_SIDE, _SIDE), np.int64)
    column = np.rint(x * (_SIDE - 3)).astype(int) + 1
    row = _SIDE - 2 - np.rint(y * (_SIDE - 3)).astype(int)
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            np.add.at(dots, (row + down, column + across), 1)
    pixels = np.zeros((_SIDE, _SIDE, 4), np.uint8)
    pixels[np.arange(_SIDE)[::-1], np.arange(_SIDE)] = _rgba(INK, 160)
    pixels[dots > 0] = _rgba(FIRST, 0)
    pixels[dots > 0, 3] = np.minimum(90 + 40 * dots[dots > 0], 255)
    buffer = io.BytesIO()
    Image.fromarray(pixels, "RGBA").save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _rgba(colour: str, alpha: int) -> tuple[int, int, int, int]:
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue, alpha


def error_histogram(truth: Float[Array, "n c"], prediction: Float[Array, "n c"]) -> bytes:
    """How the mean squared error spreads over the images."""
    error = (prediction - truth) ** 2
    known = ~np.isnan(error)
    each = np.nansum(error, axis=1)[known.any(1)] / known.sum(1)[known.any(1)]
    figure = Figure((WIDTH, 2.6))
    axes = figure.add_subplot()
    axes.hist(each, bins=60, color=FIRST)
    if len(each):
        axes.axvline(float(each.mean()), color=SECOND, label="mean")
    axes.set(xlabel="mean squared error of an image", ylabel="images", yscale="log")
    axes.set_title("How the errors spread")
    return png(figure, [axes])


def face(points: Points, size: tuple[int, int], image: RGBImage | None, caption: str = "") -> bytes:
    """A face with its mesh, on its picture where there is one.

    Args:
        points: picture coordinates.
        size: width and height of the picture.
        image: the picture.
        caption: below it.
    """
    figure = Figure((4, 4))
    axes = figure.add_subplot()
    if image is not None:
        axes.imshow(image)
    segments = points[EDGES, :2]
    line = np.full((len(segments), 3, 2), np.nan)
    line[:, :2] = segments
    axes.plot(*line.reshape(-1, 2).T, linewidth=0.4, color="#5eead4" if image is not None else INK)
    centre, reach = points[:, :2].mean(0), 0.75 * np.ptp(points[:, :2], axis=0).max()
    axes.set_xlim(max(centre[0] - reach, 0), min(centre[0] + reach, size[0]))
    axes.set_ylim(min(centre[1] + reach, size[1]), max(centre[1] - reach, 0))
    axes.set_aspect("equal")
    axes.set_title(caption, fontsize=7, color=INK)
    axes.set_axis_off()
    return png(figure, [])


def _deviation(values: Float[Array, "n"]) -> float:
    known = values[~np.isnan(values)]
    return float(known.std()) if len(known) else 0.0


def png(figure: Figure, every: Sequence[Axes], columns: int = 3) -> bytes:
    """Draw a figure of these axes: grey text, legends above, no background.

    Args:
        figure: what to draw.
        every: its axes.
        columns: of a legend.
    """
    for axes in every:
        axes.patch.set_alpha(0)
        axes.tick_params(which="both", colors=INK, labelsize=8)
        for spine in axes.spines.values():
            spine.set_color(INK)
        for label in (axes.xaxis.label, axes.yaxis.label):
            label.set(color=INK, fontsize=9)
        entries = len(axes.get_legend_handles_labels()[0])
        if entries:  # above the axes: inside it would hide what it explains
            axes.legend(
                frameon=False, labelcolor=INK, fontsize=8, ncols=min(columns, entries),
                loc="lower center", bbox_to_anchor=(0.5, 1.0), borderaxespad=0.2,
            )  # fmt: skip
        lines = -(-entries // columns)
        axes.set_title(axes.get_title(), fontsize=9, color=INK, pad=6 + 16 * lines)
    figure.patch.set_alpha(0)
    figure.tight_layout()
    buffer = io.BytesIO()
    # Without matplotlib's version, so that the same numbers give the same bytes for longer.
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()
