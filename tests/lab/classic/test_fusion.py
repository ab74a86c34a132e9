"""Two runs joined: what both say together, and what pixels say alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mien.errors import InputError
from mien.lab import export, training
from mien.lab.datasets.samples import Samples
from mien.lab.emotions import evaluate
from mien.lab.material import Material
from mien.lab.nets.fusion import Fusion
from mien.lab.recipe import Recipe
from mien.lab.runtime import runtime

Make = Callable[..., Recipe]
Of = Callable[[Samples], Material]


@pytest.fixture(scope="module")
def runs(
    recipe: Make, material: Of, pictures: Samples, faces: Samples,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, str]:  # fmt: skip
    """Two runs that have ended, and one that has not."""
    folder = tmp_path_factory.mktemp("runs")
    nets = {
        "pixels": ({"kind": "residual", "width": 8, "blocks": 1}, pictures),
        "points": ({"kind": "mlp", "hidden": 16, "depth": 0, "output": "softmax",
                    "rotation": True}, faces),
    }  # fmt: skip
    for name, (net, samples) in nets.items():
        plan = recipe(net, name, train={"epochs": 8, "batch": 16, "lr": 0.01})
        state = training.train(plan, material(samples), folder / name)
        export.head(plan, state, material(samples), folder / name)
    (folder / "begun").mkdir()
    (folder / "begun" / "checkpoint.safetensors").write_bytes(b"")
    return {name: str(folder / name) for name in (*nets, "begun", "nowhere")}


def fused(
    runs: dict[str, str], recipe: Make, material: Of, samples: Samples, folder: Path, **more: Any
) -> tuple[Recipe, Path, Fusion]:
    plan = recipe({"kind": "fusion", "runs": [runs["pixels"], runs["points"]], **more}, "both")
    state = training.train(plan, material(samples), folder)
    net = training.build(plan)
    net.load_state_dict(state.best)
    assert isinstance(net, Fusion)
    return plan, export.head(plan, state, material(samples), folder), net.eval()


def test_probabilities_are_multiplied(
    runs: dict[str, str], recipe: Make, material: Of, pictures: Samples, tmp_path: Path
) -> None:
    _, path, net = fused(runs, recipe, material, pictures, tmp_path, powers=[1.0, 0.5])
    part = pictures.part("validation")
    one, other = (runtime(Path(runs[n]) / f"{n}.onnx")(part) for n in ("pixels", "points"))
    said = runtime(path)(part)
    shares = pictures.part("train").target.mean(0)
    shares[shares == 0] = 1
    product = one.clip(1e-6) * np.sqrt(other.clip(1e-6)) / shares
    product = product ** (1 / net.temperature.item())
    product /= product.sum(1, keepdims=True)
    np.testing.assert_allclose(said[:-1], product[:-1], atol=1e-4)
    np.testing.assert_allclose(said[-1], one[-1], atol=1e-5)  # no landmarks: pixels alone


def test_every_picture_is_told(
    runs: dict[str, str], recipe: Make, material: Of, pictures: Samples, tmp_path: Path
) -> None:
    plan, path, _ = fused(runs, recipe, material, pictures, tmp_path)
    table, _ = evaluate.evaluate(plan, path, pictures)
    assert table["sets"][0]["found"] == table["sets"][0]["pictures"] == 48
    assert table["sets"][0]["accuracy"] > 0.9


def test_the_runs_stay_as_they_are(
    runs: dict[str, str], recipe: Make, material: Of, pictures: Samples, tmp_path: Path
) -> None:
    _, _, net = fused(runs, recipe, material, pictures, tmp_path)
    net.train()
    assert not any(module.training for module in net.modules())
    assert not any(value.requires_grad for value in net.parameters())
    given = {n: torch.from_numpy(getattr(pictures, n)[:4]) for n in net.inputs}
    torch.testing.assert_close(net(given), net(given), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("names", "more", "message"),
    [
        (("pixels",), {}, "runs are two"),
        (("pixels", "points"), {"powers": [1.0, 0.0]}, "above 0"),
        (("points", "pixels"), {}, "the first sees pictures alone"),
        (("pixels", "pixels"), {}, "the first sees pictures alone"),
        (("pixels", "nowhere"), {}, "is not there"),
        (("begun", "points"), {}, "has not ended"),
    ],
    ids=["one", "power", "turned about", "twice", "nowhere", "begun"],
)
def test_what_is_refused(
    runs: dict[str, str], recipe: Make, names: tuple[str, ...], more: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        training.build(recipe({"kind": "fusion", "runs": [runs[n] for n in names], **more}))


def test_landmarks_have_to_be_there_at_all(
    runs: dict[str, str], recipe: Make, material: Of, pictures: Samples, tmp_path: Path
) -> None:
    none = replace(pictures, aligned=np.zeros_like(pictures.aligned))
    with pytest.raises(InputError, match="no picture of the validation part has landmarks"):
        fused(runs, recipe, material, none, tmp_path)
