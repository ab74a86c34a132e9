"""Sources in, files out: what ``mien capture`` runs.

Decoding, tracking and writing run in threads of their own and overlap; the queues between them are
short, so that memory does not grow with the length of a video. A source that cannot be used is
skipped by name and the others go on. When the work is stopped half-way, everything written so far
is closed properly and readable.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Literal

import cv2
import numpy as np
from av import VideoFrame

from . import __version__, capture, engines
from .arrays import RGBImage
from .errors import CameraError, InputError
from .outputs import TableWriter, VideoWriter, write_image, write_json_atomic, write_mesh
from .overlap import ReadAhead, WriteBehind
from .render.overlay import draw
from .retarget.smooth import Smoothing
from .tracker import Tracker
from .types import Frame, Observation

__all__ = ["CaptureOptions", "CaptureReport", "Progress", "SourceReport", "capture_to_files"]

# Reading, tracking and writing have a thread each; the codecs share what cores are left.
CODEC_THREADS = max(1, (os.cpu_count() or 1) - 2)
_STILL_FACES = 64
_VIDEO_FACES = 4


@dataclass(frozen=True, slots=True)
class CaptureOptions:
    """What to write, and how to track.

    Attributes:
        out: folder for the results; made when it is missing.
        engine: landmark engine.
        crops: the stills are tight face crops; use the path without a detector.
        max_faces: the most faces to follow; None is 64 in stills and 4 in videos.
        smoothing: parameters of the One-Euro filter, or None for raw values.
        mouth_threshold: openness above which the mouth counts as open.
        csv, csv_landmarks, jsonl: tables besides ``faces.parquet``.
        overlay: a picture or a video of each source with what was found drawn on it.
        mesh: write a mesh for each face and frame, in this format.
        seconds: stop each source after this long; None is to its end.
        overwrite: replace the results of an earlier capture.
    """

    out: Path
    engine: str = "auto"
    crops: bool = False
    max_faces: int | None = None
    smoothing: Smoothing | None = field(default_factory=Smoothing)
    mouth_threshold: float = 0.12
    csv: bool = False
    csv_landmarks: bool = False
    jsonl: bool = False
    overlay: bool = False
    mesh: Literal["obj", "ply"] | None = None
    seconds: float | None = None
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.max_faces is not None and self.max_faces < 1:
            raise InputError(f"the number of faces must be at least 1, got {self.max_faces}")
        if self.mesh not in (None, "obj", "ply"):
            raise InputError(f"a mesh is written as obj or ply, got {self.mesh!r}")
        if self.seconds is not None and not self.seconds > 0:
            raise InputError(f"seconds must be above 0, got {self.seconds}")


@dataclass(slots=True)
class SourceReport:
    """What became of one source.

    Attributes:
        name: as in the ``source`` column and in the names of overlays and meshes.
        spec: as it was given.
        kind: still, video or camera; None when it could not be opened.
        frames: frames that were looked at.
        frames_with_faces: those with at least one face.
        faces: rows written, that is faces summed over frames.
        ids: frames in which each face id was seen.
        notes: what was lost or odd.
        error: why it was skipped, or None.
        milliseconds: mean time of each stage of the tracker per frame.
    """

    name: str
    spec: str
    kind: str | None = None
    frames: int = 0
    frames_with_faces: int = 0
    faces: int = 0
    ids: dict[int, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    error: str | None = None
    milliseconds: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class CaptureReport:
    """What became of a capture; ``summary.json`` holds the same."""

    out: Path
    engine: str | None = None
    sources: list[SourceReport] = field(default_factory=list)
    interrupted: bool = False
    seconds: float = 0.0

    @property
    def frames(self) -> int:
        """Frames of all sources."""
        return sum(s.frames for s in self.sources)

    @property
    def faces(self) -> int:
        """Rows of ``faces.parquet``."""
        return sum(s.faces for s in self.sources)

    @property
    def failed(self) -> list[SourceReport]:
        """Sources that were skipped."""
        return [s for s in self.sources if s.error]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the work stands; told after every frame."""

    source: int
    sources: int
    name: str
    frame: int
    frames: int | None
    faces: int


def capture_to_files(
    specs: Sequence[str],
    options: CaptureOptions,
    *,
    on_progress: Callable[[Progress], None] = lambda _: None,
    stop: threading.Event | None = None,
) -> CaptureReport:
    """Track faces in all sources and write what was found.

    Args:
        specs: as returned by :func:`mien.capture.expand`.
        options: what to write and how to track.
        on_progress: called on this thread after every frame.
        stop: when it is set, the work ends early and the files are closed.

    Raises:
        OutputError: results could not be written; what was written before is kept.
        InputError, CameraError: the only source cannot be used; one of several is skipped.
        EngineError, ModelMissing: the landmark engine cannot run.
    """
    stop = stop or threading.Event()
    report = CaptureReport(options.out)
    started = monotonic()
    names = _unique_names()
    with _Trackers(options) as trackers, _LateTable(options, trackers.engine_name) as table:
        report.engine = trackers.engine_name
        for number, spec in enumerate(specs):
            if stop.is_set():
                break
            one = SourceReport(name=spec, spec=spec)
            report.sources.append(one)
            try:
                with capture.open_source(spec, threads=CODEC_THREADS) as source:
                    one.name, one.kind = names(source.name), source.kind
                    tracker = trackers.of(source.kind)  # may fail, so before any file is made
                    sink = Sink(one.name, source, table.open(), options)
                    place = (number, len(specs))
                    _walk(source, tracker, sink, one, place, on_progress, stop)
                    one.notes.extend(source.notes)
            except (InputError, CameraError) as error:
                if len(specs) == 1 and not one.frames:
                    raise
                one.error = str(error)
        table.open()
    report.interrupted = stop.is_set()
    report.seconds = monotonic() - started
    write_json_atomic(options.out / "summary.json", _summary(report, options))
    return report


def _walk(
    source: capture.Source,
    tracker: Tracker,
    sink: Sink,
    report: SourceReport,
    place: tuple[int, int],
    on_progress: Callable[[Progress], None],
    stop: threading.Event,
) -> None:
    """Frames of one source through the tracker into its sink, the three overlapping."""
    tracker.reset()
    stages: Counter[str] = Counter()
    ids: Counter[int] = Counter()
    limit = sink.options.seconds
    with ReadAhead(source, stop) as frames, WriteBehind(sink.write, sink.close) as behind:
        for frame in frames:
            if limit is not None and frame.time >= limit:
                break
            seen = tracker.process(frame)
            behind.put(frame, seen, sink.draw(frame, seen))
            report.frames += 1
            report.faces += len(seen.faces)
            report.frames_with_faces += bool(seen.faces)
            stages.update(seen.timings)
            ids.update(face.id for face in seen.faces)
            report.ids = dict(ids)
            done = frame.index + 1
            on_progress(Progress(*place, report.name, done, source.frames, len(seen.faces)))
            if stop.is_set():
                break
    if frames.dropped:
        report.notes.append(f"{frames.dropped} camera frames came faster than they were tracked")
    count = max(report.frames, 1)
    report.milliseconds = {name: 1000 * spent / count for name, spent in stages.items()}


class _Trackers:
    """One tracker for stills and one for streams, started when first needed."""

    def __init__(self, options: CaptureOptions) -> None:
        self._options = options
        self._open: dict[engines.Mode, Tracker] = {}
        name = "crop" if options.crops else options.engine
        self.engine_name = engines.resolve(name)

    def of(self, kind: str) -> Tracker:
        options = self._options
        mode: engines.Mode = "still" if kind == "still" or options.crops else "video"
        if mode not in self._open:
            faces = options.max_faces
            if faces is None:
                faces = _STILL_FACES if mode == "still" else _VIDEO_FACES
            self._open[mode] = Tracker(
                self.engine_name,
                mode=mode,
                max_faces=1 if options.crops else faces,
                smoothing=options.smoothing,
                mouth_threshold=options.mouth_threshold,
            )
        return self._open[mode]

    def __enter__(self) -> _Trackers:
        return self

    def __exit__(self, *_: object) -> None:
        for tracker in self._open.values():
            tracker.close()


class _LateTable:
    """The table of a capture, begun with the first source that opens.

    A capture of nothing but a misspelt name leaves no empty results behind.
    """

    def __init__(self, options: CaptureOptions, engine: str) -> None:
        self._options = options
        self._engine = engine
        self._stack = ExitStack()
        self._table: TableWriter | None = None

    def open(self) -> TableWriter:
        """The table, made when it is first asked for."""
        if self._table is None:
            options = self._options
            self._table = self._stack.enter_context(
                TableWriter(
                    options.out,
                    csv=options.csv,
                    csv_landmarks=options.csv_landmarks,
                    jsonl=options.jsonl,
                    overwrite=options.overwrite,
                    engine=self._engine,
                    heads={"expression": "geometric"},
                )
            )
        return self._table

    def __enter__(self) -> _LateTable:
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)


class Sink:
    """Everything that is written about one source.

    One thread may draw while another one writes what was drawn before.
    """

    def __init__(
        self, name: str, source: capture.Source, table: TableWriter, options: CaptureOptions
    ) -> None:
        self.options = options
        self._name = name
        self._source = source
        self._table = table
        self._video: VideoWriter | None = None
        self._canvas: RGBImage | None = None

    def draw(self, frame: Frame, seen: Observation) -> RGBImage | VideoFrame | None:
        """The overlay of one frame, to be given to :meth:`write`; None when none is wanted."""
        if not self.options.overlay:
            return None
        if self._source.kind == "still":
            return draw(frame.image, seen)
        # Drawing over the last picture saves a fresh one; the conversion copies it.
        if self._canvas is None or self._canvas.shape != frame.image.shape:
            self._canvas = np.empty_like(frame.image)
        picture = draw(frame.image, seen, out=self._canvas)
        if self._video is None:
            self._video = VideoWriter(
                self._path("overlay", "mp4"),
                frame.size,
                fps=self._source.fps,
                threads=CODEC_THREADS,
                overwrite=self.options.overwrite,
            )
        if frame.size != self._video.size:  # some streams change their size; a file cannot
            picture = cv2.resize(picture, self._video.size, interpolation=cv2.INTER_AREA)
        return self._video.convert(picture)

    def write(self, frame: Frame, seen: Observation, picture: RGBImage | VideoFrame | None) -> None:
        """Rows, overlay and meshes of one frame."""
        self._table.write(seen, self._name)
        if self._video is not None and picture is not None:
            self._video.write(picture, frame.time)
        elif isinstance(picture, np.ndarray):
            write_image(self._path("overlay", "jpg"), picture)
        if self.options.mesh:
            for face in seen.faces:
                number = "" if self._source.kind == "still" else f"-{frame.index:06d}"
                path = self._path("mesh", self.options.mesh, f"{number}-{face.id}")
                write_mesh(path, face.landmarks, frame.image, face.pose)

    def _path(self, folder: str, suffix: str, number: str = "") -> Path:
        return self.options.out / folder / f"{self._name}{number}.{suffix}"

    def close(self) -> None:
        """Finish the overlay video."""
        if self._video is not None:
            self._video.close()
            self._video = None


def _unique_names() -> Callable[[str], str]:
    """Names for files: a name that comes again gets a number behind it."""
    taken: set[str] = set()

    def unique(name: str) -> str:
        candidate, number = name, 1
        while candidate.lower() in taken:  # file systems that fold case must not mix two up
            number += 1
            candidate = f"{name}-{number}"
        taken.add(candidate.lower())
        return candidate

    return unique


def _summary(report: CaptureReport, options: CaptureOptions) -> dict[str, Any]:
    smoothing = options.smoothing
    return {
        "mien": __version__,
        "engine": report.engine,
        "smoothing": smoothing and {n: getattr(smoothing, n) for n in smoothing.__slots__},
        "mouth_threshold": options.mouth_threshold,
        "interrupted": report.interrupted,
        "seconds": round(report.seconds, 3),
        "frames": report.frames,
        "faces": report.faces,
        "sources": [
            {
                "name": s.name,
                "spec": s.spec,
                "kind": s.kind,
                "frames": s.frames,
                "frames_with_faces": s.frames_with_faces,
                "faces": s.faces,
                "frames_by_id": s.ids,
                "milliseconds": {k: round(v, 3) for k, v in s.milliseconds.items()},
                "notes": s.notes,
                "error": s.error,
            }
            for s in report.sources
        ],
    }
