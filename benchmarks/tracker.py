"""The tracker against a bare FaceMesh loop on the same decoded frames."""

from __future__ import annotations

from statistics import median
from time import perf_counter
from typing import Any

from mediapipe.python.solutions.face_mesh import FaceMesh

from mien.engines.start import quiet_start
from mien.tracker import Tracker
from mien.types import Frame

from .media import RATE, moving_portrait
from .report import Line

ROUNDS = 15
FRAMES = 120


def measure() -> list[Line]:
    """The ruler as head, which costs next to nothing; trained heads have their own benchmark."""
    ratio, detail = against_bare(expression="geometric", morphable=None, emotion=None)
    return [
        Line(
            name="tracker, one face, everything but the overlay / bare FaceMesh loop",
            value=ratio,
            unit="x",
            target="<= 1.15",
            detail=detail,
            command="python -m benchmarks tracker",
        )
    ]


def against_bare(**options: Any) -> tuple[float, str]:
    """Time of a tracker over that of a bare loop, and the times behind it.

    Rounds of both loops take turns, so that other load on the machine meets both.

    Args:
        options: of the tracker.
    """
    images = list(moving_portrait(640, 480, FRAMES))
    bare_times, tracker_times = [], []
    with quiet_start():
        bare = FaceMesh(static_image_mode=False, refine_landmarks=True, max_num_faces=1)
        bare.process(images[0])
    clock = 0.0
    with Tracker("facemesh", max_faces=1, **options) as tracker:
        for _ in range(ROUNDS):
            started = perf_counter()
            for image in images:
                bare.process(image)
            bare_times.append(perf_counter() - started)
            frames = []
            for image in images:
                clock += 1 / RATE
                frames.append(Frame(image, clock))
            started = perf_counter()
            for frame in frames:
                assert tracker.process(frame).faces
            tracker_times.append(perf_counter() - started)
    bare.close()
    ratio = median(t / b for t, b in zip(tracker_times, bare_times, strict=True))
    detail = (
        f"{1e3 * median(tracker_times) / FRAMES:.2f} ms against "
        f"{1e3 * median(bare_times) / FRAMES:.2f} ms a frame, 640x480"
    )
    return ratio, detail
