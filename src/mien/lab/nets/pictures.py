"""Convolutional nets on the grey picture of a tight crop, for the classes of emotion.

* ``cnn``: the 2D CNN of the study that mien continues, layer by layer: three times two or three
  convolutions of 3x3 with batch norm, ReLU, pooling and dropout, then two dense layers.
* ``residual``: ours. Pre-activation residual blocks (He et al., "Identity mappings in deep residual
  networks", ECCV 2016) that go down to 24 pixels at once, where most of the time would be spent,
  squeeze-and-excitation (Hu et al., CVPR 2018) in each, and global average pooling.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...errors import InputError
from . import Task, register
from .classifier import Classifier, check_share
from .light import Light, relative

__all__ = ["CnnOptions", "PictureNet", "ResidualOptions"]


class PictureNet(Classifier):
    """What nets on pictures have in common: light is taken off."""

    inputs = ("image",)

    def __init__(self, task: Task, normalise: Light = "standard") -> None:
        super().__init__(task)
        self.normalise = normalise

    def scores(self, samples: Mapping[str, Tensor]) -> Tensor:
        """(n, classes), before the softmax."""
        # Each picture by its own light, so that a dark one is no other face.
        image = relative(samples["image"].float()[:, None], self.normalise)
        return self.look(image.to(memory_format=torch.channels_last))

    def look(self, image: Tensor) -> Tensor:
        """(n, classes) of (n, 1, height, width), before the softmax."""
        raise NotImplementedError


def _channels_last(net: nn.Module) -> None:
    """Lay the weights out as convolutions on a CPU like them best."""
    for value in net.parameters():
        if value.ndim == 4:
            value.data = value.data.contiguous(memory_format=torch.channels_last)


@dataclass(frozen=True)
class CnnOptions:
    """What a recipe can say under ``[net]``.

    Attributes:
        dropout: after each pooling, while it is trained; twice as much before the last layer.
        normalise: how light is taken off: by the picture's mean and deviation, by its darkest and
            brightest pixel, or by the mean of what is around each pixel.
    """

    dropout: float = 0.25
    normalise: Light = "standard"

    def __post_init__(self) -> None:
        check_share(dropout=2 * self.dropout)


@register("cnn", CnnOptions)
class Cnn(PictureNet):
    """The study's 2D CNN."""

    def __init__(self, options: CnnOptions, task: Task) -> None:
        super().__init__(task, options.normalise)
        widths = ((1, 32, 64), (64, 128, 128), (128, 256, 256))
        layers: list[nn.Module] = []
        for before, first, second in widths:
            for inside, outside in ((before, first), (first, second)):
                layers += [
                    nn.Conv2d(inside, outside, 3, padding=1), nn.BatchNorm2d(outside), nn.ReLU()
                ]  # fmt: skip
            layers += [nn.MaxPool2d(2), nn.Dropout(options.dropout)]
        self.layers = nn.Sequential(
            *layers, nn.Flatten(), nn.Linear(9216, 256), nn.BatchNorm1d(256), nn.ReLU(),
            nn.Dropout(2 * options.dropout), nn.Linear(256, len(task.channels)),
        )  # fmt: skip
        _channels_last(self.layers)

    def look(self, image: Tensor) -> Tensor:
        """See :class:`PictureNet`."""
        answer: Tensor = self.layers(image)
        return answer


@dataclass(frozen=True)
class ResidualOptions:
    """What a recipe can say under ``[net]``.

    Attributes:
        width: channels at 24 pixels; they double at 12 and at 6.
        blocks: residual blocks at each size.
        dropout: before the last layer.
        skip: probability that a block is left out while it is trained, growing with depth up to
            this (Huang et al., "Deep networks with stochastic depth", ECCV 2016).
        normalise: as in ``cnn``.
    """

    width: int = 64
    blocks: int = 2
    dropout: float = 0.3
    skip: float = 0.1
    normalise: Light = "standard"

    def __post_init__(self) -> None:
        if self.width < 1 or self.blocks < 1:
            raise InputError(f"width and blocks are 1 or more, got {self}")
        check_share(dropout=self.dropout, skip=self.skip)


class _Block(nn.Module):
    def __init__(self, inside: int, outside: int, stride: int, skip: float) -> None:
        super().__init__()
        self.skip = skip
        self.ready = nn.Sequential(nn.BatchNorm2d(inside), nn.ReLU())
        self.layers = nn.Sequential(
            nn.Conv2d(inside, outside, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outside), nn.ReLU(),
            nn.Conv2d(outside, outside, 3, 1, 1, bias=False),
        )  # fmt: skip
        self.attend = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(outside, outside // 8, 1), nn.ReLU(),
            nn.Conv2d(outside // 8, outside, 1), nn.Sigmoid(),
        )  # fmt: skip
        self.short: nn.Module = nn.Identity()
        if stride > 1 or inside != outside:
            self.short = nn.Sequential(
                nn.AvgPool2d(stride), nn.Conv2d(inside, outside, 1, bias=False)
            )

    def forward(self, x: Tensor) -> Tensor:
        ready = self.ready(x)
        short = self.short(ready) if not isinstance(self.short, nn.Identity) else x
        change: Tensor = self.layers(ready)
        change = change * self.attend(change)
        if self.training and self.skip:
            kept = torch.rand(len(x), 1, 1, 1, device=x.device) >= self.skip
            change = change * kept / (1 - self.skip)
        answer: Tensor = short + change
        return answer


@register("residual", ResidualOptions)
class Residual(PictureNet):
    """Ours; see the module."""

    def __init__(self, options: ResidualOptions, task: Task) -> None:
        super().__init__(task, options.normalise)
        one, total = options.width, 3 * options.blocks
        blocks: list[nn.Module] = []
        inside = one // 2
        for stage in range(3):
            for number in range(options.blocks):
                outside, depth = one << stage, (stage * options.blocks + number + 1) / total
                stride = 2 if number == 0 else 1
                blocks.append(_Block(inside, outside, stride, options.skip * depth))
                inside = outside
        self.layers = nn.Sequential(
            nn.Conv2d(1, one // 2, 3, 1, 1, bias=False), *blocks,
            nn.BatchNorm2d(inside), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
            nn.Dropout(options.dropout), nn.Linear(inside, len(task.channels)),
        )  # fmt: skip
        _channels_last(self.layers)

    def look(self, image: Tensor) -> Tensor:
        """See :class:`PictureNet`."""
        answer: Tensor = self.layers(image)
        return answer
