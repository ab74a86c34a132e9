"""A trained net becomes the head that tells emotions live; what it sees in named pictures."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")

from rich.console import Console

from mien import heads
from mien.channels import EMOTIONS
from mien.errors import InputError
from mien.heads.regressor import Head
from mien.lab import export, nets, training
from mien.lab.datasets.samples import Samples
from mien.lab.emotions import ship, stills
from mien.lab.emotions.evaluate import evaluate, say
from mien.lab.export import counts
from mien.lab.material import Material
from mien.lab.recipe import Recipe

from . import test_evaluate
from .test_evaluate import recipe

samples, trained = test_evaluate.samples, test_evaluate.trained

# Raise it with the head: so many of the seven stills it sees as they are named.
LEAST = 5


def unsure(sharpness: float, count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Answers whose scores are ``sharpness`` times those of their truth."""
    random = np.random.default_rng(1)
    scores = random.normal(0, 1.5, (count, 7))
    truth = (scores + random.gumbel(size=scores.shape)).argmax(1)
    said = np.exp(sharpness * scores)
    return said / said.sum(1, keepdims=True), truth


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_what_makes_a_net_too_sure(sharpness: float) -> None:
    said, truth = unsure(sharpness)
    found = ship.fitted(said, truth)
    assert found == pytest.approx(sharpness, rel=0.1)
    assert ship.surprise(said, truth, found) <= ship.surprise(said, truth) + 1e-9


def test_without_answers_there_is_no_temperature() -> None:
    with pytest.raises(InputError, match="no answers"):
        ship.fitted(np.empty((0, 7)), np.empty(0, int))


def test_a_net_is_shipped_with_all_that_is_known_of_it(
    trained: tuple[Recipe, Path],
    samples: Samples,
    tmp_path: Path,
) -> None:
    plan, path = trained
    part, out = samples.part("validation"), tmp_path / "weights" / "emotion.onnx"
    out.parent.mkdir()
    spec = ship.ship(plan, path.parent, part, counts(samples), out, version="3")
    assert (spec.name, spec.version, spec.output) == ("emotion", "3", "emotion")
    assert spec.needs_picture == (plan.net.kind != "mlp")
    assert "PublicTest" in spec.calibrated_on
    assert spec.recipe["settings"] == plan.as_dict()
    head, said = Head(out), say(path, part)
    rows = np.flatnonzero(np.isfinite(said.probabilities[:, 0]))[:4]
    some = part.select(np.isin(np.arange(len(part)), rows))
    live = head(some.aligned, some.rotation, some.pixels, some.image)
    np.testing.assert_array_equal(live.argmax(1), said.probabilities[rows].argmax(1))
    assert heads.identity(str(out), "emotion").sha256 == spec.sha256


def test_what_a_machine_has_learnt_is_counted(samples: Samples, tmp_path: Path) -> None:
    """How many support vectors it has only its weights know."""
    everyone = Material(samples, np.ones(len(samples)), np.zeros(len(samples), bool))
    runs = tmp_path / "net", tmp_path / "machine"
    plain = recipe({"kind": "mlp", "hidden": 8, "depth": 0, "output": "softmax"})
    plans = (
        replace(plain, name="net"),
        replace(recipe({"kind": "svm", "kernel": "rbf", "runs": [str(runs[0])]}), name="machine"),
    )
    for plan, run in zip(plans, runs, strict=True):
        export.head(plan, training.train(plan, everyone, run), everyone, run)
    part = samples.part("validation")
    spec = ship.ship(plans[1], runs[1], part, counts(samples), tmp_path / "emotion.onnx")
    table, _ = evaluate(plans[1], runs[1] / "machine.onnx", samples)
    assert spec.parameters == table["parameters"]
    assert spec.parameters > nets.parameters(training.build(plans[1]))


def test_what_cannot_run_live_is_not_shipped(samples: Samples, tmp_path: Path) -> None:
    plan = recipe({"kind": "mlp", "output": "softmax"})
    with pytest.raises(InputError, match="train first"):
        ship.ship(plan, tmp_path, samples, {}, tmp_path / "emotion.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("told", "right", "shown"),
    [
        ("happy", True, "happy 80 % +"),
        ("sad", False, "sad 80 % (happy 3 %)"),
        (None, False, "no face"),
    ],
)
def test_a_table_says_what_was_seen(told: str | None, right: bool, shown: str) -> None:
    said = None
    if told is not None:
        said = np.full(7, 0.2 / 6, np.float32)
        said[EMOTIONS.index(told)] = 0.8
    sights = [stills.Sight(name, said) for name in stills.PICTURES]
    happy = list(stills.PICTURES).index("happy")
    assert sights[happy].right == right
    console = Console(width=120)
    with console.capture() as caught:
        console.print(stills.table({"mine": sights}))
    lines = caught.get().splitlines()
    assert re.search(rf"^happy\s+{re.escape(shown)}", lines[1 + happy])
    assert f"{1 if told else 0} of 7" in lines[-1]


@pytest.mark.shared
def test_the_shipped_head_sees_the_stills_as_they_are_named(
    shared: Path, facemesh: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sights = stills.look(shared / "media" / "stills", engine=facemesh)
    with capsys.disabled():
        Console(width=100).print("", stills.table({"shipped": sights}))
    assert sum(sight.right for sight in sights) >= LEAST


def test_a_folder_without_the_pictures_is_refused(facemesh: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"angry\.jpg"):
        stills.look(tmp_path, engine=facemesh)
