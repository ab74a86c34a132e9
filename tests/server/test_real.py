"""The whole way with real landmarks: what the browser does, without the browser."""

import json

import httpx
import numpy as np
import pytest
from websockets.sync.client import connect

from mien import Tracker, engines, zoo
from mien.server.settings import Settings
from mien.server.trackers import load_tracker
from mien.server.wire import SUBPROTOCOL
from mien.types import Frame

pytestmark = pytest.mark.skipif(
    engines.available()["facemesh"] is not None, reason="FaceMesh ended with Python 3.12"
)


@pytest.fixture(scope="module")
def server(run_server, tmp_path_factory):
    settings = Settings(
        port=0, max_sessions=1, frame_rate=100_000, studio=tmp_path_factory.mktemp("studio")
    )
    with run_server(settings, load_tracker) as server:
        yield server


@pytest.fixture
def session(server):
    with connect(server.ws, subprotocols=[SUBPROTOCOL], max_size=None) as ws:
        assert json.loads(ws.recv(timeout=60))["engine"] == "facemesh"
        yield ws


def infer(server, data: bytes, **query) -> dict:
    answer = httpx.post(f"{server.url}infer", files={"file": data}, params=query, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_portrait_is_found_where_the_tracker_finds_it(server, portrait, portrait_path):
    body = infer(server, portrait_path.read_bytes())
    with Tracker("facemesh", mode="still", max_faces=8) as tracker:
        (expected,) = tracker.process(Frame(portrait)).faces
    points = np.array(body["faces"][0]["landmarks"])
    np.testing.assert_allclose(points, expected.landmarks.points, atol=0.01)
    np.testing.assert_allclose(
        np.array(body["landmarks"]) * [512, 600, 512], expected.landmarks.points, atol=0.01
    )
    channels = {k: v for k, v in body["faces"][0]["channels"].items() if v is not None}
    coefficients = body["faces"][0]["morphable"]
    first = channels if coefficients is None else {
        f"morphable_{i}": value for i, value in enumerate(coefficients)
    }  # fmt: skip
    assert first == pytest.approx(
        dict(zip(body["expression_names"], body["expression"], strict=True))
    )
    np.testing.assert_allclose(
        [np.nan if v is None else v for v in body["faces"][0]["channels"].values()],
        expected.expression, atol=1e-4,
    )  # fmt: skip
    assert ("morphable" in body["heads"]) == (coefficients is not None)
    assert len(channels) >= 15
    assert body["faces"][0]["pose"]["yaw"] == pytest.approx(expected.pose.yaw, abs=0.01)
    assert body["engine"] == "facemesh"


def test_a_picture_of_nobody_has_no_face(server, encode):
    body = infer(server, encode(size=(320, 240)))
    assert body["faces"] == []
    assert body["warnings"]


@pytest.mark.parametrize("encoding", [1, 2, 3])
def test_every_encoding_shows_the_same_face(
    server, session, portrait, portrait_path, message, read_answer, encoding
):
    height, width = portrait.shape[:2]
    alpha = np.full((height, width, 1), 255, np.uint8)
    pixels = {
        1: portrait_path.read_bytes(),
        2: portrait.tobytes(),
        3: np.concatenate([portrait, alpha], axis=2).tobytes(),
    }[encoding]
    size = (0, 0) if encoding == 1 else (width, height)
    session.send(message(pixels, encoding, sequence=4, size=size))
    answer = read_answer(session.recv(timeout=60))
    assert (answer.sequence, answer.size, len(answer.faces)) == (4, (width, height), 1)
    expected = np.array(infer(server, portrait_path.read_bytes())["faces"][0]["landmarks"])
    points = answer.field("points").reshape(478, 3)
    assert np.abs(points[:, :2] - expected[:, :2]).mean() < 3.0
    assert answer.seconds["total"] > answer.seconds["landmarks"] > 0


def test_a_moving_face_keeps_its_id_until_the_source_changes(
    session, portrait, message, read_answer
):
    ids = []
    for i in range(6):
        pixels = np.roll(portrait, 3 * i, axis=1).tobytes()
        session.send(message(pixels, 2, time=i / 30, size=(512, 600)))
        ids.append(int(read_answer(session.recv(timeout=60)).field("id")[0]))
    assert set(ids) == {1}
    session.send(json.dumps({"type": "reset"}))
    assert json.loads(session.recv(timeout=60))["type"] == "configured"
    session.send(message(portrait.tobytes(), 2, time=1.0, size=(512, 600)))
    assert len(read_answer(session.recv(timeout=60)).faces) == 1


def test_a_session_can_follow_several_faces(session, portrait, message, read_answer):
    both = np.concatenate([portrait, portrait[:, ::-1]], axis=1)
    session.send(json.dumps({"type": "configure", "max_faces": 2, "smoothing": "off"}))
    assert json.loads(session.recv(timeout=60))["max_faces"] == 2
    session.send(message(both.tobytes(), 2, size=(1024, 600)))
    assert len(read_answer(session.recv(timeout=60)).faces) == 2


def test_the_other_engine_can_be_chosen(
    shared, run_server, monkeypatch, tmp_path, portrait, message, read_answer
):
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    zoo.pull("face_landmarker", source=shared / "models" / "face_landmarker.task")
    settings = Settings(port=0, max_sessions=1, studio=tmp_path)
    with run_server(settings, load_tracker) as server, connect(server.ws, max_size=None) as ws:
        assert json.loads(ws.recv(timeout=60))["engines"]["facelandmarker"] is None
        ws.send(json.dumps({"type": "configure", "engine": "facelandmarker"}))
        assert json.loads(ws.recv(timeout=60))["engine"] == "facelandmarker"
        ws.send(message(portrait.tobytes(), 2, size=(512, 600)))
        answer = read_answer(ws.recv(timeout=60))
        assert not np.isnan(answer.field("engine_shapes")).all()


def test_a_video_is_followed(shared, session, message, read_answer):
    """As the page does it, two in flight; the mouth opens and closes."""
    import av

    with av.open(str(shared / "media" / "videos" / "expressive-d20.mp4")) as video:
        frames = [(f.time, f.to_ndarray(format="rgb24")) for f in video.decode(video=0)]
    answers, waiting = [], 0
    for i, (time, image) in enumerate(frames):
        height, width = image.shape[:2]
        session.send(message(image.tobytes(), 2, sequence=i, time=time, size=(width, height)))
        waiting += 1
        if waiting == 2:
            answers.append(read_answer(session.recv(timeout=60)))
            waiting -= 1
    answers.append(read_answer(session.recv(timeout=60)))
    assert [answer.sequence for answer in answers] == list(range(len(frames)))
    assert answers[-1].dropped == 0
    faces = [answer for answer in answers if len(answer.faces)]
    assert len(faces) > 0.95 * len(frames)
    assert {int(answer.field("id")[0]) for answer in faces} == {1}
    assert {float(answer.field("mouth_open")[0]) for answer in faces} == {0.0, 1.0}
