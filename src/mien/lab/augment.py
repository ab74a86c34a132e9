"""What is done to a batch of points before a net sees it, on tensors, by a given generator.

The mirror exchanges left and right everywhere at once: x is negated, points and channels take the
places of their opposites, and a rotation R becomes M R M with M = diag(-1, 1, 1).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from ..channels import MIRROR as MIRRORED_CHANNELS
from ..topology import MIRROR
from .recipe import AugmentRecipe

__all__ = ["augment", "mirrored", "rotations"]

_POINTS = torch.from_numpy(MIRROR.copy()).long()
_CHANNELS = torch.from_numpy(MIRRORED_CHANNELS.copy()).long()
_SIDES = torch.tensor([-1.0, 1.0, 1.0])
_FLIP = torch.tensor([1.0, -1.0, -1.0])  # picture coordinates <-> camera axes
_DEGREE = math.pi / 180


def augment(
    batch: dict[str, Tensor], target: Tensor, recipe: AugmentRecipe, random: torch.Generator
) -> tuple[dict[str, Tensor], Tensor]:
    """A changed copy of a batch.

    Args:
        batch: any of ``aligned`` (n, 478, 3), ``rotation`` (n, 3, 3), ``pixels`` (n, 478, 3), each
            with ``width`` (n,) in pixels and ``unit`` (n,) in pixels per centimetre where there
            are pixels; ``image`` uint8 (n, height, width). Other tensors are passed on.
        target: (n, channels).
        recipe: what to do.
        random: on the device of the tensors.
    """
    batch = dict(batch)
    count, device = len(target), target.device

    def uniform(*shape: int) -> Tensor:
        return torch.rand(shape, generator=random, device=device)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=random, device=device)

    if recipe.mirror:
        chosen = uniform(count) < recipe.mirror
        batch, target = mirrored(batch, target, chosen)
    if (recipe.turn or recipe.roll) and ("rotation" in batch or "pixels" in batch):
        most = torch.tensor([recipe.turn, recipe.turn, recipe.roll], device=device)
        angles = (2 * uniform(count, 3) - 1) * most * _DEGREE
        _turn(batch, rotations(angles))
    if recipe.residual and "aligned" in batch:
        angles = normal(count, 3) * recipe.residual * _DEGREE
        batch["aligned"] = _turned(batch["aligned"], rotations(angles))
    if recipe.noise:
        for name in ("aligned", "pixels"):
            if name in batch:
                unit = batch["unit"][:, None, None] if name == "pixels" else 1.0
                shaken = normal(*batch[name].shape) * recipe.noise * unit
                batch[name] = batch[name] + shaken
    if "image" in batch:
        batch["image"] = _seen_otherwise(batch["image"], recipe, random)
    if recipe.mixup and ("aligned" in batch or "image" in batch):
        other = torch.randperm(count, generator=random, device=device)
        share = uniform(count, 1) * recipe.mixup
        target = torch.lerp(target, target[other], share)
        for name in ("aligned", "image"):
            if name in batch:
                mixed = torch.lerp(
                    batch[name].float(), batch[name][other].float(), share[:, :, None]
                )
                batch[name] = mixed.to(batch[name].dtype)
    return batch, target


def _seen_otherwise(image: Tensor, recipe: AugmentRecipe, random: torch.Generator) -> Tensor:
    """Pictures turned, shifted, enlarged, in another light and with a square hidden: uint8."""
    count, height, width = image.shape

    def uniform(*shape: int) -> Tensor:
        return 2 * torch.rand(shape, generator=random, device=image.device) - 1

    grey = image[:, None].float()
    if recipe.roll or recipe.shift or recipe.zoom:
        angle = uniform(count) * recipe.roll * _DEGREE
        size = (1 + recipe.zoom) ** uniform(count)
        cosine, sine = angle.cos() / size, angle.sin() / size
        shift = 2 * recipe.shift * uniform(count, 2)
        rows = [
            torch.stack([cosine, -sine, shift[:, 0]], 1),
            torch.stack([sine, cosine, shift[:, 1]], 1),
        ]
        grid = functional.affine_grid(torch.stack(rows, 1), list(grey.shape), align_corners=False)
        grey = functional.grid_sample(grey, grid, padding_mode="border", align_corners=False)
    if recipe.light:
        gain, offset = 1 + recipe.light * uniform(2, count, 1, 1, 1)
        middle = grey.mean((2, 3), keepdim=True)
        grey = (grey - middle) * gain + middle + 255 * (offset - 1)
    if recipe.erase:
        side = 0.25 + 0.125 * (1 + uniform(count, 1, 1))  # of the picture's
        centre = (1 + uniform(count, 2, 1)) / 2
        y = torch.arange(height, device=image.device)[None, :, None] / height
        x = torch.arange(width, device=image.device)[None, None, :] / width
        hidden = ((y - centre[:, :1]).abs() < side / 2) & ((x - centre[:, 1:]).abs() < side / 2)
        chosen = (1 + uniform(count, 1, 1)) / 2 < recipe.erase
        grey = torch.where((hidden & chosen)[:, None], grey.mean((2, 3), keepdim=True), grey)
    return grey[:, 0].round().clamp(0, 255).to(torch.uint8)


def mirrored(
    batch: dict[str, Tensor], target: Tensor, chosen: Tensor
) -> tuple[dict[str, Tensor], Tensor]:
    """The batch with the faces mirrored where ``chosen`` (n,) is true."""
    batch = dict(batch)
    device = target.device
    points, sides = _POINTS.to(device), _SIDES.to(device)
    where = chosen[:, None, None]
    if "aligned" in batch:
        batch["aligned"] = torch.where(where, batch["aligned"][:, points] * sides, batch["aligned"])
    if "rotation" in batch:
        other = batch["rotation"] * torch.outer(sides, sides)
        batch["rotation"] = torch.where(where, other, batch["rotation"])
    if "pixels" in batch:
        other = batch["pixels"][:, points] * sides
        other[..., 0] += batch["width"][:, None]
        batch["pixels"] = torch.where(where, other, batch["pixels"])
    if "image" in batch:
        batch["image"] = torch.where(where, batch["image"].flip(2), batch["image"])
    if target.shape[1] == len(_CHANNELS):  # an emotion has no sides
        target = torch.where(chosen[:, None], target[:, _CHANNELS.to(device)], target)
    return batch, target


def rotations(angles: Tensor) -> Tensor:
    """(n, 3, 3) of angles in radians about y, x and z (n, 3), as ``Ry Rx Rz``."""
    (y, x, z), one = angles.T, torch.ones(len(angles), device=angles.device)
    none = torch.zeros_like(one)

    def matrix(*entries: Tensor) -> Tensor:
        return torch.stack(entries, -1).reshape(-1, 3, 3)

    about_y = matrix(y.cos(), none, y.sin(), none, one, none, -y.sin(), none, y.cos())
    about_x = matrix(one, none, none, none, x.cos(), -x.sin(), none, x.sin(), x.cos())
    about_z = matrix(z.cos(), -z.sin(), none, z.sin(), z.cos(), none, none, none, one)
    return about_y @ about_x @ about_z


def _turn(batch: dict[str, Tensor], rotation: Tensor) -> None:
    """Turn the head in front of the camera."""
    if "rotation" in batch:
        batch["rotation"] = rotation @ batch["rotation"]
    if "pixels" in batch:
        flip = _FLIP.to(rotation.device)
        batch["pixels"] = _turned(batch["pixels"] * flip, rotation) * flip


def _turned(points: Tensor, rotation: Tensor) -> Tensor:
    """Points (n, p, 3) turned about their mean."""
    mean = points.mean(1, keepdim=True)
    return (points - mean) @ rotation.transpose(1, 2) + mean
