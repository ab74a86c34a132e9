from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")

import torch

from mien.channels import ARKIT_52
from mien.geometry import euler_from_matrix, matrix_from_euler
from mien.lab.augment import augment, mirrored, rotations
from mien.lab.datasets.samples import aligned_of
from mien.lab.material import Material
from mien.lab.recipe import AugmentRecipe
from mien.topology import mirror_points

COUNT = 12


@pytest.fixture
def batch(made: Material) -> dict[str, torch.Tensor]:
    some = made.samples.select(range(COUNT))
    return {
        "aligned": torch.from_numpy(some.aligned),
        "rotation": torch.from_numpy(some.rotation),
        "pixels": torch.from_numpy(some.pixels),
        "width": torch.from_numpy(some.size[:, 0].astype(np.float32)),
        "unit": torch.full((COUNT,), 15.0),
    }


@pytest.fixture
def target(made: Material) -> torch.Tensor:
    return torch.from_numpy(made.samples.target[:COUNT])


def changed(
    batch: dict[str, torch.Tensor], target: torch.Tensor, **options: Any
) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    random = torch.Generator().manual_seed(1)
    return augment(batch, target, AugmentRecipe(**options), random)


def same(one: torch.Tensor, other: torch.Tensor) -> bool:
    return torch.equal(torch.nan_to_num(one, -9.0), torch.nan_to_num(other, -9.0))


def test_nothing_is_changed_unless_it_is_asked_for(
    batch: dict[str, torch.Tensor], target: torch.Tensor
) -> None:
    again, same_target = changed(batch, target)
    assert same_target is target
    assert all(again[name] is batch[name] for name in batch)


@pytest.mark.parametrize("name", ["mirror", "noise", "turn", "roll", "residual", "mixup"])
def test_the_given_batch_stays_as_it_is_and_the_seed_decides(
    name: str, batch: dict[str, torch.Tensor], target: torch.Tensor
) -> None:
    before = {k: v.clone() for k, v in batch.items()}
    one, other = (changed(batch, target, **{name: 0.5}) for _ in range(2))
    assert all(torch.equal(batch[k], before[k]) for k in before)
    assert all(torch.equal(one[0][k], other[0][k]) for k in before)
    assert same(one[1], other[1])
    assert any(not torch.equal(one[0][k], before[k]) for k in before)


def test_the_mirror_image_is_that_of_the_mirrored_picture(
    batch: dict[str, torch.Tensor], target: torch.Tensor
) -> None:
    everywhere = torch.ones(COUNT, dtype=torch.bool)
    found, values = mirrored(batch, target, everywhere)
    expected = np.stack([mirror_points(p, 640.0) for p in batch["pixels"].numpy()])
    np.testing.assert_allclose(found["pixels"], expected, atol=1e-3)
    aligned, rotation = aligned_of(expected)
    np.testing.assert_allclose(found["aligned"], aligned, atol=1e-3)
    np.testing.assert_allclose(found["rotation"], rotation, atol=1e-4)
    left, right = ARKIT_52.index("eyeBlinkLeft"), ARKIT_52.index("eyeBlinkRight")
    assert same(values[:, left], target[:, right])
    back, again = mirrored(found, values, everywhere)
    assert all(torch.allclose(back[k], batch[k], atol=1e-3) for k in batch)
    assert same(again, target)


def test_a_mirror_of_one_half_mirrors_some(
    batch: dict[str, torch.Tensor], target: torch.Tensor
) -> None:
    found, _ = changed(batch, target, mirror=0.5)
    moved = (found["aligned"] != batch["aligned"]).any(2).any(1)
    assert 0 < moved.sum() < COUNT
    assert torch.equal(moved, (found["rotation"] != batch["rotation"]).any(2).any(1))


@pytest.mark.parametrize(("turn", "roll"), [(30.0, 0.0), (0.0, 20.0), (15.0, 15.0)])
def test_a_turned_head_is_the_same_when_it_is_aligned_again(
    turn: float, roll: float, batch: dict[str, torch.Tensor], target: torch.Tensor
) -> None:
    found, _ = changed(batch, target, turn=turn, roll=roll)
    assert found["aligned"] is batch["aligned"]
    aligned, rotation = aligned_of(found["pixels"].numpy())
    np.testing.assert_allclose(aligned, batch["aligned"], atol=2e-3)
    np.testing.assert_allclose(found["rotation"], rotation, atol=1e-3)
    between = found["rotation"] @ batch["rotation"].transpose(1, 2)
    angles = np.abs([euler_from_matrix(r) for r in between.numpy()])
    assert (angles <= np.array([turn, turn, roll]) + 0.01).all()
    assert angles.max() > max(turn, roll) / 2


def test_what_alignment_leaves_turns_the_points_about_their_mean(
    batch: dict[str, torch.Tensor], target: torch.Tensor
) -> None:
    found, _ = changed(batch, target, residual=1.0)
    assert torch.allclose(found["aligned"].mean(1), batch["aligned"].mean(1), atol=1e-4)
    apart = (found["aligned"] - batch["aligned"]).norm(dim=2)
    assert 0.02 < apart.mean() < 0.4  # a degree at six centimetres is a millimetre
    assert found["pixels"] is batch["pixels"]


def test_noise_is_in_centimetres(batch: dict[str, torch.Tensor], target: torch.Tensor) -> None:
    found, _ = changed(batch, target, noise=0.1)
    assert (found["aligned"] - batch["aligned"]).std().item() == pytest.approx(0.1, rel=0.05)
    assert (found["pixels"] - batch["pixels"]).std().item() == pytest.approx(1.5, rel=0.05)


def test_mixup_mixes_points_and_targets_alike(
    batch: dict[str, torch.Tensor], target: torch.Tensor
) -> None:
    target = target.clone()
    target[:, 0] = batch["aligned"][:, 3, 1]  # a target that is a coordinate stays one
    found, values = changed(batch, target, mixup=0.5)
    assert torch.allclose(values[:, 0], found["aligned"][:, 3, 1], atol=1e-6)
    assert not torch.equal(values[:, 0], target[:, 0])
    assert values[:, ARKIT_52.index("tongueOut")].isnan().all()


@pytest.mark.parametrize("angles", [(0, 0, 0), (30, 0, 0), (0, -20, 0), (10, 20, 30)])
def test_rotations_are_those_of_geometry(angles: tuple[float, float, float]) -> None:
    yaw, pitch, roll = angles
    given = torch.deg2rad(torch.tensor([[yaw, -pitch, -roll]], dtype=torch.float64))
    np.testing.assert_allclose(rotations(given.float())[0], matrix_from_euler(*angles), atol=1e-6)
