"""What every data set is turned into: landmarks with targets, one row for a face.

Arrays only, so that a reader of a data set needs no torch, and two data sets are one after
:meth:`Samples.concat`. NaN in a target means "nobody knows", and is left out of losses and scores.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from ...arrays import Array, Float, Float32, Int, UInt8
from ...channels import ARKIT_52, EMOTIONS
from ...errors import InputError
from ...geometry import Template, picture_to_camera
from ...topology import CANONICAL, RIGID
from ...types import N_MORPHABLE

__all__ = [
    "ASKED",
    "CHANNELS_OF",
    "EYES_SHUT",
    "MISSED",
    "NEUTRAL_TURNED",
    "SPLITS",
    "Samples",
    "aligned_of",
    "split_of",
]

SPLITS = ("train", "validation", "test")

NEUTRAL_TURNED = "neutral-turned"
"""Source of neutral heads that are turned about: what a head says of them must not follow it."""

EYES_SHUT = "eyes-shut"
"""Source of heads with both eyes shut, from the front and from the sides."""

ASKED = "asked"
"""Source of heads that make the faces of a guided calibration, and then others; people of the test
part only, whatever part a person of another source is of."""

MISSED = "none"
"""Engine of a picture in which no face was found; its landmarks are all 0, and only what looks at
pixels can say something about it."""

CHANNELS_OF: dict[str, tuple[str, ...]] = {
    "expression": ARKIT_52,
    "morphable": tuple(f"mode{i}" for i in range(N_MORPHABLE)),
    "emotion": EMOTIONS,
}
"""Names of the columns of a target, by what a head puts out."""

_RIGID = Template(CANONICAL[RIGID].astype(np.float64))


def split_of(subject: str) -> str:
    """The part that a person belongs to: 70 % train, 15 % validation, 15 % test.

    It depends on the name alone: whoever joins or leaves the data set moves nobody else.
    """
    place = int(hashlib.sha256(subject.encode()).hexdigest()[:8], 16) % 100
    return "train" if place < 70 else "validation" if place < 85 else "test"


def aligned_of(points: Float[Array, "n 478 3"]) -> tuple[Array, Array]:
    """Lay landmarks on the canonical face, as the tracker does.

    Args:
        points: picture coordinates, pixels.

    Returns:
        float32 (n, 478, 3) in the head frame, centimetres on a face of average size, and float32
        (n, 3, 3), rotations head frame -> camera axes.
    """
    aligned = np.empty((len(points), len(CANONICAL), 3), np.float32)
    rotation = np.empty((len(points), 3, 3), np.float32)
    for i, face in enumerate(points):
        camera = picture_to_camera(face.astype(np.float64))
        fit = _RIGID.fit(camera[RIGID])
        aligned[i], rotation[i] = fit.invert(camera), fit.rotation
    return aligned, rotation


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Faces with what is known about them. Every field has one entry for each face.

    Attributes:
        names: what tells a sample from all others of its source, for instance a path in it.
        subjects: the person; one person is never in two parts of a split.
        engine: the landmark engine that found the points, ``exact`` for points that were made, or
            :data:`MISSED`.
        source: the data set.
        aligned: float32 (n, 478, 3), head frame, centimetres on a face of average size.
        rotation: float32 (n, 3, 3), head frame -> camera axes.
        pixels: float32 (n, 478, 3), picture coordinates.
        size: int32 (n, 2), width and height of the picture in pixels.
        target: float32 (n, c); NaN where there is no truth.
        channels: names of the columns of ``target``.
        split: ``train``, ``validation`` or ``test``; left out, it follows from the subject.
        extra: float32 (n, k), further inputs for experiments, or None.
        image: uint8 (n, height, width), the grey pictures of tight crops, or None.

    Raises:
        InputError: lists and arrays that do not go together.
    """

    names: list[str]
    subjects: list[str]
    engine: list[str]
    source: list[str]
    aligned: Float32[Array, "n 478 3"]
    rotation: Float32[Array, "n 3 3"]
    pixels: Float32[Array, "n 478 3"]
    size: Int[Array, "n 2"]
    target: Float32[Array, "n c"]
    channels: tuple[str, ...]
    split: list[str] = field(default_factory=list)
    extra: Float32[Array, "n k"] | None = None
    image: UInt8[Array, "n h w"] | None = None

    def __post_init__(self) -> None:
        if not self.split:
            object.__setattr__(self, "split", [split_of(s) for s in self.subjects])
        n = len(self.names)
        for name in ("subjects", "engine", "source", "split"):
            if len(getattr(self, name)) != n:
                raise InputError(f"samples: {len(getattr(self, name))} {name} for {n} names")
        if unknown := set(self.split) - set(SPLITS):
            raise InputError(f"samples: a split is one of {', '.join(SPLITS)}, got {unknown}")
        shapes: dict[str, tuple[int, ...]] = {
            "aligned": (n, len(CANONICAL), 3),
            "rotation": (n, 3, 3),
            "pixels": (n, len(CANONICAL), 3),
            "target": (n, len(self.channels)),
        }
        if self.extra is not None:
            shapes["extra"] = (n, *self.extra.shape[1:])
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array.shape != shape or array.dtype != np.float32:
                raise InputError(
                    f"samples: {name} has to be float32 {shape}, got {array.dtype} {array.shape}"
                )
            bad = np.isinf(array) if name == "target" else ~np.isfinite(array)
            if bad.any():
                first = self.names[int(bad.reshape(n, -1).any(axis=1).argmax())]
                raise InputError(f"samples: {name} of {first} holds NaN or infinity")
        if self.image is not None and len(self.image) != n:
            raise InputError(f"samples: {len(self.image)} images for {n} names")
        if self.size.shape != (n, 2):
            raise InputError(f"samples: size has to be {(n, 2)}, got {self.size.shape}")

    def __len__(self) -> int:
        return len(self.names)

    def select(self, index: Iterable[int] | Array) -> Samples:
        """The samples at these places, in this order; or those where a mask is true."""
        places = np.asarray(index if isinstance(index, np.ndarray) else list(index))
        places = np.flatnonzero(places) if places.dtype == bool else places.astype(np.intp)
        return Samples(**{f.name: _at(getattr(self, f.name), places) for f in fields(self)})

    @staticmethod
    def concat(parts: Sequence[Samples]) -> Samples:
        """One after the other.

        Raises:
            InputError: no parts, or parts with other channels; see :meth:`with_channels`.
        """
        if not parts:
            raise InputError("there are no samples to put together")
        first = parts[0]
        if other := [p.channels for p in parts if p.channels != first.channels]:
            raise InputError(f"samples with different channels: {first.channels} and {other[0]}")
        if len({None if p.extra is None else p.extra.shape[1] for p in parts}) > 1:
            raise InputError("samples with and without extra inputs, or with other ones")
        if len({None if p.image is None else p.image.shape[1:] for p in parts}) > 1:
            raise InputError("samples with and without images, or with images of other sizes")
        columns: dict[str, Any] = {}
        for f in fields(Samples):
            values = [getattr(part, f.name) for part in parts]
            if f.name == "channels" or values[0] is None:
                columns[f.name] = values[0]
            elif isinstance(values[0], list):
                columns[f.name] = [entry for value in values for entry in value]
            else:
                columns[f.name] = np.concatenate(values)
        return Samples(**columns)

    def with_channels(self, channels: Sequence[str]) -> Samples:
        """The target with these columns, in this order; NaN for those it does not have."""
        target = np.full((len(self), len(channels)), np.nan, np.float32)
        for column, name in enumerate(channels):
            if name in self.channels:
                target[:, column] = self.target[:, self.channels.index(name)]
        return self._replace(target=target, channels=tuple(channels))

    def only(self, channels: Iterable[str]) -> Samples:
        """NaN in every other column of the target."""
        kept = set(channels)
        hidden = [i for i, name in enumerate(self.channels) if name not in kept]
        target = self.target.copy()
        target[:, hidden] = np.nan
        return self._replace(target=target)

    def part(self, split: str) -> Samples:
        """One part of the split."""
        return self.select(np.array([s == split for s in self.split], bool))

    def split_by_subject(self, seed: int, fractions: Sequence[float]) -> tuple[Samples, ...]:
        """As many parts as fractions, for cross-validation and the like; people stay whole.

        The part of a person follows from the seed and the name, not from the others that are there.

        Raises:
            InputError: fractions that do not add up to 1.
        """
        if min(fractions, default=0) < 0 or abs(sum(fractions) - 1) > 1e-6:
            raise InputError(f"fractions of a split add up to 1, got {list(fractions)}")
        edges = np.cumsum(fractions)[:-1]
        digests = [hashlib.sha256(f"{seed}:{s}".encode()).hexdigest() for s in self.subjects]
        places = np.array([int(digest[:8], 16) / 2**32 for digest in digests])
        part = np.searchsorted(edges, places, side="right")
        return tuple(self.select(part == i) for i in range(len(fractions)))

    def fingerprint(self) -> str:
        """SHA-256 over everything: two equal ones are the same data."""
        sha = hashlib.sha256()
        for f in fields(self):
            value = getattr(self, f.name)
            sha.update(f.name.encode())
            if isinstance(value, np.ndarray):
                sha.update(np.ascontiguousarray(value).data)
            else:
                sha.update(repr(value).encode())
        return sha.hexdigest()

    def _replace(self, **changes: Any) -> Samples:
        return Samples(**{f.name: getattr(self, f.name) for f in fields(self)} | changes)


def _at(value: Any, places: Array) -> Any:
    if isinstance(value, list):
        return [value[i] for i in places]
    return value[places] if isinstance(value, np.ndarray) else value
