"""What every format has in common: a RigPose as 52 weights and angles, and poses between poses.

Angles here are those of :mod:`mien.geometry`, degrees: yaw to the subject's left, pitch up, roll
to their left shoulder. The formats differ in names, units and signs, and each module turns them.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ..arrays import Array, Float, Float32
from ..channels import ARKIT_52
from ..geometry import matrix_from_quaternion, quaternion_from_matrix
from ..types import RigPose

__all__ = ["MalformedError", "arkit_weights", "between", "named", "part_of", "turned"]

_INDEX = {name.lower(): i for i, name in enumerate(ARKIT_52)}
_STILL = np.eye(3)


class MalformedError(ValueError):
    """A packet that is none of its format; from the net that is counted, not told."""


def arkit_weights(pose: RigPose) -> Float32[Array, "52"]:
    """Weights in the order of ``channels.ARKIT_52``; 0 for a channel that the pose has not."""
    if pose.names == ARKIT_52:
        return pose.weights
    weights = np.zeros(len(ARKIT_52), np.float32)
    for name, weight in zip(pose.names, pose.weights, strict=True):
        i = _INDEX.get(name.lower())
        if i is not None:
            weights[i] = weight
    return weights


def named(name: str) -> int | None:
    """Position of an ARKit channel in any spelling that is in use, None for other names.

    Examples: ``jawOpen``, ``JawOpen``, ``eyeBlink_L``, ``EyeBlinkLeft``.
    """
    low = name.lower()
    if low.endswith(("_l", "_r")):
        low = low[:-2] + ("left" if low.endswith("l") else "right")
    return _INDEX.get(low)


def turned(start: Float[Array, "3 3"], end: Float[Array, "3 3"], share: float) -> Array:
    """The rotation that lies ``share`` (0..1) of the way from one to the other, (3, 3).

    Shoemake, "Animating rotation with quaternion curves" (1985).
    """
    if start is end or np.array_equal(start, end):
        return end
    a, b = quaternion_from_matrix(start), quaternion_from_matrix(end)
    cosine = float(a @ b)
    if cosine < 0:  # the shorter way round
        b, cosine = -b, -cosine
    if cosine > 0.9995:
        mixed = (1 - share) * a + share * b
    else:
        angle = math.acos(cosine)
        mixed = math.sin((1 - share) * angle) * a + math.sin(share * angle) * b
    return matrix_from_quaternion(mixed)


def part_of(rotation: Float[Array, "3 3"], share: float) -> Float[Array, "3 3"]:
    """``share`` of a turn, about the same axis."""
    part: Array = turned(_STILL, rotation, share)
    return part


def between(start: RigPose, end: RigPose, time: float) -> RigPose:
    """The pose at a time (seconds, of the poses) between two; the nearer one outside of them.

    Nothing is extrapolated: what a face will do is not known. Poses of different vocabularies
    have nothing between them; the later one holds from the middle on.
    """
    span = end.time - start.time
    share = (time - start.time) / span if span > 0 else 1.0
    if share <= 0 or share >= 1:
        return replace(start if share <= 0 else end, time=time)
    if start.names != end.names:
        return replace(start if share < 0.5 else end, time=time)
    position = end.position
    if start.position is not None and end.position is not None:
        position = (1 - share) * start.position + share * end.position
    weights = start.weights + np.float32(share) * (end.weights - start.weights)
    return RigPose(
        time,
        end.names,
        weights,
        head=turned(start.head, end.head, share),
        position=position,
        jaw=turned(start.jaw, end.jaw, share),
        left_eye=turned(start.left_eye, end.left_eye, share),
        right_eye=turned(start.right_eye, end.right_eye, share),
        driven=end.driven,
    )
