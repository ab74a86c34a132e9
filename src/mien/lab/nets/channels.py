"""A perceptron on what the expression heads say: ARKit's 52 channels and the ten coefficients.

Emotion from 62 numbers that have names. The heads are those that mien ships; they are part of the
net, and stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ...errors import InputError
from . import Task, register, standard
from .classifier import Classifier, check_share
from .mlp import residual_layers

__all__ = ["ChannelsMlp", "Options"]

_STILL = 1e-2
_WEIGHTS = Path(__file__).parents[2] / "weights"


@dataclass(frozen=True)
class Options:
    """``[net]``.

    Attributes:
        heads: names of heads that mien ships.
        hidden: width.
        depth: residual blocks.
        dropout: in each.
    """

    heads: tuple[str, ...] = ("arkit52", "morphable10")
    hidden: int = 192
    depth: int = 2
    dropout: float = 0.2

    def __post_init__(self) -> None:
        there = sorted(path.stem for path in _WEIGHTS.glob("*.onnx"))
        if not self.heads or not set(self.heads) <= set(there):
            raise InputError(f"heads are some of {', '.join(there)}; got {', '.join(self.heads)}")
        if self.hidden < 1 or self.depth < 0:
            raise InputError(f"hidden is 1 or more and depth 0 or more, got {self}")
        check_share(dropout=self.dropout)


@register("channels-mlp", Options)
class ChannelsMlp(Classifier):
    """See the module."""

    mean: Tensor
    scale: Tensor

    def __init__(self, options: Options, task: Task) -> None:
        super().__init__(task)
        from ..export import restored  # it builds nets itself

        before = torch.random.get_rng_state()  # a head is built with a seed of its own
        heads = [restored(_WEIGHTS / f"{name}.onnx") for name in options.heads]
        torch.random.set_rng_state(before)
        self.heads = nn.ModuleList(heads).requires_grad_(False)
        self.inputs = tuple(dict.fromkeys(name for head in heads for name in head.inputs))
        count, width = sum(len(head.task.channels) for head in heads), options.hidden
        self.register_buffer("mean", torch.zeros(count))
        self.register_buffer("scale", torch.ones(count))
        self.enter = nn.Linear(count, width)
        self.blocks = nn.ModuleList(
            residual_layers(width, options.dropout) for _ in range(options.depth)
        )
        self.leave = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, len(task.channels)))

    def train(self, mode: bool = True) -> ChannelsMlp:
        """The heads are never trained."""
        super().train(mode)
        self.heads.eval()
        return self

    def fit(self, samples: Mapping[str, Tensor]) -> None:
        """Mean and standard deviation of each channel."""
        # A channel that the head leaves dead says nothing, and one that hardly moves no more.
        standard.learn(self.mean, self.scale, self._said(samples), _STILL)

    def scores(self, samples: Mapping[str, Tensor]) -> Tensor:
        """See :class:`Classifier`."""
        x = self.enter((self._said(samples) - self.mean) * self.scale)
        for block in self.blocks:
            x = x + block(x)
        answer: Tensor = self.leave(x)
        return answer

    def _said(self, samples: Mapping[str, Tensor]) -> Tensor:
        return torch.cat([head(samples) for head in self.heads], 1)
