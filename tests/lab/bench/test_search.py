"""Searches on a tiny recipe: a grid and what Optuna proposes, interrupted and gone on with."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")
pytest.importorskip("optuna", reason="the workshop: pip install 'mien[lab]'")

from mien.errors import InputError, MienError
from mien.lab import checkpoint, material, tracking, training
from mien.lab.bench import search
from mien.lab.bench.methods import emotions
from mien.lab.command import app as workshop

from .conftest import NETS

GRID = '[train]\nlr = [0.01, 0.0001]\nbatch = [16, 32]\n"weight_decay" = [0.0]\n'
RANGES = (
    '"train.lr" = { low = 1e-4, high = 1e-1, log = true }\n"net.hidden" = { low = 8, high = 9 }\n'
)


def tried(*options: str, space: str = GRID, code: int = 0) -> Result:
    Path("space.toml").write_text(space)
    words = ["bench", "search", "recipes/points.toml", "--space", "space.toml", *options]
    done = CliRunner().invoke(workshop, words)
    found = done.exception.exit_code if isinstance(done.exception, MienError) else done.exit_code
    if found != code:
        raise AssertionError(f"{done.output}\n{done.exception!r}") from done.exception
    return done


def table() -> dict[str, Any]:
    path = Path("results/emotions/search/tiny-points-space.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_a_grid_is_tried_whole_and_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train, calls = training.train, []

    def cut(*given: Any, **options: Any) -> Any:
        def progress(*_: object) -> None:
            calls.append(1)
            if len(calls) == 18:  # in the second epoch of the second trial
                raise KeyboardInterrupt

        return train(*given, **options | {"progress": progress})

    with monkeypatch.context() as patch:
        patch.setattr(training, "train", cut)
        assert "the same command goes on" in tried("--no-mlflow", code=130).output
    run = Path("runs/search/tiny-points-space")
    first = json.loads((run / "1" / "history.json").read_text())
    told = tried("--no-mlflow").stdout
    assert json.loads((run / "1" / "history.json").read_text())[: len(first)] == first
    found = table()
    assert found["wanted"] == 4
    settings = [tuple(trial["settings"].values()) for trial in found["trials"]]
    assert sorted(settings) == [(lr, batch, 0.0) for lr in (0.0001, 0.01) for batch in (16, 32)]
    best = max(found["trials"], key=lambda trial: trial["accuracy"])
    assert f"best of 4: trial {best['number']}, accuracy {best['accuracy']:.3f}" in told
    assert (run / "trials.png").read_bytes().startswith(b"\x89PNG")
    before = table()
    tried("--no-mlflow")
    assert table() == before
    assert not (run / "4").exists()


@pytest.mark.filterwarnings("ignore")  # those of MLflow's own libraries are not ours
def test_optuna_goes_on_and_tells_mlflow(folder: Path) -> None:
    pytest.importorskip("mlflow", reason="in the lab extra")
    tried("--method", "optuna", "--trials", "1", space=RANGES)
    tried("--method", "optuna", "--trials", "2", "--no-mlflow", space=RANGES)
    one, other = (trial["settings"] for trial in table()["trials"])
    assert one != other
    assert 1e-4 <= one["train.lr"] <= 1e-1
    assert one["net.hidden"] in (8, 9)
    with sqlite3.connect("runs/mlflow.db") as store:
        rows = store.execute("select key from metrics where key = 'accuracy'").fetchall()
        assert rows == [("accuracy",)]
    store.close()


def test_a_trial_that_fails_stops_no_other(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train = training.train

    def fail(recipe: Any, *given: Any, **options: Any) -> Any:
        if recipe.train.lr > 0.001:
            raise training.TrainingError("the loss is nan")
        return train(recipe, *given, **options)

    monkeypatch.setattr(training, "train", fail)
    told = tried("--no-mlflow", space='"train.lr" = [0.01, 0.0001]\n').stdout
    assert "best of 1" in told
    assert sorted(trial["error"] for trial in table()["trials"]) == ["", "the loss is nan"]
    whole = [trial for trial in table()["trials"] if not trial["error"]]
    with monkeypatch.context() as patch:
        patch.setattr(training, "train", train)  # what was in the way is gone
        assert "best of 2" in tried("--no-mlflow", space='"train.lr" = [0.01, 0.0001]\n').stdout
    assert [trial["error"] for trial in table()["trials"]] == ["", ""]
    assert sorted(trial["settings"]["train.lr"] for trial in table()["trials"]) == [0.0001, 0.01]
    assert whole[0] in table()["trials"]
    before = table()
    tried("--no-mlflow", space='"train.lr" = [0.01, 0.0001]\n')
    assert table() == before
    out = ("--no-mlflow", "--out", "other")
    assert "all 1 trials failed" in str(
        tried(*out, space='"train.lr" = [0.01]\n', code=1).exception
    )


def test_without_data_nothing_is_tried(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*_: Any) -> Any:
        raise InputError("the data set is not there")

    with monkeypatch.context() as patch:
        patch.setattr(material, "gather", nowhere)
        done = tried("--no-mlflow", space='"train.lr" = [0.01]\n', code=2)
    assert str(done.exception) == "the data set is not there"
    assert "best of 1: trial 0" in tried("--no-mlflow", space='"train.lr" = [0.01]\n').stdout


@pytest.mark.parametrize("method", ["grid", "optuna"])
def test_lists_are_values_too(folder: Path, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Path("recipes/points.toml")
    recipe.write_text(recipe.read_text().replace(NETS["points"], 'kind = "mesh"\nwidth = 8\n'))
    space = '"net.sizes" = [[60, 15], [30, 10]]\n'
    options = ("--no-mlflow", "--method", method, "--trials")
    with monkeypatch.context() as patch:

        def stop(*_: Any, **__: Any) -> Any:
            raise KeyboardInterrupt

        patch.setattr(training, "train", stop)
        tried(*options, "1", space=space, code=130)
    assert "trial 0, accuracy" in tried(*options, "1", space=space).stdout
    tried(*options, "2", space=space)
    sizes = [trial["settings"]["net.sizes"] for trial in table()["trials"]]
    assert len(sizes) == 2
    assert all(size in ([60, 15], [30, 10]) for size in sizes)
    if method == "grid":
        assert sizes[0] != sizes[1]
    bench = ["bench", "emotions", "--recipes", "recipes", "--only", "pictures"]
    assert CliRunner().invoke(workshop, bench, catch_exceptions=False).exit_code == 0
    assert f"{sizes[0]} |" in Path("docs/emotions.md").read_text()


@pytest.mark.parametrize(
    ("space", "options", "message"),
    [
        ("", [], "names nothing to try"),
        ('"train.lr" = 0.1\n', [], "train.lr is a list of different values, got 0.1"),
        ('"train.lr" = [0.1, 0.1]\n', [], "a list of different values"),
        ('"train.rl" = [0.1]\n', [], "rl is not a key of a recipe here; did you mean lr"),
        ('"net.hiden" = [8]\n', [], "did you mean hidden"),
        ('"train.lr" = [-1.0]\n', [], "lr is above 0"),
        ('"trian.lr" = [0.1]\n', [], "a recipe has no table \\[trian\\]"),
        ('name = ["a"]\n', [], "trials differ in how they learn, not in name"),
        (RANGES, [], "is a range; a grid wants a list"),
        (RANGES, ["--method", "optuna"], "--trials says how many"),
        (RANGES.replace("1e-4", "0.0"), ["--method", "optuna"], "low below high, and above 0"),
    ],
)
def test_what_cannot_be_tried_is_said(
    folder: Path, space: str, options: list[str], message: str
) -> None:
    done = tried("--no-mlflow", *options, space=space, code=2)
    assert re.search(message, str(done.exception)), done.exception


def test_two_at_once_do_not_share_a_trial(folder: Path) -> None:
    run = Path("runs/search/tiny-points-space")
    with checkpoint.alone(run):
        done = tried("--no-mlflow", code=2)
    assert "another training writes into runs/search/tiny-points-space" in str(done.exception)
    tried("--no-mlflow")
    assert len(table()["trials"]) == 4


def test_another_search_is_not_gone_on_with(folder: Path) -> None:
    Path("space.toml").write_text(GRID)
    recipe = emotions(Path("recipes/points.toml"))
    space = search.read_space(Path("space.toml"), recipe, "grid")
    search.Search(recipe, space, "grid", 0, Path("x"))
    with pytest.raises(MienError, match=r"holds another search:\n  space.train.lr: "):
        search.Search(recipe, {**space, "train.lr": [0.1]}, "grid", 0, Path("x"))


@pytest.mark.filterwarnings("ignore")  # those of MLflow's own libraries are not ours
def test_the_runs_are_shown(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow", reason="in the lab extra")
    done = CliRunner().invoke(workshop, ["lab", "ui"])
    assert "there is no store" in str(done.exception)
    Path("runs").mkdir()
    Path("runs/mlflow.db").touch()
    asked: list[list[str]] = []

    class Server:
        def __init__(self, command: list[str]) -> None:
            asked.append(command)

        def __enter__(self) -> Server:
            return self

        def __exit__(self, *_: object) -> None:
            asked.append(["ended"])

        def wait(self) -> int:
            return 0

        def terminate(self) -> None:
            asked.append(["terminated"])

    monkeypatch.setattr(tracking.subprocess, "Popen", Server)
    done = CliRunner().invoke(workshop, ["lab", "ui", "--port", "5123"])
    assert done.exit_code == 0, done.output
    assert done.stdout == "http://127.0.0.1:5123\n"
    command, *ends = asked
    assert command[1:4] == ["-m", "mlflow", "ui"]
    assert command[4:] == [
        "--backend-store-uri", f"sqlite:///{folder / 'runs' / 'mlflow.db'}",
        "--host", "127.0.0.1", "--port", "5123", "--workers", "1",
    ]  # fmt: skip
    assert ends == [["terminated"], ["ended"]]
    monkeypatch.setattr(tracking, "find_spec", lambda _: None)
    done = CliRunner().invoke(workshop, ["lab", "ui"])
    assert "pip install mlflow" in str(done.exception)
