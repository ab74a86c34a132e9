"""Capture of a 1080p video, overlapping, against the same stages one after the other."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

from mien.batch import CODEC_THREADS, CaptureOptions, Sink, capture_to_files
from mien.capture import open_source
from mien.outputs import TableWriter
from mien.tracker import Tracker

from .media import make_video
from .report import Line

FRAMES = 240
ROUNDS = 3


def measure() -> list[Line]:
    """Both write the table and the overlay video."""
    ratios, rates = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        video = make_video(folder / "portrait-1080.mp4", 1920, 1080, FRAMES)
        for i in range(ROUNDS):
            serial = _serial(video, folder / f"serial{i}")
            options = CaptureOptions(
                out=folder / f"overlap{i}", engine="facemesh", max_faces=1, overlay=True
            )
            started = perf_counter()
            report = capture_to_files([str(video)], options)
            overlapping = perf_counter() - started
            assert report.frames == report.faces == FRAMES
            ratios.append(serial / overlapping)
            rates.append((FRAMES / overlapping, FRAMES / serial))
    fast, slow = rates[ratios.index(sorted(ratios)[len(ratios) // 2])]
    return [
        Line(
            name="capture of 1080p video with overlay, stages overlapping / one after the other",
            value=median(ratios),
            unit="x",
            target=">= 1.5",
            detail=f"{fast:.1f} against {slow:.1f} frames/s, start-up included",
            command="python -m benchmarks overlap",
        )
    ]


def _serial(video: Path, out: Path) -> float:
    started = perf_counter()
    options = CaptureOptions(out=out, engine="facemesh", max_faces=1, overlay=True)
    with (
        Tracker("facemesh", max_faces=1) as tracker,
        TableWriter(out, engine="facemesh") as table,
        open_source(str(video), threads=CODEC_THREADS) as source,
    ):
        sink = Sink(source.name, source, table, options)
        for frame in source:
            seen = tracker.process(frame)
            sink.write(frame, seen, sink.draw(frame, seen))
        sink.close()
    return perf_counter() - started
