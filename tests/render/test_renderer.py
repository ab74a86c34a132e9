"""Pixels: what is where, in which colour, and before what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from mien.errors import EngineError, InputError
from mien.model import Material, Mesh, Model, ModelPose, Node, Primitive, Skin, Target
from mien.render import context
from mien.render.background import Colour, Gradient, Picture
from mien.render.renderer import Renderer
from mien.render.scene import Actor, Camera, Light, Scene, Sprites, Vertices

from .conftest import model, square

Draw = Callable[..., np.ndarray]
ROUTES = pytest.mark.parametrize("morphing", ["card", "processor"])


def box(picture: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what was drawn."""
    rows, columns = np.nonzero(picture[..., 3])
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def test_a_square_covers_its_pixels_and_no_others(draw: Draw) -> None:
    picture = draw(model(square(-0.25, 0.0, 0.25, 0.5)))
    assert picture.shape == (64, 64, 4)
    assert box(picture) == (16, 0, 48, 32)
    assert (picture[:32, 16:48] == (255, 0, 0, 255)).all()
    assert (picture[32:] == 0).all()


def test_an_empty_scene_is_its_background(draw: Draw) -> None:
    assert (draw() == 0).all()
    assert (draw(background=Colour((1, 128, 254))) == (1, 128, 254)).all()


@pytest.mark.parametrize("level", [0, 1, 10, 64, 128, 200, 254, 255])
def test_colours_are_srgb(draw: Draw, level: int) -> None:
    value = level / 255
    linear = value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
    flat = model(square(-1, -1, 1, 1), colour=(linear, linear, linear, 1.0))
    seen = draw(flat)[32, 32].astype(int)
    assert np.abs(seen[:3] - level).max() <= 1
    pixels = np.full((4, 4, 4), (level, level, level, 255), np.uint8)
    textured = model(
        square(-1, -1, 1, 1, uv=np.zeros((4, 2), np.float32)), texture=pixels, colour=(1, 1, 1, 1)
    )
    assert np.abs(draw(textured)[32, 32, :3].astype(int) - level).max() <= 1


def test_edges_are_smooth_with_samples_only(draw: Draw) -> None:
    leaning = Primitive(
        np.array([(-0.4, -0.4, 0), (0.4, -0.3, 0), (0.1, 0.45, 0)], np.float32),
        np.array([[0, 1, 2]]), material=0,
    )  # fmt: skip
    assert set(np.unique(draw(model(leaning))[..., 3])) == {0, 255}
    between = draw(model(leaning), samples=4)[..., 3]
    assert ((between > 0) & (between < 255)).sum() > 20


def test_the_nearer_covers_the_farther_in_any_order(draw: Draw) -> None:
    near = model(square(-0.2, -0.2, 0.2, 0.2, z=0.5))
    far = model(square(-0.4, -0.4, 0.4, 0.4), colour=(0.0, 1.0, 0.0, 1.0))
    for actors in ((near, far), (far, near)):
        picture = draw(*actors)
        assert tuple(picture[32, 32, :3]) == (255, 0, 0)
        assert tuple(picture[10, 32, :3]) == (0, 255, 0)


def test_what_blends_is_laid_over_what_is_behind_from_the_back(draw: Draw) -> None:
    glass = {"alpha": "blend"}
    front = model(square(-1, -1, 1, 1, z=0.4), colour=(1.0, 0.0, 0.0, 0.5), **glass)
    behind = model(square(-1, -1, 1, 1, z=0.2), colour=(0.0, 1.0, 0.0, 0.5), **glass)
    wall = model(square(-1, -1, 1, 1), colour=(0.0, 0.0, 1.0, 1.0))
    for actors in ((front, behind, wall), (wall, behind, front)):
        linear = (draw(*actors)[32, 32, :3] / 255) ** 2.2
        assert linear == pytest.approx([0.5, 0.25, 0.25], abs=0.02)
    alone = draw(front)[32, 32]
    assert tuple(alone) == (255, 0, 0, 128)
    mixed = draw(front, background=Colour((0, 0, 255)))[32, 32]
    assert (mixed / 255) ** 2.2 == pytest.approx([0.5, 0, 0.5], abs=0.02)


def test_a_mask_cuts_out(draw: Draw) -> None:
    texture = np.full((16, 16, 4), 255, np.uint8)
    texture[:, :8, 3] = 100
    uv = np.array([(0, 1), (1, 1), (1, 0), (0, 0)], np.float32)
    cut = model(
        square(-0.5, -0.5, 0.5, 0.5, uv=uv), texture=texture, alpha="mask", colour=(1, 1, 1, 1)
    )
    alpha = draw(cut)[32, :, 3]
    assert (alpha[4:28] == 0).all()
    assert (alpha[36:60] == 255).all()
    opaque = model(square(-0.5, -0.5, 0.5, 0.5, uv=uv), texture=texture, colour=(1, 1, 1, 1))
    assert (draw(opaque)[..., 3] == 255).all()


def test_backs_are_seen_on_double_sided_surfaces_only(draw: Draw) -> None:
    back = square(-0.5, -0.5, 0.5, 0.5)
    back = replace(back, triangles=back.triangles[:, ::-1])
    assert (draw(model(back)) == 0).all()
    for alpha in ("opaque", "blend"):
        assert draw(model(back, double_sided=True, alpha=alpha))[32, 32, 3] == 255


def test_a_mirrored_node_shows_its_front(draw: Draw) -> None:
    plain = model(square(0.0, -0.5, 0.25, 0.5))
    flipped = replace(plain, nodes=(Node(mesh=0, scale=(-1.0, 1.0, 1.0)),))
    assert box(draw(flipped)) == (16, 0, 32, 64)


def test_the_texture_lies_with_its_top_left_at_the_origin_of_uv(draw: Draw) -> None:
    texture = np.zeros((16, 16, 4), np.uint8)
    texture[..., 3] = 255
    texture[:8, :8] = 255
    uv = np.array([(0, 1), (1, 1), (1, 0), (0, 0)], np.float32)
    picture = draw(model(square(-0.5, -0.5, 0.5, 0.5, uv=uv), texture=texture, colour=(1, 1, 1, 1)))
    assert picture[8, 8, 0] > 250 > 5 > picture[8, 56, 0]
    assert picture[56, 8, 0] < 5


@ROUTES
def test_a_target_moves_what_it_names_by_its_weight(draw: Draw, morphing: str) -> None:
    aside = np.tile(np.array([0.25, 0, 0], np.float32), (4, 1))
    up = np.array([[0, 0.25, 0]] * 2, np.float32)
    targets = (Target("aside", np.arange(4), aside), Target("up", np.array([2, 3]), up))
    made = model(square(-0.25, -0.25, 0.0, 0.0, targets=targets))
    for weights, expected in (
        ((0, 0), (16, 32, 32, 48)),
        ((1, 0), (32, 32, 48, 48)),
        ((0.5, 1), (24, 16, 40, 48)),
        ((-1, 0), (0, 32, 16, 48)),
        ((0, 0), (16, 32, 32, 48)),
    ):
        pose = ModelPose({0: np.array(weights, np.float32)})
        assert box(draw(Actor(made, pose), morphing=morphing)) == expected, weights


@ROUTES
def test_five_hundred_targets(draw: Draw, morphing: str) -> None:
    step = np.array([[0.25 / 500, 0, 0]] * 4, np.float32)
    targets = tuple(Target(f"t{i}", np.arange(4), step) for i in range(500))
    made = model(square(-0.25, -0.25, 0.0, 0.0, targets=targets))
    pose = ModelPose({0: np.ones(500, np.float32)})
    assert box(draw(Actor(made, pose), morphing=morphing)) == (32, 32, 48, 48)


def test_both_routes_of_morphing_draw_the_same(draw: Draw) -> None:
    rng = np.random.default_rng(1)
    around = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    rim = np.stack([0.4 * np.cos(around), 0.4 * np.sin(around), 0 * around], axis=1)
    points = np.concatenate([[(0, 0, 0.2)], rim]).astype(np.float32)
    fan = np.array([(0, 1 + i, 1 + (i + 1) % 24) for i in range(24)])
    targets = tuple(
        Target(f"t{i}", moved, rng.normal(0, 0.05, (6, 3)).astype(np.float32))
        for i in range(8)
        for moved in [np.sort(rng.choice(25, 6, replace=False))]
    )
    made = model(Primitive(points, fan, material=0, targets=targets), shading="skin")
    pose = ModelPose({0: rng.random(8).astype(np.float32)})
    one, other = (draw(Actor(made, pose), morphing=m).astype(int) for m in ("card", "processor"))
    assert np.abs(one - other).max() <= 2
    assert one[..., 3].any()


def test_weights_of_another_number_are_refused(draw: Draw) -> None:
    with pytest.raises(ValueError, match="mesh 0 has 0 targets, got 2"):
        draw(Actor(model(square(0, 0, 1, 1)), ModelPose({0: np.zeros(2, np.float32)})))


def bone() -> Model:
    """A strip from the origin to the right, its far half on a joint in its middle."""
    points = np.array([(x, y, 0) for x in (0, 0.2, 0.4) for y in (-0.05, 0.05)], np.float32)
    triangles = np.array([(0, 2, 3), (0, 3, 1), (2, 4, 5), (2, 5, 3)])
    joints = np.zeros((6, 4), np.int64)
    joints[4:, 0] = 1
    weights = np.tile(np.array([1, 0, 0, 0], np.float32), (6, 1))
    inverse = np.tile(np.eye(4, dtype=np.float32), (2, 1, 1))
    inverse[1, 0, 3] = -0.2
    nodes = (
        Node("strip", mesh=0, skin=0, translation=(9.0, 9.0, 9.0)),
        Node("root"),
        Node("joint", parent=1, translation=(0.2, 0.0, 0.0)),
    )
    primitive = Primitive(points, triangles, material=0, joints=joints, weights=weights)
    return Model(
        nodes, (Mesh("m", (primitive,)),),
        (Material(shading="unlit", colour=(1, 0, 0, 1), double_sided=True),),
        (Skin((1, 2), inverse),),
    )  # fmt: skip


@ROUTES
def test_a_skin_bends_at_its_joint_and_ignores_its_own_node(draw: Draw, morphing: str) -> None:
    straight = bone()
    left, top, right, bottom = box(draw(straight, morphing=morphing))
    assert (left, right) == (32, 58)
    assert bottom - top in (6, 7, 8)
    half = 0.5**0.5
    bent = ModelPose(rotations={2: np.array([0, 0, half, half])})  # a quarter turn to the left
    left, top, right, bottom = box(draw(Actor(straight, bent), morphing=morphing))
    assert right < 50
    assert top < 22
    moved = ModelPose(translations={1: np.array([0.0, 0.25, 0.0])})
    assert box(draw(Actor(straight, moved), morphing=morphing))[1] < 16


def test_nodes_and_placement_move_what_hangs_on_them(draw: Draw) -> None:
    made = model(square(-0.25, -0.25, 0.0, 0.0))
    made = replace(made, nodes=(Node("root"), Node("here", parent=0, mesh=0)))
    assert box(draw(made)) == (16, 32, 32, 48)
    raised = ModelPose(translations={0: np.array([0.25, 0.25, 0.0])})
    assert box(draw(Actor(made, raised))) == (32, 16, 48, 32)
    place = np.eye(4)
    place[0, 3] = 0.25
    assert box(draw(Actor(made, placement=place))) == (32, 32, 48, 48)


def test_one_model_stands_in_two_places(draw: Draw) -> None:
    made = model(square(-0.25, -0.25, 0.0, 0.0))
    place = np.eye(4)
    place[:2, 3] = 0.25
    poses = [ModelPose(), ModelPose(translations={0: np.array([0.0, 0.0, 0.1])})]
    picture = draw(Actor(made, poses[0]), Actor(made, poses[1], place))
    assert box(picture) == (16, 16, 48, 48)
    assert (picture[..., 3] > 0).sum() == 2 * 16 * 16


def test_vertices_and_pictures_of_the_moment(draw: Draw) -> None:
    uv = np.zeros((4, 2), np.float32)
    made = model(square(-0.25, -0.25, 0.0, 0.0, uv=uv), colour=(1, 1, 1, 1))
    moved = Vertices(made.meshes[0].primitives[0].positions + np.float32([0.25, 0, 0]))
    green = np.full((8, 8, 3), (0, 255, 0), np.uint8)
    picture = draw(Actor(made, vertices={(0, 0): moved}, textures={0: green}))
    assert box(picture) == (32, 32, 48, 48)
    assert tuple(picture[40, 40]) == (0, 255, 0, 255)
    blue = np.full((8, 8, 3), (0, 0, 255), np.uint8)
    assert tuple(draw(Actor(made, textures={0: blue}))[40, 24]) == (0, 0, 255, 255)
    assert tuple(draw(made)[40, 24]) == (255, 255, 255, 255)


def test_mirrored_is_mirrored_with_its_background(draw: Draw) -> None:
    ramp = np.repeat(np.arange(64, dtype=np.uint8)[None, :, None] * 4, 64, axis=0)
    behind = Picture(np.repeat(ramp, 3, axis=2))
    made = model(square(-0.5, -0.5, -0.25, 0.5))
    straight = draw(made, background=behind)
    assert (draw(made, background=behind, mirrored=True) == straight[:, ::-1]).all()
    assert tuple(straight[5, 5]) == (255, 0, 0)
    assert tuple(straight[5, 60]) == (240, 240, 240)


def test_a_gradient_runs_from_top_to_bottom(draw: Draw) -> None:
    picture = draw(background=Gradient((200, 0, 0), (0, 0, 100))).astype(int)
    assert picture[1, 1, 0] > 180 > 20 > picture[62, 1, 0]
    assert picture[1, 1, 2] < 10 < 80 < picture[62, 1, 2]


def test_a_picture_covers_without_being_stretched(draw: Draw) -> None:
    wide = np.zeros((64, 192, 3), np.uint8)
    wide[:, 64:128] = 200
    assert (draw(background=Picture(wide)) == 200).all()
    tall = np.ascontiguousarray(wide.transpose(1, 0, 2))
    assert (draw(background=Picture(tall)) == 200).all()


@pytest.mark.parametrize("shading", ["standard", "skin", "eye", "clay", "faceted"])
def test_light_comes_from_where_it_is(draw: Draw, shading: str) -> None:
    rows, columns = 24, 32
    down, round_ = np.meshgrid(
        np.linspace(0.05, np.pi - 0.05, rows), np.linspace(0, 2 * np.pi, columns), indexing="ij"
    )
    ring = np.sin(down)
    points = np.stack([ring * np.cos(round_), np.cos(down), ring * np.sin(round_)], axis=-1)
    i = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = i[:-1, :-1], i[1:, :-1], i[1:, 1:], i[:-1, 1:]
    triangles = np.concatenate([np.stack([a, c, b], -1), np.stack([a, d, c], -1)]).reshape(-1, 3)
    ball = Primitive(0.4 * points.reshape(-1, 3).astype(np.float32), triangles, material=0)
    made = model(ball, shading=shading, colour=(0.6, 0.5, 0.4, 1.0))
    for x in (-1, 1):
        picture = draw(made, lights=(Light((x, 0.0, 0.4), (0.8, 0.8, 0.8)),)).astype(int)
        lit, dark = (picture[32, 32 + s * x * 14, :3].sum() for s in (1, -1))
        assert lit > dark + 100
    assert (draw(made, lights=())[32, 32, :3] > 0).all()  # the sky is left


def test_clay_instead_of_colours(draw: Draw) -> None:
    red = model(square(-0.5, -0.5, 0.5, 0.5), shading="standard")
    straight = draw(red)[32, 32].astype(int)
    assert straight[0] > straight[1] + 50
    clay = draw(Actor(red, shading="clay"))[32, 32].astype(int)
    assert np.ptp(clay[:3]) < 40


def test_a_normal_map_tilts_the_light(draw: Draw) -> None:
    uv = np.array([(0, 1), (1, 1), (1, 0), (0, 0)], np.float32)
    bumps = np.zeros((4, 4, 3), np.uint8)
    brightness = {}
    for name, normal in {"right": (230, 128, 200), "left": (26, 128, 200)}.items():
        bumps = np.full((4, 4, 3), normal, np.uint8)
        made = model(square(-0.5, -0.5, 0.5, 0.5, uv=uv), shading="standard", normal_texture=bumps)
        light = (Light((1.0, 0.0, 0.5), (0.7, 0.7, 0.7)),)
        brightness[name] = int(draw(made, lights=light)[32, 32, 0])
    assert brightness["right"] > brightness["left"] + 40
    for name, normal in {"up": (128, 230, 200), "down": (128, 26, 200)}.items():
        bumps = np.full((4, 4, 3), normal, np.uint8)
        made = model(square(-0.5, -0.5, 0.5, 0.5, uv=uv), shading="standard", normal_texture=bumps)
        light = (Light((0.0, 1.0, 0.5), (0.7, 0.7, 0.7)),)
        brightness[name] = int(draw(made, lights=light)[32, 32, 0])
    assert brightness["up"] > brightness["down"] + 40


def test_metal_is_where_its_picture_says(draw: Draw) -> None:
    uv = np.array([(0, 1), (1, 1), (1, 0), (0, 0)], np.float32)
    red = np.full((4, 4, 4), (255, 0, 0, 255), np.uint8)
    made = np.full((4, 4, 3), (0, 255, 0), np.uint8)
    made[:, 2:, 2] = 255  # the right half

    def drawn(**more: object) -> np.ndarray:
        look = {"shading": "standard", "colour": (1.0, 1.0, 1.0, 1.0), "texture": red}
        plate = model(square(-0.5, -0.5, 0.5, 0.5, uv=uv), **look | more)
        return draw(plate)[32, :, :3].astype(int)

    half = drawn(metallic=1.0, roughness=1.0, surface_texture=made)
    plain = drawn(metallic=0.0, roughness=1.0)
    metal = drawn(metallic=1.0, roughness=1.0)
    assert np.abs(half[8] - plain[8]).max() <= 1
    assert np.abs(half[56] - metal[56]).max() <= 1
    assert np.abs(plain[8] - metal[56]).max() > 30
    # Metal shines in its own colour, not in white.
    assert metal[32, 0] > 3 * metal[32, 1]


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_sprites_face_the_viewer_and_hide_behind_what_is_nearer(draw: Draw, kind: int) -> None:
    def sprites(z: float) -> Sprites:
        one = np.ones(1, np.float32)
        return Sprites(
            np.array([[0.25, 0.0, z]], np.float32), 0.2 * one, 0 * one,
            np.ones((1, 4), np.float32), kind * one,
        )  # fmt: skip

    picture = draw(sprites=sprites(0.0))
    assert picture[32, 48, 3] > 50
    assert (picture[:, :32] == 0).all()
    side = Camera((5, 0, 0.0), height=1.0, near=0.1, far=10)
    assert draw(sprites=sprites(0.0), camera=side)[..., 3].any()
    wall = model(square(-1, -1, 1, 1, z=0.1))
    assert (draw(wall, sprites=sprites(0.0))[32, 48] == (255, 0, 0, 255)).all()
    assert (draw(wall, sprites=sprites(0.2))[32, 48] != (255, 0, 0, 255)).any()


@pytest.mark.parametrize(("width", "height"), [(0, 10), (10, -1), (9000, 10)])
def test_sizes_out_of_range_are_refused(width: int, height: int) -> None:
    with pytest.raises(InputError, match=f"{width}x{height}"):
        Renderer(width, height)


@pytest.mark.parametrize("samples", [0, 17])
def test_samples_out_of_range_are_refused(samples: int) -> None:
    with pytest.raises(InputError, match="samples"):
        Renderer(8, 8, samples)


def test_without_opengl_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import moderngl

    def none(**_: object) -> None:
        raise RuntimeError("libEGL.so not loaded")

    monkeypatch.setattr(moderngl, "create_standalone_context", none)
    with pytest.raises(EngineError, match=r"libEGL\.so not loaded.*apt install libegl1"):
        context.open_context()


def test_a_picture_of_odd_size_and_a_second_life(draw: Draw) -> None:
    draw()
    for _ in range(2):
        with Renderer(31, 17) as renderer:
            scene = Scene([Actor(model(square(-9, -9, 9, 9)))], background=Colour((0, 0, 0)))
            assert (renderer.draw(scene) == (255, 0, 0)).all()
            scene.actors.clear()
            assert renderer.draw(scene).shape == (17, 31, 3)
        renderer.close()


def test_a_window_gets_its_rows_from_below(draw: Draw) -> None:
    draw()
    gl = context.open_context()
    with Renderer(16, 16, context=gl) as renderer:
        target = gl.framebuffer([gl.renderbuffer((16, 16), 3)])
        ramp = np.zeros((16, 16, 3), np.uint8)
        ramp[:4] = 200
        renderer.draw_into(Scene(background=Picture(ramp)), target)
        seen = np.frombuffer(target.read(components=3, alignment=1), np.uint8).reshape(16, 16, 3)
        assert (seen[::-1] == ramp).all()
    gl.release()
