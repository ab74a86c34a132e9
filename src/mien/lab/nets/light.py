"""Light taken off a picture, inside the net: a trained file is given grey values as they are.

=================  ====================================================================
``standard``       less the picture's mean, over its standard deviation
``minmax``         its darkest pixel is 0, its brightest 1
``illumination``   every pixel over the mean of what is around it: relative values, from
                   which light that falls from one side is gone too
=================  ====================================================================
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["Light", "relative"]

Light: TypeAlias = Literal["standard", "minmax", "illumination"]

# Side in pixels of the square whose mean a pixel is set against: a third of the picture.
_AROUND = 15
_DARK = 0.02  # of the range: so that noise in a black picture stays small


def relative(image: Tensor, kind: Light) -> Tensor:
    """Pictures without their light.

    Args:
        image: float (n, 1, height, width), 0..255.
        kind: see the module.

    Returns:
        alike, of a range of about 1.
    """
    if kind == "illumination":
        # Beyond the edge there is nothing to count, or the rim would look brighter than it is.
        around = _sums(image) / _sums(torch.ones_like(image))
        return image / (around + 255 * _DARK) - 1
    image = image / 255
    if kind == "minmax":
        low, high = image.amin((2, 3), keepdim=True), image.amax((2, 3), keepdim=True)
        return (image - low) / (high - low + _DARK)
    middle = image.mean((2, 3), keepdim=True)
    spread = (image - middle).square().mean((2, 3), keepdim=True).sqrt()
    return (image - middle) / (spread + _DARK)


def _sums(image: Tensor) -> Tensor:
    """What is around each pixel, added up: whole numbers, so that every runtime has the same.

    A mean would differ in its last digit, and a gradient that hardly rises would fall to the other
    side of the horizontal, where its histogram begins and where it ends.
    """
    mean = functional.avg_pool2d(image, _AROUND, stride=1, padding=_AROUND // 2)
    return (mean * _AROUND**2).round()
