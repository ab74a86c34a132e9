"""Convolutions on the face mesh, with pooling to coarser meshes: what the study did not achieve.

A vertex sees itself and how it differs from the mean of its neighbours (the umbrella Laplacian), as
in graph networks (Kipf and Welling, ICLR 2017; Hamilton et al., NIPS 2017). Unlike in those, every
face has the same mesh, so a vertex also has features of its own that are learnt: it may know that
it is a corner of the mouth. Pooling keeps the mean of a region and how far its vertices lie apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from ...errors import InputError
from ..representations.mesh import levels
from . import Task, register
from .classifier import Classifier, check_share

__all__ = ["Options"]


@dataclass(frozen=True)
class Options:
    """``[net]``.

    Attributes:
        sizes: vertices of the coarser meshes.
        width: features of a vertex of the finest mesh; they double with every pooling.
        own: features of a vertex that are learnt and do not depend on the face.
        dropout: after each pooling.
    """

    sizes: tuple[int, ...] = (120, 30)
    width: int = 32
    own: int = 8
    dropout: float = 0.3

    def __post_init__(self) -> None:
        falling = all(a > b for a, b in pairwise((478, *self.sizes)))
        if not self.sizes or not falling or min(self.sizes) < 2 or self.width < 1 or self.own < 0:
            raise InputError(f"sizes fall from 477 to 2, width is 1 or more; got {self}")
        check_share(dropout=self.dropout)


class _Convolution(nn.Module):
    """What a vertex becomes by itself and by its neighbours."""

    neighbours: Tensor

    def __init__(self, inside: int, outside: int, neighbours: Tensor) -> None:
        super().__init__()
        self.register_buffer("neighbours", neighbours, persistent=False)
        self.itself = nn.Linear(inside, outside)
        self.others = nn.Linear(inside, outside, bias=False)
        self.norm = nn.LayerNorm(outside)

    def forward(self, x: Tensor) -> Tensor:
        differs = torch.matmul(self.neighbours, x) - x
        return nn.functional.gelu(self.norm(self.itself(x) + self.others(differs)))


@register("mesh", Options)
class MeshNet(Classifier):
    """See the module."""

    inputs = ("aligned",)
    mean: Tensor
    scale: Tensor

    def __init__(self, options: Options, task: Task) -> None:
        super().__init__(task)
        self.register_buffer("mean", torch.zeros(478, 3))
        self.register_buffer("scale", torch.ones(478, 3))
        self.own = nn.Parameter(torch.randn(478, options.own) * 0.1)
        graphs = levels(options.sizes)
        self.convolutions = nn.ModuleList()
        inside = 3 + options.own
        for number, graph in enumerate(graphs):
            outside = options.width << number
            near = torch.from_numpy(graph.neighbours)
            self.convolutions.append(
                nn.Sequential(
                    _Convolution(inside, outside, near), _Convolution(outside, outside, near)
                )
            )
            self.register_buffer(f"pool{number}", torch.from_numpy(graph.pool), persistent=False)
            inside = 2 * outside
        self.dropout = nn.Dropout(options.dropout)
        last = options.sizes[-1] * (options.width << (len(graphs) - 1))
        self.leave = nn.Sequential(
            nn.Linear(last, 256), nn.GELU(), nn.Dropout(options.dropout),
            nn.Linear(256, len(task.channels)),
        )  # fmt: skip

    def fit(self, samples: Mapping[str, Tensor]) -> None:
        """Mean of each vertex, and one deviation for each axis of it."""
        deviation, mean = torch.std_mean(samples["aligned"].double(), 0, correction=0)
        self.mean.copy_(mean)
        self.scale.copy_(torch.where(deviation > 1e-3, 1 / deviation, 0.0))

    def scores(self, samples: Mapping[str, Tensor]) -> Tensor:
        """See :class:`Classifier`."""
        points = (samples["aligned"] - self.mean) * self.scale
        x = torch.cat([points, self.own.expand(points.shape[0], -1, -1)], 2)
        for number, convolution in enumerate(self.convolutions):
            x = convolution(x)
            if number + 1 < len(self.convolutions):
                pool = getattr(self, f"pool{number}")
                averaged = torch.matmul(pool, x)
                apart = (x - torch.matmul((pool > 0).to(x.dtype).T, averaged)).abs()
                x = self.dropout(torch.cat([averaged, torch.matmul(pool, apart)], 2))
        answer: Tensor = self.leave(x.flatten(1))
        return answer
