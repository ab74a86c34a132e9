"""Nets on the lengths of the mesh's edges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ...errors import InputError
from ...topology import EDGES
from ..representations.edges import directed_edges, lengths
from . import Task, register, standard
from .classifier import Classifier, check_share
from .mlp import residual_layers

__all__ = ["CnnOptions", "MlpOptions"]


class _EdgeNet(Classifier):
    """Lengths in standard deviations of each edge."""

    inputs = ("aligned",)
    edges: Tensor
    mean: Tensor
    scale: Tensor

    def __init__(self, task: Task, doubled: bool) -> None:
        super().__init__(task)
        edges = directed_edges() if doubled else EDGES.astype(np.int64)
        self.register_buffer("edges", torch.from_numpy(edges))
        self.register_buffer("mean", torch.zeros(len(edges)))
        self.register_buffer("scale", torch.ones(len(edges)))

    def fit(self, samples: Mapping[str, Tensor]) -> None:
        """Mean and standard deviation of each length."""
        values = lengths(samples["aligned"], self.edges)
        standard.learn(self.mean, self.scale, values, 1e-4)

    def standardised(self, samples: Mapping[str, Tensor]) -> Tensor:
        return (lengths(samples["aligned"], self.edges) - self.mean) * self.scale


@dataclass(frozen=True)
class CnnOptions:
    """``[net]`` of the study's distance net.

    Attributes:
        doubled: the study's 2,626 links instead of the 1,330 edges.
        dropout: before the last two layers.
    """

    doubled: bool = False
    dropout: float = 0.3

    def __post_init__(self) -> None:
        check_share(dropout=self.dropout)


@register("edge-cnn", CnnOptions)
class EdgeCnn(_EdgeNet):
    """Convolutions 32, 64, 128 over the numbering of the edges, dense 256, 128, 7."""

    def __init__(self, options: CnnOptions, task: Task) -> None:
        super().__init__(task, options.doubled)
        layers: list[nn.Module] = []
        for inside, outside in ((1, 32), (32, 64), (64, 128)):
            layers += [
                nn.Conv1d(inside, outside, 3, padding=1), nn.BatchNorm1d(outside), nn.ReLU(),
                nn.MaxPool1d(2),
            ]  # fmt: skip
        self.layers = nn.Sequential(
            *layers, nn.Flatten(), nn.Linear(128 * (len(self.edges) // 8), 256), nn.ReLU(),
            nn.Dropout(options.dropout), nn.Linear(256, 128), nn.ReLU(),
            nn.Dropout(options.dropout), nn.Linear(128, len(task.channels)),
        )  # fmt: skip

    def scores(self, samples: Mapping[str, Tensor]) -> Tensor:
        """See :class:`Classifier`."""
        answer: Tensor = self.layers(self.standardised(samples)[:, None])
        return answer


@dataclass(frozen=True)
class MlpOptions:
    """``[net]`` of our perceptron on lengths.

    Attributes:
        hidden: width.
        depth: residual blocks.
        dropout: in each.
    """

    hidden: int = 384
    depth: int = 2
    dropout: float = 0.4

    def __post_init__(self) -> None:
        if self.hidden < 1 or self.depth < 0:
            raise InputError(f"hidden is 1 or more and depth 0 or more, got {self}")
        check_share(dropout=self.dropout)


@register("edge-mlp", MlpOptions)
class EdgeMlp(_EdgeNet):
    """A residual perceptron: an edge has a meaning, its neighbour in the numbering has none."""

    def __init__(self, options: MlpOptions, task: Task) -> None:
        super().__init__(task, doubled=False)
        width = options.hidden
        self.enter = nn.Sequential(
            nn.Dropout(options.dropout / 2), nn.Linear(len(self.edges), width)
        )
        self.blocks = nn.ModuleList(
            residual_layers(width, options.dropout) for _ in range(options.depth)
        )
        self.leave = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, len(task.channels)))

    def scores(self, samples: Mapping[str, Tensor]) -> Tensor:
        """See :class:`Classifier`."""
        x = self.enter(self.standardised(samples))
        for block in self.blocks:
            x = x + block(x)
        answer: Tensor = self.leave(x)
        return answer
