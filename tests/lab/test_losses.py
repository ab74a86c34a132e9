from __future__ import annotations

import math
from typing import Any

import pytest

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")

import torch
from torch.nn import functional

from mien.geometry import matrix_from_euler
from mien.lab.losses import channel_scales, correlation_penalty, masked_loss
from mien.lab.recipe import LossRecipe

NAN = math.nan


def loss(
    prediction: Any, target: Any, scale: Any = 1.0, weights: Any = None, **options: Any
) -> float:
    given, truth, scale = torch.tensor(prediction), torch.tensor(target), torch.tensor(scale)
    counted = None if weights is None else torch.tensor(weights)
    return masked_loss(given.expand_as(truth), truth, LossRecipe(**options), scale, counted).item()


def test_the_kinds_are_those_of_torch() -> None:
    torch.manual_seed(0)
    a, b, ones = torch.randn(50, 4), torch.randn(50, 4), torch.ones(4)
    expected = {
        "mse": functional.mse_loss(a, b),
        "l1": functional.l1_loss(a, b),
        "huber": functional.smooth_l1_loss(a, b, beta=0.3),
    }
    for kind, value in expected.items():
        found = masked_loss(a, b, LossRecipe(kind=kind, width=0.3), ones)  # type: ignore[arg-type]
        assert found.item() == pytest.approx(value.item(), rel=1e-6)


@pytest.mark.parametrize(
    ("error", "value"),
    [
        (0.0, 0.0),
        (0.05, 0.1 * math.log(1 + 0.05 / 0.02)),
        (-0.05, 0.1 * math.log(1 + 0.05 / 0.02)),
        (0.5, 0.5 - (0.1 - 0.1 * math.log(1 + 0.1 / 0.02))),
    ],
)
def test_wing(error: float, value: float) -> None:
    assert loss([[error]], [[0.0]], kind="wing") == pytest.approx(value, abs=1e-7)


@pytest.mark.parametrize("kind", ["huber", "wing"])
def test_both_forms_meet(kind: Any) -> None:
    near = [loss([[0.1 + d]], [[0.0]], kind=kind) for d in (-1e-6, 1e-6)]
    assert near[0] == pytest.approx(near[1], abs=1e-4)


@pytest.mark.parametrize(
    ("target", "scale", "weights", "value"),
    [
        ([[0.0, 0.0]], 1.0, None, (1 + 4) / 2),
        ([[NAN, 0.0]], 1.0, None, 4),
        ([[0.0, NAN]], 1.0, None, 1),
        ([[NAN, NAN]], 1.0, None, 0),
        ([[0.0, 0.0]], [3.0, 1.0], None, (9 * 1 + 4) / 2),
        ([[0.0, NAN]], [3.0, 1.0], None, 9),
        ([[0.0, 0.0], [0.0, NAN]], 1.0, [[1.0], [3.0]], (1 + 4 + 3 * 1) / 5),
    ],
)
def test_what_nobody_knows_costs_nothing(
    target: Any, scale: Any, weights: Any, value: float
) -> None:
    assert loss([[1.0, 2.0]], target, scale, weights) == pytest.approx(value)


def test_some_errors_are_squared_in_any_case() -> None:
    error, nothing = torch.tensor([[3.0], [3.0]]), torch.zeros(2, 1)
    squared = torch.tensor([[True], [False]])
    found = masked_loss(error, nothing, LossRecipe(kind="l1"), torch.ones(1), squared=squared)
    assert found.item() == (9 + 3) / 2


@pytest.mark.parametrize("kind", ["mse", "l1", "huber", "wing"])
def test_a_masked_entry_has_no_gradient(kind: Any) -> None:
    prediction = torch.tensor([[0.5, 0.5]], requires_grad=True)
    target = torch.tensor([[NAN, 0.0]])
    masked_loss(prediction, target, LossRecipe(kind=kind), torch.ones(2)).backward()
    assert prediction.grad is not None
    assert prediction.grad[0, 0] == 0
    assert prediction.grad[0, 1] > 0


def test_each_data_set_goes_by_its_own_range() -> None:
    one = torch.tensor([[0.0, 0.0, NAN, 0.5], [1.0, 0.1, NAN, 0.5], [NAN, 0.1, NAN, 0.5]])
    truth = torch.cat([one, 5 * one, one * NAN])
    source = torch.arange(3).repeat_interleave(3)
    assert channel_scales(truth, "none", source, 3).tolist() == [[1] * 4] * 3
    found = channel_scales(truth, "standardised", source, 3)
    spread = math.sqrt(2) / 30
    # Nobody knows the third channel; the fourth stands still in each, and goes by all of them.
    assert found[0].tolist() == pytest.approx([1 / 0.5, 1 / spread, 0, 1 / 1.0])
    assert found[1].tolist() == pytest.approx([1 / 2.5, 1 / (5 * spread), 0, 1 / 1.0])
    assert found[2].tolist() == [0, 0, 0, 0]
    # What is dead everywhere does not count without limit.
    assert channel_scales(one, "standardised", source[:3])[0, 3].item() == pytest.approx(1 / 0.02)


def turned(count: int) -> torch.Tensor:
    angles = torch.linspace(-30, 30, count).tolist()
    # Pitch runs up and down twice, so that it has nothing to do with yaw.
    pitches = [10 * math.cos(4 * math.pi * i / (count - 1)) for i in range(count)]
    pairs = zip(angles, pitches, strict=True)
    return torch.tensor([matrix_from_euler(a, p, 0).tolist() for a, p in pairs])


def test_the_penalty_is_the_squared_correlation_with_both_angles() -> None:
    rotation = turned(41)
    yaw = torch.atan2(rotation[:, 0, 2], rotation[:, 2, 2])
    still = torch.full((41,), 0.3)
    assert correlation_penalty(torch.stack([yaw], 1), rotation).item() == pytest.approx(
        0.5, abs=0.01
    )
    assert correlation_penalty(torch.stack([-yaw, still], 1), rotation).item() == pytest.approx(
        0.25, abs=0.01
    )
    assert correlation_penalty(still[:, None], rotation).item() == 0
    pitch = torch.asin(rotation[:, 1, 2])
    assert correlation_penalty(pitch[:, None], rotation).item() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("count", [0, 1, 7])
def test_too_few_say_nothing(count: int) -> None:
    assert correlation_penalty(torch.rand(count, 52), turned(max(count, 2))[:count]).item() == 0


def test_the_penalty_can_be_followed_downhill() -> None:
    rotation = turned(33)
    yaw = torch.atan2(rotation[:, 0, 2], rotation[:, 2, 2])
    values = torch.stack([yaw, yaw**2], 1).clone().requires_grad_()
    before = correlation_penalty(values, rotation)
    before.backward()
    assert values.grad is not None
    assert torch.isfinite(values.grad).all()
    after = correlation_penalty(values.detach() - 0.5 * values.grad, rotation)
    assert after < before


def test_cross_entropy_is_that_of_torch() -> None:
    scores = torch.randn(9, 7, generator=torch.Generator().manual_seed(3))
    classes = torch.arange(9) % 7
    target, ones = torch.eye(7)[classes], torch.ones(7)
    for smoothing in (0.0, 0.1):
        recipe = LossRecipe("cross_entropy", smoothing=smoothing)
        mine = masked_loss(scores.softmax(1), target, recipe, ones)
        theirs = torch.nn.functional.cross_entropy(scores, classes, label_smoothing=smoothing)
        torch.testing.assert_close(mine, theirs)
    weight = torch.rand(7, generator=torch.Generator().manual_seed(4)) + 0.5
    mine = masked_loss(scores.softmax(1), target, LossRecipe("cross_entropy"), weight)
    theirs = torch.nn.functional.cross_entropy(scores, classes, weight)
    torch.testing.assert_close(mine, theirs)


def test_a_class_counts_by_the_root_of_its_share() -> None:
    target = torch.eye(2)[torch.tensor([0] * 16 + [1] * 4)]
    (scale,) = channel_scales(target, "balanced", torch.zeros(20, dtype=torch.long))
    torch.testing.assert_close(scale[1] / scale[0], torch.tensor(2.0))
    torch.testing.assert_close(scale.mean(), torch.tensor(1.0))
