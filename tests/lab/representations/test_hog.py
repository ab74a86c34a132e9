"""Histograms of gradients are scikit-image's, number by number."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")

import torch
from skimage import feature

from mien.lab.nets.light import Light, relative
from mien.lab.representations.hog import hog, length


@pytest.mark.parametrize(
    ("side", "cell", "block", "orientations"),
    [(48, 8, 2, 9), (48, 6, 2, 9), (48, 7, 3, 5), (48, 6, 1, 9), (21, 5, 2, 7)],
)
@pytest.mark.parametrize("light", ["illumination", "standard"])
def test_they_are_those_of_scikit_image(
    side: int, cell: int, block: int, orientations: int, light: Light
) -> None:
    random = np.random.default_rng(0)
    pictures = random.integers(0, 255, (6, 1, side, side)).astype(np.float32)
    pictures[0] = 77  # nothing to see
    pictures[1, :, :, side // 2 :] = pictures[1, :, :, : side - side // 2].mean()
    image = relative(torch.from_numpy(pictures), light)
    ours = hog(image, cell=cell, block=block, orientations=orientations).numpy()
    theirs = [
        feature.hog(
            one[0].double().numpy(),
            orientations=orientations,
            pixels_per_cell=(cell, cell),
            cells_per_block=(block, block),
        )
        for one in image
    ]
    assert ours.shape == (6, length(side, cell, block, orientations))
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_what_does_not_rise_at_all_falls_into_the_first_bin() -> None:
    """A last digit would move it to the last bin, in one runtime and not in the other."""
    random = np.random.default_rng(2)
    stripes = np.repeat(random.integers(0, 255, (20, 1, 1, 48)), 48, 2).astype(np.float32)
    for light in ("illumination", "standard", "minmax"):
        found = hog(relative(torch.from_numpy(stripes), light), block=1)
        assert found.reshape(-1, 9)[:, 0].min() > 0
        assert not found.reshape(-1, 9)[:, 1:].any(), light


@pytest.mark.parametrize(("cell", "block"), [(50, 1), (20, 3)])
def test_too_small_a_picture_has_none(cell: int, block: int) -> None:
    assert length(48, cell, block, 9) == 0


def test_light_from_one_side_is_taken_off() -> None:
    random = np.random.default_rng(1)
    face = random.integers(100, 160, (1, 1, 48, 48)).astype(np.float32)
    lit = face * np.linspace(0.4, 1.4, 48, dtype=np.float32)
    apart = {}
    for light in ("illumination", "standard"):
        one, other = (hog(relative(torch.from_numpy(x), light)) for x in (face, lit))
        apart[light] = (one - other).abs().mean().item()
    assert apart["illumination"] < 0.5 * apart["standard"]
