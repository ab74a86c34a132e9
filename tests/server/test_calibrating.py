"""Calibration over the WebSocket: learnt from the session's own frames, tried, kept, used."""

import json

import numpy as np
import pytest

from mien import people
from mien.channels import index_of
from mien.retarget.calibrate import Calibration

WS = "ws://127.0.0.1:8765/ws"
JAW, SMILE = index_of("jawOpen"), index_of("mouthSmileLeft")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def page(make_client, cast, message, encode):
    """A session that sends frames and calibrates."""

    class Page:
        def __init__(self, socket):
            self.socket = socket
            self.time = 0.0
            self.ready = socket.receive_json()

        def show(self, count=15, step=1 / 30, **channels):
            cast.reading = np.zeros(52, np.float32)
            for name, value in channels.items():
                cast.reading[index_of(name)] = value
            for _ in range(count):
                self.time += step
                self.socket.send_bytes(message(encode(), time=self.time))
                self.socket.receive_bytes()

        def ask(self, action, **more):
            self.socket.send_json({"type": "calibrate", "action": action} | more)
            return self.socket.receive_json()

        def learn(self, name="Ada", **neutral):
            self.ask("start", name=name)
            self.show(**neutral)
            return self.ask("finish")

    cast.more["mouth_open"] = False
    cast.angles = (0, 0, 0)
    cast.client = make_client(max_sessions=1)
    with cast.client.websocket_connect(WS) as socket:
        yield Page(socket)


def kept(name="Ada", **more) -> Calibration:
    about = {"head": "ruler", "sha256": "0" * 64, "engine": "fake"} | more
    neutral, scale = np.full(52, 0.1, np.float32), np.full(52, 1.1, np.float32)
    return Calibration(name, **about, neutral=neutral, scale=scale)


def test_a_guided_calibration_from_start_to_restart(page, cast, home):
    told = page.ask("start", name="Ada L.")
    assert (told["type"], told["status"], told["name"]) == ("calibration", "learning", "Ada L.")
    assert (told["phase"], told["free"], told["channels"]) == ("neutral", False, None)
    assert [phase["name"] for phase in told["phases"]][:2] == ["neutral", "smile"]
    page.show(20, jawOpen=0.1)
    told = page.ask("phase", phase="smile")
    assert (told["phases"][0]["frames"], told["phases"][0]["good"]) == (20, 20)
    assert told["phases"][0]["trouble"] is None
    page.show(20, jawOpen=0.1, mouthSmileLeft=0.6, mouthSmileRight=0.6)
    page.ask("phase", phase="pucker")
    page.show(20, jawOpen=0.1)
    told = page.ask("finish")
    assert (told["status"], told["name"]) == ("trying", "Ada L.")
    assert told["unseen"] == ["pucker"]
    assert told["phases"] == []
    jaw, smile = told["channels"]["jawOpen"], told["channels"]["mouthSmileLeft"]
    assert jaw == {"neutral": 0.1, "scale": 1.0, "before": 0.1, "after": 0.0}
    assert smile["scale"] == pytest.approx(1.5)
    assert told["people"] == []
    assert not home.exists()
    tracker = next(t for t in cast.videos if t.frames)
    assert tracker.calls[-1].endswith("Ada L.")
    told = page.ask("save")
    assert (told["status"], told["people"]) == ("on", ["Ada-L"])
    assert people.load("Ada L.").neutral[JAW] == pytest.approx(0.1)
    told = page.ask("reset")
    assert (told["status"], told["name"], told["channels"]) == ("off", None, None)
    told = page.ask("use", name="Ada-L")
    assert (told["status"], told["name"]) == ("on", "Ada L.")
    page.show(1, jawOpen=0.55, mouthSmileLeft=0.3)
    told = page.ask("look")
    assert told["channels"]["jawOpen"]["after"] == pytest.approx(0.5, abs=1e-3)
    assert told["channels"]["mouthSmileLeft"]["before"] == pytest.approx(0.3)


def test_frames_before_and_after_learning_do_not_count(page):
    page.show(30, jawOpen=0.4)
    told = page.learn(jawOpen=0.1)
    assert told["channels"]["jawOpen"]["neutral"] == pytest.approx(0.1)
    page.show(30, jawOpen=0.4)
    assert page.ask("save")["channels"]["jawOpen"]["neutral"] == pytest.approx(0.1)


def test_cancelling_goes_back_to_what_was_in_use(page):
    people.save(kept("Bob"))
    assert page.ask("use", name="Bob")["status"] == "on"
    assert page.learn("Ada")["name"] == "Ada"
    page.ask("start", name="Ada")
    page.show()
    assert page.ask("finish")["status"] == "trying"
    told = page.ask("cancel")
    assert (told["status"], told["name"], told["people"]) == ("on", "Bob", ["Bob"])
    page.ask("start", name="Ada")
    told = page.ask("cancel")
    assert (told["status"], told["name"]) == ("on", "Bob")
    assert page.ask("cancel")["name"] == "Bob"


def test_what_to_do_is_told_and_learning_goes_on(page, cast):
    page.ask("start", name="Ada")
    cast.more["mouth_open"] = True
    page.show(12)
    told = page.ask("look")
    assert told["phases"][0]["trouble"] == "close your mouth"
    told = page.ask("finish")
    assert (told["type"], told["code"]) == ("error", "invalid_value")
    assert "0 of 12 frames" in told["message"]
    assert told["hint"] == "close your mouth"
    cast.more["mouth_open"] = False
    page.ask("phase", phase="neutral")
    page.show(12)
    assert page.ask("finish")["status"] == "trying"


def test_a_picture_without_a_face_is_told(page, cast):
    page.ask("start", name="Ada")
    cast.sizes = []
    page.show(12)
    assert page.ask("look")["phases"][0]["trouble"] == "come into the picture"
    assert page.ask("finish")["type"] == "error"
    cast.sizes = [8.0]


def test_learning_without_asking(page):
    told = page.ask("start", name="Ada", free=True)
    assert (told["free"], told["phase"]) == (True, "free")
    assert [phase["name"] for phase in told["phases"]] == ["free"]
    page.show(40, step=0.2, jawOpen=0.08)
    told = page.ask("look")
    assert told["phases"][0]["good"] == 40
    assert page.ask("phase", phase="smile")["type"] == "error"
    told = page.ask("finish")
    assert told["status"] == "trying"
    assert told["channels"]["jawOpen"]["neutral"] == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"action": "start"}, "name of a person"),
        ({"action": "use"}, "name of a person"),
        ({"action": "start", "name": "***"}, "letters or digits"),
        ({"action": "use", "name": "Bob"}, "no calibration of 'Bob'"),
        ({"action": "use", "name": "../../etc/passwd"}, "no calibration of"),
        ({"action": "phase", "phase": "smile"}, "without guided learning"),
        ({"action": "finish"}, "nothing is being learnt"),
        ({"action": "save"}, "nothing new to save"),
        ({"action": "dance"}, "action"),
        ({"action": "start", "name": "x" * 300}, "name"),
        ({"action": "start", "name": "Ada", "colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_done_is_told(page, asked, told):
    page.socket.send_json({"type": "calibrate"} | asked)
    said = page.socket.receive_json()
    assert said["type"] == "error"
    assert told in said["message"] + said["hint"]
    assert page.ask("look")["status"] == "off"


def test_an_unknown_phase_is_told(page):
    page.ask("start", name="Ada")
    assert "smile" in page.ask("phase", phase="wink")["hint"]


def test_without_a_head_there_is_nothing_to_learn(page):
    page.socket.send_json({"type": "configure", "expression": "none"})
    assert page.socket.receive_json()["expression"] is None
    assert "no head" in page.ask("start", name="Ada")["message"]


@pytest.mark.parametrize("other", [{"head": "yours"}, {"engine": "facemesh"}])
def test_what_was_learnt_with_something_else_is_not_used(page, other):
    people.save(kept(**other))
    told = page.ask("use", name="Ada")
    assert told["type"] == "error"
    assert "was learnt with" in told["message"]
    assert "calibrate again" in told["hint"]
    assert page.ask("look")["status"] == "off"


def test_another_head_puts_the_calibration_off(page):
    page.learn()
    page.ask("save")
    page.socket.send_json({"type": "configure", "max_faces": 2})
    assert page.socket.receive_json()["calibration"] == "Ada"
    page.ask("start", name="Bob")
    page.socket.send_json({"type": "configure", "expression": "geometric"})
    configured = page.socket.receive_json()
    assert (configured["expression"], configured["calibration"]) == ("geometric", None)
    assert page.ask("look")["status"] == "off"


def test_the_next_session_starts_without(page, cast):
    page.learn()
    page.ask("save")
    page.socket.close()
    with cast.client.websocket_connect(WS) as socket:
        assert socket.receive_json()["calibration"] is None
        socket.send_json({"type": "calibrate", "action": "use", "name": "Ada"})
        assert socket.receive_json()["status"] == "on"


def test_a_server_may_begin_with_somebody(make_client):
    people.save(kept("Ada"))
    client = make_client(calibration="Ada", max_sessions=1)
    for neutral in (0.1, 0.2):
        with client.websocket_connect(WS) as socket:
            assert socket.receive_json()["calibration"] == "Ada"
            socket.send_json({"type": "calibrate", "action": "look"})
            jaw = socket.receive_json()["channels"]["jawOpen"]
            assert jaw["neutral"] == pytest.approx(neutral)
            assert jaw["before"] is None
        values = np.full(52, 0.2, np.float32)
        people.save(Calibration("Ada", "ruler", "0" * 64, "fake", values, values + 1))


def test_messages_are_strict_json(page):
    page.learn()
    page.socket.send_json({"type": "calibrate", "action": "look"})
    json.loads(page.socket.receive_text(), parse_constant=lambda name: pytest.fail(name))
