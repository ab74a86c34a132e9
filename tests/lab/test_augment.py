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


@pytest.fixture
def picture() -> dict[str, torch.Tensor]:
    """A dark square in the upper left quarter of a grey picture."""
    image = torch.full((COUNT, 48, 48), 150, dtype=torch.uint8)
    image[:, 8:16, 8:16] = 20
    return {"image": image}


def emotions(count: int = COUNT) -> torch.Tensor:
    return torch.eye(7)[torch.arange(count) % 7]


def dark(image: torch.Tensor) -> torch.Tensor:
    """Centre (n, 2) of what is dark: x, y."""
    weight = (image < 80).float()
    total = weight.sum((1, 2))
    steps = torch.arange(48.0)
    return torch.stack([(weight.sum(1) @ steps) / total, (weight.sum(2) @ steps) / total], 1)


def test_pictures_are_mirrored_and_an_emotion_has_no_sides(
    picture: dict[str, torch.Tensor],
) -> None:
    batch, target = changed(picture, emotions(), mirror=1.0)
    torch.testing.assert_close(dark(batch["image"])[0], torch.tensor([47 - 11.5, 11.5]))
    assert torch.equal(target, emotions())


@pytest.mark.parametrize(
    ("options", "most"),
    [({"shift": 0.1}, 5.3), ({"zoom": 0.2}, 2.6), ({"roll": 20}, 6.2)],
)
def test_pictures_move_and_not_too_far(
    options: dict[str, float], most: float, picture: dict[str, torch.Tensor]
) -> None:
    batch, _ = changed(picture, emotions(), **options)
    moved = (dark(batch["image"]) - 11.5).abs()
    assert batch["image"].dtype == torch.uint8
    assert 0.5 < moved.max() < most
    assert len(moved.unique(dim=0)) > COUNT // 3  # each in its own way


def test_light_and_hidden_squares(picture: dict[str, torch.Tensor]) -> None:
    lit, _ = changed(picture, emotions(), light=0.3)
    assert lit["image"].float().mean((1, 2)).std() > 5
    hidden, _ = changed({"image": picture["image"]}, emotions(), erase=1.0)
    share = (hidden["image"] != picture["image"]).float().mean((1, 2))
    assert 0.02 < share.max() < 0.3
    assert torch.equal(changed(picture, emotions(), erase=0.0)[0]["image"], picture["image"])


def test_pictures_are_mixed_as_their_classes_are(picture: dict[str, torch.Tensor]) -> None:
    picture = {
        "image": (torch.arange(COUNT, dtype=torch.uint8) * 20)[:, None, None].expand(-1, 8, 8)
    }
    batch, target = changed(picture, torch.eye(COUNT), mixup=0.4)
    torch.testing.assert_close(target.sum(1), torch.ones(COUNT))
    expected = target @ (20.0 * torch.arange(COUNT))
    torch.testing.assert_close(batch["image"][:, 0, 0].float(), expected, atol=1, rtol=0)
