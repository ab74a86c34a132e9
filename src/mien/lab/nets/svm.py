"""Support vector machines on histograms of gradients, or on what another net has learnt to see.

The features are part of the net, so that one file turns a grey picture into probabilities.
scikit-learn solves the machines; here their decision functions are written down again. Those become
probabilities by a softmax with a temperature (Guo et al., ICML 2017); of one-against-one machines
the logarithms of ``sigmoid(slope d)`` are added up for each class first, votes that know how sure
they are (after Platt, 1999). Temperature and slope are fitted to the validation part: two numbers
that the machines themselves know nothing of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Literal

import numpy as np
import torch
from scipy import optimize
from torch import Tensor, nn

from ...arrays import Array
from ...errors import InputError
from ..classic.machines import Pairs, Planes, linear, radial
from ..recipe import Recipe
from ..representations.hog import hog, length
from . import Given, Solved, Task, register
from .light import Light, relative
from .trained import Penultimate, trained

__all__ = ["Options", "Svm"]

_MANY = 512  # samples at once
_SIDE = 48
_NEVER = -1e4  # score of a class that no sample was of


@dataclass(frozen=True)
class Options:
    """``[net]``.

    Attributes:
        kernel: ``linear``, one plane for each class; ``rbf``, radial basis functions, one machine
            for each pair of classes.
        runs: empty for histograms of gradients; the folder of one run, for instance
            ``["runs/emotion-residual"]``, for what enters the last layer of its net.
        cost: C, of an error; the first that is best on the validation part is taken.
        gamma: of rbf, over the number of features (whose mean variance is 1); chosen likewise.
        trial: training samples that costs and gammas are compared on, where there are several;
            0 for all.
        cell: side of a cell of the histograms in pixels.
        block: side of a block in cells.
        orientations: bins of half a turn.
        normalise: how light is taken off before, see ``cnn``.
    """

    kernel: Literal["linear", "rbf"] = "linear"
    runs: tuple[str, ...] = ()
    cost: tuple[float, ...] = (0.001,)
    gamma: tuple[float, ...] = (1.0,)
    trial: int = 6000
    cell: int = 8
    block: int = 2
    orientations: int = 9
    normalise: Light = "illumination"

    def __post_init__(self) -> None:
        if min(self.cost, default=0) <= 0 or min(self.gamma, default=0) <= 0:
            raise InputError(f"cost and gamma are above 0, got {self.cost} and {self.gamma}")
        if len(self.runs) > 1:
            raise InputError(f"runs names one run whose features are taken, got {self.runs}")
        sizes = (self.cell, self.block, self.orientations)
        if self.trial < 0 or min(sizes) < 1 or not length(_SIDE, *sizes):
            raise InputError(
                f"trial is 0 or more, and a block of cells fits into {_SIDE} pixels; got {self}"
            )


@register("svm", Options)
class Svm(Solved):
    """See the module."""

    inputs: tuple[str, ...] = ("image",)
    mean: Tensor
    scale: Tensor
    there: Tensor
    temper: Tensor
    pairs: Tensor
    gamma: Tensor

    def __init__(self, options: Options, task: Task) -> None:
        super().__init__(task)
        if task.output != "emotion":
            raise InputError(f"[net] this net tells classes, not {task.output}")
        self.options = options
        classes = len(task.channels)
        self.deep = Penultimate(trained(options.runs[0], task)) if options.runs else None
        if self.deep:
            width, self.inputs = self.deep.width, self.deep.net.inputs
        else:
            width = length(_SIDE, options.cell, options.block, options.orientations)
        every = list(combinations(range(classes), 2))
        # Which class a pair speaks for, and against.
        pairs = torch.zeros(2, len(every), classes)
        for number, (first, second) in enumerate(every):
            pairs[0, number, first] = pairs[1, number, second] = 1
        self.register_buffer("pairs", pairs, persistent=False)
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("there", torch.ones(classes))
        self.register_buffer("temper", torch.ones(2))  # 1 / temperature, slope
        rows = classes if options.kernel == "linear" else len(every)
        if options.kernel == "rbf":
            self.vectors = nn.Parameter(torch.zeros(1, width), requires_grad=False)
            self.register_buffer("gamma", torch.ones(()))
        columns = width if options.kernel == "linear" else 1
        self.weight = nn.Parameter(torch.zeros(rows, columns), requires_grad=False)
        self.bias = nn.Parameter(torch.zeros(rows), requires_grad=False)

    def features(self, samples: Mapping[str, Tensor]) -> Tensor:
        """(n, width), before mean and scale are taken off."""
        if self.deep:
            seen: Tensor = self.deep(samples)
            return seen.float()
        image = relative(samples["image"].float()[:, None], self.options.normalise)
        asked = self.options
        return hog(image, cell=asked.cell, block=asked.block, orientations=asked.orientations)

    def decisions(self, features: Tensor) -> Tensor:
        """(n, classes) of planes, (n, pairs) of radial basis functions."""
        if self.options.kernel == "linear":
            return nn.functional.linear(features, self.weight, self.bias)
        norms = features.square().sum(1, keepdim=True) + self.vectors.square().sum(1)
        apart = (norms - 2 * features @ self.vectors.T).clamp_min(0)
        return nn.functional.linear(torch.exp(-self.gamma * apart), self.weight, self.bias)

    def forward(self, samples: Mapping[str, Tensor]) -> Tensor:
        """(n, classes), probabilities."""
        seen = (self.features(samples) - self.mean) * self.scale
        return torch.softmax(self._scores(self.decisions(seen)), 1)

    def _scores(self, decisions: Tensor) -> Tensor:
        scores = decisions
        if self.options.kernel == "rbf":
            # A pair in which a class was not there says nothing: -log 2 to both of its classes.
            logs = nn.functional.logsigmoid
            sure = decisions * self.temper[1]
            scores = logs(sure) @ self.pairs[0] + logs(-sure) @ self.pairs[1]
        return scores * self.temper[0] * self.there + _NEVER * (1 - self.there)

    def solve(
        self, learning: Given, checking: Given, recipe: Recipe, tell: Callable[[str], None]
    ) -> None:
        """See :class:`Solved`."""
        tell("features")
        features, labels = self._all(learning), learning.target.argmax(1).cpu().numpy()
        seen, truth = self._all(checking), checking.target.argmax(1).cpu().numpy()
        mean = features.mean(0, dtype=np.float64).astype(np.float32)
        features -= mean
        scale = 1 / max(float(np.sqrt(features.var(0).mean())), 1e-9)
        features, seen = features * np.float32(scale), (seen - mean) * np.float32(scale)
        self.mean.copy_(torch.from_numpy(mean))
        self.scale.fill_(scale)
        self.there.copy_(torch.from_numpy(np.isin(np.arange(len(self.there)), labels)))
        settings = list(product(self.options.cost, self._gammas()))
        chosen = settings[0]
        if len(settings) > 1:
            chosen = self._best(features, labels, seen, truth, settings, recipe, tell)
        tell(f"{self._told(*chosen)}, all {len(labels)} samples")
        self._take(self._machine(features, labels, *chosen, recipe))
        self._calibrate(torch.from_numpy(seen), torch.from_numpy(truth))

    def _gammas(self) -> Sequence[float]:
        return self.options.gamma if self.options.kernel == "rbf" else (1.0,)

    def _told(self, cost: float, gamma: float) -> str:
        return f"C {cost:g}" + (f", gamma {gamma:g}" if self.options.kernel == "rbf" else "")

    def _all(self, given: Given) -> Array:
        parts = [
            self.features({k: v[i : i + _MANY] for k, v in given.inputs.items()}).cpu()
            for i in range(0, len(given.target), _MANY)
        ]
        return torch.cat(parts).numpy()

    def _best(
        self,
        features: Array,
        labels: Array,
        seen: Array,
        truth: Array,
        settings: Sequence[tuple[float, float]],
        recipe: Recipe,
        tell: Callable[[str], None],
    ) -> tuple[float, float]:
        """The settings that are right most often, learnt from a part and told on the other."""
        some = np.random.default_rng(recipe.seed).permutation(len(labels))
        some = some[: self.options.trial or None]
        found = []
        for number, setting in enumerate(settings):
            tell(f"{self._told(*setting)}, trial {number + 1} of {len(settings)}")
            self._take(self._machine(features[some], labels[some], *setting, recipe))
            said = self._scores(self.decisions(torch.from_numpy(seen))).argmax(1).numpy()
            found.append(float((said == truth).mean()))
        return settings[int(np.argmax(found))]

    def _machine(
        self, features: Array, labels: Array, cost: float, gamma: float, recipe: Recipe
    ) -> Planes | Pairs:
        classes, balanced = len(self.there), recipe.loss.channels == "balanced"
        if self.options.kernel == "linear":
            return linear(features, labels, classes, cost, balanced=balanced, seed=recipe.seed)
        per = gamma / features.shape[1]
        self.gamma.fill_(per)
        return radial(features, labels, classes, cost, per, balanced=balanced)

    def _take(self, machine: Planes | Pairs) -> None:
        def kept(values: Array) -> Tensor:
            return torch.from_numpy(np.asarray(values, np.float32))

        self.bias.data = kept(machine.bias)
        if isinstance(machine, Planes):
            self.weight.data = kept(machine.weight)
        else:
            self.weight.data, self.vectors.data = kept(machine.coefficients), kept(machine.vectors)

    def _calibrate(self, seen: Tensor, truth: Tensor) -> None:
        """Temperature and slope of the least cross-entropy."""
        told = torch.cat([self.decisions(seen[i : i + _MANY]) for i in range(0, len(seen), _MANY)])

        def cost(logs: Array) -> float:
            self.temper.copy_(torch.from_numpy(np.exp(logs)))
            return nn.functional.cross_entropy(self._scores(told), truth).item()

        count = 2 if self.options.kernel == "rbf" else 1  # planes have no slope
        found = optimize.minimize(
            lambda logs: cost(np.append(logs, np.zeros(2 - count))),
            np.zeros(count),
            method="Nelder-Mead",
            bounds=[(-4.0, 4.0)] * count,
        )
        cost(np.append(found.x, np.zeros(2 - count)))
