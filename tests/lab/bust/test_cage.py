"""The coarse head and its refinement: whole, symmetric, sharp where it has to be."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from mien.lab.bust import cage as form
from mien.lab.bust import data, learn, targets
from mien.lab.bust.subdivide import coarse, subdivide
from mien.morphable import ict
from mien.retarget.bust import data as shipped
from mien.topology import CANONICAL

TETRAHEDRON = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]])
CORNERS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]])


@pytest.fixture(scope="module")
def cage() -> form.Cage:
    return form.build()


class TestSubdivision:
    def test_every_triangle_becomes_four(self) -> None:
        matrix, triangles, _, origin = subdivide(TETRAHEDRON, np.zeros((0, 2), int), 4, 2)
        assert triangles.shape == (64, 3)
        assert matrix.shape == (34, 4)
        np.testing.assert_array_equal(origin, np.repeat(np.arange(4), 16))
        np.testing.assert_allclose(np.asarray(matrix.sum(axis=1)), 1)

    def test_it_rounds(self) -> None:
        matrix, *_ = subdivide(TETRAHEDRON, np.zeros((0, 2), int), 4, 1)
        round_ = matrix @ CORNERS
        middle = CORNERS.mean(axis=0)
        before, after = (np.linalg.norm(p - middle, axis=1) for p in (CORNERS, round_[:4]))
        assert (after < before).all()

    def test_a_crease_is_a_curve_of_its_own(self) -> None:
        crease = np.array([[0, 1], [1, 2], [2, 0]])
        matrix, _, sharp, _ = subdivide(TETRAHEDRON, crease, 4, 2)
        on = np.unique(sharp)
        assert len(on) == 12
        np.testing.assert_allclose((matrix @ CORNERS)[on, 2], 0)  # the fourth corner has no say

    def test_nothing_is_refined_at_level_0(self) -> None:
        matrix, triangles, _, _ = subdivide(TETRAHEDRON, np.zeros((0, 2), int), 4, 0)
        np.testing.assert_array_equal(triangles, TETRAHEDRON)
        np.testing.assert_array_equal(matrix.toarray(), np.eye(4))


def test_coarse_triangles_stand_on_some_of_the_vertices() -> None:
    matrix, triangles, _, _ = subdivide(TETRAHEDRON, np.zeros((0, 2), int), 4, 3)
    points = matrix @ CORNERS
    fewer = coarse(triangles, points, 0.2)
    assert 4 <= len(fewer) < len(triangles) / 4
    assert all(len(set(t)) == 3 for t in fewer.tolist())
    np.testing.assert_array_equal(coarse(triangles, points, 10.0), np.zeros((0, 3)))


class TestCage:
    def test_it_is_one_surface_open_at_the_eyes_and_below(self, cage: form.Cage) -> None:
        edges = Counter(
            tuple(sorted((t[i], t[(i + 1) % 3]))) for t in cage.triangles.tolist() for i in range(3)
        )
        assert max(edges.values()) == 2
        border = {v for edge, count in edges.items() if count == 1 for v in edge}
        rings = {*cage.lid_rings["left"], *cage.lid_rings["right"], *cage.skull_rings[-1]}
        assert border == rings

    def test_neighbours_agree_on_what_is_outside(self, cage: form.Cage) -> None:
        directed = Counter(
            (t[i], t[(i + 1) % 3]) for t in cage.triangles.tolist() for i in range(3)
        )
        assert max(directed.values()) == 1

    def test_both_halves_are_alike(self, cage: form.Cage) -> None:
        flipped = cage.points * [-1, 1, 1]
        np.testing.assert_allclose(flipped[cage.mirror], cage.points, atol=1e-9)
        here = {tuple(sorted(t)) for t in cage.triangles.tolist()}
        there = {tuple(sorted(cage.mirror[t])) for t in cage.triangles.tolist()}
        assert here == there

    def test_it_is_the_canonical_face_made_friendlier(self, cage: form.Cage) -> None:
        off = np.linalg.norm(cage.points[:468] - CANONICAL[:468], axis=1)
        assert np.median(off) < 0.6  # centimetres
        assert off.max() < 3.0

    def test_the_lips_touch_and_the_eyes_are_open(self, cage: form.Cage) -> None:
        _, upper, _, lower = form.LIPS
        np.testing.assert_array_equal(cage.points[list(upper)], cage.points[list(lower)])
        for _, upper, _, lower in form.LIDS.values():
            assert (cage.points[list(upper), 1] > cage.points[list(lower), 1]).all()

    def test_rims_lie_on_a_sphere_before_the_eyeball(self, cage: form.Cage) -> None:
        for side in form.LIDS:
            away = np.linalg.norm(cage.points[form.rim(side)] - form.eye_of(side), axis=1)
            np.testing.assert_allclose(away, targets.rim_radius(), atol=0.02)


def test_the_bones_stand_where_the_shapes_are() -> None:
    """What the bust's model has to know without the workshop."""

    def metres(p: np.ndarray) -> np.ndarray:
        return (p - [0, data.FLOOR, 0]) * data.SCALE

    for side in form.LIDS:
        np.testing.assert_allclose(shipped.JOINTS[f"{side}Eye"], metres(form.eye_of(side)))
    np.testing.assert_allclose(shipped.JOINTS["jaw"], metres(targets.Jaw.HINGE))
    assert pytest.approx(form.EYE.radius * data.SCALE) == shipped.EYE_RADIUS


class TestJaw:
    def test_it_turns_about_its_hinge(self) -> None:
        face = CANONICAL[:468].astype(float)
        moved = np.zeros_like(face)
        moved[:, 1:] = [-2.0, -1.0]
        jaw = targets.Jaw(face, moved, "jawOpen")
        points = np.array([targets.Jaw.HINGE, [0.0, -8.0, 4.0]])
        still, chin = jaw(points)
        np.testing.assert_allclose(still, 0, atol=1e-12)
        assert chin[1] < 0
        assert chin[2] < 0
        turned = np.linalg.norm(points[1] + chin - targets.Jaw.HINGE)
        assert turned == pytest.approx(np.linalg.norm(points[1] - targets.Jaw.HINGE))

    @pytest.mark.parametrize(("name", "axis"), [("jawLeft", 0), ("jawForward", 2)])
    def test_it_slides(self, name: str, axis: int) -> None:
        face = CANONICAL[:468].astype(float)
        moved = np.full_like(face, 0.5)
        shift = targets.Jaw(face, moved, name)(np.zeros((1, 3)))[0]
        assert shift[axis] == 0.5
        assert shift[2 - axis] == 0

    def test_a_smile_leaves_it(self) -> None:
        face = CANONICAL[:468].astype(float)
        jaw = targets.Jaw(face, np.ones_like(face), "mouthSmileLeft")
        np.testing.assert_array_equal(jaw(np.ones((2, 3))), 0)


def test_the_file_is_what_the_command_makes(shared: Path, tmp_path: Path) -> None:
    archive = shared / "data" / "ict-facekit.tar.xz"
    if not archive.exists():
        pytest.skip("ICT-FaceKit is not in the shared folder")
    made = data.pack(data.assemble(learn.displacements(ict.read(archive), people=learn.PEOPLE)))
    kept = shipped._arrays()
    assert set(made) == set(kept)
    for name, array in made.items():
        assert array.dtype == kept[name].dtype, name
        assert array.shape == kept[name].shape, name
        if name.endswith((".points", ".triangles", ".uv")):
            assert np.abs(array.astype(int) - kept[name].astype(int)).max() <= 1, name
