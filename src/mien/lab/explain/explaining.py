"""Which pictures are shown, and what moved the net in each of them; numbers, nothing drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor

from ...arrays import Array, Float, Float32, Int, Points, RGBImage, UInt8
from ...heads.emotion import tempered
from .. import nets
from ..datasets.samples import MISSED, Samples
from . import gradcam
from .landmarks import Baseline, Moved, moved, sees_points
from .loading import Loaded

__all__ = ["Case", "Map", "Mean", "Show", "answers", "averages", "chosen", "explain"]

Show: TypeAlias = Literal["errors", "right"]

_MANY = 256  # pictures at once
_AVERAGED = 20  # pictures of each class
_MEASURED = 64  # pictures on which the offset of heat is measured

Pictures: TypeAlias = Callable[[int], "RGBImage | None"]
"""From the place of a sample to the picture that its landmarks lie in."""
Progress: TypeAlias = Callable[[int, int, str], None]


@dataclass(frozen=True, eq=False)
class Map:
    """Why a class, by Grad-CAM, by integrated gradients, or both for a net that sees both.

    Attributes:
        towards: the class.
        heat: float32 (h, w), see :func:`mien.lab.explain.gradcam.heat`.
        moved: what the landmarks brought.
        offset: of heat, see :func:`mien.lab.explain.gradcam.offset`.
    """

    towards: str
    heat: Float32[Array, "h w"] | None
    moved: Moved | None
    offset: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Case:
    """One face, what was said of it, and why.

    Attributes:
        name: of the picture.
        truth: the class that it is of; None where nobody knows.
        told: the likeliest class.
        probabilities: by class.
        picture: that the landmarks lie in, RGB.
        image: the grey crop that the net saw.
        points: landmarks in pixels of ``picture``; None for a face that was not found.
        maps: of the class that was told, then of the true one where that is another.
    """

    name: str
    truth: str | None
    told: str
    probabilities: Mapping[str, float]
    picture: RGBImage | None
    image: UInt8[Array, "48 48"] | None
    points: Points | None
    maps: tuple[Map, ...]


@dataclass(frozen=True, eq=False)
class Mean:
    """What moved the net on average, in pictures of a class that it told rightly.

    Attributes:
        towards: the class.
        pictures: how many.
        heat: the mean, each picture's own divided by its largest value.
        image: the mean of the pictures.
        points: float32 (478,), what each landmark brought, the mean.
        turn: what the rotation of the head brought.
        offset: of heat.
    """

    towards: str
    pictures: int
    heat: Float32[Array, "h w"] | None
    image: UInt8[Array, "48 48"] | None
    points: Float32[Array, "478"] | None
    turn: float
    offset: tuple[float, float] = (0.0, 0.0)

    @property
    def of(self) -> str:
        """``1 picture`` or ``20 pictures``."""
        return "1 picture" if self.pictures == 1 else f"{self.pictures} pictures"


def answers(loaded: Loaded, samples: Samples) -> Float[Array, "n c"]:
    """Probabilities of every sample; NaN where the net needs a face and none was found."""
    told = np.full((len(samples), len(samples.channels)), np.nan)
    rows = np.arange(len(samples))
    if "image" not in loaded.net.inputs:
        rows = rows[[engine != MISSED for engine in samples.engine]]
    for start in range(0, len(rows), _MANY):
        some = rows[start : start + _MANY]
        with torch.no_grad():
            said = loaded.net(_inputs(loaded.net, samples, some)).numpy()
        told[some] = tempered(said, loaded.temperature)
    return told


def chosen(
    told: Float[Array, "n c"],
    samples: Samples,
    show: Show = "errors",
    count: int = 24,
    truth: str | None = None,
) -> Int[Array, "m"]:
    """Places of the errors, or of what was told rightly, the surest first.

    Args:
        told: see :func:`answers`.
        samples: with their truth.
        show: which of the two.
        count: the most of them.
        truth: only pictures of this class.
    """
    right = samples.target.argmax(1)
    seen = np.isfinite(told).all(1)
    said = np.where(seen, np.nan_to_num(told).argmax(1), -1)
    wanted = seen & ((said == right) if show == "right" else (said != right))
    if truth is not None:
        wanted &= right == samples.channels.index(truth)
    places = np.flatnonzero(wanted)
    order = np.argsort(-told[places].max(1), kind="stable")
    found: Array = places[order][:count]
    return found


def explain(
    loaded: Loaded,
    samples: Samples,
    places: Sequence[int] | Int[Array, "m"],
    told: Float[Array, "n c"],
    begin: Baseline,
    picture: Pictures,
    *,
    towards: str | None = None,
    progress: Progress = lambda *_: None,
) -> list[Case]:
    """What moved the net in these pictures.

    Args:
        loaded: the net.
        samples: that the places are of.
        places: of the pictures, in the order to show them.
        told: see :func:`answers`; finite there.
        begin: baseline of landmarks.
        picture: gives the picture of a sample.
        towards: ask about this class, instead of the one that was told and the true one.
        progress: told of every picture.
    """
    cases, offset = [], _offset(loaded.net, samples)
    for done, place in enumerate(map(int, places)):
        progress(done, len(places), "")
        said = int(told[place].argmax())
        known = bool(np.isfinite(samples.target[place]).all())
        truth = int(samples.target[place].argmax()) if known else said
        asked = [said] + [truth] * (truth != said)
        if towards is not None:
            asked = [samples.channels.index(towards)]
        found = samples.engine[place] != MISSED
        cases.append(
            Case(
                name=samples.names[place],
                truth=samples.channels[truth] if known else None,
                told=samples.channels[said],
                probabilities=dict(zip(samples.channels, told[place].tolist(), strict=True)),
                picture=picture(place),
                image=None if samples.image is None else samples.image[place],
                points=samples.pixels[place] if found else None,
                maps=tuple(_map(loaded.net, samples, place, one, begin, offset) for one in asked),
            )
        )
    progress(len(places), len(places), "")
    return cases


def averages(
    loaded: Loaded,
    samples: Samples,
    told: Float[Array, "n c"],
    begin: Baseline,
    *,
    progress: Progress = lambda *_: None,
) -> list[Mean]:
    """The same on average, of the first 20 pictures of each class that were told rightly."""
    right = samples.target.argmax(1)
    seen = np.isfinite(told).all(1)
    well = seen & (np.nan_to_num(told).argmax(1) == right)
    each = {i: np.flatnonzero(well & (right == i))[:_AVERAGED] for i in range(told.shape[1])}
    total, done, means = sum(map(len, each.values())), 0, []
    offset = _offset(loaded.net, samples)
    for label, places in each.items():
        if not len(places):
            continue
        heat, image = _mean_heat(loaded.net, samples, places, label)
        found = []
        for place in map(int, places):
            progress(done, total, samples.channels[label])
            done += 1
            found += [_moved(loaded.net, samples, place, label, begin)]
        brought = [one for one in found if one is not None]
        means.append(
            Mean(
                towards=samples.channels[label],
                pictures=len(places),
                heat=heat,
                image=image,
                points=np.mean([one.points for one in brought], 0) if brought else None,
                turn=float(np.mean([one.turn for one in brought])) if brought else 0.0,
                offset=offset,
            )
        )
    progress(total, total, "")
    return means


def _offset(net: nets.Net, samples: Samples) -> tuple[float, float]:
    if gradcam.stage(net) is None:
        return 0.0, 0.0
    some = np.arange(len(samples))[:: max(len(samples) // _MEASURED, 1)][:_MEASURED]
    return gradcam.offset(net, _inputs(net, samples, some))


def _map(
    net: nets.Net,
    samples: Samples,
    place: int,
    towards: int,
    begin: Baseline,
    offset: tuple[float, float],
) -> Map:
    heats = _heats(net, samples, np.array([place]), towards)
    heat = None if heats is None else heats[0]
    brought = _moved(net, samples, place, towards, begin)
    return Map(samples.channels[towards], heat, brought, offset)


def _moved(
    net: nets.Net, samples: Samples, place: int, towards: int, begin: Baseline
) -> Moved | None:
    if not sees_points(net) or samples.engine[place] == MISSED:
        return None
    return moved(net, _inputs(net, samples, np.array([place])), towards, begin)


def _heats(
    net: nets.Net, samples: Samples, places: Int[Array, "n"], towards: int
) -> Float32[Array, "n h w"] | None:
    if gradcam.stage(net) is None:
        return None
    asked = torch.full((len(places),), towards)
    return gradcam.heat(net, _inputs(net, samples, places), asked)


def _mean_heat(
    net: nets.Net, samples: Samples, places: Int[Array, "n"], towards: int
) -> tuple[Float32[Array, "h w"] | None, UInt8[Array, "48 48"] | None]:
    """Each picture's heat over its largest value, and the pictures, the means of both."""
    heats = _heats(net, samples, places, towards)
    if heats is None or samples.image is None:
        return None, None
    shares = heats / np.maximum(heats.max((1, 2), keepdims=True), 1e-9)
    return shares.mean(0), np.rint(samples.image[places].mean(0)).astype(np.uint8)


def _inputs(net: nets.Net, samples: Samples, rows: Int[Array, "m"]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(getattr(samples, name)[rows]) for name in net.inputs}
