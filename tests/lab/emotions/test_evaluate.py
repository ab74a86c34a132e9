"""From a tiny training to its scores, on made pictures; the mirror, and faces that were missed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")

from mien import heads
from mien.errors import InputError
from mien.lab import datasets, export, training
from mien.lab.command import app as workshop
from mien.lab.datasets.samples import Samples
from mien.lab.emotions import evaluate
from mien.lab.material import Material
from mien.lab.recipe import Recipe, typed

from ..made_faces import made


def recipe(net: dict[str, Any]) -> Recipe:
    return typed(
        Recipe,
        {
            "name": "tiny-emotion",
            "output": "emotion",
            "data": {"sources": [{"name": "fer2013-emotions"}]},
            "augment": {"mirror": 0.5},
            "net": net,
            "loss": {"kind": "cross_entropy"},
            "train": {"epochs": 15, "batch": 16, "lr": 0.01},
        },
    )


@pytest.fixture(scope="module")
def samples() -> Samples:
    return made(64, 32)


NETS = [
    {"kind": "mlp", "hidden": 32, "depth": 1, "output": "softmax"},
    {"kind": "residual", "width": 8, "blocks": 1, "dropout": 0.0, "skip": 0.0},
]


@pytest.fixture(params=NETS, ids=lambda net: net["kind"])
def trained(
    request: pytest.FixtureRequest, samples: Samples, tmp_path: Path
) -> tuple[Recipe, Path]:
    plan = recipe(request.param)
    material = Material(samples, np.ones(len(samples)), np.zeros(len(samples), bool))
    state = training.train(plan, material, tmp_path)
    return plan, export.head(plan, state, material, tmp_path)


def test_all_pictures_are_scored(
    trained: tuple[Recipe, Path], samples: Samples, tmp_path: Path
) -> None:
    plan, path = trained
    table, said = evaluate.evaluate(plan, path, samples)
    plain, mirror = table["sets"]
    assert (plain["mirror"], mirror["mirror"]) == (False, True)
    assert plain["pictures"] == 32
    needs_landmarks = plan.net.kind == "mlp"
    assert plain["found"] == (31 if needs_landmarks else 32)
    # What was missed is wrong, even where everything else is right.
    assert plain["accuracy"] > 0.85
    assert plain["accuracy"] <= (31 / 32 if needs_landmarks else 1)
    assert table["minutes"] is not None
    assert table["microseconds"] > 0
    written = evaluate.write(table, said, tmp_path / "results", tmp_path)
    assert json.loads(written.read_text())["sets"][0]["pictures"] == 32
    with np.load(tmp_path / "said-validation.npz") as kept:
        np.testing.assert_array_equal(kept["probabilities"], said["validation"].probabilities)
        assert kept["names"].tolist() == list(said["validation"].names)


def test_the_mirror_makes_both_sides_alike(trained: tuple[Recipe, Path], samples: Samples) -> None:
    _, path = trained
    part = samples.part("validation").select(range(8))
    flipped = evaluate._mirrored(part)
    assert not np.array_equal(flipped.aligned, part.aligned)
    one, other = (evaluate.say(path, s, mirror=True) for s in (part, flipped))
    np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-5)


def test_minutes_are_those_too_of_the_heads_that_a_net_is_made_of(tmp_path: Path) -> None:
    (tmp_path / "history.json").write_text('[{"epoch": 1, "seconds": 90.0, "busy": 60.0}]')
    ready = [heads.shipped()[name].recipe["minutes"] for name in ("arkit52", "morphable10")]
    for net, minutes in (("mlp", 1), ("channels-mlp", 1 + sum(ready))):
        taught = evaluate._taught(recipe({"kind": net}), tmp_path)
        assert taught["minutes"] == pytest.approx(minutes, abs=0.006)


def test_parts_that_are_not_there(trained: tuple[Recipe, Path], samples: Samples) -> None:
    plan, path = trained
    for name in ("test", "private"):
        with pytest.raises(InputError, match="no pictures of PrivateTest"):
            evaluate.evaluate(plan, path, samples, [name])
    with pytest.raises(InputError, match="--split is one of validation, private, test"):
        evaluate.evaluate(plan, path, samples, ["train"])


def test_looks_at_the_private_part_are_counted(tmp_path: Path) -> None:
    def table(weights: str, split: str, accuracy: float = 0.5) -> dict[str, Any]:
        row = {"split": split, "accuracy": accuracy}
        return {"method": "x", "sha256": weights, "sets": [row]}

    def write(*given: Any) -> dict[str, Any]:
        path = evaluate.write(table(*given), {}, tmp_path, tmp_path)
        found: dict[str, Any] = json.loads(path.read_text())
        return found

    assert "private" not in write("a" * 64, "validation")
    once = write("a" * 64, "test")
    assert once["private"] == ["a" * 16]
    assert [row["split"] for row in once["sets"]] == ["test", "validation"]
    assert write("a" * 64, "test") == once
    anew = write("a" * 64, "validation", 0.6)
    assert [(row["split"], row["accuracy"]) for row in anew["sets"]] == [
        ("validation", 0.6), ("test", 0.5),
    ]  # fmt: skip
    other = write("b" * 64, "validation")  # other weights: what is known of the part is over
    assert [row["split"] for row in other["sets"]] == ["validation"]
    assert write("b" * 64, "test")["private"] == ["a" * 16, "b" * 16]


def test_the_command_scores_every_picture(
    samples: Samples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    datasets.names()  # so that they register themselves first
    monkeypatch.setitem(datasets._READERS, "fer2013-emotions", lambda *_: samples)
    monkeypatch.setitem(datasets._COVERAGE, "fer2013-emotions", lambda *_: {})
    monkeypatch.chdir(tmp_path)
    toml = tmp_path / "tiny.toml"
    toml.write_text(
        'name = "tiny-emotion"\noutput = "emotion"\n[[data.sources]]\nname = "fer2013-emotions"\n'
        'engines = ["facemesh"]\n[net]\nkind = "mlp"\nhidden = 8\ndepth = 0\noutput = "softmax"\n'
        '[loss]\nkind = "cross_entropy"\n[train]\nepochs = 1\nbatch = 16\n'
    )
    for words in (["train", str(toml)], ["evaluate", str(toml)]):
        done = CliRunner().invoke(workshop, words)
        assert done.exit_code == 0, done.output
    assert "32 pictures, 31 found" in done.output
    table = json.loads((tmp_path / "results" / "emotions" / "tiny-emotion.json").read_text())
    assert [row["mirror"] for row in table["sets"]] == [False, True]
    done = CliRunner().invoke(workshop, ["evaluate", str(toml), "--head", "nowhere.onnx"])
    assert isinstance(done.exception, InputError)
    assert ".onnx file, emotion-landmarks or emotion" in str(done.exception)

    # A head that ships, by its name, on the same pictures: results of its own, said of its recipe.
    done = CliRunner().invoke(workshop, ["evaluate", str(toml), "--head", "emotion-landmarks"])
    assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "results/emotions/tiny-emotion.json").read_text()) == table
    other = json.loads((tmp_path / "results/emotions/emotion-landmarks.json").read_text())
    assert other["method"] == "emotion-landmarks"
    assert other["recipe"]["name"] == "emotion-landmark-mlp-smote"
    assert (tmp_path / "runs/emotion-landmarks/said-validation.npz").is_file()

    # A file of the same name by another recipe does not take its place.
    (tmp_path / "elsewhere").mkdir()
    shutil.copy(tmp_path / "runs/tiny-emotion/tiny-emotion.onnx",
                tmp_path / "elsewhere/emotion-landmarks.onnx")  # fmt: skip
    again = ["evaluate", str(toml), "--head", "elsewhere/emotion-landmarks.onnx"]
    done = CliRunner().invoke(workshop, again)
    assert isinstance(done.exception, InputError)
    assert "trained by emotion-landmark-mlp-smote" in str(done.exception)
    assert "name another folder with --results" in str(done.exception)
    assert json.loads((tmp_path / "results/emotions/emotion-landmarks.json").read_text()) == other
