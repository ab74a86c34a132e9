"""Finding the points of the face mesh on a head whose points are known."""

from __future__ import annotations

import numpy as np
import pytest

from mien.lab.synthetic import correspondence
from mien.lab.synthetic.correspondence import Correspondence, measure
from mien.lab.synthetic.faces import Shot
from mien.morphable import LinearFaceModel
from mien.topology import CANONICAL, IRIS_CENTRES, MIRROR


@pytest.fixture(scope="module")
def found(head: LinearFaceModel) -> Correspondence:
    """Measured with an engine that errs by half a pixel and misses some pictures."""
    seen: list[tuple[np.ndarray, Shot]] = []
    rng = np.random.default_rng(0)

    def draw(vertices: np.ndarray, shot: Shot, _: np.random.Generator) -> np.ndarray:
        seen.append((vertices, shot))
        return np.zeros((8, 8, 3), np.uint8)

    def detect(_: np.ndarray) -> np.ndarray | None:
        vertices, shot = seen[-1]
        if len(seen) % 7 == 0:
            return None
        return shot.project(vertices[:478]) + rng.normal(0, 0.5, (478, 3))

    return measure(head, draw, detect, people=4)


def test_places_are_found(head: LinearFaceModel, found: Correspondence) -> None:
    place = np.einsum("pc,pcd->pd", found.weights, head.mean[found.corners])
    off = np.linalg.norm(place[:468] - CANONICAL[:468], axis=1)
    assert np.median(off) < 0.05  # centimetres; half a pixel is 0.06
    assert np.percentile(off, 95) < 0.4
    assert 0.02 < np.median(found.residual[:468]) < 0.2


def test_weights_are_barycentric(found: Correspondence) -> None:
    np.testing.assert_allclose(found.weights.sum(axis=1), 1, atol=1e-5)
    assert found.weights.min() >= 0


def test_places_are_symmetric(head: LinearFaceModel, found: Correspondence) -> None:
    place = np.einsum("pc,pcd->pd", found.weights, head.mean[found.corners])[:468]
    mirrored = (place * [-1, 1, 1])[MIRROR[:468]]
    sides = MIRROR[:468] != np.arange(468)
    np.testing.assert_allclose(place[sides], mirrored[sides], atol=1e-3)


def test_irises_lie_around_the_axes_of_the_eyes(
    head: LinearFaceModel, found: Correspondence
) -> None:
    place = np.einsum("pc,pcd->pd", found.weights, head.mean[found.corners])
    for side, first in IRIS_CENTRES.items():
        assert np.isin(found.corners[first : first + 5], head.regions[f"sclera_{side}"]).all()
        rim = place[first + 1 : first + 5] - place[first]
        direction = CANONICAL[first + 1 : first + 5] - CANONICAL[first]
        assert (np.sum(rim[:, :2] * direction[:, :2], axis=1) > 0).all()


class TestTheCommittedTable:
    @pytest.fixture
    def table(self) -> Correspondence:
        return correspondence.load()

    def test_its_form(self, table: Correspondence) -> None:
        assert table.corners.shape == (478, 3)
        assert table.corners.min() >= 0
        assert table.corners.max() < 26719
        np.testing.assert_allclose(table.weights.sum(axis=1), 1, atol=1e-3)

    def test_its_residual(self, table: Correspondence) -> None:
        assert np.median(table.residual[:468]) < 0.4  # centimetres

    @pytest.mark.parametrize(("upper", "lower"), [(13, 14), (82, 87), (312, 317), (81, 178)])
    def test_lips_are_on_their_own_sides(
        self, table: Correspondence, upper: int, lower: int
    ) -> None:
        """A lower lip's point on the upper lip would keep the mouth shut for ever."""
        assert not set(table.corners[upper]) & set(table.corners[lower])
