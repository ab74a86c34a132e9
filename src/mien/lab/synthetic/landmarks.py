"""Landmarks of made faces, with the truth beside them.

*Geometric*: the 478 places of the mesh are moved by the model and projected; nothing is drawn, a
face takes a third of a millisecond. *Rendered*: the head is drawn, and the landmark engines look
at the picture. Both are :class:`~mien.lab.datasets.samples.Samples` of subjects ``ict-<seed>``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ... import engines
from ...arrays import Array, Float, Float32, RGBImage
from ...channels import ARKIT_52, index_of
from ...geometry import camera_to_picture, matrix_from_euler
from ...morphable import LinearFaceModel, ict
from ...types import Frame
from ..datasets import kept
from ..datasets.samples import ASKED, EYES_SHUT, NEUTRAL_TURNED, Samples, aligned_of
from .correspondence import Correspondence, load
from .faces import SIZE, VERSION, Kind, Scene, person, scene
from .noise import Noise

__all__ = ["Points", "geometric", "picture", "rendered"]

_CHUNK = 50  # people in a file of the cache
_IRISES = {"right": slice(468, 473), "left": slice(473, 478)}


class Points:
    """The 478 points as a small model of their own; see :meth:`LinearFaceModel.at`."""

    def __init__(self, model: LinearFaceModel, places: Correspondence | None = None) -> None:
        places = places or load()
        self._surface = model.at(places.corners, places.weights)
        mean = ict.eye_centres(model, model.mean)
        # Where an eyeball's centre moves with each mode of identity, to first order.
        modes = [ict.eye_centres(model, model.mean + mode) for mode in model.identity]
        self._centres = {
            side: (mean[side], np.stack([m[side] - mean[side] for m in modes])) for side in mean
        }

    def __call__(
        self, identity: Float[Array, "i"], expression: Float[Array, "52"]
    ) -> Float32[Array, "478 3"]:
        """Points in the head frame of the model, centimetres.

        Args:
            identity: coefficients, as for :func:`mien.morphable.ict.head`.
            expression: ARKit channels.
        """
        values = expression[[index_of(name) for name in self._surface.channels]]
        points = self._surface.vertices(identity, values)
        for side, (yaw, pitch) in ict.gaze_angles(expression).items():
            mean, modes = self._centres[side]
            centre = mean + identity @ modes[: len(identity)]
            rotation = matrix_from_euler(yaw, pitch, 0.0)
            points[_IRISES[side]] = (points[_IRISES[side]] - centre) @ rotation.T + centre
        return points


def geometric(
    model: LinearFaceModel,
    people: Sequence[int],
    each: int,
    *,
    kind: Kind = "expression",
    noise: Noise | None = None,
    repeat: int = 0,
    places: Correspondence | None = None,
) -> Samples:
    """Made landmarks without pictures.

    Args:
        model: ICT-FaceKit.
        people: seeds of the persons.
        each: scenes of each of them.
        kind: of the scenes; a neutral one has no target.
        noise: what an engine would get wrong; None for exact points (engine ``exact``).
        repeat: another number draws other noise.
        places: of the points on the mesh; None is the committed table.
    """
    points = Points(model, places)
    scenes = _scenes(people, each, kind)
    modes = len(model.identity)
    pixels = np.empty((len(scenes), 478, 3), np.float32)
    for i, s in enumerate(scenes):
        pixels[i] = s.shot.project(points(person(s.person, modes), s.expression))
    if noise is not None:
        aligned, rotation = aligned_of(pixels)
        rng = np.random.default_rng([repeat, len(scenes)])
        who = np.array([s.person for s in scenes])
        for i, error in enumerate(noise.sample(rng, rotation, who)):
            pixels[i] = _moved(pixels[i], aligned[i], rotation[i], error)
    name = noise.engine if noise else "exact"
    return _samples("ict", scenes, pixels, np.full(len(scenes), name))


def _moved(pixels: Array, aligned: Array, rotation: Array, error: Array) -> Array:
    """Picture coordinates after a displacement in the head frame."""
    spread = [np.sqrt(((p - p.mean(axis=0)) ** 2).sum()) for p in (pixels, aligned)]
    moved: Array = pixels + camera_to_picture(error @ rotation.T) * (spread[0] / spread[1])
    return moved


def rendered(
    model: LinearFaceModel,
    people: Sequence[int],
    each: int,
    names: Sequence[str] = ("facemesh", "facelandmarker"),
    *,
    kind: Kind = "expression",
    cache: Path | None = None,
) -> Samples:
    """Made heads as the landmark engines see them; about 40 ms a head for both engines.

    Args:
        model: ICT-FaceKit.
        people: seeds of the persons.
        each: scenes of each of them.
        names: engines; each gives a row for every picture in which it finds the face.
        kind: of the scenes; a neutral one has no target.
        cache: folder that keeps what was found, fifty people a file, so that an interrupted run
            goes on where it stopped.

    Raises:
        EngineError: nothing to draw with, or an engine that does not start.
    """
    parts = []
    with _Studio(model, names) as studio:
        for start in range(0, len(people), _CHUNK):
            some = list(people[start : start + _CHUNK])
            scenes = _scenes(some, each, kind)
            key = _key(len(model.identity), some, each, names, kind)
            file = cache and cache / f"renders-{key}.npz"
            stored = kept.read(file, ["points"], len(scenes)) if file else None
            found = stored["points"] if stored else np.stack([studio(s) for s in scenes])
            if file and not stored:
                kept.write(file, {"points": found}, compressed=True)
            for i, name in enumerate(names):
                seen = np.isfinite(found[:, i, 0, 0])
                chosen = [s for s, yes in zip(scenes, seen, strict=True) if yes]
                source = "ict-renders"
                parts.append(_samples(source, chosen, found[seen, i], np.full(len(chosen), name)))
    return Samples.concat(parts)


def picture(model: LinearFaceModel, what: Scene) -> RGBImage:
    """The picture of a scene, drawn again."""
    with _Studio(model, ()) as studio:
        return studio.draw(what)


class _Studio:
    """A renderer and landmark engines, started when they are first asked."""

    def __init__(self, model: LinearFaceModel, names: Sequence[str]) -> None:
        self._model = model
        self._names = names
        self._renderer: Any = None
        self._engines: list[engines.Engine] = []

    def draw(self, what: Scene) -> RGBImage:
        from .paint import Look
        from .render import Renderer, camera_faults

        if self._renderer is None:
            self._renderer = Renderer(self._model)
        rng = what.random("look")
        look = Look.sample(rng)
        vertices = ict.head(
            self._model, person(what.person, len(self._model.identity)), what.expression
        )
        return camera_faults(self._renderer.render(vertices, what.shot, look), rng)

    def __call__(self, what: Scene) -> Float32[Array, "e 478 3"]:
        """Points that each engine finds; NaN where it finds none."""
        if not self._engines:
            self._engines = [engines.create(n, mode="still", max_faces=1) for n in self._names]
        image = self.draw(what)
        found = np.full((len(self._engines), 478, 3), np.nan, np.float32)
        for i, engine in enumerate(self._engines):
            detections = engine.detect(Frame(image))
            if detections:
                found[i] = detections[0].landmarks.points
        return found

    def __enter__(self) -> _Studio:
        return self

    def __exit__(self, *_: object) -> None:
        for engine in self._engines:
            engine.close()
        if self._renderer is not None:
            self._renderer.close()


def _scenes(people: Sequence[int], each: int, kind: Kind) -> list[Scene]:
    return [scene(seed, number, kind) for seed in people for number in range(each)]


def _samples(source: str, scenes: Sequence[Scene], pixels: Array, engine: Any) -> Samples:
    aligned, rotation = aligned_of(pixels)
    target = np.array([s.expression for s in scenes], np.float32).reshape(-1, len(ARKIT_52))
    target[:, index_of("tongueOut")] = np.nan
    named = {"expression": source, "neutral": NEUTRAL_TURNED, "shut": EYES_SHUT, "asked": ASKED}
    target[[s.kind == "neutral" for s in scenes]] = np.nan
    blinks = [index_of("eyeBlinkLeft"), index_of("eyeBlinkRight")]
    for row in (i for i, s in enumerate(scenes) if s.kind == "shut"):
        target[row, np.delete(np.arange(len(ARKIT_52)), blinks)] = np.nan
    return Samples(
        names=[s.name for s in scenes],
        subjects=[f"ict-{s.person}" for s in scenes],
        engine=[str(e) for e in engine],
        source=[named[s.kind] for s in scenes],
        aligned=aligned,
        rotation=rotation,
        pixels=pixels,
        size=np.tile(np.array([SIZE, SIZE], np.int32), (len(scenes), 1)),
        target=target,
        channels=ARKIT_52,
    )


def _key(modes: int, people: Sequence[int], each: int, names: Sequence[str], kind: Kind) -> str:
    """Changes with what the points depend on; the model is one, with more modes or fewer."""
    told = json.dumps([VERSION, modes, list(people), each, list(names), kind])
    return hashlib.sha256(told.encode()).hexdigest()[:16]
