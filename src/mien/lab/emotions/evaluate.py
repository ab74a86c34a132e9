"""Scores of a net that tells emotions, on every picture of a data set, found or not.

PublicTest, the validation part, is what everything is chosen on; PrivateTest, the test part, is
scored once and only by those who have it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from ... import heads
from ...arrays import Array, Float, Int
from ...errors import InputError
from ...heads.spec import HeadSpec
from ...outputs.files import replacing, write_json_atomic
from .. import checkpoint, material, nets, training
from ..augment import mirrored
from ..datasets.samples import MISSED, Samples
from ..nets import trained
from ..recipe import DataRecipe, Recipe
from ..runtime import microseconds, runtime
from ..stopwatch import duration
from ..strict import typed
from .scores import score_classes

__all__ = [
    "Said",
    "check_free",
    "earlier",
    "evaluate",
    "everything",
    "made_of",
    "parameters",
    "part_names",
    "rows",
    "say",
    "scored",
    "taught_by",
    "write",
]

_SPLITS = {"validation": "validation", "private": "test", "test": "test"}
_ABSENT = {
    "validation": "there are no pictures of the validation part, which FER-2013 calls PublicTest",
    "test": (
        "there are no pictures of PrivateTest, the part that is kept apart until everything has "
        "been chosen; its files are named PrivateTest_*.jpg and lie beside those of PublicTest"
    ),
}
_SPEED_CALLS = 200


@dataclass(frozen=True, eq=False)
class Said:
    """What a method said of every picture of a part.

    Attributes:
        names: of the pictures.
        truth: int (n,), index of the true class.
        probabilities: float64 (n, classes); a row of NaN is a picture that it missed.
    """

    names: Sequence[str]
    truth: Int[Array, "n"]
    probabilities: Float[Array, "n c"]


def everything(recipe: Recipe, folder: Path) -> Samples:
    """All pictures of the recipe's data, also those in which no face was found."""
    sources = tuple(replace(source, engines=()) for source in recipe.data.sources)
    return material.gather(replace(recipe, data=DataRecipe(sources)), folder).samples


def say(path: Path, samples: Samples, *, mirror: bool = False) -> Said:
    """What an exported net says.

    Args:
        path: of the ONNX file.
        samples: every picture; a net that needs landmarks says nothing where there are none.
        mirror: show it every picture and its mirror image, and take the mean.
    """
    wanted = {value.name for value in onnx.load(str(path), load_external_data=False).graph.input}
    seen = np.ones(len(samples), bool)
    if "image" not in wanted:
        seen = np.array([engine != MISSED for engine in samples.engine], bool)
    answer = runtime(path)
    probabilities = np.full((len(samples), len(samples.channels)), np.nan)
    if seen.any():
        some = samples.select(seen)
        told = answer(some)
        if mirror:
            told = (told + answer(_mirrored(some))) / 2
        probabilities[seen] = told
    return Said(samples.names, samples.target.argmax(1), probabilities)


def _mirrored(samples: Samples) -> Samples:
    names = ("aligned", "rotation", "image")
    there = [name for name in names if getattr(samples, name) is not None]
    batch = {name: torch.from_numpy(getattr(samples, name)) for name in there}
    every = torch.ones(len(samples), dtype=torch.bool)
    batch, _ = mirrored(batch, torch.from_numpy(samples.target), every)
    changed: dict[str, Any] = {name: batch[name].numpy() for name in there}
    return replace(samples, **changed)


def evaluate(
    recipe: Recipe, path: Path, samples: Samples, splits: Sequence[str] = ("validation",)
) -> tuple[dict[str, Any], dict[str, Said]]:
    """Score an exported net.

    Args:
        recipe: that it was trained by.
        path: of the ONNX file; ``history.json`` beside it tells how long the training took, to
            which that of the runs is added that the net is made of.
        samples: see :func:`everything`.
        splits: see :func:`rows`.

    Returns:
        what ``results/emotions/<name>.json`` holds, and what was said of each part, with the
        mirror.

    Raises:
        InputError: a part that is not there.
    """
    sets, said = rows(samples, splits, lambda part, mirror: say(path, part, mirror=mirror))
    data = path.read_bytes()
    table = {
        "method": path.stem,
        "recipe": recipe.as_dict(),
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "parameters": parameters(recipe, path.with_suffix(".safetensors")),
        "microseconds": round(microseconds(path, _SPEED_CALLS), 1),
        **_taught(recipe, path.parent),
        "classes": list(samples.channels),
        "sets": sets,
    }
    return table, said


def rows(
    samples: Samples,
    splits: Sequence[str],
    say: Callable[[Samples, bool], Said],
    mirrors: Sequence[bool] = (False, True),
) -> tuple[list[dict[str, Any]], dict[str, Said]]:
    """Scores of parts, whatever method it is that says something.

    Args:
        samples: see :func:`everything`.
        splits: ``validation``, and ``private`` (or ``test``, which is the same) for those who have
            PrivateTest.
        say: what the method says of a part, without and with its mirror image.
        mirrors: which of these to ask for.

    Returns:
        what ``sets`` holds in the results, and what was said of each part, as asked for last.

    Raises:
        InputError: a part that is not there.
    """
    sets, said = [], {}
    for split in part_names(splits):
        part = samples.part(split)
        if not len(part):
            raise InputError(_ABSENT[split])
        for mirror in mirrors:
            said[split] = say(part, mirror)
            scores = score_classes(said[split].truth, said[split].probabilities, part.channels)
            asked = _digest(part)
            sets.append({"split": split, "mirror": mirror, "asked": asked, **scores.as_dict()})
    return sets, said


def part_names(splits: Sequence[str]) -> tuple[str, ...]:
    """Parts as samples call them, each once.

    Raises:
        InputError: no such part.
    """
    for split in splits:
        if split not in _SPLITS:
            raise InputError(f"--split is one of {', '.join(_SPLITS)} here; got {split!r}")
    return tuple(dict.fromkeys(_SPLITS[split] for split in splits))


def scored(folder: Path, name: str, path: Path, splits: Sequence[str]) -> bool:
    """Whether a folder of results holds scores of these weights on these parts.

    Args:
        folder: that :func:`write` wrote to.
        name: of the method.
        path: of its ONNX file.
        splits: the parts.
    """
    try:
        table = json.loads((folder / f"{name}.json").read_text("utf-8"))
        there = {row["split"] for row in table["sets"] if "right" in row}
        same: bool = table["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return same and there >= set(part_names(splits))


def _digest(samples: Samples) -> str:
    """Which pictures these are, in which order, with which truth."""
    truth = samples.target.argmax(1).tolist()
    told = json.dumps([list(samples.names), truth])
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def parameters(recipe: Recipe, weights: Path) -> int:
    """How many numbers were learnt; of some nets only their weights, safetensors, know."""
    net = training.build(recipe)
    if not weights.is_file():
        return nets.parameters(net)
    learnt = {name for name, _ in net.named_parameters()}
    tensors, _ = checkpoint.load_weights(weights)
    return sum(tensor.numel() for name, tensor in tensors.items() if name in learnt)


def _taught(recipe: Recipe, run: Path) -> dict[str, Any]:
    """Minutes of a training, and of those of all that its net is made of; None if one is not known.

    ``gpu``: whether any was on one.
    """
    rows: list[dict[str, float]] = []
    seconds = 0.0
    ready: set[str] = set()
    try:
        for folder, taught in {run: recipe, **made_of(recipe)}.items():
            history = json.loads((folder / "history.json").read_text("utf-8"))
            seconds += duration(history)
            rows += history
            ready |= set(nets.heads_in(taught.net))
        shipped = heads.shipped()
        seconds += sum(60 * float(shipped[name].recipe["minutes"]) for name in ready)
    except (InputError, OSError, ValueError, KeyError, TypeError):
        return {"minutes": None, "gpu": False}
    return {"minutes": round(seconds / 60, 2), "gpu": any("elsewhere" in row for row in rows)}


def made_of(recipe: Recipe) -> dict[Path, Recipe]:
    """The runs that a recipe's net is made of or starts from, and theirs, with their recipes.

    Raises:
        InputError: one of them is not there.
    """
    found: dict[Path, Recipe] = {}
    for folder in map(trained.place, training.needs(recipe)):
        _, settings = checkpoint.load_weights(folder / f"{folder.name}.safetensors")
        found[folder] = typed(Recipe, settings)
        found |= made_of(found[folder])
    return found


def taught_by(path: Path, otherwise: Recipe) -> Recipe:
    """The recipe that a net was trained by, from the description beside it."""
    description = path.with_suffix(".json")
    settings = HeadSpec.read(description).recipe.get("settings") if description.is_file() else None
    return typed(Recipe, settings) if settings else otherwise


def check_free(folder: Path, path: Path, recipe: Recipe) -> None:
    """Refuse before anything is scored to write over the results of a net of another recipe.

    Raises:
        InputError: there are such results under the name of this file.
    """
    there = folder / f"{path.stem}.json"
    before = earlier(there).get("recipe", {}).get("name", recipe.name)
    if before != recipe.name:
        raise InputError(
            f"{there} holds scores of a net trained by {before}, and {path} was by {recipe.name}; "
            "name another folder with --results, or remove the file"
        )


def write(table: Mapping[str, Any], said: Mapping[str, Said], folder: Path, run: Path) -> Path:
    """Write ``<method>.json`` into a folder and what was said into the run.

    Scores of other parts stay where they are of the same weights. ``private`` keeps a mark for each
    weights that were scored on PrivateTest: more than one, and that part has had a say in what was
    chosen.

    Returns:
        path of the results.
    """
    for split, answers in said.items():
        with replacing(run / f"said-{split}.npz") as part, part.open("wb") as file:
            np.savez_compressed(
                file,
                names=np.array(answers.names),
                truth=answers.truth,
                probabilities=answers.probabilities,
            )
    path = folder / f"{table['method']}.json"
    before = earlier(path)
    now = {row["split"] for row in table["sets"]}
    kept = [row for row in before.get("sets", ()) if row["split"] not in now]
    looks = list(before.get("private", ()))
    if "test" in now and table["sha256"][:16] not in looks:
        looks.append(table["sha256"][:16])
    if before.get("sha256") != table["sha256"]:
        kept = []
    marks = {"private": looks} if looks else {}
    write_json_atomic(path, {**table, **marks, "sets": [*table["sets"], *kept]})
    return path


def earlier(path: Path) -> dict[str, Any]:
    """Results that were written before; empty where there are none.

    Raises:
        InputError: a file that cannot be read.
    """
    try:
        table: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is no JSON ({error}); remove it") from None
    return table
