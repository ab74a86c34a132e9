"""The One-Euro filter calms what stands still and follows what moves."""

from __future__ import annotations

import numpy as np
import pytest

from mien import topology
from mien.channels import MOTION, index_of
from mien.errors import InputError
from mien.retarget.smooth import FaceSmoother, OneEuro, Smoothing

RATE = 30.0


def noise(n: int, scale: float) -> np.ndarray:
    return np.random.default_rng(3).normal(0, scale, n)


def run(filter_: OneEuro, signal: np.ndarray) -> np.ndarray:
    return np.array([filter_(np.array([v]), i / RATE)[0] for i, v in enumerate(signal)])


def test_jitter_of_a_still_signal_is_more_than_halved() -> None:
    signal = 0.5 + noise(300, 0.002)
    smooth = run(OneEuro(1.5, 20.0), signal)
    assert smooth[30:].std() < signal[30:].std() / 2


def test_a_fast_step_arrives_within_three_frames() -> None:
    signal = np.r_[np.zeros(30), np.ones(30)]
    smooth = run(OneEuro(1.5, 20.0), signal)
    assert smooth[32] > 0.9


def test_a_constant_is_not_changed() -> None:
    assert np.array_equal(run(OneEuro(1.5, 20.0), np.full(50, 0.3)), np.full(50, 0.3))


def test_without_beta_it_is_the_plain_low_pass() -> None:
    cutoff = 2.0
    alpha = 1 / (1 + RATE / (2 * np.pi * cutoff))
    smooth = run(OneEuro(cutoff, 0.0), np.r_[0.0, np.ones(5)])
    expected = 1 - (1 - alpha) ** np.arange(6)
    np.testing.assert_allclose(smooth, expected, atol=1e-9)


def test_a_long_gap_starts_afresh() -> None:
    smoother = OneEuro(0.5, 0.0)
    smoother(np.zeros(1), 0.0)
    assert smoother(np.ones(1), 5.0)[0] == 1.0


def test_the_same_time_twice_gives_the_same_value() -> None:
    smoother = OneEuro(0.5, 0.0)
    smoother(np.zeros(1), 0.0)
    first = smoother(np.ones(1), 0.1)
    assert smoother(np.full(1, 9.0), 0.1) == first


def test_missing_values_stay_missing_and_leave_no_trace() -> None:
    smoother = OneEuro(1.0, 1.0)
    smoother(np.array([0.0, np.nan]), 0.0)
    value = smoother(np.array([np.nan, 0.5]), 1 / RATE)
    assert np.isnan(value[0])
    assert value[1] == 0.5
    assert smoother(np.array([0.25, 0.5]), 2 / RATE)[0] == 0.25


def test_a_hole_after_a_gap_leaves_no_trace_either() -> None:
    smoother = OneEuro(1.0, 1.0)
    whole, hole = np.array([0.1, 0.1]), np.array([np.nan, 0.1])
    for time, value in ((0.0, whole), (0.03, whole), (2.0, hole), (2.03, whole), (2.06, whole)):
        smoothed = smoother(value, time)
    np.testing.assert_allclose(smoothed, 0.1)


def test_landmarks_of_a_near_and_a_far_face_are_smoothed_alike() -> None:
    near, far = FaceSmoother(Smoothing()), FaceSmoother(Smoothing())
    face = topology.CANONICAL * np.float32(20)
    rng = np.random.default_rng(0)
    for i in range(20):
        shaken = (face + rng.normal(0, 1, face.shape)).astype(np.float32)
        a = near.points(shaken, i / RATE)
        b = far.points(shaken / 4, i / RATE)
    np.testing.assert_allclose(a, b * 4, rtol=1e-3, atol=1e-2)


def test_channels_stay_in_range_and_keep_their_type() -> None:
    smoother = FaceSmoother(Smoothing())
    for i in range(30):
        values = np.full(52, i % 2, np.float32)
        smoothed = smoother.channels("expression", values, i / RATE)
        assert smoothed.dtype == np.float32
        assert smoothed.min() >= 0
        assert smoothed.max() <= 1


def followed(name: str, signal: np.ndarray, smoothing: Smoothing | None = None) -> np.ndarray:
    """One channel smoothed among others that rest."""
    smoother = FaceSmoother(smoothing or Smoothing())
    out = []
    for i, value in enumerate(signal):
        values = np.zeros(52, np.float32)
        values[index_of(name)] = value
        out.append(smoother.channels("expression", values, i / RATE)[index_of(name)])
    return np.array(out)


BLINK = np.r_[np.zeros(20), 0.3, 0.85, 1.0, 0.8, 0.5, 0.2, np.zeros(20)]


def test_a_blink_comes_through_whole_and_at_once() -> None:
    seen = followed("eyeBlinkLeft", BLINK)
    assert seen.max() > 0.95
    assert abs(int(seen.argmax()) - int(BLINK.argmax())) <= 1
    assert seen[-1] < 0.01


def test_classes_differ_in_quickness_from_blinks_to_brows() -> None:
    names = {motion: members[0] for motion, members in MOTION.items()}
    step = np.r_[np.zeros(20), np.full(4, 0.3)]
    arrived = {motion: followed(name, step)[20] for motion, name in names.items()}
    order = ["blinks", "gaze", "lips", "corners", "brows", "cheeks"]
    assert list(arrived) == order
    assert [arrived[m] for m in order] == sorted(arrived.values(), reverse=True)
    assert arrived["blinks"] > 0.25
    assert arrived["brows"] < 0.2
    rest = 0.3 + noise(300, 0.005)
    left = {m: followed(n, rest)[30:].std() / rest[30:].std() for m, n in names.items()}
    assert left["brows"] < 0.4
    assert left["blinks"] < 0.8


@pytest.mark.parametrize("motion", MOTION)
def test_every_class_has_its_parameter(motion: str) -> None:
    quick = followed(MOTION[motion][0], BLINK, Smoothing(**{motion: 1000.0}))
    np.testing.assert_allclose(quick, BLINK, atol=0.01)


def test_coefficients_are_smoothed_beyond_one_and_below_zero() -> None:
    smoother = FaceSmoother(Smoothing())
    rest = np.linspace(-3, 3, 10).astype(np.float32)
    out = [
        smoother.morphable(rest + noise(10, 0.01).astype(np.float32) * (-1) ** i, i / RATE)
        for i in range(60)
    ]
    assert out[-1].dtype == np.float32
    np.testing.assert_allclose(out[-1], rest, atol=0.01)
    assert np.std(out[30:], axis=0).max() < 0.01


@pytest.mark.parametrize(
    "values",
    [
        {"min_cutoff": 0.0},
        {"min_cutoff": float("inf")},
        {"beta": -1.0},
        {"beta": float("nan")},
        {"derivative_cutoff": 0.0},
        {"blinks": -2.0},
        {"brows": float("nan")},
        {"morphable": 0.0},
    ],
)
def test_bad_parameters_are_refused_by_name(values: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(values))):
        Smoothing(**values)
