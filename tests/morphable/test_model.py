"""The linear model: what it adds, what it refuses, and itself seen at a few points."""

from __future__ import annotations

import numpy as np
import pytest

from mien.morphable import LinearFaceModel


def model(identity: int = 3, expression: int = 4, vertices: int = 6) -> LinearFaceModel:
    rng = np.random.default_rng(0)

    def random(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    return LinearFaceModel(
        name="small",
        mean=random(vertices, 3),
        identity=random(identity, vertices, 3),
        expression=random(expression, vertices, 3),
        channels=tuple("abcdefgh"[:expression]),
        triangles=np.array([[0, 1, 2], [3, 4, 5]], np.int32),
    )


def test_the_mean_person_is_neutral() -> None:
    m = model()
    np.testing.assert_array_equal(m.vertices(), m.mean)
    np.testing.assert_array_equal(m.vertices(np.zeros(3), np.zeros(4)), m.mean)
    assert m.vertices() is not m.mean


@pytest.mark.parametrize("count", [0, 1, 3])
def test_shapes_add_up(count: int) -> None:
    m = model()
    who, how = np.arange(1.0, count + 1), np.array([0.5, 0, 0, -2])
    expected = m.mean + sum(w * m.identity[i] for i, w in enumerate(who))
    expected = expected + 0.5 * m.expression[0] - 2 * m.expression[3]
    found = m.vertices(who, how)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("who", "how", "match"),
    [(np.ones(4), None, "3 identity modes, got 4"), (None, np.ones(3), "4 channels, got 3")],
)
def test_coefficients_that_do_not_fit(
    who: np.ndarray | None, how: np.ndarray | None, match: str
) -> None:
    with pytest.raises(ValueError, match=match):
        model().vertices(who, how)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"identity": np.zeros((2, 5, 3), np.float32)}, "identity: expected"),
        ({"channels": ("a",)}, "1 channel names for 4"),
        ({"triangles": np.array([[0, 1, 6]], np.int32)}, "outside 0..5"),
        ({"triangles": np.array([[-1, 1, 2]], np.int32)}, "outside 0..5"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_parts_that_do_not_go_together(change: dict, match: str) -> None:
    m = model()
    parts = {n: getattr(m, n) for n in ("mean", "identity", "expression", "channels", "triangles")}
    with pytest.raises(ValueError, match=match):
        LinearFaceModel(name="bad", **(parts | change))


def test_deviation_is_one_where_nothing_else_is_said() -> None:
    np.testing.assert_array_equal(model().deviation, np.ones(3, np.float32))


def test_points_on_the_surface_move_as_the_whole_does() -> None:
    m = model()
    corners = np.array([[0, 1, 2], [3, 4, 5], [2, 2, 2]])
    weights = np.array([[0.2, 0.3, 0.5], [1, 0, 0], [0, 1, 0]])
    small = m.at(corners, weights)
    who, how = np.array([1.0, -1, 0.5]), np.array([0, 1.0, 0, 0.3])
    expected = np.einsum("pc,pcd->pd", weights, m.vertices(who, how)[corners])
    np.testing.assert_allclose(small.vertices(who, how), expected, atol=1e-5)
