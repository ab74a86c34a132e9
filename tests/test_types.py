from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from mien.geometry import matrix_from_euler, picture_to_camera, project, similarity
from mien.topology import CANONICAL
from mien.types import Face, Frame, Landmarks, Observation, Pose, RigPose

NAN, INF = math.nan, math.inf
IMAGE = np.zeros((4, 6, 3), np.uint8)
POINTS = np.zeros((478, 3), np.float32)
LANDMARKS = Landmarks(POINTS, (6, 4))
POSE = Pose.from_euler(10, 20, 30)


def unit(length: int, value: float = 0.5) -> np.ndarray:
    return np.full(length, value, np.float32)


def with_value(array: np.ndarray, value: float) -> np.ndarray:
    changed = array.copy()
    changed.flat[0] = value
    return changed


def test_a_frame_knows_its_size() -> None:
    assert Frame(IMAGE).size == (6, 4)
    assert Frame(np.zeros((1, 1, 3), np.uint8)).size == (1, 1)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"image": np.zeros((4, 6), np.uint8)}, "uint8 RGB"),
        ({"image": np.zeros((4, 6, 4), np.uint8)}, "uint8 RGB"),
        ({"image": np.zeros((4, 6, 3), np.float32)}, "uint8 RGB"),
        ({"image": np.zeros((0, 6, 3), np.uint8)}, "at least one pixel"),
        ({"image": np.zeros((4, 0, 3), np.uint8)}, "at least one pixel"),
        ({"time": NAN}, "finite time"),
        ({"time": INF}, "finite time"),
        ({"index": -1}, "index >= 0"),
    ],
)
def test_a_frame_is_validated(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Frame(**({"image": IMAGE} | fields))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"points": np.zeros((0, 3), np.float32)}, r"float32 \(478, 3\)"),
        ({"points": np.zeros((468, 3), np.float32)}, r"float32 \(478, 3\)"),
        ({"points": np.zeros((478, 2), np.float32)}, r"float32 \(478, 3\)"),
        ({"points": np.zeros((478, 3))}, r"float32 \(478, 3\)"),
        ({"points": with_value(POINTS, NAN)}, "finite"),
        ({"points": with_value(POINTS, INF)}, "finite"),
        ({"presence": -0.1}, "presence is 0..1"),
        ({"presence": 1.1}, "presence is 0..1"),
        ({"presence": NAN}, "presence is 0..1"),
    ],
)
def test_landmarks_are_validated(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Landmarks(**({"points": POINTS, "size": (6, 4)} | fields))


def test_landmarks_from_mediapipes_convention() -> None:
    found = Landmarks.from_normalised(np.full((478, 3), 0.5), (640, 480), 0.9)
    np.testing.assert_array_equal(found.points[0], np.float32([320, 240, 320]))  # z as x
    assert found.points.dtype == np.float32
    assert (found.size, found.presence) == ((640, 480), 0.9)


def test_box_and_share_inside() -> None:
    points = POINTS.copy()
    points[0] = [-2, 1, 9]
    points[1] = [5.5, 3.5, -9]
    points[2] = [6, 0, 0]  # the right border belongs to the next pixel
    found = Landmarks(points, (6, 4))
    assert found.box == (-2, 0, 6, 3.5)
    assert found.inside == pytest.approx(476 / 478)
    assert Landmarks(points - 100, (6, 4)).inside == 0


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"rotation": np.zeros((3, 3))}, "determinant 1"),
        ({"rotation": np.eye(4)}, "determinant 1"),
        ({"rotation": np.diag([1.0, 1.0, -1.0])}, "determinant 1"),
        ({"rotation": 2 * np.eye(3)}, "determinant 1"),
        ({"rotation": np.full((3, 3), NAN)}, "determinant 1"),
        ({"translation": np.zeros(2)}, "translation"),
        ({"scale": 0.0}, "scale > 0"),
        ({"scale": -1.0}, "scale > 0"),
        ({"scale": NAN}, "scale > 0"),
    ],
)
def test_a_pose_is_validated(fields: dict[str, Any], says: str) -> None:
    good = {"rotation": np.eye(3), "translation": np.zeros(3), "scale": 1.0}
    with pytest.raises(ValueError, match=says):
        Pose(**(good | fields))


@pytest.mark.parametrize("angles", [(0, 0, 0), (30, -20, 10), (-80, 5, 170)])
def test_a_pose_knows_its_angles(angles: tuple[float, float, float]) -> None:
    pose = Pose.from_euler(*angles)
    assert (pose.yaw, pose.pitch, pose.roll) == pytest.approx(angles)
    np.testing.assert_allclose(pose.rotation, matrix_from_euler(*angles))


def test_a_pose_from_the_fit_of_a_face_in_a_picture() -> None:
    given = Pose.from_euler(25, -10, 5, (320.0, 240.0, 7.0), 12.0)
    points = CANONICAL.astype(np.float64)
    picture = project(points, given.rotation, given.translation, given.scale)
    found = Pose.from_similarity(similarity(points, picture_to_camera(picture)))
    assert (found.yaw, found.pitch, found.roll) == pytest.approx((25, -10, 5))
    np.testing.assert_allclose(found.translation, given.translation, atol=1e-6)
    assert found.scale == pytest.approx(12)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"id": -1}, "id >= 0"),
        ({"time": NAN}, "finite time"),
        ({"expression": unit(51)}, r"expression: expected float32 \(52,\)"),
        ({"expression": unit(0)}, r"expression: expected float32 \(52,\)"),
        ({"expression": np.full(52, 0.5)}, r"expression: expected float32 \(52,\)"),
        ({"expression": with_value(unit(52), -0.01)}, r"expression: expected values in 0\.\.1"),
        ({"expression": with_value(unit(52), INF)}, r"expression: expected values in 0\.\.1"),
        ({"engine_shapes": with_value(unit(52), 1.01)}, "engine_shapes: expected values"),
        ({"action_units": unit(28)}, r"action_units: expected float32 \(27,\)"),
        ({"emotion": unit(8)}, r"emotion: expected float32 \(7,\)"),
        ({"morphable": unit(9)}, r"morphable: expected float32 \(10,\)"),
        ({"morphable": np.zeros(10)}, r"morphable: expected float32 \(10,\)"),
    ],
)
def test_a_face_is_validated(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Face(**({"id": 1, "time": 0.0, "landmarks": LANDMARKS} | fields))


def test_a_face_says_what_no_model_produced() -> None:
    bare = Face(1, 0.0, LANDMARKS)
    assert bare.channel("jawOpen") is None
    values = unit(52, NAN)
    values[17] = 0.25
    face = dataclasses.replace(bare, expression=values)
    assert face.channel("jawOpen") == 0.25
    assert face.channel("eyeBlinkLeft") is None
    with pytest.raises(KeyError, match="did you mean jawOpen"):
        face.channel("jawOpened")


@pytest.mark.parametrize("field", ["expression", "engine_shapes"])
def test_a_channel_may_be_missing_but_not_wrong(field: str) -> None:
    all_missing = Face(1, 0.0, LANDMARKS, **{field: unit(52, NAN)})
    assert np.isnan(getattr(all_missing, field)).all()
    with pytest.raises(ValueError, match=r"0\.\.1"):
        Face(1, 0.0, LANDMARKS, **{field: with_value(unit(52, NAN), 2.0)})


def test_morphable_coefficients_have_no_range() -> None:
    face = Face(1, 0.0, LANDMARKS, morphable=unit(10, -3.5))
    assert face.morphable is not None
    assert face.morphable[0] == -3.5


def test_no_face_is_a_value() -> None:
    nothing = Observation(0, 0.0, (6, 4), ())
    assert nothing.faces == ()
    assert not nothing.timings


def test_a_rig_pose_rests_unless_something_is_said() -> None:
    pose = RigPose(1.0, ("jawOpen",), unit(1))
    for part in ("head", "jaw", "left_eye", "right_eye"):
        np.testing.assert_array_equal(getattr(pose, part), np.eye(3))
    assert pose.position is None
    assert pose.driven
    assert RigPose(0.0, (), unit(0)).weights.size == 0


@pytest.mark.parametrize("value", [-0.5, 1.5])
def test_a_weight_may_leave_its_range(value: float) -> None:
    assert RigPose(0.0, ("jawOpen",), unit(1, value)).weights.tolist() == [value]


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"time": NAN}, "finite time"),
        ({"time": INF}, "finite time"),
        ({"weights": unit(1)}, r"expected float32 \(2,\), got float32 \(1,\)"),
        ({"weights": unit(3)}, r"expected float32 \(2,\)"),
        ({"weights": unit(2)[None]}, r"expected float32 \(2,\)"),
        ({"weights": np.zeros(2)}, r"expected float32 \(2,\), got float64"),
        ({"names": ()}, r"expected float32 \(0,\)"),
        ({"weights": with_value(unit(2), NAN)}, "are finite"),
        ({"weights": with_value(unit(2), INF)}, "are finite"),
    ],
)
def test_a_rig_pose_is_validated(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        RigPose(**({"time": 0.0, "names": ("jawOpen", "aa"), "weights": unit(2)} | fields))


@pytest.mark.parametrize(
    "record",
    [
        Frame(IMAGE),
        LANDMARKS,
        POSE,
        Face(1, 0.0, LANDMARKS),
        Observation(0, 0.0, (6, 4), ()),
        RigPose(0.0, (), unit(0)),
    ],
)
def test_records_are_frozen(record: Any) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(record, dataclasses.fields(record)[0].name, None)
