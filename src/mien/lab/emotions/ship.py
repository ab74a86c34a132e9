"""A trained net as a head that tells emotions live: ``weights/emotion.onnx`` and ``.json``.

    python -m mien.lab.emotions.ship recipes/emotions/residual-tuned.toml --data D

and ``weights/emotion-landmarks``, which stands in for it where landmarks come without a picture:

    python -m mien.lab.emotions.ship --landmarks recipes/emotions/landmark-mlp-smote.toml --data D

What is learnt here is one number, the temperature: on PublicTest, as all of Training was learnt
from. That part has chosen the net, too; the card says so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from scipy.optimize import minimize_scalar

from ...arrays import Array, Float, Int
from ...channels import EMOTIONS
from ...errors import InputError
from ...heads.emotion import tempered
from ...heads.regressor import Head
from ...heads.spec import INPUTS, HeadSpec
from ...outputs.files import replacing, write_json_atomic
from .. import training
from ..datasets.samples import Samples
from ..export import counts
from ..material import gather
from ..recipe import Recipe, load
from ..stopwatch import duration
from .evaluate import everything, parameters, say
from .scores import score_classes

__all__ = ["NAME", "fitted", "ship", "surprise"]

NAME = "emotion"
"""Of the head, and of its files; see :func:`mien.heads.without_picture`."""

ABOUT = "What a face shows, as people would call it: probabilities of seven emotions."
NOTES = (
    "The classes are what people called small photographs of faces, seven words for all that faces "
    "do; other people agree with them in 65 % (Goodfellow et al., 2013). A face is not a feeling.",
    "It was learnt and scored on FER-2013's pictures, which are not a fair sample of the world's "
    "faces; disgust is the rarest among them, 1.5 %, and the least sure.",
    "Do not decide about people with it.",
)
_COLDEST, _HOTTEST = 0.1, 10.0


def ship(
    recipe: Recipe,
    run: Path,
    samples: Samples,
    learnt: Mapping[str, Any],
    out: Path,
    version: str = "1",
) -> HeadSpec:
    """Copy a net and describe it.

    Args:
        recipe: that it was trained by.
        run: folder of the training, with ``<name>.onnx`` and ``history.json``.
        samples: every picture of PublicTest; see :func:`mien.lab.emotions.evaluate.everything`.
        learnt: what it was trained on, by data set and part.
        out: the ONNX file to write; its description comes beside it.
        version: of the head; it rises when the weights change.

    Raises:
        InputError: no such net, or one that wants what the tracker does not have.
    """
    path = run / f"{recipe.name}.onnx"
    if not path.is_file():
        raise InputError(f"there is no {path}; train first, or name the run with --run")
    net = training.build(recipe)
    if recipe.output != "emotion" or not set(net.inputs) <= set(INPUTS):
        raise InputError(
            f"{recipe.name} gives {recipe.output} of {', '.join(net.inputs)}; a live head gives "
            f"emotion of some of {', '.join(INPUTS)}"
        )
    said = say(path, samples)
    found = np.isfinite(said.probabilities[:, 0])
    temperature = fitted(said.probabilities[found], said.truth[found])
    data = path.read_bytes()
    history = json.loads((run / "history.json").read_text("utf-8"))
    spec = HeadSpec(
        name=out.stem,
        version=version,
        inputs=net.inputs,
        output="emotion",
        channels=EMOTIONS,
        sha256=hashlib.sha256(data).hexdigest(),
        parameters=parameters(recipe, path.with_suffix(".safetensors")),
        licence=recipe.export.licence,
        engines=("facemesh",),
        recipe={
            "command": f"mien train recipes/emotions/{recipe.name.removeprefix('emotion-')}.toml",
            "epochs": len(history),
            "best_epoch": min(history, key=lambda row: row["validation"])["epoch"],
            "minutes": round(duration(history) / 60, 2),
            "settings": recipe.as_dict(),
        },
        data=learnt,
        scores={"PublicTest": _scores(said.probabilities, said.truth)},
        about=ABOUT if "image" in net.inputs else f"{ABOUT} From landmarks alone.",
        notes=NOTES,
        temperature=round(temperature, 4),
        calibrated_on=f"FER-2013 PublicTest, the {int(found.sum()):,} pictures that it answers",
    )
    with replacing(out) as part:
        part.write_bytes(data)
    write_json_atomic(out.with_suffix(".json"), spec.as_dict())
    Head(out)  # refuses what cannot run
    return spec


def surprise(
    probabilities: Float[Array, "n c"], truth: Int[Array, "n"], temperature: float = 1.0
) -> float:
    """Mean negative logarithm of what the true class was given."""
    warm = tempered(np.asarray(probabilities, np.float32), temperature)
    given = warm[np.arange(len(truth)), truth].astype(np.float64)
    return float(-np.log(np.maximum(given, 1e-12)).mean())


def fitted(probabilities: Float[Array, "n c"], truth: Int[Array, "n"]) -> float:
    """The temperature at which the truth is the least surprise.

    Raises:
        InputError: nothing to fit it on.
    """
    if not len(truth):
        raise InputError("there are no answers to fit a temperature on")
    best = minimize_scalar(
        lambda log: surprise(probabilities, truth, float(np.exp(log))),
        bounds=(np.log(_COLDEST), np.log(_HOTTEST)),
        method="bounded",
    )
    return float(np.exp(best.x))


def _scores(probabilities: Float[Array, "n c"], truth: Int[Array, "n"]) -> dict[str, Any]:
    """Figures for the card; the calibration error after is of halves fitted on each other."""
    found = np.isfinite(probabilities[:, 0])
    given, right = probabilities[found], truth[found]
    halves = np.arange(len(right)) % 2
    warm = np.empty_like(given)
    for half in (0, 1):
        temperature = fitted(given[halves != half], right[halves != half])
        warm[halves == half] = tempered(given[halves == half].astype(np.float32), temperature)
    before = score_classes(truth, probabilities, EMOTIONS)
    after = score_classes(right, warm, EMOTIONS)
    return {
        "pictures": before.pictures,
        "found": before.found,
        "accuracy": round(before.accuracy, 4),
        "accuracy_interval": [round(value, 4) for value in before.accuracy_interval],
        "accuracy_found": round(before.accuracy_found or 0.0, 4),
        "macro_f1": round(before.macro_f1, 4),
        "recall": {name: round(value, 4) for name, value in before.recall.items()},
        "calibration_error_before": round(before.calibration_error or 0.0, 4),
        "calibration_error": round(after.calibration_error or 0.0, 4),
    }


def main(
    recipe: Annotated[Path, typer.Argument(help="Recipe of a net that tells emotions.")],
    data: Annotated[Path, typer.Option(help="Folder of the data sets.")],
    run: Annotated[
        Path | None, typer.Option(help="Folder of the training.", show_default="runs/NAME")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="ONNX file to write.", show_default=f"src/mien/weights/{NAME}.onnx"),
    ] = None,
    landmarks: Annotated[
        bool,
        typer.Option("--landmarks", help="It stands in where landmarks come without a picture."),
    ] = False,
    version: Annotated[str, typer.Option(help="Of the head; raise it with new weights.")] = "1",
) -> None:
    """Ship a trained net as the head that tells emotions live."""
    plan = load(recipe)
    out = out or Path("src/mien/weights") / f"{NAME}{'-landmarks' * landmarks}.onnx"
    samples = everything(plan, data).part("validation")
    learnt = counts(gather(plan, data).samples)
    spec = ship(plan, run or Path("runs") / plan.name, samples, learnt, out, version)
    typer.echo(f"{out}: {plan.name}, temperature {spec.temperature}")
    typer.echo(json.dumps(spec.scores, indent=1))


if __name__ == "__main__":
    typer.run(main)
