"""A real browser, a real server, and cameras made of files."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import monotonic

import cv2
import numpy as np
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from mien import engines

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parent.parent.parent
FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    # Put together on the processor itself: through SwiftShader it costs twice as much.
    "--disable-gpu-compositing",
)
# What has to come is waited for, however busy the machine is; no speed is asserted.
expect.set_options(timeout=30_000)
# Software WebGL shares two cores with the server: draw little, and seldom.
LIGHT = "?fps=12&size=320"


def find_chromium() -> str | None:
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if path := shutil.which(name):
            return path
    return None


# Not for the whole session: its event loop must be gone before the server's tests.
@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    if find_chromium() is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    if not (ROOT / "src/mien/server/studio/index.html").exists():
        pytest.skip("the studio has not been built (make web)")
    if reason := engines.available()["facemesh"]:
        pytest.skip(reason)
    with sync_playwright() as running:
        yield running


class Server:
    """`mien live` in a process of its own, which can be stopped and started again.

    Args:
        home: folder in which it keeps what it learns.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mien", "live", "--no-browser", "--port", str(self.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "MIEN_MAX_SESSIONS": "4", "MIEN_HOME": str(self.home)},
        )
        deadline = monotonic() + 120
        while monotonic() < deadline:
            if self._answers():
                return
            if self.process.poll() is not None:
                break
            threading.Event().wait(0.1)
        self.stop()
        raise TimeoutError("the server did not start")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.url + "health", timeout=5):  # noqa: S310
                return True
        except OSError:
            return False

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None


@pytest.fixture(scope="module")
def server(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("home"))
    running.start()
    yield running
    running.stop()


Open = Callable[..., Page]


class Browsers:
    """Chromium with cameras made of files; the last two are kept, for to start one takes seconds.

    What a test opens there is a context of its own, which shares nothing with others.
    """

    def __init__(self, playwright: Playwright) -> None:
        self._playwright = playwright
        self._kept: dict[tuple[Path | None, bool], Browser] = {}

    def get(self, camera: Path | None, ask: bool) -> Browser:
        """One that shows ``camera``, or has none; ``ask``: people are asked whether it may."""
        browser = self._kept.pop((camera, ask), None)
        if browser is None or not browser.is_connected():
            while len(self._kept) > 1:
                self._kept.pop(next(iter(self._kept))).close()
            browser = self._launch(camera, ask)
        self._kept[camera, ask] = browser
        return browser

    def _launch(self, camera: Path | None, ask: bool) -> Browser:
        flags = [*FLAGS]
        if camera is not None:
            flags += [
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={camera}",
            ]
        if not ask:
            flags.append("--use-fake-ui-for-media-stream")
        return self._playwright.chromium.launch(executable_path=find_chromium(), args=flags)

    def close(self) -> None:
        while self._kept:
            self._kept.popitem()[1].close()


@pytest.fixture(scope="module")
def browsers(playwright: Playwright) -> Iterator[Browsers]:
    kept = Browsers(playwright)
    yield kept
    kept.close()


@pytest.fixture
def open_page(browsers: Browsers, server: Server) -> Iterator[Open]:
    """Opens the studio; errors of the page fail the test."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def open_(
        camera: Path | None = None,
        *,
        ask: bool = False,
        query: str = LIGHT,
        expected: Sequence[str] = (),
        **options: object,
    ) -> Page:
        size = {"width": 1280, "height": 800}
        context = browsers.get(camera, ask).new_context(**{"viewport": size, **options})  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)

        def note(text: str) -> None:
            if not any(word in text for word in expected):
                problems.append(text)

        page.on("pageerror", lambda error: note(str(error)))
        page.on("console", lambda m: note(m.text) if m.type == "error" else None)
        page.goto(server.url + query)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not problems, problems


# Every frame is looked at by the server and drawn by the page, on the same two cores.
RATE = 15


def write_camera(path: Path, images: Sequence[np.ndarray]) -> Path:
    """Raw video as Chromium's fake camera plays it, over and over."""
    height, width = images[0].shape[:2]
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{RATE}:1 Ip A1:1 C420\n".encode())
        for image in images:
            file.write(b"FRAME\n" + cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420).tobytes())
    return path


@pytest.fixture(scope="session")
def portrait_camera(portrait: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The portrait, swaying."""
    images = []
    for i in range(30):
        shift = 40 * np.sin(2 * np.pi * i / 30)
        matrix = np.array([[0.8, 0, 110 + shift], [0, 0.8, 20]], np.float32)
        images.append(cv2.warpAffine(portrait, matrix, (640, 480), borderMode=cv2.BORDER_REPLICATE))
    return write_camera(tmp_path_factory.mktemp("camera") / "portrait.y4m", images)


@pytest.fixture(scope="session")
def clip(portrait: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The portrait as a video file of two seconds, drifting."""
    from mien.outputs import VideoWriter

    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with VideoWriter(path, (512, 600), fps=25) as video:
        for i in range(50):
            video.write(np.ascontiguousarray(np.roll(portrait, i, axis=1)), i / 25)
    return path


@pytest.fixture(scope="session")
def empty_camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wall."""
    wall = np.full((480, 640, 3), (120, 130, 140), np.uint8)
    return write_camera(tmp_path_factory.mktemp("camera") / "wall.y4m", [wall] * 10)


@pytest.fixture(scope="session")
def dark_camera(portrait: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The portrait, with the light off."""
    image = cv2.resize(portrait // 12, (640, 480))
    return write_camera(tmp_path_factory.mktemp("camera") / "dark.y4m", [image] * 10)


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core, which finds what keeps people out."""
    script = ROOT / "web/node_modules/axe-core/axe.min.js"
    if not script.exists():
        pytest.skip("axe-core is not installed (cd web && npm ci)")
    return script.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def talking_camera(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A person whose mouth opens and closes."""
    from mien.capture import open_source

    with open_source(str(shared / "media" / "videos" / "expressive-d20.mp4")) as source:
        images = [cv2.resize(frame.image, (480, 480)) for frame in source]
    padded = [cv2.copyMakeBorder(i, 0, 0, 80, 80, cv2.BORDER_REPLICATE) for i in images[::2]]
    return write_camera(tmp_path_factory.mktemp("camera") / "talking.y4m", padded)
