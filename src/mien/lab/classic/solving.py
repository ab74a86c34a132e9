"""A training without epochs: for nets whose numbers are solved for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import torch
from torch import Tensor

from ...errors import InputError
from ...outputs.files import write_json_atomic
from .. import checkpoint
from ..augment import mirrored
from ..checkpoint import Checkpoint
from ..losses import channel_scales, masked_loss
from ..nets import Given, Solved
from ..recipe import AugmentRecipe, Recipe
from ..stopwatch import Stopwatch

__all__ = ["solve"]

_MANY = 512  # samples at once
_STANDING = {"mirror", "smote"}  # of [augment]: what can be done once and for all


def solve(
    recipe: Recipe,
    net: Solved,
    learning: Given,
    checking: Given,
    folder: Path,
    data: str,
    *,
    resume: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Checkpoint:
    """Solve a net, and write what a training writes: checkpoint, weights, a history of one row.

    With ``[augment] mirror`` every training sample is there as it is and mirrored.

    Args:
        recipe: of the net.
        net: fresh.
        learning: of the train part.
        checking: of the validation part.
        folder: of the run.
        data: fingerprint of both and of what the net is made of.
        resume: a run that has ended is not solved again.
        tell: what is going on.

    Raises:
        InputError: a recipe that changes samples anew each time they are seen, or the checkpoint of
            something else.
    """
    for field in fields(AugmentRecipe):
        if field.name not in _STANDING and getattr(recipe.augment, field.name):
            raise InputError(
                f"[augment] {field.name}: {recipe.net.kind} sees every sample once, so nothing can "
                "be changed anew each time; leave it out"
            )
    path = folder / "checkpoint.safetensors"
    if resume:
        state = checkpoint.load(path, recipe.as_dict(), data)
        if state.ended:
            return state
    watch = Stopwatch(recipe.train.threads)
    torch.manual_seed(recipe.seed)
    if recipe.augment.mirror:
        every = torch.ones(len(learning.target), dtype=torch.bool, device=learning.target.device)
        inputs, target = mirrored(dict(learning.inputs), learning.target, every)
        learning = Given(
            {name: torch.cat([value, inputs[name]]) for name, value in learning.inputs.items()},
            torch.cat([learning.target, target]),
        )
    net.eval()
    with torch.no_grad():
        net.solve(learning, checking, recipe, tell)
        costs = [_cost(net, given, recipe) for given in (learning, checking)]
    row = {"epoch": 1, "train": costs[0], "validation": costs[1], "lr": 0.0, **watch.read()}
    weights = {name: value.detach().cpu() for name, value in net.state_dict().items()}
    state = Checkpoint(
        recipe.as_dict(), data, {}, best=weights, epoch=1, steps=1, best_epoch=1,
        best_loss=costs[1], history=[row], ended=True,
    )  # fmt: skip
    checkpoint.save(path, state)
    write_json_atomic(folder / "history.json", state.history)
    checkpoint.save_weights(folder / f"{recipe.name}.safetensors", state.best, state.recipe)
    return state


def _cost(net: Solved, given: Given, recipe: Recipe) -> float:
    said = answers(net, given)
    alike = torch.zeros(len(said), dtype=torch.long, device=said.device)
    scale = channel_scales(given.target, recipe.loss.channels, alike)[0]
    return masked_loss(said, given.target, recipe.loss, scale).item()


def answers(net: Solved, given: Given) -> Tensor:
    """What a net says of many samples, some at a time."""
    count = len(given.target)
    parts = [
        net({name: value[i : i + _MANY] for name, value in given.inputs.items()})
        for i in range(0, count, _MANY)
    ]
    return torch.cat(parts)
