"""Convolutions on the face mesh, with pooling to coarser meshes: what the study did not achieve.

A convolution sees a vertex and those around it in an order that is fixed (SpiralNet++: Gong et al.,
ICCV workshops 2019), with weights of its own for each place in that order. Every face has the same
mesh, so a vertex also has a bias of its own: it may know that it is a corner of the mouth. The
first convolution goes straight to the vertices of the first coarser mesh, as one with a stride does
in a picture. From then on pooling keeps the mean of a region and how far its vertices lie apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn

from ...arrays import Array, Int
from ...errors import InputError
from ..representations.mesh import around, levels
from . import Task, register, standard
from .classifier import Classifier, check_share
from .mlp import residual_layers

__all__ = ["Options"]


@dataclass(frozen=True)
class Options:
    """``[net]``.

    Attributes:
        sizes: vertices of the coarser meshes.
        width: features of a vertex of the first coarser mesh; they double with every pooling.
        first: vertices that the first convolution sees.
        near: vertices that the others see.
        rotation: also look at the head's rotation.
        hidden: width of the blocks of a perceptron on the coarsest mesh.
        depth: how many of them.
        dropout: before each block, and in it.
    """

    sizes: tuple[int, ...] = (120, 30)
    width: int = 32
    first: int = 16
    near: int = 9
    rotation: bool = False
    hidden: int = 384
    depth: int = 2
    dropout: float = 0.3

    def __post_init__(self) -> None:
        falling = all(a > b for a, b in pairwise((478, *self.sizes)))
        if not self.sizes or not falling or min(self.sizes) < 2:
            raise InputError(f"sizes fall from 477 to 2, got {list(self.sizes)}")
        if not (1 <= self.near <= self.sizes[-1] and 1 <= self.first <= 478):
            raise InputError(
                f"near is 1..{self.sizes[-1]}, the coarsest mesh, and first is 1..478; "
                f"got {self.near} and {self.first}"
            )
        for name, least in (("width", 1), ("hidden", 1), ("depth", 0)):
            if getattr(self, name) < least:
                raise InputError(f"{name} is {least} or more, got {getattr(self, name)}")
        check_share(dropout=self.dropout)


class _Convolution(nn.Module):
    """What vertices become by those around them; (n, faces, inside) to (m, faces, outside).

    Vertices come first, so that the features of one, of all faces, are gathered in one piece.
    """

    around: Tensor

    def __init__(
        self, inside: int, outside: int, around: Int[Array, "m k"], *, raw: bool = False
    ) -> None:
        super().__init__()
        self.vertices, self.near = around.shape
        self.register_buffer("around", torch.from_numpy(around).flatten(), persistent=False)
        self.gain = None if raw else nn.Parameter(torch.ones(inside))
        self.weight = nn.Linear(self.near * inside, outside)
        self.own = nn.Parameter(torch.zeros(self.vertices, 1, outside))
        self.adds = inside == outside and not raw

    def forward(self, x: Tensor) -> Tensor:
        seen = x if self.gain is None else _standard(x) * self.gain
        faces = x.shape[1]
        seen = seen.index_select(0, self.around).view(self.vertices, self.near, faces, -1)
        seen = seen.transpose(1, 2).reshape(self.vertices, faces, -1)
        answer = nn.functional.gelu(self.weight(seen) + self.own)
        return x + answer if self.adds else answer


class _Pooling(nn.Module):
    """Mean of each region, and the mean distance from it; features double."""

    pool: Tensor

    def __init__(self, pool: Array) -> None:
        super().__init__()
        self.register_buffer("pool", torch.from_numpy(pool), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        mean = self._mean(x)
        back = (self.pool > 0).to(x.dtype).T @ mean.flatten(1)
        return torch.cat([mean, self._mean((x - back.view_as(x)).abs())], 2)

    def _mean(self, x: Tensor) -> Tensor:
        return (self.pool.to(x.dtype) @ x.flatten(1)).view(-1, *x.shape[1:])


@register("mesh", Options)
class MeshNet(Classifier):
    """See the module."""

    mean: Tensor
    scale: Tensor

    def __init__(self, options: Options, task: Task) -> None:
        super().__init__(task)
        self.inputs = ("aligned", "rotation") if options.rotation else ("aligned",)
        self.register_buffer("mean", torch.zeros(478, 3))
        self.register_buffer("scale", torch.ones(478, 3))
        finest, *coarser = levels(options.sizes)
        width = options.width
        start = around(finest, options.first, finest.chosen)
        layers: list[nn.Module] = [_Convolution(3, width, start, raw=True)]
        for number, level in enumerate(coarser):
            if number:
                layers.append(_Pooling(coarser[number - 1].pool))
                width *= 2
            layers.append(_Convolution(width, width, around(level, options.near)))
        self.layers = nn.Sequential(*layers)
        self.size = options.sizes[-1] * width
        last = self.size + (9 if options.rotation else 0)
        self.enter = nn.Sequential(nn.Dropout(options.dropout), nn.Linear(last, options.hidden))
        self.blocks = nn.ModuleList(
            residual_layers(options.hidden, options.dropout) for _ in range(options.depth)
        )
        self.leave = nn.Sequential(
            nn.LayerNorm(options.hidden), nn.Linear(options.hidden, len(task.channels))
        )

    def fit(self, samples: Mapping[str, Tensor]) -> None:
        """Mean of each vertex, and one deviation for each axis of it."""
        standard.learn(self.mean, self.scale, samples["aligned"])

    def scores(self, samples: Mapping[str, Tensor]) -> Tensor:
        """See :class:`Classifier`."""
        points = (samples["aligned"] - self.mean) * self.scale
        x = self.layers(points.transpose(0, 1)).transpose(0, 1).flatten(1)
        x = nn.functional.layer_norm(x, (self.size,))
        if "rotation" in self.inputs:
            x = torch.cat([x, samples["rotation"].flatten(1)], 1)
        x = self.enter(x)
        for block in self.blocks:
            x = x + block(x)
        return cast(Tensor, self.leave(x))


def _standard(x: Tensor) -> Tensor:
    """All features of a face together get mean 0 and deviation 1: vertices stay comparable."""
    mean = x.mean((0, 2), keepdim=True)
    spread = x.var((0, 2), keepdim=True, correction=0)
    return (x - mean) * torch.rsqrt(spread + 1e-5)
