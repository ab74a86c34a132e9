from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from mien.topology import (
    AUFART_105,
    CANONICAL,
    EDGES,
    IBUG_68,
    IRIS_CENTRES,
    MIRROR,
    REGIONS,
    RIGID,
    TRIANGLES,
    mirror_points,
)

IRIS = set(range(468, 478))
EDGE_SET = {tuple(map(int, edge)) for edge in EDGES}
MESH_EDGES = {edge for edge in EDGE_SET if not IRIS & set(edge)}
DIRECTED = [
    (int(t[i]), int(t[(i + 1) % 3])) for t in TRIANGLES for i in range(3)
]  # fmt: skip
SIDES = [name for name in REGIONS if name.startswith("left_")]


def undirected(a: int, b: int) -> tuple[int, int]:
    return (a, b) if a < b else (b, a)


def loop(points: tuple[int, ...]) -> set[tuple[int, int]]:
    """Edges of a closed contour."""
    return {undirected(a, b) for a, b in zip(points, points[1:] + points[:1], strict=True)}


def test_there_are_478_points_and_1330_edges() -> None:
    assert len(CANONICAL) == len(MIRROR) == 478
    assert EDGES.shape == (1330, 2)
    assert len(EDGE_SET) == 1330
    assert all(0 <= a < b < 478 for a, b in EDGE_SET)
    assert len(MESH_EDGES) == 1322


def test_every_point_of_the_mesh_is_used() -> None:
    assert set(TRIANGLES.ravel().tolist()) == set(range(468))
    assert {point for edge in MESH_EDGES for point in edge} == set(range(468))


def test_triangles_and_edges_are_one_mesh() -> None:
    assert {undirected(a, b) for a, b in DIRECTED} == MESH_EDGES
    assert set(Counter(undirected(a, b) for a, b in DIRECTED).values()) == {1, 2}


def test_the_winding_is_consistent() -> None:
    assert max(Counter(DIRECTED).values()) == 1


def test_triangles_are_counter_clockwise_seen_from_outside() -> None:
    a, b, c = (CANONICAL[TRIANGLES[:, i]] for i in range(3))
    normals = np.cross(b - a, c - a)
    assert (normals[:, 2] > 0).mean() > 0.9  # the sides of the nose and lips look elsewhere
    nose = (TRIANGLES == 4).any(axis=1)
    assert (normals[nose, 2] > 0).all()


def test_a_disc_with_three_holes() -> None:
    assert 468 - len(MESH_EDGES) + len(TRIANGLES) == 1 - 3


def test_the_holes_are_the_eyes_and_the_mouth() -> None:
    once = Counter(undirected(a, b) for a, b in DIRECTED)
    boundary = {edge for edge, count in once.items() if count == 1}
    names = ("face_oval", "lips_inner", "left_eye", "right_eye")
    contours = [loop(REGIONS[name]) for name in names]
    assert boundary == set().union(*contours)
    assert len(boundary) == sum(map(len, contours))


@pytest.mark.parametrize("name", [n for n in REGIONS if "brow" not in n and "nose" not in n])
def test_closed_contours_run_along_edges(name: str) -> None:
    assert loop(REGIONS[name]) <= EDGE_SET


@pytest.mark.parametrize("name", [n for n in REGIONS if "brow" in n])
def test_brows_run_along_edges(name: str) -> None:
    points = REGIONS[name]
    assert {undirected(a, b) for a, b in pairwise(points)} <= EDGE_SET


def test_no_contour_visits_a_point_twice() -> None:
    assert all(len(set(points)) == len(points) > 3 for points in REGIONS.values())


def test_mirroring_twice_is_nothing() -> None:
    np.testing.assert_array_equal(MIRROR[MIRROR], np.arange(478))
    assert 20 < (np.arange(478) == MIRROR).sum() < 50  # the points of the middle


def test_mirroring_keeps_the_mesh() -> None:
    # MediaPipe's mesh cuts six of its quadrilaterals along the other diagonal on the other side.
    mirrored = {undirected(*map(int, MIRROR[list(edge)])) for edge in EDGE_SET}
    assert len(mirrored - EDGE_SET) == 6
    # A mirror turns the winding round; each odd diagonal is walked in both directions.
    turned = {(int(MIRROR[b]), int(MIRROR[a])) for a, b in DIRECTED}
    assert {undirected(*edge) for edge in turned - set(DIRECTED)} == mirrored - EDGE_SET


@pytest.mark.parametrize("left", SIDES)
def test_left_is_the_mirror_of_right(left: str) -> None:
    right = left.replace("left_", "right_")
    assert {int(MIRROR[point]) for point in REGIONS[left]} == set(REGIONS[right])


@pytest.mark.parametrize("name", [n for n in REGIONS if "left" not in n and "right" not in n])
def test_the_middle_is_its_own_mirror(name: str) -> None:
    assert {int(MIRROR[point]) for point in REGIONS[name]} == set(REGIONS[name])


def test_left_is_the_subjects_left() -> None:
    for name, points in REGIONS.items():
        if name.startswith("left"):
            assert (CANONICAL[list(points), 0] > 0).all(), name
        if name.startswith("right"):
            assert (CANONICAL[list(points), 0] < 0).all(), name


def test_irises() -> None:
    assert IRIS_CENTRES == {"right": 468, "left": 473}
    assert MIRROR[468] == 473
    for side, centre in IRIS_CENTRES.items():
        ring = CANONICAL[list(REGIONS[f"{side}_iris"])]
        np.testing.assert_allclose(ring.mean(axis=0), CANONICAL[centre], atol=0.1)


def test_aufart_105() -> None:
    assert AUFART_105.shape == (105,)
    assert len(set(AUFART_105.tolist())) == 105
    parts = {"brow": slice(0, 20), "eye": slice(20, 52), "nose": slice(52, 65)}
    parts["mouth"] = slice(65, 105)
    for name, part in parts.items():
        points = set(AUFART_105[part].tolist())
        assert {int(MIRROR[point]) for point in points} == points, name
    eyes = {*REGIONS["left_eye"], *REGIONS["right_eye"]}
    assert set(AUFART_105[parts["eye"]].tolist()) == eyes
    lips = {*REGIONS["lips_outer"], *REGIONS["lips_inner"]}
    assert set(AUFART_105[parts["mouth"]].tolist()) == lips


def test_ibug_68_is_symmetric_point_by_point() -> None:
    assert IBUG_68.shape == (68,)
    assert len(set(IBUG_68.tolist())) == 68
    runs = [(0, 16), (17, 26), (31, 35), (36, 45), (48, 54), (60, 64)]
    opposite = {first + i: last - i for first, last in runs for i in range(last - first + 1)}
    opposite |= {i: i for i in (27, 28, 29, 30)}
    # Eyes and lips run around: their lower halves are counted the other way.
    opposite |= {39: 42, 42: 39, 40: 47, 47: 40, 41: 46, 46: 41}
    opposite |= {55: 59, 59: 55, 56: 58, 58: 56, 57: 57, 65: 67, 67: 65, 66: 66}
    assert sorted(opposite) == list(range(68))
    for here, there in opposite.items():
        assert MIRROR[IBUG_68[here]] == IBUG_68[there], here


def test_ibug_68_begins_at_the_subjects_right() -> None:
    assert CANONICAL[IBUG_68[0], 0] < 0 < CANONICAL[IBUG_68[16], 0]
    assert CANONICAL[IBUG_68[36], 0] < 0 < CANONICAL[IBUG_68[45], 0]


def test_rigid_points_are_symmetric_and_apart() -> None:
    points = set(RIGID.tolist())
    assert {int(MIRROR[point]) for point in points} == points
    assert len(points) == len(RIGID) > 20
    assert not points & {*REGIONS["lips_outer"], *REGIONS["lips_inner"], *IRIS}
    assert (np.ptp(CANONICAL[RIGID], axis=0) > 3).all()  # all three axes are held


def test_the_canonical_face_is_symmetric() -> None:
    np.testing.assert_allclose(CANONICAL[MIRROR] * [-1, 1, 1], CANONICAL, atol=2e-4)
    middle = np.arange(478) == MIRROR
    np.testing.assert_allclose(CANONICAL[middle, 0], 0, atol=1e-4)


def test_the_canonical_face_stands_upright_and_looks_along_z() -> None:
    assert CANONICAL.shape == (478, 3)
    assert CANONICAL.dtype == np.float32
    assert CANONICAL[10, 1] > CANONICAL[168, 1] > CANONICAL[4, 1] > CANONICAL[152, 1]
    assert CANONICAL[:468, 2].argmax() in (1, 4)  # the tip of the nose
    width, height, _ = np.ptp(CANONICAL, axis=0)
    assert 12 < width < 18  # centimetres
    assert 14 < height < 22


def test_tables_cannot_be_changed() -> None:
    for table in (EDGES, TRIANGLES, MIRROR, RIGID, AUFART_105, IBUG_68, CANONICAL):
        with pytest.raises(ValueError, match="read-only"):
            table[0] = 0


def test_points_of_the_mirrored_picture() -> None:
    # The face looks straight ahead, 10 pixels a centimetre, in the middle of a picture.
    points = (CANONICAL * [10, -10, -10] + [100, 100, 0]).astype(np.float32)
    np.testing.assert_allclose(mirror_points(points, 200), points, atol=2e-2)
    moved = points + np.float32([30, 0, 0])
    np.testing.assert_allclose(
        mirror_points(moved, 200), points - np.float32([30, 0, 0]), atol=2e-2
    )
    np.testing.assert_allclose(mirror_points(mirror_points(moved, 200), 200), moved, atol=1e-4)
