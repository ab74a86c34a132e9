"""What a training minimises. NaN in a target is a channel that nobody knows: it costs nothing."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .recipe import LossRecipe

__all__ = ["channel_weights", "correlation_penalty", "masked_loss"]

_LEAST = 0.02  # standard deviation below which a channel is dead and its weight does not grow
_FEWEST = 8  # samples below which a correlation says nothing


def masked_loss(prediction: Tensor, target: Tensor, recipe: LossRecipe, weights: Tensor) -> Tensor:
    """Mean over all entries that have a truth, weighted by channel; 0 where none has.

    Args:
        prediction: (n, channels).
        target: (n, channels), NaN where there is no truth.
        recipe: ``mse``: the square; ``l1``: the absolute value; ``huber``: half the square below
            ``width`` w, then straight (Huber, 1964), over w so that it is l1 far out; ``wing``:
            ``w ln(1 + |e| / c)`` below w, then l1 less a constant (Feng et al., "Wing loss for
            robust facial landmark localisation", CVPR 2018; c is ``curvature``).
        weights: (channels,), or (n, channels).
    """
    known = ~torch.isnan(target)
    # Zero first: NaN times zero is NaN, in the value and in the gradient.
    error = torch.where(known, prediction - target, 0.0)
    cost = _cost(error, recipe) * weights
    count = (known * weights).sum()
    return cost.sum() / count.clamp_min(torch.finfo(cost.dtype).tiny)


def _cost(error: Tensor, recipe: LossRecipe) -> Tensor:
    if recipe.kind == "mse":
        return error.square()
    size = error.abs()
    if recipe.kind == "l1":
        return size
    width = recipe.width
    if recipe.kind == "huber":
        return torch.where(size < width, error.square() / (2 * width), size - width / 2)
    step = width - width * math.log1p(width / recipe.curvature)
    return torch.where(size < width, width * torch.log1p(size / recipe.curvature), size - step)


def channel_weights(target: Tensor, kind: str, source: Tensor, sources: int = 1) -> Tensor:
    """How much each channel of each data set counts: (sources, channels), mean 1 over the taught.

    Every data set by itself: made faces move more than people do, and would count for more.

    Args:
        target: (n, channels) of the training samples.
        kind: ``none``; ``inverse-std``: one over the standard deviation of the truth;
            ``inverse-variance``: one over its square, so that mse is what R2 counts.
        source: (n,), number of the data set that each sample is from, 0 and up.
        sources: how many data sets there are.
    """
    known = ~torch.isnan(target)
    rows = []
    for number in range(sources):
        mine = known & (source == number)[:, None]
        count = mine.sum(0).clamp_min(1)
        zeroed = torch.where(mine, target, 0.0).double()
        deviation = torch.where(mine, zeroed - zeroed.sum(0) / count, 0.0)
        rows.append((deviation.square().sum(0) / count).sqrt().clamp_min(_LEAST))
    size = torch.stack(rows)
    power = {"none": 0, "inverse-std": 1, "inverse-variance": 2}[kind]
    taught = torch.stack([known[source == i].any(0) for i in range(len(rows))])
    weights = size**-power
    weights = torch.where(taught, weights / weights[taught].mean(), 0.0)
    return weights.to(target.dtype)


def correlation_penalty(prediction: Tensor, rotation: Tensor) -> Tensor:
    """Mean squared correlation of the outputs with yaw and pitch; 0 for fewer than eight samples.

    Args:
        prediction: (n, channels) on neutral heads, which should not follow the turn.
        rotation: (n, 3, 3), head frame -> camera axes; angles as in :mod:`mien.geometry`.
    """
    if len(prediction) < _FEWEST:
        return prediction.new_zeros(())
    yaw = torch.atan2(rotation[:, 0, 2], rotation[:, 2, 2])
    pitch = torch.asin(rotation[:, 1, 2].clamp(-1, 1))
    angles = torch.stack([yaw, pitch], 1)
    angles = (angles - angles.mean(0)) / angles.std(0, correction=0).clamp_min(1e-6)
    values = prediction - prediction.mean(0)
    covariance = angles.T @ values / len(values)
    # A channel that hardly moves has no correlation to speak of: the floor keeps it out.
    variance = values.square().mean(0) + _LEAST**2 / 4
    return (covariance.square() / variance).mean()
