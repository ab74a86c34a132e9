from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")

import torch
from safetensors.torch import save_file

from mien.errors import InputError
from mien.lab import checkpoint, training
from mien.lab.checkpoint import Checkpoint
from mien.lab.material import Material, gather
from mien.lab.nets.trained import runs_in
from mien.lab.recipe import Recipe

from .conftest import recipe

# Everything that draws random numbers or carries state from epoch to epoch.
ALL = {
    "train__epochs": 4,
    "train__schedule": "cosine",
    "train__warmup": 0.5,
    "train__ema": 0.8,
    "train__clip": 1.0,
    "train__weight_decay": 0.01,
    "augment__mirror": 0.5,
    "augment__noise": 0.02,
    "augment__mixup": 0.2,
    "net__dropout": 0.2,
    "loss__decorrelate": 0.1,
    "loss__channels": "standardised",
}
ORIGINAL = {
    "output": "morphable",
    "data": {
        "sources": [
            {
                "name": "made",
                "weight": 0.7,
                "options": {"people": 16, "each": 6, "output": "morphable"},
            }
        ]
    },
    "net": {"kind": "expression_head"},
    "augment__turn": 20.0,
    "augment__roll": 10.0,
    "train__optimizer": "adam",
    "train__epochs": 3,
}


def run(plan: Recipe, material: Material, folder: Path, **options: Any) -> Checkpoint:
    return training.train(plan, material, folder, device="cpu", **options)


def equal(one: checkpoint.Weights, other: checkpoint.Weights) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def stop_after(batches: int) -> training.Progress:
    """Ctrl-C in the middle of an epoch."""
    left = [batches]

    def progress(*_: object) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("changes", [ALL, ORIGINAL], ids=["mlp", "expression_head"])
@pytest.mark.parametrize("batches", [0, 1, 4, 7])
def test_an_interrupted_training_ends_with_the_weights_of_a_whole_one(
    changes: dict[str, Any], batches: int, tmp_path: Path
) -> None:
    plan = recipe(**changes)
    material = gather(plan, Path("nowhere"))
    whole = run(plan, material, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(plan, material, tmp_path / "cut", progress=stop_after(batches))
    torch.manual_seed(99)  # what others draw in between changes nothing
    resumed = run(plan, material, tmp_path / "cut", resume=True)
    assert equal(whole.weights, resumed.weights)
    assert equal(whole.best, resumed.best)
    assert equal(whole.average, resumed.average)
    assert equal(whole.optimizer, resumed.optimizer)
    assert whole.steps == resumed.steps
    time = {"seconds": 0, "busy": 0}
    assert [row | time for row in whole.history] == [row | time for row in resumed.history]


def test_one_seed_gives_the_same_weights_and_another_does_not(tmp_path: Path) -> None:
    plan = recipe(**ALL)
    material = gather(plan, Path("nowhere"))
    one, other = (run(plan, material, tmp_path / name) for name in ("one", "other"))
    assert equal(one.best, other.best)
    files = [(tmp_path / n / "tiny.safetensors").read_bytes() for n in ("one", "other")]
    assert files[0] == files[1]
    third = run(recipe(**ALL, seed=8), material, tmp_path / "third")
    assert not equal(one.best, third.best)


def test_it_learns(made: Material, tmp_path: Path) -> None:
    plan = recipe(train__epochs=12, net__hidden=32, train__lr=0.01)
    rows: list[training.Row] = []
    seen: list[tuple[int, int, str]] = []
    end = run(plan, made, tmp_path, on_epoch=rows.append, progress=lambda *a: seen.append(a))
    losses = [row["validation"] for row in rows]
    assert end.best_loss == min(losses) < 0.6 * losses[0]
    assert rows[-1]["train"] < rows[0]["train"]
    assert json.loads((tmp_path / "history.json").read_text()) == rows == end.history
    assert [row["epoch"] for row in rows] == list(range(1, 13))
    assert [done for done, _, _ in seen] == sorted({done for done, _, _ in seen})
    assert seen[-1][0] == seen[-1][1]
    assert "epoch 12/12, validation" in seen[-1][2]


def test_the_best_epoch_is_kept_and_waiting_ends(made: Material, tmp_path: Path) -> None:
    plan = recipe(train__epochs=50, train__patience=3, train__lr=0.05)
    end = run(plan, made, tmp_path)
    losses = [row["validation"] for row in end.history]
    assert end.epoch == end.best_epoch + 3 < 50
    assert end.best_loss == losses[end.best_epoch - 1] == min(losses)
    weights, table = checkpoint.load_weights(tmp_path / "tiny.safetensors")
    assert equal(weights, end.best)
    assert table == plan.as_dict()
    again = run(plan, made, tmp_path, resume=True)  # it has ended; nothing is trained
    assert equal(again.weights, end.weights)
    assert again.epoch == end.epoch


def test_a_training_can_start_from_the_weights_of_another(made: Material, tmp_path: Path) -> None:
    first = run(recipe(train__epochs=4), made, tmp_path / "first")
    start = str(tmp_path / "first" / "tiny.safetensors")
    plan = recipe(train__start=start, train__lr=1e-9)
    second = run(plan, made, tmp_path / "second")
    assert second.best_loss == pytest.approx(first.best_loss, rel=1e-3)
    assert torch.equal(second.best["mean"], first.best["mean"])
    assert equal(run(plan, made, tmp_path / "second", resume=True).best, second.best)
    with pytest.raises(InputError, match=r"(?s)holds the weights of another net.*size mismatch"):
        run(recipe(train__start=start, net__hidden=17), made, tmp_path / "third")
    with pytest.raises(InputError, match=r"\[train\] start: there are no weights nothing") as told:
        run(recipe(train__start="nothing"), made, tmp_path / "third")
    assert "--resume" not in str(told.value)
    save_file({"a": torch.zeros(1)}, tmp_path / "foreign.safetensors")
    with pytest.raises(InputError, match=r"\[train\] start: .* is no checkpoint of this version"):
        run(recipe(train__start=str(tmp_path / "foreign.safetensors")), made, tmp_path / "third")
    # Other weights under the same name are another training.
    run(recipe(seed=9), made, tmp_path / "first")
    with pytest.raises(InputError, match="weights to start from"):
        run(plan, made, tmp_path / "second", resume=True)


def test_a_training_starts_where_the_runs_are(made: Material, tmp_path: Path) -> None:
    first = run(recipe(train__epochs=2), made, tmp_path / "runs" / "first")
    weights = tmp_path / "runs" / "first" / "tiny.safetensors"
    weights.rename(weights.with_name("first.safetensors"))
    plan = recipe(train__start="elsewhere/first/first.safetensors", train__lr=1e-9)
    assert training.needs(plan) == ("elsewhere/first",)
    assert training.needs(recipe(train__start="some/weights.safetensors")) == ()
    with pytest.raises(InputError, match="no weights elsewhere/first/first"):
        run(plan, made, tmp_path / "runs" / "second")
    with runs_in(tmp_path / "runs"):
        second = run(plan, made, tmp_path / "runs" / "second")
    assert second.best_loss == pytest.approx(first.best_loss, rel=1e-3)


def test_a_source_counts_in_the_validation_by_its_weight(made: Material, tmp_path: Path) -> None:
    losses = []
    for one, other in ((1.0, 1.0), (1.0, 1e-9), (1e-9, 1.0)):
        some = [{"name": "made", "options": {"people": 16, "each": 6, "seed": s}} for s in (0, 1)]
        some[0]["weight"], some[1]["weight"] = one, other
        plan = recipe(data={"sources": some}, train__epochs=1, train__lr=1e-12)
        net_is_still_random = run(plan, gather(plan, Path("nowhere")), tmp_path / str(one / other))
        losses.append(net_is_still_random.best_loss)
    assert min(losses[1:]) < losses[0] < max(losses[1:])  # type: ignore[type-var,operator]


def test_outputs_that_nobody_taught_say_0(tmp_path: Path) -> None:
    sources = [{"name": "made", "options": {"people": 16, "each": 3}, "targets": ["jawOpen"]}]
    plan = recipe(data={"sources": sources})
    end = run(plan, gather(plan, Path("nowhere")), tmp_path)
    assert end.best["live"].tolist() == [float(c == "jawOpen") for c in plan.channels]


def test_less_leak_with_the_penalty(tmp_path: Path) -> None:
    from mien.lab.metrics import pose_leak

    options = {"people": 24, "each": 10, "turned": 10, "leak": 0.5, "noise": 0.0}
    sources = [{"name": "made", "options": options}]
    largest = []
    for weight in (0.0, 3.0):
        plan = recipe(
            data={"sources": sources},
            loss__decorrelate=weight,
            train__epochs=15,
            train__batch=128,
            train__lr=0.01,
        )
        material = gather(plan, Path("nowhere"))
        end = run(plan, material, tmp_path / str(weight))
        net = training.build(plan)
        net.load_state_dict(end.best)
        some = material.part("test").samples
        some = some.select(np.array([s == "neutral-turned" for s in some.source]))
        with torch.no_grad():
            said = net.eval()({"aligned": torch.from_numpy(some.aligned)}).numpy()
        found = pose_leak(said, some.rotation, some.channels, some.subjects)
        largest.append(np.mean([abs(v[0]) for v in found["channels"].values()] or [0]))
    assert largest[1] < 0.6 * largest[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train__lr": 0.004}, "train.lr: 0.003 there, 0.004 here"),
        ({"net__hidden": 17}, "net.hidden: 16 there, 17 here"),
        ({"seed": 8}, "seed: 7 there, 8 here"),
    ],
)
def test_a_checkpoint_of_another_recipe_is_refused(
    changes: dict[str, Any], message: str, made: Material, tmp_path: Path
) -> None:
    run(recipe(), made, tmp_path)
    before = (tmp_path / "checkpoint.safetensors").read_bytes()
    with pytest.raises(InputError, match=message):
        run(recipe(**changes), made, tmp_path, resume=True)
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == before


def test_a_checkpoint_of_other_data_is_refused(made: Material, tmp_path: Path) -> None:
    run(recipe(), made, tmp_path)
    kept = np.arange(len(made.samples)) != 0
    assert made.samples.split[0] != "test"
    other = Material(made.samples.select(kept), made.weight[kept], made.squared[kept])
    with pytest.raises(InputError, match="trained on other data"):
        run(recipe(), other, tmp_path, resume=True)


def test_two_trainings_do_not_share_a_folder(made: Material, tmp_path: Path) -> None:
    with (
        checkpoint.alone(tmp_path / "run"),
        pytest.raises(InputError, match="another training writes into"),
    ):
        run(recipe(), made, tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoint.safetensors").exists()
    run(recipe(), made, tmp_path / "run")
    assert (tmp_path / "run" / "checkpoint.safetensors").exists()


def test_nothing_to_resume(made: Material, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no checkpoint"):
        run(recipe(), made, tmp_path, resume=True)


def test_a_loss_that_is_no_number_stops_and_keeps_the_batch(made: Material, tmp_path: Path) -> None:
    target = made.samples.target.copy()
    # Squared it is too large for float32: what a wrong unit in a data set leads to.
    target[np.array(made.samples.split) == "train", 4] = 1e30
    values = {n: getattr(made.samples, n) for n in type(made.samples).__dataclass_fields__}
    broken = replace(made, samples=type(made.samples)(**values | {"target": target}))
    with pytest.raises(training.TrainingError, match=r"the loss is inf in epoch 1, batch 1 of"):
        run(recipe(), broken, tmp_path)
    with np.load(tmp_path / "bad-batch.npz") as batch:
        assert batch["target"][:, 4].max() == np.float32(1e30)
        assert batch["aligned"].shape[1:] == (478, 3)
        assert set(batch["names"]) <= set(made.samples.names)
        assert len(batch["names"]) == len(batch["target"]) == len(batch["aligned"])
    assert (tmp_path / "checkpoint.safetensors").is_file()


def test_a_validation_loss_that_is_no_number_stops_too(made: Material, tmp_path: Path) -> None:
    target = made.samples.target.copy()
    target[np.array(made.samples.split) == "validation", 4] = 1e30
    values = {n: getattr(made.samples, n) for n in type(made.samples).__dataclass_fields__}
    broken = replace(made, samples=type(made.samples)(**values | {"target": target}))
    with pytest.raises(training.TrainingError, match=r"loss is (inf|nan) in epoch 1"):
        run(recipe(), broken, tmp_path)


def test_weights_that_run_away_stop_too(made: Material, tmp_path: Path) -> None:
    plan = recipe(train__lr=1e30, net__output="linear", train__epochs=5)
    with pytest.raises(training.TrainingError, match="lower lr"):
        run(plan, made, tmp_path)
    assert (tmp_path / "bad-batch.npz").is_file()


def test_nothing_to_learn_from(made: Material, tmp_path: Path) -> None:
    values = {n: getattr(made.samples, n) for n in type(made.samples).__dataclass_fields__}
    unknown = np.full_like(made.samples.target, np.nan)
    empty = replace(made, samples=type(made.samples)(**values | {"target": unknown}))
    with pytest.raises(InputError, match="no sample of the train part has a target"):
        run(recipe(), empty, tmp_path)


@pytest.mark.parametrize(
    ("options", "done", "rate"),
    [
        ({}, 0, 1.0),
        ({}, 9.9, 1.0),
        ({"warmup": 2.0}, 0, 0.0005),
        ({"warmup": 2.0}, 1.0, 0.5005),
        ({"schedule": "cosine"}, 0, 1.0),
        ({"schedule": "cosine"}, 5, 0.5),
        ({"schedule": "cosine"}, 10, 0.0),
        ({"schedule": "cosine", "warmup": 2.0}, 2, 1.0),
        ({"schedule": "cosine", "warmup": 2.0}, 6, 0.5),
    ],
)
def test_learning_rate(options: dict[str, Any], done: float, rate: float) -> None:
    from mien.lab.recipe import TrainRecipe

    plan = TrainRecipe(lr=1.0, epochs=10, **options)
    assert training._rate(plan, done) == pytest.approx(rate, abs=1e-9)


@pytest.mark.parametrize("weight", [0.25, 1.0, 2.5])
def test_a_weight_is_how_often_a_sample_is_seen(weight: float, made: Material) -> None:
    part = replace(made, weight=np.full(len(made.samples), weight))
    sources = sorted(set(made.samples.source))
    batches = training._Part(part, recipe(), ("aligned",), sources, torch.device("cpu"))
    orders = [batches.order(torch.Generator().manual_seed(i)) for i in range(40)]
    times = np.bincount(torch.cat(orders).numpy(), minlength=len(made.samples)) / 40
    assert times.mean() == pytest.approx(weight, rel=0.05)
    assert times.min() > weight - 0.5
    assert not torch.equal(orders[0], orders[0].sort().values)


def test_threads_are_put_back(made: Material, tmp_path: Path) -> None:
    before = torch.get_num_threads()
    run(recipe(train__threads=before + 1), made, tmp_path)
    assert torch.get_num_threads() == before


def test_an_epoch_without_samples_is_refused(made: Material, tmp_path: Path) -> None:
    none = replace(made, weight=np.full(len(made.samples), 1e-9))
    with pytest.raises(InputError, match="raise the weights of the sources"):
        run(recipe(), none, tmp_path)
