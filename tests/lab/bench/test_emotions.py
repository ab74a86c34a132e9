"""The bench on tiny recipes: trained once, gone on with, scored; one that fails stops no other."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")

from mien.errors import InputError, MienError
from mien.lab import training
from mien.lab.bench import methods, working
from mien.lab.command import app as workshop
from mien.lab.stopwatch import duration


def bench(*options: str, code: int = 0) -> Result:
    words = ["bench", "emotions", "--recipes", "recipes", *options]
    done = CliRunner().invoke(workshop, words)
    found = done.exception.exit_code if isinstance(done.exception, MienError) else done.exit_code
    if found != code:
        raise AssertionError(f"{done.output}\n{done.exception!r}") from done.exception
    return done


def results() -> dict[str, Any]:
    return {p.stem: json.loads(p.read_text()) for p in Path("results/emotions").glob("*.json")}


def test_everything_is_trained_once_and_scored(folder: Path) -> None:
    told = bench().stdout
    assert "## Emotions\n" in (folder / "docs" / "results.md").read_text("utf-8")
    assert "| tiny-points |" in (folder / "docs" / "emotions.md").read_text("utf-8")
    assert "tiny-points: trained and scored\n" in told
    assert "tiny-pictures: trained and scored\n" in told
    found = results()
    assert set(found) == {"tiny-points", "tiny-pictures"}
    assert [row["found"] for row in found["tiny-points"]["sets"]] == [31, 31]
    nets = {p: p.stat().st_mtime_ns for p in Path("runs").rglob("*.onnx")}
    assert "tiny-points: nothing to do\n" in bench().stdout
    assert {p: p.stat().st_mtime_ns for p in nets} == nets
    assert "tiny-points: scored\n" in bench("--evaluate-only", "--only", "points").stdout
    assert not list(folder.rglob("*.part"))


def test_an_interrupted_run_goes_on_and_a_changed_one_begins_anew(
    folder: Path, write: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    train, calls = training.train, []

    def cut(*given: Any, **options: Any) -> Any:
        def progress(*_: object) -> None:
            calls.append(1)
            if len(calls) == 6:  # in the second epoch
                raise KeyboardInterrupt

        return train(*given, **options | {"progress": progress})

    with monkeypatch.context() as patch:
        patch.setattr(training, "train", cut)
        assert "the same command goes on" in bench("--only", "points", code=130).output
    history = Path("runs/tiny-points/history.json")
    first = json.loads(history.read_text())
    assert len(first) == 1
    assert not Path("results").exists()
    bench("--only", "points")
    assert json.loads(history.read_text())[:1] == first
    assert len(json.loads(history.read_text())) == 3
    resumed = results()["tiny-points"]["sha256"]
    bench("--only", "points", "--runs", "others", "--results", "other")
    other = json.loads(Path("other/emotions/tiny-points.json").read_text())
    assert other["sha256"] == resumed  # as if nothing had happened

    write("points", epochs=4)
    told = bench("--only", "points").output
    assert "trained afresh" in told
    assert "train.epochs: 3 there, 4 here" in told
    assert len(json.loads(history.read_text())) == 4
    # What the recipe of before gave is not lost.
    kept = Path("runs/tiny-points~1")
    assert hashlib.sha256((kept / "tiny-points.onnx").read_bytes()).hexdigest() == resumed
    assert len(json.loads((kept / "history.json").read_text())) == 3
    write("points", epochs=2)
    bench("--only", "points")
    assert len(json.loads(Path("runs/tiny-points~2/history.json").read_text())) == 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--split", "privat"], "--split is one of validation, private, test here; got 'privat'"),
        (["--results", "taken"], "cannot write taken/emotions: its folder's name is taken by a"),
        (["--runs", "taken"], "cannot write taken: its folder's name is taken by a file"),
    ],
)
def test_what_would_fail_at_the_end_is_refused_at_the_start(
    folder: Path, words: list[str], message: str
) -> None:
    Path("taken").write_text("a file")
    done = CliRunner().invoke(workshop, ["bench", "emotions", "--recipes", "recipes", *words])
    assert isinstance(done.exception, MienError)
    assert message in str(done.exception)
    assert not list(folder.rglob("*.safetensors"))


def test_what_is_made_of_others_finds_them_among_its_runs(folder: Path) -> None:
    (folder / "recipes" / "both.toml").write_text(
        'name = "tiny-both"\noutput = "emotion"\n[[data.sources]]\nname = "fer2013-emotions"\n'
        '[net]\nkind = "fusion"\nruns = ["runs/tiny-pictures", "runs/tiny-points"]\n'
        '[loss]\nkind = "cross_entropy"\n'
    )
    there = ("--runs", "mine", "--results", "mine/results")
    bench("--only", "both", *there)
    assert not Path("runs").exists()
    names = ("tiny-both", "tiny-pictures", "tiny-points")
    whole = [duration(json.loads(Path(f"mine/{n}/history.json").read_text()))
             for n in names]  # fmt: skip
    table = json.loads(Path("mine/results/emotions/tiny-both.json").read_text())
    assert table["minutes"] == pytest.approx(sum(whole) / 60, abs=0.006)
    assert table["parameters"] > 0
    # Others of these names elsewhere are others.
    for name in names[1:]:
        recipe = folder / "recipes" / f"{name.removeprefix('tiny-')}.toml"
        recipe.write_text(f"seed = 5\n{recipe.read_text()}")
    bench("--only", "points", "--only", "pictures", "--results", "others")
    for name in names[1:]:
        recipe = folder / "recipes" / f"{name.removeprefix('tiny-')}.toml"
        recipe.write_text(recipe.read_text().removeprefix("seed = 5\n"))
    assert "tiny-both: nothing to do\n" in bench("--only", "both", *there).stdout
    told = bench("--only", "both", "--evaluate-only", *there).stdout
    assert "tiny-both: scored\n" in told
    again = json.loads(Path("mine/results/emotions/tiny-both.json").read_text())
    assert again["sets"] == table["sets"]


def test_results_of_ones_own_leave_the_pages_alone(folder: Path) -> None:
    Path("docs").mkdir()
    Path("docs/results.md").write_text("of all heads")
    bench("--only", "points", "--results", "mine")
    assert Path("docs/results.md").read_text() == "of all heads"
    assert "| tiny-points |" in Path("mine/docs/emotions.md").read_text("utf-8")
    reported = CliRunner().invoke(
        workshop, ["report", "--results", "mine", "--docs", "mine/pages"], catch_exceptions=False
    )
    assert reported.exit_code == 0
    assert "## Emotions\n" in Path("mine/pages/results.md").read_text("utf-8")


@pytest.mark.filterwarnings("ignore")  # those of MLflow's own libraries are not ours
def test_mlflow_is_told_epochs_and_scores_in_one_run(folder: Path) -> None:
    pytest.importorskip("mlflow", reason="in the lab extra")
    bench("--only", "points", "--mlflow")
    with closing(sqlite3.connect("runs/mlflow.db")) as store:
        rows = store.execute("select run_uuid, key, value, step from metrics").fetchall()
    assert len({row[0] for row in rows}) == 1
    assert sorted(step for _, key, _, step in rows if key == "train") == [1, 2, 3]
    told = {key: value for _, key, value, _ in rows}
    one, mirrored = results()["tiny-points"]["sets"]
    assert told["validation.accuracy"] == one["accuracy"]
    assert told["validation.mirror.macro_f1"] == mirrored["macro_f1"]


def test_what_fails_is_told_and_stops_no_other(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = training.train

    def fail(recipe: Any, *given: Any, **options: Any) -> Any:
        if recipe.name == "tiny-points":
            raise RuntimeError("the tensor has no such thing")
        return train(recipe, *given, **options)

    monkeypatch.setattr(training, "train", fail)
    done = bench(code=1)
    assert "1 of 2 failed: tiny-points" in str(done.exception)
    assert "tiny-points: failed: RuntimeError: the tensor has no such thing" in done.stdout
    assert "Traceback" in Path("runs/tiny-points/error.txt").read_text()
    assert set(results()) == {"tiny-pictures"}


def test_only_what_was_trained_is_scored(folder: Path) -> None:
    done = bench("--evaluate-only", "--only", "tiny-points", code=1)
    assert "leave out --evaluate-only to train it" in done.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--only", "pints"], "--only pints: no recipe in recipes; there are pictures, points"),
        (["--recipes", "nowhere"], "no recipes in nowhere"),
    ],
)
def test_what_is_not_there_is_said(folder: Path, options: list[str], message: str) -> None:
    assert message in str(bench(*options, code=2).exception)


class Made:
    """A method that does nothing."""

    def __init__(self, name: str, *needs: str) -> None:
        self.name, self.needs = name, needs


@pytest.mark.parametrize(
    ("costs", "order"),
    [({"a": 1, "b": 2, "c": 0}, "abc"), ({"a": 2, "b": 1, "c": 0}, "bac"), ({}, "abc")],
)
def test_the_quickest_first_but_nothing_before_what_it_needs(
    costs: dict[str, float], order: str
) -> None:
    made: list[Any] = [Made("c", "a", "b", "elsewhere"), Made("a"), Made("b")]
    found = working.in_order(made, {"a": 0, "b": 0, "c": 0} | costs)
    assert "".join(method.name for method in found) == order


def test_a_circle_is_refused() -> None:
    made: list[Any] = [Made("a", "b"), Made("b", "a")]
    with pytest.raises(InputError, match="a, b need each other in a circle"):
        working.in_order(made, {"a": 0, "b": 0})


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "a minute"), (89, "1 min"), (3600, "1 h 0 min"), (8000, "2 h 13 min")]
)
def test_what_is_left_is_told_roughly(seconds: float, said: str) -> None:
    assert working.told(seconds) == said


def test_a_trial_of_speed_tells_large_from_small(folder: Path) -> None:
    small, large = (
        methods._seconds_a_sample(method.recipe)
        for name in ("points", "pictures")
        for method in methods.find(Path("recipes"), [name])
        if isinstance(method, methods.NetMethod)
    )
    assert 0 < small < large
