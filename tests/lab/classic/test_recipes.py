"""Every recipe of an emotion: a short training of its net, the file, and its scores."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mien.lab import export, nets, training
from mien.lab.datasets.samples import Samples
from mien.lab.emotions import evaluate
from mien.lab.material import Material
from mien.lab.recipe import Recipe, load

FOLDER = Path(__file__).parents[3] / "recipes" / "emotions"
RECIPES = {path.stem: load(path) for path in sorted(FOLDER.glob("*.toml"))}

# One recipe for each kind of net and of input; the others differ in numbers.
KINDS = {
    (recipe.net.kind, str(recipe.net.options.get("kernel")), recipe.augment.smote): name
    for name, recipe in sorted(RECIPES.items(), reverse=True)
}


def short(recipe: Recipe) -> Recipe:
    """One epoch of large batches, without what is drawn anew."""
    train = dataclasses.replace(recipe.train, epochs=1, batch=64, patience=0, warmup=0.0, threads=1)
    return dataclasses.replace(recipe, train=train)


def before(recipe: Recipe) -> list[Recipe]:
    """Those that have to be trained before it, in that order."""
    names = [Path(run).name for run in training.needs(recipe)]
    needed = [one for name in names for one in RECIPES.values() if one.name == name]
    return [each for one in needed for each in (*before(one), one)]


@pytest.mark.parametrize("name", RECIPES)
def test_it_is_a_recipe(name: str) -> None:
    recipe = RECIPES[name]
    nets.check(recipe.net)
    assert recipe.output == "emotion"
    assert recipe.name == f"emotion-{name}"
    told = (FOLDER / f"{name}.toml").read_text("utf-8")
    for action in ("train", "evaluate"):
        assert f"#     mien {action} recipes/emotions/{name}.toml --data DATA\n" in told
    (source,) = recipe.data.sources
    kind = recipe.net.kind
    looks = kind in ("cnn", "residual", "resnet50", "vgg16", "svm", "fusion")
    assert bool(source.options.get("images")) == looks
    assert source.engines == (() if looks else ("facemesh",))


@pytest.mark.parametrize("name", RECIPES)
def test_what_it_needs_has_a_recipe(name: str) -> None:
    for run in training.needs(RECIPES[name]):
        assert Path(run).parent == Path("runs")
        assert Path(run).name in {recipe.name for recipe in RECIPES.values()}


@pytest.mark.parametrize("name", sorted(KINDS.values()))
def test_from_pictures_to_scores(
    name: str,
    pictures: Samples,
    faces: Samples,
    material: Callable[[Samples], Material],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(evaluate, "_SPEED_CALLS", 3)
    recipe = RECIPES[name]
    if recipe.net.kind in ("resnet50", "vgg16"):  # seconds for what is one for the others
        pictures = pictures.select(np.arange(len(pictures)) % 8 < 2)
    for other in before(recipe):
        samples = pictures if other.data.sources[0].options.get("images") else faces
        training.train(short(other), material(samples), Path("runs") / other.name)
    looks = bool(recipe.data.sources[0].options.get("images"))
    found = material(pictures if looks else faces)
    folder = Path("runs") / recipe.name
    state = training.train(short(recipe), found, folder)
    path = export.head(recipe, state, found, folder)
    every = pictures if looks else dataclasses.replace(pictures, image=None)
    table, said = evaluate.evaluate(recipe, path, every)
    count = len(pictures.part("validation"))
    assert table["sets"][0]["pictures"] == count
    assert table["sets"][0]["found"] == (count if looks else count - 1)
    assert said["validation"].probabilities.shape == (count, 7)
