from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")

import torch

from mien.geometry import matrix_from_euler
from mien.lab.representations.edges import directed_edges, lengths
from mien.lab.representations.mesh import around, levels
from mien.lab.representations.voxels import occupancy, splat
from mien.topology import CANONICAL, EDGES


@pytest.fixture
def face() -> torch.Tensor:
    return torch.from_numpy(CANONICAL.copy())[None]


def test_lengths_are_free_of_position_and_turn(face: torch.Tensor) -> None:
    rotation = torch.from_numpy(matrix_from_euler(30, 20, 10)).float()
    moved = face @ rotation.T + torch.tensor([3.0, -2.0, 9.0])
    torch.testing.assert_close(lengths(moved), lengths(face), atol=1e-4, rtol=0)
    torch.testing.assert_close(lengths(2 * face), 2 * lengths(face))
    first = np.linalg.norm(CANONICAL[EDGES[0, 0]] - CANONICAL[EDGES[0, 1]])
    assert lengths(face)[0, 0].item() == pytest.approx(first, abs=1e-5)


def test_points_that_fall_together_have_a_slope() -> None:
    points = torch.zeros(1, 478, 3, requires_grad=True)
    lengths(points).sum().backward()
    assert torch.isfinite(points.grad).all()


def test_the_studys_links_hold_every_edge() -> None:
    pytest.importorskip("mediapipe.python.solutions", reason="FaceMesh ends at Python 3.12")
    links = directed_edges()
    assert links.shape == (2626, 2)
    assert {tuple(sorted(pair)) for pair in links.tolist()} == {
        tuple(sorted(pair)) for pair in EDGES.tolist()
    }


def test_occupancy_is_stretched_to_the_face(face: torch.Tensor) -> None:
    cube = occupancy(face)
    assert cube.shape == (1, 1, 24, 24, 24)
    assert cube.max() == 1
    torch.testing.assert_close(occupancy(face * torch.tensor([3.0, 1.0, 0.5])), cube)


def test_a_splat_is_as_heavy_as_the_points_and_sees_small_moves(face: torch.Tensor) -> None:
    cube = splat(face)
    assert cube.sum().item() == pytest.approx(478, abs=1e-2)
    moved = face.clone()
    moved[0, 13, 1] += 0.05  # half a millimetre
    assert (splat(moved) - cube).abs().sum() > 0.05
    assert torch.equal(occupancy(moved), occupancy(face))
    # The centre of mass is that of the points.
    steps = torch.arange(24.0)
    x = (cube.sum((1, 2, 3))[0] @ steps) / cube.sum()
    assert x.item() / 23 == pytest.approx((CANONICAL[:, 0].mean() / 8.5 + 1) / 2, abs=1e-3)


def test_what_lies_outside_stands_at_the_wall() -> None:
    far = torch.full((1, 478, 3), 99.0)
    assert splat(far).sum().item() == pytest.approx(478, abs=0.1)


def test_meshes_get_coarser_and_stay_whole() -> None:
    sizes = (120, 30)
    graphs = levels(sizes)
    counts = (478, *sizes)
    for graph, count, after in zip(graphs, counts, (*sizes, 1), strict=True):
        assert graph.place.shape == (count, 3)
        assert graph.pool.shape == (after, count)
        assert len(graph.chosen) == after
        # Every vertex belongs to one region, a chosen one to its own; averages of ones are ones.
        np.testing.assert_allclose(graph.pool.sum(1), 1, atol=1e-6)
        assert ((graph.pool > 0).sum(0) == 1).all()
        assert (graph.pool[np.arange(after), graph.chosen] > 0).all()
        # In one piece: from the first vertex all others can be reached.
        reached = np.zeros(count, bool)
        reached[0] = True
        for _ in range(count):
            for one, other in (graph.edges.T, graph.edges.T[::-1]):
                reached[other[reached[one]]] = True
        assert reached.all()


def test_around_a_vertex_others_stand_ring_by_ring() -> None:
    graph, _ = levels((120,))
    joined = np.zeros((478, 478), bool)
    joined[graph.edges[:, 0], graph.edges[:, 1]] = joined[graph.edges[:, 1], graph.edges[:, 0]] = 1
    order = around(graph, 12)
    assert order.shape == (478, 12)
    assert (order[:, 0] == np.arange(478)).all()
    for vertex in (1, 13, 152, 400, 470):
        steps = np.full(478, 99)
        ring, number = np.arange(478) == vertex, 0
        while ring.any():
            steps[ring] = number
            ring, number = joined[ring].any(0) & (steps == 99), number + 1
        assert steps[order[vertex]].tolist() == np.sort(steps)[:12].tolist()
        near = order[vertex, steps[order[vertex]] == 1]
        away = CANONICAL[near] - CANONICAL[vertex]
        assert (np.diff(np.arctan2(away[:, 1], away[:, 0])) >= 0).all()
    np.testing.assert_array_equal(around(graph, 5, graph.chosen), order[graph.chosen, :5])


def test_regions_are_small() -> None:
    (pool, _) = (levels((120,))[0].pool > 0), None
    spread = [np.ptp(CANONICAL[region], axis=0).max() for region in pool]
    assert max(spread) < 5  # centimetres
    assert np.mean(spread) < 2
