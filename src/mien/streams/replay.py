"""Captures as poses: recordings of packets, the CSV files of Live Link Face, our own tables."""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Array, Float32
from ..channels import ARKIT_52
from ..errors import InputError
from ..geometry import determinant, matrix_from_euler
from ..types import RigPose
from . import gesichter, livelink
from .pose import MalformedError

__all__ = ["SUFFIXES", "Moment", "Replay", "open_replay"]

SUFFIXES = (".gesichter", ".csv", ".parquet")
"""Names of files that are captures."""

_MOST_ROWS = 2_000_000
_DAY = 24 * 3600.0
_RATES = (24, 25, 30, 60)  # at which Live Link Face counts frames
_TIMECODE = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})[:;](\d{1,3}(?:\.\d+)?)")
_PAUSE = 0.25  # seconds without a row after which nobody was there
_ANGLES = ("yaw", "pitch", "roll")
_ROTATION = tuple(f"rotation_{row}{column}" for row in range(3) for column in range(3))


class Moment(NamedTuple):
    """A time in seconds from the start, and the pose; None where nobody was there."""

    time: float
    pose: RigPose | None


@dataclass(frozen=True, slots=True, eq=False)
class Replay:
    """A capture.

    Attributes:
        moments: in order, their times rise from 0.
        turned: the eyes are turned as the file says; else only the channels tell where they look.
        notes: what is missing or odd, in words.
    """

    moments: tuple[Moment, ...]
    turned: bool
    notes: tuple[str, ...] = ()

    @property
    def step(self) -> float:
        """Seconds from one moment to the next, mostly; a sixtieth where there is but one."""
        if len(self.moments) < 2:
            return 1 / 60
        return float(np.median(np.diff([moment.time for moment in self.moments])))

    @property
    def seconds(self) -> float:
        """From the first moment to the end of the last one."""
        return self.moments[-1].time + self.step


def open_replay(path: Path) -> Replay:
    """Read a capture: ``.gesichter``, ``.csv`` of Live Link Face or of ours, ``.parquet`` of ours.

    Raises:
        InputError: it cannot be read, is something else, or holds no face.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{path}: expected a capture, one of {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise InputError(f"{path} is not there, or no file")
    if suffix == ".gesichter":
        replay = _packets(path)
    elif suffix == ".parquet":
        replay = _table(_parquet_rows(path), path)
    else:
        replay = _csv(path)
    if not any(moment.pose for moment in replay.moments):
        told = f" ({'; '.join(replay.notes)})" if replay.notes else ""
        raise InputError(f"{path} holds no face{told}")
    return replay


def _packets(path: Path) -> Replay:
    contents = gesichter.read(path)
    found: list[tuple[float, Float32[Array, "61"] | None]] = []
    bad = 0
    for data in contents.packets:
        try:
            packet = livelink.decode(data)
        except MalformedError:
            bad += 1
            continue
        found.append((packet.time, packet.values))
    notes = [*contents.notes]
    if bad:
        notes.append(f"{bad} packets are no Live Link packets and left out")
    return _replay(found, notes)


def _replay(found: Sequence[tuple[float, Float32[Array, "61"] | None]], notes: list[str]) -> Replay:
    """Moments from times and Live Link's 61 values; those whose time does not rise are left out."""
    moments: list[Moment] = []
    start = found[0][0] if found else 0.0
    backwards = 0
    for time, values in found:
        at = time - start
        if moments and at <= moments[-1].time:
            backwards += 1
            continue
        moments.append(Moment(at, None if values is None else livelink.pose_of(values, at)))
    if backwards:
        notes.append(f"{backwards} moments do not come after the one before and are left out")
    return Replay(tuple(moments), turned=True, notes=tuple(notes))


def _csv(path: Path) -> Replay:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            header = next(rows, [])
            names = [name.strip() for name in header]
            if names[:1] == ["Timecode"]:
                return _live_link_face(names, rows, path)
            if {"time", "face_id", "jawOpen"} <= set(names):
                return _table((dict(zip(names, row, strict=False)) for row in rows), path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a table ({error})") from error
    raise InputError(
        f"{path}: its columns are neither those of Live Link Face (Timecode, BlendShapeCount, ...) "
        "nor those of mien capture --csv (time, face_id, ...)"
    )


def _live_link_face(names: list[str], rows: Iterable[list[str]], path: Path) -> Replay:
    """A take of the app, whose columns are in another order than its packets."""
    wanted = {name.lower(): i for i, name in enumerate(livelink.COLUMNS)}
    places = [(i, wanted.get(name.lower())) for i, name in enumerate(names)]
    columns = [(i, place) for i, place in places if place is not None]
    if len(columns) < len(ARKIT_52):
        raise InputError(f"{path} has {len(columns)} of the 61 columns of Live Link Face")
    codes: list[tuple[float, float]] = []
    values: list[Float32[Array, "61"] | None] = []
    notes: list[str] = []
    bad = 0
    for number, row in enumerate(rows):
        if number >= _MOST_ROWS:
            notes.append(f"only the first {_MOST_ROWS} rows are read")
            break
        if not row:
            continue
        code = _timecode(row[0])
        cells = [(place, _cell(row[i])) for i, place in columns if i < len(row)]
        empty = len(row) < 3 or all(value is None for _, value in cells)
        if code is None or (not empty and len(cells) < len(columns)):
            bad += 1
            continue
        codes.append(code)
        values.append(None if empty else _filled(cells, len(livelink.COLUMNS)))
    if bad:
        notes.append(f"{bad} rows are cut off or damaged and left out")
    # The rate stands in a file beside it; the highest number of a frame tells it nearly always.
    highest = max((frame for _, frame in codes), default=0.0)
    rate = next((r for r in _RATES if highest < r), 60) if len(codes) > 60 else 60
    times: list[float] = []
    for second, frame in codes:
        time = second + frame / rate
        if times and time < times[-1] - _DAY / 2:
            time += _DAY  # past midnight
        times.append(time)
    return _replay(list(zip(times, values, strict=True)), notes)


def _timecode(text: str) -> tuple[float, float] | None:
    """Seconds, and frames with their fraction, of ``HH:MM:SS:FF.fraction``."""
    found = _TIMECODE.fullmatch(text.strip())
    if found is None:
        return None
    hours, minutes, seconds = (int(found[i]) for i in (1, 2, 3))
    return hours * 3600.0 + minutes * 60 + seconds, float(found[4])


def _cell(text: Any) -> float | None:
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


def _filled(cells: Iterable[tuple[int, float | None]], count: int) -> Array:
    values = np.zeros(count, np.float32)
    for place, value in cells:
        values[place] = value or 0.0
    return values


def _parquet_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            have = set(file.schema_arrow.names)
            if not {"time", "face_id", "jawOpen"} <= have:
                raise InputError(f"{path} is no table of faces, as `mien capture` writes them")
            columns = ["source", "time", "face_id", "rotation", *_ANGLES, *ARKIT_52]
            for batch in file.iter_batches(1024, columns=[c for c in columns if c in have]):
                for row in batch.to_pylist():
                    row.update(zip(_ROTATION, row.pop("rotation", None) or (), strict=False))
                    yield row
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} cannot be read as Parquet ({error})") from error


def _table(rows: Iterable[Mapping[str, Any]], path: Path) -> Replay:
    """Our own tables: the face that is seen most of the source that is seen most."""
    faces: dict[tuple[str, str], list[tuple[float, RigPose]]] = {}
    bad = 0
    for number, row in enumerate(rows):
        time = _cell(row.get("time"))
        if time is None or number >= _MOST_ROWS:
            bad += 1
            continue
        key = (str(row.get("source", "")), str(row.get("face_id", "")))
        faces.setdefault(key, []).append((time, _row_pose(row, time)))
    notes = [f"{bad} rows are cut off or damaged and left out"] if bad else []
    if not faces:
        return Replay((), turned=False, notes=tuple(notes))
    sizes = Counter({key: len(found) for key, found in faces.items()})
    chosen = sizes.most_common(1)[0][0]
    if len(faces) > 1:
        notes.append(
            f"{path.name} holds {len(faces)} faces; {chosen[0]} face {chosen[1]}, which is seen "
            "most, is played"
        )
    return Replay(tuple(_paused(faces[chosen])), turned=False, notes=tuple(notes))


def _row_pose(row: Mapping[str, Any], time: float) -> RigPose:
    cells = ((i, _cell(row.get(name))) for i, name in enumerate(ARKIT_52))
    head = np.array([_cell(row.get(name)) or 0.0 for name in _ROTATION]).reshape(3, 3)
    # An empty pose is all zeros, and text is rounded; what is no rotation at all is none. Takes of
    # the page have angles alone.
    if abs(determinant(head) - 1) >= 1e-2:
        head = matrix_from_euler(*(_cell(row.get(name)) or 0.0 for name in _ANGLES))
    return RigPose(time, ARKIT_52, _filled(cells, len(ARKIT_52)), head=head)


def _paused(found: list[tuple[float, RigPose]]) -> Iterator[Moment]:
    """Moments from 0 on, with nobody where there is no row for a while."""
    found.sort(key=lambda each: each[0])
    times = np.array([time for time, _ in found])
    step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    pause = max(_PAUSE, 5 * step)
    last = -math.inf
    for time, pose in found:
        at = time - times[0]
        if at - last > pause and math.isfinite(last):
            yield Moment(last + step, None)
        if at > last:
            yield Moment(at, RigPose(at, pose.names, pose.weights, head=pose.head))
        last = at
