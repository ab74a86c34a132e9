"""A source as something that is played: moments with picture, face and pose, in their own time.

What can be played: a capture of ``mien capture``, recordings of other programs, and pictures,
videos and cameras, whose faces are tracked on the way.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .arrays import RGBImage
from .errors import InputError, MienError
from .types import N_LANDMARKS, Face, Landmarks, Pose, RigPose

if TYPE_CHECKING:
    from .capture import Source
    from .retarget.calibrate import Calibration

__all__ = ["Moment", "Performance", "perform", "steady"]

_TABLE = "faces.parquet"


class Moment(NamedTuple):
    """One point in time.

    Attributes:
        time: seconds from the start.
        rig: what an avatar is driven by; eases to rest while nobody is there.
        face: where it is, or None: nobody is there, or the source keeps no landmarks.
        image: uint8 RGB, or None where the source has no pictures.
    """

    time: float
    rig: RigPose
    face: Face | None = None
    image: RGBImage | None = None


@dataclass(slots=True, eq=False)
class Performance:
    """What is played; use it as a context manager.

    Attributes:
        name: short, for progress and files.
        moments: in order, read once.
        step: seconds from one moment to the next, mostly; None in a still.
        count: how many moments there are, or None where nobody knows.
        seconds: when the last one is, likewise.
        even: they are exactly ``step`` apart.
        size: (width, height) of the pictures, or None where there are none.
        notes: what is missing or odd; complete when it is closed.
    """

    name: str
    moments: Iterator[Moment]
    step: float | None = None
    count: int | None = None
    seconds: float | None = None
    even: bool = False
    size: tuple[int, int] | None = None
    notes: list[str] = field(default_factory=list)
    _stack: ExitStack = field(default_factory=ExitStack)

    def expected(self, end: float) -> int | None:
        """How many moments lie before a time; None where nobody knows.

        Args:
            end: seconds; infinity for all of them.
        """
        if self.count is None or end == math.inf:
            return self.count
        if self.seconds is not None and self.seconds < end:
            return self.count
        if not self.even or self.step is None:
            return None
        return min(self.count, math.ceil(end / self.step - 1e-6))

    def __enter__(self) -> Performance:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def perform(
    spec: str,
    *,
    pictures: bool = False,
    engine: str = "auto",
    expression: str = "auto",
    calibration: Calibration | None = None,
) -> Performance:
    """Open a source.

    Args:
        spec: folder of a capture or its ``faces.parquet``; a ``.gesichter`` or ``.csv`` recording;
            a photo, a video, ``camera:0``.
        pictures: the source's pictures are needed, and with them the faces' landmarks.
        engine: landmark engine for what is tracked on the way.
        expression: head for it.
        calibration: of the person in it.

    Raises:
        InputError: there is nothing to play, no pictures where they are needed, or an engine or
            head that does not exist.
        CameraError, EngineError, ModelMissing: of camera, engine and head.
    """
    from .feeds import check_names

    check_names(engine, expression)
    path = Path(spec)
    if path.is_dir():
        if not (path / _TABLE).is_file():
            raise InputError(
                f"{path} is no capture: it has no {_TABLE}; name a folder that `mien capture` "
                "wrote, a recording, a video, a photo or camera:0"
            )
        path = path / _TABLE
    recorded = path.suffix.lower() in (".parquet", ".gesichter", ".csv")
    if recorded and calibration is not None:
        raise InputError(
            f"{path.name} was read long ago; a calibration corrects what is tracked now. "
            "Give it to `mien capture`, or render the video itself"
        )
    if path.suffix.lower() == ".parquet" and pictures:
        return _captured(path)
    if recorded:
        if pictures:
            raise InputError(
                f"{path.name} has no pictures, which --side-by-side, --overlay, the avatar mask "
                "and the background blur need; render a video, or the folder of a capture whose "
                "video is still there"
            )
        return _recorded(path)
    return _tracked(spec, engine, expression, calibration)


def steady(performance: Performance, fps: float) -> Performance:
    """The same at a steady rate: poses are interpolated, pictures and faces those last seen."""

    def moments() -> Iterator[Moment]:
        from .retarget.pose import interpolate

        before: Moment | None = None
        number = 0
        for after in performance.moments:
            if before is None:
                before = after
            while number / fps < after.time:
                rig = interpolate(before.rig, after.rig, number / fps)
                yield before._replace(time=number / fps, rig=rig)
                number += 1
            before = after
        if before is not None and number / fps <= before.time + 1e-9:
            yield before._replace(time=number / fps)

    count = last = None
    if performance.seconds is not None:
        last = math.floor(performance.seconds * fps + 1e-6)
        count = last + 1
    return replace(
        performance,
        moments=moments(),
        step=1 / fps,
        count=count,
        seconds=None if last is None else last / fps,
        even=True,
    )


def _recorded(path: Path) -> Performance:
    from .avatars import eased
    from .streams.replay import open_replay

    replay = open_replay(path)
    moments = (Moment(pose.time, pose) for pose in eased(replay))
    performance = Performance(_title(path), moments, replay.step, notes=list(replay.notes))
    if all(moment.pose is not None for moment in replay.moments):  # else some are put between
        performance.count, performance.seconds = len(replay.moments), replay.moments[-1].time
    return performance


def _title(path: Path) -> str:
    return path.parent.name if path.name == _TABLE and path.parent.name else path.stem


def _tracked(
    spec: str, engine: str, expression: str, calibration: Calibration | None
) -> Performance:
    from .feeds import open_tracked
    from .retarget.pose import Driver

    with ExitStack() as opening:
        source, tracker = open_tracked(spec, opening, engine, expression, calibration)
        stack = opening.pop_all()

    met = False

    def moments() -> Iterator[Moment]:
        nonlocal met
        driver = Driver()
        for frame in source:
            faces = tracker.process(frame).faces
            face = faces[0] if faces else None
            met = met or face is not None
            yield Moment(frame.time, driver(face, frame.time), face, frame.image)

    performance = _filmed(source, moments(), stack)

    def tell() -> None:
        if not met:
            performance.notes.insert(0, "no face was found")

    stack.callback(tell)  # not behind the last moment: who wants one picture never comes there
    return performance


def _filmed(source: Source, moments: Iterator[Moment], stack: ExitStack) -> Performance:
    """Moments of pictures, which end and are told of with their source."""
    still = source.kind == "still"
    performance = Performance(
        source.name,
        moments,
        None if still else 1 / (source.fps or 30),
        source.frames,
        0.0 if still else None,
        size=source.size,
        _stack=stack,
    )
    stack.callback(lambda: performance.notes.extend(source.notes))
    return performance


def _captured(table: Path) -> Performance:
    """The faces of a capture over the pictures of its source, which has to be there still."""
    from .capture import open_source
    from .retarget.pose import Driver

    name, faces = _faces(table)
    spec = _spec(table.parent / "summary.json", name)
    if spec is None:
        raise InputError(
            f"{table} does not say which video it was made from (summary.json is missing); render "
            "the video itself"
        )
    if spec.startswith("camera:") or spec.isdecimal() or spec == "-":
        raise InputError(f"{table} was made from {spec}, whose pictures were not kept")
    try:
        source = open_source(spec)
    except MienError as error:
        raise InputError(
            f"{table} was made from {spec}, which cannot be opened any more: {error}"
        ) from error

    def moments() -> Iterator[Moment]:
        driver = Driver()
        for frame in source:
            face = faces.get(frame.index)
            yield Moment(frame.time, driver(face, frame.time), face, frame.image)

    stack = ExitStack()
    stack.enter_context(closing(source))
    return _filmed(source, moments(), stack)


def _spec(summary: Path, name: str) -> str | None:
    """What was captured under a name, as it was given."""
    try:
        sources = json.loads(summary.read_text("utf-8"))["sources"]
        return next((str(s["spec"]) for s in sources if s["name"] == name), None)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _faces(table: Path) -> tuple[str, dict[int, Face]]:
    """The source that is seen most, and by frame the face that is seen most there."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from .channels import ARKIT_52

    columns = [
        *("source", "frame", "time", "face_id", "width", "height", "scale"),
        *("translation", "rotation", "landmarks", *ARKIT_52),
    ]
    try:
        keys = pq.read_table(table, columns=["source", "face_id"]).to_pylist()
        seen = Counter((str(row["source"]), int(row["face_id"])) for row in keys)
        if not seen:
            raise InputError(f"{table} holds no face; there is nothing to play")
        (name, number), _ = seen.most_common(1)[0]
        wanted = [("source", "==", name), ("face_id", "==", number)]
        rows = pq.read_table(table, columns=columns, filters=wanted)
    except (pa.ArrowException, OSError, KeyError) as error:
        raise InputError(f"{table} cannot be read as a table of faces ({error})") from error
    return name, {face[0]: face[1] for face in _rows(rows.to_batches(max_chunksize=256))}


def _rows(batches: Iterable[Any]) -> Iterator[tuple[int, Face]]:
    from .channels import ARKIT_52

    for batch in batches:
        for row in batch.to_pylist():
            points = np.array(row["landmarks"], np.float32).reshape(N_LANDMARKS, 3)
            pose = None
            if row["scale"] is not None and None not in row["rotation"]:
                pose = Pose(
                    _orthonormal(np.array(row["rotation"], np.float64).reshape(3, 3)),
                    np.array(row["translation"], np.float64),
                    float(row["scale"]),
                )
            weights = [np.nan if row[c] is None else row[c] for c in ARKIT_52]
            yield (
                int(row["frame"]),
                Face(
                    int(row["face_id"]),
                    float(row["time"]),
                    Landmarks(points, (int(row["width"]), int(row["height"]))),
                    pose,
                    np.array(weights, np.float32),
                ),
            )


def _orthonormal(matrix: Any) -> Any:
    """The nearest rotation; tables hold float32."""
    u, _, vt = np.linalg.svd(matrix)
    return u @ vt
