"""The trained heads: one call of each, and the tracker with them against a bare FaceMesh loop."""

from __future__ import annotations

from statistics import median
from time import perf_counter

import numpy as np
from mediapipe.python.solutions.face_mesh import FaceMesh

from mien import heads
from mien.engines.start import quiet_start
from mien.geometry import matrix_from_euler, project
from mien.heads.emotion import cut
from mien.heads.regressor import Head
from mien.topology import CANONICAL

from .media import moving_portrait
from .report import Line
from .tracker import against_bare

CALLS = 5000
FRAMES = 300


def measure() -> list[Line]:
    """One line for each head that ships, and two for the whole road."""
    lines = []
    for name, spec in heads.shipped().items():
        head = heads.load(name, spec.output)
        warm = median(_calls(head, CALLS))
        cold = median(_between_frames(head))
        lines.append(
            Line(
                name=f"call of head {name}, one face, one thread",
                value=warm,
                unit="microseconds",
                # A head of emotions may look at the picture, which takes its cut besides.
                target="<= 5000" if spec.output == "emotion" else "<= 100",
                detail=f"median of {CALLS:,} in a row; {cold:.0f} microseconds after each frame "
                f"of FaceMesh, which empties the caches; {spec.parameters:,} parameters",
                command="python -m benchmarks heads",
            )
        )
    two = {"expression": "arkit52", "morphable": "morphable10"}
    ratio, detail = against_bare(**two, emotion=None)
    lines.append(
        Line(
            name="tracker with both heads / bare FaceMesh loop",
            value=ratio,
            unit="x",
            target="<= 1.25",
            detail=detail,
            command="python -m benchmarks heads",
        )
    )
    ratio, detail = against_bare(**two, emotion="auto")
    lines.append(
        Line(
            name="tracker with both heads and the emotions / bare FaceMesh loop",
            value=ratio,
            unit="x",
            # The loop takes some 3 ms a frame: 5 ms for the emotions.
            target="<= 2.9",
            detail=detail,
            command="python -m benchmarks heads",
        )
    )
    return lines


def _face() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rotation = matrix_from_euler(5, -3, 2)
    pixels = project(CANONICAL.astype(float), rotation, np.array([320.0, 240.0, 0.0]), 15.0)
    return CANONICAL.astype(np.float64), rotation, pixels.astype(np.float32)


def _calls(head: Head, count: int) -> list[float]:
    """Microseconds of each call, with the cut of the face where the head looks at it."""
    points, rotation, pixels = _face()
    frame = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    times = []
    for _ in range(count):
        started = perf_counter()
        picture = cut(frame, pixels, rotation) if head.spec.needs_picture else None
        head(points, rotation, pixels, picture)
        times.append(1e6 * (perf_counter() - started))
    return times


def _between_frames(head: Head) -> list[float]:
    """Microseconds of a call after each frame of FaceMesh."""
    images = list(moving_portrait(640, 480, 30))
    with quiet_start():
        mesh = FaceMesh(static_image_mode=False, refine_landmarks=True, max_num_faces=1)
        mesh.process(images[0])
    times = []
    for i in range(FRAMES):
        mesh.process(images[i % len(images)])
        times += _calls(head, 1)
    mesh.close()
    return times
