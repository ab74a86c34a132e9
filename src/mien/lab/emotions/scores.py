"""How well classes are told, with what was missed counted as wrong.

A method that needs landmarks says nothing about a picture in which no face was found. Leaving such
pictures out flatters it, and sets it beside others on other pictures; so every figure that compares
methods is over **all** pictures, with a missed one wrong whatever it shows. What is said over found
ones only is named so.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import stats
from sklearn import metrics

from ...arrays import Array, Bool, Float, Int
from ...errors import InputError

__all__ = [
    "ClassScores",
    "Comparison",
    "calibration_error",
    "compare",
    "interval",
    "mcnemar",
    "packed",
    "reliability",
    "score_classes",
    "unpacked",
]

_ROUNDS = 2000  # of the bootstrap
_BINS = 15  # of the calibration error


@dataclass(frozen=True)
class ClassScores:
    """One method on one set of pictures.

    Attributes:
        pictures: all of them.
        found: those about which the method says something.
        accuracy: right over all pictures.
        accuracy_interval: 95 % of a bootstrap over pictures.
        accuracy_found: right over found ones.
        balanced: mean recall of the classes, over all pictures.
        precision, recall, f1: by class, over all pictures: a missed picture lowers the recall of
            its class, and the precision of none.
        macro_precision, macro_recall, macro_f1: their means.
        auc: area under the ROC curve, by class against the rest, over found ones; None for a class
            that is not there or is all there is.
        macro_auc: mean of these.
        confusion: by true class, how many were told as each class, and last how many were missed.
        calibration_error: of the highest probability, over found ones; see
            :func:`calibration_error`.
        reliability: see :func:`reliability`, over found ones.
        right: a bit for each picture, see :func:`unpacked`: what two methods are compared by.
        seen: a bit for each picture, whether the method says something about it.
    """

    pictures: int
    found: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    accuracy_found: float | None
    balanced: float
    precision: dict[str, float]
    recall: dict[str, float]
    f1: dict[str, float]
    macro_precision: float
    macro_recall: float
    macro_f1: float
    auc: dict[str, float | None]
    macro_auc: float | None
    confusion: list[list[int]]
    calibration_error: float | None
    reliability: list[tuple[int, float, float]]
    right: str
    seen: str

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it, rounded to six digits after the point."""
        return {name: _rounded(value) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Comparison:
    """Two methods on the same pictures.

    Attributes:
        only_first, only_second: pictures that just one of them tells rightly.
        p: of McNemar's exact test, that such a difference comes about between equals.
    """

    only_first: int
    only_second: int
    p: float


def score_classes(
    truth: Int[Array, "n"],
    probabilities: Float[Array, "n c"],
    classes: Sequence[str],
    *,
    seed: int = 0,
) -> ClassScores:
    """Everything about one method.

    Args:
        truth: index of the true class.
        probabilities: what the method says; a row of NaN is a picture that it missed.
        classes: names.
        seed: of the bootstrap.

    Raises:
        InputError: no pictures, or arrays that do not go together.
    """
    if not len(truth) or probabilities.shape != (len(truth), len(classes)):
        raise InputError(
            f"{len(truth)} classes and probabilities {probabilities.shape} for "
            f"{len(classes)} classes do not go together"
        )
    told = _told(probabilities)
    seen, right, labels = told >= 0, told == truth, list(range(len(classes)))
    confusion = np.zeros((len(classes), len(classes) + 1), int)
    np.add.at(confusion, (truth, told), 1)  # -1, missed, is the last column
    precision, recall, f1, count = metrics.precision_recall_fscore_support(
        truth, told, labels=labels, zero_division=0.0
    )
    auc = [_auc(truth[seen] == label, probabilities[seen, label]) for label in labels]
    there = [value for value in auc if value is not None]
    present = count > 0

    def by_class(values: Array) -> dict[str, float]:
        return {name: float(value) for name, value in zip(classes, values, strict=True)}

    return ClassScores(
        pictures=len(truth),
        found=int(seen.sum()),
        accuracy=float(right.mean()),
        accuracy_interval=interval(right, seed=seed),
        accuracy_found=float(right[seen].mean()) if seen.any() else None,
        balanced=float(recall[present].mean()),
        precision=by_class(precision),
        recall=by_class(recall),
        f1=by_class(f1),
        macro_precision=float(precision[present].mean()),
        macro_recall=float(recall[present].mean()),
        macro_f1=float(f1[present].mean()),
        auc=dict(zip(classes, auc, strict=True)),
        macro_auc=float(np.mean(there)) if there else None,
        confusion=confusion.tolist(),
        calibration_error=(
            calibration_error(right[seen], probabilities[seen].max(1)) if seen.any() else None
        ),
        reliability=reliability(right[seen], probabilities[seen].max(1)) if seen.any() else [],
        right=packed(right),
        seen=packed(seen),
    )


def packed(bits: Bool[Array, "n"]) -> str:
    """Bits as base64, the first picture in the highest bit of the first byte."""
    return base64.b64encode(np.packbits(bits).tobytes()).decode()


def unpacked(bits: str, count: int) -> Bool[Array, "n"]:
    """What :func:`packed` made a text of.

    Raises:
        InputError: not the bits of so many pictures.
    """
    data = base64.b64decode(bits)
    if len(data) != -(-count // 8):
        raise InputError(f"{len(data)} bytes are not the bits of {count} pictures")
    found: Array = np.unpackbits(np.frombuffer(data, np.uint8), count=count).astype(bool)
    return found


def interval(right: Bool[Array, "n"], *, seed: int = 0) -> tuple[float, float]:
    """95 % of a bootstrap of a share, over pictures."""
    random = np.random.default_rng(seed)
    shares = random.binomial(len(right), right.mean(), _ROUNDS) / len(right)
    low, high = np.quantile(shares, (0.025, 0.975))
    return float(low), float(high)


def calibration_error(right: Bool[Array, "n"], confidence: Float[Array, "n"]) -> float:
    """Expected calibration error: by how much confidence and accuracy differ, in 15 bins.

    Guo et al., "On calibration of modern neural networks" (ICML 2017).
    """
    bins = reliability(right, confidence)
    return sum(count * abs(share - sure) for count, sure, share in bins) / len(right)


def reliability(
    right: Bool[Array, "n"], confidence: Float[Array, "n"]
) -> list[tuple[int, float, float]]:
    """By bin of the confidence that holds any: how many, their mean confidence, their accuracy."""
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    return [
        (int(there.sum()), float(confidence[there].mean()), float(right[there].mean()))
        for there in (bins == b for b in np.unique(bins))
    ]


def compare(
    truth: Int[Array, "n"], first: Float[Array, "n c"], second: Float[Array, "n c"]
) -> Comparison:
    """McNemar's exact test on all pictures; a missed one is wrong."""
    return mcnemar(_told(first) == truth, _told(second) == truth)


def mcnemar(one: Bool[Array, "n"], other: Bool[Array, "n"]) -> Comparison:
    """The same of which pictures each tells rightly."""
    only_one, only_other = int((one & ~other).sum()), int((other & ~one).sum())
    differ = only_one + only_other
    p = float(stats.binomtest(only_one, differ).pvalue) if differ else 1.0
    return Comparison(only_one, only_other, p)


def _told(probabilities: Float[Array, "n c"]) -> Int[Array, "n"]:
    """The class that is said; -1 where nothing is."""
    missed = np.isnan(probabilities).any(1)
    told: Array = np.where(missed, -1, np.nan_to_num(probabilities).argmax(1))
    return told


def _auc(positive: Bool[Array, "n"], probability: Float[Array, "n"]) -> float | None:
    if positive.all() or not positive.any():
        return None
    return float(metrics.roc_auc_score(positive, probability))


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [_rounded(v) for v in value]
    return value
