"""The study's net on a cube of voxels: 3D convolutions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from ...errors import InputError
from ..representations.voxels import SIDE, occupancy, splat
from . import Task, register
from .classifier import Classifier, check_share

__all__ = ["Options"]


@dataclass(frozen=True)
class Options:
    """``[net]``.

    Attributes:
        cube: see :mod:`mien.lab.representations.voxels`.
        widths: features of the three convolutions.
        strided: the convolutions halve the cube themselves, which is an eighth of the work. Pooling
            by the largest value forgets where in two voxels a point was.
        dropout: before the last two layers.
    """

    cube: Literal["occupancy", "splat"] = "occupancy"
    widths: tuple[int, int, int] = (32, 64, 128)
    strided: bool = False
    dropout: float = 0.5

    def __post_init__(self) -> None:
        if min(self.widths) < 1:
            raise InputError(f"widths are 1 or more, got {self.widths}")
        check_share(dropout=self.dropout)


@register("voxel-cnn", Options)
class VoxelCnn(Classifier):
    """Convolutions (5, 5, 3), (3) and (3), each with batch norm and halving; 512, 256, 7.

    As the study's by default, which has 32, 64 and 128 of them.
    """

    inputs = ("aligned",)

    def __init__(self, options: Options, task: Task) -> None:
        super().__init__(task)
        self.cube = splat if options.cube == "splat" else occupancy
        layers: list[nn.Module] = []
        inside, sizes = 1, ((5, 5, 3), (3, 3, 3), (3, 3, 3))
        for outside, (x, y, z) in zip(options.widths, sizes, strict=True):
            step, around = 2 if options.strided else 1, (z // 2, y // 2, x // 2)
            layers += [
                nn.Conv3d(inside, outside, (z, y, x), step, around),
                nn.BatchNorm3d(outside), nn.ReLU(),
                nn.Identity() if options.strided else nn.MaxPool3d(2),
            ]  # fmt: skip
            inside = outside
        self.layers = nn.Sequential(
            *layers, nn.Flatten(), nn.Linear(inside * (SIDE // 8) ** 3, 512), nn.ReLU(),
            nn.Dropout(options.dropout), nn.Linear(512, 256), nn.ReLU(),
            nn.Dropout(options.dropout), nn.Linear(256, len(task.channels)),
        )  # fmt: skip

    def scores(self, samples: Mapping[str, Tensor]) -> Tensor:
        """See :class:`Classifier`."""
        cube = self.cube(samples["aligned"]).to(memory_format=torch.channels_last_3d)
        answer: Tensor = self.layers(cube)
        return answer
