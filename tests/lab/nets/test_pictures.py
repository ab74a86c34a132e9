from __future__ import annotations

import typing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")

import torch

from mien.channels import ARKIT_52, EMOTIONS
from mien.errors import InputError
from mien.lab import nets
from mien.lab.datasets.samples import MISSED, Samples
from mien.lab.export import export
from mien.lab.nets.light import Light, relative
from mien.lab.recipe import NetRecipe
from mien.lab.runtime import runtime

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
@pytest.mark.parametrize("normalise", typing.get_args(Light))
def test_light_changes_little(kind: str, normalise: str) -> None:
    net, given = create(kind, normalise=normalise), pictures(3)
    # What is relative to its surroundings knows no offset.
    offset = 0 if normalise == "illumination" else 20
    darker = {"image": (given["image"].float() * 0.5 + offset).to(torch.uint8)}
    torch.testing.assert_close(net(given), net(darker), atol=0.05, rtol=0)


def test_the_ways_to_take_light_off() -> None:
    image = pictures(2)["image"].float()[:, None]
    standard, least, around = (relative(image, kind) for kind in typing.get_args(Light))
    torch.testing.assert_close(standard.mean((2, 3)), torch.zeros(2, 1), atol=1e-5, rtol=0)
    assert standard.std((2, 3)).sub(1).abs().max() < 0.1
    assert least.amin((2, 3)).abs().max() == 0
    assert 0.97 < least.amax((2, 3)).min() < 1
    assert around.mean().abs() < 0.05
    # A shadow over one half stays in the others and is gone here, but for its edge.
    lit = torch.full((1, 1, 48, 48), 200.0)
    lit[..., :24] = 60
    far = [0, 8, 40, 47]
    assert relative(lit, "illumination")[..., far].abs().max() < 0.1
    assert relative(lit, "standard")[..., far].abs().min() > 0.8
    for kind in typing.get_args(Light):  # a black picture is no division by zero
        assert relative(torch.zeros(1, 1, 48, 48), kind).isfinite().all()


@pytest.mark.parametrize("normalise", typing.get_args(Light))
def test_the_exported_net_is_given_grey_values(normalise: str, tmp_path: Path) -> None:
    net, given = create("residual", normalise=normalise), pictures(8)
    face = np.zeros((8, 478, 3), np.float32)
    names = [str(i) for i in range(8)]
    samples = Samples(
        names=names,
        subjects=names,
        engine=[MISSED] * 8,
        source=["made"] * 8,
        aligned=face,
        rotation=face[:, :3],
        pixels=face,
        size=np.zeros((8, 2), np.int32),
        target=np.eye(8, 7, dtype=np.float32),
        channels=EMOTIONS,
        image=given["image"].numpy(),
    )
    export(net, tmp_path / "net.onnx", samples)  # which compares the two
    said = runtime(tmp_path / "net.onnx")(samples)
    np.testing.assert_allclose(said, net(given).detach().numpy(), atol=1e-4)


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
        ({"normalise": "histogram"}, "normalise is one of standard, minmax, illumination"),
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
