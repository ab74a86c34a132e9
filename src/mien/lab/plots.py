"""Pictures of a training and of its scores, as PNG bytes that depend on the numbers alone.

Backgrounds are transparent and text is a middle grey, so that one picture does on light and dark
pages.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..arrays import Array, Float, Points, RGBImage
from ..topology import EDGES
from .metrics import VARIES

__all__ = ["channel_bars", "curves", "error_histogram", "face", "scatter"]

_INK = "#7d8590"
_FIRST, _SECOND = "#2f81f7", "#e8853d"
_DPI = 110
_MOST_POINTS = 1500  # in one scatter plot


def curves(history: Sequence[Mapping[str, float]]) -> bytes:
    """Training and validation loss by epoch; the best epoch is marked."""
    figure = Figure((7, 3.6))
    axes = figure.add_subplot()
    epochs = [row["epoch"] for row in history]
    axes.plot(epochs, [row["train"] for row in history], color=_SECOND, label="training")
    axes.plot(epochs, [row["validation"] for row in history], color=_FIRST, label="validation")
    if history:
        best = min(history, key=lambda row: row["validation"])
        axes.plot(best["epoch"], best["validation"], "o", color=_FIRST, label="best")
    axes.set(xlabel="epoch", ylabel="loss", yscale="log")
    return _png(figure, [axes])


def channel_bars(channels: Mapping[str, Mapping[str, Any]]) -> bytes:
    """Correlation (bar) and slope (dot) of each channel that varies, best first.

    Args:
        channels: name -> ``r``, ``slope`` and ``std``, as in the results.
    """
    shown = [n for n, c in channels.items() if c["std"] is not None and c["std"] > VARIES]
    shown.sort(key=lambda name: channels[name]["r"] or 0.0)
    figure = Figure((7, 1.1 + 0.21 * max(len(shown), 1)))
    axes = figure.add_subplot()
    places = np.arange(len(shown))
    axes.barh(places, [channels[n]["r"] or 0.0 for n in shown], 0.7, color=_FIRST, label="r")
    slopes = [math.nan if channels[n]["slope"] is None else channels[n]["slope"] for n in shown]
    axes.plot(slopes, places, "o", markersize=4, color=_SECOND, label="slope")
    axes.axvline(1, color=_INK, linewidth=0.8, linestyle=":")
    axes.set_yticks(places, shown)
    axes.set(xlim=(-0.2, 1.3), ylim=(-0.7, max(len(shown), 1) - 0.3))
    axes.tick_params(axis="y", labelsize=7)
    return _png(figure, [axes])


def scatter(
    truth: Float[Array, "n c"], prediction: Float[Array, "n c"], channels: Sequence[str]
) -> bytes:
    """Prediction over truth, a square for each channel that varies, at most thirty.

    The square is as wide as the larger of the two ranges, which its title says; on the diagonal
    both are equal.
    """
    deviation = np.array([_deviation(column) for column in truth.T])
    shown = [i for i in np.argsort(-deviation, kind="stable") if deviation[i] > VARIES][:30]
    across, every = 5, max(len(truth) // _MOST_POINTS, 1)
    down = max(math.ceil(len(shown) / across), 1)
    figure = Figure((9, 1.9 * down))
    axes = figure.add_subplot()  # one for all: thirty take seconds
    for place, i in enumerate(shown):
        pair = np.stack([truth[::every, i], prediction[::every, i]])
        pair = pair[:, ~np.isnan(pair).any(axis=0)]
        low, high = (float(pair.min()), float(pair.max())) if pair.size else (0.0, 1.0)
        left, bottom = place % across * 1.2, -(place // across) * 1.4
        x, y = (pair - low) / max(high - low, 1e-9)
        frame_x, frame_y = np.array([0, 1, 1, 0, 0, 1]), np.array([0, 0, 1, 1, 0, 1])
        axes.plot(frame_x + left, frame_y + bottom, color=_INK, linewidth=0.6)
        axes.plot(x + left, y + bottom, ".", markersize=2, alpha=0.5, color=_FIRST)
        title = f"{channels[i]}, {low:.2g} to {high:.2g}"
        axes.text(left, bottom + 1.06, title, fontsize=6.5, color=_INK)
    axes.set_aspect("equal")
    axes.set_axis_off()
    return _png(figure, [])


def error_histogram(truth: Float[Array, "n c"], prediction: Float[Array, "n c"]) -> bytes:
    """How the mean squared error spreads over the images."""
    error = (prediction - truth) ** 2
    known = ~np.isnan(error)
    each = np.nansum(error, axis=1)[known.any(1)] / known.sum(1)[known.any(1)]
    figure = Figure((7, 3))
    axes = figure.add_subplot()
    axes.hist(each, bins=60, color=_FIRST)
    if len(each):
        axes.axvline(float(each.mean()), color=_SECOND, label="mean")
    axes.set(xlabel="mean squared error of an image", ylabel="images", yscale="log")
    return _png(figure, [axes])


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
    axes.plot(*line.reshape(-1, 2).T, linewidth=0.4, color="#5eead4" if image is not None else _INK)
    centre, reach = points[:, :2].mean(0), 0.75 * np.ptp(points[:, :2], axis=0).max()
    axes.set_xlim(max(centre[0] - reach, 0), min(centre[0] + reach, size[0]))
    axes.set_ylim(min(centre[1] + reach, size[1]), max(centre[1] - reach, 0))
    axes.set_aspect("equal")
    axes.set_title(caption, fontsize=7, color=_INK)
    axes.set_axis_off()
    return _png(figure, [])


def _deviation(values: Float[Array, "n"]) -> float:
    known = values[~np.isnan(values)]
    return float(known.std()) if len(known) else 0.0


def _png(figure: Figure, every: Sequence[Axes], *, small: bool = False) -> bytes:
    for axes in every:
        axes.patch.set_alpha(0)
        axes.tick_params(which="both", colors=_INK, labelsize=6 if small else 8)
        for spine in axes.spines.values():
            spine.set_color(_INK)
        for label in (axes.xaxis.label, axes.yaxis.label):
            label.set_color(_INK)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(frameon=False, labelcolor=_INK, fontsize=8)
    figure.patch.set_alpha(0)
    figure.tight_layout()
    buffer = io.BytesIO()
    # Without matplotlib's version, so that the same numbers give the same bytes for longer.
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()
