"""The number that is explained: the score of a class, of whatever net."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from .. import nets

__all__ = ["scores"]

_LEAST = 1e-30  # probability: below it float32 has no logarithm that could be relied on


def scores(net: nets.Net, samples: Mapping[str, Tensor]) -> Tensor:
    """(n, classes), scores before the softmax, less the mean of all classes.

    Probabilities give scores but for a number that all classes share, which changes nothing that
    is said; with their mean taken off, scores are the same for every net that says the same. They
    are logarithms: 1 more is 2.7 times the odds. Classes that nobody taught are not in the mean.
    """
    logs = net(samples).clamp_min(_LEAST).log()
    centred: Tensor = logs - logs[:, net.live > 0].mean(1, keepdim=True)
    return centred
