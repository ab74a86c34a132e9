"""Nets that tell classes from landmarks: the same promises for each kind."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")

import torch

from mien.channels import ARKIT_52, EMOTIONS
from mien.errors import InputError
from mien.lab import nets
from mien.lab.recipe import NetRecipe
from mien.topology import CANONICAL

TASK = nets.Task("emotion", EMOTIONS)
SMALL: dict[str, dict[str, Any]] = {
    "edge-cnn": {},
    "edge-mlp": {"hidden": 16, "depth": 1},
    "mesh": {"sizes": [40, 10], "width": 4, "hidden": 16, "depth": 1},
    "mlp": {"hidden": 16, "depth": 1, "output": "softmax"},
    "point-cnn": {},
    "point-mlp": {"widths": [32, 16]},
    "point-transformer": {"tokens": 12, "width": 8, "heads": 2, "depth": 1},
    "voxel-cnn": {"cube": "splat", "widths": [4, 8, 8]},
}


def create(kind: str, **options: Any) -> nets.Net:
    torch.manual_seed(0)
    return nets.create(NetRecipe(kind, SMALL[kind] | options), TASK).eval()


def faces(count: int) -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(count)
    canonical = torch.from_numpy(CANONICAL.copy())
    return {"aligned": canonical + 0.5 * torch.randn(count, 478, 3, generator=random)}


@pytest.mark.parametrize("kind", SMALL)
def test_it_gives_probabilities_face_by_face(kind: str) -> None:
    net, given = create(kind), faces(5)
    net.fit(given)
    values = net(given)
    assert values.shape == (5, 7)
    torch.testing.assert_close(values.sum(1), torch.ones(5))
    assert values.std(0).max() > 1e-6
    alone = torch.cat([net({"aligned": face[None]}) for face in given["aligned"]])
    torch.testing.assert_close(values, alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", SMALL)
def test_it_learns(kind: str) -> None:
    net, given = create(kind), faces(6)
    net.fit(given)
    for module in net.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    target, optimizer = torch.arange(6), torch.optim.Adam(net.parameters(), lr=1e-3)
    net.train()
    losses = []
    for _ in range(15):
        optimizer.zero_grad()
        loss = torch.nn.functional.nll_loss(net(given).clamp_min(1e-7).log(), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert min(losses[-3:]) < 0.95 * losses[0]


@pytest.mark.parametrize("kind", SMALL)
def test_it_is_for_classes(kind: str) -> None:
    with pytest.raises(InputError, match="classes"):
        nets.create(NetRecipe(kind, SMALL[kind]), nets.Task("expression", ARKIT_52))


def test_the_studys_reshape_mixes_coordinates() -> None:
    given = faces(2)
    assert not torch.allclose(
        create("point-cnn")(given), create("point-cnn", scrambled=True)(given)
    )


def test_the_studys_sizes() -> None:
    mlp = nets.create(NetRecipe("point-mlp", {}), TASK)
    widths = (1434, 1024, 500, 100, 7)
    assert nets.parameters(mlp) == sum(a * b + b for a, b in pairwise(widths))
    dense = [m for m in create("point-cnn").modules() if isinstance(m, torch.nn.Linear)]
    assert [m.in_features for m in dense] == [256 * 119, 256]
    voxels = nets.create(NetRecipe("voxel-cnn", {}), TASK)
    convolutions = [m for m in voxels.modules() if isinstance(m, torch.nn.Conv3d)]
    assert [m.weight.shape[:2] for m in convolutions] == [(32, 1), (64, 32), (128, 64)]


def test_convolutions_can_halve_the_cube_in_place_of_pooling() -> None:
    pooled, strided = create("voxel-cnn"), create("voxel-cnn", strided=True)
    assert nets.parameters(strided) == nets.parameters(pooled)
    convolutions = [m for m in strided.modules() if isinstance(m, torch.nn.Conv3d)]
    assert {m.stride for m in convolutions} == {(2, 2, 2)}
    assert not [m for m in strided.modules() if isinstance(m, torch.nn.MaxPool3d)]
    assert strided(faces(2)).shape == (2, 7)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("mesh", {"sizes": [10, 40]}, "sizes fall"),
        ("mesh", {"sizes": []}, "sizes fall"),
        ("mesh", {"near": 11}, "near is 1..10"),
        ("mesh", {"width": 0}, "width is 1 or more"),
        ("point-transformer", {"width": 9}, "multiple of heads"),
        ("point-mlp", {"widths": [0]}, "widths are 1 or more"),
        ("edge-mlp", {"dropout": 1.0}, "dropout is in"),
        ("voxel-cnn", {"cube": "sphere"}, "cube"),
        ("voxel-cnn", {"widths": [8, 0, 8]}, "widths are 1 or more"),
    ],
)
def test_bad_options_are_refused(kind: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        create(kind, **options)


def test_the_mesh_net_knows_where_a_vertex_is() -> None:
    """The same bump at another place of the face is another thing."""
    net = create("mesh")
    given = faces(4)
    net.fit(given)
    flat = torch.from_numpy(CANONICAL.copy())[None]
    one, other = flat.clone(), flat.clone()
    one[0, 13, 2] += 1
    other[0, 152, 2] += 1
    assert not torch.allclose(net({"aligned": one}), net({"aligned": other}), atol=1e-6)
