"""Support vector machines in one file with their features, as scikit-learn has them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from skimage import feature
from sklearn.svm import SVC, LinearSVC

from mien.errors import InputError
from mien.lab import export, nets, training
from mien.lab.checkpoint import OtherTrainingError
from mien.lab.datasets.samples import Samples
from mien.lab.emotions import evaluate
from mien.lab.material import Material
from mien.lab.nets.light import relative
from mien.lab.nets.svm import Svm
from mien.lab.recipe import NetRecipe, Recipe
from mien.lab.runtime import runtime

RBF = {"kind": "svm", "kernel": "rbf", "cost": [2.0], "gamma": [1.0]}
LINEAR = {"kind": "svm", "kernel": "linear", "cost": [0.01]}

Run = Callable[..., tuple[Recipe, Svm, Path]]


@pytest.fixture
def run(
    recipe: Callable[..., Recipe], material: Callable[[Samples], Material], tmp_path: Path
) -> Run:
    def go(net: dict[str, Any], samples: Samples, **tables: Any) -> tuple[Recipe, Svm, Path]:
        plan, found = recipe(net, **tables), material(samples)
        state = training.train(plan, found, tmp_path / plan.name)
        path = export.head(plan, state, found, tmp_path / plan.name)
        built = training.build(plan)
        built.load_state_dict(state.best)
        assert isinstance(built, Svm)
        return plan, built.eval(), path

    return go


def features(samples: Samples) -> np.ndarray[Any, Any]:
    """By scikit-image."""
    image = relative(torch.from_numpy(samples.image).float()[:, None], "illumination").double()
    return np.array([
        feature.hog(one[0].numpy(), pixels_per_cell=(8, 8), cells_per_block=(2, 2))
        for one in image
    ])  # fmt: skip


def standardised(some: Samples, train: Samples) -> np.ndarray[Any, Any]:
    base = features(train)
    return (features(some) - base.mean(0)) / np.sqrt(base.var(0).mean())


def classes(samples: Samples, *which: int) -> Samples:
    return samples.select(np.isin(samples.target.argmax(1), which))


@pytest.mark.parametrize("which", [(0, 1, 2), (0, 2)], ids=str)
def test_the_exported_planes_are_scikit_learns(
    run: Run, pictures: Samples, which: tuple[int, ...]
) -> None:
    some = classes(pictures, *which)
    train, other = some.part("train"), some.part("validation")
    _, net, path = run(LINEAR, some)
    machine = LinearSVC(C=0.01, dual=True, random_state=0, tol=1e-6, max_iter=100_000)
    machine.fit(standardised(train, train), train.target.argmax(1))
    seen = standardised(other, train)
    theirs = machine.decision_function(seen)
    if len(which) == 2:
        theirs = np.stack([-theirs, theirs], 1)
    with torch.no_grad():
        ours = net.decisions(torch.from_numpy(seen).float()).numpy()
    np.testing.assert_allclose(ours[:, which], theirs, atol=0.02)
    said = runtime(path)(other)
    np.testing.assert_array_equal(said.argmax(1), machine.predict(seen))
    np.testing.assert_allclose(said.sum(1), 1, atol=1e-5)
    assert not said[:, [i for i in range(7) if i not in which]].any()


@pytest.mark.parametrize("which", [(0, 1, 2), (1, 2)], ids=str)
def test_the_exported_kernel_is_scikit_learns(
    run: Run, pictures: Samples, which: tuple[int, ...]
) -> None:
    some = classes(pictures, *which)
    train, other = some.part("train"), some.part("validation")
    _, net, path = run(RBF, some)
    machine = SVC(C=2.0, gamma=1 / 900, decision_function_shape="ovo")
    machine.fit(standardised(train, train), train.target.argmax(1))
    seen = standardised(other, train)
    theirs = machine.decision_function(seen)
    if len(which) == 2:
        theirs = -theirs[:, None]
    every = [(i, j) for i in range(7) for j in range(i + 1, 7)]
    column = [every.index((i, j)) for i in which for j in which if i < j]
    with torch.no_grad():
        ours = net.decisions(torch.from_numpy(seen).float()).numpy()
    np.testing.assert_allclose(ours[:, column], theirs, atol=2e-3)
    assert not np.delete(ours, column, 1).any()
    said = runtime(path)(other)
    np.testing.assert_array_equal(said.argmax(1), machine.predict(seen))
    np.testing.assert_allclose(said.sum(1), 1, atol=1e-5)


@pytest.mark.parametrize("net", [LINEAR, RBF], ids=["linear", "rbf"])
def test_it_is_scored_as_every_net_is(run: Run, pictures: Samples, net: dict[str, Any]) -> None:
    plan, built, path = run(net, pictures, augment={"mirror": 0.5})
    table, _ = evaluate.evaluate(plan, path, pictures)
    assert table["sets"][0]["found"] == table["sets"][0]["pictures"] == 48
    assert table["sets"][0]["accuracy"] > 0.9
    assert table["minutes"] is not None
    assert nets.parameters(built) > 900


def test_costs_are_chosen_by_the_validation_part(run: Run, pictures: Samples) -> None:
    """The first of these costs is so low that nothing is told."""
    asked = RBF | {"cost": [1e-9, 2.0], "gamma": [1e-6, 1.0], "trial": 48}
    _, net, path = run(asked, pictures)
    assert net.gamma.item() == pytest.approx(1 / 900)
    said = runtime(path)(pictures.part("validation"))
    truth = pictures.part("validation").target.argmax(1)
    assert (said.argmax(1) == truth).mean() > 0.9


def test_features_of_another_run(
    run: Run,
    recipe: Callable[..., Recipe],
    material: Callable[[Samples], Material],
    pictures: Samples,
    tmp_path: Path,
) -> None:
    net = {"kind": "residual", "width": 8, "blocks": 1}
    before = recipe(net, "seen", train={"epochs": 6, "batch": 16, "lr": 0.01})
    training.train(before, material(pictures), tmp_path / "seen")
    asked = {"kind": "svm", "runs": [str(tmp_path / "seen")], "cost": [0.01]}
    assert nets.needs(NetRecipe("svm", {"runs": asked["runs"]})) == (str(tmp_path / "seen"),)
    plan, built, path = run(asked, pictures)
    assert built.weight.shape == (7, 32)
    table, _ = evaluate.evaluate(plan, path, pictures)
    assert table["sets"][0]["accuracy"] > 0.9


def test_a_run_that_has_ended_is_not_solved_again(
    recipe: Callable[..., Recipe],
    material: Callable[[Samples], Material],
    pictures: Samples,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan, found = recipe(LINEAR), material(pictures)
    first = training.train(plan, found, tmp_path)
    monkeypatch.setattr(Svm, "solve", lambda *_: pytest.fail("solved again"))
    again = training.train(plan, found, tmp_path, resume=True)
    assert again.history == first.history
    with pytest.raises(OtherTrainingError, match="cost"):
        training.train(recipe(LINEAR | {"cost": [1.0]}), found, tmp_path, resume=True)


@pytest.mark.parametrize(
    ("net", "tables", "message"),
    [
        ({"kind": "svm", "cost": []}, {}, "cost and gamma are above 0"),
        ({"kind": "svm", "gamma": [-1.0]}, {}, "cost and gamma are above 0"),
        ({"kind": "svm", "cell": 40}, {}, "fits into 48 pixels"),
        ({"kind": "svm", "runs": ["a", "b"]}, {}, "names one run"),
        ({"kind": "svm", "runs": ["runs/nowhere"]}, {}, "is not there"),
        (LINEAR, {"augment": {"roll": 10}}, r"\[augment\] roll: svm sees every sample once"),
    ],
    ids=["no cost", "gamma", "cell", "two runs", "no run", "augment"],
)
def test_what_is_refused(
    recipe: Callable[..., Recipe],
    material: Callable[[Samples], Material],
    pictures: Samples,
    tmp_path: Path,
    net: dict[str, Any],
    tables: dict[str, Any],
    message: str,
) -> None:
    with pytest.raises(InputError, match=message):
        training.train(recipe(net, **tables), material(pictures), tmp_path)


def test_one_class_is_no_choice(
    recipe: Callable[..., Recipe],
    material: Callable[[Samples], Material],
    pictures: Samples,
    tmp_path: Path,
) -> None:
    for net in (LINEAR, RBF):
        with pytest.raises(InputError, match="two classes and more"):
            training.train(recipe(net), material(classes(pictures, 1)), tmp_path)
