"""The expression head of the system that we continue, as it was.

"Real-Time 3D Facial Expression Retargeting Using Dense Landmark-Based Regression": 478 landmarks as
they lie in the picture, in pixels and not aligned, through five layers to ten coefficients.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from ...errors import InputError
from . import Net, Task, register

__all__ = ["ExpressionHead", "Options"]


@dataclass(frozen=True)
class Options:
    """The head has none but one.

    Attributes:
        extra: add the further inputs of the data, as a variant in its README does with 52 pose and
            shape parameters of 3DDFA.
    """

    extra: bool = False


@register("expression_head", Options)
class ExpressionHead(Net):
    """``1434 -> 512 -> 256 -> 256 -> 128 -> outputs``; batch norm thrice, dropout twice."""

    def __init__(self, options: Options, task: Task) -> None:
        super().__init__(task)
        if options.extra and not task.extra:
            raise InputError("[net] extra: the data have no extra inputs; leave it false")
        self.inputs = ("pixels", "extra") if options.extra else ("pixels",)
        size = 478 * 3 + (task.extra if options.extra else 0)
        self.layers = nn.Sequential(
            nn.Linear(size, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Dropout(0.2),
            nn.Linear(512, 256), nn.BatchNorm1d(256), nn.ReLU(), nn.Dropout(0.2),
            nn.Linear(256, 256), nn.BatchNorm1d(256), nn.ReLU(),
            nn.Linear(256, 128), nn.ReLU(),
            nn.Linear(128, len(task.channels)),
        )  # fmt: skip

    def forward(self, samples: Mapping[str, Tensor]) -> Tensor:
        """Coefficients of landmarks in pixels; what was never taught is 0."""
        x = torch.cat([samples[name].flatten(1) for name in self.inputs], 1)
        return cast(Tensor, self.layers(x) * self.live)
