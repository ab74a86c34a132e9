from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")

from mien.errors import InputError, MienError
from mien.lab import command, needed, training

MADE = '[[data.sources]]\nname = "made"\noptions = { people = 16, each = 4 }\n'
SMALL = f'name = "small"\n{MADE}[net]\nkind = "mlp"\nhidden = 8\n[train]\nepochs = 2\n'


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    Path("small.toml").write_text(SMALL)


def mien(*arguments: str, code: int = 0) -> Result:
    done = CliRunner().invoke(command.app, list(arguments))
    if done.exit_code != code:
        raise AssertionError(f"{done.output}\n{done.exception!r}") from done.exception
    return done


def refused(*arguments: str) -> str:
    done = CliRunner().invoke(command.app, list(arguments))
    assert isinstance(done.exception, MienError), done.output
    return str(done.exception)


def test_from_recipe_to_report(tiny_toml: Path) -> None:
    """The whole way, as the documentation tells it, on data that are made on the spot."""
    told = mien("train", str(tiny_toml)).output
    assert re.search(
        r"\d+ epochs, best validation loss 0\.\d+ in \d+; one face takes \d+ micro", told
    )
    run = Path("runs", "tiny")
    files = {"checkpoint.safetensors", "history.json", "tiny.safetensors", "tiny.onnx", "tiny.json"}
    assert {p.name for p in run.iterdir()} == files | {".lock"}
    told = mien("evaluate", str(tiny_toml)).output
    found = re.search(r"made, one, test: \d+ faces, r (0\.\d+), MAE", told)
    assert found
    assert float(found[1]) > 0.7
    assert "neutral-turned, one, test" in told
    mien("evaluate", str(tiny_toml), "--head", "geometric")
    assert {p.name for p in Path("results").iterdir()} == {"tiny.json", "geometric.json"}
    mien("report", str(tiny_toml))
    assert (run / "report.html").stat().st_size > 100_000
    mien("report", str(tiny_toml), "--head", "geometric")
    assert (run / "geometric.html").is_file()
    mien("report", "--weights", str(run))
    assert Path("docs", "results.md").is_file()
    assert re.search(r"0\.4\d MB", Path("docs", "models", "tiny.md").read_text())
    assert not list(Path().rglob("*.part"))


def test_data_are_explored(tiny_toml: Path) -> None:
    mien("explore", str(tiny_toml))
    page = Path("docs", "data", "tiny.md").read_text("utf-8")
    assert page.startswith("# Data of tiny\n")
    assert re.search(r"## made\n\n- 960 faces of 24 people: \d+ train, \d+ validation", page)
    assert "- channels without a truth, 1: tongueOut\n" in page
    shown = re.findall(r"\]\((\.\./plots/\S+\.png)\)", page)
    assert len(shown) == 5  # of neutral heads that turn no channel has a truth
    assert "## neutral-turned\n" in page
    assert "- no channel has a truth\n" in page
    assert all(Path("docs", "data", name).stat().st_size > 5000 for name in shown)


def test_the_data_of_two_recipes_lie_beside_each_other() -> None:
    Path("other.toml").write_text(SMALL.replace("small", "other").replace("16", "17"))
    mien("explore", "small.toml")
    before = {p: p.read_bytes() for p in Path("docs").rglob("*.*")}
    mien("explore", "other.toml")
    assert "of 17 people" in Path("docs", "data", "other.md").read_text("utf-8")
    assert {p: p.read_bytes() for p in before} == before


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.84, "0.8 s"), (59.96, "60.0 s"), (61, "1 min 1 s"), (354.6, "5 min 55 s")],
)
def test_a_short_training_takes_some_time_too(seconds: float, told: str) -> None:
    assert command._duration(seconds) == told


def test_interrupted_and_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    train = training.train

    def cut(*given: Any, **options: Any) -> Any:
        calls = []

        def progress(*_: object) -> None:
            calls.append(1)
            if len(calls) == 2:
                raise KeyboardInterrupt

        return train(*given, **options | {"progress": progress})

    with monkeypatch.context() as patch:
        patch.setattr(training, "train", cut)
        done = mien("train", "small.toml", code=130)
    assert "--resume" in done.output
    assert "holds a run already; go on with --resume" in refused("train", "small.toml")
    mien("train", "small.toml", "--resume")
    resumed = Path("runs", "small", "small.onnx").read_bytes()
    mien("train", "small.toml", "--out", "again")
    assert Path("again", "small.onnx").read_bytes() == resumed
    mien("train", "small.toml", "--overwrite")
    assert Path("runs", "small", "small.onnx").read_bytes() == resumed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "nothing.toml"], "there is no recipe nothing.toml; beside it: small.toml"),
        (["train", "small.toml", "--resume"], "no run in .*small to resume; leave out --resume"),
        (["train", "small.toml", "--resume", "-f"], "choose one"),
        (["evaluate", "small.toml"], "train it first"),
        (["evaluate", "small.toml", "--head", "geometrc"], "no head 'geometrc'"),
        (["evaluate", "small.toml", "--split", "tset"], "one of test, validation, train, all"),
        (["report", "small.toml"], "there are no results in results"),
        (["report"], "run `mien evaluate RECIPE`"),
    ],
)
def test_what_is_missing_is_said(arguments: list[str], message: str) -> None:
    assert re.search(message, refused(*arguments))


def test_bad_options_of_the_net_are_found_before_the_data_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("small.toml").write_text(SMALL.replace("hidden = 8", "hiden = 8"))
    monkeypatch.setattr("mien.lab.material.gather", lambda *_: pytest.fail("data were read"))
    assert "did you mean hidden" in refused("train", "small.toml")


def test_a_report_before_the_evaluation_of_this_head() -> None:
    mien("train", "small.toml")
    mien("evaluate", "small.toml", "--head", "geometric")
    assert "there are no results of small in results" in refused("report", "small.toml")


def test_data_lie_beside_the_models_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def gather(_: object, folder: Path) -> None:
        asked.append(folder)
        raise InputError("enough")

    monkeypatch.setattr("mien.lab.material.gather", gather)
    refused("train", "small.toml")
    refused("train", "small.toml", "--data", "here")
    assert asked == [Path.cwd() / "home" / "data", Path("here")]


@pytest.mark.parametrize("name", ["train", "evaluate", "report"])
def test_without_the_workshop_it_is_said_how_to_get_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(needed, "find_spec", lambda n: None if n == "torch" else find(n))
    told = refused(name, "small.toml")
    assert "torch is missing" in told
    assert "pip install 'mien[lab]'" in told


def test_help_needs_no_workshop() -> None:
    assert "--resume" in mien("train", "--help").output


def test_scores_on_other_data_are_not_written_over() -> None:
    Path("results").mkdir()
    Path("results", "geometric.json").write_text('{"head": "geometric", "recipe": "arkit52"}')
    told = refused("evaluate", "small.toml", "--head", "geometric")
    assert "scores on the data of the recipe arkit52, not small; name another folder" in told


@pytest.mark.parametrize(
    ("folder", "told"),
    [("nowhere", "there is no folder nowhere"), (".", "holds no .onnx file")],
)
def test_a_folder_of_weights_has_to_hold_heads(folder: str, told: str) -> None:
    Path("results").mkdir()
    Path("results", "x.json").write_text('{"head": "x", "sets": []}')
    assert told in refused("report", "--weights", folder)
    assert not Path("docs").exists(), "refused before anything is written"


def test_a_report_brings_the_words_of_the_recipe_to_the_description() -> None:
    mien("train", "small.toml", "--out", "heads")
    mien("evaluate", "small.toml", "--out", "heads")
    weights = Path("heads", "small.onnx").read_bytes()
    Path("recipes").mkdir()
    said = '[export]\nabout = "Small."\nnotes = ["Mind this."]\n'
    Path("recipes", "small.toml").write_text(SMALL + said)
    mien("report", "--weights", "heads")
    described = Path("heads", "small.json").read_text("utf-8")
    assert "Mind this." in described
    page = Path("docs", "models", "small.md").read_text("utf-8")
    assert "\nSmall.\n" in page
    assert "\n- Mind this.\n" in page
    assert "of other weights" not in page
    # A recipe that trains another head by now speaks of that one.
    other = (SMALL + said.replace("this", "that")).replace("epochs = 2", "epochs = 3")
    Path("recipes", "small.toml").write_text(other)
    assert "train.epochs: 2 there, 3 here" in mien("report", "--weights", "heads").output
    assert Path("heads", "small.json").read_text("utf-8") == described
    assert Path("heads", "small.onnx").read_bytes() == weights
