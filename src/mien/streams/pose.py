"""What every format has in common: ARKit's names in their spellings, and what is no packet.

Angles of ours are those of :mod:`mien.geometry`, degrees: yaw to the subject's left, pitch up, roll
to their left shoulder. The formats differ in units and signs, and each module turns them.
"""

from __future__ import annotations

import numpy as np

from ..arrays import Array, Float32
from ..channels import ARKIT_52
from ..types import RigPose

__all__ = ["MalformedError", "arkit_weights", "named"]

_INDEX = {name.lower(): i for i, name in enumerate(ARKIT_52)}


class MalformedError(ValueError):
    """A packet that is none of its format; from the net that is counted, not told."""


def arkit_weights(pose: RigPose) -> Float32[Array, "52"]:
    """Weights in the order of ``channels.ARKIT_52``; 0 for a channel that the pose has not."""
    if pose.names == ARKIT_52:
        return pose.weights
    weights = np.zeros(len(ARKIT_52), np.float32)
    for name, weight in zip(pose.names, pose.weights, strict=True):
        i = named(name)
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
