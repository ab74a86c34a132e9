"""Fusion against numpy's tensordot."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mien.model import Target
from mien.retarget.fusion import Fusion


def reference(base: np.ndarray, moves: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return base + np.tensordot(weights, moves, 1)


def close(a: np.ndarray, b: np.ndarray) -> None:
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


small = st.floats(-2, 2, width=32)


@st.composite
def shapes(draw: Any) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    n, k = draw(st.integers(1, 40)), draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    base = rng.normal(size=(n, 3)).astype(np.float32)
    moves = rng.normal(size=(k, n, 3)).astype(np.float32)
    for row in moves:  # some move a stretch only, some scattered vertices, some nothing
        first, last = sorted(rng.integers(0, n + 1, 2))
        row[:first] = row[last:] = 0
        row[rng.random(n) < rng.choice([0.0, 0.5])] = 0
    weights = st.one_of(st.just(0.0), st.just(1.0), small)
    return base, moves, draw(st.lists(arrays(np.float32, k, elements=weights), max_size=4))


@given(shapes())
def test_every_blend_is_that_of_tensordot(
    case: tuple[np.ndarray, np.ndarray, list[np.ndarray]],
) -> None:
    base, moves, frames = case
    dense = Fusion(base, list(moves))
    sparse = Fusion(
        base,
        [Target(str(i), (at := np.flatnonzero(m.any(1))), m[at]) for i, m in enumerate(moves)],
    )
    out = np.full_like(base, np.nan)
    for weights in frames:  # one after the other: nothing of the last one may stay
        expected = reference(base, moves, weights)
        close(dense(weights), expected)
        close(sparse(weights), expected)
        assert dense(weights, out) is out
        close(out, expected)


@pytest.mark.parametrize("used", range(12))
def test_however_many_are_used(used: int) -> None:
    rng = np.random.default_rng(used)
    base = rng.normal(size=(500, 3)).astype(np.float32)
    moves = rng.normal(size=(11, 500, 3)).astype(np.float32)
    weights = np.zeros(11, np.float32)
    weights[:used] = rng.random(used)
    close(Fusion(base, list(moves))(weights), reference(base, moves, weights))


def test_at_rest_it_is_the_base() -> None:
    base = np.arange(12, dtype=np.float32).reshape(4, 3)
    fused = Fusion(base, [np.ones((4, 3), np.float32)])
    np.testing.assert_array_equal(fused(np.zeros(1, np.float32)), base)
    np.testing.assert_array_equal(fused(np.ones(1, np.float32)), base + 1)
    np.testing.assert_array_equal(base, np.arange(12).reshape(4, 3))  # which stays as it is


def test_without_targets_or_with_empty_ones() -> None:
    base = np.ones((4, 3), np.float32)
    np.testing.assert_array_equal(Fusion(base, [])(np.zeros(0, np.float32)), base)
    empty = Target("rest", np.zeros(0, np.int64), np.zeros((0, 3), np.float32))
    np.testing.assert_array_equal(Fusion(base, [empty])(np.ones(1, np.float32)), base)


def test_its_own_output_is_used_again() -> None:
    fused = Fusion(np.zeros((4, 3), np.float32), [np.ones((4, 3), np.float32)])
    assert fused(np.ones(1, np.float32)) is fused(np.zeros(1, np.float32))


@pytest.mark.parametrize(
    "target",
    [
        np.zeros((5, 3), np.float32),
        Target("far", np.array([4]), np.zeros((1, 3), np.float32)),
        Target("below", np.array([-1]), np.zeros((1, 3), np.float32)),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_targets_of_another_shape(target: Any) -> None:
    with pytest.raises(ValueError, match=r"base is|none of 4"):
        Fusion(np.zeros((4, 3), np.float32), [target])


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("weights", "out", "says"),
    [
        (np.zeros(2, np.float32), None, "1 targets need"),
        (np.zeros(1, np.float32), np.zeros((3, 3), np.float32), "contiguous"),
        (np.zeros(1, np.float32), np.zeros((4, 3)), "contiguous"),
        (np.zeros(1, np.float32), np.zeros((4, 6), np.float32)[:, ::2], "contiguous"),
    ],
)
def test_what_cannot_be_blended(weights: Any, out: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Fusion(np.zeros((4, 3), np.float32), [np.ones((4, 3), np.float32)])(weights, out)
