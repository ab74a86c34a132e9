"""The net that is explained: of a run, or a head; through the weights that the lab writes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from ... import heads
from ...errors import InputError
from ...heads.spec import HeadSpec
from .. import checkpoint, nets, training
from ..checkpoint import Weights
from ..export import restored
from ..recipe import Recipe
from ..strict import typed
from .gradcam import stage
from .landmarks import sees_points

__all__ = ["Loaded", "load"]

_CAN = (
    "Grad-CAM needs convolutions on pictures (cnn, residual, resnet50, vgg16, and the fusion and "
    "deep features that are made of them); integrated gradients need landmarks (mlp, point-*, "
    "edge-*, voxel-cnn, mesh, channels-mlp)"
)


@dataclass(frozen=True, eq=False)
class Loaded:
    """A net with its weights.

    Attributes:
        net: in evaluation mode; nothing of it learns.
        name: of the recipe or head.
        path: of the weights.
        sha256: of that file.
        temperature: by what the live head divides its scores, see
            :func:`mien.heads.emotion.tempered`; 1 for a run.
        note: what has to be minded; empty for nothing.
    """

    net: nets.Net
    name: str
    path: Path
    sha256: str
    temperature: float = 1.0
    note: str = ""


def load(recipe: Recipe, run: Path | None = None, head: str | None = None) -> Loaded:
    """Load what a recipe trained.

    Args:
        recipe: of emotions.
        run: folder of its training; ``runs/<name>`` when left out. Of one that has not ended, the
            best weights so far are taken.
        head: load this instead: the name of a head, or an ONNX file with its description.

    Raises:
        InputError: no such run or head, one that is none of emotions, or one that neither method
            can explain.
    """
    if recipe.output != "emotion":
        raise InputError(
            f"nets that tell emotions can be explained; {recipe.name} gives {recipe.output}"
        )
    return _head(head) if head else _run(recipe, run or Path("runs") / recipe.name)


def _head(head: str) -> Loaded:
    known = heads.resolve(head, "emotion")
    path = None if known is None else heads.path(known)
    if path is None or not path.is_file():
        raise InputError(f"there is no net {path or head}; train it first, or name another --head")
    spec = HeadSpec.read(path.with_suffix(".json"))
    if spec.output != "emotion":
        raise InputError(f"{path} gives {spec.output}; nets that tell emotions can be explained")
    net = restored(path).requires_grad_(False)
    _check(net, spec.name)
    return Loaded(net, spec.name, path, _digest(path), spec.temperature)


def _run(recipe: Recipe, folder: Path) -> Loaded:
    net = training.build(recipe)
    _check(net, recipe.name)  # before anybody trains what cannot be explained
    path, note = folder / f"{recipe.name}.safetensors", ""
    if path.is_file():
        weights, settings = checkpoint.load_weights(path)
    else:
        path = folder / "checkpoint.safetensors"
        if not path.is_file():
            raise InputError(
                f"there is no trained net of {recipe.name} in {folder}; run `mien train` first, or "
                "name its folder with --run or another net with --head"
            )
        weights, settings = _best(path)
        note = "The training has not ended: these are its best weights so far."
    learnt = typed(Recipe, settings)
    if learnt.as_dict()["net"] != recipe.as_dict()["net"] or learnt.output != recipe.output:
        raise InputError(
            f"{path} holds another net than the recipe describes; give the recipe that it was "
            "trained by, or train afresh"
        )
    try:
        net.load_state_dict(weights)
    except RuntimeError as error:  # the message lists every tensor that does not fit
        raise InputError(f"{path} was trained by another mien: {error}") from None
    net = net.eval().requires_grad_(False)
    return Loaded(net, recipe.name, path, _digest(path), note=note)


def _best(path: Path) -> tuple[Weights, dict[str, object]]:
    """Of a checkpoint between two epochs."""
    tensors, settings = checkpoint.load_weights(path)
    best = "best/"
    weights = {k.removeprefix(best): v for k, v in tensors.items() if k.startswith(best)}
    if not weights:
        raise InputError(f"{path} is of a training whose first epoch has not ended; wait for it")
    return weights, settings


def _check(net: nets.Net, name: str) -> None:
    if stage(net) is None and not sees_points(net):
        raise InputError(
            f"{name} cannot be explained: it looks at {', '.join(net.inputs)} without "
            f"convolutions. {_CAN}"
        )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
