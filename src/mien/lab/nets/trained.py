"""Nets of earlier runs as parts of others: what they say, and what they see before they say it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import torch
from torch import Tensor, nn

from ...errors import InputError
from .. import checkpoint
from ..recipe import Recipe
from ..strict import typed
from . import Net, Task, create

__all__ = ["Penultimate", "place", "runs_in", "trained"]

_folder: ContextVar[Path | None] = ContextVar("_folder", default=None)


@contextmanager
def runs_in(folder: Path) -> Iterator[None]:
    """Within, a run is what has its name in this folder, wherever a recipe says that it is.

    A recipe names ``runs/NAME``; who keeps runs elsewhere means those of the same names there.
    """
    before = _folder.set(folder)
    try:
        yield
    finally:
        _folder.reset(before)


def place(run: str) -> Path:
    """The folder of a run that a recipe names; see :func:`runs_in`."""
    folder = _folder.get()
    return Path(run) if folder is None else folder / Path(run).name


def trained(run: str, task: Task) -> Net:
    """The net of a run that has ended, with its best weights; it learns no more.

    Args:
        run: folder of the run, for instance ``runs/emotion-residual``; see :func:`place`.
        task: what the net that is made of it is to tell; the other one has to tell the same.

    Raises:
        InputError: no such run, one that has not ended, or one that tells something else.
    """
    folder = place(run)
    path = folder / f"{folder.name}.safetensors"
    if not path.is_file():
        state = "has not ended" if (folder / "checkpoint.safetensors").is_file() else "is not there"
        raise InputError(
            f"[net] the run {folder}, of which this net is made, {state}: there is no {path}. "
            "Train it first, with the recipe of that name"
        )
    weights, settings = checkpoint.load_weights(path)
    recipe = typed(Recipe, settings)
    if recipe.output != task.output:
        raise InputError(f"[net] {folder} tells {recipe.output}, and this net {task.output}")
    before = torch.random.get_rng_state()  # weights that are replaced at once draw nothing
    net = create(recipe.net, task)
    torch.random.set_rng_state(before)
    try:
        net.load_state_dict(weights)
    except RuntimeError as error:  # the message lists every tensor that does not fit
        raise InputError(f"[net] {path} was trained by another mien: {error}") from None
    return net.eval().requires_grad_(False)


class Penultimate(nn.Module):
    """What enters the last dense layer of a net: the features that it has learnt.

    Args:
        net: of :func:`trained`.

    Raises:
        InputError: it has no dense layer that gives its channels.
    """

    def __init__(self, net: Net) -> None:
        super().__init__()
        self.net = net
        count = len(net.task.channels)
        last = [m for m in net.modules() if isinstance(m, nn.Linear) and m.out_features == count]
        if not last:
            raise InputError(f"[net] {type(net).__name__} has no last dense layer to look before")
        self.width = last[-1].in_features
        self._entered: list[Tensor] = []
        last[-1].register_forward_pre_hook(lambda _, given: self._entered.append(given[0]))

    def forward(self, samples: Mapping[str, Tensor]) -> Tensor:
        """(n, width)."""
        self._entered.clear()
        self.net(samples)
        return self._entered.pop()
