"""A residual perceptron on aligned landmarks: our default.

selection of points -> standardisation -> (bottleneck) -> blocks -> activation. With
``average_mirror`` it sees every face and its mirror image and takes the mean, so that a smile on
the left and the same smile on the right give the same number exactly.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import Tensor, nn

from ...channels import MIRROR as MIRRORED_CHANNELS
from ...errors import InputError
from ...topology import CANONICAL, MIRROR, REGIONS
from . import Net, Task, register, standard

__all__ = ["MLP", "Options", "residual_layers"]


@dataclass(frozen=True)
class Options:
    """What a recipe can say under ``[net]``.

    Attributes:
        points: regions of :data:`mien.topology.REGIONS` and indices; empty for all 478. ``all``
            stands for all regions.
        others: take every so manieth of the other points too; 0 for none of them.
        rotation: also look at the head's rotation.
        input_dim: a linear layer down to so many numbers first; 0 for none.
        hidden: width of the blocks.
        depth: how many blocks.
        dropout: in each block, while it is trained.
        output: ``sigmoid`` for 0..1, ``clamp`` for a straight line cut off at 0 and 1 (not while
            it is trained, or nothing would ever come back from beyond), ``linear`` for any number,
            ``softmax`` for classes.
        average_mirror: see above; for ``expression`` only.
    """

    points: tuple[str | int, ...] = ()
    others: int = 0
    rotation: bool = False
    input_dim: int = 0
    hidden: int = 256
    depth: int = 2
    dropout: float = 0.0
    output: Literal["sigmoid", "clamp", "linear", "softmax"] = "sigmoid"
    average_mirror: bool = False

    def __post_init__(self) -> None:
        for name, least in (("hidden", 1), ("depth", 0), ("input_dim", 0), ("others", 0)):
            if getattr(self, name) < least:
                raise InputError(f"{name} is {least} or more, got {getattr(self, name)}")
        if not 0 <= self.dropout < 1:
            raise InputError(f"dropout is in 0..1, 1 excluded, got {self.dropout}")

    def indices(self) -> list[int]:
        """The points, each once, in rising order.

        Raises:
            InputError: an unknown region, or an index that is no point.
        """
        chosen: set[int] = set()
        for entry in self.points:
            if entry == "all":
                chosen.update(*REGIONS.values())
            elif isinstance(entry, str):
                if entry not in REGIONS:
                    near = difflib.get_close_matches(entry, REGIONS, n=3, cutoff=0.4)
                    hint = ", ".join(near or REGIONS)
                    raise InputError(f"[net] points: no region is called {entry!r}; near: {hint}")
                chosen.update(REGIONS[entry])
            elif 0 <= entry < len(CANONICAL):
                chosen.add(entry)
            else:
                raise InputError(f"[net] points: there is no point {entry}; they are 0..477")
        if not chosen:
            return list(range(len(CANONICAL)))
        rest = [i for i in range(len(CANONICAL)) if i not in chosen]
        return sorted([*chosen, *(rest[:: self.others] if self.others else ())])


def residual_layers(width: int, dropout: float) -> nn.Sequential:
    """What a block of a multi-layer perceptron adds to its input."""
    return nn.Sequential(
        nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Dropout(dropout),
        nn.Linear(width, width),
    )  # fmt: skip


class _Block(nn.Module):
    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.layers = residual_layers(width, dropout)

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, x + self.layers(x))


@register("mlp", Options)
class MLP(Net):
    """See the module; buffers hold the selection and the statistics of the inputs."""

    chosen: Tensor
    opposite: Tensor
    sides: Tensor
    turned_sides: Tensor
    swapped: Tensor
    mean: Tensor
    scale: Tensor
    centre: Tensor
    gain: Tensor

    def __init__(self, options: Options, task: Task) -> None:
        super().__init__(task)
        if options.average_mirror and task.output != "expression":
            raise InputError("[net] average_mirror: only expression channels have left and right")
        if (options.output == "softmax") != (task.output == "emotion"):
            raise InputError("[net] output = 'softmax' is for classes of emotion, and only it is")
        self.options = options
        self.inputs = ("aligned", "rotation") if options.rotation else ("aligned",)
        chosen = torch.tensor(options.indices())
        sides = torch.tensor([-1.0, 1.0, 1.0])
        self.register_buffer("chosen", chosen, persistent=False)
        self.register_buffer("opposite", torch.from_numpy(MIRROR.copy()).long()[chosen], False)
        self.register_buffer("sides", sides, persistent=False)
        self.register_buffer("turned_sides", torch.outer(sides, sides), persistent=False)
        self.register_buffer("swapped", torch.from_numpy(MIRRORED_CHANNELS.copy()), False)
        size = 3 * len(chosen) + (9 if options.rotation else 0)
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("scale", torch.ones(size))
        # Set after the training; see :mod:`mien.lab.stretch`.
        self.register_buffer("centre", torch.zeros(len(task.channels)))
        self.register_buffer("gain", torch.ones(len(task.channels)))
        narrow = options.input_dim
        self.enter = nn.Sequential(
            *([nn.Linear(size, narrow, bias=False)] if narrow else []),
            nn.Linear(narrow or size, options.hidden),
        )
        self.blocks = nn.Sequential(
            *(_Block(options.hidden, options.dropout) for _ in range(options.depth))
        )
        self.leave = nn.Sequential(
            nn.LayerNorm(options.hidden), nn.Linear(options.hidden, len(task.channels))
        )

    def fit(self, samples: Mapping[str, Tensor]) -> None:
        """Mean and standard deviation of each input; mirrored faces count as much as the others."""
        values = self._see(samples)
        if self.options.average_mirror:
            values = torch.cat([values, self._see_mirrored(samples)])
        standard.learn(self.mean, self.scale, values)

    def forward(self, samples: Mapping[str, Tensor]) -> Tensor:
        """(n, channels); 0..1 unless the output is linear."""
        if not self.options.average_mirror:
            values = self._answer(self._see(samples))
        else:
            # In one batch: the weights, which are most of the work, are read once.
            both = self._answer(torch.cat([self._see(samples), self._see_mirrored(samples)]))
            two = both.reshape(2, -1, len(self.live))
            values = (two[0] + two[1].index_select(1, self.swapped)) * 0.5
        if not self.training and self.options.output != "softmax":
            values = self.centre + (values - self.centre) * self.gain
            if self.options.output != "linear":
                values = values.clamp(0, 1)
        return values * self.live

    def _see(self, samples: Mapping[str, Tensor]) -> Tensor:
        seen = samples["aligned"].index_select(1, self.chosen).flatten(1)
        if self.options.rotation:
            seen = torch.cat([seen, samples["rotation"].flatten(1)], 1)
        return seen

    def _see_mirrored(self, samples: Mapping[str, Tensor]) -> Tensor:
        seen = (samples["aligned"].index_select(1, self.opposite) * self.sides).flatten(1)
        if self.options.rotation:
            turned = samples["rotation"] * self.turned_sides
            seen = torch.cat([seen, turned.flatten(1)], 1)
        return seen

    def _answer(self, seen: Tensor) -> Tensor:
        x = self.enter((seen - self.mean) * self.scale)
        values = cast(Tensor, self.leave(self.blocks(x)))
        if self.options.output == "softmax":
            return torch.softmax(values.float(), 1)
        return torch.sigmoid(values) if self.options.output == "sigmoid" else values
