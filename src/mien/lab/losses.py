"""What a training minimises. NaN in a target is a channel that nobody knows: it costs nothing."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .recipe import LossRecipe

__all__ = ["channel_scales", "correlation_penalty", "cross_entropy", "masked_loss"]

_LEAST = 0.02  # standard deviation below which a channel is dead and its weight does not grow
_CONSTANT = 1e-6
_LEAST_PROBABILITY = 1e-7
_FEWEST = 8  # samples below which a correlation says nothing


def masked_loss(
    prediction: Tensor,
    target: Tensor,
    recipe: LossRecipe,
    scale: Tensor,
    weights: Tensor | None = None,
    squared: Tensor | None = None,
) -> Tensor:
    """Weighted mean of the cost over all entries that have a truth; 0 where none has.

    Args:
        prediction: (n, channels).
        target: (n, channels), NaN where there is no truth.
        recipe: ``mse``: the square; ``l1``: the absolute value; ``huber``: half the square below
            ``width`` w, then straight (Huber, 1964), over w so that it is l1 far out; ``wing``:
            ``w ln(1 + |e| / c)`` below w, then l1 less a constant (Feng et al., "Wing loss for
            robust facial landmark localisation", CVPR 2018; c is ``curvature``);
            ``cross_entropy``: minus the logarithm of the probability of the true class, see
            :func:`cross_entropy`.
        scale: (channels,), or (n, channels): what an error is multiplied by first.
        weights: (n, 1), how much each sample counts; all alike when left out.
        squared: bool (n, 1), samples whose cost is the square in any case.
    """
    if recipe.kind == "cross_entropy":
        return cross_entropy(prediction, target, recipe.smoothing, scale, weights)
    known = ~torch.isnan(target)
    # Zero first: NaN times zero is NaN, in the value and in the gradient.
    error = torch.where(known, prediction - target, 0.0) * scale
    counted = known.to(error.dtype) if weights is None else known * weights
    cost = _cost(error, recipe)
    if squared is not None:
        cost = torch.where(squared, error.square(), cost)
    cost = cost * counted
    return cost.sum() / counted.sum().clamp_min(torch.finfo(cost.dtype).tiny)


def cross_entropy(
    prediction: Tensor,
    target: Tensor,
    smoothing: float,
    scale: Tensor,
    weights: Tensor | None = None,
) -> Tensor:
    """Weighted mean of ``-sum t log p``.

    Args:
        prediction: (n, classes), probabilities that sum to 1.
        target: (n, classes), alike; one class, or several that annotators saw or that were mixed.
        smoothing: e, the truth is (1 - e) of the target and e over all classes (Szegedy et al.,
            "Rethinking the Inception architecture", CVPR 2016).
        scale: (classes,) or (n, classes), what each class counts.
        weights: (n, 1), how much each sample counts.
    """
    wanted = target * (1 - smoothing) + smoothing / target.shape[1]
    cost = -(wanted * prediction.clamp_min(_LEAST_PROBABILITY).log()).sum(1, keepdim=True)
    counted = (target * scale).sum(1, keepdim=True)
    if weights is not None:
        counted = counted * weights
    return (cost * counted).sum() / counted.sum().clamp_min(torch.finfo(cost.dtype).tiny)


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


def channel_scales(target: Tensor, kind: str, source: Tensor, sources: int = 1) -> Tensor:
    """What the errors of each data set's channels are multiplied by: (sources, channels).

    Every data set goes by its own range: made faces move more than people do, and would count for
    more. A channel that stands still in one goes by its range in all of them.

    Args:
        target: (n, channels) of the training samples.
        kind: ``none``: 1; ``standardised``: one over the standard deviation of the truth;
            ``balanced``: one over the root of a class's share, on average 1. The root, since the
            share itself would have the rarest class count for most of what is learnt.
        source: (n,), number of the data set that each sample is from, 0 and up.
        sources: how many data sets there are.
    """
    if kind == "none":
        return torch.ones(sources, target.shape[1], dtype=target.dtype, device=target.device)
    if kind == "balanced":
        rare = target.double().mean(0).clamp_min(_CONSTANT).rsqrt()
        return (rare / rare.mean()).to(target.dtype).expand(sources, -1)
    known = ~torch.isnan(target)
    overall = _deviation(target, known)
    rows = []
    for number in range(sources):
        mine = known & (source == number)[:, None]
        own = _deviation(target, mine)
        size = torch.where(own > _CONSTANT, own, overall).clamp_min(_LEAST)
        rows.append(torch.where(mine.any(0), 1 / size, 0.0))
    return torch.stack(rows).to(target.dtype)


def _deviation(target: Tensor, chosen: Tensor) -> Tensor:
    """Standard deviation of the chosen entries of each channel, float64; 0 without any."""
    count = chosen.sum(0).clamp_min(1)
    zeroed = torch.where(chosen, target, 0.0).double()
    deviation = torch.where(chosen, zeroed - zeroed.sum(0) / count, 0.0)
    return (deviation.square().sum(0) / count).sqrt()


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
