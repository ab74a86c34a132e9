"""The vocabulary of the road: what one stage hands to the next.

All are frozen and validated when built. Left and right are always the subject's own.
Coordinate systems and angles are defined in :mod:`mien.geometry`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from .arrays import Array, Float, Float32, Points, RGBImage
from .channels import ACTION_UNITS, ARKIT_52, EMOTIONS, index_of
from .geometry import (
    Similarity,
    determinant,
    euler_from_matrix,
    matrix_from_euler,
    picture_to_camera,
)

__all__ = [
    "N_LANDMARKS",
    "N_MORPHABLE",
    "Face",
    "Frame",
    "Landmarks",
    "Observation",
    "Pose",
    "RigPose",
]

N_LANDMARKS = 478
N_MORPHABLE = 10


def _vector(name: str, value: Array, length: int) -> None:
    if value.shape != (length,) or value.dtype != np.float32:
        raise ValueError(f"{name}: expected float32 ({length},), got {value.dtype} {value.shape}")
    # min and max ignore NaN here: NaN marks a value that no model produced.
    if np.fmin.reduce(value) < 0 or np.fmax.reduce(value) > 1:
        low, high = np.nanmin(value), np.nanmax(value)
        raise ValueError(f"{name}: expected values in 0..1, got {low:.3g}..{high:.3g}")


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a source.

    Attributes:
        image: uint8 (height, width, 3), **RGB**.
        time: seconds from the start of the source (0 for a still).
        index: position in the source, from 0; gaps mean frames that did not decode.
    """

    image: RGBImage
    time: float = 0.0
    index: int = 0

    def __post_init__(self) -> None:
        image = self.image
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(
                f"a frame needs a uint8 RGB image (height, width, 3), got {image.dtype} "
                f"{image.shape}; read it with mien.read_image, or convert the array"
            )
        if not image.size:
            raise ValueError(f"a frame needs at least one pixel, got {image.shape}")
        if not (math.isfinite(self.time) and self.index >= 0):
            raise ValueError(
                f"a frame needs a finite time and index >= 0, got {self.time} and {self.index}"
            )

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.image.shape[1], self.image.shape[0]

    @property
    def pictured(self) -> bool:
        """Whether the image shows anything; not where landmarks alone have come."""
        return True


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """The 478 points of a face mesh in one picture.

    Attributes:
        points: float32 (478, 3), picture coordinates: pixels of the source image, x right,
            y down, z away from the camera in the scale of x. 468-472 are the iris of the
            subject's right eye (centre first), 473-477 of the left.
        size: (width, height) of the source image in pixels.
        presence: the landmark net's own score 0..1, or None where an engine keeps it to itself.
    """

    points: Points
    size: tuple[int, int]
    presence: float | None = None

    def __post_init__(self) -> None:
        if self.points.shape != (N_LANDMARKS, 3) or self.points.dtype != np.float32:
            raise ValueError(
                f"landmarks need float32 ({N_LANDMARKS}, 3), "
                f"got {self.points.dtype} {self.points.shape}"
            )
        if not math.isfinite(float(self.points.sum())):
            raise ValueError("landmarks must be finite, got NaN or infinity")
        if self.presence is not None and not 0.0 <= self.presence <= 1.0:
            raise ValueError(f"presence is 0..1, got {self.presence}")

    @classmethod
    def from_normalised(
        cls, points: Float[Array, "478 3"], size: tuple[int, int], presence: float | None = None
    ) -> Landmarks:
        """From MediaPipe's convention: x and y in 0..1 of the image, z in the scale of x."""
        width, height = size
        scaled = points * np.array([width, height, width], np.float32)
        return cls(scaled.astype(np.float32, copy=False), size, presence)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Smallest upright box around the points: left, top, right, bottom in pixels."""
        # Column by column: numpy is three times as slow along the first axis.
        x, y = self.points[:, 0], self.points[:, 1]
        return float(x.min()), float(y.min()), float(x.max()), float(y.max())

    @property
    def inside(self) -> float:
        """Share of the points that lie within the picture, 0..1."""
        x, y = self.points[:, 0], self.points[:, 1]
        width, height = self.size
        within = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        return float(np.count_nonzero(within) / N_LANDMARKS)


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """Where the head is and how it is turned (weak perspective).

    Attributes:
        rotation: float (3, 3), head frame -> camera axes.
        translation: float (3,), the head's origin in picture coordinates (pixels).
        scale: pixels per head unit. A head unit is a centimetre on a face of average size;
            true size and distance are not observable from one camera.
    """

    rotation: Float[Array, "3 3"]
    translation: Float[Array, "3"]
    scale: float
    yaw: float = field(init=False)
    pitch: float = field(init=False)
    roll: float = field(init=False)

    def __post_init__(self) -> None:
        r = self.rotation
        if r.shape != (3, 3) or not abs(determinant(r) - 1.0) < 1e-3:
            raise ValueError(f"a pose needs a (3, 3) rotation with determinant 1, got {r}")
        if self.translation.shape != (3,) or not self.scale > 0:
            raise ValueError(
                "a pose needs a translation (3,) and scale > 0, "
                f"got {self.translation}, {self.scale}"
            )
        for name, angle in zip(("yaw", "pitch", "roll"), euler_from_matrix(r), strict=True):
            object.__setattr__(self, name, angle)

    @classmethod
    def from_similarity(cls, fit: Similarity) -> Pose:
        """From a fit head frame -> camera axes; its translation is turned to picture axes."""
        return cls(fit.rotation, picture_to_camera(fit.translation), fit.scale)

    @classmethod
    def from_euler(
        cls,
        yaw: float,
        pitch: float,
        roll: float,
        translation: tuple[float, float, float] = (0.0, 0.0, 0.0),
        scale: float = 1.0,
    ) -> Pose:
        """From degrees, pixels, and pixels per head unit."""
        return cls(matrix_from_euler(yaw, pitch, roll), np.array(translation), scale)


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face in one frame.

    A field that no model produced is None; a channel that the head does not produce is NaN.
    Nothing is ever filled in.

    Attributes:
        id: stays with a person for as long as the tracker can tell; from 1.
        time: seconds from the start of the source.
        landmarks: where the points are.
        pose: how the head is turned.
        expression: float32 (52,), ARKit channels 0..1 in the order of ``channels.ARKIT_52``.
        mouth_open: the open/closed decision with its threshold and hysteresis.
        engine_shapes: float32 (52,), the landmark engine's *own* ARKit shapes, where it has
            them; kept apart from ``expression`` because another model made them.
        morphable: float32 (10,), expression coefficients of the 3DMM (no fixed range).
        action_units: float32 (27,), FACS intensities 0..1.
        emotion: float32 (7,), probabilities that sum to 1, in the order of ``channels.EMOTIONS``:
            what the face shows, as people would call it, and not what anybody feels.
    """

    id: int
    time: float
    landmarks: Landmarks
    pose: Pose | None = None
    expression: Float32[Array, "52"] | None = None
    mouth_open: bool | None = None
    engine_shapes: Float32[Array, "52"] | None = None
    morphable: Float32[Array, "10"] | None = None
    action_units: Float32[Array, "27"] | None = None
    emotion: Float32[Array, "7"] | None = None

    def __post_init__(self) -> None:
        if self.id < 0 or not math.isfinite(self.time):
            raise ValueError(f"a face needs id >= 0 and a finite time, got {self.id}, {self.time}")
        for name, length in _UNIT_RANGE:
            value = getattr(self, name)
            if value is not None:
                _vector(name, value, length)
        m = self.morphable
        if m is not None and (m.shape != (N_MORPHABLE,) or m.dtype != np.float32):
            raise ValueError(f"morphable: expected float32 (10,), got {m.dtype} {m.shape}")

    @property
    def looks(self) -> str | None:
        """The likeliest emotion, or None where no model gave any."""
        return None if self.emotion is None else EMOTIONS[int(self.emotion.argmax())]

    def channel(self, name: str) -> float | None:
        """Value of one ARKit channel, or None where no model produced it.

        Raises:
            KeyError: an unknown name; the near ones are listed.
        """
        if self.expression is None:
            return None
        value = float(self.expression[index_of(name)])
        return None if math.isnan(value) else value


_UNIT_RANGE = (
    ("expression", len(ARKIT_52)),
    ("engine_shapes", len(ARKIT_52)),
    ("action_units", len(ACTION_UNITS)),
    ("emotion", len(EMOTIONS)),
)


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """What the tracker saw in one frame.

    Attributes:
        index, time: of the frame.
        size: (width, height) of the frame in pixels.
        faces: may be empty; "no face" is a value, not an error. Ordered by id.
        timings: seconds spent by stage name, in the order of the road.
    """

    index: int
    time: float
    size: tuple[int, int]
    faces: tuple[Face, ...]
    timings: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


def _identity() -> Float[Array, "3 3"]:
    return np.eye(3)


@dataclass(frozen=True, slots=True, eq=False)
class RigPose:
    """What an avatar is driven by: weights by name, and the turns of head, jaw and eyes.

    All rotations are in the axes of the head frame (x to the subject's left, y up, z out of the
    face), float (3, 3); the identity is rest.

    Attributes:
        time: seconds from the start of the source.
        names: of the channels, in a vocabulary of :mod:`mien.retarget.rigs`; each once.
        weights: float32 (n,), 1 is the whole of a channel; finite. An override may leave 0..1.
        head: head -> camera axes, as in :class:`Pose`.
        position: (3,) of the head in head units (about a centimetre), camera axes, relative to
            where it was when the source began; None where nobody knows.
        jaw: relative to the head.
        left_eye, right_eye: relative to the head.
        driven: a face is behind this; False while a lost face eases to rest.
    """

    time: float
    names: tuple[str, ...]
    weights: Float32[Array, "n"]
    head: Float[Array, "3 3"] = field(default_factory=_identity)
    position: Float[Array, "3"] | None = None
    jaw: Float[Array, "3 3"] = field(default_factory=_identity)
    left_eye: Float[Array, "3 3"] = field(default_factory=_identity)
    right_eye: Float[Array, "3 3"] = field(default_factory=_identity)
    driven: bool = True

    def __post_init__(self) -> None:
        if not math.isfinite(self.time):
            raise ValueError(f"a rig pose needs a finite time, got {self.time}")
        if self.weights.shape != (len(self.names),) or self.weights.dtype != np.float32:
            raise ValueError(
                f"weights: expected float32 ({len(self.names)},), "
                f"got {self.weights.dtype} {self.weights.shape}"
            )
        if not math.isfinite(float(self.weights.sum())):
            raise ValueError("the weights of a rig pose are finite, got NaN or infinity")
