"""Reads what ``python -m mien.lab.bust`` made: parts in metres and their 52 displacements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

import numpy as np

from ... import assets
from ...arrays import Array, Float32, Int, UInt8
from ...channels import ARKIT_52

__all__ = ["EYE_RADIUS", "JOINTS", "Part", "cage", "contour", "load", "masks"]

_QUANTUM = np.float32(2e-5)  # metres; of displacements in the file
_GRAIN = np.float32(7e-6)  # metres; of positions
_MIDDLE = np.float32(0.19)  # metres above the foot, from where positions count

_CM = 0.011  # metres per centimetre of the canonical face
_FLOOR = 20.0  # of the canonical face's origin above the bust's, in those centimetres


def _at(x: float, y: float, z: float) -> tuple[float, float, float]:
    return x * _CM, (y + _FLOOR) * _CM, z * _CM


JOINTS: Mapping[str, tuple[float, float, float]] = MappingProxyType(
    {
        "bust": (0.0, 0.0, 0.0),
        "neck": _at(0.0, -12.0, -4.2),
        "head": _at(0.0, -6.5, -3.4),
        "jaw": _at(0.0, 0.0, -2.2),
        "leftEye": _at(3.55, 2.85, 1.95),
        "rightEye": _at(-3.55, 2.85, 1.95),
    }
)
"""Where the nodes stand, metres from the bust's foot: x to its left, y up, z forward."""

EYE_RADIUS = 1.90 * _CM


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One surface of the bust.

    Attributes:
        points: float32 (n, 3), metres.
        triangles: int32 (t, 3).
        uv: float32 (n, 2), or None.
        mirror: int (n,), where each vertex is on the mirrored bust; None for what has no sides.
        moved: for each of the 52 channels the vertices that move (k,) and by how much (k, 3).
    """

    points: Float32[Array, "n 3"]
    triangles: Int[Array, "t 3"]
    uv: Float32[Array, "n 2"] | None
    mirror: Int[Array, "n"] | None
    moved: Mapping[str, tuple[Array, Array]]


@cache
def _arrays() -> Mapping[str, Any]:
    with (
        resources.files(assets).joinpath("bust.npz").open("rb") as stream,
        np.load(stream, allow_pickle=False) as arrays,
    ):
        return MappingProxyType({name: arrays[name] for name in arrays.files})


def masks() -> UInt8[Array, "s s 4"]:
    """Where the skin is lip, blush, fold and nostril, 0..255; by texture coordinates."""
    found: Array = _arrays()["masks"]
    return found


def cage(name: str) -> Int[Array, "t 3"]:
    """Coarse triangles of a part on some of its vertices: of skin, ears and hair."""
    found: Array = _arrays()[f"{name}.cage"].astype(np.int32)
    return found


def contour(name: str) -> Int[Array, "n"]:
    """Vertices of the part ``skin`` along an edge where lids or lips meet.

    Args:
        name: ``lips``, or the ``left`` or ``right`` eye, with ``_upper`` or ``_lower``. Upper and
            lower edges lie opposite each other point by point, and share their ends.
    """
    found: Array = _arrays()[f"contour.{name}"].astype(np.int32)
    return found


@cache
def load(name: str) -> Part:
    """One part: skin, mouth, teeth, gums, tongue, brows, lashes, ears, hair, shirt or glints."""
    arrays = _arrays()
    points = arrays[f"{name}.points"] * _GRAIN
    points[:, 1] += _MIDDLE
    uv, mirror = arrays.get(f"{name}.uv"), arrays.get(f"{name}.mirror")
    mirror = None if mirror is None else mirror.astype(np.int32)
    moved: dict[str, tuple[Array, Array]] = {}
    if f"{name}.starts" in arrays:
        assert mirror is not None  # noqa: S101
        starts = arrays[f"{name}.starts"]
        vertices = arrays[f"{name}.vertices"].astype(np.int32)
        steps = np.cumsum(arrays[f"{name}.moves"], axis=1, dtype=np.int16)
        moves = np.ascontiguousarray(steps.T * _QUANTUM)
        for i, target in enumerate(arrays["names"].tolist()):
            there = slice(starts[i], starts[i + 1])
            moved[target] = vertices[there], moves[there]
            other = _other(target)
            if other != target:
                moved[other] = _flipped(vertices[there], moves[there], mirror)
            else:
                moved[target] = _even(vertices[there], moves[there], mirror)
    return Part(
        points,
        arrays[f"{name}.triangles"].astype(np.int32),
        None if uv is None else uv.astype(np.float32) / 65535,
        mirror,
        MappingProxyType({n: moved[n] for n in ARKIT_52 if n in moved}),
    )


def _other(name: str) -> str:
    return name.replace("Left", "Right")


def _flipped(vertices: Array, moves: Array, mirror: Array) -> tuple[Array, Array]:
    across = mirror[vertices]
    order = np.argsort(across)
    return across[order], (moves * np.array([-1, 1, 1], np.float32))[order]


def _even(vertices: Array, moves: Array, mirror: Array) -> tuple[Array, Array]:
    """Alike on both sides to the last bit, which rounding need not be."""
    full = np.zeros((len(mirror), 3), np.float32)
    full[vertices] = moves
    full = (full + full[mirror] * np.array([-1, 1, 1], np.float32)) / 2
    moving = np.flatnonzero(full.any(axis=1))
    return moving, full[moving]
