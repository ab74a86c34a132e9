"""From faces to rig poses, and between them."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.channels import ARKIT_52, MIRROR, index_of
from mien.geometry import euler_from_matrix, matrix_from_euler
from mien.retarget.pose import (
    GAZE,
    JAW_ASIDE,
    JAW_OPEN,
    Driver,
    ease_to_rest,
    interpolate,
    jaw_rotation,
    mirrored,
    rig_pose,
    turned,
)
from mien.retarget.rigs import RIGS
from mien.types import Face, Landmarks, Pose, RigPose

LANDMARKS = Landmarks(np.zeros((478, 3), np.float32), (640, 480))
PARTS = ("head", "jaw", "left_eye", "right_eye")


def weights(**values: float) -> np.ndarray:
    out = np.zeros(52, np.float32)
    for name, value in values.items():
        out[index_of(name)] = value
    return out


def face(time: float = 0.0, pose: Pose | None = None, id_: int = 1, **values: float) -> Face:
    return Face(id_, time, LANDMARKS, pose, weights(**values))


def busy(seed: int = 0, time: float = 1.0) -> RigPose:
    rng = np.random.default_rng(seed)
    turn = (matrix_from_euler(*rng.uniform(-40, 40, 3)) for _ in PARTS)
    return RigPose(
        time=time,
        names=ARKIT_52,
        weights=rng.random(52).astype(np.float32),
        position=rng.normal(size=3),
        **dict(zip(PARTS, turn, strict=True)),
    )


def same(a: RigPose, b: RigPose) -> None:
    assert a.names == b.names
    assert a.time == pytest.approx(b.time)
    assert (a.position is None) == (b.position is None)
    for name in ("weights", *PARTS, *(("position",) if a.position is not None else ())):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), atol=1e-6, err_msg=name)


def test_a_channel_that_nobody_produced_asks_for_nothing() -> None:
    values = np.full(52, np.nan, np.float32)
    values[index_of("jawOpen")] = 0.5
    pose = rig_pose(dataclasses.replace(face(), expression=values))
    np.testing.assert_array_equal(pose.weights, weights(jawOpen=0.5))
    assert np.isnan(values).sum() == 51  # the face is left as it was


def test_a_face_without_expression_and_pose_is_at_rest() -> None:
    pose = rig_pose(Face(1, 2.0, LANDMARKS))
    assert pose.time == 2.0
    assert pose.driven
    assert not pose.weights.any()
    assert pose.position is None
    for part in PARTS:
        np.testing.assert_array_equal(getattr(pose, part), np.eye(3))


def test_the_head_turns_as_the_face_does() -> None:
    pose = Pose.from_euler(20, -10, 5)
    np.testing.assert_array_equal(rig_pose(face(pose=pose)).head, pose.rotation)


@pytest.mark.parametrize(
    ("channel", "part", "yaw", "pitch"),
    [
        ("eyeLookOutLeft", "left_eye", GAZE, 0),  # out is towards the subject's left
        ("eyeLookInLeft", "left_eye", -GAZE, 0),
        ("eyeLookUpLeft", "left_eye", 0, GAZE),
        ("eyeLookDownLeft", "left_eye", 0, -GAZE),
        ("eyeLookOutRight", "right_eye", -GAZE, 0),
        ("eyeLookInRight", "right_eye", GAZE, 0),
        ("eyeLookUpRight", "right_eye", 0, GAZE),
        ("eyeLookDownRight", "right_eye", 0, -GAZE),
        ("jawOpen", "jaw", 0, -JAW_OPEN),
        ("jawLeft", "jaw", JAW_ASIDE, 0),
        ("jawRight", "jaw", -JAW_ASIDE, 0),
        ("jawForward", "jaw", 0, 0),  # is no turn
    ],
)
def test_what_turns_which_way(channel: str, part: str, yaw: float, pitch: float) -> None:
    pose = rig_pose(face(**{channel: 1.0}))
    assert euler_from_matrix(getattr(pose, part)) == pytest.approx((yaw, pitch, 0), abs=1e-9)
    for other in set(PARTS) - {part}:
        np.testing.assert_array_equal(getattr(pose, other), np.eye(3))


def test_directions_in_the_axes_of_the_head() -> None:
    looks_left = rig_pose(face(eyeLookOutLeft=0.5, eyeLookInRight=0.5))
    assert (looks_left.left_eye @ [0, 0, 1])[0] > 0.2  # x is the subject's left
    np.testing.assert_allclose(looks_left.left_eye, looks_left.right_eye)
    looks_up = rig_pose(face(eyeLookUpLeft=1.0))
    assert (looks_up.left_eye @ [0, 0, 1])[1] > 0.5
    chin = rig_pose(face(jawOpen=1.0)).jaw @ np.array([0, -4.0, 9.0])
    assert chin[1] < -7  # it goes down
    assert chin[2] < 9  # and back


def test_names_that_are_not_there_turn_nothing() -> None:
    names = RIGS["vrm1"]
    np.testing.assert_array_equal(jaw_rotation(names, np.ones(len(names), np.float32)), np.eye(3))


def test_eyes_or_jaw_alone_can_be_turned() -> None:
    pose = dataclasses.replace(busy(), weights=weights(jawOpen=1.0))
    jaw = turned(pose, eyes=False)
    assert jaw.left_eye is pose.left_eye
    assert euler_from_matrix(jaw.jaw)[1] == pytest.approx(-JAW_OPEN)
    assert turned(pose, jaw=False).jaw is pose.jaw
    assert turned(pose, eyes=False, jaw=False) is pose


@pytest.mark.parametrize(
    ("now", "axis", "sign"),
    [
        (((360.0, 240.0, 0.0), 15.0), 0, 1),  # right in the picture
        (((320.0, 280.0, 0.0), 15.0), 1, -1),  # down
        (((320.0, 240.0, 0.0), 20.0), 2, 1),  # larger is nearer: towards the viewer
        (((320.0, 240.0, 0.0), 10.0), 2, -1),
    ],
)
def test_the_position_is_relative_to_the_start(now: Any, axis: int, sign: int) -> None:
    start = face(pose=Pose.from_euler(0, 0, 0, (320.0, 240.0, 0.0), 15.0))
    moved = rig_pose(face(pose=Pose.from_euler(0, 0, 0, *now)), start).position
    assert moved is not None
    assert moved[axis] * sign > 1
    assert np.abs(np.delete(moved, axis)).max() < 1e-9
    np.testing.assert_array_equal(rig_pose(start, start).position, np.zeros(3))


def test_the_position_is_in_head_units() -> None:
    start = face(pose=Pose.from_euler(0, 0, 0, (100.0, 90.0, 0.0), 15.0))
    moved = face(pose=Pose.from_euler(0, 0, 0, (130.0, 90.0, 0.0), 15.0))
    np.testing.assert_allclose(rig_pose(moved, start).position, [2, 0, 0])
    assert rig_pose(moved, face()).position is None
    assert rig_pose(face(), start).position is None


def test_a_lost_face_eases_to_rest() -> None:
    pose = busy()
    eased = [ease_to_rest(pose, t) for t in (0.0, 0.1, 0.5, 3.0)]
    same(eased[0], pose)
    assert not any(e.driven for e in eased)
    assert [e.time for e in eased] == pytest.approx([1, 1.1, 1.5, 4])
    for name in ("weights", *PARTS, "position"):
        rest = np.eye(3) if name in PARTS else 0
        away = [np.abs(getattr(e, name) - rest).max() for e in eased]
        assert away[0] > away[1] > away[2] > away[3]
        assert away[3] < 1e-3, name
    assert ease_to_rest(dataclasses.replace(pose, position=None), 1).position is None


@given(st.floats(0, 2), st.floats(0, 2))
def test_to_ease_twice_is_to_ease_once(first: float, second: float) -> None:
    pose = busy(3)
    same(ease_to_rest(ease_to_rest(pose, first), second), ease_to_rest(pose, first + second))


def test_between_two_poses() -> None:
    before = dataclasses.replace(busy(1, 1.0), head=matrix_from_euler(0, 0, 0))
    after = dataclasses.replace(busy(2, 3.0), head=matrix_from_euler(40, 0, 0), driven=False)
    half = interpolate(before, after, 2.0)
    np.testing.assert_allclose(half.weights, (before.weights + after.weights) / 2, atol=1e-6)
    assert half.position is not None
    assert before.position is not None
    assert after.position is not None
    np.testing.assert_allclose(half.position, (before.position + after.position) / 2)
    assert euler_from_matrix(half.head) == pytest.approx((20, 0, 0), abs=1e-9)
    assert half.time == 2.0
    same(interpolate(before, after, 1.0), before)
    same(interpolate(before, after, 3.0), after)
    same(interpolate(before, after, 1.0 + 1e-9), dataclasses.replace(before, time=1.0 + 1e-9))
    # Never beyond what was seen.
    np.testing.assert_array_equal(interpolate(before, after, 9.0).weights, after.weights)
    np.testing.assert_array_equal(interpolate(before, after, 0.0).weights, before.weights)
    assert [interpolate(before, after, t).driven for t in (1.0, 1.9, 2.1, 3.0)] == [
        True, True, False, False,
    ]  # fmt: skip
    nowhere = dataclasses.replace(after, position=None)
    assert interpolate(before, nowhere, 2.0).position is None


def test_two_poses_at_one_time() -> None:
    before, after = busy(1, 1.0), busy(2, 1.0)
    same(interpolate(before, after, 1.0), after)


def test_what_cannot_be_interpolated() -> None:
    other = RigPose(2.0, ("jawOpen",), np.zeros(1, np.float32))
    with pytest.raises(ValueError, match="same channels"):
        interpolate(busy(), other, 1.5)
    with pytest.raises(ValueError, match=r"later pose is at 0\.0 s"):
        interpolate(busy(), busy(1, 0.0), 1.5)


@pytest.mark.parametrize("rig", RIGS)
def test_twice_in_the_mirror_is_the_same(rig: str) -> None:
    names = RIGS[rig]
    values = np.random.default_rng(0).random(len(names)).astype(np.float32)
    pose = dataclasses.replace(busy(4), names=names, weights=values)
    same(mirrored(mirrored(pose)), pose)
    assert not np.array_equal(mirrored(pose).head, pose.head)


def test_in_the_mirror_left_is_right() -> None:
    pose = busy(5)
    seen = mirrored(pose)
    np.testing.assert_array_equal(seen.weights, pose.weights[MIRROR])
    assert euler_from_matrix(seen.head) == pytest.approx(
        tuple(s * a for s, a in zip((-1, 1, -1), euler_from_matrix(pose.head), strict=True))
    )
    assert pose.position is not None
    np.testing.assert_allclose(seen.position, pose.position * [-1, 1, 1])
    # A face that looks to its left looks to its right, with both eyes.
    left = rig_pose(face(eyeLookOutLeft=1.0, eyeLookInRight=0.5, jawLeft=1.0))
    same(mirrored(left), rig_pose(face(eyeLookOutRight=1.0, eyeLookInLeft=0.5, jawRight=1.0)))


@pytest.mark.parametrize(
    ("rig", "pair"),
    [
        ("arkit52", ("mouthLeft", "mouthRight")),
        ("livelink", ("EyeBlinkLeft", "EyeBlinkRight")),
        ("ifacialmocap", ("mouthSmile_L", "mouthSmile_R")),
        ("ifacialmocap", ("jawLeft", "jawRight")),
        ("ict", ("cheekPuff_L", "cheekPuff_R")),
        ("vrm0", ("Blink_L", "Blink_R")),
        ("vrm0", ("LookLeft", "LookRight")),
        ("vrm1", ("blinkLeft", "blinkRight")),
        ("facs", ("AU30L", "AU30R")),
        ("facs", ("AU61", "AU62")),
    ],
)
def test_pairs_in_every_vocabulary(rig: str, pair: tuple[str, str]) -> None:
    names = RIGS[rig]
    for this, that in itertools.permutations(pair):
        values = np.zeros(len(names), np.float32)
        values[names.index(this)] = 1
        seen = mirrored(RigPose(0.0, names, values))
        assert [n for n, w in zip(names, seen.weights, strict=True) if w] == [that]


def test_a_driver_follows_loses_and_finds_a_face() -> None:
    driver = Driver()
    before = driver(None, 0.0)  # nobody yet
    assert (before.driven, before.weights.any(), before.time) == (False, False, 0.0)
    at = Pose.from_euler(0, 0, 0, (320.0, 240.0, 0.0), 15.0)
    away = Pose.from_euler(0, 0, 0, (350.0, 240.0, 0.0), 15.0)
    first = driver(face(1.0, at, jawOpen=0.8), 1.0)
    np.testing.assert_array_equal(first.position, np.zeros(3))
    second = driver(face(1.1, away, jawOpen=0.8), 1.1)
    np.testing.assert_allclose(second.position, [2, 0, 0])
    lost = [driver(None, t) for t in (1.2, 1.3)]
    assert [p.driven for p in lost] == [False, False]
    opened = [float(p.weights[index_of("jawOpen")]) for p in (second, *lost)]
    assert opened[1:] == pytest.approx([0.8 * math.exp(-0.4), 0.8 * math.exp(-0.8)])
    assert [p.time for p in lost] == pytest.approx([1.2, 1.3])
    again = driver(face(1.4, away), 1.4)
    assert again.driven
    np.testing.assert_allclose(again.position, [2, 0, 0])
    # Another person begins where they are.
    np.testing.assert_array_equal(driver(face(1.5, away, 2), 1.5).position, np.zeros(3))
    assert driver(face(1.6, None, 3), 1.6).position is None


def test_a_driver_in_the_mirror() -> None:
    pose = Driver(mirror=True)(face(eyeBlinkLeft=1.0), 0.0)
    np.testing.assert_array_equal(pose.weights, weights(eyeBlinkRight=1.0))
