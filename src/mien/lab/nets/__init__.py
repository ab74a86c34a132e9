"""Networks in plain torch.nn, one family a file.

Those that turn landmarks into expression stand in a registry, so that a recipe can name them. Each
takes a dictionary of named tensors, gives one tensor, and says in ``inputs`` which it wants:

* ``aligned`` (n, 478, 3): head frame, centimetres on a face of average size;
* ``rotation`` (n, 3, 3): head frame -> camera axes;
* ``pixels`` (n, 478, 3): picture coordinates;
* ``extra`` (n, k): whatever an experiment adds, a crop of the face for instance; no shipped head
  has it;
* ``image`` uint8 (n, height, width): the grey picture of a tight crop.

Everything between these and the output is in the net, hence in the file that is exported.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from ...errors import InputError
from ..recipe import NetRecipe, Recipe
from ..strict import typed

__all__ = [
    "Given",
    "Net",
    "Solved",
    "Task",
    "check",
    "create",
    "kinds",
    "needs",
    "parameters",
    "register",
    "solved",
]


@dataclass(frozen=True)
class Task:
    """What is asked of a net, apart from its own options.

    Attributes:
        output: ``expression``, ``morphable`` or ``emotion``.
        channels: names of the outputs.
        extra: how many further inputs the data have.
    """

    output: str
    channels: tuple[str, ...]
    extra: int = 0


class Net(nn.Module):
    """What all nets have in common. ``live`` is 0 for outputs that no sample taught: they say 0."""

    inputs: tuple[str, ...]
    live: Tensor

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.task = task
        self.register_buffer("live", torch.ones(len(task.channels)))

    def fit(self, samples: Mapping[str, Tensor]) -> None:
        """Set what depends on the statistics of the training inputs; called once, before it."""

    def forward(self, samples: Mapping[str, Tensor]) -> Tensor:
        """(n, channels) of the inputs, each (n, ...)."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Given:
    """What a net is solved from.

    Attributes:
        inputs: by name, each (n, ...).
        target: (n, channels).
    """

    inputs: Mapping[str, Tensor]
    target: Tensor


class Solved(Net):
    """A net whose numbers are solved for at once: there is nothing to descend.

    Its tensors have whatever size the solution has, so it takes those of a file as they come.
    """

    def solve(
        self, learning: Given, checking: Given, recipe: Recipe, tell: Callable[[str], None]
    ) -> None:
        """Find the numbers.

        Args:
            learning: of the train part.
            checking: of the validation part, by which options are chosen.
            recipe: seed and loss.
            tell: what is going on.
        """
        raise NotImplementedError

    def train(self, mode: bool = True) -> Solved:
        """What it holds of other nets is never trained either."""
        del mode
        super().train(False)
        return self

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *rest: Any) -> None:
        for name, value in (*self._parameters.items(), *self._buffers.items()):
            given = state_dict.get(prefix + name)
            if value is not None and given is not None and given.shape != value.shape:
                value.data = value.data.new_empty(given.shape)
        super()._load_from_state_dict(state_dict, prefix, *rest)


Build = Callable[[Any, Task], Net]
_AnyNet = TypeVar("_AnyNet", bound=Build)
_KINDS: dict[str, tuple[Build, type[Any]]] = {}


def register(kind: str, options: type[Any]) -> Callable[[_AnyNet], _AnyNet]:
    """Make a net known: called with its options (this dataclass) and the :class:`Task`."""

    def add(build: _AnyNet) -> _AnyNet:
        _KINDS[kind] = (build, options)
        return build

    return add


def kinds() -> tuple[str, ...]:
    """What ``kind`` can be in a recipe."""
    from . import (  # noqa: F401 - they register themselves
        channels,
        crop,
        edges,
        expression_head,
        fusion,
        known,
        mesh,
        mlp,
        pictures,
        points,
        svm,
        voxels,
    )

    return tuple(sorted(_KINDS))


def check(recipe: NetRecipe) -> None:
    """Refuse what :func:`create` would refuse, without building anything.

    Raises:
        InputError: an unknown kind, or options that it does not have.
    """
    _known(recipe)


def create(recipe: NetRecipe, task: Task) -> Net:
    """Build a net with fresh weights, from torch's own generator.

    Raises:
        InputError: an unknown kind, or options that it does not have or that do not fit the task.
    """
    build, options = _known(recipe)
    return build(options, task)


def solved(recipe: NetRecipe) -> bool:
    """Whether a recipe's net is solved for instead of trained in epochs."""
    build, _ = _known(recipe)
    return isinstance(build, type) and issubclass(build, Solved)


def needs(recipe: NetRecipe) -> tuple[str, ...]:
    """Folders of other runs that a recipe's net is made of; they have to be trained first."""
    _, options = _known(recipe)
    return tuple(getattr(options, "runs", ()))


def heads_in(recipe: NetRecipe) -> tuple[str, ...]:
    """Names of the heads that mien ships and that a recipe's net is made of."""
    _, options = _known(recipe)
    return tuple(getattr(options, "heads", ()))


def _known(recipe: NetRecipe) -> tuple[Build, Any]:
    if recipe.kind not in kinds():
        near = difflib.get_close_matches(recipe.kind, kinds(), n=3, cutoff=0.4)
        hint = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(kinds())}"
        raise InputError(f"[net] there is no kind {recipe.kind!r}; {hint}")
    build, options = _KINDS[recipe.kind]
    return build, typed(options, recipe.options, "net")


def parameters(net: nn.Module) -> int:
    """How many numbers are learnt."""
    return sum(p.numel() for p in net.parameters())
