"""MobileNet-V1: depthwise-separable convolutions for pictures of 120 x 120 pixels.

Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications"
(2017). Layers carry the names that 3DDFA_V2 (Guo et al., ECCV 2020; MIT licence) gave them, so that
its published weights load strictly; the code is ours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import cast

from torch import Tensor, nn

__all__ = ["MobileNet", "without_prefix"]

_BLOCKS = (
    # name, channels at width 1, stride
    ("dw2_1", 64, 1), ("dw2_2", 128, 2),
    ("dw3_1", 128, 1), ("dw3_2", 256, 2),
    ("dw4_1", 256, 1), ("dw4_2", 512, 2),
    ("dw5_1", 512, 1), ("dw5_2", 512, 1), ("dw5_3", 512, 1),
    ("dw5_4", 512, 1), ("dw5_5", 512, 1), ("dw5_6", 1024, 2),
    ("dw6", 1024, 1),
)  # fmt: skip


class _Separable(nn.Module):
    """A 3 x 3 convolution of each channel by itself, then one across channels."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.conv_dw = nn.Conv2d(inside, inside, 3, stride, 1, groups=inside, bias=False)
        self.bn_dw = nn.BatchNorm2d(inside)
        self.conv_sep = nn.Conv2d(inside, outside, 1, bias=False)
        self.bn_sep = nn.BatchNorm2d(outside)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn_dw(self.conv_dw(x)))
        return cast(Tensor, self.relu(self.bn_sep(self.conv_sep(x))))


class MobileNet(nn.Module):
    """Pictures to parameters, and to landmarks while it is trained.

    Args:
        width: multiplier of all channel counts; 3DDFA_V2 publishes 1 and 0.5.
        outputs: how many parameters.
        landmarks: how many landmark coordinates the second head gives, 0 for none. It is the
            landmark-regression regularisation of 3DDFA_V2: its loss is added in training, and
            nothing asks for it afterwards.
    """

    def __init__(self, width: float = 0.5, outputs: int = 62, landmarks: int = 136) -> None:
        super().__init__()
        inside = int(32 * width)
        self.conv1 = nn.Conv2d(3, inside, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inside)
        self.relu = nn.ReLU(inplace=True)
        for name, channels, stride in _BLOCKS:
            outside = int(channels * width)
            self.add_module(name, _Separable(inside, outside, stride))
            inside = outside
        self.fc_param = nn.Linear(inside, outputs)
        self.fc_lm = nn.Linear(inside, landmarks) if landmarks else None
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                fan = math.prod(module.kernel_size) * module.out_channels
                nn.init.normal_(module.weight, 0.0, math.sqrt(2.0 / fan))

    def features(self, x: Tensor) -> Tensor:
        """(n, 3, h, w) to (n, 1024 * width): what both heads read."""
        x = self.relu(self.bn1(self.conv1(x)))
        for name, _, _ in _BLOCKS:
            x = self.get_submodule(name)(x)
        return x.mean(dim=(2, 3))

    def forward(self, x: Tensor) -> Tensor:
        """Parameters, (n, outputs), of pictures (n, 3, h, w)."""
        return cast(Tensor, self.fc_param(self.features(x)))

    def with_landmarks(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Parameters (n, outputs) and landmark coordinates (n, landmarks), for training.

        Raises:
            ValueError: the net was made without landmarks.
        """
        if self.fc_lm is None:
            raise ValueError("this net was made with landmarks=0; make it with landmarks=136")
        x = self.features(x)
        return self.fc_param(x), self.fc_lm(x)


def without_prefix(state: Mapping[str, Tensor], prefix: str = "module.") -> dict[str, Tensor]:
    """Weights saved from a net on several devices, named as those of the net alone."""
    return {name.removeprefix(prefix): value for name, value in state.items()}
