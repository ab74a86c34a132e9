"""Histograms of oriented gradients of a picture, as tensors: exactly those of scikit-image.

Dalal and Triggs, "Histograms of oriented gradients for human detection" (CVPR 2005), as
:func:`skimage.feature.hog` computes them: the gradient is [-1 0 1] along rows and columns and 0 at
the rim, every pixel gives its magnitude to the one orientation that it falls into, cells do not
overlap, and blocks of cells are normalised by L2-Hys. Written for tensors so that it is a part of
the exported graph: what serves a head then computes the same numbers as what trained it.

The orientation is told without the angle, by the sides of the bins' borders on which the gradient
lies; ONNX has no arc tangent of two numbers.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["hog", "length"]

_LEAST = 1e-5  # as in scikit-image
_MOST = 0.2  # of a normalised entry: L2-Hys


def length(side: int, cell: int, block: int, orientations: int) -> int:
    """How many numbers :func:`hog` gives of a square picture; 0 or less where it is too small."""
    blocks = side // cell - block + 1
    return max(blocks, 0) ** 2 * block**2 * orientations


def hog(image: Tensor, *, cell: int = 8, block: int = 2, orientations: int = 9) -> Tensor:
    """(n, numbers) of pictures (n, 1, height, width), in the order of scikit-image.

    Args:
        image: float, any range.
        cell: side of a cell in pixels; what is left over at the right and below is not seen.
        block: side of a block in cells; blocks overlap by all but one cell.
        orientations: bins of half a turn.
    """
    cells = _cells(image[:, 0], cell, orientations)
    rows, columns = cells.shape[2] - block + 1, cells.shape[3] - block + 1
    # (n, rows, columns, cells of a block, orientations)
    parts = [cells[:, :, y : y + rows, x : x + columns] for y in range(block) for x in range(block)]
    blocks = torch.stack(parts, 1).permute(0, 3, 4, 1, 2).flatten(3)
    blocks = _normalised(_normalised(blocks).clamp(max=_MOST))
    return blocks.flatten(1)


def _normalised(blocks: Tensor) -> Tensor:
    return blocks / (blocks.square().sum(3, keepdim=True) + _LEAST**2).sqrt()


def _cells(image: Tensor, cell: int, orientations: int) -> Tensor:
    """(n, orientations, rows, columns): mean magnitude by orientation."""
    across = functional.pad(image[:, :, 2:] - image[:, :, :-2], (1, 1))
    down = functional.pad(image[:, 2:] - image[:, :-2], (0, 0, 1, 1))
    size = (across.square() + down.square()).sqrt()
    # Half a turn: those that point up are turned about, those that lie flat point right.
    across = torch.where(down < 0, -across, torch.where(down == 0, across.abs(), across))
    down = down.abs()
    votes = []
    beyond = torch.ones_like(size)  # on the far side of the first border, which is the axis itself
    for number in range(1, orientations + 1):
        angle = math.pi * number / orientations
        # The last border is the axis again, which nothing lies beyond.
        after = (
            (down * math.cos(angle) - across * math.sin(angle) >= 0).to(size.dtype)
            if number < orientations
            else torch.zeros_like(size)
        )
        votes.append(size * (beyond - after))
        beyond = after
    return functional.avg_pool2d(torch.stack(votes, 1), cell)
