"""The session, with a tracker that waits at a gate: nothing here depends on speed."""

import json

import pytest

from mien import heads
from mien.errors import EngineError, InputError, ModelMissing
from mien.server.live import MAX_STRIKES
from mien.server.wire import SUBPROTOCOL

WS = "ws://127.0.0.1:8765/ws"


@pytest.fixture
def connect(make_client):
    """Open a session; it is closed by the test or at its end."""

    def make(client=None, protocols=(SUBPROTOCOL,), **settings):
        return (client or make_client(**settings)).websocket_connect(WS, list(protocols))

    return make


def closed(socket) -> tuple[int, str]:
    message = socket.receive()
    assert message["type"] == "websocket.close", message
    return message["code"], message["reason"]


def error(socket) -> dict:
    told = socket.receive_json()
    assert told["type"] == "error"
    assert set(told) == {"type", "code", "message", "hint", "sequence"}
    assert told["message"]
    assert told["hint"]
    return told


def test_ready_says_what_is_running(connect):
    with connect(max_faces=3, frame_rate=60, max_upload_bytes=5000, max_pixels=99) as socket:
        assert socket.accepted_subprotocol == SUBPROTOCOL
        ready = socket.receive_json()
    assert (ready["type"], ready["engine"], ready["max_faces"]) == ("ready", "fake", 1)
    assert ready["wire"] == 1
    assert ready["smoothing"]["min_cutoff"] > 0
    assert ready["mouth_threshold"] == pytest.approx(0.12)
    assert "facemesh" in ready["engines"]
    assert ready["limits"] == {
        "max_message_bytes": 5032, "max_pixels": 99, "max_faces": 3, "frames_per_second": 60,
        "streams": 8,
    }  # fmt: skip


def test_a_client_without_the_subprotocol_is_served(connect):
    with connect(protocols=()) as socket:
        assert socket.accepted_subprotocol is None
        assert socket.receive_json()["type"] == "ready"


@pytest.mark.parametrize(("encoding", "channels"), [(1, 0), (2, 3), (3, 4)])
def test_a_frame_is_answered(connect, message, encode, read_answer, cast, encoding, channels):
    pixels = bytes(64 * 48 * channels) if channels else encode()
    size = (64, 48) if channels else (0, 0)
    with connect() as socket:
        socket.receive_json()
        socket.send_bytes(message(pixels, encoding, sequence=2**32 - 1, time=1.5, size=size))
        answer = read_answer(socket.receive_bytes())
    assert (answer.sequence, answer.time, answer.size) == (2**32 - 1, 1.5, (64, 48))
    assert answer.dropped == 0
    assert len(answer.faces) == 1
    assert answer.field("yaw") == pytest.approx(10)
    assert answer.seconds["landmarks"] == pytest.approx(0.002)
    assert answer.seconds["total"] >= answer.seconds["wait"] + answer.seconds["decode"]


def test_no_face_and_many_faces_are_answered(connect, message, encode, read_answer, cast):
    with connect() as socket:
        socket.receive_json()
        for i, sizes in enumerate([[], [4.0, 5.0, 6.0], []]):
            cast.sizes = sizes
            socket.send_bytes(message(encode(), time=i))
            assert len(read_answer(socket.receive_bytes()).faces) == len(sizes)


def test_the_newest_frame_wins(connect, make_client, message, encode, read_answer, cast):
    client = make_client()
    with connect(client) as socket:
        socket.receive_json()
        cast.gate.clear()
        for i in range(1, 7):
            socket.send_bytes(message(encode(), sequence=i, time=i))
            if i == 1:
                cast.reached()
        while "mien_frames_dropped_total 4.0" not in client.get("/metrics").text:
            pass
        cast.gate.set()
        answers = [read_answer(socket.receive_bytes()) for _ in range(2)]
    assert [answer.sequence for answer in answers] == [1, 6]
    assert answers[-1].dropped == 4
    (tracker,) = [tracker for tracker in cast.videos if tracker.frames]
    assert [frame.time for frame in tracker.frames] == [1, 6]


def test_texts_are_obeyed_in_their_order(connect, message, encode, cast):
    with connect() as socket:
        socket.receive_json()
        cast.gate.clear()
        socket.send_bytes(message(encode(), time=1))
        cast.reached()
        socket.send_bytes(message(encode(), time=2))
        socket.send_json({"type": "reset"})
        socket.send_bytes(message(encode(), time=1))
        cast.gate.set()
        kinds = ["bytes" if socket.receive().get("bytes") else "text" for _ in range(4)]
    assert kinds == ["bytes", "bytes", "text", "bytes"]
    (tracker,) = [tracker for tracker in cast.videos if tracker.frames]
    start = tracker.calls.index("process 1")
    assert tracker.calls[start : start + 4] == ["process 1", "process 2", "reset", "process 1"]


def test_two_in_flight_lose_nothing(connect, message, encode, read_answer):
    """A client that waits for an answer before its third frame never has one dropped."""
    with connect(frame_rate=1000) as socket:
        socket.receive_json()
        socket.send_bytes(message(encode(), sequence=0, time=0))
        for i in range(1, 40):
            socket.send_bytes(message(encode(), sequence=i, time=i))
            answer = read_answer(socket.receive_bytes())
            assert (answer.sequence, answer.dropped) == (i - 1, 0)


def test_time_that_does_not_rise_resets_the_tracker(connect, message, encode, cast):
    with connect() as socket:
        socket.receive_json()
        for time in (5, 6, 6, 2, 3):
            socket.send_bytes(message(encode(), time=time))
            socket.receive_bytes()
    tracker = next(t for t in cast.videos if t.frames)
    start = tracker.calls.index("process 5")
    assert tracker.calls[start : start + 7] == [
        "process 5", "process 6", "reset", "process 6", "reset", "process 2", "process 3"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, {}),
        ({"smoothing": "off"}, {"smoothing": "off"}),
        ({"smoothing": {"min_cutoff": 3, "beta": 0}}, {"smoothing": {"min_cutoff": 3, "beta": 0}}),
        ({"mouth_threshold": 0.4}, {"mouth_threshold": 0.4}),
        ({"max_faces": 4, "smoothing": None}, {"max_faces": 4}),
        ({"expression": "geometric"}, {"expression": "geometric"}),
        ({"expression": "none"}, {"expression": None}),
        ({"expression": "auto"}, {}),
        ({"morphable": "none"}, {}),
        ({"emotion": "none"}, {}),
    ],
)
def test_configure_answers_with_what_is_in_force(connect, cast, asked, expected):
    with connect() as socket:
        ready = socket.receive_json()
        socket.send_json({"type": "configure"} | asked)
        configured = socket.receive_json()
        kept = ("engine", "expression", "morphable", "emotion", "emotion_version",
                "emotion_needs_picture", "calibration", "max_faces", "smoothing",
                "mouth_threshold", "private")  # fmt: skip
        before = {key: ready[key] for key in kept}
        assert configured == before | expected | {"type": "configured"}


def test_smoothing_changes_without_loading_anything(connect, cast):
    with connect() as socket:
        socket.receive_json()
        built = len(cast.built)
        socket.send_json({"type": "configure", "smoothing": {"min_cutoff": 3, "beta": 1}})
        socket.receive_json()
        socket.send_json({"type": "configure", "smoothing": "default"})
        socket.receive_json()
    calls = [call for t in cast.videos for call in t.calls if "configure" in call]
    assert calls == ["configure 3.0 0.12", "configure 1.5 0.12"]
    assert len(cast.built) == built


def test_more_faces_load_another_tracker_and_close_the_old(connect, cast, message, encode):
    with connect(max_sessions=1) as socket:
        socket.receive_json()
        socket.send_json({"type": "configure", "max_faces": 3})
        socket.receive_json()
        old, new = cast.videos
        assert old.calls[-1] == "close"
        assert new.options.max_faces == 3
        socket.send_bytes(message(encode()))
        socket.receive_bytes()
        assert len(new.frames) == 1


def test_naming_the_engine_that_runs_loads_nothing(connect, cast):
    with connect() as socket:
        socket.receive_json()
        built = len(cast.built)
        socket.send_json({"type": "configure", "engine": "fake"})
        assert socket.receive_json()["engine"] == "fake"
        assert len(cast.built) == built


def test_ready_says_what_can_be_chosen(connect):
    with connect() as socket:
        ready = socket.receive_json()
    assert "geometric" in [head["name"] for head in ready["heads"]]
    assert ready["phases"][0]["name"] == "neutral"
    assert 8 < sum(phase["seconds"] for phase in ready["phases"]) < 12


def test_heads_of_this_machine_can_be_chosen(connect, make_head, monkeypatch, tmp_path):
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    with connect() as socket:
        assert "mine" not in [head["name"] for head in socket.receive_json()["heads"]]
    heads.folder().mkdir()
    tuned = make_head("tuned", output="emotion")
    for suffix in (".onnx", ".json"):
        tuned.with_suffix(suffix).rename(heads.folder() / f"mine{suffix}")
    with connect() as socket:
        told = {head["name"]: head for head in socket.receive_json()["heads"]}
        assert told["mine"]["output"] == "emotion"
        socket.send_json({"type": "configure", "emotion": "mine"})
        assert socket.receive_json()["type"] == "configured"


@pytest.mark.parametrize("name", ["/etc/passwd", "x.onnx", "../weights/a.json", "arkit", ""])
@pytest.mark.parametrize("output", ["expression", "morphable", "emotion"])
def test_a_page_cannot_name_files_as_heads(connect, cast, output, name):
    with connect() as socket:
        socket.receive_json()
        built = len(cast.built)
        socket.send_json({"type": "configure", output: name})
        told = error(socket)
        assert told["code"] == "invalid_value"
        assert "none" in told["hint"]
        assert len(cast.built) == built


def test_what_cannot_be_configured_changes_nothing(connect, cast, message, encode):
    with connect(max_faces=2) as socket:
        socket.receive_json()
        socket.send_json({"type": "configure", "max_faces": 3})
        assert error(socket)["code"] == "invalid_value"
        cast.broken = InputError("there is no landmark engine 'crap'; did you mean 'crop'?")
        socket.send_json({"type": "configure", "engine": "crap"})
        told = error(socket)
        assert told["message"] == "there is no landmark engine 'crap'"
        assert told["hint"] == "did you mean 'crop'?"
        cast.broken = ModelMissing("the model is missing; run `mien pull face_landmarker`")
        socket.send_json({"type": "configure", "engine": "facelandmarker"})
        assert error(socket)["code"] == "model_missing"
        socket.send_bytes(message(encode()))
        assert len(socket.receive_bytes()) > 72


def test_the_next_session_finds_the_tracker_as_new(connect, make_client, cast):
    client = make_client(max_sessions=1)
    with connect(client) as socket:
        ready = socket.receive_json()
        socket.send_json({"type": "configure", "max_faces": 2, "smoothing": "off"})
        socket.receive_json()
    with connect(client) as socket:
        assert socket.receive_json() == ready
    assert cast.videos[-1].options.max_faces == 1
    assert cast.videos[-1].calls[-1] == "reset"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "JSON"),
        ("hello", "JSON"),
        ("{", "JSON"),
        ("null", "an object"),
        ("[]", "an object"),
        ("{}", "discriminator"),
        ('{"type": "dance"}', "dance"),
        ('{"type": "configure", "colour": 1}', "colour"),
        ('{"type": "configure", "max_faces": 0}', "max_faces"),
        ('{"type": "configure", "max_faces": "x"}', "max_faces"),
        ('{"type": "configure", "smoothing": "some"}', "smoothing"),
        ('{"type": "configure", "smoothing": {"min_cutoff": 0, "beta": 1}}', "min_cutoff"),
        ('{"type": "configure", "smoothing": {"min_cutoff": NaN, "beta": 1}}', "min_cutoff"),
        ('{"type": "configure", "mouth_threshold": -1}', "mouth_threshold"),
        ('{"type": "reset", "now": true}', "now"),
        (json.dumps({"type": "reset", "x": "y" * 70_000}), "65,536"),
    ],
)
def test_bad_text_is_told_and_the_session_goes_on(connect, message, encode, text, told):
    with connect() as socket:
        socket.receive_json()
        socket.send_text(text)
        said = error(socket)
        assert said["code"] == "bad_message"
        assert told in said["message"]
        assert said["sequence"] is None
        socket.send_bytes(message(encode()))
        assert len(socket.receive_bytes()) > 72


@pytest.mark.parametrize(
    ("data", "code", "sequence"),
    [
        (b"", "bad_message", None),
        (b"garbage", "bad_message", None),
        (bytes(100), "bad_message", None),
        ({"version": 2}, "bad_message", None),
        ({"encoding": 9}, "bad_message", None),
        ({"time": float("nan")}, "bad_message", None),
        ({"encoding": 3, "size": (4, 4)}, "bad_message", None),
        ({"pixels": b"no image"}, "unreadable_image", 5),
        ({"pixels": b""}, "unreadable_image", 5),
        ({"pixels": bytes(3 * 200 * 200), "encoding": 2, "size": (200, 200)}, "too_many_pixels", 5),
    ],
)
def test_a_bad_frame_is_told_and_the_session_goes_on(
    connect, message, encode, cast, data, code, sequence
):
    if isinstance(data, dict):
        data = message(**{"pixels": b"x", "sequence": 5} | data)
    with connect(max_pixels=10_000) as socket:
        socket.receive_json()
        socket.send_bytes(data)
        said = error(socket)
        assert (said["code"], said["sequence"]) == (code, sequence)
        assert any(word in said["hint"] for word in ("send", "lay", "reload"))
        assert not any(tracker.frames for tracker in cast.built)
        socket.send_bytes(message(encode()))
        assert len(socket.receive_bytes()) > 72


@pytest.mark.parametrize("useless", [b"garbage", "garbage"])
def test_enough_garbage_ends_the_session(connect, useless):
    with connect() as socket:
        socket.receive_json()
        send = socket.send_bytes if isinstance(useless, bytes) else socket.send_text
        for _ in range(MAX_STRIKES):
            send(useless)
            assert error(socket)["code"] == "bad_message"
        assert error(socket)["code"] == "too_many_errors"
        code, reason = closed(socket)
        assert code == 1008
        assert "in a row" in reason


def test_a_good_frame_forgives(connect, message, encode):
    with connect() as socket:
        socket.receive_json()
        for i in range(3):
            for _ in range(MAX_STRIKES - 1):
                socket.send_bytes(b"garbage")
                error(socket)
            socket.send_bytes(message(encode(), time=i))
            socket.receive_bytes()


@pytest.mark.parametrize("kind", [bytes, str])
def test_an_oversized_message_ends_the_session(connect, kind):
    with connect(max_upload_bytes=1000) as socket:
        socket.receive_json()
        if kind is bytes:
            socket.send_bytes(bytes(1033))
        else:
            socket.send_text("x" * 1033)
        assert error(socket)["code"] == "too_large"
        assert closed(socket)[0] == 1009


def test_too_many_frames_are_told_by_number(connect, message, encode):
    with connect(frame_rate=2) as socket:
        socket.receive_json()
        refused = []
        for i in range(12):
            socket.send_bytes(message(encode(), sequence=i, time=i))
            answer = socket.receive()
            if answer.get("text"):
                refused.append(json.loads(answer["text"]))
                assert refused[-1]["sequence"] == i
        assert refused
        assert {told["code"] for told in refused} == {"rate_limited"}


def test_when_all_sessions_are_taken(connect, make_client):
    client = make_client(max_sessions=1)
    with connect(client) as first:
        assert first.receive_json()["type"] == "ready"
        with connect(client) as second:
            told = error(second)
            assert told["code"] == "sessions_full"
            assert "MIEN_MAX_SESSIONS" in told["hint"]
            assert closed(second)[0] == 1013
    with connect(client) as third:
        assert third.receive_json()["type"] == "ready"


def test_missing_models_are_told_and_found_later(connect, make_client, cast):
    cast.broken = ModelMissing("the model is missing; run `mien pull face_landmarker`")
    client = make_client()
    health = client.get("/health").json()
    assert (health["status"], health["engine"]) == ("unavailable", None)
    assert health["problem"]["hint"] == "run `mien pull face_landmarker`"
    with connect(client) as socket:
        assert error(socket)["code"] == "model_missing"
        assert closed(socket)[0] == 1013
    cast.broken = None
    with connect(client) as socket:
        assert socket.receive_json()["type"] == "ready"
    assert client.get("/health").json()["status"] == "ok"


def test_a_tracker_that_breaks_is_replaced(connect, make_client, cast, message, encode):
    client = make_client(max_sessions=1)
    cast.fail = EngineError("the graph has failed; start again")
    with connect(client) as socket:
        socket.receive_json()
        socket.send_bytes(message(encode()))
        assert error(socket)["code"] == "engine_failed"
        assert closed(socket)[0] == 1013
    cast.fail = None
    with connect(client) as socket:
        socket.receive_json()
        socket.send_bytes(message(encode()))
        assert len(socket.receive_bytes()) > 72
    old, new = cast.videos
    assert old.calls[-1] == "close"
    assert new.frames


def test_a_bug_ends_the_session_without_a_traceback(
    connect, make_client, cast, message, encode, caplog
):
    client = make_client(max_sessions=1)
    cast.fail = RuntimeError("a secret of the inside")
    with connect(client) as socket:
        socket.receive_json()
        socket.send_bytes(message(encode()))
        said = error(socket)
        assert said["code"] == "internal"
        assert "secret" not in json.dumps(said)
        assert closed(socket)[0] == 1011
    assert "a secret of the inside" in caplog.text
    cast.fail = None
    with connect(client) as socket:
        assert socket.receive_json()["type"] == "ready"


def test_a_frame_the_tracker_refuses_is_told(connect, cast, message, encode):
    cast.fail = InputError("time runs backwards; call reset()")
    with connect() as socket:
        socket.receive_json()
        socket.send_bytes(message(encode(), sequence=3))
        said = error(socket)
        assert (said["code"], said["sequence"]) == ("invalid_value", 3)
        cast.fail = None
        socket.send_bytes(message(encode(), sequence=4, time=1))
        assert len(socket.receive_bytes()) > 72
