"""The geometric head reads what the landmarks show, whatever the pose."""

from __future__ import annotations

import numpy as np
import pytest

from mien import topology
from mien.channels import ARKIT_52, index_of, mirror
from mien.errors import InputError
from mien.heads import geometric

LOWER_LIP = [14, 87, 317, 178, 402, 88, 318, 95, 324, 17, 84, 314, 181, 405, 152]
UPPER_LIDS = {"Left": [387, 386, 385], "Right": [160, 159, 158]}
BROWS = {
    "Left": [300, 293, 334, 296, 336, 276, 283, 282, 295, 285],
    "Right": [70, 63, 105, 66, 107, 46, 53, 52, 65, 55],
}


def face() -> np.ndarray:
    return topology.CANONICAL.astype(np.float64)


def moved(points: list[int], shift: tuple[float, float, float]) -> np.ndarray:
    changed = face()
    changed[points] += shift
    return changed


def read(aligned: np.ndarray, channel: str) -> float:
    return float(geometric.expression(geometric.measure(aligned))[index_of(channel)])


def test_neutral_face_shows_next_to_nothing() -> None:
    values = geometric.expression(geometric.measure(face()))
    assert np.nanmax(values) < 0.15


def test_channels_without_a_rule_are_not_numbers() -> None:
    values = geometric.expression(geometric.measure(face()))
    absent = {name for name, value in zip(ARKIT_52, values, strict=True) if np.isnan(value)}
    assert absent == set(ARKIT_52) - set(geometric.CHANNELS)


@pytest.mark.parametrize(
    ("channel", "aligned"),
    [
        ("jawOpen", moved(LOWER_LIP, (0, -3.0, 0))),
        ("mouthSmileLeft", moved([291], (1.2, 1.0, 0))),
        ("mouthSmileRight", moved([61], (-1.2, 1.0, 0))),
        ("eyeBlinkLeft", moved(UPPER_LIDS["Left"], (0, -0.8, 0))),
        ("eyeBlinkRight", moved(UPPER_LIDS["Right"], (0, -0.8, 0))),
        ("browInnerUp", moved(BROWS["Left"] + BROWS["Right"], (0, 0.8, 0))),
        ("browOuterUpLeft", moved(BROWS["Left"], (0, 0.8, 0))),
        ("browDownRight", moved(BROWS["Right"], (0, -0.8, 0))),
        ("eyeLookOutLeft", moved([473], (0.8, 0, 0))),
        ("eyeLookInRight", moved([468], (0.8, 0, 0))),
        ("eyeLookUpLeft", moved([473], (0, 0.5, 0))),
        ("eyeLookDownRight", moved([468], (0, -0.5, 0))),
    ],
)
def test_moving_the_points_moves_the_channel(channel: str, aligned: np.ndarray) -> None:
    assert read(aligned, channel) > read(face(), channel) + 0.3


def test_pucker_is_a_narrow_mouth() -> None:
    narrow = face()
    narrow[[61, 291], 0] *= 0.7
    assert read(narrow, "mouthPucker") > 0.5
    assert read(face(), "mouthPucker") < 0.35


def test_one_side_does_not_move_the_other() -> None:
    winking = moved(UPPER_LIDS["Left"], (0, -0.8, 0))
    assert read(winking, "eyeBlinkLeft") > 0.5
    assert read(winking, "eyeBlinkRight") == pytest.approx(read(face(), "eyeBlinkRight"))


def test_mirrored_face_has_mirrored_channels() -> None:
    rng = np.random.default_rng(7)
    lopsided = face() + rng.normal(0, 0.2, (478, 3))
    flipped = lopsided[topology.MIRROR] * [-1, 1, 1]
    here = geometric.expression(geometric.measure(lopsided))
    there = geometric.expression(geometric.measure(flipped))
    np.testing.assert_allclose(there, mirror(here), atol=1e-6)


def test_the_unit_of_the_points_does_not_matter() -> None:
    np.testing.assert_allclose(geometric.measure(face() * 37.5), geometric.measure(face()))


def test_mouth_switch_has_hysteresis() -> None:
    switch = geometric.MouthSwitch(threshold=0.2, hysteresis=0.25)
    assert [switch(v) for v in (0.1, 0.19, 0.21, 0.19, 0.16, 0.14, 0.19)] == [
        False, False, True, True, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("threshold", "hysteresis"),
    [(0.0, 0.2), (-1, 0.2), (float("nan"), 0.2), (0.1, 1.0), (0.1, -0.1)],
)
def test_mouth_switch_refuses(threshold: float, hysteresis: float) -> None:
    with pytest.raises(InputError, match=r"mouth"):
        geometric.MouthSwitch(threshold, hysteresis)


def test_configural_features_are_those_that_the_paper_prints() -> None:
    features = geometric.configural_features(face())
    numbers = sorted(int(name.split()[0][1:]) for name in features)
    assert numbers == [1, *range(4, 24)]
    assert all(value > 0 for value in features.values())


def test_configural_corner_features_use_midpoints() -> None:
    points = face()
    eye = points[topology.IBUG_68[[39, 40, 41]]].mean(axis=0)
    corner = points[topology.IBUG_68[48]]
    unit = np.linalg.norm(points[33] - points[263])
    expected = np.linalg.norm(eye - corner) / unit
    assert geometric.configural_features(points)["c19 corner puller"] == pytest.approx(expected)


@pytest.mark.parametrize(("drop", "low", "high"), [(0.0, 0.0, 0.08), (1.0, 0.12, 0.5)])
def test_openness_is_a_share_of_the_width(drop: float, low: float, high: float) -> None:
    opened = moved(LOWER_LIP, (0, -drop, 0))
    assert low <= geometric.mouth_openness(opened) <= high
    assert geometric.mouth_openness(opened * 12.5) == pytest.approx(
        geometric.mouth_openness(opened)
    )
