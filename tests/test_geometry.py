from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mien.geometry import (
    camera_to_picture,
    distance,
    euler_from_matrix,
    matrix_from_euler,
    matrix_from_quaternion,
    picture_to_camera,
    project,
    quaternion_from_matrix,
    similarity,
    slerp,
)

LEFT, UP, FORWARD = np.eye(3)  # the subject's own left, up, and out of the face

half_turn = st.floats(-180, 180)
below_right_angle = st.floats(-89.9, 89.9)
clouds = arrays(np.float64, (12, 3), elements=st.floats(-10, 10))
rotations = st.builds(matrix_from_euler, half_turn, below_right_angle, half_turn)


def spread(points: np.ndarray) -> np.ndarray:
    """How far the points reach along their three main directions, longest first."""
    return np.linalg.svd(points - points.mean(axis=0), compute_uv=False)


def angle_between(a: float, b: float) -> float:
    return abs((a - b + 180) % 360 - 180)


@given(rotations)
def test_a_matrix_from_angles_is_a_rotation(rotation: np.ndarray) -> None:
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)


@given(half_turn, below_right_angle, half_turn)
def test_angles_survive_the_matrix(yaw: float, pitch: float, roll: float) -> None:
    found = euler_from_matrix(matrix_from_euler(yaw, pitch, roll))
    for given_, back in zip((yaw, pitch, roll), found, strict=True):
        assert angle_between(given_, back) < 1e-6


@pytest.mark.parametrize("pitch", [90.0, -90.0])
@given(yaw=half_turn, roll=half_turn)
def test_straight_up_and_down_keep_the_rotation(pitch: float, yaw: float, roll: float) -> None:
    rotation = matrix_from_euler(yaw, pitch, roll)
    found = euler_from_matrix(rotation)
    assert found[1:] == (pitch, 0.0)
    np.testing.assert_allclose(matrix_from_euler(*found), rotation, atol=1e-4)


@pytest.mark.parametrize(
    ("angles", "axis", "goes"),
    [
        ((0, 0, 0), FORWARD, FORWARD),
        ((90, 0, 0), FORWARD, LEFT),  # yaw: the nose turns to the subject's left
        ((0, 90, 0), FORWARD, UP),  # pitch: the nose goes up
        ((0, 0, 90), UP, LEFT),  # roll: the crown goes to the left shoulder
        ((0, 0, 90), FORWARD, FORWARD),
        ((90, 90, 0), UP, -LEFT),  # yaw first, pitch about the axis already turned
        ((90, 0, 90), UP, -FORWARD),
    ],
)
def test_signs_and_order_of_the_angles(
    angles: tuple[float, float, float], axis: np.ndarray, goes: np.ndarray
) -> None:
    np.testing.assert_allclose(matrix_from_euler(*angles) @ axis, goes, atol=1e-12)


def test_roll_is_clockwise_in_the_picture() -> None:
    crown = project(UP[None], matrix_from_euler(0, 0, 30), np.zeros(3), 1.0)[0]
    assert crown[0] == pytest.approx(math.sin(math.radians(30)))  # to the right
    assert crown[1] == pytest.approx(-math.cos(math.radians(30)))  # and still above


@given(rotations)
def test_a_matrix_survives_the_quaternion(rotation: np.ndarray) -> None:
    quaternion = quaternion_from_matrix(rotation)
    assert np.linalg.norm(quaternion) == pytest.approx(1)
    assert quaternion[3] >= 0
    np.testing.assert_allclose(matrix_from_quaternion(quaternion), rotation, atol=1e-9)


@given(arrays(np.float64, 4, elements=st.floats(-1, 1)), st.floats(0.1, 10))
def test_a_quaternion_survives_the_matrix(quaternion: np.ndarray, length: float) -> None:
    assume(np.linalg.norm(quaternion) > 1e-3)
    unit = quaternion / np.linalg.norm(quaternion)
    back = quaternion_from_matrix(matrix_from_quaternion(length * quaternion))
    # q and -q are one rotation.
    assert abs(back @ unit) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize(
    "axis", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 1, 1), (1, 0, 1), (0, 0, 0)]
)
def test_half_turns_have_a_quaternion(axis: tuple[int, int, int]) -> None:
    a = np.array(axis, float)
    n = np.linalg.norm(a)
    quaternion = np.array([*a / n, 0.0]) if n else np.array([0.0, 0.0, 0.0, 1.0])
    back = quaternion_from_matrix(matrix_from_quaternion(quaternion))
    assert abs(back @ quaternion) == pytest.approx(1)


@pytest.mark.parametrize(
    "quaternion", [np.zeros(4), np.full(4, np.nan), np.array([np.inf, 0.0, 0.0, 0.0])]
)
def test_no_rotation_without_a_quaternion(quaternion: np.ndarray) -> None:
    with pytest.raises(ValueError, match="non-zero quaternion"):
        matrix_from_quaternion(quaternion)


@given(clouds)
def test_picture_and_camera_axes_are_each_others_inverse(points: np.ndarray) -> None:
    np.testing.assert_array_equal(camera_to_picture(picture_to_camera(points)), points)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_changing_axes_keeps_the_dtype(dtype: type) -> None:
    flipped = picture_to_camera(np.array([[1, 2, 3]], dtype))
    assert flipped.dtype == dtype
    np.testing.assert_array_equal(flipped, [[1, -2, -3]])


@given(clouds, rotations, st.floats(0.01, 100), arrays(np.float64, 3, elements=st.floats(-50, 50)))
def test_similarity_finds_a_known_transform(
    points: np.ndarray, rotation: np.ndarray, scale: float, translation: np.ndarray
) -> None:
    assume(spread(points)[1] > 0.1)  # points on one line leave the turn about it open
    fit = similarity(points, scale * points @ rotation.T + translation)
    assert fit.scale == pytest.approx(scale)
    np.testing.assert_allclose(fit.rotation, rotation, atol=1e-6)
    np.testing.assert_allclose(fit.translation, translation, atol=1e-5 * scale + 1e-6)
    np.testing.assert_allclose(fit.invert(fit.apply(points)), points, atol=1e-8)


@given(clouds, clouds)
def test_similarity_never_reflects(source: np.ndarray, target: np.ndarray) -> None:
    assume(spread(source)[0] > 1e-3)
    fit = similarity(source, target)
    assert np.linalg.det(fit.rotation) == pytest.approx(1)
    assert fit.scale >= 0


@pytest.mark.parametrize("degrees", [0.0, 1e-6, 90.0, 168.0, 179.999, 180.0])
@pytest.mark.parametrize("axis", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, -2, 3)])
@pytest.mark.parametrize("depth", [1.0, 1e-3, 0.0])
def test_similarity_is_exact_at_every_turn(
    degrees: float, axis: tuple[int, int, int], depth: float
) -> None:
    half = np.radians(degrees) / 2
    vector = np.sin(half) * np.array(axis) / np.linalg.norm(axis)
    rotation = matrix_from_quaternion(np.array([*vector, np.cos(half)]))
    points = np.random.default_rng(5).normal(size=(31, 3)) * [1, 1, depth]
    fit = similarity(points, 20 * points @ rotation.T + [300, -200, 5])
    np.testing.assert_allclose(fit.rotation, rotation, atol=1e-9)
    assert fit.scale == pytest.approx(20, rel=1e-12)


def test_a_mirrored_face_is_turned_not_reflected() -> None:
    rng = np.random.default_rng(3)
    source = rng.normal(size=(40, 3))
    fit = similarity(source, source * [-1, 1, 1])
    assert np.linalg.det(fit.rotation) == pytest.approx(1)
    assert fit.scale < 0.99


@given(clouds, rotations, st.floats(0.1, 10))
def test_similarity_is_the_best_of_its_kind(
    source: np.ndarray, rotation: np.ndarray, scale: float
) -> None:
    assume(spread(source)[1] > 0.1)
    rng = np.random.default_rng(11)
    target = source + rng.normal(scale=0.5, size=source.shape)
    fit = similarity(source, target)
    centre = target.mean(axis=0)
    other = scale * (source - source.mean(axis=0)) @ rotation.T + centre
    assert ((fit.apply(source) - target) ** 2).sum() <= ((other - target) ** 2).sum() + 1e-9


def test_weights_choose_the_points_that_count() -> None:
    rng = np.random.default_rng(5)
    source = rng.normal(size=(20, 3))
    target = 2.0 * source @ matrix_from_euler(20, 5, -10).T
    target[15:] += 30.0  # these moved by themselves
    weights = np.ones(20)
    weights[15:] = 0.0
    fit = similarity(source, target, weights)
    assert fit.scale == pytest.approx(2.0)
    np.testing.assert_allclose(fit.rotation, matrix_from_euler(20, 5, -10), atol=1e-9)
    assert similarity(source, target).scale != pytest.approx(2.0, rel=0.05)


def test_equal_weights_are_no_weights() -> None:
    rng = np.random.default_rng(6)
    source, target = rng.normal(size=(2, 9, 3))
    plain, weighted = similarity(source, target), similarity(source, target, np.full(9, 7.0))
    np.testing.assert_allclose(plain.rotation, weighted.rotation, atol=1e-12)
    assert plain.scale == pytest.approx(weighted.scale)


@pytest.mark.parametrize(
    ("source", "target", "says"),
    [
        (np.zeros((0, 3)), np.zeros((0, 3)), "at least 3 points"),
        (np.eye(3)[:2], np.eye(3)[:2], "at least 3 points"),
        (np.eye(3), np.zeros((4, 3)), "equally long"),
        (np.ones((5, 3)), np.eye(5, 3), "one place"),
        (np.full((5, 3), np.nan), np.eye(5, 3), "one place"),
    ],
)
def test_what_cannot_be_aligned_is_refused(
    unchecked: None, source: np.ndarray, target: np.ndarray, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        similarity(source, target)


@given(clouds, rotations, st.floats(0.1, 100), arrays(np.float64, 3, elements=st.floats(-500, 500)))
def test_projection_is_the_inverse_of_its_alignment(
    points: np.ndarray, rotation: np.ndarray, scale: float, translation: np.ndarray
) -> None:
    assume(spread(points)[1] > 0.1)
    picture = project(points, rotation, translation, scale)
    fit = similarity(points, picture_to_camera(picture))
    np.testing.assert_allclose(fit.rotation, rotation, atol=1e-6)
    assert fit.scale == pytest.approx(scale)


def test_projection_axes() -> None:
    translation = np.array([100.0, 200.0, 0.0])
    points = np.array([[0.0, 0.0, 0.0], LEFT, UP, FORWARD])
    origin, left, up, forward = project(points, np.eye(3), translation, 10.0)
    np.testing.assert_allclose(origin, translation)
    np.testing.assert_allclose(left, [110, 200, 0])  # the subject's left is right in the picture
    np.testing.assert_allclose(up, [100, 190, 0])  # y goes down
    np.testing.assert_allclose(forward, [100, 200, -10])  # nearer is smaller


@pytest.mark.parametrize(
    ("points", "others", "expected"),
    [
        ([[0, 0, 0]], [[0, 0, 0]], 0.0),
        ([[1, 2, 3]], [[1, 2, 5]], 2.0),
        ([[0, 0, 0], [0, 0, 0]], [[3, 4, 0], [0, 0, 0]], math.sqrt(12.5)),
    ],
)
def test_distance(points: list[object], others: list[object], expected: float) -> None:
    found = distance(np.array(points, np.float64), np.array(others, np.float64))
    assert found == pytest.approx(expected)


@given(rotations, rotations, st.floats(0, 1))
def test_a_slerp_turns_at_a_steady_speed(start: np.ndarray, end: np.ndarray, share: float) -> None:
    def angle(a: np.ndarray, b: np.ndarray) -> float:
        # By the chord, which is exact for small angles too.
        return 2 * math.asin(min(1.0, float(np.linalg.norm(a - b)) / math.sqrt(8)))

    whole = angle(start, end)
    between = slerp(start, end, share)
    np.testing.assert_allclose(between @ between.T, np.eye(3), atol=1e-9)
    assert angle(start, between) == pytest.approx(share * whole, abs=1e-5)
    assert angle(between, end) == pytest.approx((1 - share) * whole, abs=1e-5)


def test_a_slerp_ends_where_it_shall_and_goes_the_shorter_way() -> None:
    start, end = matrix_from_euler(170, 0, 0), matrix_from_euler(-170, 0, 0)
    np.testing.assert_allclose(slerp(start, end, 0), start, atol=1e-12)
    np.testing.assert_allclose(slerp(start, end, 1), end, atol=1e-12)
    np.testing.assert_allclose(slerp(start, end, 0.5), matrix_from_euler(180, 0, 0), atol=1e-9)
    np.testing.assert_array_equal(slerp(np.eye(3), np.eye(3), 0.3), np.eye(3))
