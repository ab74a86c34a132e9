"""How steadily packets leave while a camera is tracked, and how old what they say is."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from time import perf_counter, sleep

import numpy as np

from mien.capture import CameraSpec, open_source
from mien.feeds import Player, Until
from mien.retarget.pose import ease_to_rest, interpolate
from mien.streaming import expressions_of
from mien.streams.address import KINDS, Address
from mien.streams.sender import Sender, Timing
from mien.tracker import Tracker

from .media import RATE, moving_portrait
from .report import Line

SENDS = 60
SECONDS = 20


# What the machine itself does to a process that wants to wake 60 times a second.
_IDLE = f"""
from time import perf_counter, sleep
import numpy as np
begun, late = perf_counter(), []
for number in range({SENDS * SECONDS}):
    sleep(max(0.0, begun + number / {SENDS} - perf_counter()))
    late.append(perf_counter() - begun - number / {SENDS})
print(1e3 * np.percentile(np.abs(np.diff(late)), 95))
"""


class Webcam:
    """Gives the made pictures at the pace of a webcam, and waits in between as one does."""

    def __init__(self, spec: CameraSpec) -> None:  # noqa: ARG002 - as a device is opened
        self._images = list(moving_portrait(640, 480, 4 * RATE))
        self.size, self.fps = (640, 480), float(RATE)
        self._begun, self._count = perf_counter(), 0

    def read(self) -> np.ndarray:
        """The next picture, when its time has come."""
        self._count += 1
        sleep(max(0.0, self._begun + self._count / RATE - perf_counter()))
        return self._images[self._count % len(self._images)]

    def release(self) -> None:
        """Nothing was opened."""


def measure() -> list[Line]:
    """A webcam of 30 frames a second to one receiver of each kind at 60 packets a second."""
    program = [sys.executable, "-c", _IDLE]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as idle:  # noqa: S603
        timing, poses = _stream()
        beside = float(idle.communicate()[0])
    assert timing.latency is not None
    command = "python -m benchmarks stream"
    return [
        Line(
            name="stream: jitter of the steps between sends while a camera is tracked, p95",
            value=1e3 * timing.jitter,
            unit="ms",
            target="<= 3",
            detail=f"{SENDS} a second to three receivers; {1e3 * timing.lateness:.2f} ms after "
            f"their moment (p95), {timing.skipped} of {timing.sends} left out; a process "
            f"beside it that only sleeps: {beside:.2f} ms",
            command=command,
        ),
        Line(
            name="stream: from the camera's frame to the packet that shows it, median",
            value=1e3 * timing.latency,
            unit="ms",
            target="<= 100",
            detail=f"{1e3 * (timing.latency_p95 or 0):.1f} ms p95, of which one frame "
            f"({1e3 / RATE:.1f} ms) is held back to go between poses; {poses} poses",
            command=command,
        ),
    ]


def _stream() -> tuple[Timing, int]:
    sinks = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in KINDS]
    try:
        for sink in sinks:
            sink.bind(("127.0.0.1", 0))
        destinations = [
            Address(kind, "127.0.0.1", sink.getsockname()[1])
            for kind, sink in zip(KINDS, sinks, strict=True)
        ]
        until = Until(threading.Event(), SECONDS)
        with (
            Tracker(morphable=None, emotion=None) as tracker,
            open_source("camera:0", device=Webcam) as source,
            Sender(
                destinations,
                between=interpolate,
                fade=ease_to_rest,
                rate=SENDS,
                expressions=expressions_of(),
            ) as sender,
        ):
            poses = 0
            for pose, taken in Player(tracker, until).play(source):
                sender.put(pose, taken)
                poses += pose is not None
            return sender.timing(), poses
    finally:
        for sink in sinks:
            sink.close()
