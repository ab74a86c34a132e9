from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")

import torch

from mien.lab import nets
from mien.lab.datasets.samples import CHANNELS_OF
from mien.lab.recipe import NetRecipe

# As the report of the original system prints it.
ORIGINAL = """
Linear(1434,512) BatchNorm1d(512) ReLU Dropout(0.2) Linear(512,256) BatchNorm1d(256) ReLU
Dropout(0.2) Linear(256,256) BatchNorm1d(256) ReLU Linear(256,128) ReLU Linear(128,10)
"""


def create(extra: int = 0) -> nets.Net:
    task = nets.Task("morphable", CHANNELS_OF["morphable"], extra)
    return nets.create(NetRecipe("expression_head", {"extra": extra > 0}), task)


def told(layer: torch.nn.Module) -> str:
    name = type(layer).__name__
    if isinstance(layer, torch.nn.Linear):
        return f"{name}({layer.in_features},{layer.out_features})"
    if isinstance(layer, torch.nn.BatchNorm1d):
        return f"{name}({layer.num_features})"
    return f"{name}({layer.p})" if isinstance(layer, torch.nn.Dropout) else name


def test_it_is_the_original_layer_by_layer() -> None:
    net = create()
    assert [told(layer) for layer in net.layers] == ORIGINAL.split()
    assert net.inputs == ("pixels",)
    assert nets.parameters(net) == 968_074  # weights, biases, and two for each batch norm


def test_it_sees_pixels_as_they_are() -> None:
    net = create().eval()
    face = torch.rand(3, 478, 3) * 400
    assert net({"pixels": face}).shape == (3, 10)
    assert not torch.allclose(net({"pixels": face}), net({"pixels": face + 100}))


def test_the_variant_with_52_more_numbers() -> None:
    net = create(52)
    assert net.inputs == ("pixels", "extra")
    assert told(net.layers[0]) == "Linear(1486,512)"
    given = {"pixels": torch.rand(2, 478, 3), "extra": torch.rand(2, 52)}
    assert net.eval()(given).shape == (2, 10)
