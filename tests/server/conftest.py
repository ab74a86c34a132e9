"""A tracker that does as told, and a server around it."""

from __future__ import annotations

import io
import struct
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image

from mien.channels import ARKIT_52
from mien.errors import MienError
from mien.heads import HeadId
from mien.retarget.calibrate import Calibration
from mien.server import wire
from mien.server.app import create_app
from mien.server.serve import listen, make_server, url_of
from mien.server.settings import Settings
from mien.server.trackers import Options
from mien.topology import CANONICAL
from mien.types import Face, Frame, Landmarks, Observation, Pose

with warnings.catch_warnings():
    # Starlette would rather have httpx2, which schemathesis and others do not use yet.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

ORIGIN = "http://127.0.0.1:8765"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of whoever runs the tests stay out of them."""
    import os

    for name in list(os.environ):
        if name.startswith("MIEN_") and name not in ("MIEN_SHARED", "MIEN_HOME"):
            monkeypatch.delenv(name)


def face_at(
    number: int, frame: Frame, size: float, angles: tuple[float, float, float], **more: object
) -> Face:
    """A face in the middle of a frame, ``size`` pixels per head unit."""
    width, height = frame.size
    points = CANONICAL * np.float32([size, -size, -size]) + np.float32([width / 2, height / 2, 0])
    expression = np.full(len(ARKIT_52), np.nan, np.float32)
    expression[[ARKIT_52.index("jawOpen"), ARKIT_52.index("mouthSmileLeft")]] = [0.5, 0.25]
    given = {"mouth_open": True, "expression": expression} | more
    return Face(
        id=number,
        time=frame.time,
        landmarks=Landmarks(points.astype(np.float32), frame.size, 0.9),
        pose=Pose.from_euler(*angles, (width / 2, height / 2, 0.0), size),
        **given,
    )


class FakeTracker:
    engine_name = "fake"
    morphable_head = None
    emotion_head = None

    def __init__(self, options: Options, cast: Cast) -> None:
        self.options = options
        self.cast = cast
        named = "ruler" if options.expression == "auto" else options.expression
        self.expression_head = HeadId(named, "1", "0" * 64) if named else None
        if options.calibration is not None:
            self._check(options.calibration)
        self.calls: list[str] = []
        self.frames: list[Frame] = []
        self.threads: set[int] = set()

    def _check(self, calibration: Calibration) -> None:
        head = self.expression_head or HeadId("none", "", "")
        calibration.check(head.name, head.sha256, self.engine_name)

    def configure(
        self, *, smoothing: object, mouth_threshold: float, calibration: Calibration | None
    ) -> None:
        if calibration is not None:
            self._check(calibration)
        who = f" {calibration.name}" if calibration else ""
        self.calls.append(f"configure {smoothing and smoothing.min_cutoff} {mouth_threshold}{who}")

    def reading(self, face_id: int) -> np.ndarray | None:
        return self.cast.reading

    def process(self, frame: Frame) -> Observation:
        self.cast.entered.release()
        assert self.cast.gate.wait(20), "nobody opened the gate"
        if self.cast.fail is not None:
            raise self.cast.fail
        self.threads.add(threading.get_ident())
        self.calls.append(f"process {frame.time:g}")
        self.frames.append(frame)
        faces = tuple(
            face_at(i + 1, frame, size, self.cast.angles, **self.cast.more)
            for i, size in enumerate(self.cast.sizes)
        )
        return Observation(frame.index, frame.time, frame.size, faces, {"landmarks": 0.002})

    def reset(self) -> None:
        self.calls.append("reset")

    def close(self) -> None:
        self.calls.append("close")


@dataclass
class Cast:
    """All trackers of a server, and what they are to do.

    Attributes:
        sizes: of the faces to answer with; none for no face.
        gate: an answer waits until it is open.
        entered: counts frames that have reached a tracker.
        fail: what looking at a frame raises.
        broken: what building a tracker raises.
        more: further fields of each face.
        angles: yaw, pitch and roll of each face.
        reading: what the head reads, before it is calibrated.
    """

    sizes: list[float] = field(default_factory=lambda: [8.0])
    gate: threading.Event = field(default_factory=threading.Event)
    entered: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    fail: Exception | None = None
    broken: MienError | None = None
    more: dict[str, object] = field(default_factory=dict)
    angles: tuple[float, float, float] = (10, -20, 30)
    reading: np.ndarray = field(default_factory=lambda: np.zeros(52, np.float32))
    built: list[FakeTracker] = field(default_factory=list)

    def __call__(self, options: Options) -> FakeTracker:
        if self.broken is not None:
            raise self.broken
        self.built.append(FakeTracker(options, self))
        return self.built[-1]

    def reached(self) -> None:
        """Wait until one more frame has reached a tracker."""
        assert self.entered.acquire(timeout=20), "no frame reached the tracker"

    @property
    def videos(self) -> list[FakeTracker]:
        return [tracker for tracker in self.built if tracker.options.mode == "video"]


@pytest.fixture
def cast() -> Iterator[Cast]:
    cast = Cast()
    cast.gate.set()
    yield cast
    cast.gate.set()


@pytest.fixture
def make_app(cast: Cast, tmp_path: Path) -> Callable[..., FastAPI]:
    def make(**settings: object) -> FastAPI:
        return create_app(Settings(**{"studio": tmp_path / "studio"} | settings), cast)

    return make


@pytest.fixture
def make_client(make_app: Callable[..., FastAPI]) -> Iterator[Callable[..., TestClient]]:
    open_clients: list[TestClient] = []

    def make(*, raise_server_exceptions: bool = True, **settings: object) -> TestClient:
        client = TestClient(
            make_app(**settings), ORIGIN, raise_server_exceptions=raise_server_exceptions
        )
        open_clients.append(client)
        return client.__enter__()

    yield make
    for client in reversed(open_clients):
        client.__exit__(None, None, None)


@pytest.fixture
def client(make_client: Callable[..., TestClient]) -> TestClient:
    return make_client()


@contextmanager
def running(settings: Settings, trackers: Callable[[Options], object]) -> Iterator[SimpleNamespace]:
    """A real server in a thread: ``url`` and ``ws`` are its addresses, ``stop()`` ends it."""
    listener = listen(settings)
    app = create_app(settings, trackers)
    up = threading.Event()
    server = make_server(app, settings, up.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})

    def stop() -> None:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()

    thread.start()
    try:
        assert up.wait(60), "the server did not start"
        url = url_of(settings, listener).partition("#")[0]
        yield SimpleNamespace(url=url, ws=url.replace("http", "ws") + "ws", app=app, stop=stop)
    finally:
        if hasattr(trackers, "gate"):
            trackers.gate.set()
        stop()
        listener.close()


@pytest.fixture
def make_server_up(cast: Cast, tmp_path: Path) -> Iterator[Callable[..., SimpleNamespace]]:
    open_servers = []

    def make(**settings: object) -> SimpleNamespace:
        given = {"port": 0, "studio": tmp_path / "studio"} | settings
        manager = running(Settings(**given), cast)
        open_servers.append(manager)
        return manager.__enter__()

    yield make
    for manager in open_servers:
        manager.__exit__(None, None, None)


@pytest.fixture(scope="session")
def run_server() -> Callable[..., object]:
    return running


@pytest.fixture(scope="session")
def encode() -> Callable[..., bytes]:
    """A picture file from an array, or of a size and colour."""

    def make(
        image: np.ndarray | None = None, kind: str = "JPEG", size: tuple[int, int] = (64, 48),
        mode: str = "RGB", **options: object,
    ) -> bytes:  # fmt: skip
        picture = Image.new(mode, size) if image is None else Image.fromarray(image)
        file = io.BytesIO()
        picture.save(file, kind, **options)
        return file.getvalue()

    return make


def frame_message(
    pixels: bytes, encoding: int = 1, *, sequence: int = 1, time: float = 0.0,
    size: tuple[int, int] = (0, 0), magic: int = wire.MAGIC, version: int = wire.VERSION,
) -> bytes:  # fmt: skip
    return struct.pack("<IIIIdII", magic, version, encoding, sequence, time, *size) + pixels


@pytest.fixture(scope="session")
def message() -> Callable[..., bytes]:
    """A frame message, written out by hand rather than with the code under test."""
    return frame_message


@dataclass
class Answer:
    """An answer, read by hand."""

    sequence: int
    time: float
    size: tuple[int, int]
    dropped: int
    seconds: dict[str, float]
    faces: np.ndarray

    def field(self, name: str, face: int = 0) -> np.ndarray:
        start = 0
        for other, length in wire.FACE_BLOCK:
            if other == name:
                return self.faces[face, start : start + length]
            start += length
        raise KeyError(name)


@pytest.fixture(scope="session")
def read_answer() -> Callable[[bytes], Answer]:
    def read(data: bytes) -> Answer:
        head = struct.unpack_from("<IIIIdIIII8f", data)
        assert head[:2] == (0x6E65696D, 1)
        count, block = head[3], head[8]
        faces = np.frombuffer(data, "<f4", offset=72).reshape(count, block)
        seconds = dict(zip(wire.STAGES, head[9:], strict=True))
        return Answer(head[2], head[4], (head[5], head[6]), head[7], seconds, faces)

    return read
