"""From trained weights to the two files that a head is: ONNX, and its description.

Both runtimes answer the same faces before the file gets its name, and one that answers differently
never does. The file depends on the weights alone: two exports give the same bytes.
"""

from __future__ import annotations

import hashlib
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from ..arrays import Array
from ..errors import MienError
from ..geometry import matrix_from_euler, project
from ..heads.spec import INPUTS, HeadSpec
from ..outputs.files import replacing, write_json_atomic
from ..topology import CANONICAL
from . import nets, training
from .checkpoint import Checkpoint
from .datasets.samples import Samples
from .material import Material
from .recipe import Recipe
from .runtime import runtime
from .stopwatch import duration
from .stretch import stretch
from .strict import typed

__all__ = ["TOLERANCE", "ExportError", "counts", "export", "head", "restored"]

TOLERANCE = 1e-5
_LOOSER = 10  # times as much for convolutions, whose sums are long and in another order
"""Largest difference between torch and ONNX, absolute, and relative to outputs larger than 1."""

_PREFIX = "net."  # of the names of weights in a file: `net` is what holds them in _Positional
_FACES = 64  # random ones, and as many real ones, that both runtimes have to agree on


class ExportError(MienError):
    """torch and ONNX disagree; the file was removed."""


def head(
    recipe: Recipe, state: Checkpoint, material: Material, folder: Path, command: str = ""
) -> Path:
    """Write ``<name>.onnx`` and ``<name>.json`` of a training that has ended.

    The description is left out for nets that want inputs which the tracker does not have.

    Args:
        recipe: of the training.
        state: its end.
        material: what it learnt from.
        folder: of the run.
        command: how it is trained again, for the model card.

    Raises:
        ExportError: torch and ONNX differ.
    """
    net = training.build(recipe, material)
    net.load_state_dict(state.best)
    if recipe.export.stretch:
        stretch(net, material.part("validation").samples, recipe.export.stretch)
    path = folder / f"{recipe.name}.onnx"
    export(net, path, material.part("validation").samples, opset=recipe.export.opset)
    if set(net.inputs) <= set(INPUTS):
        spec = HeadSpec(
            name=recipe.name,
            version=recipe.export.version,
            inputs=net.inputs,
            output=recipe.output,
            channels=recipe.channels,
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            parameters=nets.parameters(net),
            licence=recipe.export.licence,
            dead=recipe.export.dead,
            unobservable=tuple(
                c for c, live in zip(recipe.channels, net.live.tolist(), strict=True) if not live
            ),
            recipe={
                "command": command,
                "epochs": state.epoch,
                "best_epoch": state.best_epoch,
                "minutes": round(duration(state.history) / 60, 2),
                "settings": recipe.as_dict(),
            },
            data=counts(material.samples),
            about=recipe.export.about,
            notes=recipe.export.notes,
        )
        write_json_atomic(path.with_suffix(".json"), spec.as_dict())
    return path


def export(net: nets.Net, path: Path, samples: Samples, *, opset: int = 17) -> None:
    """Write a net as ONNX, float32, with a batch of any size.

    Args:
        net: with its weights, on the CPU.
        path: of the file.
        samples: real faces to compare on; random ones are added.
        opset: of ONNX.

    Raises:
        ExportError: the answers differ by more than :data:`TOLERANCE`, ten times as much for
            pictures; there is no file then.
    """
    net.eval()
    example = [torch.from_numpy(a) for a in _inputs(net, samples.select(range(2))).values()]
    with replacing(path) as part, torch.no_grad():
        with warnings.catch_warnings(), _plain_attention():
            # The exporter through TorchScript, which torch calls legacy: ten times as fast, its
            # graphs run as fast, and it writes no paths of this machine into the file.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                _Positional(net).eval(),
                tuple(example),
                str(part),
                input_names=list(net.inputs),
                output_names=[net.task.output],
                dynamic_axes={name: {0: "n"} for name in (*net.inputs, net.task.output)},
                opset_version=opset,
                dynamo=False,
                # onnxruntime folds constants when it loads; here every weight keeps its name.
                do_constant_folding=False,
            )
        onnx.checker.check_model(str(part), full_check=True)
        answer = runtime(part)
        for kind, faces in {"real": samples, "random": _random_faces(samples)}.items():
            for count in (1, min(_FACES, len(faces))):
                some = faces.select(range(count))
                given = {k: torch.from_numpy(a) for k, a in _inputs(net, some).items()}
                where = f"{path.name} on {count} {kind} faces"
                looser = _LOOSER if "image" in net.inputs else 1
                _agree(net(given).numpy(), answer(some), where, looser * TOLERANCE)


def restored(path: Path) -> nets.Net:
    """The torch net of an exported head, from the weights in the file and the recipe beside it.

    Raises:
        InputError: no description beside it, or one without a recipe.
        ExportError: the file does not hold all weights of the recipe's net.
    """
    spec = HeadSpec.read(path.with_suffix(".json"))
    net = training.build(typed(Recipe, spec.recipe.get("settings", {})))
    graph = onnx.load(path).graph
    arrays = {value.name: onnx.numpy_helper.to_array(value) for value in graph.initializer}
    for node in graph.node:  # tensors that are equal are stored once
        if node.op_type == "Identity" and node.input[0] in arrays:
            arrays[node.output[0]] = arrays[node.input[0]]
    weights = {
        name.removeprefix(_PREFIX): torch.from_numpy(array.copy())
        for name, array in arrays.items()
        if name.startswith(_PREFIX)
    }
    # A graph leaves out what its answers do not depend on: gains that a softmax has no use for.
    taught = {name for name, _ in net.named_parameters()} | set(weights)
    idle = {name: value for name, value in net.state_dict().items() if name not in taught}
    try:
        net.load_state_dict(idle | weights)
    except RuntimeError as error:  # the message lists every tensor that does not fit
        raise ExportError(f"{path} was exported by another mien: {error}") from None
    return net.eval()


@contextmanager
def _plain_attention() -> Iterator[None]:
    """Attention step by step: the exporter does not know the fused kernel."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


class _Positional(nn.Module):
    """A net whose inputs come one after the other, as the exporter wants them."""

    def __init__(self, net: nets.Net) -> None:
        super().__init__()
        self.net = net

    def forward(self, *tensors: Tensor) -> Any:
        return self.net(dict(zip(self.net.inputs, tensors, strict=True)))


def _inputs(net: nets.Net, samples: Samples) -> dict[str, Array]:
    return {name: getattr(samples, name) for name in net.inputs}


def _agree(torch_says: Array, onnx_says: Array, where: str, tolerance: float) -> None:
    if torch_says.shape == onnx_says.shape:
        allowed = tolerance * np.maximum(1.0, np.abs(torch_says))
        difference = np.abs(torch_says - onnx_says)
        if (difference <= allowed).all():
            return
        found = f"{difference.max():.2g}"
    else:
        found = f"the shapes {torch_says.shape} and {onnx_says.shape}"
    raise ExportError(
        f"{where}: torch and ONNX differ by {found}, more than {tolerance}; nothing was written. "
        "Try another [export] opset, or look for operations that depend on the batch."
    )


def _random_faces(samples: Samples) -> Samples:
    """Faces that no camera has seen, for what real ones do not reach."""
    random = np.random.default_rng(0)
    count = min(_FACES, len(samples))
    faces = samples.select(range(count))
    aligned = CANONICAL + random.normal(0, 0.3, (count, *CANONICAL.shape))
    angles = random.uniform(-60, 60, (count, 3))
    rotation = np.array([matrix_from_euler(*a) for a in angles])
    centre = np.array([320.0, 240.0, 0.0])
    pixels = [project(a, r, centre, 15.0) for a, r in zip(aligned, rotation, strict=True)]
    return Samples(
        names=faces.names,
        subjects=faces.subjects,
        engine=faces.engine,
        source=faces.source,
        aligned=aligned.astype(np.float32),
        rotation=rotation.astype(np.float32),
        pixels=np.array(pixels, np.float32),
        size=faces.size,
        target=faces.target,
        channels=faces.channels,
        extra=faces.extra,
        image=faces.image,
    )


def counts(samples: Samples) -> Mapping[str, Any]:
    """Faces and people by data set and part."""
    rows = list(zip(samples.source, samples.split, strict=True))
    faces = Counter(rows)
    people = {
        row: len({s for s, r in zip(samples.subjects, rows, strict=True) if r == row})
        for row in faces
    }
    table: dict[str, dict[str, Any]] = {}
    for source, split in sorted(faces):
        found = {"faces": faces[source, split], "people": people[source, split]}
        table.setdefault(source, {})[split] = found
    return table
