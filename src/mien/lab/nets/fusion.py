"""Late fusion: what two nets say, one that sees pixels and one that sees landmarks.

Both are runs of their own and stay as they are. Their probabilities are multiplied, each to a power
of its own, and divided by the shares of the classes, which both have in them: Bayes' rule for two
witnesses who err independently, given the class (Kittler et al., "On combining classifiers", PAMI
1998). Nothing is learnt about how to mix them, for both have seen all training samples, and would
look better on those than they are. Only a temperature is fitted to the validation part, which
changes no decision. Where no landmarks were found, pixels speak alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...errors import InputError
from ..recipe import Recipe
from . import Given, Solved, Task, register
from .trained import trained

__all__ = ["Fusion", "Options"]

_MANY = 512  # samples at once
_LEAST = 1e-6  # probability
_TEMPERATURES = torch.linspace(-1.5, 1.5, 61).exp()


@dataclass(frozen=True)
class Options:
    """``[net]``.

    Attributes:
        runs: folders of two runs: of a net on pictures, then of one on landmarks.
        powers: of what the one and the other say.
        shares: divide by the shares of the classes among the training samples.
    """

    runs: tuple[str, ...]
    powers: tuple[float, ...] = (1.0, 1.0)
    shares: bool = True

    def __post_init__(self) -> None:
        if len(self.runs) != 2 or len(self.powers) != 2 or min(self.powers) <= 0:
            raise InputError(f"runs are two, and so are powers, above 0; got {self}")


@register("fusion", Options)
class Fusion(Solved):
    """See the module."""

    prior: Tensor
    temperature: Tensor

    def __init__(self, options: Options, task: Task) -> None:
        super().__init__(task)
        self.options = options
        self.pictures, self.points = (trained(run, task) for run in options.runs)
        if self.pictures.inputs != ("image",) or "image" in self.points.inputs:
            raise InputError(
                f"[net] runs: the first sees pictures alone and the second landmarks alone; "
                f"they see {self.pictures.inputs} and {self.points.inputs}"
            )
        # One needs aligned points to know whether there are any.
        self.inputs = ("image", *dict.fromkeys(("aligned", *self.points.inputs)))
        self.register_buffer("prior", torch.zeros(len(task.channels)))
        self.register_buffer("temperature", torch.ones(()))

    def forward(self, samples: Mapping[str, Tensor]) -> Tensor:
        """(n, classes), probabilities."""
        pictures = self.pictures(samples)
        found = (samples["aligned"] != 0).flatten(1).any(1, keepdim=True)
        return torch.where(found, self._together(pictures, self.points(samples)), pictures)

    def _together(self, pictures: Tensor, points: Tensor) -> Tensor:
        one, other = self.options.powers
        logs = one * _log(pictures) + other * _log(points) - self.prior
        return torch.softmax(logs / self.temperature, 1)

    def solve(
        self, learning: Given, checking: Given, recipe: Recipe, tell: Callable[[str], None]
    ) -> None:
        """See :class:`Solved`."""
        del recipe
        if self.options.shares:
            share = learning.target.mean(0)
            # Of a class that nobody was of there is no share to divide by.
            self.prior.copy_(torch.where(share > 0, _log(share), 0.0))
        tell("what both say of the validation part")
        parts = [
            {name: value[i : i + _MANY] for name, value in checking.inputs.items()}
            for i in range(0, len(checking.target), _MANY)
        ]
        one, other = (
            torch.cat([net(part) for part in parts]) for net in (self.pictures, self.points)
        )
        found = (checking.inputs["aligned"] != 0).flatten(1).any(1)
        if not found.any():
            raise InputError("no picture of the validation part has landmarks; there is no fusion")
        costs = []
        for temperature in _TEMPERATURES:
            self.temperature.copy_(temperature)
            said = self._together(one[found], other[found])
            costs.append(nn.functional.nll_loss(_log(said), checking.target[found].argmax(1)))
        self.temperature.copy_(_TEMPERATURES[int(torch.stack(costs).argmin())])


def _log(probabilities: Tensor) -> Tensor:
    return probabilities.clamp_min(_LEAST).log()
