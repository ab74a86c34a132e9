"""The noise model: it finds what was put in, and draws it again."""

from __future__ import annotations

import numpy as np
import pytest

from mien.geometry import matrix_from_euler
from mien.lab.synthetic import noise
from mien.lab.synthetic.noise import Noise, fit


def rotations(count: int, rng: np.random.Generator) -> np.ndarray:
    turns = rng.uniform(-35, 35, (count, 2))
    return np.stack([matrix_from_euler(y, p, 0) for y, p in turns])


def test_bias_person_and_jitter_are_found_again() -> None:
    rng = np.random.default_rng(0)
    true = Noise(
        "facemesh",
        bias=rng.normal(0, 0.1, (6, 478, 3)).astype(np.float32),
        person=rng.normal(0, 0.1, (3, 478, 3)).astype(np.float32),
        jitter=rng.normal(0, 0.03, (2, 478, 3)).astype(np.float32),
        rest=np.full((478, 3), 0.01, np.float32),
    )
    turned = rotations(1500, rng)
    still = Noise("facemesh", true.bias, true.person, true.jitter[:0], true.rest)
    shaky = Noise("facemesh", 0 * true.bias, true.person[:0], true.jitter, 0.5 * true.rest)
    pairs = np.stack([shaky.sample(rng, turned[:800]) for _ in range(2)], axis=1)
    zeros = np.zeros((1500, 478, 3))
    found = fit("facemesh", still.sample(rng, turned), zeros, turned, pairs)
    assert np.abs(found.bias - true.bias).mean() < 0.03
    for mine, theirs in ((found.person, true.person), (found.jitter, true.jitter)):
        variance = [(f.astype(float) ** 2).sum(axis=0) for f in (mine, theirs)]
        assert np.corrcoef(variance[0].ravel(), variance[1].ravel())[0, 1] > 0.95
        assert variance[0].sum() == pytest.approx(variance[1].sum(), rel=0.15)
    assert float(np.median(found.rest)) == pytest.approx(0.011, rel=0.3)


def test_the_same_seed_draws_the_same() -> None:
    table = noise.load("facemesh")
    turned = rotations(5, np.random.default_rng(1))
    one, two = (table.sample(np.random.default_rng(3), turned) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert one.shape == (5, 478, 3)
    assert table.sample(np.random.default_rng(3), turned[:0]).shape == (0, 478, 3)


def test_what_is_a_persons_own_stays_theirs() -> None:
    table = noise.load("facemesh")
    mine = Noise("facemesh", 0 * table.bias, table.person, table.jitter[:0], 0 * table.rest)
    front = np.repeat(np.eye(3)[None], 6, axis=0)
    drawn = mine.sample(np.random.default_rng(0), front, np.array([7, 7, 3, 7, 3, 5]))
    np.testing.assert_array_equal(drawn[0], drawn[3])
    np.testing.assert_array_equal(drawn[2], drawn[4])
    assert np.abs(drawn[0] - drawn[2]).max() > 0.05
    assert np.abs(drawn[5] - drawn[2]).max() > 0.05


@pytest.mark.parametrize("engine", ["facemesh", "facelandmarker"])
def test_the_committed_table_is_of_the_size_of_a_face(engine: str) -> None:
    table = noise.load(engine)
    drawn = table.sample(np.random.default_rng(0), rotations(200, np.random.default_rng(1)))
    size = np.sqrt((drawn**2).sum(axis=2)).mean()
    assert 0.05 < size < 0.8  # centimetres
