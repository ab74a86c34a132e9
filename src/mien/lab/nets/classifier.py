"""What all nets that tell classes have in common: probabilities come out."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ...errors import InputError
from . import Net, Task

__all__ = ["Classifier", "check_share"]


class Classifier(Net):
    """A net for ``emotion``; subclasses give :meth:`scores`."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        if task.output != "emotion":
            raise InputError(f"[net] this net tells classes, not {task.output}")

    def forward(self, samples: Mapping[str, Tensor]) -> Tensor:
        """(n, classes), probabilities."""
        return torch.softmax(self.scores(samples).float(), 1)

    def scores(self, samples: Mapping[str, Tensor]) -> Tensor:
        """(n, classes), before the softmax."""
        raise NotImplementedError


def check_share(**shares: float) -> None:
    """Refuse options that are no share of 1.

    Raises:
        InputError: one below 0, or 1 and above.
    """
    for name, value in shares.items():
        if not 0 <= value < 1:
            raise InputError(f"{name} is in 0..1, 1 excluded, got {value}")
