"""How often the studio draws while it tracks a camera, and whether its heap stays flat."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, sleep

import av
from playwright.sync_api import CDPSession, Page, sync_playwright

from .media import RATE, moving_portrait
from .report import Line

SETTLE = 20
"""Seconds until everything has been loaded and compiled."""
SECONDS = 120
# `size=320` draws the stage at most 320 pixels wide, `fps=0` as often as the page can.
QUERY = "?fps=0&size=320"
_FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)


def measure() -> list[Line]:
    """The built studio in Chromium, WebGL in software, a camera made of the moving portrait."""
    with tempfile.TemporaryDirectory() as folder:
        camera = _camera(Path(folder) / "camera.mjpeg")
        with _server(Path(folder)) as address:
            small = _watch(address, camera, (320, 240), 20)
            wide = _watch(address, camera, (1280, 800), SECONDS)
    command = "python -m benchmarks page"
    return [
        Line(
            name="page: pictures drawn a second while a camera is tracked, 320x240, WebGL in "
            "software",
            value=small.drawn,
            unit="fps",
            target=">= 30",
            detail=f"Chromium, no cap; {small.answers:.1f} answers of the tracker a second, "
            "browser and server on the same processor; in a window of 1280x800, which the browser "
            f"puts together in software too, {wide.drawn:.1f} and {wide.answers:.1f}",
            command=command,
        ),
        Line(
            name="page: growth of its heap over two minutes of tracking, garbage collected",
            value=wide.growth / 1e6,
            unit="MB",
            target="<= 0.5",
            detail=f"to {wide.heap / 1e6:.2f} MB",
            command=command,
        ),
    ]


@dataclass(frozen=True)
class Seen:
    """What the page did: pictures drawn and answers taken a second, bytes of its heap."""

    drawn: float
    answers: float
    heap: float
    growth: float


def _watch(address: str, camera: Path, size: tuple[int, int], length: float) -> Seen:
    with _page(address, camera, size) as (page, session):
        page.get_by_role("button", name="Camera").first.click()
        page.wait_for_function("() => Number(document.documentElement.dataset.answers) > 20")
        sleep(SETTLE)
        before = _heap(session)
        (drawn, answers), begun = _counts(page), perf_counter()
        sleep(length)
        seconds = perf_counter() - begun
        drawn_after, answers_after = _counts(page)
        after = _heap(session)
    return Seen(
        drawn=(drawn_after - drawn) / seconds,
        answers=(answers_after - answers) / seconds,
        heap=after,
        growth=after - before,
    )


def _camera(path: Path) -> Path:
    """Motion JPEG, as Chromium's made camera plays it over and over."""
    with av.open(str(path), "w", format="mjpeg") as container:
        stream = container.add_stream("mjpeg", rate=RATE, options={"qscale": "3"})
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuvj420p"
        for image in moving_portrait(640, 480, 10 * RATE):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return path


@contextmanager
def _server(home: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mien", "live", "--no-browser", "--port", str(port)]
    running = subprocess.Popen(  # noqa: S603
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "MIEN_HOME": str(home)},
    )
    address = f"http://127.0.0.1:{port}/"
    try:
        deadline = perf_counter() + 120
        while True:
            try:
                urllib.request.urlopen(address + "health", timeout=5).close()  # noqa: S310
                break
            except OSError:
                if running.poll() is not None or perf_counter() > deadline:
                    raise
            sleep(0.1)
        yield address
    finally:
        running.terminate()
        running.wait(20)


@contextmanager
def _page(address: str, camera: Path, size: tuple[int, int]) -> Iterator[tuple[Page, CDPSession]]:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    chromium = next((path for name in names if (path := shutil.which(name))), None)
    flags = [*_FLAGS, f"--use-file-for-fake-video-capture={camera}"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        page = browser.new_page(viewport={"width": size[0], "height": size[1]})
        page.goto(address + QUERY)
        yield page, page.context.new_cdp_session(page)
        browser.close()


def _counts(page: Page) -> tuple[int, int]:
    """Pictures drawn and answers taken so far."""
    data = page.evaluate("() => ({ ...document.documentElement.dataset })")
    return int(data["drawn"]), int(data["answers"])


def _heap(session: CDPSession) -> float:
    """Bytes that live once garbage has been collected."""
    session.send("HeapProfiler.collectGarbage")
    return float(session.send("Runtime.getHeapUsage")["usedSize"])
