from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")

import torch

from mien.channels import ARKIT_52
from mien.errors import InputError
from mien.lab import nets
from mien.lab.augment import mirrored
from mien.lab.datasets.samples import CHANNELS_OF
from mien.lab.material import Material
from mien.lab.recipe import NetRecipe
from mien.topology import REGIONS

EXPRESSION = nets.Task("expression", ARKIT_52)


def create(task: nets.Task = EXPRESSION, **options: Any) -> nets.Net:
    torch.manual_seed(0)
    return nets.create(NetRecipe("mlp", {"hidden": 8, "depth": 1, **options}), task).eval()


def faces(made: Material, count: int = 5) -> dict[str, torch.Tensor]:
    some = made.samples.select(range(count))
    return {
        "aligned": torch.from_numpy(some.aligned),
        "rotation": torch.from_numpy(some.rotation),
    }


@pytest.mark.parametrize(
    "options", [{}, {"input_dim": 4}, {"depth": 0}, {"points": ["lips_outer"]}]
)
@pytest.mark.parametrize("rotation", [False, True])
@pytest.mark.parametrize("average_mirror", [False, True])
@pytest.mark.parametrize("count", [1, 5])
def test_every_shape_of_net_answers_every_batch(
    options: dict[str, Any], rotation: bool, average_mirror: bool, count: int, made: Material
) -> None:
    net = create(rotation=rotation, average_mirror=average_mirror, **options)
    assert net.inputs == (("aligned", "rotation") if rotation else ("aligned",))
    given = faces(made, count)
    net.fit(given)
    values = net(given)
    assert values.shape == (count, 52)
    assert ((values >= 0) & (values <= 1)).all()


@pytest.mark.parametrize("rotation", [False, True])
def test_a_net_that_averages_answers_the_mirror_image_with_mirrored_channels(
    rotation: bool, made: Material
) -> None:
    given = faces(made)
    everywhere = torch.ones(5, dtype=torch.bool)
    for average, same in ((True, True), (False, False)):
        net = create(rotation=rotation, average_mirror=average, points=["left_eye", 61, 13])
        net.fit(given)
        straight = net(given)
        turned, expected = mirrored(given, straight, everywhere)
        assert torch.allclose(net(turned), expected, atol=1e-6) == same


def test_only_chosen_points_are_seen(made: Material) -> None:
    net = create(points=["lips_inner", 0])
    chosen = sorted({*REGIONS["lips_inner"], 0})
    assert net.chosen.tolist() == chosen
    given = faces(made)
    before = net(given)
    given["aligned"] = given["aligned"].clone()
    unseen = [i for i in range(478) if i not in chosen]
    given["aligned"][:, unseen] = 9
    assert torch.equal(net(given), before)
    given["aligned"][:, 0] = 9
    assert not torch.equal(net(given), before)


def test_inputs_are_standardised_by_the_training_set(made: Material) -> None:
    given = {"aligned": faces(made, 40)["aligned"].clone()}
    given["aligned"][:, 7] = 1.5  # a point that never moves must not blow up
    net = create()
    net.fit(given)
    seen = (net._see(given) - net.mean) * net.scale
    moving = [i for i in range(478 * 3) if i // 3 != 7]
    np.testing.assert_allclose(seen.mean(0)[moving], 0, atol=1e-4)
    np.testing.assert_allclose(seen.std(0, correction=0)[moving], 1, atol=1e-3)
    assert (seen[:, 21:24] == 0).all()
    assert {"mean", "scale", "live"} <= set(net.state_dict())


@pytest.mark.parametrize(
    ("output", "training", "low", "high"),
    [
        ("sigmoid", True, 0, 1),
        ("clamp", False, 0, 1),
        ("clamp", True, -9, 9),
        ("linear", False, -9, 9),
    ],
)
def test_output(output: str, training: bool, low: float, high: float, made: Material) -> None:
    net = create(output=output).train(training)
    with torch.no_grad():
        net.leave[1].weight.mul_(50)
        values = net(faces(made))
    assert ((values >= low) & (values <= high)).all() == (high == 1)


def test_what_nobody_taught_is_0(made: Material) -> None:
    net = create(average_mirror=True)
    net.live[3] = 0
    values = net(faces(made))
    assert (values[:, 3] == 0).all()
    assert (values[:, 4] > 0).all()


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("mpl", {}, "no kind 'mpl'; did you mean mlp"),
        ("quantum", {}, "there are channels-mlp, cnn, crop, edge-cnn"),
        ("mlp", {"hiden": 3}, r"\[net\] hiden is not a key.*hidden"),
        ("mlp", {"hidden": 0}, r"\[net\] hidden is 1 or more"),
        ("mlp", {"depth": -1}, "depth is 0 or more"),
        ("mlp", {"dropout": 1.0}, "dropout is in 0..1"),
        ("mlp", {"output": "relu"}, "net.output is one of sigmoid, clamp, linear"),
        ("mlp", {"points": ["lip_outer"]}, "no region is called 'lip_outer'; near: lips_outer"),
        ("mlp", {"points": [478]}, "there is no point 478"),
        ("mlp", {"points": [1.5]}, "a text or a whole number, got 1.5"),
        ("expression_head", {"hidden": 3}, r"\[net\] hidden is not a key"),
        ("expression_head", {"extra": True}, "the data have no extra inputs"),
    ],
)
def test_bad_nets(kind: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        nets.create(NetRecipe(kind, options), EXPRESSION)


def test_modes_of_a_morphable_model_have_no_mirror() -> None:
    task = nets.Task("morphable", CHANNELS_OF["morphable"])
    with pytest.raises(InputError, match="only expression channels"):
        create(task, average_mirror=True)
    assert create(task, output="linear")


def test_options_can_be_checked_without_building() -> None:
    nets.check(NetRecipe("expression_head", {"extra": True}))
    with pytest.raises(InputError, match="hiden"):
        nets.check(NetRecipe("mlp", {"hiden": 3}))


def test_a_share_of_the_other_points() -> None:
    lips = set(REGIONS["lips_outer"])
    net = create(points=["lips_outer"], others=4)
    chosen = net.chosen.tolist()
    assert lips < set(chosen)
    assert len(chosen) == len(lips) + -(-(478 - len(lips)) // 4)
    every = create(points=["all"]).chosen.tolist()
    assert set(every) == set().union(*REGIONS.values())
    assert create(others=4).chosen.tolist() == list(range(478))  # no points are all points
