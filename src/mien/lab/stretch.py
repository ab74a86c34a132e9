"""Undo some of what least squares does to the range of a head.

A regression shrinks its answers towards their mean as far as it is unsure: the line through its
answers over the truth has the slope r^2. For an error that is as small as can be this is right; on
an avatar it is a mouth that never opens all the way. Stretching every channel about its mean by
``slope^-power`` gives the range back, and costs some error: with power 1 the slope becomes 1.
"""

from __future__ import annotations

import numpy as np
import torch

from ..errors import InputError
from . import nets
from .datasets.samples import Samples
from .metrics import regression
from .nets.mlp import MLP

__all__ = ["MOST", "stretch"]

MOST = 1.6
"""Largest gain: more would turn noise into expression."""

_MANY = 4096  # samples at once
_LEAST = 0.03  # standard deviation of the truth below which a channel stays as it is


def stretch(net: nets.Net, samples: Samples, power: float) -> None:
    """Set the gains of a net from samples that it was not trained on.

    Args:
        net: with its weights, on the CPU; its buffers ``centre`` and ``gain`` are set.
        samples: the validation part. Each channel goes by the first data set that knows it: a
            head shrinks differently on photographs and on made points, and photographs come first.
        power: 0..1.

    Raises:
        InputError: a net that has no gains.
    """
    if not isinstance(net, MLP):
        raise InputError(f"[export] stretch: {type(net).__name__} has no gains; leave it out")
    net.eval()
    net.gain.fill_(1.0)
    inputs = {name: torch.from_numpy(getattr(samples, name)) for name in net.inputs}
    with torch.no_grad():
        answers = [
            net({name: value[i : i + _MANY] for name, value in inputs.items()})
            for i in range(0, len(samples), _MANY)
        ]
    said = torch.cat(answers).numpy()
    source = np.array(samples.source)
    for channel in range(said.shape[1]):
        known = ~np.isnan(samples.target[:, channel])
        known &= source == (source[known][:1] if known.any() else "")
        truth, prediction = samples.target[known, channel], said[known, channel]
        if not known.any() or truth.std() < _LEAST:
            continue
        slope, _ = regression(truth[:, None], prediction[:, None])
        if slope[0] > 0:
            net.gain[channel] = float(np.clip(slope[0] ** -power, 1.0, MOST))
            net.centre[channel] = float(prediction.mean())
