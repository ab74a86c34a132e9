"""What is in a data set: pose, channels, coverage, as numbers and as pictures.

Everything works on :class:`Samples`, whatever data set they are from::

    summary, pictures = eda.look(samples)
    eda.write(samples, Path("out"))     # summary.json and the PNGs
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..arrays import Array, Float
from ..geometry import euler_from_matrix
from ..outputs.files import replacing
from ..topology import CANONICAL
from .datasets.samples import SPLITS, Samples
from .plots import FIRST, INK, SECOND, WIDTH, png

__all__ = ["angles", "look", "summary", "write"]

ACTIVE = 0.1
"""A channel is in use in a face when it is above this."""

_ANGLES = ("yaw", "pitch", "roll")
_MOST = 4000  # points or faces in one picture
_TICKS = (-50, -25, 0, 25, 50)


def look(samples: Samples) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Numbers (see :func:`summary`), and pictures as PNG by name: pose, channels, landmarks.

    Without a truth about any channel there is no picture of them.

    Raises:
        ValueError: no samples.
    """
    if not len(samples):
        raise ValueError("there is nothing to look at in a data set without samples")
    turned = angles(samples)
    numbers = summary(samples, turned)
    whose = ", ".join(numbers["sources"])
    pictures = {"pose": _pose(turned, f"{whose}: how heads are turned")}
    known = {name: told for name, told in numbers["channels"].items() if told["known"]}
    if known:  # an empty row would look like a channel that rests
        pictures["channels"] = _channels(known, f"{whose}: channels with a truth")
    pictures["landmarks"] = _landmarks(samples, f"{whose}: aligned points")
    return numbers, pictures


def write(samples: Samples, folder: Path) -> dict[str, Any]:
    """Write :func:`look` into a folder: ``summary.json`` and a PNG for each picture.

    Returns:
        the numbers.
    """
    numbers, pictures = look(samples)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in pictures.items():
        with replacing(folder / f"{name}.png") as part:
            part.write_bytes(content)
    with replacing(folder / "summary.json") as part:
        part.write_text(json.dumps(numbers, indent=1) + "\n", "utf-8")
    return numbers


def angles(samples: Samples) -> Float[Array, "n 3"]:
    """Yaw, pitch and roll of each face in degrees."""
    found = [euler_from_matrix(rotation) for rotation in samples.rotation]
    return np.array(found, np.float64).reshape(-1, 3)


def summary(samples: Samples, turned: Float[Array, "n 3"] | None = None) -> dict[str, Any]:
    """Counts, pose and channel statistics, as plain values; None where there is no truth.

    For each channel ``known`` is the share of faces with a truth, ``active`` the share of those
    above :data:`ACTIVE`, and ``range`` the 1st and 99th percentile.
    """
    turned = angles(samples) if turned is None else turned
    reach = np.abs(samples.aligned - CANONICAL)
    return {
        "faces": len(samples),
        "subjects": len(set(samples.subjects)),
        "sources": dict(sorted(Counter(samples.source).items())),
        "engines": dict(sorted(Counter(samples.engine).items())),
        "split": {name: samples.split.count(name) for name in SPLITS},
        "pose": {name: _spread(column) for name, column in zip(_ANGLES, turned.T, strict=True)},
        "landmarks": {
            "median_from_canonical_cm": round(float(np.median(np.linalg.norm(reach, axis=2))), 3)
        },
        "channels": {
            name: _channel(samples.target[:, i]) for i, name in enumerate(samples.channels)
        },
    }


def _spread(values: Array) -> dict[str, float]:
    low, high = np.percentile(values, [1, 99])
    numbers = {"mean": values.mean(), "std": values.std(), "p1": low, "p99": high}
    return {k: round(float(v), 2) for k, v in numbers.items()}


def _channel(values: Array) -> dict[str, Any]:
    known = values[np.isfinite(values)]
    share = round(len(known) / len(values), 4)
    if not len(known):
        return {"known": share, "mean": None, "std": None, "active": None, "range": None}
    return {
        "known": share,
        "mean": round(float(known.mean()), 4),
        "std": round(float(known.std()), 4),
        "active": round(float((known > ACTIVE).mean()), 4),
        "range": [round(float(v), 4) for v in np.percentile(known, [1, 99])],
    }


def _titled(title: str, height: float) -> Figure:
    figure = Figure((WIDTH, height))
    figure.suptitle(title, fontsize=9, color=INK)
    return figure


def _pose(turned: Array, title: str) -> bytes:
    figure = _titled(title, 4.4)
    every = list(figure.subplots(2, 2).flat)
    for axes, name, column in zip(every, _ANGLES, turned.T, strict=False):
        axes.hist(column, bins=np.linspace(-60, 60, 61), color=FIRST)
        axes.set(xlabel=f"{name}, degrees", xticks=_TICKS, ylabel="faces")
    step = max(len(turned) // _MOST, 1)
    size = 1.5 if len(turned) > 200 else 5  # a few are not to be lost
    every[3].plot(*turned[::step, :2].T, ".", markersize=size, alpha=0.4, color=FIRST)
    every[3].set(xlabel="yaw, degrees", ylabel="pitch, degrees", xlim=(-60, 60), ylim=(-60, 60))
    every[3].set(xticks=_TICKS, yticks=_TICKS)
    return png(figure, every)


def _channels(channels: dict[str, Any], title: str) -> bytes:
    names = list(channels)
    figure = _titled(title, 1.6 + 0.2 * len(names))
    left, right = figure.subplots(1, 2, sharey=True)
    places = np.arange(len(names))

    def column(key: str) -> list[Any]:
        return [channels[n][key] for n in names]

    low, high = np.transpose(column("range"))
    left.hlines(places, low, high, color=INK, linewidth=1, label="98 of 100")
    left.plot(column("mean"), places, "o", markersize=4, color=FIRST, label="mean")
    left.set(xlabel="value", xlim=(min(low.min(), 0) - 0.04, max(high.max(), 1) + 0.04))
    right.barh(places - 0.2, column("known"), 0.4, color=INK, label="known")
    right.barh(places + 0.2, column("active"), 0.4, color=SECOND, label=f"above {ACTIVE}")
    right.set(xlabel="share of faces", xlim=(0, 1.02))
    left.set_yticks(places, names)
    left.set_ylim(len(names) - 0.4, -0.6)
    return png(figure, [left, right], columns=1)


def _landmarks(samples: Samples, title: str) -> bytes:
    """Where the aligned points lie: front and side, with the canonical face in front."""
    figure = _titled(title, 3.5)
    every = list(figure.subplots(1, 2, sharey=True, width_ratios=(17, 13)))
    cloud = samples.aligned.reshape(-1, 3)
    some = np.random.default_rng(0).integers(len(cloud), size=20 * _MOST)
    cloud = cloud[some]  # an even step would meet the same few points of every face
    shown = (((0, 1), "front", (-8.5, 8.5)), ((2, 1), "side", (-4, 9)))
    for axes, ((i, j), name, wide) in zip(every, shown, strict=True):
        axes.plot(cloud[:, i], cloud[:, j], ".", markersize=0.8, alpha=0.08, color=FIRST)
        axes.plot(CANONICAL[:, i], CANONICAL[:, j], ".", markersize=1.5, color=SECOND)
        # The same for all data sets, so that they can be compared.
        axes.set(xlabel=f"{name}, centimetres", aspect="equal", xlim=wide, ylim=(-13, 10))
    return png(figure, every)
