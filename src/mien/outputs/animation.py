"""A model, at rest or in motion, as a GLB on the disk."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..gltf import encode
from ..model import Animation, Model, ModelPose
from .files import replacing

__all__ = ["animate", "write_glb"]


def animate(moments: Iterable[tuple[float, ModelPose]], name: str = "face") -> Animation:
    """The motion of a model through poses at their own times.

    Args:
        moments: seconds and poses, in order. One that a float32, in which a GLB keeps its times,
            cannot tell from the one before is left out.
        name: of the animation.
    """
    times: list[float] = []
    poses: list[ModelPose] = []
    for time, pose in moments:
        if not times or np.float32(time) > np.float32(times[-1]):
            times.append(time)
            poses.append(pose)
    return Animation(np.array(times, np.float64), tuple(poses), name)


def write_glb(path: Path, model: Model, animation: Animation | None = None) -> None:
    """Write a model as GLB; see :func:`mien.gltf.encode`.

    Raises:
        OutputError: when the system refuses.
        ValueError: an animation that is none of this model's.
    """
    data = encode(model, animation)
    with replacing(path) as part:
        part.write_bytes(data)
