"""Inputs by their mean and deviation."""

from __future__ import annotations

import torch

from mien.lab.nets import standard


def test_what_moves_has_deviation_one_and_what_stands_is_zero() -> None:
    random = torch.Generator().manual_seed(0)
    values = torch.randn(500, 2, 3, generator=random) * 7 + 40
    values[:, 1, 2] = 5 + 1e-4 * values[:, 1, 2]
    mean, scale = torch.zeros(2, 3), torch.ones(2, 3)
    standard.learn(mean, scale, values)
    out = (values - mean) * scale
    moving = torch.ones(2, 3, dtype=torch.bool)
    moving[1, 2] = False
    torch.testing.assert_close(out.mean(0), torch.zeros(2, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(out.std(0, correction=0), moving.float(), atol=1e-5, rtol=0)
    standard.learn(mean, scale, values, smallest=1e-5)
    torch.testing.assert_close(
        scale[1, 2] * values[:, 1, 2].std(), torch.tensor(1.0), rtol=2e-3, atol=0
    )
