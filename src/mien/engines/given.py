"""Landmarks that somebody else has found: no picture is looked at.

A page in private mode finds the points itself and sends nothing else. From there on they walk the
same road as any others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Array, Float32
from ..errors import InputError
from ..types import Frame, Landmarks
from .base import Detection

__all__ = ["GivenFrame", "GivenLandmarks"]

_LARGEST = 32_768
"""Pixels of a side; more no picture has that a landmark net is shown."""
_AWAY = 8.0
"""Points lie within so many widths or heights of the picture, whichever is more."""
_SMALLEST = 1.0
"""Pixels that a face is wide or high at least."""
_ENDS = np.array([[33, 133], [263, 362], [33, 263], [78, 308]])
"""Both ends of the eyes, of both together and of the mouth: what other lengths are told in."""
_APART = 0.001
"""How far they lie apart at least, as share of the face."""


@dataclass(frozen=True, slots=True, eq=False)
class GivenFrame(Frame):
    """A moment of a source whose picture stayed where it was taken.

    Attributes:
        image: black, of the size of the picture that the points were found in. It is one pixel in
            memory, and whoever compares looks is left with the shape of the bones.
        faces: what was found in it.
    """

    faces: tuple[Landmarks, ...] = ()

    @property
    def pictured(self) -> bool:
        """See :class:`mien.types.Frame`: it does not."""
        return False

    @classmethod
    def of(
        cls, points: Float32[Array, "n 478 3"], size: tuple[int, int], time: float, index: int
    ) -> GivenFrame:
        """Check what came from outside.

        Args:
            points: picture coordinates, as in :class:`mien.types.Landmarks`: pixels, z in the scale
                of x.
            size: (width, height) of the picture they were found in, pixels.
            time: seconds, as of a frame.
            index: as of a frame.

        Raises:
            InputError: a size that no picture has, or points that no face in it can have.
        """
        width, height = size
        if not (0 < width <= _LARGEST and 0 < height <= _LARGEST):
            raise InputError(
                f"the landmarks are of a picture of {width}x{height}, each side is 1 to {_LARGEST}"
            )
        far = _AWAY * max(size)
        # NaN is not below anything.
        if not bool((np.abs(points) < far).all()):
            raise InputError(
                f"landmarks in a picture of {width}x{height} are finite and within {far:g} pixels"
            )
        sizes = np.ptp(points[..., :2], axis=1).max(axis=1)
        lengths = np.linalg.norm(points[:, _ENDS[:, 0]] - points[:, _ENDS[:, 1]], axis=2)
        if not bool((lengths > _APART * np.maximum(sizes, _SMALLEST)[:, None]).all()):
            raise InputError(
                "the landmarks of a face lie in one spot; its eyes and its mouth have two ends each"
            )
        image = np.broadcast_to(np.zeros(3, np.uint8), (height, width, 3))
        return cls(image, time, index, tuple(Landmarks(face, size) for face in points))


class GivenLandmarks:
    """Stands where an engine stands, and answers with what a :class:`GivenFrame` brings.

    Args:
        name: the engine that found the points, for heads and calibrations care which it was.
    """

    def __init__(self, name: str = "facelandmarker") -> None:
        self._name = name

    @property
    def name(self) -> str:
        """See :class:`mien.engines.base.Engine`."""
        return self._name

    def detect(self, frame: Frame) -> list[Detection]:
        """See :class:`mien.engines.base.Engine`.

        Raises:
            InputError: a frame that brings no landmarks.
        """
        if not isinstance(frame, GivenFrame):
            raise InputError("only frames that bring their landmarks are taken, got a picture")
        return [Detection(face) for face in frame.faces]

    def reset(self) -> None:
        """Nothing is remembered."""

    def close(self) -> None:
        """Nothing is held."""
