from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the workshop: pip install 'mien[lab]'")

from sklearn import metrics

from mien.errors import InputError
from mien.lab.emotions.scores import (
    calibration_error,
    compare,
    interval,
    mcnemar,
    packed,
    score_classes,
    unpacked,
)

CLASSES = ("a", "b", "c")
NAN = float("nan")


def said(*classes: int | None, sure: float = 0.8) -> np.ndarray:
    """Probabilities of one class each; None is a missed picture."""
    rows = [
        [NAN] * 3 if c is None else [sure if i == c else (1 - sure) / 2 for i in range(3)]
        for c in classes
    ]
    return np.array(rows)


def test_a_missed_picture_is_wrong() -> None:
    truth = np.array([0, 0, 1, 1, 2])
    scores = score_classes(truth, said(0, None, 1, 0, 2), CLASSES)
    assert (scores.pictures, scores.found) == (5, 4)
    assert scores.accuracy == pytest.approx(3 / 5)
    assert scores.accuracy_found == pytest.approx(3 / 4)
    assert scores.recall == pytest.approx({"a": 0.5, "b": 0.5, "c": 1.0})
    assert scores.precision == pytest.approx({"a": 0.5, "b": 1.0, "c": 1.0})
    assert scores.balanced == pytest.approx(2 / 3)
    assert scores.confusion == [[1, 0, 0, 1], [1, 1, 0, 0], [0, 0, 1, 0]]


def test_without_misses_it_is_what_scikit_learn_says() -> None:
    random = np.random.default_rng(5)
    truth = random.integers(0, 3, 200)
    probabilities = random.dirichlet(np.ones(3), 200)
    probabilities[np.arange(200), truth] += 0.3
    probabilities /= probabilities.sum(1, keepdims=True)
    told = probabilities.argmax(1)
    scores = score_classes(truth, probabilities, CLASSES)
    assert scores.accuracy == pytest.approx(metrics.accuracy_score(truth, told))
    assert scores.macro_f1 == pytest.approx(metrics.f1_score(truth, told, average="macro"))
    expected = metrics.roc_auc_score(truth, probabilities, multi_class="ovr")
    assert scores.macro_auc == pytest.approx(expected)
    low, high = scores.accuracy_interval
    assert low < scores.accuracy < high
    assert high - low == pytest.approx(4 * np.sqrt(0.25 / 200), rel=0.25)


def test_nothing_was_found() -> None:
    scores = score_classes(np.array([0, 1]), said(None, None), CLASSES)
    assert scores.accuracy == scores.macro_f1 == 0
    assert scores.accuracy_found is None
    assert scores.macro_auc is None
    assert scores.calibration_error is None
    assert scores.as_dict()["auc"] == {"a": None, "b": None, "c": None}


@pytest.mark.parametrize(
    ("right", "confidence", "error"),
    [
        ([True, True, True, False], [0.75] * 4, 0.0),
        ([True] * 4, [0.75] * 4, 0.25),
        ([False, True], [1.0, 0.5], 0.75),
    ],
)
def test_calibration(right: list[bool], confidence: list[float], error: float) -> None:
    found = calibration_error(np.array(right), np.array(confidence))
    assert found == pytest.approx(error)


def test_mcnemar() -> None:
    truth = np.array([0] * 20)
    better = compare(truth, said(*[0] * 18, 1, 1), said(*[0] * 6, *[1] * 12, 0, None))
    assert (better.only_first, better.only_second) == (12, 1)
    assert better.p == pytest.approx(2 * (1 + 13) / 2**13)
    assert compare(truth, said(*[0] * 20), said(*[0] * 20)).p == 1


def test_an_interval_of_certainty_is_a_point() -> None:
    assert interval(np.array([True] * 9)) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("truth", "given"), [([], np.zeros((0, 3))), ([0, 1], said(0)), ([0], np.ones((1, 2)))]
)
def test_what_does_not_go_together_is_refused(truth: list[int], given: np.ndarray) -> None:
    with pytest.raises(InputError, match="do not go together"):
        score_classes(np.array(truth, int), given, CLASSES)


def test_bits_come_back() -> None:
    for count in (1, 8, 9, 3589):
        bits = np.random.default_rng(count).random(count) < 0.5
        np.testing.assert_array_equal(unpacked(packed(bits), count), bits)
    with pytest.raises(InputError, match="1 bytes are not the bits of 9 pictures"):
        unpacked(packed(np.ones(8, bool)), 9)


def test_two_methods_are_compared_by_their_bits() -> None:
    truth = np.array([0, 1, 2, 0])
    one, other = said(0, 1, None, 1), said(0, 2, 2, 1)
    bits = [unpacked(score_classes(truth, s, CLASSES).right, 4) for s in (one, other)]
    assert mcnemar(bits[0], bits[1]) == compare(truth, one, other)
    seen = unpacked(score_classes(truth, one, CLASSES).seen, 4)
    np.testing.assert_array_equal(seen, [True, True, False, True])
    assert score_classes(truth, one, CLASSES).reliability[0][0] > 0
