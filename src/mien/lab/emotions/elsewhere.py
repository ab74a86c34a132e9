"""A net on the pictures of another set than its own: what it knows of faces, not of a data set.

Every picture is scored but copies of those that it was trained on, as far as these are here;
classes that the set does not have are left out of means over classes. Any set with a folder for
each class will do, and CK+ is one.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from ...arrays import Array, Bool
from ...errors import InputError
from ...outputs.files import write_json_atomic
from ..datasets import emotions
from ..datasets.samples import Samples
from ..recipe import Recipe
from .evaluate import earlier, made_of, say
from .scores import score_classes

__all__ = ["evaluate", "named", "write"]

_log = logging.getLogger(__name__)


def evaluate(
    recipe: Recipe, path: Path, place: Path, data: Path, names: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Score an exported net on every picture of a set.

    Args:
        recipe: that the net was trained by.
        path: of the ONNX file.
        place: zip file or folder with a folder for each class.
        data: where the recipe's own data sets lie.
        names: further names of classes, as those of ``emotion-folders``.

    Returns:
        what ``results/emotions/<method>@<set>.json`` holds.

    Raises:
        InputError: another layout, or a set that the net was trained on.
    """
    for source in recipe.data.sources:
        if emotions.is_of(source.name, data, source.options, place):
            raise InputError(
                f"{place} is {source.name}, which {recipe.name} was trained on; leave out --on to "
                "score a part of it that it was not"
            )
    content = path.read_bytes()
    wanted = {value.name for value in onnx.load_from_string(content).graph.input}
    samples, counts = emotions.read_at(place, names=names, landmarks=wanted != {"image"})
    copies, absent = _copies(samples, recipe, data)
    if copies.all():
        raise InputError(
            f"{place} holds copies of pictures that {recipe.name} was trained on, and no other; "
            "name another set, or leave out --on to score a part that it was not trained on"
        )
    if count := int(copies.sum()):
        _log.warning(
            "%s: %d of %d pictures are left out, copies of what %s was trained on or chosen by",
            place.name, count, len(copies), recipe.name,
        )  # fmt: skip
        counts["copies of what it was trained on, left out"] = count
        samples = samples.select(~copies)
    if absent:
        _log.warning(
            "%s: whether it holds copies of what %s was trained on is not known, for %s is not in "
            "%s; name the folder with --data",
            place.name, recipe.name, " and ".join(absent), data,
        )  # fmt: skip
    sets = []
    for mirror in (False, True):
        said = say(path, samples, mirror=mirror)
        scores = score_classes(said.truth, said.probabilities, samples.channels)
        sets.append({"split": "all", "mirror": mirror, **scores.as_dict()})
    return {
        "method": path.stem,
        "on": _plain(place.stem if place.is_file() else place.resolve().name),
        "below": _plain(place.resolve().parent.name),
        "set": _fingerprint(samples),
        "recipe": recipe.as_dict(),
        "sha256": hashlib.sha256(content).hexdigest(),
        "classes": list(samples.channels),
        "data": counts,
        "copies_not_looked_for_in": absent,
        "sets": sets,
    }


def _copies(samples: Samples, recipe: Recipe, data: Path) -> tuple[Bool[Array, "n"], list[str]]:
    """Which pictures a net was trained on or chosen by, or what it is made of, by their pixels.

    And names of the data sets that do not lie here, so that they could not be looked at.
    """
    recipes = [recipe]
    with suppress(InputError):  # its runs are not here
        recipes += made_of(recipe).values()
    known: set[bytes] = set()
    absent: dict[str, None] = {}
    for source in (source for of in recipes for source in of.data.sources):
        absent[source.name] = None
        with suppress(InputError):
            images = emotions.taught(source.name, data, source.options)
            known |= {image.tobytes() for image in images}
            del absent[source.name]
    assert samples.image is not None  # noqa: S101 - read with its pixels
    copies = np.array([image.tobytes() in known for image in samples.image], bool)
    return copies, list(absent)


def write(table: Mapping[str, Any], folder: Path) -> Path:
    """Write what :func:`evaluate` gives, ``<method>@<set>.json``, into a folder.

    Where another set of that name was scored, the folder that it lies in comes before its name.

    Returns:
        path of the file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = str(table["on"])
    path = folder / f"{table['method']}@{name}.json"
    if earlier(path).get("set", table["set"]) != table["set"]:
        name = f"{table['below']}-{name}"
        path = folder / f"{table['method']}@{name}.json"
    write_json_atomic(path, {**table, "on": name})
    return path


def _fingerprint(samples: Samples) -> str:
    sha = hashlib.sha256(repr(samples.names).encode())
    if samples.image is not None:
        sha.update(np.ascontiguousarray(samples.image).data)
    return sha.hexdigest()


def _plain(name: str) -> str:
    return re.sub(r"[^\w.+-]+", "-", name)


def named(words: Sequence[str]) -> dict[str, str]:
    """``FOLDER=CLASS`` as a table; ``FOLDER=`` leaves it out.

    Raises:
        InputError: a word without ``=``.
    """
    pairs = [word.partition("=") for word in words]
    if wrong := [word for word, (_, sign, _) in zip(words, pairs, strict=True) if not sign]:
        raise InputError(f"--names is FOLDER=CLASS, or FOLDER= to leave it out; got {wrong[0]!r}")
    return {folder: name for folder, _, name in pairs}
