"""Private sessions: landmarks in the place of pictures, and the model for the page."""

import numpy as np
import pytest

from mien import zoo
from mien.engines import GivenFrame
from mien.server.trackers import Options, Seat, load_tracker
from mien.server.wire import SUBPROTOCOL
from mien.topology import CANONICAL

WS = "ws://127.0.0.1:8765/ws"
FACE = (CANONICAL * [10, -10, -10] + [320, 240, 0]).astype("<f4").tobytes()
SIZE = (640, 480)


@pytest.fixture
def session(make_client):
    """A private session, after `ready` and `configured`."""
    with make_client(max_pixels=400_000).websocket_connect(WS, [SUBPROTOCOL]) as socket:
        assert socket.receive_json()["private"] is False
        socket.send_json({"type": "configure", "private": True})
        assert socket.receive_json()["private"] is True
        yield socket


@pytest.mark.parametrize("faces", [0, 1, 2])
def test_landmarks_reach_the_tracker(session, message, read_answer, cast, faces):
    session.send_bytes(message(FACE * faces, 4, sequence=3, time=1.5, size=SIZE))
    answer = read_answer(session.receive_bytes())
    assert (answer.sequence, answer.time, answer.size) == (3, 1.5, SIZE)
    tracker = cast.videos[-1]
    assert tracker.options.private
    (frame,) = tracker.frames
    assert isinstance(frame, GivenFrame)
    assert (frame.size, frame.time, len(frame.faces)) == (SIZE, 1.5, faces)
    for face in frame.faces:
        assert face.points.astype("<f4").tobytes() == FACE


@pytest.mark.parametrize(
    ("pixels", "encoding", "size", "code", "told"),
    [
        (bytes(12), 2, (2, 2), "invalid_value", "private"),
        (bytes(16), 3, (2, 2), "invalid_value", "private"),
        (b"no image", 1, (0, 0), "invalid_value", "private"),
        (FACE, 4, (800, 600), "too_many_pixels", "800x600"),
        (FACE, 4, (0, 480), "invalid_value", "0x480"),
        (np.full(1434, np.nan, "<f4").tobytes(), 4, SIZE, "invalid_value", "finite"),
        (bytes(5736), 4, SIZE, "invalid_value", "one spot"),
    ],
)
def test_what_cannot_be_used_is_told(session, message, cast, pixels, encoding, size, code, told):
    session.send_bytes(message(pixels, encoding, sequence=5, size=size))
    said = session.receive_json()
    assert (said["type"], said["code"], said["sequence"]) == ("error", code, 5)
    assert told in said["message"]
    assert not any(tracker.frames for tracker in cast.built), "it was looked at"
    session.send_bytes(message(FACE, 4, sequence=6, size=SIZE))
    assert len(session.receive_bytes()) > 72


def test_landmarks_are_refused_where_pictures_are_looked_at(make_client, message, encode):
    with make_client().websocket_connect(WS, [SUBPROTOCOL]) as socket:
        socket.receive_json()
        socket.send_bytes(message(FACE, 4, size=SIZE))
        said = socket.receive_json()
        assert said["code"] == "invalid_value"
        assert "configure" in said["hint"]
        socket.send_bytes(message(encode(), time=1))
        assert len(socket.receive_bytes()) > 72


def test_pictures_are_looked_at_again_when_it_is_no_longer_private(session, message, encode, cast):
    session.send_json({"type": "configure", "private": False})
    assert session.receive_json()["private"] is False
    session.send_bytes(message(encode()))
    assert len(session.receive_bytes()) > 72
    assert [tracker.options.private for tracker in cast.videos[-2:]] == [True, False]


def test_what_is_being_learnt_of_a_face_is_forgotten(session):
    session.send_json({"type": "calibrate", "action": "start", "name": "Ada"})
    assert session.receive_json()["status"] == "learning"
    session.send_json({"type": "configure", "private": False})
    session.receive_json()
    session.send_json({"type": "calibrate", "action": "look"})
    assert session.receive_json()["status"] == "off"


def test_the_next_session_is_not_private(make_client, cast):
    client = make_client(max_sessions=1)
    with client.websocket_connect(WS, [SUBPROTOCOL]) as socket:
        socket.receive_json()
        socket.send_json({"type": "configure", "private": True})
        socket.receive_json()
    with client.websocket_connect(WS, [SUBPROTOCOL]) as socket:
        assert socket.receive_json()["private"] is False


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_engine_of_before_comes_back(cast):
    seat = Seat(Options(), cast)
    try:
        await seat.prepare()
        for private, engine in [(True, "fake"), (True, "auto"), (False, "auto")]:
            await seat.configure(Options(engine, private=private))
        assert seat.options.engine == "auto"
        assert [tracker.options.private for tracker in cast.built] == [False, True, False]
    finally:
        seat.close()


def test_the_real_tracker_says_whose_landmarks_it_takes():
    tracker = load_tracker(Options(private=True, expression="geometric", morphable=None))
    assert tracker.engine_name == "facelandmarker"
    tracker.close()


def test_emotions_are_read_without_pictures():
    readers = []
    for private in (False, True):
        tracker = load_tracker(
            Options(private=private, expression="geometric", morphable=None, emotion="emotion")
        )
        readers.append(tracker.emotion_head.name)
        tracker.close()
    assert readers == ["emotion", "emotion-landmarks"]


def test_the_model_comes_whole_and_may_be_kept(client, shared, tmp_path, monkeypatch):
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    source = shared / "models" / "face_landmarker.task"
    zoo.pull("face_landmarker", source=source)
    with client.websocket_connect(WS, [SUBPROTOCOL]) as socket:
        address = socket.receive_json()["landmark_model"]
    answer = client.get(f"/{address}")
    assert answer.content == source.read_bytes()
    assert "immutable" in answer.headers["cache-control"]
    assert zoo.find("face_landmarker").sha256.startswith(address.partition("=")[2])


def test_a_model_that_was_not_pulled_is_told(client, tmp_path, monkeypatch):
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    answer = client.get("/models/face_landmarker.task")
    assert answer.status_code == 404
    assert answer.headers["cache-control"] == "no-store"
    assert "`mien pull face_landmarker`" in answer.json()["error"]["hint"]


@pytest.mark.parametrize("headers", [{"Origin": "https://elsewhere.example"}, {"Host": "other"}])
def test_strangers_get_no_model(client, headers):
    assert client.get("/models/face_landmarker.task", headers=headers).status_code in (403, 421)
