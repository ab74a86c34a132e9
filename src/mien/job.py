"""What a capture is asked for, how it goes on, and what became of it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from . import __version__, heads
from .channels import shares
from .errors import InputError
from .retarget.calibrate import Calibration
from .retarget.smooth import Smoothing

__all__ = [
    "CaptureOptions",
    "CaptureReport",
    "Progress",
    "SourceReport",
    "heads_of",
    "settings",
    "summary",
]


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
        expression, morphable, emotion: heads by name or path, ``auto``, or None for none.
        calibration: what is known of the person; see :class:`mien.tracker.Tracker`.
        csv, csv_landmarks, jsonl: tables besides ``faces.parquet``.
        overlay: a picture or a video of each source with what was found drawn on it. Off here, as
            scripts mostly want numbers and drawing takes time; the command line, where people look
            at what came out, turns it on.
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
    expression: str | None = "auto"
    morphable: str | None = "auto"
    emotion: str | None = "auto"
    calibration: Calibration | None = None
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
        if self.crops and self.max_faces not in (None, 1):
            raise InputError(f"a tight crop holds one face, got {self.max_faces} faces to follow")
        if self.crops and self.engine not in ("auto", "crop"):
            raise InputError(
                f"crops have an engine of their own, got {self.engine!r} besides; leave one out"
            )
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
        looks: frames of each face id by the emotion that was the likeliest; without those in which
            no head gave any.
        notes: what was lost or odd.
        error: why it was skipped, or None.
        exit_code: what the command line exits with for this error, or 0.
        milliseconds: mean time of each stage of the tracker per frame.
    """

    name: str
    spec: str
    kind: str | None = None
    frames: int = 0
    frames_with_faces: int = 0
    faces: int = 0
    ids: dict[int, int] = field(default_factory=dict)
    looks: dict[int, Counter[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    error: str | None = None
    exit_code: int = 0
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

    @property
    def exit_code(self) -> int:
        """0 when nothing failed, 3 when cameras alone did, else 2 (see the user guide)."""
        return min((s.exit_code for s in self.failed), default=0)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the work stands; told after every frame."""

    source: int
    sources: int
    name: str
    frame: int
    frames: int | None
    faces: int


def settings(options: CaptureOptions, model: str) -> dict[str, str]:
    """What else decides on the numbers, for the metadata of the table.

    Args:
        options: of the capture.
        model: of the landmark engine, as in :func:`mien.engines.model`.
    """
    return {
        "engine_model": model,
        "smoothing": json.dumps(_smoothing(options)),
        "mouth_threshold": str(options.mouth_threshold),
        "calibration": json.dumps(options.calibration and options.calibration.as_dict()),
    }


def heads_of(options: CaptureOptions) -> dict[str, str]:
    """Which head makes what: name, version and SHA-256; nothing for a head that is off.

    Raises:
        InputError: a head that is not there.
    """
    found = {
        "expression": heads.identity(options.expression, "expression"),
        "morphable": heads.identity(options.morphable, "morphable"),
        "emotion": heads.identity(options.emotion, "emotion"),
    }
    return {what: str(head) for what, head in found.items() if head is not None}


def _smoothing(options: CaptureOptions) -> dict[str, float] | None:
    smoothing = options.smoothing
    return None if smoothing is None else {n: getattr(smoothing, n) for n in smoothing.__slots__}


def summary(report: CaptureReport, options: CaptureOptions) -> dict[str, Any]:
    """Content of ``summary.json``."""
    return {
        "mien": __version__,
        "engine": report.engine,
        "heads": heads_of(options),
        "calibration": options.calibration and options.calibration.name,
        "smoothing": _smoothing(options),
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
                "emotions_by_id": {face: shares(counts) for face, counts in s.looks.items()},
                "milliseconds": {k: round(v, 3) for k, v in s.milliseconds.items()},
                "notes": s.notes,
                "error": s.error,
            }
            for s in report.sources
        ],
    }
