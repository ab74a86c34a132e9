"""Grad-CAM: where in a picture a net on pixels found what speaks for a class.

Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based localization"
(ICCV 2017). Every map of the last convolutional stage is weighted by the gradient of the class's
score, averaged over its places; the maps are added up, and what falls below 0 is left out:

    weight_k = mean over places of d score / d map_k
    heat = max(0, sum over k of weight_k map_k)

It is as fine as that stage is: 12 x 12 places of the 48 x 48 pixels in ``cnn``, 6 x 6 in
``residual``, 3 x 3 in ``vgg16`` and 2 x 2 in ``resnet50``. Convolutions with a stride look up and
to the left of the place that they stand for, by half of it at most; about how far is measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import torch
from torch import Tensor, nn

from ...arrays import Array, Float32
from ...errors import InputError
from .. import nets
from ..nets.fusion import Fusion
from ..nets.known import Resnet50
from ..nets.pictures import PictureNet
from ..nets.svm import Svm
from .scoring import scores

__all__ = ["heat", "offset", "stage"]

_POOLS = (nn.MaxPool2d, nn.AdaptiveAvgPool2d)


def stage(net: nn.Module) -> nn.Module | None:
    """The layer whose output is the last that has many places, or None where nothing convolves.

    It is the one before the last pooling, after which places are added up or told apart by dense
    layers. Of a net that is made of others it is that of the one that sees pixels.
    """
    if isinstance(net, Fusion):
        return stage(net.pictures)
    if isinstance(net, Svm):
        return stage(net.deep.net) if net.deep else None
    if isinstance(net, Resnet50):
        return net.layer4
    if isinstance(net, PictureNet):
        for layers in net.children():
            if isinstance(layers, nn.Sequential):
                pools = [i for i, layer in enumerate(layers) if isinstance(layer, _POOLS)]
                return layers[pools[-1] - 1]
    return None


def heat(
    net: nets.Net, samples: Mapping[str, Tensor], towards: Tensor
) -> Float32[Array, "n height width"]:
    """What speaks for a class, by place; 0 and more, in units of the score.

    Args:
        net: trained, in evaluation mode.
        samples: its inputs, each (n, ...).
        towards: int64 (n,), index of the class that is asked about.

    Returns:
        the first row is the top of the picture; each place stands for an equal share of it.

    Raises:
        InputError: the net has no convolutions on pictures.
    """
    layer = _needed(net)
    kept: list[Tensor] = []

    def keep(_layer: nn.Module, _given: tuple[Tensor, ...], output: Tensor) -> Tensor:
        # Cut off from what is below: gradients are wanted down to here, and not further.
        kept[:] = [output.detach().requires_grad_()]
        return kept[0]

    hook = layer.register_forward_hook(keep)
    try:
        with torch.enable_grad():
            chosen = scores(net, samples).gather(1, towards[:, None]).sum()
            (slope,) = torch.autograd.grad(chosen, kept[0])
    finally:
        hook.remove()
    weight = slope.mean((2, 3), keepdim=True)
    found: Array = (weight * kept[0]).sum(1).clamp_min(0).detach().numpy()
    return found


def offset(net: nets.Net, samples: Mapping[str, Tensor]) -> tuple[float, float]:
    """How far from the middle of a place the pixels lie that it looks at, down and to the right.

    The middle of the squared gradients of the innermost places, which stand around the middle of
    the picture, by its pixels (the effective receptive field; Luo et al., NIPS 2016). It is half a
    place at most.

    Args:
        net: trained, in evaluation mode, with convolutions on pictures.
        samples: some inputs to measure it on, each (n, ...).

    Returns:
        in sides of the picture.

    Raises:
        InputError: the net has no convolutions on pictures.
    """
    layer = _needed(net)
    kept: list[Tensor] = []
    hook = layer.register_forward_hook(lambda _layer, _given, output: kept.append(output))
    image = samples["image"].float().requires_grad_()
    try:
        with torch.enable_grad():
            net({**samples, "image": image})
    finally:
        hook.remove()
    side = kept[0].shape[-1]
    inner = ((side - 1) // 2, side // 2)
    weight = torch.zeros(image.shape[1:], dtype=torch.float64)
    for row, column in product(inner, inner):
        said = kept[0][:, :, row, column].sum()
        (slope,) = torch.autograd.grad(said, image, retain_graph=True)
        power = slope.double().square()
        # Every picture and every place counts alike.
        weight += (power / power.sum((1, 2), keepdim=True).clamp_min(1e-30)).sum(0)
    weight = weight / weight.sum().clamp_min(1e-30)
    found = []
    for axis, length in enumerate(weight.shape):
        place = (torch.arange(length) + 0.5) / length - 0.5
        found.append(float((weight.sum(1 - axis) * place).sum().clamp(-0.5 / side, 0.5 / side)))
    return found[0], found[1]


def _needed(net: nets.Net) -> nn.Module:
    layer = stage(net)
    if layer is None:
        raise InputError(f"{type(net).__name__} has no convolutions on pictures, and no Grad-CAM")
    return layer
