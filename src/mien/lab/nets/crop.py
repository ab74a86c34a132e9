"""An experiment: the aligned grey crop of a face together with its landmarks.

FaceMesh's points see brows, squints and cheeks weakly, pixels do not. A small residual
convolutional net looks at the crop (``extra``, see :mod:`mien.lab.datasets.crops`); what it sees
joins what a linear layer makes of the aligned points.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...errors import InputError
from . import Net, Task, register, standard

__all__ = ["CropNet", "Options"]

_SIDE = 112


@dataclass(frozen=True)
class Options:
    """What a recipe can say under ``[net]``.

    Attributes:
        width: channels after the first convolution; they double twice.
        hidden: width of the layers in which pixels and points meet.
        dropout: there, while it is trained.
        light: while it is trained, contrast and brightness of a crop change by about this share.
        landmarks: look at the points too; without them the crop is alone.
    """

    width: int = 24
    hidden: int = 384
    dropout: float = 0.1
    light: float = 0.2
    landmarks: bool = True

    def __post_init__(self) -> None:
        for name in ("width", "hidden"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is 1 or more, got {getattr(self, name)}")
        if not 0 <= self.dropout < 1 or not 0 <= self.light < 1:
            raise InputError(f"dropout and light are in 0..1, 1 excluded, got {self}")


class _Residual(nn.Module):
    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(inside, outside, 3, stride, 1, bias=False), nn.BatchNorm2d(outside),
            nn.ReLU(inplace=True),
            nn.Conv2d(outside, outside, 3, 1, 1, bias=False), nn.BatchNorm2d(outside),
        )  # fmt: skip
        self.short = nn.Sequential(nn.AvgPool2d(stride), nn.Conv2d(inside, outside, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.short(x) + self.layers(x))


@register("crop", Options)
class CropNet(Net):
    """See the module."""

    mean: Tensor
    scale: Tensor

    def __init__(self, options: Options, task: Task) -> None:
        super().__init__(task)
        if task.extra != _SIDE * _SIDE:
            raise InputError(
                f"[net] crop looks at crops of {_SIDE} x {_SIDE}, and these data have {task.extra} "
                "extra numbers; give its sources the option crop = true"
            )
        self.options = options
        self.inputs = ("aligned", "rotation", "extra") if options.landmarks else ("extra",)
        one, size = options.width, 478 * 3 + 9
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("scale", torch.ones(size))
        self.look = nn.Sequential(
            nn.Conv2d(1, one, 5, 2, 2, bias=False), nn.BatchNorm2d(one), nn.ReLU(inplace=True),
            _Residual(one, one, 2), _Residual(one, 2 * one, 2), _Residual(2 * one, 4 * one, 2),
            nn.Flatten(), nn.Linear(4 * one * 49, options.hidden), nn.LayerNorm(options.hidden),
        )  # fmt: skip
        if options.landmarks:
            self.enter = nn.Sequential(
                nn.Linear(size, options.hidden), nn.LayerNorm(options.hidden)
            )
        self.meet = nn.Sequential(
            nn.GELU(), nn.Dropout(options.dropout),
            nn.Linear(options.hidden, options.hidden), nn.GELU(), nn.Dropout(options.dropout),
            nn.Linear(options.hidden, len(task.channels)),
        )  # fmt: skip

    def fit(self, samples: Mapping[str, Tensor]) -> None:
        """Mean and standard deviation of each coordinate."""
        if self.options.landmarks:
            standard.learn(self.mean, self.scale, self._points(samples))

    def forward(self, samples: Mapping[str, Tensor]) -> Tensor:
        """(n, channels), 0..1."""
        image = samples["extra"].reshape(-1, 1, _SIDE, _SIDE)
        # Each crop by its own light, so that a dark picture is no other face.
        middle = image.mean((2, 3), keepdim=True)
        spread = (image - middle).square().mean((2, 3), keepdim=True).sqrt()
        image = (image - middle) / (spread + 0.02)
        if self.training and self.options.light:
            gain, shift = torch.randn(2, len(image), 1, 1, 1, device=image.device)
            image = image * (1 + self.options.light * gain) + self.options.light * shift
        seen = self.look(image)
        if self.options.landmarks:
            seen = seen + self.enter((self._points(samples) - self.mean) * self.scale)
        return torch.sigmoid(self.meet(seen)) * self.live

    def _points(self, samples: Mapping[str, Tensor]) -> Tensor:
        return torch.cat([samples["aligned"].flatten(1), samples["rotation"].flatten(1)], 1)
