"""All that a training needs to go on as if nothing had happened, in one file.

Tensors are stored as safetensors, everything else as JSON in the header of the same file: no
pickle, and one rename makes all of it new. Random numbers need no place in it, because each epoch
draws its own from the seed and its number.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

import torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialised
from torch import Tensor

from ..errors import InputError, OutputError
from ..outputs.files import output_error, replacing
from .recipe import Recipe, difference
from .strict import typed

__all__ = [
    "Checkpoint",
    "OtherTrainingError",
    "Weights",
    "alone",
    "load",
    "load_weights",
    "save",
    "save_weights",
    "set_aside",
]

Weights: TypeAlias = dict[str, Tensor]

_FORMAT = 1


class OtherTrainingError(InputError):
    """A checkpoint that is whole, but of another recipe or of other data.

    Attributes:
        why: what differs, without what to do about it.
    """

    def __init__(self, why: str, then: str) -> None:
        super().__init__(f"{why}{then}")
        self.why = why


@dataclass
class Checkpoint:
    """The state of a training between two epochs.

    Attributes:
        recipe: the whole of it, see :meth:`mien.lab.recipe.Recipe.as_dict`.
        data: fingerprint of the samples and of the weights that it started with.
        weights: of the net, buffers included.
        average: their moving average, empty without one.
        best: those with the lowest validation loss so far.
        optimizer: its tensors by ``<number of the parameter>.<name>``.
        epoch: epochs done.
        steps: batches done.
        best_epoch: when ``best`` was found, 0 for never.
        best_loss: its validation loss.
        history: a row for each epoch.
        ended: whether there is nothing left to do.
    """

    recipe: dict[str, Any]
    data: str
    weights: Weights
    average: Weights = field(default_factory=dict)
    best: Weights = field(default_factory=dict)
    optimizer: Weights = field(default_factory=dict)
    epoch: int = 0
    steps: int = 0
    best_epoch: int = 0
    best_loss: float | None = None
    history: list[dict[str, float]] = field(default_factory=list)
    ended: bool = False


_TENSORS = ("weights", "average", "best", "optimizer")
_VALUES = ("recipe", "data", "epoch", "steps", "best_epoch", "best_loss", "history", "ended")


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a run, so that no other training writes its checkpoints in between.

    Raises:
        InputError: another one holds it.
        OutputError: when the system refuses.
    """
    lock = folder / ".lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = FileLock(lock, timeout=0).acquire()
    except Timeout:
        raise InputError(
            f"another training writes into {folder}: wait for it, or end it and go on from there"
        ) from None
    except OSError as error:
        raise OutputError(f"cannot write {lock}: {error.strerror or error}") from error
    with held:
        yield


def set_aside(folder: Path) -> Path:
    """Rename a run, ``runs/name`` to ``runs/name~1``, so that another one can take its place.

    Returns:
        where it is now.

    Raises:
        InputError: a training holds it.
        OutputError: when the system refuses.
    """
    with alone(folder):
        pass
    places = (folder.with_name(f"{folder.name}~{number}") for number in count(1))
    kept = next(place for place in places if not place.exists())
    try:
        folder.rename(kept)
    except OSError as error:
        raise output_error(error, kept) from error
    return kept


def save(path: Path, state: Checkpoint) -> None:
    """Write a checkpoint; an older one stays until the new one is whole.

    Raises:
        OutputError: when the system refuses.
    """
    tensors = {
        f"{part}/{name}": tensor
        for part in _TENSORS
        for name, tensor in getattr(state, part).items()
    }
    header = {name: getattr(state, name) for name in _VALUES}
    _write(path, tensors, {"format": _FORMAT, **header})


def load(path: Path, recipe: Mapping[str, Any], data: str) -> Checkpoint:
    """Read the checkpoint of this recipe and these data.

    What a recipe says in ``[export]`` changes no training, and may differ; a key that did not exist
    yet counts as its default.

    Raises:
        OtherTrainingError: it belongs to something else; the message says what differs.
        InputError: there is none, or it is damaged.
    """
    if not path.is_file():
        raise InputError(f"there is no checkpoint {path}; train without --resume first")
    tensors, header = _read(path)
    if lines := difference(_learnt(header["recipe"]), _learnt(recipe)):
        listed = "\n  ".join(lines)
        raise OtherTrainingError(
            f"{path} is the checkpoint of another recipe:\n  {listed}",
            "\nTrain with the recipe as it was, or afresh in another folder (--out).",
        )
    if header["data"] != data:
        raise OtherTrainingError(
            f"{path} was trained on other data: the samples that the recipe's sources give, or the "
            "weights to start from, have changed since.",
            " Train afresh in another folder (--out).",
        )
    values: dict[str, Any] = {part: {} for part in _TENSORS}
    for name, tensor in tensors.items():
        part, _, rest = name.partition("/")
        values[part][rest] = tensor
    return Checkpoint(**values, **{name: header[name] for name in _VALUES})


def _learnt(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """What a training depends on, with the defaults of keys that came later."""
    with suppress(InputError):  # of another version of mien: what differs is told as it stands
        recipe = typed(Recipe, recipe).as_dict()
    return {key: value for key, value in recipe.items() if key != "export"}


def save_weights(path: Path, weights: Weights, recipe: Mapping[str, Any]) -> None:
    """Write weights alone, with the recipe that they come from."""
    _write(path, weights, {"format": _FORMAT, "recipe": recipe})


def load_weights(path: Path) -> tuple[Weights, dict[str, Any]]:
    """Weights, and the recipe that they come from.

    Raises:
        InputError: there are none, or the file is damaged.
    """
    if not path.is_file():
        raise InputError(f"there are no weights {path}; train the head that they are of first")
    tensors, header = _read(path)
    return tensors, header["recipe"]


def _write(path: Path, tensors: Weights, header: Mapping[str, Any]) -> None:
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with replacing(path) as part:
        part.write_bytes(serialised(plain, {"mien": json.dumps(header)}))


def _read(path: Path) -> tuple[Weights, dict[str, Any]]:
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {}).get("mien", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError) as error:
        raise InputError(f"{path} is damaged ({error}); train afresh, or restore it") from None
    if header.get("format") != _FORMAT:
        raise InputError(f"{path} is no checkpoint of this version of mien; train afresh")
    # Tensors of a file that is mapped into memory would change with it.
    return {name: torch.clone(tensor) for name, tensor in tensors.items()}, header
