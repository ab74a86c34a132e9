"""Weights that others trained, poured into a net of ours that names its layers as they do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load
from torch import Tensor, nn

from ... import zoo
from ...errors import InputError

__all__ = ["check_sha256", "pour", "read"]


def check_sha256(weights: str, sha256: str) -> None:
    """Refuse a file without a checksum, and a checksum that is none.

    Raises:
        InputError: either.
    """
    if weights and not re.fullmatch("[0-9a-f]{64}", sha256):
        raise InputError(
            f"[net] weights = {weights!r} wants the file's sha256 beside it, 64 digits 0-9 a-f; "
            f"got {sha256!r}. `sha256sum FILE` tells it"
        )


def read(path: Path, sha256: str) -> dict[str, Tensor]:
    """Tensors by name, from ``.safetensors`` or from a ``.pth`` that holds nothing but tensors.

    Raises:
        InputError: no such file, another file than the checksum is of, or one that is neither.
    """
    if not path.is_file():
        raise InputError(f"[net] weights: there is no file {path}")
    if (found := zoo.digest(path)) != sha256:
        raise InputError(
            f"[net] weights: {path} is another file than the recipe means; its SHA-256 is {found}, "
            f"and the recipe says {sha256}"
        )
    try:
        if path.suffix == ".safetensors":
            return dict(load(path.read_bytes()))
        held = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever strange bytes make torch stumble on
        raise InputError(
            f"[net] weights: {path} is neither .safetensors nor a .pth of tensors alone ({error})"
        ) from error
    if isinstance(held, Mapping) and isinstance(held.get("state_dict"), Mapping):
        held = held["state_dict"]
    named = held.items() if isinstance(held, Mapping) else ()
    tensors = {
        str(name).removeprefix("module."): value
        for name, value in named
        if isinstance(value, Tensor)
    }
    if not tensors:
        raise InputError(f"[net] weights: {path} holds no tensors by name")
    return tensors


def pour(net: nn.Module, tensors: Mapping[str, Tensor], leave: tuple[str, ...], path: Path) -> None:
    """Copy tensors into a net.

    Args:
        net: takes all of its own names, but those that are left out.
        tensors: of :func:`read`.
        leave: beginnings of the names that are left out on both sides, as of the last layers,
            which tell other classes there.
        path: for the messages.

    Raises:
        InputError: a tensor that is missing, that the net does not have, or of another shape.
    """
    mine = {k: v for k, v in net.state_dict().items() if not k.startswith(leave)}
    # Files from before torch counted the batches that a batch norm has seen lack that number.
    counters = {name for name in mine if name.endswith("num_batches_tracked")}
    theirs = {k: v for k, v in tensors.items() if not k.startswith(leave)}
    problems = {
        "lacks": sorted(set(mine) - set(theirs) - counters),
        "has besides": sorted(set(theirs) - set(mine)),
        "has in other shapes": sorted(
            f"{name} {tuple(theirs[name].shape)} for {tuple(mine[name].shape)}"
            for name in set(mine) & set(theirs)
            if mine[name].shape != theirs[name].shape
        ),
    }
    if any(problems.values()):
        told = "; ".join(
            f"it {what} {', '.join(names[:3])}" + (f" and {len(names) - 3} more" * (len(names) > 3))
            for what, names in problems.items()
            if names
        )
        raise InputError(
            f"[net] weights: {path} is of another net than {type(net).__name__}, whose layers are "
            f"named as in torchvision: {told}"
        )
    with torch.no_grad():
        for name, value in theirs.items():
            mine[name].copy_(value)
