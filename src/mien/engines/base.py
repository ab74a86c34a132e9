"""What every landmark engine offers to the road."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from ..arrays import Array, Float32
from ..types import Frame, Landmarks

__all__ = ["Detection", "Engine", "Mode"]

Mode: TypeAlias = Literal["video", "still"]
"""``video``: frames follow each other, the engine may track. ``still``: each stands alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """One face as an engine sees it.

    Attributes:
        landmarks: picture coordinates of the whole frame.
        shapes: float32 (52,), the engine's own ARKit channels in the order of
            ``channels.ARKIT_52``; NaN for those it lacks (MediaPipe has no tongueOut), None when it
            has none at all.
    """

    landmarks: Landmarks
    shapes: Float32[Array, "52"] | None = None


@runtime_checkable
class Engine(Protocol):
    """Finds faces and their 478 points. Not thread-safe: one engine, one thread at a time."""

    @property
    def name(self) -> str:
        """Name in the registry, for instance ``facemesh``."""
        ...

    def detect(self, frame: Frame) -> list[Detection]:
        """Faces in the frame, in no particular order; empty when there are none.

        In ``video`` mode frames must come in rising ``time``.
        """
        ...

    def reset(self) -> None:
        """Forget the frames seen so far; the next one may belong to another source."""
        ...

    def close(self) -> None:
        """Free the model; further calls to :meth:`detect` raise EngineError."""
        ...
