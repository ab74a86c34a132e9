"""Landmarks from elsewhere walk the same road, and nothing that is none gets onto it."""

from __future__ import annotations

import numpy as np
import pytest

from mien.engines import GivenFrame, GivenLandmarks
from mien.errors import InputError
from mien.topology import CANONICAL
from mien.tracker import Tracker
from mien.types import Frame

SIZE = (640, 480)
FACE = (CANONICAL * [10, -10, -10] + [320, 240, 0]).astype(np.float32)


def frame(*faces: np.ndarray, time: float = 0.0, size: tuple[int, int] = SIZE) -> GivenFrame:
    points = np.array(faces, np.float32).reshape(-1, 478, 3)
    return GivenFrame.of(points, size, time, round(time * 30))


def test_a_frame_has_the_size_of_its_picture_and_no_picture():
    given = frame(FACE)
    assert given.size == SIZE
    assert not given.image.any()
    assert given.image.base is not None
    assert given.image.strides == (0, 0, 1), "a pixel, as often as needed"
    assert given.faces[0].size == SIZE


def test_the_road_is_the_same_as_with_a_picture():
    with Tracker(GivenLandmarks(), expression="geometric", morphable=None) as tracker:
        assert tracker.engine_name == "facelandmarker"
        assert tracker.process(frame()).faces == ()
        observation = tracker.process(frame(FACE, time=0.1))
    (face,) = observation.faces
    assert observation.size == SIZE
    assert face.id == 1
    assert face.pose.scale == pytest.approx(10, rel=1e-3)
    assert [face.pose.yaw, face.pose.pitch, face.pose.roll] == pytest.approx([0, 0, 0], abs=0.01)
    np.testing.assert_allclose(face.landmarks.points, FACE, atol=1e-3)
    assert np.nanmax(face.expression) <= 1


def test_people_are_told_apart_without_their_colours():
    left, right = FACE - np.float32([150, 0, 0]), FACE + np.float32([150, 0, 0])
    with Tracker(GivenLandmarks(), max_faces=2, expression=None, morphable=None) as tracker:
        first = tracker.process(frame(left, right))
        # In another order: an id belongs to a place, not to a row.
        second = tracker.process(frame(right, left, time=0.05))
    where = [{f.id: f.pose.translation[0] < 320 for f in seen.faces} for seen in (first, second)]
    assert where[0] == where[1]
    assert sorted(where[0]) == [1, 2]


def changed(**values: float) -> np.ndarray:
    face = FACE.copy()
    for place, value in values.items():
        face[int(place[1:])] = value
    return face


@pytest.mark.parametrize(
    ("faces", "size", "told"),
    [
        ([FACE], (0, 480), "0x480"),
        ([], (640, 32_769), "640x32769"),
        ([changed(_17=np.nan)], SIZE, "finite"),
        ([FACE, changed(_3=-np.inf)], SIZE, "finite"),
        ([changed(_3=5121)], SIZE, "5120"),
        ([np.full((478, 3), 100)], SIZE, "one spot"),
        ([FACE * np.float32(1e-6)], SIZE, "one spot"),
        ([np.where(np.arange(478)[:, None] == 5, 300, 100) * np.ones(3)], SIZE, "one spot"),
        ([changed(_78=300, _308=300)], SIZE, "one spot"),
    ],
)
def test_what_no_face_can_be_is_refused(faces, size, told):
    with pytest.raises(InputError, match=told):
        frame(*faces, size=size)


def test_whatever_is_let_through_walks_the_road():
    rng = np.random.default_rng(0)
    through = 0
    with Tracker(GivenLandmarks(), max_faces=3) as tracker:
        for i in range(60):
            spread = 10 ** rng.uniform(-1, 3.2)
            faces = rng.normal(0, 1, (rng.integers(1, 4), 478, 3)) * spread + rng.uniform(0, 600)
            if i % 3 == 0:
                faces[..., rng.integers(3)] = 100
            if i % 5 == 0:
                faces = faces @ np.outer(rng.normal(size=3), rng.normal(size=3))
            try:
                given = frame(*faces, time=i / 30)
            except InputError:
                continue
            through += 1
            for face in tracker.process(given).faces:
                assert np.isfinite(face.pose.rotation).all()
    assert through > 20


def test_a_picture_is_refused():
    with pytest.raises(InputError, match="picture"):
        GivenLandmarks().detect(Frame(np.zeros((4, 4, 3), np.uint8)))
