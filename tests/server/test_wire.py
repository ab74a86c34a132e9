import math
import struct

import numpy as np
import pytest

from mien.errors import InputError
from mien.server import wire
from mien.server.wire import Encoding, pack_answer, unpack_frame
from mien.types import Face, Landmarks, Observation, Pose


def test_a_frame_is_read_without_copying_its_pixels(message):
    data = message(bytes(range(12)), 2, sequence=7, time=1.25, size=(2, 2))
    frame = unpack_frame(data)
    assert (frame.encoding, frame.sequence, frame.time) == (Encoding.RGB, 7, 1.25)
    assert (frame.width, frame.height) == (2, 2)
    assert bytes(frame.pixels) == bytes(range(12))
    assert frame.pixels.obj is data


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"magic": 1}, "magic"),
        ({"version": 9}, "version 9"),
        ({"encoding": 0}, "encoding 0"),
        ({"encoding": 5}, "encoding 5"),
        ({"encoding": 4}, "5736 bytes for each of 0 to 64 faces, got 3"),
        ({"encoding": 4, "pixels": bytes(65 * 5736)}, "0 to 64 faces"),
        ({"time": math.nan}, "finite"),
        ({"time": math.inf}, "finite"),
        ({"encoding": 2, "size": (2, 2)}, "12 bytes"),
        ({"encoding": 3, "size": (1, 1)}, "needs 4 bytes"),
        ({"encoding": 2, "size": (0, 0), "pixels": b""}, "more than 0"),
        ({"encoding": 3, "size": (2**32 - 1, 2**32 - 1)}, "needs 73786976260478468100"),
    ],
)
def test_a_frame_that_is_none_is_refused(message, change, told):
    given = {"pixels": b"123", "encoding": 1} | change
    with pytest.raises(InputError, match=told):
        unpack_frame(message(**given))


@pytest.mark.parametrize("length", [0, 1, 31])
def test_a_message_shorter_than_the_header_is_refused(length):
    with pytest.raises(InputError, match=f"32 bytes, got a message of {length}"):
        unpack_frame(bytes(length))


def observation(*faces: Face) -> Observation:
    return Observation(3, 0.5, (640, 480), faces)


def test_an_answer_without_faces_is_its_header(read_answer):
    data = pack_answer(observation(), sequence=9, time=0.5, dropped=2, timings={"total": 0.25})
    assert len(data) == 72
    answer = read_answer(data)
    assert (answer.sequence, answer.time, answer.size, answer.dropped) == (9, 0.5, (640, 480), 2)
    assert answer.seconds == dict.fromkeys(wire.STAGES, 0.0) | {"total": 0.25}


def test_every_field_of_a_face_arrives(read_answer):
    rng = np.random.default_rng(0)
    unit = lambda n: rng.random(n).astype(np.float32)  # noqa: E731
    points = rng.random((478, 3)).astype(np.float32) * 400
    pose = Pose.from_euler(10, 20, 30, (1.0, 2.0, 3.0), 4.0)
    face = Face(
        5, 0.5, Landmarks(points, (640, 480), 0.75), pose, unit(52), True,
        unit(52), unit(10), unit(27), unit(7),
    )  # fmt: skip
    bare = Face(6, 0.5, Landmarks(points, (640, 480)))
    answer = read_answer(
        pack_answer(observation(face, bare), sequence=0, time=0, dropped=0, timings={})
    )
    expected = {
        "id": 5, "presence": 0.75, "inside": 1.0, "mouth_open": 1.0, "yaw": 10, "pitch": 20,
        "roll": 30, "scale": 4, "translation": [1, 2, 3], "rotation": pose.rotation.ravel(),
        "points": points.ravel(), "expression": face.expression,
        "engine_shapes": face.engine_shapes, "morphable": face.morphable,
        "action_units": face.action_units, "emotion": face.emotion,
    }  # fmt: skip
    assert set(expected) == {name for name, _ in wire.FACE_BLOCK}
    for name, value in expected.items():
        np.testing.assert_allclose(answer.field(name), value, rtol=1e-5, err_msg=name)
    present = {"id": 6, "inside": 1.0, "points": points.ravel()}
    for name, _ in wire.FACE_BLOCK:
        np.testing.assert_array_equal(
            answer.field(name, 1), present.get(name, np.nan), err_msg=name
        )


def test_offsets_fit_typed_arrays():
    for fields in (wire.FRAME_HEADER, wire.ANSWER_HEADER):
        offset = 0
        for name, code in fields:
            size = struct.calcsize(code)
            assert offset % size == 0, name
            offset += size
        assert offset % 4 == 0
