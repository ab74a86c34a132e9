"""Heat stands where the decision was made: known spots, known rows, and the formula itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")

import torch
from torch import Tensor, nn

from mien.channels import EMOTIONS
from mien.errors import InputError
from mien.lab import nets
from mien.lab.explain import draw, gradcam
from mien.lab.explain.scoring import scores
from mien.lab.nets.pictures import PictureNet
from mien.lab.recipe import NetRecipe

TASK = nets.Task("emotion", EMOTIONS)


def net(kind: str, **options: Any) -> nets.Net:
    torch.manual_seed(0)
    return nets.create(NetRecipe(kind, options), TASK).eval()


class Spots(PictureNet):
    """Bright spots speak for class 1, dark ones for class 2, by means of two maps of 12 x 12."""

    def __init__(self) -> None:
        super().__init__(TASK)
        see, tell = nn.Conv2d(1, 2, 4, 4, bias=False), nn.Linear(2, 7, bias=False)
        see.weight.data = torch.stack([torch.ones(1, 4, 4), -torch.ones(1, 4, 4)]) / 16
        tell.weight.data.zero_()
        tell.weight.data[1, 0] = tell.weight.data[2, 1] = 50.0
        self.layers = nn.Sequential(see, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), tell)

    def look(self, image: Tensor) -> Tensor:
        return self.layers(image)


def spotted(row: int, column: int, grey: int) -> Tensor:
    """A grey picture with a spot of 4 x 4 pixels."""
    image = np.full((1, 48, 48), 128, np.uint8)
    image[0, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4] = grey
    return torch.from_numpy(image)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (1, 9), (7, 2), (11, 11)])
@pytest.mark.parametrize(("grey", "label"), [(250, 1), (5, 2)])
def test_heat_is_where_the_decisive_spot_is(row: int, column: int, grey: int, label: int) -> None:
    given = {"image": spotted(row, column, grey)}
    heat = gradcam.heat(Spots(), given, torch.tensor([label]))[0]
    assert heat.shape == (12, 12)
    assert np.unravel_index(heat.argmax(), heat.shape) == (row, column)
    assert heat[row, column] > 20 * np.delete(heat.ravel(), 12 * row + column).max()


@pytest.mark.parametrize(("row", "column"), [(0, 0), (1, 9), (7, 2), (11, 11)])
def test_it_is_drawn_there_too(row: int, column: int) -> None:
    """Neither mirrored nor moved: the most coloured pixels lie in the spot."""
    image = np.full((48, 48), 128, np.uint8)
    heat = np.zeros((12, 12), np.float32)
    heat[row, column] = 1
    shown = draw._heated(image, heat, 1.0).astype(int)
    coloured = np.ptp(shown, axis=2)
    y, x = (np.argwhere(coloured > 0.9 * coloured.max()).mean(0) + 0.5) / draw.SIDE * 12
    assert (y, x) == pytest.approx((row + 0.5, column + 0.5), abs=0.3)


class Strides(Spots):
    """Three convolutions with a stride, each of which looks half a pixel up and to the left."""

    def __init__(self) -> None:
        super().__init__()
        steps = [nn.Conv2d(1, 1, 3, 2, 1, bias=False) for _ in range(3)]
        for step in steps:
            step.weight.data.fill_(1 / 9)
        self.layers = nn.Sequential(
            *steps, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1, 7)
        )  # fmt: skip


@pytest.mark.parametrize(("made", "wanted"), [(Spots, 0.0), (Strides, -3.5 / 48)])
def test_how_far_places_look_from_where_they_stand(made: type[Spots], wanted: float) -> None:
    random = np.random.default_rng(0).integers(0, 255, (8, 48, 48)).astype(np.uint8)
    found = gradcam.offset(made(), {"image": torch.from_numpy(random)})
    assert found == pytest.approx((wanted, wanted), abs=0.75 / 48)


def test_the_drawing_makes_up_for_it() -> None:
    image, heat = np.full((48, 48), 128, np.uint8), np.zeros((6, 6), np.float32)
    heat[3, 2] = 1
    spread = [np.ptp(draw._heated(image, heat, 1.0, o).astype(int), axis=2)
              for o in ((0.0, 0.0), (-4 / 48, 8 / 48))]  # fmt: skip
    first, then = (np.argwhere(s > 0.9 * s.max()).mean(0) for s in spread)
    np.testing.assert_allclose((then - first) / draw.SIDE * 48, (-4, 8), atol=0.3)


def test_the_formula() -> None:
    made = Spots()
    given = {"image": spotted(3, 4, 250)}
    image = (given["image"].float() / 255)[:, None]
    image = (image - image.mean()) / (image.std(correction=0) + 0.02)
    maps = made.layers[:2](image)[0].detach()
    # The score of class 1 is 50 times the mean of the first map, less a seventh of all scores.
    weight = torch.tensor([50 - 50 / 7, -50 / 7]) / 144
    wanted = (weight[:, None, None] * maps).sum(0).clamp_min(0).numpy()
    heat = gradcam.heat(made, given, torch.tensor([1]))[0]
    np.testing.assert_allclose(heat, wanted, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "options", "places"),
    [
        ("cnn", {}, 12),
        ("residual", {"width": 8, "blocks": 1}, 6),
        ("resnet50", {}, 2),
        ("vgg16", {}, 3),
    ],
)
def test_nets_on_pictures(kind: str, options: dict[str, Any], places: int) -> None:
    made = net(kind, **options)
    given = {
        "image": torch.from_numpy(np.random.default_rng(0).integers(0, 255, (2, 48, 48), np.uint8))
    }
    before = made(given)
    towards = torch.tensor([3, 4])
    heat = gradcam.heat(made, given, towards)
    assert heat.shape == (2, places, places)
    assert np.isfinite(heat).all()
    assert heat.min() >= 0
    # One at a time is the same, no gradient is left behind, and the net says what it said.
    alone = gradcam.heat(made, {"image": given["image"][1:]}, towards[1:])
    np.testing.assert_allclose(heat[1], alone[0], rtol=1e-3, atol=1e-6)
    assert all(p.grad is None for p in made.parameters())
    assert torch.equal(made(given), before)


def test_scores_are_those_before_the_softmax_but_for_their_mean() -> None:
    made = net("cnn")
    given = {"image": spotted(3, 4, 250)}
    with torch.no_grad():
        raw = made.scores(given)  # type: ignore[operator]
        np.testing.assert_allclose(scores(made, given), raw - raw.mean(1, keepdim=True), atol=1e-4)


@pytest.mark.parametrize("kind", ["svm", "mesh"])
def test_no_convolutions_no_heat(kind: str) -> None:
    made = net(kind)
    assert gradcam.stage(made) is None
    with pytest.raises(InputError, match="no convolutions on pictures"):
        gradcam.heat(made, {}, torch.tensor([0]))
