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
from pathlib import Path
from time import monotonic
from typing import Any

import cv2
import numpy as np
from av import VideoFrame

from . import capture, engines
from .arrays import RGBImage
from .errors import CameraError, InputError, OutputError
from .job import CaptureOptions, CaptureReport, Progress, SourceReport, heads_of, settings, summary
from .outputs import TableWriter, VideoWriter, write_image, write_json_atomic, write_mesh
from .overlap import ReadAhead, WriteBehind
from .render.overlay import draw
from .tracker import Tracker
from .types import Frame, Observation

__all__ = ["CaptureOptions", "CaptureReport", "Progress", "SourceReport", "capture_to_files"]

# Reading, tracking and writing have a thread each; the codecs share what cores are left.
CODEC_THREADS = max(1, (os.cpu_count() or 1) - 2)
_STILL_FACES = 64
_VIDEO_FACES = 4
_MOST_NAMED = 10


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
        InputError, CameraError: no source can be used, and nothing was written; one of several is
            skipped.
        EngineError, ModelMissing: the landmark engine or a head cannot run.
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
            shown = _text(spec)
            one = SourceReport(name=shown, spec=shown)
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
                one.error, one.exit_code = _text(str(error)), error.exit_code
                if one.kind is not None and shown not in one.error:
                    one.error = f"{shown}: {one.error}"
        if not table.begun and not stop.is_set():
            _refuse(report)
        table.open()
    report.interrupted = stop.is_set()
    report.seconds = monotonic() - started
    write_json_atomic(options.out / "summary.json", summary(report, options))
    return report


def _text(name: str) -> str:
    """A file's name may hold bytes that are no text; a report is text."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _refuse(report: CaptureReport) -> None:
    """The error for a capture of which no source could be opened.

    Raises:
        InputError: a file is among them.
        CameraError: they are cameras.
    """
    errors = [source.error for source in report.failed if source.error]
    if not errors:
        return
    more = [f"... and {len(errors) - _MOST_NAMED} more"] * (len(errors) > _MOST_NAMED)
    text = "\n  ".join(
        [f"none of the {len(errors)} sources can be used:", *errors[:_MOST_NAMED], *more]
    )
    raise (CameraError if report.exit_code == CameraError.exit_code else InputError)(text)


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
            for face in seen.faces:
                if face.looks is not None:
                    report.looks.setdefault(face.id, Counter())[face.looks] += 1
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
                expression=options.expression,
                morphable=options.morphable,
                emotion=options.emotion,
                calibration=options.calibration,
            )
        return self._open[mode]

    def __enter__(self) -> _Trackers:
        return self

    def __exit__(self, *_: object) -> None:
        for tracker in self._open.values():
            tracker.close()


class _LateTable:
    """The table of a capture, begun with the first source that opens.

    A capture in which no source opens leaves no empty results behind.
    """

    def __init__(self, options: CaptureOptions, engine: str) -> None:
        self._options = options
        self._engine = engine
        self._stack = ExitStack()
        self._table: TableWriter | None = None

    @property
    def begun(self) -> bool:
        """Whether there is a table."""
        return self._table is not None

    def open(self) -> TableWriter:
        """The table, made when it is first asked for."""
        if self._table is None:
            options = self._options
            _clear(options.out, overwrite=options.overwrite)
            self._table = self._stack.enter_context(
                TableWriter(
                    options.out,
                    csv=options.csv,
                    csv_landmarks=options.csv_landmarks,
                    jsonl=options.jsonl,
                    overwrite=options.overwrite,
                    engine=self._engine,
                    heads=heads_of(options),
                    settings=settings(options, engines.model(self._engine)),
                )
            )
        return self._table

    def __enter__(self) -> _LateTable:
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)


def _clear(out: Path, *, overwrite: bool) -> None:
    """Take the pictures, meshes, tables and summary of an earlier capture away, or refuse to.

    Raises:
        OutputError: there are some and they may not be replaced, or the system refuses.
    """
    patterns = ("overlay/*.jpg", "overlay/*.mp4", "mesh/*.obj", "mesh/*.ply")
    earlier = [path for pattern in patterns for path in out.glob(pattern)]
    if earlier and not overwrite:
        raise OutputError(
            f"{earlier[0]} exists already. Choose another folder, or replace the results in this "
            "one with --overwrite."
        )
    others = ("faces.csv", "faces.jsonl", "summary.json")
    tables = [path for name in others if (path := out / name).exists()]
    try:
        for path in earlier + (tables if overwrite else []):
            path.unlink()
    except OSError as error:
        raise OutputError(f"{error.filename} cannot be replaced ({error.strerror})") from error


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
        self._corners: dict[int, int] = {}

    def draw(self, frame: Frame, seen: Observation) -> RGBImage | VideoFrame | None:
        """The overlay of one frame, to be given to :meth:`write`; None when none is wanted."""
        if not self.options.overlay:
            return None
        if self._source.kind == "still":
            return draw(frame.image, seen)
        # Drawing over the last picture saves a fresh one; the conversion copies it.
        if self._canvas is None or self._canvas.shape != frame.image.shape:
            self._canvas = np.empty_like(frame.image)
        picture = draw(frame.image, seen, out=self._canvas, corners=self._corners)
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
                number = f"-{frame.index:06d}-{face.id}"
                path = self._path("mesh", self.options.mesh, number)
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
