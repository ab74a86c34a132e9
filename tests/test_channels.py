from __future__ import annotations

import re
from itertools import chain

import numpy as np
import pytest

from mien.channels import (
    ACTION_UNITS,
    ARKIT_52,
    EMOTIONS,
    GROUPS,
    MIRROR,
    MOTION,
    OPPOSITES,
    index_of,
    mirror,
    shares,
)

# The order of a Live Link Face packet, as Apple and Unreal write it.
LIVE_LINK = """
EyeBlinkLeft EyeLookDownLeft EyeLookInLeft EyeLookOutLeft EyeLookUpLeft EyeSquintLeft EyeWideLeft
EyeBlinkRight EyeLookDownRight EyeLookInRight EyeLookOutRight EyeLookUpRight EyeSquintRight
EyeWideRight JawForward JawLeft JawRight JawOpen MouthClose MouthFunnel MouthPucker MouthLeft
MouthRight MouthSmileLeft MouthSmileRight MouthFrownLeft MouthFrownRight MouthDimpleLeft
MouthDimpleRight MouthStretchLeft MouthStretchRight MouthRollLower MouthRollUpper MouthShrugLower
MouthShrugUpper MouthPressLeft MouthPressRight MouthLowerDownLeft MouthLowerDownRight
MouthUpperUpLeft MouthUpperUpRight BrowDownLeft BrowDownRight BrowInnerUp BrowOuterUpLeft
BrowOuterUpRight CheekPuff CheekSquintLeft CheekSquintRight NoseSneerLeft NoseSneerRight TongueOut
"""


def test_the_52_channels_are_in_the_order_of_live_link() -> None:
    assert [name[0].upper() + name[1:] for name in ARKIT_52] == LIVE_LINK.split()
    assert len(ARKIT_52) == len(set(ARKIT_52)) == 52


@pytest.mark.parametrize(
    ("name", "index"),
    # Seen in captures of one channel at a time.
    [
        ("jawForward", 14), ("jawLeft", 15), ("jawRight", 16), ("jawOpen", 17),
        ("mouthLeft", 21), ("mouthRight", 22), ("browDownLeft", 41), ("tongueOut", 51),
    ],
)  # fmt: skip
def test_index_of(name: str, index: int) -> None:
    assert index_of(name) == index


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("jawOpn", "did you mean jawOpen"),
        ("JawOpen", "did you mean jawOpen"),
        ("mouthSmile_L", "mouthSmileLeft"),
        ("", "see mien.channels.ARKIT_52"),
        ("0123", "see mien.channels.ARKIT_52"),
    ],
)
def test_an_unknown_channel_lists_the_near_ones(name: str, hint: str) -> None:
    with pytest.raises(KeyError, match=hint):
        index_of(name)


def test_mirroring_twice_is_nothing() -> None:
    np.testing.assert_array_equal(MIRROR[MIRROR], np.arange(52))
    with pytest.raises(ValueError, match="read-only"):
        MIRROR[0] = 1


@pytest.mark.parametrize(
    ("name", "opposite"),
    [
        ("eyeBlinkLeft", "eyeBlinkRight"),
        ("jawLeft", "jawRight"),
        ("mouthRight", "mouthLeft"),
        ("browInnerUp", "browInnerUp"),
        # In and out are towards and away from the nose: they stay, the side changes.
        ("eyeLookInLeft", "eyeLookInRight"),
    ],
)
def test_mirror_pairs(name: str, opposite: str) -> None:
    values = np.zeros(52, np.float32)
    values[index_of(name)] = 0.7
    mirrored = mirror(values)
    assert mirrored[index_of(opposite)] == np.float32(0.7)
    assert np.count_nonzero(mirrored) == 1


def test_every_left_has_a_right() -> None:
    fixed = [name for name, i in zip(ARKIT_52, MIRROR, strict=True) if ARKIT_52[i] == name]
    assert fixed == [name for name in ARKIT_52 if not re.search("Left|Right", name)]


@pytest.mark.parametrize("shape", [(52,), (0, 52), (5, 52), (2, 3, 52)])
def test_mirror_takes_any_stack(shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(1).random(shape)
    mirrored = mirror(values)
    assert mirrored.shape == shape
    np.testing.assert_array_equal(mirrored[..., index_of("jawLeft")], values[..., 16])


def test_groups_hold_every_channel_once() -> None:
    assert sorted(chain.from_iterable(GROUPS.values())) == sorted(ARKIT_52)
    assert all(GROUPS.values())


def test_every_channel_has_one_class_of_motion() -> None:
    assert sorted(chain.from_iterable(MOTION.values())) == sorted(ARKIT_52)
    for names in MOTION.values():
        assert {ARKIT_52[MIRROR[index_of(name)]] for name in names} == set(names)


def test_opposites_exclude_each_other() -> None:
    names = list(chain.from_iterable(OPPOSITES))
    assert len(names) == len(set(names))
    pairs = {frozenset(pair) for pair in OPPOSITES}
    for a, b in OPPOSITES:
        assert frozenset(ARKIT_52[MIRROR[index_of(name)]] for name in (a, b)) in pairs


def test_emotions_are_those_of_fer_2013_in_its_order() -> None:
    assert EMOTIONS == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def test_action_units_rise() -> None:
    assert len(ACTION_UNITS) == 27
    assert list(ACTION_UNITS) == sorted(set(ACTION_UNITS))
    assert all(re.fullmatch(r"AU\d\d", unit) for unit in ACTION_UNITS)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({}, {}),
        ({"happy": 4}, {"happy": 1.0}),
        ({"sad": 1, "happy": 2}, {"happy": 0.6667, "sad": 0.3333}),
        ({"sad": 5, "fear": 5}, {"fear": 0.5, "sad": 0.5}),
    ],
)
def test_shares_begin_with_the_largest(counts: dict[str, int], expected: dict[str, float]) -> None:
    assert list(shares(counts).items()) == list(expected.items())
