from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")

import torch

from mien.channels import ARKIT_52, EMOTIONS
from mien.errors import InputError
from mien.lab import nets
from mien.lab.recipe import NetRecipe

TASK = nets.Task("emotion", EMOTIONS)
SMALL: dict[str, dict[str, Any]] = {"cnn": {}, "residual": {"width": 8, "blocks": 1}}


def create(kind: str, **options: Any) -> nets.Net:
    torch.manual_seed(0)
    return nets.create(NetRecipe(kind, SMALL[kind] | options), TASK).eval()


def pictures(count: int) -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(count)
    return {"image": torch.randint(0, 256, (count, 48, 48), generator=random, dtype=torch.uint8)}


@pytest.mark.parametrize("kind", SMALL)
def test_it_gives_probabilities_picture_by_picture(kind: str) -> None:
    net, given = create(kind), pictures(4)
    values = net(given)
    assert values.shape == (4, 7)
    torch.testing.assert_close(values.sum(1), torch.ones(4))
    alone = torch.cat([net({"image": image[None]}) for image in given["image"]])
    torch.testing.assert_close(values, alone, atol=1e-5, rtol=0)
    assert values.std(0).max() > 1e-6


@pytest.mark.parametrize("kind", SMALL)
def test_light_changes_little(kind: str) -> None:
    net, given = create(kind), pictures(3)
    darker = {"image": (given["image"].float() * 0.5 + 20).to(torch.uint8)}
    torch.testing.assert_close(net(given), net(darker), atol=0.03, rtol=0)


def test_the_cnn_is_that_of_the_study() -> None:
    # Six convolutions with batch norm, 9216-256 with batch norm, 256-7.
    widths = [(1, 32), (32, 64), (64, 128), (128, 128), (128, 256), (256, 256)]
    expected = sum(9 * i * o + o + 2 * o for i, o in widths)
    expected += 9216 * 256 + 256 + 2 * 256 + 256 * 7 + 7
    assert nets.parameters(create("cnn")) == expected


def test_blocks_are_left_out_in_training_only() -> None:
    net, given = create("residual", skip=0.9, dropout=0.0), pictures(8)
    assert torch.equal(net(given), net(given))
    net.train()
    assert not torch.allclose(net(given), net(given))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 0}, "width and blocks"),
        ({"blocks": 0}, "width and blocks"),
        ({"dropout": 1.0}, "dropout is in"),
        ({"skip": -0.1}, "skip is in"),
    ],
)
def test_bad_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        create("residual", **options)
    with pytest.raises(InputError, match="dropout is in"):
        create("cnn", dropout=0.5)


def test_pictures_are_for_classes() -> None:
    with pytest.raises(InputError, match="tells classes, not expression"):
        nets.create(NetRecipe("cnn", {}), nets.Task("expression", ARKIT_52))
