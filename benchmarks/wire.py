"""Round trips over the WebSocket against the original design, same JPEGs, over loopback."""

from __future__ import annotations

import io
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from time import perf_counter, sleep

import httpx
from PIL import Image
from websockets.sync.client import connect

from mien.server import wire

from .media import RATE, moving_portrait
from .report import Line

FRAMES = 60
ROUNDS = 6


def measure() -> list[Line]:
    """Rounds of both take turns; the first round warms up and does not count."""
    jpegs = []
    for image in moving_portrait(640, 480, FRAMES):
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "JPEG", quality=80)
        jpegs.append(buffer.getvalue())
    ours, theirs = _free_port(), _free_port()
    mien = ["-m", "mien", "live", "--no-browser", "--port", str(ours), "--engine", "facemesh"]
    original = ["-m", "uvicorn", "benchmarks.original:app", "--port", str(theirs)]
    with _server(mien, ours), _server(original, theirs):
        url = f"ws://127.0.0.1:{ours}/ws"
        with httpx.Client() as client, connect(url, compression=None, max_size=None) as socket_:
            socket_.recv()  # ready

            def post(jpeg: bytes, _: int) -> None:
                files = {"file": ("frame.jpg", jpeg, "image/jpeg")}
                answer = client.post(f"http://127.0.0.1:{theirs}/infer", files=files)
                assert len(answer.json()["landmarks"]) == 478

            def live(jpeg: bytes, sequence: int) -> None:
                header = struct.pack(
                    "<" + "".join(code for _, code in wire.FRAME_HEADER),
                    wire.MAGIC,
                    wire.VERSION,
                    wire.Encoding.IMAGE,
                    sequence,
                    sequence / RATE,
                    0,
                    0,
                )
                socket_.send(header + jpeg)
                answer = socket_.recv()
                assert isinstance(answer, bytes)
                assert len(answer) > 478 * 12

            posts, lives = [], []
            for i in range(ROUNDS + 1):
                first = i * FRAMES
                slow, fast = _times(post, jpegs, first), _times(live, jpegs, first)
                if i:
                    posts += slow
                    lives += fast
    return [
        Line(
            name="WebSocket round trip / multipart POST, static mode, JSON (p50)",
            value=median(lives) / median(posts),
            unit="x",
            target="<= 0.6",
            detail=f"{1e3 * median(lives):.1f} against {1e3 * median(posts):.1f} ms, 640x480 JPEG",
            command="python -m benchmarks wire",
        )
    ]


def _times(trip: Callable[[bytes, int], None], jpegs: list[bytes], first: int) -> list[float]:
    times = []
    for i, jpeg in enumerate(jpegs):
        started = perf_counter()
        trip(jpeg, first + i)
        times.append(perf_counter() - started)
    return times


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _server(arguments: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(300):
            try:
                httpx.get(f"http://127.0.0.1:{port}/health").raise_for_status()
                break
            except httpx.HTTPError:
                sleep(0.1)
        else:
            raise TimeoutError(f"the server on port {port} did not start")
        yield
    finally:
        process.terminate()
        process.wait(10)
