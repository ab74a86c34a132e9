"""Nets of the study on the 478 points themselves, and a small transformer of ours.

The study scales every face to the cube by its own extent and feeds the points in order. Its
convolutional net runs over the *numbering* of the points; in its code the coordinates were moved to
the channels by a reshape where a transpose was meant, which mixes them (``scrambled``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from ...errors import InputError
from ..representations.mesh import levels
from . import Task, register, standard
from .classifier import Classifier, check_share

__all__ = ["CnnOptions", "MlpOptions", "TransformerOptions"]

_POINTS = 478


def _scaled(points: Tensor) -> Tensor:
    """Every axis from -1 to 1, by the face's own extent."""
    low, high = points.amin(1, keepdim=True), points.amax(1, keepdim=True)
    return 2 * (points - low) / (high - low).clamp_min(1e-9) - 1


@dataclass(frozen=True)
class MlpOptions:
    """``[net]`` of the study's perceptron.

    Attributes:
        widths: of the dense layers.
        dropout: after each.
    """

    widths: tuple[int, ...] = (1024, 500, 100)
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if min(self.widths, default=0) < 1:
            raise InputError(f"widths are 1 or more, got {self.widths}")
        check_share(dropout=self.dropout)


@register("point-mlp", MlpOptions)
class PointMlp(Classifier):
    """Dense 1024, 500, 100, 7."""

    inputs = ("aligned",)

    def __init__(self, options: MlpOptions, task: Task) -> None:
        super().__init__(task)
        widths = (3 * _POINTS, *options.widths)
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(options.dropout)]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], len(task.channels)))

    def scores(self, samples: Mapping[str, Tensor]) -> Tensor:
        """See :class:`Classifier`."""
        answer: Tensor = self.layers(_scaled(samples["aligned"]).flatten(1))
        return answer


@dataclass(frozen=True)
class CnnOptions:
    """``[net]`` of the study's convolutional net.

    Attributes:
        dropout: after each pooling; twice as much before the last layer.
        scrambled: move the coordinates to the channels as the study's code did.
    """

    dropout: float = 0.25
    scrambled: bool = False

    def __post_init__(self) -> None:
        check_share(dropout=2 * self.dropout)


@register("point-cnn", CnnOptions)
class PointCnn(Classifier):
    """Six convolutions of width 3 over the numbering of the points."""

    inputs = ("aligned",)

    def __init__(self, options: CnnOptions, task: Task) -> None:
        super().__init__(task)
        self.options = options
        layers: list[nn.Module] = []
        for stage, (before, first, second) in enumerate(
            ((3, 32, 64), (64, 128, 128), (128, 256, 256))
        ):
            for inside, outside in ((before, first), (first, second)):
                layers += [
                    nn.Conv1d(inside, outside, 3, padding=1), nn.BatchNorm1d(outside),
                    nn.LeakyReLU(),
                ]  # fmt: skip
            layers += [nn.MaxPool1d(2)] if stage < 2 else []
            layers += [nn.Dropout(options.dropout)]
        self.layers = nn.Sequential(
            *layers, nn.Flatten(), nn.Linear(256 * (_POINTS // 4), 256), nn.BatchNorm1d(256),
            nn.LeakyReLU(), nn.Dropout(2 * options.dropout), nn.Linear(256, len(task.channels)),
        )  # fmt: skip

    def scores(self, samples: Mapping[str, Tensor]) -> Tensor:
        """See :class:`Classifier`."""
        points = _scaled(samples["aligned"])
        mixed = self.options.scrambled
        channels = points.reshape(-1, 3, _POINTS) if mixed else points.transpose(1, 2)
        answer: Tensor = self.layers(channels)
        return answer


@dataclass(frozen=True)
class TransformerOptions:
    """``[net]`` of the transformer.

    Attributes:
        tokens: regions of the mesh that the points are gathered into.
        width: of a token.
        heads: of attention.
        depth: how many layers.
        dropout: in each.
    """

    tokens: int = 48
    width: int = 96
    heads: int = 4
    depth: int = 3
    dropout: float = 0.1

    def __post_init__(self) -> None:
        if not 1 < self.tokens < _POINTS or self.width % self.heads or self.depth < 1:
            raise InputError(
                f"tokens are 2..477, width is a multiple of heads, depth is 1 or more; got {self}"
            )
        check_share(dropout=self.dropout)


@register("point-transformer", TransformerOptions)
class PointTransformer(Classifier):
    """Attention among regions of the face; a token of its own gathers the answer."""

    inputs = ("aligned",)
    mean: Tensor
    scale: Tensor
    mask: Tensor

    def __init__(self, options: TransformerOptions, task: Task) -> None:
        super().__init__(task)
        region = torch.from_numpy(levels((options.tokens,))[0].pool) > 0  # (tokens, points)
        self.register_buffer("mask", region.repeat_interleave(3, 1), persistent=False)
        self.register_buffer("mean", torch.zeros(_POINTS, 3))
        self.register_buffer("scale", torch.ones(_POINTS, 3))
        # Every region has a projection of its own points.
        self.enter = nn.Parameter(torch.randn(options.tokens, 3 * _POINTS, options.width) * 0.1)
        self.place = nn.Parameter(torch.randn(options.tokens + 1, options.width) * 0.02)
        layer = nn.TransformerEncoderLayer(
            options.width, options.heads, 3 * options.width, options.dropout, "gelu",
            batch_first=True, norm_first=True,
        )  # fmt: skip
        self.layers = nn.TransformerEncoder(layer, options.depth, enable_nested_tensor=False)
        self.leave = nn.Sequential(
            nn.LayerNorm(options.width), nn.Linear(options.width, len(task.channels))
        )

    def fit(self, samples: Mapping[str, Tensor]) -> None:
        """Mean and standard deviation of each coordinate."""
        standard.learn(self.mean, self.scale, samples["aligned"])

    def scores(self, samples: Mapping[str, Tensor]) -> Tensor:
        """See :class:`Classifier`."""
        points = ((samples["aligned"] - self.mean) * self.scale).flatten(1)
        enter = self.enter * self.mask[:, :, None]
        tokens = torch.einsum("np,tpw->ntw", points, enter)
        first = self.place[:1].expand(points.shape[0], 1, -1)
        seen = self.layers(torch.cat([first, tokens + self.place[1:]], 1))
        answer: Tensor = self.leave(seen[:, 0])
        return answer
