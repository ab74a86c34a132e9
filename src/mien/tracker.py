"""The one road: a frame goes in, faces come out. This is the only place that walks it.

landmark engine -> pose and alignment -> identity -> heads -> calibration -> smoothing -> Face
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import partial
from time import perf_counter
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np

from . import engines, heads
from .arrays import Array, Float32, Points
from .engines.tiling import MOST_RESIDUAL
from .errors import InputError
from .geometry import Similarity, Template, distance, picture_to_camera
from .heads import geometric
from .heads.emotion import Follower, cut
from .identity import Identities, Sighting, look_of
from .retarget.calibrate import Calibration
from .retarget.smooth import FaceSmoother, Smoothing
from .topology import CANONICAL, RIGID
from .types import Face, Frame, Landmarks, Observation, Pose

__all__ = ["STAGES", "Tracker"]

STAGES = ("landmarks", "pose", "identity", "heads", "smooth")
"""Stages in the order of the road, as they appear in ``Observation.timings`` (with ``total``).
Calibration is part of the last.
"""

_RIGID = Template(CANONICAL[RIGID].astype(np.float64))
# Trackers that follow several faces now and then put two meshes on one head, or one on a curtain.
_SAME_HEAD = 0.3  # distance of the centres, in sizes of the larger face
_FORGET = 2.0  # seconds after which the smoothing of a lost face starts afresh


class _Track:
    """What belongs to one face over time."""

    __slots__ = ("emotion", "mouth", "reading", "seen", "smoother")

    def __init__(self, smoothing: Smoothing | None, mouth_threshold: float) -> None:
        self.reading: Float32[Array, "52"] | None = None
        self.smoother = FaceSmoother(smoothing) if smoothing else None
        self.emotion = Follower()
        self.mouth = geometric.MouthSwitch(mouth_threshold)
        self.seen = 0.0


class Tracker:
    """Follows faces through frames.

    Args:
        engine: name of a landmark engine (see :mod:`mien.engines`), or an engine of your own.
        mode: ``video`` for frames that follow each other, ``still`` for pictures that do not; a
            still is never smoothed, and its faces are numbered from 1, largest first.
        max_faces: the most faces to follow.
        smoothing: parameters of the One-Euro filter, or None for raw values.
        mouth_threshold: openness above which the mouth counts as open.
        expression: the head for the 52 channels: a name (see :mod:`mien.heads`), the path of an
            ONNX file, ``auto``, or None for none.
        morphable: the same for the coefficients of the morphable model.
        emotion: the same for the emotions. A head that looks at pictures says nothing of frames
            that have none. Where the rest is smoothed, the probabilities are too, each time over
            :data:`mien.heads.emotion.MEMORY`.
        calibration: what is known of the person in front of the camera. It belongs to one person,
            hence of several faces only the one with the lowest id is corrected by it.

    Raises:
        InputError, EngineError, ModelMissing: see :func:`mien.engines.create` and
            :func:`mien.heads.load`; or a calibration that was learnt with another head or engine.

    Not thread-safe. Use it as a context manager, or call :meth:`close`.
    """

    def __init__(
        self,
        engine: str | engines.Engine = "auto",
        *,
        mode: engines.Mode = "video",
        max_faces: int = 1,
        smoothing: Smoothing | None = Smoothing(),  # noqa: B008 - frozen
        mouth_threshold: float = 0.12,
        expression: str | None = "auto",
        morphable: str | None = "auto",
        emotion: str | None = "auto",
        calibration: Calibration | None = None,
    ) -> None:
        geometric.MouthSwitch(mouth_threshold)  # refuse a bad value before the models load
        self.expression_head = heads.identity(expression, "expression")
        """Which head reads the channels, or None."""
        self.morphable_head = heads.identity(morphable, "morphable")
        """Which head reads the coefficients, or None."""
        self.emotion_head = heads.identity(emotion, "emotion")
        """Which head reads the emotions, or None."""
        self._heads = _Heads(expression, morphable, emotion)
        self.engine: engines.Engine
        if isinstance(engine, str):
            self._check(calibration, engines.resolve(engine))
            self.engine = engines.create(engine, mode=mode, max_faces=max_faces)
        else:
            self._check(calibration, engine.name)
            self.engine = engine
        self._calibration = calibration
        self.mode = mode
        self.max_faces = max_faces
        self._smoothing = smoothing if mode == "video" else None
        self._mouth_threshold = mouth_threshold
        self._identities = Identities()
        self._tracks: dict[int, _Track] = {}
        self._last_time = -np.inf

    @property
    def engine_name(self) -> str:
        """Name of the landmark engine that runs."""
        return self.engine.name

    @property
    def smoothing(self) -> Smoothing | None:
        """Parameters of the filter, None when it is off."""
        return self._smoothing

    @property
    def calibration(self) -> Calibration | None:
        """What is known of the person, None when readings are left as they are."""
        return self._calibration

    def configure(
        self,
        *,
        smoothing: Smoothing | Literal["keep"] | None = "keep",
        mouth_threshold: float | None = None,
        calibration: Calibration | Literal["keep"] | None = "keep",
    ) -> None:
        """Change parameters between frames; what is left out stays. Filters start afresh.

        Raises:
            InputError: a mouth threshold out of range, or a calibration that was learnt with
                another head or engine; everything stays as it was.
        """
        if mouth_threshold is not None:
            geometric.MouthSwitch(mouth_threshold)
        if calibration != "keep":
            self._check(calibration, self.engine_name)
            self._calibration = calibration
        if mouth_threshold is not None:
            self._mouth_threshold = mouth_threshold
        if smoothing != "keep" and self.mode == "video":
            self._smoothing = smoothing
        self._tracks.clear()

    def reading(self, face_id: int) -> Float32[Array, "52"] | None:
        """What the head read off a face in its last frame, before calibration and smoothing.

        None for a face that is not there, without a head, and in ``still`` mode, where
        a face without a calibration has its readings as they are.
        """
        track = self._tracks.get(face_id)
        return track.reading if track else None

    def process(self, frame: Frame) -> Observation:
        """Walk the road with one frame.

        Args:
            frame: in video mode ``time`` must rise from frame to frame.

        Raises:
            InputError: time runs backwards in video mode; call :meth:`reset` between sources.
        """
        if self.mode == "video" and frame.time < self._last_time:
            raise InputError(
                f"frame {frame.index} is at {frame.time:.3f} s, after one at "
                f"{self._last_time:.3f} s; call reset() before the frames of another source"
            )
        self._last_time = frame.time
        clock = _Clock()
        detections = self.engine.detect(frame)
        clock.lap("landmarks")
        seen = [_Aligned(d) for d in detections]
        if len(seen) > 1:
            seen = _distinct(seen)[: self.max_faces]
        clock.lap("pose")
        ids = self._identify(seen, frame)
        clock.lap("identity")
        readings = self._heads.read(seen, frame)
        clock.lap("heads")
        first = min(ids, default=0)
        faces = [
            self._face(number, s, reading, frame.time, calibrated=number == first)
            for number, s, reading in zip(ids, seen, readings, strict=True)
        ]
        self._forget(frame.time)
        clock.lap("smooth")
        faces.sort(key=lambda face: face.id)
        return Observation(frame.index, frame.time, frame.size, tuple(faces), clock.timings())

    def stream(self, frames: Iterable[Frame]) -> Iterator[Observation]:
        """:meth:`process` for each of the frames."""
        for frame in frames:
            yield self.process(frame)

    def _identify(self, seen: list[_Aligned], frame: Frame) -> list[int]:
        if self.mode == "still":
            self._identities.reset()
        sightings = [
            Sighting(s.centre, s.size, partial(look_of, s.landmarks.points, s.points, frame.image))
            for s in seen
        ]
        return self._identities.assign(sightings, frame.time)

    def _check(self, calibration: Calibration | None, engine: str) -> None:
        if calibration is not None:
            head = self.expression_head or heads.HeadId("none", "", "")
            calibration.check(head.name, head.sha256, engine)

    def _face(
        self, number: int, seen: _Aligned, reading: _Reading, time: float, *, calibrated: bool
    ) -> Face:
        track = self._tracks.get(number)
        if track is None:
            track = self._tracks[number] = _Track(self._smoothing, self._mouth_threshold)
        track.seen = time
        landmarks, fit = seen.landmarks, seen.fit
        expression, morphable, shapes = reading.expression, reading.morphable, seen.shapes
        emotion = reading.emotion
        track.reading = expression
        if expression is not None and self._calibration is not None and calibrated:
            expression = self._calibration.apply(expression)
        if track.smoother is not None:
            points = track.smoother.points(landmarks.points, time)
            landmarks = Landmarks(points, landmarks.size, landmarks.presence)
            # The pose is fitted to the smoothed points, so that mesh and head move as one.
            fit = _fit(points)
            if expression is not None:
                expression = track.smoother.channels("expression", expression, time)
            if morphable is not None:
                morphable = track.smoother.morphable(morphable, time)
            if shapes is not None:
                shapes = track.smoother.channels("engine_shapes", shapes, time)
            if emotion is not None:
                emotion = track.emotion(emotion, time)
        return Face(
            id=number,
            time=time,
            landmarks=landmarks,
            pose=Pose.from_similarity(fit),
            expression=expression,
            mouth_open=track.mouth(reading.openness),
            engine_shapes=shapes,
            morphable=morphable,
            emotion=emotion,
        )

    def _forget(self, time: float) -> None:
        if self.mode == "still":
            self._tracks.clear()
            return
        for number in [n for n, t in self._tracks.items() if time - t.seen > _FORGET]:
            del self._tracks[number]

    def reset(self) -> None:
        """Start on another source: forget the faces seen so far and count ids from 1."""
        self.engine.reset()
        self._identities.reset()
        self._tracks.clear()
        self._last_time = -np.inf

    def close(self) -> None:
        """Free the models; closing twice is allowed."""
        self.engine.close()

    def __enter__(self) -> Tracker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Aligned:
    """A detection laid on the canonical face."""

    __slots__ = ("centre", "fit", "landmarks", "points", "shapes", "size")

    def __init__(self, detection: engines.Detection) -> None:
        self.landmarks: Landmarks = detection.landmarks
        self.shapes = detection.shapes
        self.fit = _fit(self.landmarks.points)
        self.points = self.fit.invert(picture_to_camera(self.landmarks.points))
        left, top, right, bottom = self.landmarks.box
        self.centre = ((left + right) / 2, (top + bottom) / 2)
        self.size = max(right - left, bottom - top, 1.0)


def _distinct(seen: list[_Aligned]) -> list[_Aligned]:
    """The larger ones first, without a second look at the same head, and without what is none."""
    kept: list[_Aligned] = []
    for face in sorted(seen, key=lambda s: s.size, reverse=True):
        away = [math.dist(face.centre, o.centre) / max(face.size, o.size) for o in kept]
        residual = distance(face.points[RIGID], CANONICAL[RIGID])
        if min(away, default=1.0) > _SAME_HEAD and residual < MOST_RESIDUAL:
            kept.append(face)
    return kept


class _Reading(NamedTuple):
    """What the heads say about one aligned face."""

    openness: float
    expression: Float32[Array, "52"] | None
    morphable: Float32[Array, "10"] | None
    emotion: Float32[Array, "7"] | None


class _Heads:
    """The heads of a tracker. Whether the mouth is open is measured, whatever else is read."""

    def __init__(self, expression: str | None, morphable: str | None, emotion: str | None) -> None:
        name = heads.resolve(expression, "expression")
        self._ruler = name == heads.GEOMETRIC
        self._expression = None if name is None or self._ruler else heads.load(name, "expression")
        name = heads.resolve(morphable, "morphable")
        self._morphable = None if name is None else heads.load(name, "morphable")
        name = heads.resolve(emotion, "emotion")
        self._emotion = None if name is None else heads.load(name, "emotion")

    def read(self, seen: list[_Aligned], frame: Frame) -> list[_Reading]:
        """A reading for each face; a trained head is called once for all of them."""
        expressions: list[Any] = [None] * len(seen)
        coefficients: list[Any] = [None] * len(seen)
        emotions: list[Any] = [None] * len(seen)
        if self._ruler:
            expressions = [geometric.expression(geometric.measure(face.points)) for face in seen]
        if seen and (self._expression or self._morphable or self._emotion):
            # Once for all heads: between two frames every step finds the caches empty.
            faces = (
                np.array([face.points for face in seen], np.float32),
                np.array([face.fit.rotation for face in seen], np.float32),
                np.array([face.landmarks.points for face in seen]),
            )
            if self._expression:
                expressions = list(self._expression(*faces))
            if self._morphable:
                coefficients = list(self._morphable(*faces))
            emotions = self._emotions(faces, seen, frame)
        every = zip(seen, expressions, coefficients, emotions, strict=True)
        return [_Reading(geometric.mouth_openness(face.points), *said) for face, *said in every]

    def _emotions(
        self, faces: tuple[Array, Array, Array], seen: list[_Aligned], frame: Frame
    ) -> list[Any]:
        """Of each face its probabilities, or None where the head says nothing that holds."""
        head, pictures = self._emotion, None
        if head is None or (head.spec.needs_picture and not frame.pictured):
            return [None] * len(seen)
        if head.spec.needs_picture:
            pictures = np.array(
                [cut(frame.image, face.landmarks.points, face.fit.rotation) for face in seen]
            )
        said = head(*faces, pictures)
        return [one if np.isfinite(one).all() else None for one in said]


def _fit(points: Points) -> Similarity:
    """Head frame -> camera axes, from the points that expression moves least."""
    return _RIGID.fit(picture_to_camera(points.take(RIGID, axis=0).astype(np.float64)))


class _Clock:
    """Seconds by stage."""

    def __init__(self) -> None:
        self._start = self._last = perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        now = perf_counter()
        self._laps[stage] = now - self._last
        self._last = now

    def timings(self) -> MappingProxyType[str, float]:
        self._laps["total"] = self._last - self._start
        return MappingProxyType(self._laps)
