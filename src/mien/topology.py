"""The face mesh: 478 points, how they are joined, what they are called.

All tables come from ``assets/topology.json`` and ``assets/canonical_face.json`` (written by
``mien.lab.tables``). Indices are those of MediaPipe's FaceMesh with irises. Left and right are the
subject's own.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from . import assets
from .arrays import Array, Float32, Int, Points

__all__ = [
    "AUFART_105",
    "CANONICAL",
    "EDGES",
    "IBUG_68",
    "IRIS_CENTRES",
    "MIRROR",
    "REGIONS",
    "RIGID",
    "TRIANGLES",
    "mirror_points",
]

_table = assets.load("topology")


def _indices(name: str) -> Int[Array, "..."]:
    array = np.array(_table[name], np.int32)
    array.flags.writeable = False
    return array


EDGES: Int[Array, "1330 2"] = _indices("edges")
"""Every edge once: 1,322 of the mesh and 8 of the irises."""

TRIANGLES: Int[Array, "852 3"] = _indices("triangles")
"""Counter-clockwise seen from outside; the eyes and the mouth are holes."""

MIRROR: Int[Array, "478"] = _indices("mirror")
"""Point i of a mirrored face is point ``MIRROR[i]`` of the face; its own inverse."""

RIGID: Int[Array, "n"] = _indices("rigid")
"""Forehead, temples, nose and eye corners: the points that expression moves least."""

AUFART_105: Int[Array, "105"] = _indices("aufart105")
"""The subset of AUFART (brow 0-19, eye 20-51, nose 52-64, mouth 65-104)."""

IBUG_68: Int[Array, "68"] = _indices("ibug68")
"""The 68-point layout of iBUG on the mesh: jaw, brows, nose, eyes, outer lips, inner lips."""

IRIS_CENTRES = MappingProxyType({str(k): int(v) for k, v in _table["iris_centres"].items()})

REGIONS = MappingProxyType({str(k): tuple(map(int, v)) for k, v in _table["regions"].items()})
"""Contours by name, each in drawing order. Ovals, lips, eyes and irises close on themselves."""

CANONICAL: Float32[Array, "478 3"] = np.array(assets.load("canonical_face")["points"], np.float32)
"""Mean neutral face in the head frame: x to the subject's left, y up, z forward, centimetres."""
CANONICAL.flags.writeable = False


def mirror_points(points: Points, width: float) -> Points:
    """Landmarks of the same face in the mirrored picture (picture coordinates, pixels).

    Args:
        points: float32 (478, 3).
        width: width of the picture in pixels; x becomes ``width - x``.
    """
    mirrored = points[MIRROR]
    mirrored[:, 0] = width - mirrored[:, 0]
    return mirrored
