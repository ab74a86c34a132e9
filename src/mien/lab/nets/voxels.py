"""The study's net on a cube of voxels: 3D convolutions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from ..representations.voxels import SIDE, occupancy, splat
from . import Task, register
from .classifier import Classifier, check_share

__all__ = ["Options"]


@dataclass(frozen=True)
class Options:
    """``[net]``.

    Attributes:
        cube: see :mod:`mien.lab.representations.voxels`.
        dropout: before the last two layers.
    """

    cube: Literal["occupancy", "splat"] = "occupancy"
    dropout: float = 0.5

    def __post_init__(self) -> None:
        check_share(dropout=self.dropout)


@register("voxel-cnn", Options)
class VoxelCnn(Classifier):
    """Convolutions 32 (5, 5, 3), 64 and 128 (3), each with batch norm and pooling; 512, 256, 7."""

    inputs = ("aligned",)

    def __init__(self, options: Options, task: Task) -> None:
        super().__init__(task)
        self.cube = splat if options.cube == "splat" else occupancy
        layers: list[nn.Module] = []
        shapes = ((1, 32, (5, 5, 3)), (32, 64, (3, 3, 3)), (64, 128, (3, 3, 3)))
        for inside, outside, (x, y, z) in shapes:
            layers += [
                nn.Conv3d(inside, outside, (z, y, x), padding=(z // 2, y // 2, x // 2)),
                nn.BatchNorm3d(outside), nn.ReLU(), nn.MaxPool3d(2),
            ]  # fmt: skip
        self.layers = nn.Sequential(
            *layers, nn.Flatten(), nn.Linear(128 * (SIDE // 8) ** 3, 512), nn.ReLU(),
            nn.Dropout(options.dropout), nn.Linear(512, 256), nn.ReLU(),
            nn.Dropout(options.dropout), nn.Linear(256, len(task.channels)),
        )  # fmt: skip

    def scores(self, samples: Mapping[str, Tensor]) -> Tensor:
        """See :class:`Classifier`."""
        cube = self.cube(samples["aligned"]).to(memory_format=torch.channels_last_3d)
        answer: Tensor = self.layers(cube)
        return answer
