"""Landmarks that matter are named, and what all of them brought adds up to the score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")

import torch
from torch import Tensor

from mien.channels import EMOTIONS
from mien.errors import InputError
from mien.lab import nets
from mien.lab.datasets.samples import MISSED, Samples
from mien.lab.explain import landmarks
from mien.lab.nets.classifier import Classifier
from mien.lab.recipe import NetRecipe
from mien.topology import CANONICAL, REGIONS

TASK = nets.Task("emotion", EMOTIONS)
CHOSEN = [10, 61, 291, 470]
KINDS: list[tuple[str, dict[str, Any]]] = [
    ("mlp", {"output": "softmax", "rotation": True, "hidden": 32}),
    ("mlp", {"output": "softmax", "points": ["lips_outer"], "hidden": 32}),
    ("point-mlp", {}),
    ("point-cnn", {}),
    ("point-cnn", {"scrambled": True}),
    ("point-transformer", {"tokens": 12, "width": 16, "depth": 1}),
    ("edge-mlp", {"hidden": 32}),
    ("edge-cnn", {}),
    ("mesh", {"width": 8}),
    ("voxel-cnn", {"cube": "splat"}),
    ("voxel-cnn", {"cube": "splat", "strided": True}),
    ("voxel-cnn", {"cube": "occupancy"}),
    ("channels-mlp", {}),
]


class Few(Classifier):
    """Only four landmarks matter, for class 3: a straight line."""

    inputs = ("aligned",)

    def __init__(self) -> None:
        super().__init__(TASK)
        self.weight = torch.zeros(478, 3)
        self.weight[CHOSEN] = torch.tensor([[1.0, 2, 0], [0, -1, 0], [0, 0, 3], [0.5, 0, 0]])

    def scores(self, samples: Mapping[str, Tensor]) -> Tensor:
        said = (samples["aligned"] * self.weight).sum((1, 2))
        return torch.nn.functional.pad(said[:, None], (3, 3))


def face(seed: int = 0) -> dict[str, Tensor]:
    random = np.random.default_rng(seed)
    points = CANONICAL + random.normal(0, 0.3, CANONICAL.shape)
    turn = torch.linalg.qr(torch.eye(3) + 0.1 * torch.randn(3, 3))[0]
    return {"aligned": torch.from_numpy(points.astype(np.float32))[None], "rotation": turn[None]}


def test_only_those_that_matter() -> None:
    net, given, begin = Few().eval(), face(), landmarks.canonical()
    found = landmarks.moved(net, given, 3, begin)
    apart = given["aligned"][0] - torch.from_numpy(CANONICAL.copy())
    wanted = (apart * net.weight).sum(1) * 6 / 7  # less the mean of the seven scores
    np.testing.assert_allclose(found.points, wanted, atol=1e-4)
    assert set(np.flatnonzero(np.abs(found.points) > 1e-4)) == set(CHOSEN)
    assert found.turn == 0
    # What speaks for one class speaks against every other.
    other = landmarks.moved(net, given, 0, begin)
    np.testing.assert_allclose(other.points, -found.points / 6, atol=1e-4)


@pytest.mark.parametrize(("kind", "options"), KINDS, ids=lambda v: v if isinstance(v, str) else "")
def test_it_adds_up(kind: str, options: dict[str, Any], samples: Samples) -> None:
    torch.manual_seed(1)
    net = nets.create(NetRecipe(kind, options), TASK)
    net.fit({name: torch.from_numpy(getattr(samples, name)[:63]) for name in net.inputs})
    net.eval().requires_grad_(False)
    given = {name: torch.from_numpy(getattr(samples, name)[70:71]) for name in net.inputs}
    before = net(given)
    found = landmarks.moved(net, given, 2, landmarks.baseline(samples), steps=64)
    assert found.points.shape == (478,)
    assert np.abs(found.points).max() > 0
    total = float(found.points.sum()) + found.turn
    assert found.gap == pytest.approx(found.change - total, abs=1e-4)
    spread = float(np.abs(found.points).sum())
    assert abs(found.gap) < 0.03 * max(abs(found.change), spread)
    assert torch.equal(net(given), before)  # counted voxels, too, are counted again


def test_unused_landmarks_bring_nothing(samples: Samples) -> None:
    torch.manual_seed(1)
    kind, options = KINDS[1]
    net = nets.create(NetRecipe(kind, options), TASK).eval()
    found = landmarks.moved(net, face(), 2, landmarks.canonical())
    assert set(np.flatnonzero(found.points)) == set(REGIONS["lips_outer"])


def test_the_share_of_an_edge_goes_to_its_two_ends() -> None:
    torch.manual_seed(1)
    net = nets.create(NetRecipe("edge-mlp", {"hidden": 8}), TASK).eval()
    given = {"aligned": torch.from_numpy(CANONICAL.copy())[None].clone()}
    given["aligned"][0, 4, 2] += 1.0  # the nose tip: lengths of its own edges change, no others
    found = landmarks.moved(net, given, 2, landmarks.canonical())
    # Coordinates that did not move brought nothing; the tip has it all.
    assert set(np.flatnonzero(np.abs(found.points) > 1e-7)) == {4}
    assert found.points[4] == pytest.approx(found.change, abs=1e-3)


def test_baselines(samples: Samples) -> None:
    begin = landmarks.baseline(samples)
    some = [i for i in range(0, 64, 2) if samples.engine[i] != MISSED]
    np.testing.assert_allclose(begin.inputs["aligned"][0], samples.aligned[some].mean(0), atol=1e-5)
    assert begin.told == "the mean of 32 neutral training faces"
    none = landmarks.baseline(samples.part("validation"))
    assert none.told == "the canonical neutral face"
    np.testing.assert_array_equal(none.inputs["aligned"][0], CANONICAL)
    # At the baseline itself there is nothing to explain.
    found = landmarks.moved(Few().eval(), dict(none.inputs), 3, none)
    assert not found.points.any()
    assert found.change == 0


def test_parts_of_the_face() -> None:
    every = np.concatenate(list(landmarks.PARTS.values()))
    assert sorted(every) == list(range(478))
    assert all(len(index) > 10 for index in landmarks.PARTS.values())
    assert {61, 291, 13, 14} <= set(landmarks.PARTS["mouth"])
    assert {33, 263, 468, 473} <= set(landmarks.PARTS["eyes"])
    brought = landmarks.by_part(np.ones(478, np.float32))
    assert sum(brought.values()) == 478
    assert list(brought) == ["brows", "eyes", "nose", "mouth", "outline", "forehead", "cheeks"]


def test_nets_on_pictures_are_refused() -> None:
    net = nets.create(NetRecipe("cnn", {}), TASK)
    assert not landmarks.sees_points(net)
    with pytest.raises(InputError, match="does not look at landmarks"):
        landmarks.moved(net, face(), 0, landmarks.canonical())
