"""How close a prediction is to a truth. numpy in, plain numbers out; NaN in either is left out.

The functions take (n, channels) and answer by channel, NaN for a number that does not exist: the
correlation of a channel that never moves, a mean over nothing. :func:`score` puts all of it
together, with ``None`` in such places, as JSON has it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..arrays import Array, Float
from ..errors import InputError

__all__ = [
    "VARIES",
    "ChannelScore",
    "Scores",
    "bootstrap",
    "kept_when_turned",
    "pearson",
    "pose_leak",
    "r2",
    "regression",
    "score",
]

VARIES = 0.03
"""Standard deviation of the truth above which a channel counts in a mean of correlations."""

_ROUNDS = 1000  # of the bootstrap
_STILL = 1e-6  # standard deviation below which a channel is constant but for rounding
_AXES = ("yaw", "pitch")
_LEAK_STILL = 0.01  # standard deviation below which an output follows no turn worth the name


@dataclass(frozen=True)
class ChannelScore:
    """One channel.

    Attributes:
        count: samples with a truth and a prediction.
        std: standard deviation of the truth, wherever there is one.
        mse: mean squared error.
        mae: mean absolute error.
        rmse: root of ``mse``.
        r2: share of the truth's variance that the prediction explains; below 0 when its mean would
            have been the better prediction.
        r: Pearson's correlation.
        slope: of the straight line through the predictions over the truth, 1 when it is true to
            scale.
        offset: the prediction where the truth is 0, by that line.
    """

    count: int
    std: float | None
    mse: float | None
    mae: float | None
    rmse: float | None
    r2: float | None
    r: float | None
    slope: float | None
    offset: float | None


@dataclass(frozen=True)
class Scores:
    """All channels of one data set.

    Attributes:
        samples: faces.
        subjects: people.
        mse: over all entries with a truth and a prediction; ``mae`` and ``rmse`` alike.
        r2: 1 less all squared errors over all squared deviations from the channels' means.
        r2_mean: mean over the channels that vary.
        r: mean over the channels that vary; one without a prediction, or with a prediction that
            never moves, counts as 0.
        r_given: mean over those of them that have a prediction.
        r_interval: 95 % of the bootstrap of ``r`` by subject.
        varying: how many channels vary.
        given: how many of them have a prediction.
        image_mse: mean over the samples of the mean squared error of each.
        worst_mse: the largest of these.
        worst: the sample's name.
        channels: by name.
    """

    samples: int
    subjects: int
    mse: float | None
    mae: float | None
    rmse: float | None
    r2: float | None
    r2_mean: float | None
    r: float | None
    r_given: float | None
    r_interval: tuple[float, float] | None
    varying: int
    given: int
    image_mse: float | None
    worst_mse: float | None
    worst: str | None
    channels: dict[str, ChannelScore]

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it, rounded to six digits after the point."""
        rounded: dict[str, Any] = _rounded(asdict(self))
        return rounded


def score(
    truth: Float[Array, "n c"],
    prediction: Float[Array, "n c"],
    channels: Sequence[str],
    names: Sequence[str],
    subjects: Sequence[str],
    *,
    seed: int = 0,
) -> Scores:
    """Everything about one data set.

    Args:
        truth: NaN where nobody knows.
        prediction: row by row of the same samples; NaN where a head says nothing.
        channels: names of the columns.
        names: of the samples, each once.
        subjects: of the samples.
        seed: of the bootstrap.

    Raises:
        InputError: arrays and lists that do not go together.
    """
    if truth.shape != prediction.shape or truth.shape != (len(names), len(channels)):
        raise InputError(
            f"truth {truth.shape} and prediction {prediction.shape} are about {len(names)} samples "
            f"with {len(channels)} channels each"
        )
    if len(set(names)) != len(names):
        raise InputError("two samples have one name; scores are about each face once")
    truth, prediction = truth.astype(np.float64), prediction.astype(np.float64)
    error = prediction - truth
    by_channel = _by_channel(truth, prediction, channels)
    varying = [c for c in by_channel.values() if (c.std or 0.0) > VARIES]
    given = [c.r or 0.0 for c in varying if c.count]
    explained = [c.r2 for c in varying if c.r2 is not None]
    mse = _finite(np.nanmean(error**2)) if not np.isnan(error).all() else None
    deviation = np.nansum(_centred(truth, prediction)[0] ** 2)
    # The mean over the channels of each image, and over the images: a row without truth is none.
    image = _mean(error.T**2)
    worst = None if np.isnan(image).all() else int(np.nanargmax(image))
    return Scores(
        samples=len(names),
        subjects=len(set(subjects)),
        mse=mse,
        mae=None if mse is None else float(np.nanmean(np.abs(error))),
        rmse=None if mse is None else math.sqrt(mse),
        r2=float(1 - np.nansum(error**2) / deviation) if deviation > 0 else None,
        r2_mean=float(np.mean(explained)) if explained else None,
        r=sum(given) / len(varying) if varying else None,
        r_given=sum(given) / len(given) if given else None,
        r_interval=bootstrap(truth, prediction, subjects, seed=seed),
        varying=len(varying),
        given=len(given),
        image_mse=None if worst is None else float(np.nanmean(image)),
        worst_mse=None if worst is None else float(image[worst]),
        worst=None if worst is None else names[worst],
        channels=by_channel,
    )


def _by_channel(
    truth: Float[Array, "n c"], prediction: Float[Array, "n c"], channels: Sequence[str]
) -> dict[str, ChannelScore]:
    error = prediction - truth
    count = (~np.isnan(error)).sum(axis=0)
    deviation = np.sqrt(_mean((truth - _mean(truth)) ** 2))
    mse, mae = _mean(error**2), _mean(np.abs(error))
    slope, offset = regression(truth, prediction)
    explained, r = r2(truth, prediction), pearson(truth, prediction)
    columns = deviation, mse, mae, np.sqrt(mse), explained, r, slope, offset
    return {
        name: ChannelScore(int(count[i]), *(_finite(column[i]) for column in columns))
        for i, name in enumerate(channels)
    }


def pearson(truth: Float[Array, "n c"], prediction: Float[Array, "n c"]) -> Float[Array, "c"]:
    """Correlation; NaN where one of the two does not move."""
    x, y = _centred(truth, prediction)
    of_x, of_y = np.sqrt(_mean(x * x)), np.sqrt(_mean(y * y))
    moves = (of_x > _STILL) & (of_y > _STILL)
    return np.where(moves, _mean(x * y) / np.where(moves, of_x * of_y, 1.0), np.nan)


def r2(truth: Float[Array, "n c"], prediction: Float[Array, "n c"]) -> Float[Array, "c"]:
    """``1 - sum (y - x)^2 / sum (x - mean x)^2`` of truth x; NaN where it does not move."""
    variance = _mean(_centred(truth, prediction)[0] ** 2)
    moves = variance > _STILL**2
    left = _mean((prediction - truth) ** 2) / np.where(moves, variance, 1.0)
    return np.where(moves, 1 - left, np.nan)


def regression(
    truth: Float[Array, "n c"], prediction: Float[Array, "n c"]
) -> tuple[Float[Array, "c"], Float[Array, "c"]]:
    """Slope and offset of the least-squares line of the prediction over the truth."""
    x, y = _centred(truth, prediction)
    variance = _mean(x * x)
    moves = variance > _STILL**2
    slope = np.where(moves, _mean(x * y) / np.where(moves, variance, 1.0), np.nan)
    known = ~np.isnan(truth) & ~np.isnan(prediction)
    mean_x, mean_y = (_mean(np.where(known, v, np.nan)) for v in (truth, prediction))
    return slope, mean_y - slope * mean_x


def bootstrap(
    truth: Float[Array, "n c"],
    prediction: Float[Array, "n c"],
    subjects: Sequence[str],
    *,
    seed: int = 0,
) -> tuple[float, float] | None:
    """95 % interval of the mean correlation when other people had been photographed.

    Subjects are drawn with replacement, a thousand times (Efron, "Bootstrap methods: another look
    at the jackknife", 1979); faces of one person are no independent observations. The channels are
    those that vary in all of the data.

    Returns:
        the percentiles 2.5 and 97.5; None with fewer than two subjects, or if nothing varies.
    """
    truth, prediction = truth.astype(np.float64), prediction.astype(np.float64)
    varies = np.sqrt(_mean((truth - _mean(truth)) ** 2)) > VARIES
    people, who = np.unique(np.asarray(subjects), return_inverse=True)
    if len(people) < 2 or not varies.any():
        return None
    # A correlation follows from six sums, and those of a draw are sums over its people.
    x, y = _centred(truth[:, varies], prediction[:, varies])
    known = ~np.isnan(x)
    x, y = np.nan_to_num(x), np.nan_to_num(y)
    sums = np.zeros((len(people), 6, x.shape[1]))
    np.add.at(sums, who, np.stack([known, x, y, x * x, y * y, x * y], axis=1))
    random = np.random.default_rng(seed)
    drawn = random.multinomial(len(people), np.full(len(people), 1 / len(people)), _ROUNDS)
    n, sx, sy, sxx, syy, sxy = np.einsum("bs,skc->kbc", drawn.astype(np.float64), sums)
    n = np.maximum(n, 1)
    of_x, of_y = sxx / n - (sx / n) ** 2, syy / n - (sy / n) ** 2
    moves = (of_x > _STILL**2) & (of_y > _STILL**2)
    size = np.sqrt(np.where(moves, of_x * of_y, 1.0))
    means = np.where(moves, (sxy - sx * sy / n) / n / size, 0.0).mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def pose_leak(
    prediction: Float[Array, "n c"],
    rotation: Float[Array, "n 3 3"],
    channels: Sequence[str],
    subjects: Sequence[str],
) -> dict[str, Any]:
    """How much the answers about neutral heads follow yaw and pitch, which they should not.

    Everything is taken relative to the person's own mean: that people differ hides no leak.

    Args:
        prediction: of neutral heads that are turned.
        rotation: head frame -> camera axes; angles as in :mod:`mien.geometry`.
        channels: names of the columns.
        subjects: of the samples.

    Returns:
        ``largest`` absolute correlation with its ``channel`` and ``axis``, and ``channels``: for
        each that moves, its correlation with ``[yaw, pitch]``. Those that move by less than 0.01
        (standard deviation) follow nothing and are left out.
    """
    yaw = np.arctan2(rotation[:, 0, 2], rotation[:, 2, 2])
    pitch = np.arcsin(np.clip(rotation[:, 1, 2], -1, 1))
    values = np.column_stack([yaw, pitch, prediction]).astype(np.float64)
    _, who = np.unique(np.asarray(subjects), return_inverse=True)
    for person in range(int(who.max(initial=-1)) + 1):
        values[who == person] -= _mean(values[who == person])
    angles, values = values[:, :2], values[:, 2:]
    leaks: dict[str, list[float]] = {}
    for column in np.flatnonzero(np.sqrt(_mean(values**2)) > _LEAK_STILL):
        found = pearson(angles, values[:, [column, column]])
        leaks[channels[column]] = [round(float(r), 6) for r in np.nan_to_num(found)]
    largest, channel, axis = max(
        ((abs(r[i]), name, axis) for name, r in leaks.items() for i, axis in enumerate(_AXES)),
        default=(0.0, None, None),
    )
    return {"largest": largest, "channel": channel, "axis": axis, "channels": leaks}


def kept_when_turned(
    prediction: Float[Array, "n c"],
    rotation: Float[Array, "n 3 3"],
    channels: Sequence[str],
    wanted: Sequence[str] = ("eyeBlinkLeft", "eyeBlinkRight"),
    turned: float = 20.0,
) -> dict[str, Any]:
    """What is left of an expression when the head turns to the side.

    Args:
        prediction: of faces that make the expression fully.
        rotation: head frame -> camera axes.
        channels: names of the columns.
        wanted: channels of the expression.
        turned: yaw in degrees from which a head counts as turned; below half of it, as frontal.

    Returns:
        by channel: mean ``frontal`` answer, mean answer at negative and positive yaw
        (``sides``), and ``kept``, the smaller of these over the frontal one. None where no head is
        so turned, or where nothing is seen from the front. ``least`` is the smallest ``kept``.
    """
    yaw = np.degrees(np.arctan2(rotation[:, 0, 2], rotation[:, 2, 2]))
    masks = np.abs(yaw) < turned / 2, yaw < -turned, yaw > turned
    found: dict[str, Any] = {}
    for name in wanted:
        column = prediction[:, channels.index(name)].astype(np.float64)
        means = [round(float(column[mask].mean()), 6) if mask.any() else None for mask in masks]
        front, sides = means[0], [m for m in means[1:] if m is not None]
        kept = min(sides) / front if front and sides else None
        found[name] = {"frontal": front, "sides": means[1:], "kept": kept and round(kept, 6)}
    shares = [f["kept"] for f in found.values() if f["kept"] is not None]
    return {"least": min(shares, default=None), "channels": found}


def _mean(values: Float[Array, "n c"]) -> Float[Array, "c"]:
    """Mean over the rows that are not NaN; NaN where all are."""
    count = (~np.isnan(values)).sum(axis=0)
    mean: Array = np.nansum(values, axis=0) / np.maximum(count, 1)
    return np.where(count > 0, mean, np.nan)


def _centred(
    truth: Float[Array, "n c"], prediction: Float[Array, "n c"]
) -> tuple[Float[Array, "n c"], Float[Array, "n c"]]:
    """Both less their means, NaN in both where one of them is."""
    known = ~np.isnan(truth) & ~np.isnan(prediction)
    x, y = np.where(known, truth, np.nan), np.where(known, prediction, np.nan)
    return x - _mean(x), y - _mean(y)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(v) for v in value]
    return value
