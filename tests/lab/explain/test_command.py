"""``mien explain`` from recipe to page: what it shows, what it finds, and what it refuses."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")

from mien.errors import InputError, MienError, OutputError
from mien.lab.command import app as workshop
from mien.lab.explain import draw, page

from .conftest import LIFTED

BASELINE = "the mean of 32 neutral training faces, called neutral with "


def mien(*words: str) -> str:
    done = CliRunner().invoke(workshop, list(words))
    if done.exit_code:
        raise AssertionError(done.output) from done.exception
    return done.output


def refused(*words: str) -> MienError:
    done = CliRunner().invoke(workshop, list(words))
    assert isinstance(done.exception, MienError), done.output
    return done.exception


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path, str], None]:
    """Trains a recipe once, and lays its run into the folder of a test."""
    kept = tmp_path_factory.mktemp("kept")

    def give(folder: Path, name: str) -> None:
        if not (kept / name).exists():
            mien("train", f"{name}.toml")
            shutil.copytree(folder / "runs" / f"tiny-{name}", kept / name)
        elif not (folder / "runs" / f"tiny-{name}").exists():
            shutil.copytree(kept / name, folder / "runs" / f"tiny-{name}")

    return give


Runs = Callable[[Path, str], None]


def test_errors_of_a_net_on_landmarks(folder: Path, runs: Runs) -> None:
    runs(folder, "points")
    told = mien("explain", "points.toml", "-o", "out", "--count", "5")
    assert "2 surest of 2 errors, among 32 pictures; in 1 of them no face was found" in told
    assert {p.name for p in Path("out").iterdir()} == set(page.FILES)
    table = json.loads(Path("out", "explain.json").read_text())
    assert {row["name"] for row in table["pictures"]} == {"64.jpg", "65.jpg"}
    assert table["facts"]["baseline"].startswith(BASELINE)
    swapped = next(row for row in table["pictures"] if row["name"] == "64.jpg")
    assert (swapped["told"], swapped["truth"]) == ("happy", "neutral")
    assert [one["class"] for one in swapped["maps"]] == ["happy", "neutral"]
    first = swapped["maps"][0]
    assert sum(first["parts"].values()) == pytest.approx(first["change"], rel=0.02, abs=0.02)
    with np.load("out/maps.npz") as maps:
        row = [*zip(maps["name"], maps["towards"], strict=True)].index(("64.jpg", "happy"))
        points = maps["points"][row]
        assert "heat" not in maps
    # The lifted landmarks moved it, and towards happy.
    assert points[LIFTED].mean() > 3 * np.abs(np.delete(points, LIFTED)).mean()
    assert points[LIFTED].sum() > 0.7 * first["change"]
    assert [mean["class"] for mean in table["means"]] == ["happy", "neutral"]


def test_errors_of_a_net_on_pictures(folder: Path, runs: Runs) -> None:
    runs(folder, "pictures")
    told = mien("explain", "pictures.toml", "-o", "out", "--class", "neutral", "--towards", "happy")
    assert "surest of" in told
    assert "errors of neutral, among 32 pictures." in told
    with np.load("out/maps.npz") as maps:
        assert maps["name"][0] == "64.jpg"
        assert set(maps["towards"]) == {"happy"}
        heat = maps["heat"][0]
    assert heat.shape == (6, 6)
    assert heat.max() > 0
    html = Path("out", "index.html").read_text("utf-8")
    assert "said happy" in html
    assert "Grad-CAM" in html
    assert "integrated gradients" not in html
    with Image.open("out/sheet.png") as sheet:
        assert sheet.width >= draw.SIDE * 2


@pytest.mark.parametrize(
    ("net", "there"),
    [
        (
            'kind = "fusion"\nruns = ["runs/tiny-pictures", "runs/tiny-points"]\n',
            {"heat", "points"},
        ),
        ('kind = "svm"\nruns = ["runs/tiny-pictures"]\n', {"heat"}),
    ],
    ids=["fusion", "deep features"],
)
def test_nets_that_are_made_of_others(folder: Path, runs: Runs, net: str, there: set[str]) -> None:
    for name in ("pictures", "points"):
        runs(folder, name)
    text = Path("points.toml").read_text()
    head, tail = text.split("[net]")[0], text[text.index("[loss]") :]
    made = f"{head}[net]\n{net}{tail}".replace("tiny-points", "tiny-made", 1)
    Path("made.toml").write_text(made)
    mien("train", "made.toml")
    mien("explain", "made.toml", "-o", "out", "--show", "right", "--count", "3")
    with np.load("out/maps.npz") as maps:
        assert set(maps) - {"name", "towards"} == there
        assert maps["heat"].max() > 0


def test_what_was_told_rightly(folder: Path, runs: Runs) -> None:
    runs(folder, "points")
    mien(
        "explain", "points.toml", "-o", "out", "--show", "right", "--count", "3", "--split", "train"
    )
    table = json.loads(Path("out", "explain.json").read_text())
    assert len(table["pictures"]) == 3
    assert all(row["truth"] == row["told"] and len(row["maps"]) == 1 for row in table["pictures"])


def test_a_run_that_has_not_ended(folder: Path, runs: Runs) -> None:
    runs(folder, "points")
    whole = mien("explain", "points.toml", "-o", "whole")
    (folder / "runs" / "tiny-points" / "tiny-points.safetensors").unlink()
    part = mien("explain", "points.toml", "-o", "part", "--run", "runs/tiny-points")
    assert "has not ended" not in whole
    assert "note: The training has not ended: these are its best weights so far." in part
    one, other = (json.loads(Path(n, "explain.json").read_text()) for n in ("whole", "part"))
    assert one["pictures"] == other["pictures"]


def test_pictures_of_ones_own(folder: Path, runs: Runs, facemesh: str, portrait_path: Path) -> None:
    """By a head that was exported, too; a picture without a face is told and stops nothing."""
    runs(folder, "points")
    runs(folder, "pictures")
    Image.new("RGB", (200, 200), "grey").save("wall.png")
    Path("broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    names = [str(portrait_path), "wall.png", "broken.jpg"]
    told = mien("explain", "points.toml", *names, "-o", "points", "--engine", facemesh)
    assert "1 face in a picture of yours." in told
    assert "No face was found in wall.png." in told
    assert "note: broken.jpg: " in told
    table = json.loads(Path("points", "explain.json").read_text())
    assert table["facts"]["baseline"].startswith("the canonical neutral face, called ")
    assert table["pictures"][0]["truth"] is None
    mien("explain", "points.toml", names[0], "-o", "mean", "--data", ".")
    table = json.loads(Path("mean", "explain.json").read_text())
    assert table["facts"]["baseline"].startswith(BASELINE)
    head = "runs/tiny-pictures/tiny-pictures.onnx"
    mien("explain", "pictures.toml", names[0], "-o", "pictures", "--head", head)
    with np.load("pictures/maps.npz") as maps:
        assert maps["heat"].shape == (1, 6, 6)
    mien("explain", "points.toml", names[0], "-o", "live", "--head", "emotion", "--towards", "sad")
    table = json.loads(Path("live", "explain.json").read_text())
    assert [one["class"] for one in table["pictures"][0]["maps"]] == ["sad"]
    error = refused("explain", "points.toml", "wall.png", "-o", "none")
    assert "no face was found in wall.png" in str(error)
    assert not Path("none").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["points.toml"], "no trained net of tiny-points in runs/tiny-points"),
        (["points.toml", "--run", "elsewhere"], "no trained net of tiny-points in elsewhere"),
        (["points.toml", "--head", "nowhere.onnx"], "there is no net nowhere.onnx"),
        (["points.toml", "--head", "emotoin"], "did you mean 'emotion'?"),
        (["points.toml", "--head", "emotion", "--run", "x"], "choose one"),
        (["histograms.toml"], "cannot be explained: it looks at image without convolutions"),
        (["nothing.toml"], "there is no recipe nothing.toml"),
        (["points.toml", "--count", "0"], "--count is 1 or more, got 0"),
        (["points.toml", "--class", "bored"], "a class is one of angry, .*got 'bored'"),
        (["points.toml", "--towards", "bored"], "a class is one of angry, .*got 'bored'"),
        (["points.toml", "--split", "private"], "who has looked at its errors"),
        (["points.toml", "x.jpg", "--class", "happy"], "leave out IMAGE"),
        (["points.toml", "--head", "emotion", "nowhere.jpg"], "nowhere.jpg"),
    ],
)
def test_refused(folder: Path, words: list[str], told: str) -> None:
    error = refused("explain", *words, "-o", "out")
    assert isinstance(error, InputError)
    assert error.exit_code == 2
    assert re.search(told, str(error)), error
    assert not Path("out").exists()


def test_other_recipes_are_refused(folder: Path, tiny_toml: Path) -> None:
    assert "tiny gives expression" in str(refused("explain", str(tiny_toml)))


def test_what_is_there_stays(folder: Path, runs: Runs) -> None:
    runs(folder, "points")
    mien("explain", "points.toml", "-o", "out", "--count", "1")
    before = Path("out", "sheet.png").read_bytes()
    error = refused("explain", "points.toml", "-o", "out", "--count", "2")
    assert isinstance(error, OutputError)
    assert "replace it with -f" in str(error)
    assert Path("out", "sheet.png").read_bytes() == before
    mien("explain", "points.toml", "-o", "out", "--count", "2", "-f")
    assert Path("out", "sheet.png").read_bytes() != before


def test_nothing_to_show(folder: Path, runs: Runs) -> None:
    runs(folder, "points")
    error = refused("explain", "points.toml", "--class", "angry", "-o", "out")
    assert "there is nothing to show: the validation part has no errors of angry" in str(error)


def test_another_net_under_the_same_name(folder: Path, runs: Runs) -> None:
    runs(folder, "points")
    text = Path("points.toml").read_text()
    Path("points.toml").write_text(text.replace("hidden = 16", "hidden = 32"))
    error = refused("explain", "points.toml", "-o", "out")
    assert "holds another net than the recipe describes" in str(error)
