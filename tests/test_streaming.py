"""``mien stream``: sources in, packets out."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from mien.channels import ARKIT_52, index_of
from mien.cli import app
from mien.errors import InputError, MienError
from mien.feeds import driving
from mien.geometry import euler_from_matrix
from mien.streaming import Expressions, Progress, Report, expressions_of, stream_to
from mien.streams import livelink, vmc
from mien.streams.address import Address
from mien.streams.gesichter import Recorder
from mien.streams.replay import open_replay
from mien.types import Face, Frame, Landmarks, Observation, Pose, RigPose

POINTS = Landmarks(np.zeros((478, 3), np.float32), (64, 48))


def weights(**values: float) -> np.ndarray:
    found = np.zeros(len(ARKIT_52), np.float32)
    for name, value in values.items():
        found[index_of(name)] = value
    return found


def write_take(path: Path, count: int = 10, rate: int = 60) -> Path:
    with Recorder(path) as recorder:
        for i in range(count):
            values = np.zeros(61, np.float32)
            values[17] = i / count
            packet = livelink.Packet("d", "Ada", 1000 + i, 0.0, (rate, 1), values)
            recorder.write(livelink.encode(packet))
    return path


@pytest.fixture
def sink() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind(("127.0.0.1", 0))
        opened.settimeout(10)
        yield opened


def to(sink: socket.socket, kind: Any = "livelink") -> Address:
    return Address(kind, "127.0.0.1", sink.getsockname()[1])


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# Poses.


def test_weights_for_vmc_have_the_names_that_receivers_know() -> None:
    pose = RigPose(0.0, ARKIT_52, weights(jawOpen=0.5, eyeBlinkLeft=1.0))
    found = {which: expressions_of(which)(pose) for which in Expressions}
    for which, some in (
        ("arkit", {"jawOpen": 0.5, "JawOpen": 0.5, "EyeBlinkLeft": 1.0}),
        ("vrm", {"Blink_L": 1.0, "blinkLeft": 1.0, "Blink_R": 0.0, "Joy": 0.0, "happy": 0.0}),
    ):
        one = found[Expressions(which)]
        values = dict(zip(one.names, one.weights.tolist(), strict=True))
        assert len(values) == len(one.names)
        assert {name: values[name] for name in some} == pytest.approx(some)
    assert len(found[Expressions.arkit].names) == 104
    assert set(found[Expressions.all].names) == {
        *found[Expressions.arkit].names,
        *found[Expressions.vrm].names,
    }
    vrm = found[Expressions.vrm]
    assert dict(zip(vrm.names, vrm.weights, strict=True))["A"] > 0.2


def test_what_a_sender_does_not_turn_is_turned_by_its_channels() -> None:
    pose = driving(RigPose(0.0, ARKIT_52, weights(jawOpen=1.0, eyeLookOutLeft=1.0)))
    assert euler_from_matrix(pose.jaw)[1] < -10
    assert euler_from_matrix(pose.left_eye)[0] > 10
    told = livelink.pose_of(np.full(61, 0.1, np.float32), 0.0)
    np.testing.assert_array_equal(driving(told).left_eye, told.left_eye)
    assert not np.array_equal(driving(told, eyes=True).left_eye, told.left_eye)


def test_other_vocabularies_are_brought_to_arkit() -> None:
    pose = driving(RigPose(0.0, ("A", "Blink_L"), np.ones(2, np.float32)))
    assert pose.names == ARKIT_52
    assert pose.weights[index_of("eyeBlinkLeft")] == 1
    assert pose.weights[index_of("jawOpen")] > 0


# Captures.


def test_a_capture_comes_out_with_its_own_times(tmp_path: Path) -> None:
    take = write_take(tmp_path / "take.gesichter", count=20)
    out = tmp_path / "out.gesichter"
    report = stream_to(str(take), [], record=out, rate=5)  # slower than the capture
    replay, was = open_replay(out), open_replay(take)
    assert (report.poses, report.notes, report.interrupted) == (20, [], False)
    assert report.recorded == len(replay.moments) == 20
    for (time, pose), (then, before) in zip(replay.moments, was.moments, strict=True):
        assert pose is not None
        assert before is not None
        assert time == pytest.approx(then, abs=1e-6)
        np.testing.assert_allclose(pose.weights, before.weights, atol=1e-6)


def test_a_capture_goes_round(tmp_path: Path, sink: socket.socket) -> None:
    take = write_take(tmp_path / "take.gesichter", count=5)
    stop = threading.Event()
    seen: list[Progress] = []

    def enough(progress: Progress) -> None:
        seen.append(progress)
        if progress.poses >= 14:
            stop.set()

    report = stream_to(str(take), [to(sink)], loop=True, on_progress=enough, stop=stop)
    assert (report.poses, report.interrupted) == (14, True)
    assert seen[0].name == "take.gesichter"
    assert seen[0].there


def test_a_cut_capture_is_played_as_far_as_it_goes(tmp_path: Path, sink: socket.socket) -> None:
    take = write_take(tmp_path / "take.gesichter", count=100)
    take.write_bytes(take.read_bytes()[:-300])
    told: list[str] = []
    report = stream_to(str(take), [to(sink)], say=told.append, seconds=2)
    assert 0 < report.poses < 100
    assert "cut off" in told[0]


def test_it_ends_after_the_seconds(tmp_path: Path, sink: socket.socket) -> None:
    take = write_take(tmp_path / "take.gesichter", count=3, rate=1)
    report = stream_to(str(take), [to(sink)], loop=True, seconds=0.2)
    assert report.poses <= 1
    assert not report.interrupted


# Programs on the net.


def test_a_phone_drives_what_listens_to_vmc(sink: socket.socket) -> None:
    port = free_port()
    stop = threading.Event()
    values = np.zeros(61, np.float32)
    values[[17, 52]] = 0.5, 0.3
    data = livelink.encode(livelink.Packet("d", "Ada", 1, 0.0, (60, 1), values))
    reports: list[Report] = []

    def run() -> None:
        reports.append(stream_to(f"livelink://127.0.0.1:{port}", [to(sink, "vmc")], stop=stop))

    thread = threading.Thread(target=run)
    thread.start()
    assembler, poses = vmc.Assembler(), []
    sink.settimeout(0.1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        while not poses:
            phone.sendto(data, ("127.0.0.1", port))
            phone.sendto(b"garbage", ("127.0.0.1", port))
            try:
                poses += assembler.feed(sink.recv(4096), 0.0)
            except TimeoutError:
                continue
    stop.set()
    thread.join()
    assert poses[0].weights[17] == 0.5
    assert euler_from_matrix(poses[0].head)[0] == pytest.approx(np.degrees(0.3), abs=0.01)
    assert reports[0].interrupted
    assert any("packets were none of livelink" in note for note in reports[0].notes)


def test_silence_is_told() -> None:
    report = stream_to(
        f"vmc://127.0.0.1:{free_port()}", [Address("vmc", "127.0.0.1", 9)], seconds=0.1
    )
    assert report.poses == 0
    assert "no face came in on port" in report.notes[0]


# Cameras, videos, photos.


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A source and a tracker that do as they are told."""
    stage = SimpleNamespace(kind="video", frames=12, fps=60.0, head=object(), opened=0, faces=True)

    class Source:
        name, notes = "clip", ["a note"]
        kind = property(lambda self: stage.kind)
        fps = property(lambda self: stage.fps)

        def __enter__(self) -> Source:
            stage.opened += 1
            return self

        def __exit__(self, *_: object) -> None: ...

        def __iter__(self) -> Iterator[Frame]:
            for i in range(stage.frames):
                yield Frame(np.zeros((48, 64, 3), np.uint8), i / stage.fps, i)

    class Tracker:
        expression_head = property(lambda self: stage.head)

        def __init__(self, engine: str, **options: Any) -> None:
            stage.options = options | {"engine": engine}

        def __enter__(self) -> Tracker:
            return self

        def __exit__(self, *_: object) -> None: ...

        def reset(self) -> None: ...

        def process(self, frame: Frame) -> Observation:
            pose = Pose.from_euler(0, 0, 0)
            there = stage.faces is True or frame.index in stage.faces
            face = Face(1, frame.time, POINTS, pose, weights(jawOpen=0.5))
            return Observation(frame.index, frame.time, (64, 48), (face,) * there)

    monkeypatch.setattr("mien.capture.open_source", lambda spec: Source())
    monkeypatch.setattr("mien.tracker.Tracker", Tracker)
    return stage


@pytest.mark.parametrize("kind", ["video", "camera"])
def test_pictures_are_tracked_and_sent(
    stage: SimpleNamespace, sink: socket.socket, kind: str
) -> None:
    stage.kind = kind
    told: list[str] = []
    report = stream_to("clip", [to(sink)], say=told.append, engine="facemesh")
    packet = livelink.decode(sink.recv(4096))
    assert packet.values is not None
    assert packet.values[17] == 0.5
    assert 1 <= report.poses <= 12
    assert told == ["a note"]
    assert stage.options["mode"] == "video"
    assert stage.options["engine"] == "facemesh"
    assert report.timing is not None
    assert report.timing.latency is not None


def test_a_video_goes_round(stage: SimpleNamespace, sink: socket.socket) -> None:
    stop = threading.Event()

    def enough(progress: Progress) -> None:
        if stage.opened >= 3:
            stop.set()

    stream_to("clip", [to(sink)], loop=True, on_progress=enough, stop=stop)
    assert stage.opened >= 3


def test_a_photo_holds(stage: SimpleNamespace, sink: socket.socket) -> None:
    stage.kind, stage.frames = "still", 1
    report = stream_to("photo", [to(sink)], seconds=0.3)
    assert report.poses == 1
    assert report.traffic[0].packets > 3
    assert stage.options["mode"] == "still"


def test_a_face_that_is_not_there(stage: SimpleNamespace, sink: socket.socket) -> None:
    stage.faces = ()
    report = stream_to("clip", [to(sink)])
    assert report.poses == 0
    assert livelink.decode(sink.recv(4096)).values is None


def test_a_head_is_needed(stage: SimpleNamespace, sink: socket.socket) -> None:
    stage.head = None
    with pytest.raises(InputError, match="choose one with --expression"):
        stream_to("clip", [to(sink)])


# The command.


def run(*arguments: str) -> Any:
    done = CliRunner().invoke(app, ["stream", *arguments])
    if isinstance(done.exception, MienError):
        return SimpleNamespace(exit_code=done.exception.exit_code, output=str(done.exception))
    return done


def test_the_command_says_what_it_did(tmp_path: Path, sink: socket.socket) -> None:
    take = write_take(tmp_path / "take.gesichter")
    port = sink.getsockname()[1]
    out = tmp_path / "out.gesichter"
    done = run(str(take), "--livelink", f"127.0.0.1:{port}", "--record", str(out))
    assert done.exit_code == 0
    assert f"livelink 127.0.0.1:{port}" in done.output
    assert "packets in" in done.output
    assert out.exists()
    again = run(str(take), "--record", str(out))
    assert again.exit_code == 6
    assert "exists already" in again.output
    assert run(str(take), "--record", str(out), "-f").exit_code == 0


TAKE = "take.gesichter"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((TAKE,), "where to? give at least one of --vmc"),
        ((TAKE, "--vmc", "a:b"), "'b' is no port; expected HOST:PORT"),
        ((TAKE, "--livelink", "a:70000"), "ports go from 1 to 65535, not 70000"),
        ((TAKE, "--vmc", "nobody.invalid:5"), "the host is not known"),
        ((TAKE, "--vmc", ":5", "--rate", "1000"), "the rate is 1 to 240 a second, got 1000"),
        ((TAKE, "--vmc", ":5", "--seconds", "0"), "seconds must be above 0"),
        ((TAKE, "--record", "out.csv"), "a recording is a .gesichter file"),
        ((TAKE, "--record", TAKE), "cannot be played and recorded at once"),
        ((TAKE, "--vmc", ":5", "--calibration", "Ada"), "a calibration is for cameras and videos"),
        (("missing.gesichter", "--vmc", ":5"), "is not there"),
        (("missing.csv", "--vmc", ":5"), "is not there"),
        (("vmc://:39539", "--vmc", ":39539"), "is where this would listen"),
        (("vmc://:0", "--vmc", ":5"), "not 0"),
        (("vmc://192.0.2.7:39539", "--vmc", ":5"), "has no such address"),
        (("livelink://:11111", "--vmc", ":5", "--loop"), "--loop is for files"),
        ((TAKE, "--vmc", ":5", "--engine", "foo"), "no landmark engine 'foo'"),
        ((TAKE, "--vmc", ":5", "--expression", "foo"), "no expression head 'foo'"),
    ],
)
def test_what_cannot_be_streamed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_take(tmp_path / TAKE)
    _no_names(monkeypatch)
    done = run(*arguments)
    assert told in done.output
    assert done.exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == [TAKE]


def _no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    ask: Callable[..., Any] = socket.getaddrinfo

    def digits(host: str | None, *rest: Any, **options: Any) -> Any:
        if host and host.endswith(".invalid"):
            raise socket.gaierror(-2, "Name or service not known")
        return ask(host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", digits)


def test_a_port_in_use_is_told(sink: socket.socket) -> None:
    done = run(f"vmc://127.0.0.1:{sink.getsockname()[1]}", "--vmc", ":5")
    assert "another program listens there already" in done.output
    assert done.exit_code == 2
