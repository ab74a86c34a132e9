from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trimesh

from mien.errors import OutputError
from mien.geometry import project
from mien.outputs import write_mesh
from mien.outputs.mesh import sample_colours, surface, vertex_normals
from mien.topology import CANONICAL, TRIANGLES
from mien.types import Face, Landmarks, Pose

Make = Callable[..., Face]
POSE = Pose.from_euler(25.0, -10.0, 15.0, (160.0, 120.0, 3.0), 9.0)


@pytest.fixture
def turned() -> Landmarks:
    """The mean face, turned and placed by ``POSE``."""
    points = project(CANONICAL, POSE.rotation, POSE.translation, POSE.scale)
    return Landmarks(points.astype(np.float32), (320, 240))


@pytest.fixture
def ramp() -> np.ndarray:
    """A picture whose red grows with x and green with y, one step a pixel."""
    y, x = np.mgrid[:240, :320]
    return np.stack([x // 2, y, np.full_like(x, 40)], axis=2).astype(np.uint8)


@pytest.mark.parametrize("suffix", [".obj", ".ply", ".OBJ"])
@pytest.mark.parametrize("posed", [False, True])
def test_it_opens_in_trimesh(
    tmp_path: Path, turned: Landmarks, ramp: np.ndarray, suffix: str, posed: bool
) -> None:
    path = tmp_path / "new" / f"face{suffix}"
    pose = POSE if posed else None
    write_mesh(path, turned, ramp, pose)
    mesh = trimesh.load(path, process=False, file_type=suffix[1:].lower())
    assert mesh.faces.shape == (852, 3)
    np.testing.assert_array_equal(mesh.faces, TRIANGLES)
    vertices = surface(turned, pose)
    np.testing.assert_allclose(mesh.vertices, vertices, rtol=1e-5, atol=1e-4)
    assert "vertex_normals" in mesh._cache  # from the file, not made by trimesh
    np.testing.assert_allclose(mesh.vertex_normals, vertex_normals(vertices), atol=1e-4)
    np.testing.assert_array_equal(mesh.visual.vertex_colors[:, :3], sample_colours(turned, ramp))
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", [".obj", ".ply"])
def test_without_a_picture_there_are_no_colours(
    tmp_path: Path, turned: Landmarks, suffix: str
) -> None:
    path = tmp_path / f"face{suffix}"
    write_mesh(path, turned)
    mesh = trimesh.load(path, process=False)
    assert mesh.faces.shape == (852, 3)
    assert mesh.visual.kind is None


def test_every_vertex_belongs_to_a_triangle(turned: Landmarks) -> None:
    assert set(TRIANGLES.ravel().tolist()) == set(range(len(surface(turned))))


def test_with_a_pose_the_head_frame_comes_back(turned: Landmarks) -> None:
    np.testing.assert_allclose(surface(turned, POSE), CANONICAL[:468], atol=1e-4)


def test_without_a_pose_y_is_up_and_z_towards_the_viewer(turned: Landmarks) -> None:
    vertices = surface(turned)
    points = turned.points[:468]
    np.testing.assert_allclose(vertices[:, 0], points[:, 0])
    np.testing.assert_allclose(vertices[:, 1], 240 - points[:, 1], atol=1e-4)
    np.testing.assert_allclose(vertices[:, 2], -points[:, 2])


@pytest.mark.parametrize("pose", [None, POSE])
def test_normals_point_out_of_the_face(turned: Landmarks, pose: Pose | None) -> None:
    normals = vertex_normals(surface(turned, pose))
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-5)
    assert normals[4] @ ([0, 0, 1] if pose else POSE.rotation[:, 2]) > 0.8  # the nose tip


def test_normals_are_weighted_by_area() -> None:
    flat = CANONICAL[:468] * np.float32([1, 1, 0])
    np.testing.assert_allclose(np.abs(vertex_normals(flat)[:, 2]), 1, atol=1e-6)


def test_points_in_one_place_have_some_normal() -> None:
    normals = vertex_normals(np.zeros((468, 3), np.float32))
    np.testing.assert_array_equal(normals, np.tile(np.float32([0, 0, 1]), (468, 1)))


@pytest.mark.parametrize(
    ("at", "colour"),
    [
        ((10.5, 20.5), (5, 20, 40)),
        ((11.5, 20.5), (5, 20, 40)),
        ((12.0, 20.5), (6, 20, 40)),  # halfway between 5 and 6
        ((10.5, 21.0), (5, 20, 40)),  # halfway between 20 and 21, to the even one
        ((10.5, 21.25), (5, 21, 40)),
        ((-50.0, 20.5), (0, 20, 40)),
        ((900.0, 900.0), (159, 239, 40)),
        ((0.0, 0.0), (0, 0, 40)),
    ],
)
def test_colours_lie_between_pixels_and_never_outside(
    ramp: np.ndarray, at: tuple[float, float], colour: tuple[int, int, int]
) -> None:
    points = np.zeros((478, 3), np.float32)
    points[:, :2] = at
    found = sample_colours(Landmarks(points, (320, 240)), ramp)
    assert tuple(found[0].tolist()) == colour


def test_a_picture_of_one_pixel() -> None:
    image = np.full((1, 1, 3), 7, np.uint8)
    landmarks = Landmarks(np.zeros((478, 3), np.float32), (1, 1))
    assert sample_colours(landmarks, image).tolist() == [[7, 7, 7]] * 468


def test_the_wrong_picture(turned: Landmarks, ramp: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="320x240, got 320x100"):
        write_mesh(tmp_path / "a.ply", turned, ramp[:100])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["face.stl", "face"])
def test_other_suffixes(tmp_path: Path, turned: Landmarks, name: str) -> None:
    with pytest.raises(OutputError, match=r"\.obj or \.ply"):
        write_mesh(tmp_path / name, turned)


def test_the_file_says_its_units(tmp_path: Path, make_face: Make) -> None:
    face = make_face()
    write_mesh(tmp_path / "a.obj", face.landmarks)
    write_mesh(tmp_path / "b.ply", face.landmarks, pose=POSE)
    assert "unit: pixel" in (tmp_path / "a.obj").read_text().splitlines()[0]
    assert b"comment mien face mesh; unit: about a centimetre" in (tmp_path / "b.ply").read_bytes()
