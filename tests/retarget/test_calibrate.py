"""A calibration takes a person's own neutral face off, and can break nothing."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mien.channels import ARKIT_52, index_of
from mien.errors import InputError
from mien.retarget.calibrate import (
    BALANCE_MOST,
    NEUTRAL_MOST,
    SCALE_MOST,
    Calibration,
    gain,
    neutral_of,
    scale_of,
)

BLINKS = [index_of("eyeBlinkLeft"), index_of("eyeBlinkRight")]
JAW = index_of("jawOpen")
PAIRED = {"eyeLookUpLeft": "eyeLookDownLeft", "jawLeft": "jawRight", "mouthLeft": "mouthRight"}

few = settings(max_examples=40)  # each is 52 numbers and more
unit = st.floats(0, 1, width=32)
faces = arrays.arrays(np.float32, 52, elements=unit)
neutrals = arrays.arrays(np.float32, (5, 52), elements=unit)
asked = arrays.arrays(np.float64, 52, elements=st.one_of(st.just(float("nan")), unit))


def learnt(frames: np.ndarray, fullest: np.ndarray | None = None) -> Calibration:
    full = np.full(52, np.nan) if fullest is None else fullest
    neutral, scale = scale_of(neutral_of(frames), full)
    return Calibration("Ada", "head", "0" * 64, "facemesh", neutral, scale)


def at(**channels: float) -> np.ndarray:
    values = np.zeros(52, np.float32)
    for name, value in channels.items():
        values[index_of(name)] = value
    return values


def still(**channels: float) -> np.ndarray:
    return np.tile(at(**channels), (30, 1))


@few
@given(neutrals, asked, faces)
def test_the_result_is_in_range_and_what_is_missing_stays_missing(
    frames: np.ndarray, fullest: np.ndarray, face: np.ndarray
) -> None:
    holes = face.copy()
    holes[[3, JAW]] = np.nan
    out = learnt(frames, fullest).apply(holes)
    assert out.dtype == np.float32
    assert np.isnan(out)[[3, JAW]].all()
    assert np.isnan(out).sum() == 2
    assert np.nanmin(out) >= 0
    assert np.nanmax(out) <= 1


@few
@given(neutrals, asked, faces, st.integers(0, 51), unit)
def test_no_channel_is_inverted(
    frames: np.ndarray, fullest: np.ndarray, face: np.ndarray, channel: int, more: float
) -> None:
    calibration = learnt(frames, fullest)
    higher = face.copy()
    higher[channel] = max(more, face[channel])
    assert calibration.apply(higher)[channel] >= calibration.apply(face)[channel]


@few
@given(neutrals, asked)
def test_every_channel_can_still_be_full(frames: np.ndarray, fullest: np.ndarray) -> None:
    full = learnt(frames, fullest).apply(np.ones(52, np.float32))
    np.testing.assert_allclose(full, 1, atol=1e-6)


@few
@given(neutrals, asked)
def test_a_closed_eye_comes_out_at_least_as_closed(frames: np.ndarray, fullest: np.ndarray) -> None:
    calibration = learnt(frames, fullest)
    for blink in BLINKS:
        neutral = float(calibration.neutral[blink])
        closures = [1.0, (1 + neutral) / 2, (3 + neutral) / 4]
        if not np.isnan(fullest[blink]):
            closures.append(float(fullest[blink]))
        for closed in closures:
            face = np.zeros(52, np.float32)
            face[blink] = closed
            assert calibration.apply(face)[blink] >= closed - 1e-5


@few
@given(neutrals, asked, unit)
def test_a_closed_mouth_comes_out_closed(
    frames: np.ndarray, fullest: np.ndarray, share: float
) -> None:
    calibration = learnt(frames, fullest)
    face = np.zeros(52, np.float32)
    face[JAW] = share * calibration.neutral[JAW]
    assert calibration.apply(face)[JAW] == 0


@few
@given(neutrals, asked)
def test_bounds_are_kept(frames: np.ndarray, fullest: np.ndarray) -> None:
    calibration = learnt(frames, fullest)
    assert calibration.neutral.min() >= 0
    assert calibration.neutral.max() <= NEUTRAL_MOST
    assert calibration.scale.min() >= 1
    assert calibration.scale.max() <= SCALE_MOST


@few
@given(neutrals, asked, faces)
def test_a_file_read_again_does_the_same(
    frames: np.ndarray, fullest: np.ndarray, face: np.ndarray
) -> None:
    first = learnt(frames, fullest)
    second = Calibration.from_dict(json.loads(json.dumps(first.as_dict(), allow_nan=False)))
    np.testing.assert_allclose(second.apply(face), first.apply(face), atol=1e-3)
    assert (second.name, second.created) == ("Ada", first.created)


def test_the_neutral_face_becomes_zero() -> None:
    reading = {"browDownLeft": 0.2, "jawOpen": 0.1, "eyeBlinkLeft": 0.3, "eyeLookDownLeft": 0.25}
    calibration = learnt(still(**reading))
    np.testing.assert_allclose(calibration.apply(at(**reading)), 0, atol=1e-6)


def test_noise_about_the_neutral_face_is_mostly_silent() -> None:
    rng = np.random.default_rng(2)
    frames = np.clip(rng.normal(0.2, 0.01, (60, 52)), 0, 1).astype(np.float32)
    out = learnt(frames[:30]).apply(frames[30:])
    quiet = [i for i, name in enumerate(ARKIT_52) if not name.startswith(("eyeLook", "jawL"))]
    assert np.median(out[:, quiet]) == 0
    assert out[:, quiet].mean() < 0.004


def test_a_glitch_in_the_neutral_second_does_not_count() -> None:
    frames = still(browInnerUp=0.1)
    frames[:10] = 1.0
    assert learnt(frames).neutral[index_of("browInnerUp")] == pytest.approx(0.1)


@pytest.mark.parametrize(("here", "there"), PAIRED.items())
def test_two_ways_of_one_motion_share_their_zero(here: str, there: str) -> None:
    calibration = learnt(still(**{there: 0.2}))
    middle = calibration.apply(at())
    assert middle[index_of(here)] == pytest.approx(0.2, abs=1e-3)
    assert middle[index_of(there)] == 0
    a_little = calibration.apply(at(**{there: 0.1}))
    assert a_little[index_of(here)] == pytest.approx(0.1, abs=1e-3)


@pytest.mark.parametrize(
    ("full", "expected"),
    [(0.6, 0.9), (0.95, 0.95), (0.5, 0.9), (0.3, 0.6), (0.1, 0.1), (float("nan"), 0.7)],
)
def test_the_fullest_smile_comes_out_nearly_full(full: float, expected: float) -> None:
    fullest = np.full(52, np.nan)
    smiles = [index_of("mouthSmileLeft"), index_of("mouthSmileRight")]
    fullest[smiles] = full
    value = 0.7 if np.isnan(full) else full
    out = learnt(still(), fullest).apply(at(mouthSmileLeft=value, mouthSmileRight=value))
    np.testing.assert_allclose(out[smiles], expected, atol=1e-3)


def test_left_and_right_are_balanced_within_bounds() -> None:
    fullest = np.full(52, np.nan)
    left, right = index_of("mouthSmileLeft"), index_of("mouthSmileRight")
    fullest[[left, right]] = 0.75, 0.6
    even = learnt(still(), fullest).apply(at(mouthSmileLeft=0.75, mouthSmileRight=0.6))
    assert even[left] == pytest.approx(even[right], abs=1e-3)
    fullest[[left, right]] = 1.0, 0.2
    scale = learnt(still(), fullest).scale
    assert scale[right] == pytest.approx(BALANCE_MOST * scale[left])


def test_channels_that_the_head_does_not_produce_are_left_alone() -> None:
    frames = still(jawOpen=0.1)
    frames[:, 3] = np.nan
    calibration = learnt(frames)
    assert (calibration.neutral[3], calibration.scale[3]) == (0, 1)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"neutral": {"jawOpen": 0.6}}, "neutral of jawOpen is in 0..0.5, got 0.6"),
        ({"neutral": {"jawOpen": -0.1}}, "neutral of jawOpen"),
        ({"neutral": {"jawOpen": float("nan")}}, "neutral of jawOpen"),
        ({"scale": {"jawOpen": 3.0}}, "scale of jawOpen is in 1..2, got 3"),
        ({"scale": {"jawOpen": 0.5}}, "scale of jawOpen"),
        ({"neutral": {"eyeBlinkLeft": 0.4}}, "keep the eyes from closing"),
    ],
)
def test_values_out_of_bounds_are_refused(changes: dict[str, dict[str, float]], told: str) -> None:
    values = {"neutral": np.zeros(52, np.float32), "scale": np.ones(52, np.float32)}
    for kind, channels in changes.items():
        for name, value in channels.items():
            values[kind][index_of(name)] = value
    with pytest.raises(InputError, match=told):
        Calibration("Ada", "head", "0" * 64, "facemesh", **values)


def plain(**more: object) -> dict[str, object]:
    return learnt(still()).as_dict() | more


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({}, "format 1, got None"),
        (plain(format=2), "format 1, got 2"),
        (plain(channels={}), "eyeBlinkLeft"),
        (plain(channels={**plain()["channels"], "jawOpen": {"neutral": 0.1}}), "scale"),
        (plain(channels={**plain()["channels"], "jawOpen": {"neutral": "a", "scale": 1}}), "Value"),
        ({k: v for k, v in plain().items() if k != "head"}, "head"),
    ],
)
def test_what_is_no_calibration_is_refused(table: dict[str, object], told: str) -> None:
    with pytest.raises(InputError, match=told):
        Calibration.from_dict(table)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("other", "0" * 64, "facemesh"), "learnt with the head head, this is other"),
        (("head", "1" * 64, "facemesh"), "another version of head"),
        (("head", "0" * 64, "facelandmarker"), "engine facemesh, this is facelandmarker"),
    ],
)
def test_another_head_or_engine_is_refused_with_what_to_do(
    given: tuple[str, str, str], told: str
) -> None:
    with pytest.raises(InputError, match=told) as raised:
        learnt(still()).check(*given)
    assert "mien calibrate" in str(raised.value)
    learnt(still()).check("head", "0" * 64, "facemesh")


def test_the_error_against_truth_falls_where_readings_have_an_offset() -> None:
    """Made persons: each channel of each reads ``offset + gain * truth`` with noise."""
    rng = np.random.default_rng(5)
    ratios = []
    for _ in range(20):
        truth = np.clip(rng.beta(0.4, 1.6, (200, 52)), 0, 1)
        offset = np.abs(rng.normal(0, 0.08, 52))
        read = offset + rng.uniform(0.8, 1.0, 52) * truth
        noise = rng.normal(0, 0.01, (230, 52))
        read = np.clip(np.concatenate([np.tile(offset, (30, 1)), read]) + noise, 0, 1)
        read = read.astype(np.float32)
        ratios.append(gain(learnt(read[:30]), read[30:], truth).ratio)
    assert np.median(ratios) < 0.75
    assert max(ratios) < 1


def test_frames_without_truth_do_not_count() -> None:
    read = np.full((4, 52), 0.3, np.float32)
    truth = np.full((4, 52), 0.1)
    truth[1:] = np.nan
    read[:, 5] = np.nan
    assert gain(learnt(still()), read, truth).before == pytest.approx(0.2)
