"""Scores of a head on people it has never seen, written to ``results/<head>.json``.

Nothing is chosen here: a training selects on the validation part, and this is the test part. Each
data set and each landmark engine is scored by itself, for a mean would hide what a head is good at.
Scoring a part again replaces the rows of this part in the file, and no others.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import heads
from ..arrays import Array, Float32
from ..channels import ARKIT_52
from ..errors import InputError
from ..heads import geometric
from ..heads.spec import HeadSpec
from ..outputs.files import replacing, write_json_atomic
from .calibrated import calibration_gain
from .datasets.samples import ASKED, EYES_SHUT, NEUTRAL_TURNED, SPLITS, Samples
from .material import Material
from .metrics import kept_when_turned, pose_leak, score
from .recipe import Recipe
from .runtime import Predict, runtime

__all__ = [
    "BY_POSITION",
    "PARTS",
    "PREDICTORS",
    "WHOLE",
    "Answers",
    "check_free",
    "evaluate",
    "load_answers",
    "predictor",
    "read_results",
    "write",
]

WHOLE = "all"
"""A split that is none: training images included. For showing what that does to a score."""

BY_POSITION = "by-position"
"""No split and no score of a head: the truth of all images against itself, paired by position after
two lists of it have lost different images. So a published comparison came about, whose baseline was
set against its own answers and reached an R2 of -0.97, that of two unrelated lists. It is here to
be seen beside a score that is one."""

PARTS = (*reversed(SPLITS), WHOLE, BY_POSITION)
"""All that can be scored, in the order in which it is written."""

_FEW = 50  # faces
_LEFT = (1964, 1828)  # of 2,000 images, in the two lists of that comparison


@dataclass(frozen=True, eq=False)
class Answers:
    """What a head said of samples, beside the truth; kept for plots.

    Attributes:
        names: of the samples.
        source: their data sets.
        engine: their landmark engines.
        truth: float32 (n, c), NaN where nobody knows.
        prediction: float32 (n, c), NaN where the head says nothing.
        channels: names of the columns.
        pixels: float32 (n, 478, 3), picture coordinates.
        size: int32 (n, 2), of the pictures.
    """

    names: Sequence[str]
    source: Sequence[str]
    engine: Sequence[str]
    truth: Float32[Array, "n c"]
    prediction: Float32[Array, "n c"]
    channels: Sequence[str]
    pixels: Float32[Array, "n 478 3"]
    size: Array


def _geometric(samples: Samples) -> Array:
    readings = [geometric.expression(geometric.measure(face)) for face in samples.aligned]
    return np.array(readings, np.float32)


PREDICTORS: Mapping[str, Predict] = {"geometric": _geometric}
"""Heads that are no files: name -> answers, ARKit's 52."""


def predictor(head: str) -> Predict:
    """A head by name (of :data:`PREDICTORS`, or shipped) or by the path of its ONNX file.

    Raises:
        InputError: neither.
    """
    if head in PREDICTORS:
        return PREDICTORS[head]
    path = file_of(head)
    if path.suffix != ".onnx" or not path.is_file():
        known = ", ".join([*PREDICTORS, *heads.shipped()])
        raise InputError(
            f"there is no head {head!r}; train it first, give the path of its .onnx file, or name "
            f"one of {known}"
        )
    return runtime(path)


def evaluate(
    head: str, recipe: Recipe, material: Material, *, splits: Sequence[str] = ("test",)
) -> tuple[dict[str, Any], Answers]:
    """Score a head on the data sets of a recipe.

    Args:
        head: see :func:`predictor`.
        recipe: names the data sets; of a head with weights, the one that it was trained by.
        material: of that recipe.
        splits: ``test``, and any others of :data:`PARTS` for comparison.

    Returns:
        what ``results/<head>.json`` holds, and the answers to the first of the splits in the order
        of :data:`PARTS`; none for ``by-position``, which asks no head.

    Raises:
        InputError: no such head, or one that is about something else.
    """
    answer = predictor(head)
    if head in PREDICTORS and recipe.channels != ARKIT_52:
        raise InputError(f"{head} gives ARKit's 52 channels; {recipe.name} is about others")
    if not splits or set(splits) - set(PARTS):
        raise InputError(f"name at least one split of {', '.join(PARTS)}; got {splits}")
    sets, kept = [], None
    for split in sorted(set(splits), key=PARTS.index):
        samples = _split(material, split)
        if split == BY_POSITION:
            sets += _score(*_paired_by_position(samples), split)
            continue
        prediction = answer(samples)
        if prediction.shape != samples.target.shape:
            raise InputError(
                f"{head} gives {prediction.shape[1]} numbers; the recipe {recipe.name} is about "
                f"{len(recipe.channels)}"
            )
        sets += _score(samples, prediction, split)
        kept = kept or _answers(samples, prediction)
    results: dict[str, Any] = {
        "head": Path(head).stem,
        "output": recipe.output,
        "recipe": recipe.name,
        "sha256": _sha256(head),
        "coverage": {name: dict(counts) for name, counts in material.coverage.items()},
        "sets": sets,
    }
    nothing = material.samples.select([])
    return results, kept or _answers(nothing, nothing.target)


def write(results: Mapping[str, Any], answers: Answers, folder: Path, run: Path, head: str) -> Path:
    """Write the results, the answers into the run, and the scores into the run's description.

    Rows of other splits that the file holds already stay. Answers are kept to the first split of
    the file alone, which is the one that reports show.

    Args:
        results: of :func:`evaluate`.
        answers: of :func:`evaluate`.
        folder: of all results.
        run: of the training. A head that lies elsewhere keeps its description.
        head: what was scored.

    Returns:
        path of the results.

    Raises:
        InputError: the file holds what these results cannot stand beside; see :func:`check_free`.
        OutputError: when the system refuses.
    """
    path = folder / f"{results['head']}.json"
    now = list(results["sets"])
    kept = _others(path, results["recipe"], results["sha256"], {row["split"] for row in now})
    sets = sorted([*kept, *now], key=lambda row: PARTS.index(row["split"]))
    write_json_atomic(path, {**results, "sets": sets})
    if len(answers.names) and sets[:1] == now[:1]:
        with replacing(run / f"{results['head']}.answers.npz") as part, part.open("wb") as file:
            np.savez_compressed(
                file,
                **{k: np.asarray(getattr(answers, k)) for k in answers.__dataclass_fields__},
            )
    beside = Path(head).with_suffix(".json")
    tests = [s for s in now if s["split"] == "test" and s["mse"] is not None]
    if tests and beside.is_file() and beside.parent.samefile(run):
        spec = HeadSpec.read(beside)
        scores = {
            f"{s['source']}, {s['engine']}": {k: s[k] for k in ("r", "mae", "mse", "r2")}
            for s in tests
        }
        engines = tuple(sorted({s["engine"] for s in tests}))
        write_json_atomic(beside, replace(spec, scores=scores, engines=engines).as_dict())
    return path


def check_free(folder: Path, head: str, recipe: Recipe, splits: Sequence[str] = ("test",)) -> None:
    """Refuse before anything is scored what :func:`write` would refuse.

    Scores of one file are of one recipe and of the same weights: those on the data of another
    recipe are not written over, and those of other weights only where all of them are replaced.

    Raises:
        InputError: there are such results.
    """
    _others(folder / f"{Path(head).stem}.json", recipe.name, _sha256(head), set(splits))


def _others(path: Path, recipe: str, sha256: str | None, splits: Set[str]) -> list[dict[str, Any]]:
    """Rows of the file that stay when these splits are scored."""
    try:
        table = json.loads(path.read_text("utf-8"))
        before, weights = table.get("recipe", recipe), table.get("sha256")
        rows = [row for row in table.get("sets", []) if row["split"] in PARTS]
    except (OSError, ValueError, AttributeError, KeyError, TypeError):
        return []  # nothing, or nothing that anybody can read
    if before != recipe:
        raise InputError(
            f"{path} holds scores on the data of the recipe {before}, not {recipe}; name another "
            "folder with --results, or remove the file"
        )
    kept = [row for row in rows if row["split"] not in splits]
    if kept and weights != sha256:
        left = {row["split"] for row in kept}
        every = " ".join(f"--split {part}" for part in PARTS if part in left | splits)
        raise InputError(
            f"{path} holds scores of other weights on {', '.join(sorted(left))}; score these again "
            f"too ({every}), name another folder with --results, or remove the file"
        )
    return kept


def load_answers(path: Path) -> Answers:
    """What :func:`write` kept.

    Raises:
        InputError: there are none.
    """
    try:
        # Opened here: numpy leaves a damaged file open.
        with path.open("rb") as stream, np.load(stream) as file:
            table = {key: file[key] for key in file.files}
        lists = ("names", "source", "engine", "channels")
        return Answers(**{k: v.tolist() if k in lists else v for k, v in table.items()})
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(
            f"there are no whole answers {path}; run `mien evaluate` ({error})"
        ) from None


def read_results(folder: Path) -> list[dict[str, Any]]:
    """All results of a folder, by name of the file.

    Raises:
        InputError: there are none, or a file that is none.
    """
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            table = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{path} is no JSON ({error}); evaluate again") from None
        if isinstance(table, dict) and "head" in table and "sets" in table:
            found.append(table)  # others, of benchmarks for instance, may lie there too
    if not found:
        raise InputError(f"there are no results in {folder}; run `mien evaluate RECIPE`")
    return found


def _split(material: Material, split: str) -> Samples:
    whole = split in (WHOLE, BY_POSITION)
    return material.samples if whole else material.part(split).samples


def _paired_by_position(samples: Samples) -> tuple[Samples, Array]:
    """Samples of each data set and engine, and the truth of others of them beside it."""
    random = np.random.default_rng(0)
    kinds = np.array([f"{s} {e}" for s, e in zip(samples.source, samples.engine, strict=True)])
    mine, other = [], []
    for kind in sorted(set(kinds)):
        index = np.flatnonzero(kinds == kind)
        if len(index) < _FEW:
            continue  # too few to lose their places
        lists = [
            np.sort(random.permutation(index)[: round(len(index) * left / 2000)]) for left in _LEFT
        ]
        length = min(map(len, lists))
        mine.append(lists[0][:length])
        other.append(lists[1][:length])
    if not mine:
        return samples.select([]), samples.target[:0]
    return samples.select(np.concatenate(mine)), samples.target[np.concatenate(other)]


def _score(samples: Samples, prediction: Array, split: str) -> list[dict[str, Any]]:
    """A row for each data set and engine, in the order of the recipe."""
    kinds = list(zip(samples.source, samples.engine, strict=True))
    rows = []
    for kind in dict.fromkeys(kinds):
        index = np.flatnonzero([k == kind for k in kinds])
        some, said = samples.select(index), prediction[index]
        row: dict[str, Any] = {"source": kind[0], "engine": kind[1], "split": split}
        row |= score(some.target, said, some.channels, some.names, some.subjects).as_dict()
        if kind[0] == NEUTRAL_TURNED:
            row["pose_leak"] = pose_leak(said, some.rotation, some.channels, some.subjects)
        if kind[0] == EYES_SHUT:
            row["kept"] = kept_when_turned(said, some.rotation, some.channels)
        if kind[0] == ASKED and split == "test":
            row["calibration"] = calibration_gain(some, said)
        rows.append(row)
    return rows


def _answers(samples: Samples, prediction: Array) -> Answers:
    return Answers(
        names=samples.names,
        source=samples.source,
        engine=samples.engine,
        truth=samples.target,
        prediction=prediction.astype(np.float32),
        channels=samples.channels,
        pixels=samples.pixels,
        size=samples.size,
    )


def file_of(head: str) -> Path:
    """The ONNX file of a head that ships, by its name, or the path itself."""
    return heads.path(head) if head in heads.shipped() else Path(head)


def _sha256(head: str) -> str | None:
    return None if head in PREDICTORS else hashlib.sha256(file_of(head).read_bytes()).hexdigest()
