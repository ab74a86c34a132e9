from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.capture import CameraSpec, cameras, open_source
from mien.capture.camera import Camera, OpenCVDevice, open_device
from mien.capture.source import Window
from mien.errors import CameraError, InputError


class FakeDevice:
    """Hands out what it was given; an exception is raised, None is no picture."""

    def __init__(self, pictures: Iterable[object], size: tuple[int, int] = (8, 6)) -> None:
        self._pictures = iter(pictures)
        self.size = size
        self.fps: float | None = 30.0
        self.released = 0

    def read(self) -> np.ndarray | None:
        picture = next(self._pictures, None)
        if isinstance(picture, Exception):
            raise picture
        return picture

    def release(self) -> None:
        self.released += 1


def picture(value: int = 0, size: tuple[int, int] = (8, 6)) -> np.ndarray:
    return np.full((size[1], size[0], 3), value, np.uint8)


def opener(device: FakeDevice) -> Callable[[CameraSpec], FakeDevice]:
    return lambda _: device


def ticking(step: float) -> Callable[[], float]:
    """A clock that goes on by itself, so that no test waits."""
    ticks = itertools.count(1000)
    return lambda: next(ticks) * step


def camera(device: FakeDevice, spec: CameraSpec | None = None, **options: object) -> Camera:
    window = options.pop("window", Window())
    options.setdefault("clock", ticking(0.1))
    return Camera(spec or CameraSpec(), window, device=opener(device), **options)


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("camera", CameraSpec(0)),
        ("webcam", CameraSpec(0)),
        ("camera:0", CameraSpec(0)),
        ("Camera:12", CameraSpec(12)),
        ("camera:0?size=1280x720&fps=30", CameraSpec(0, (1280, 720), 30.0)),
        ("camera:1?fps=29.97", CameraSpec(1, None, 29.97)),
        ("camera?size=640x480", CameraSpec(0, (640, 480))),
        ("camera:0?", CameraSpec(0)),
        ("cameras", None),
        ("photo.jpg", None),
        ("", None),
    ],
)
def test_names_of_cameras(text: str, spec: CameraSpec | None):
    assert CameraSpec.from_text(text) == spec


@pytest.mark.parametrize(
    "text",
    [
        "camera:", "camera:x", "camera:-1", "camera:0?size=big", "camera:0?size=0x720",
        "camera:0?size=99999x9", "camera:0?fps=0", "camera:0?fps=fast", "camera:0?fsp=30",
        "camera:0?size=", "camera:0/1",
    ],
)  # fmt: skip
def test_names_that_no_camera_has(text: str):
    with pytest.raises(InputError, match=r"camera:0\?size=1280x720&fps=30"):
        open_source(text)


@pytest.mark.parametrize("spec", [0, "0", "camera:0", "camera", CameraSpec().index])
def test_a_camera_gives_frames_timed_by_a_clock(spec: object):
    device = FakeDevice([picture(1), picture(2), picture(3)])
    with open_source(spec, device=opener(device), end=60) as source:
        assert (source.name, source.kind, source.size) == ("camera-0", "camera", (8, 6))
        assert (source.fps, source.frames, source.notes) == (30.0, None, [])
        frames = list(itertools.islice(source, 3))
    assert [f.index for f in frames] == [0, 1, 2]
    assert [int(f.image[0, 0, 0]) for f in frames] == [1, 2, 3]
    assert frames[0].time == 0
    assert np.all(np.diff([f.time for f in frames]) > 0)
    assert device.released == 1


def test_times_rise_even_when_the_clock_stands_still():
    device = FakeDevice([picture()] * 3)
    source = camera(device, clock=lambda: 5.0)
    times = [f.time for f in itertools.islice(source, 3)]
    assert np.all(np.diff(times) > 0)
    source.close()


@pytest.mark.parametrize("ending", [None, OSError("no such device")], ids=["silence", "error"])
def test_unplugged_on_the_way_keeps_what_was_seen(ending: object):
    device = FakeDevice([picture()] * 4 + [ending] * 1000)
    with camera(device) as source:
        frames = list(source)
    assert len(frames) == 4
    (note,) = source.notes
    assert note.startswith("camera 0 gave no more pictures after ")
    assert "(4 frames)" in note
    assert "unplugged" in note
    assert device.released == 1


def test_a_hiccup_is_waited_for():
    device = FakeDevice([picture(1), None, None, picture(2), *[None] * 100])
    with camera(device) as source:
        assert [int(f.image[0, 0, 0]) for f in source] == [1, 2]


def test_the_first_picture_may_take_its_time():
    device = FakeDevice([None] * 20 + [picture()])
    with camera(device, timeout=5.0) as source:
        assert next(iter(source)).time == 0


@pytest.mark.parametrize("sign", [None, OSError("busy")], ids=["silence", "error"])
def test_no_picture_in_time(sign: object):
    device = FakeDevice([sign] * 1000)
    with pytest.raises(CameraError, match=r"camera 2: no picture within 3 s; another program"):
        camera(device, CameraSpec(2), timeout=3.0)
    assert device.released == 1


def test_an_error_while_opening_lets_the_device_go():
    device = FakeDevice([RuntimeError("driver")])
    with pytest.raises(RuntimeError, match="driver"):
        camera(device)
    assert device.released == 1


def test_part_of_a_camera():
    device = FakeDevice([picture(i) for i in range(100)])
    with camera(device, window=Window(start=0.5, end=2.0, stride=2)) as source:
        frames = list(source)
    assert frames
    assert all(0.5 <= f.time < 2.0 and f.index % 2 == 0 for f in frames)
    assert source.notes == []
    assert device.released == 1


def test_what_the_camera_does_not_grant_is_noted():
    device = FakeDevice([picture()] * 3)
    with camera(device, CameraSpec(0, (1280, 720), 60.0)) as source:
        assert source.size == (8, 6)
    assert source.notes == [
        "1280x720 was asked for, the camera gives 8x6",
        "60 frames/s were asked for, the camera says 30",
    ]


def test_closed_cameras_give_nothing_more():
    device = FakeDevice([picture()] * 10)
    source = camera(device)
    frames = iter(source)
    next(frames)
    source.close()
    assert list(frames) == []
    assert device.released == 1


def test_cameras_that_linux_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("video10", "video0", "video", "video0x", "vide1"):
        (tmp_path / name).touch()
    assert cameras(tmp_path) == [0, 10]
    monkeypatch.setattr("sys.platform", "win32")
    assert cameras(tmp_path) is None


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([], r"camera 3: there is no such camera; found no camera at all"),
        (["video0", "video2"], r"there is no such camera; found camera:0, camera:2"),
        (["video3"], r"camera 3: no permission for .*video3; add yourself to its group"),
    ],
)
def test_missing_or_forbidden(
    nodes: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("os.access", lambda *_: False)
    for name in nodes:
        (tmp_path / name).touch()
    with pytest.raises(CameraError, match=message):
        open_device(CameraSpec(3), tmp_path)


def test_camera_that_does_not_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("sys.platform", "linux")
    (tmp_path / "video87").touch()
    logging = cv2 if hasattr(cv2, "getLogLevel") else cv2.utils.logging
    before = logging.getLogLevel()
    with pytest.raises(CameraError, match="camera 87: cannot be opened; it is missing, or another"):
        open_device(CameraSpec(87), tmp_path)
    assert logging.getLogLevel() == before
    assert capfd.readouterr().err == ""


class Capture:
    """As much of ``cv2.VideoCapture`` as is used."""

    def __init__(self, pictures: Iterable[object]) -> None:
        self._pictures = iter(pictures)
        self.asked: dict[int, float] = {}
        self.released = 0

    def isOpened(self) -> bool:
        return True

    def read(self) -> tuple[bool, object]:
        picture = next(self._pictures, None)
        if isinstance(picture, Exception):
            raise picture
        return picture is not None, picture

    def get(self, key: int) -> float:
        return self.asked.get(key, 0.0)

    def set(self, key: int, value: float) -> bool:
        self.asked[key] = value
        return True

    def release(self) -> None:
        self.released += 1


def test_what_is_asked_of_opencv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    capture = Capture([np.full((720, 1280, 3), (255, 0, 0), np.uint8)])
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("os.access", lambda *_: True)
    monkeypatch.setattr(cv2, "VideoCapture", lambda index: capture)
    (tmp_path / "video1").touch()
    device = open_device(CameraSpec(1, (1280, 720), 30.0), tmp_path)
    assert (device.size, device.fps) == ((1280, 720), 30.0)
    assert capture.asked[cv2.CAP_PROP_FOURCC] == cv2.VideoWriter.fourcc(*"MJPG")
    assert list(capture.asked).index(cv2.CAP_PROP_FOURCC) == 0
    image = device.read()
    assert image is not None
    # OpenCV's blue comes first.
    assert image[0, 0].tolist() == [0, 0, 255]
    device.release()
    assert capture.released == 1


@pytest.mark.parametrize(
    ("given", "shape"),
    [
        (np.zeros((4, 6, 3), np.uint8), (4, 6, 3)),
        (np.zeros((4, 6), np.uint8), (4, 6, 3)),
        (np.zeros((0, 6, 3), np.uint8), None),
        (cv2.error("select() timeout"), None),
        (None, None),
    ],
    ids=["colour", "grey", "empty", "error", "nothing"],
)
def test_pictures_of_opencv(given: object, shape: tuple[int, ...] | None):
    image = OpenCVDevice(Capture([given])).read()
    assert (None if image is None else image.shape) == shape


def test_opencv_itself_reads_through_the_device(make_video: Callable[..., Path], tmp_path: Path):
    """A video stands in for a camera: the same class, the same conversion."""
    capture = cv2.VideoCapture(
        str(make_video("clip.avi", frames=5, codec="mjpeg", pix_fmt="yuvj420p"))
    )
    assert capture.isOpened()
    device = OpenCVDevice(capture)
    assert device.size == (64, 48)
    assert device.fps == pytest.approx(25)
    source = Camera(CameraSpec(0), Window(), device=lambda _: device, clock=ticking(0.1))
    with source:
        frames = list(source)
    assert len(frames) == 5
    assert np.abs(frames[0].image[3, 3].astype(int) - (255, 0, 0)).max() < 30
