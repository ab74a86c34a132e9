"""Camera, nodes, framing, surfaces: the numbers behind the pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.errors import InputError
from mien.model import Material, Mesh, Model, ModelPose, Node, Primitive, Target
from mien.render.background import DUSK, Colour, Gradient, Picture, blurred, painted, parse
from mien.render.scene import Camera
from mien.render.skeleton import Skeleton, find_head, framed
from mien.render.surface import Surface, tangents

from .conftest import model, square


def seen(camera: Camera, point: tuple[float, float, float]) -> np.ndarray:
    clip = camera.projection(1.0) @ camera.view() @ (*point, 1.0)
    return clip[:3] / clip[3]


@pytest.mark.parametrize(
    ("camera", "point", "expected"),
    [
        (Camera((0, 0, 2)), (0, 0, 0), (0, 0)),
        (Camera((0, 0, 1), fov=90), (0.5, -0.5, 0), (0.5, -0.5)),
        (Camera((0, 0, 2), height=2), (0.5, 0.25, 0.7), (0.5, 0.25)),
        (Camera((2, 0, 0), height=2), (0, 0.5, -0.25), (0.25, 0.5)),
        (Camera((0, 2, 0), height=2), (0.5, 0, -0.25), (0.5, 0.25)),
    ],
)
def test_cameras_see_points_where_they_are(camera: Camera, point, expected) -> None:
    assert seen(camera, point)[:2] == pytest.approx(expected)


def test_near_is_before_far() -> None:
    for height in (None, 1.0):
        camera = Camera((0, 0, 2), near=1, far=3, height=height)
        assert seen(camera, (0, 0, 1))[2] == pytest.approx(-1)
        assert seen(camera, (0, 0, -1))[2] == pytest.approx(1)


def test_the_camera_of_a_picture_counts_pixels() -> None:
    camera = Camera.of_picture(200, 100)
    clip = camera.projection(2.0) @ camera.view() @ (50.0, 75.0, 3.0, 1.0)
    assert clip[:2] == pytest.approx((-0.5, 0.5))


@pytest.mark.parametrize(
    "wrong", [{"fov": 0}, {"fov": 180}, {"height": 0.0}, {"near": 0.0}, {"near": 3, "far": 2}]
)
def test_cameras_that_cannot_be(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"fov|height|near"):
        Camera(**wrong)


def test_nodes_stand_on_their_parents_in_any_order() -> None:
    half = 0.5**0.5
    nodes = (
        Node("tip", parent=2, translation=(1.0, 0.0, 0.0)),
        Node("root", translation=(0.0, 1.0, 0.0)),
        Node("middle", parent=1, rotation=(0.0, 0.0, half, half), scale=(2.0, 2.0, 2.0)),
    )
    skeleton = Skeleton(Model(nodes))
    assert skeleton.world(ModelPose())[0, :3, 3] == pytest.approx([0, 3, 0])
    moved = ModelPose(
        rotations={2: np.array([0, 0, 0, 1.0])}, translations={1: np.array([5.0, 0.0, 0.0])}
    )
    assert skeleton.world(moved)[0, :3, 3] == pytest.approx([7, 0, 0])


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("hips", "Head"), 1),
        (("J_Bip_C_Head", "x"), 0),
        (("mixamorig:Head", "HeadTop_End"), 0),
        (("Forehead", "arm"), None),
        ((), None),
    ],
)
def test_heads_are_found_by_name(names: tuple[str, ...], found: int | None) -> None:
    assert find_head(Model(tuple(Node(name) for name in names))) == found


def test_a_bust_is_seen_whole() -> None:
    made = model(square(-0.2, -0.3, 0.2, 0.3))
    camera = framed(made)
    for corner in ((-0.2, -0.3, 0), (0.2, 0.3, 0)):
        assert 0.7 < np.abs(seen(camera, corner)[:2]).max() < 1


def test_of_a_body_the_head_is_seen_and_hair_does_not_count() -> None:
    def tower(*heights: float) -> Primitive:
        points = [(x, y, 0) for y in heights for x in (-0.08, 0.08)]
        return Primitive(np.array(points, np.float32), np.array([[0, 1, 2]]))

    nodes = (
        Node("body", mesh=0),
        Node("head", parent=0, translation=(0.0, 1.5, 0.0)),
        Node("hair", parent=1, mesh=1, translation=(0.0, -1.5, 0.0)),
    )
    meshes = (Mesh("b", (tower(0, 1.5),)), Mesh("h", (tower(0.9, 1.7),)))
    camera = framed(Model(nodes, meshes, (Material(),)))
    assert np.abs(seen(camera, (0, 1.7, 0))[1]) < 1
    assert np.abs(seen(camera, (0, 1.45, 0))[1]) < 0.8
    assert seen(camera, (0, 1.1, 0))[1] < -1
    assert framed(Model(())) == Camera()


def test_normals_join_vertices_in_one_place() -> None:
    points = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 0), (0, 1, 0), (0, 0, -1)], "f4")
    surface = Surface(points, np.array([(0, 1, 2), (3, 4, 5)]))
    normals = surface.normals(points)
    assert normals[0] == pytest.approx(normals[3])
    assert normals[0] == pytest.approx(np.array([-1, 0, 1]) / 2**0.5, abs=1e-6)
    assert normals[1] == pytest.approx([0, 0, 1])
    lonely = Surface(np.zeros((1, 3), "f4"), np.zeros((0, 3), int))
    assert lonely.normals(np.zeros((1, 3), "f4")).tolist() == [[0, 0, 1]]
    assert lonely.openness().tolist() == [1]


def test_a_target_without_normals_gets_those_of_its_shape() -> None:
    flat = square(0, 0, 1, 1)
    surface = Surface(flat.positions, flat.triangles)
    bent = surface.bent(Target("up", np.array([0, 3]), np.array([[0, 0, -1.0]] * 2, "f4")))
    assert bent.vertices.tolist() == [0, 1, 2, 3]
    assert bent.positions[:, 2].tolist() == [-1, 0, 0, -1]
    tilted = np.array([-(0.5**0.5), 0, 0.5**0.5])
    assert bent.normals == pytest.approx(np.tile(tilted - (0, 0, 1), (4, 1)), abs=1e-6)


def test_a_dent_is_darker_than_a_bump() -> None:
    x, y = np.meshgrid(np.linspace(-1, 1, 21), np.linspace(-1, 1, 21))
    z = 0.4 * np.exp(-20 * (x**2 + y**2))
    i = np.arange(441).reshape(21, 21)
    a, b, c, d = i[:-1, :-1], i[:-1, 1:], i[1:, 1:], i[1:, :-1]
    triangles = np.concatenate([np.stack([a, b, c], -1), np.stack([a, c, d], -1)]).reshape(-1, 3)
    for sign in (1, -1):
        points = np.stack([x, y, sign * z], -1).reshape(-1, 3).astype("f4")
        middle = Surface(points, triangles).openness()[220]
        assert (middle == 1) if sign > 0 else (middle < 0.7)


def test_tangents_follow_the_texture() -> None:
    flat = square(0, 0, 1, 1)
    normals = np.tile(np.array([0, 0, 1], "f4"), (4, 1))
    uv = np.array([(0, 1), (1, 1), (1, 0), (0, 0)], "f4")
    along = tangents(flat.positions, normals, uv, flat.triangles)
    assert along == pytest.approx(np.tile([1, 0, 0, 1], (4, 1)))
    turned = tangents(flat.positions, normals, uv * (-1, 1), flat.triangles)
    assert turned == pytest.approx(np.tile([-1, 0, 0, -1], (4, 1)))
    lost = tangents(flat.positions, normals, uv * 0, flat.triangles)
    assert np.abs(lost[:, 2]).max() == 0
    assert np.linalg.norm(lost[:, :3], axis=1) == pytest.approx(1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("none", None),
        ("gradient", DUSK),
        ("#102030", Colour((16, 32, 48))),
        ("#fa0", Colour((255, 170, 0))),
        ("#000..#fff", Gradient((0, 0, 0), (255, 255, 255))),
    ],
)
def test_backgrounds_are_read(text: str, expected: object) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize("text", ["blue", "#12345", "#000..", "#0..#1..#2", "nowhere.png", ""])
def test_other_backgrounds_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="background"):
        parse(text)


def test_a_background_may_be_a_file(tmp_path: Path) -> None:
    Image.new("RGB", (5, 3), (1, 2, 3)).save(tmp_path / "a.png")
    read = parse(str(tmp_path / "a.png"))
    assert isinstance(read, Picture)
    assert read.image.shape == (3, 5, 3)
    (tmp_path / "b.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match="cannot be read"):
        parse(str(tmp_path / "b.png"))


def test_a_blurred_frame_keeps_its_colours_and_loses_its_edges() -> None:
    frame = np.zeros((200, 300, 3), np.uint8)
    frame[:, 150:] = 200
    seen = painted(blurred(frame), 64, 64).astype(int)
    assert seen[32, 0, 0] < 30
    assert 110 < seen[32, 63, 0] < 160
    assert np.abs(np.diff(seen[32, :, 0])).max() < 20
