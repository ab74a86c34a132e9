"""Inputs of nets by their mean and deviation over the data that a net learns from."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["SMALLEST", "learn"]

SMALLEST = 1e-3  # deviation of a coordinate below which it counts as constant: 10 micrometres


def learn(mean: Tensor, scale: Tensor, values: Tensor, smallest: float = SMALLEST) -> None:
    """Fill the buffers of a net, such that ``(values - mean) * scale`` has deviation 1.

    Args:
        mean: (...), filled.
        scale: (...), filled: one over the deviation, and 0 where a value is constant and would be
            noise when it is blown up.
        values: (n, ...), of the samples to learn from.
        smallest: a smaller deviation is that of a constant.
    """
    deviation, average = torch.std_mean(values.double(), 0, correction=0)
    mean.copy_(average)
    scale.copy_(torch.where(deviation > smallest, 1 / deviation, 0.0))
