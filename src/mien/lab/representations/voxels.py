"""Landmarks as a cube of voxels, (n, 1, z, y, x).

* ``occupancy`` is the study's: every axis is stretched to the cube by its own smallest and largest
  value, points are counted, and counts divided by the largest.
* ``splat`` is ours: the cube is fixed to the aligned face, so that a wide mouth is wide, and every
  point is shared among the eight voxels around it by distance (trilinear), so that it can move by
  less than a voxel and be seen to.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["SIDE", "occupancy", "places", "splat"]

SIDE = 24

_CENTRE = (0.0, -0.5, 4.0)  # centimetres, head frame: where the fixed cube stands
_HALF = (8.5, 9.5, 6.0)  # half of its edges; the canonical face fills most of it


def occupancy(points: Tensor, side: int = SIDE) -> Tensor:
    """Counts over the largest count, each axis from its smallest to its largest value."""
    index = places(points, side)
    cube = points.new_zeros(points.shape[0], side**3)
    cube = cube.scatter_add(1, index, torch.ones_like(points[..., 0]))
    cube = cube / cube.amax(1, keepdim=True)
    return cube.reshape(-1, 1, side, side, side)


def places(points: Tensor, side: int = SIDE) -> Tensor:
    """int64 (n, points), the voxel of the flat cube that :func:`occupancy` counts each point in."""
    low, high = points.amin(1, keepdim=True), points.amax(1, keepdim=True)
    place = ((points - low) / (high - low).clamp_min(1e-9) * (side - 1)).round().long()
    return (place[..., 2] * side + place[..., 1]) * side + place[..., 0]


def splat(points: Tensor, side: int = SIDE) -> Tensor:
    """Each point shared among its eight voxels; what lies outside of the cube is at its wall."""
    centre, half = points.new_tensor(_CENTRE), points.new_tensor(_HALF)
    place = ((points - centre) / half + 1) * 0.5 * (side - 1)
    place = place.clamp(0, side - 1.001)
    low = place.floor()
    part = place - low
    cube = points.new_zeros(points.shape[0], side**3)
    for corner in range(8):
        step = torch.tensor([corner & 1, corner >> 1 & 1, corner >> 2], device=points.device)
        share = torch.where(step.bool(), part, 1 - part).prod(2)
        at = low.long() + step
        cube = cube.scatter_add(1, (at[..., 2] * side + at[..., 1]) * side + at[..., 0], share)
    return cube.reshape(-1, 1, side, side, side)
