"""The built-in head as a model: names, bones, sides, colours, expressions and units."""

from __future__ import annotations

import numpy as np
import pytest

from mien import gltf
from mien.channels import ARKIT_52, index_of
from mien.errors import InputError
from mien.model import Model
from mien.retarget import bust
from mien.retarget.avatar import Avatar
from mien.retarget.bust import data
from mien.retarget.pose import turned
from mien.types import RigPose

MOVING = ("skin", "mouth", "teeth", "gums", "tongue", "brows", "lashes")


@pytest.fixture(scope="module")
def model() -> Model:
    return bust.build()


def test_it_has_the_52_targets_and_the_bones(model: Model) -> None:
    assert model.meshes[0].targets == ARKIT_52
    assert [node.name for node in model.nodes[:6]] == [
        "bust", "neck", "head", "jaw", "leftEye", "rightEye",
    ]  # fmt: skip
    parents = {n.name: n.parent and model.nodes[n.parent].name for n in model.nodes[1:6]}
    assert parents["head"] == "neck"
    assert parents["jaw"] == parents["leftEye"] == parents["rightEye"] == "head"


def test_every_target_moves_something(model: Model) -> None:
    for i, name in enumerate(ARKIT_52):
        moved = [p.targets[i].positions for p in model.meshes[0].primitives]
        assert max(np.abs(m).max(initial=0) for m in moved) > 1e-3, name


def test_it_is_about_as_large_as_a_head() -> None:
    skin = data.load("skin").points
    chin, crown = skin[152, 1], data.load("hair").points[:, 1].max()
    assert 0.22 < crown - chin < 0.27
    assert data.load("shirt").points[:, 1].min() >= -1e-4


def test_the_first_vertices_are_the_points_of_the_face_mesh() -> None:
    from mien.topology import CANONICAL, MIRROR, REGIONS

    points = data.load("skin").points[:468]
    fit = np.linalg.lstsq(np.column_stack([CANONICAL[:468], np.ones(468)]), points, rcond=None)[0]
    off = points - np.column_stack([CANONICAL[:468], np.ones(468)]) @ fit
    assert np.median(np.linalg.norm(off, axis=1)) < 0.005
    mirror = data.load("skin").mirror
    assert mirror is not None
    np.testing.assert_array_equal(mirror[:468], MIRROR[:468])
    tip = points[1]
    assert tip[2] == points[:, 2].max() or tip[2] > points[list(REGIONS["face_oval"]), 2].max()


@pytest.mark.parametrize("part", MOVING)
def test_left_and_right_are_mirror_images_to_the_last_bit(part: str) -> None:
    loaded = data.load(part)
    mirror, flip = loaded.mirror, np.array([-1, 1, 1], np.float32)
    assert mirror is not None
    np.testing.assert_array_equal(mirror[mirror], np.arange(len(mirror)))
    np.testing.assert_array_equal(loaded.points[mirror] * flip, loaded.points)
    for name in ARKIT_52:
        other = name.replace("Left", "#").replace("Right", "Left").replace("#", "Right")
        here, there = (np.zeros_like(loaded.points) for _ in range(2))
        for full, channel in ((here, name), (there, other)):
            vertices, moves = loaded.moved[channel]
            full[vertices] = moves
        np.testing.assert_array_equal(here[mirror] * flip, there, err_msg=name)


@pytest.mark.parametrize("material", bust.MATERIALS)
def test_normals_and_weights(material: bust.Style) -> None:
    for mesh in bust.build(material=material).meshes:
        for primitive in mesh.primitives:
            if material == "faceted" and primitive.normals is None:
                continue  # by which glTF knows flat sides
            assert primitive.normals is not None
            np.testing.assert_allclose(np.linalg.norm(primitive.normals, axis=1), 1, atol=1e-3)
    for primitive in bust.build(material=material).meshes[0].primitives:
        assert primitive.weights is not None
        np.testing.assert_allclose(primitive.weights.sum(axis=1), 1, atol=1e-5)


def test_surfaces_face_outwards() -> None:
    for part in ("skin", "brows", "shirt", "hair"):
        loaded = data.load(part)
        points = loaded.points.astype(np.float64)
        points = points - points.mean(axis=0)
        a, b, c = (points[loaded.triangles[:, i]] for i in range(3))
        assert np.einsum("ij,ij->", a, np.cross(b, c)) > 0, part


@pytest.mark.parametrize("material", bust.MATERIALS)
@pytest.mark.parametrize("hair", ["blond", "#336699", None])
def test_options(material: bust.Style, hair: str | None) -> None:
    model = bust.build(skin="#aa8866", eyes="green", hair=hair, material=material)
    names = [node.name for node in model.nodes]
    assert ("hair" in names) == (hair is not None)
    assert model.meshes[0].targets == ARKIT_52
    shading = {m.shading for m in model.materials}
    expected = {"standard": "skin", "faceted": "faceted", "clay": "clay"}[material]
    assert expected in shading


def test_skin_takes_its_colour() -> None:
    pale, dark = (bust.build(skin=name).materials[0].texture for name in ("porcelain", "ebony"))
    assert pale is not None
    assert dark is not None
    assert pale[..., :3].mean() > dark[..., :3].mean() + 80


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"skin": "purple"}, "skin is a colour such as #c68e66 or one of porcelain"),
        ({"eyes": "#12345"}, "eyes is a colour"),
        ({"hair": ""}, "hair is a colour"),
        ({"material": "wood"}, "material is one of standard, faceted, clay; got 'wood'"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_what_it_does_not_have(options: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        bust.build(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("material", bust.MATERIALS)
def test_as_a_file(material: bust.Style) -> None:
    written = gltf.encode(bust.build(material=material))
    assert written[:4] == b"glTF"
    assert len(written) < 3_000_000


def test_as_an_avatar(model: Model) -> None:
    avatar = Avatar(model)
    assert set(avatar.shows) == set(ARKIT_52)
    weights = np.zeros(52, np.float32)
    weights[index_of("eyeLookOutLeft")] = weights[index_of("jawOpen")] = 1.0
    pose = avatar.pose(turned(RigPose(0.0, ARKIT_52, weights)))
    names = {model.nodes[i].name: turn for i, turn in pose.rotations.items()}
    assert abs(names["leftEye"][1]) > 0.2  # about y
    # The lower teeth move by the target; the bone has nothing to turn.
    np.testing.assert_allclose(names.get("jaw", [0, 0, 0, 1]), [0, 0, 0, 1], atol=1e-6)


class TestExpressions:
    def test_all_are_weights_of_channels(self) -> None:
        for expression in bust.EXPRESSIONS.values():
            assert set(expression) <= set(ARKIT_52)
            assert all(0 < weight <= 1 for weight in expression.values())
        assert {"smile", "surprise", "anger", "sadness", "disgust", "fear", "wink"} <= set(
            bust.EXPRESSIONS
        )

    def test_blending(self) -> None:
        face = np.zeros(52, np.float32)
        face[index_of("jawOpen")] = 0.5
        face[index_of("mouthSmileLeft")] = 0.2
        none, half, full = (bust.blend(face, {"smile": amount}) for amount in (0.0, 0.5, 1.0))
        np.testing.assert_array_equal(none, face)
        smile, jaw = index_of("mouthSmileLeft"), index_of("jawOpen")
        assert full[smile] == np.float32(bust.EXPRESSIONS["smile"]["mouthSmileLeft"])
        assert half[smile] == pytest.approx((face[smile] + full[smile]) / 2)
        assert full[jaw] == face[jaw]  # a smile says nothing about the jaw

    @pytest.mark.parametrize(
        ("asked", "said"),
        [({"smiel": 0.5}, "did you mean smile"), ({"smile": 1.5}, "by 0 to 1, got 1.5")],
    )
    def test_wrong_ones(self, asked: dict[str, float], said: str) -> None:
        with pytest.raises(InputError, match=said):
            bust.blend(np.zeros(52, np.float32), asked)


class TestSettled:
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ({}, {}),
            ({"eyeSquintLeft": 0.8}, {"eyeSquintLeft": 0.8}),
            ({"eyeBlinkLeft": 1.0, "eyeSquintLeft": 0.8}, {"eyeBlinkLeft": 1.0}),
            ({"eyeBlinkLeft": 1.0, "eyeWideLeft": 0.8}, {"eyeBlinkLeft": 1.0}),
            (
                {"eyeBlinkRight": 0.5, "cheekSquintRight": 0.8, "eyeSquintLeft": 0.4},
                {"eyeBlinkRight": 0.5, "cheekSquintRight": 0.8, "eyeSquintLeft": 0.4},
            ),
            (
                {"eyeBlinkRight": 0.892, "eyeSquintRight": 0.8},
                {"eyeBlinkRight": 0.892, "eyeSquintRight": 0.4},
            ),
            ({"mouthClose": 0.4, "jawOpen": 0.1}, {"mouthClose": 0.1, "jawOpen": 0.1}),
            ({"mouthClose": 0.4}, {}),
            ({"mouthClose": 0.1, "jawOpen": 0.4}, {"mouthClose": 0.1, "jawOpen": 0.4}),
        ],
    )
    def test_lids_and_lips(self, given: dict[str, float], expected: dict[str, float]) -> None:
        asked, wanted = (np.zeros(52, np.float32) for _ in range(2))
        for name, weight in given.items():
            asked[index_of(name)] = weight
        for name, weight in expected.items():
            wanted[index_of(name)] = weight
        before = asked.copy()
        np.testing.assert_allclose(bust.settled(asked), wanted, atol=1e-6)
        np.testing.assert_array_equal(asked, before)


class TestUnits:
    def test_names(self) -> None:
        assert len(bust.UNITS) == 11
        assert {"wideOpenMouth", "wideSmile", "furrowedBrow"} <= set(bust.UNITS)

    def test_fusion_is_linear(self, model: Model) -> None:
        units = bust.Units(model)
        rest = [p.copy() for p in units(np.zeros(11, np.float32))]
        for shape, primitive in zip(rest, model.meshes[0].primitives, strict=True):
            np.testing.assert_array_equal(shape, primitive.positions)
        one, other = np.eye(11, dtype=np.float32)[[0, 5]]
        first = [p.copy() for p in units(one)]
        second = [p.copy() for p in units(other)]
        both = units(one * np.float32(0.5) + other)
        for v0, a, b, ab in zip(rest, first, second, both, strict=True):
            np.testing.assert_allclose(ab, v0 + 0.5 * (a - v0) + (b - v0), atol=1e-6)

    def test_a_unit_is_its_channels(self, model: Model) -> None:
        units = bust.Units(model)
        weights = np.zeros(11, np.float32)
        weights[bust.UNITS.index("closedEyes")] = 1
        channels = units.channels(weights)
        assert channels[index_of("eyeBlinkLeft")] == channels[index_of("eyeBlinkRight")] == 1
        skin = model.meshes[0].primitives[0]
        expected = skin.positions.copy()
        for name, weight in zip(ARKIT_52, channels.tolist(), strict=True):
            target = skin.targets[ARKIT_52.index(name)]
            expected[target.vertices] += np.float32(weight) * target.positions
        np.testing.assert_allclose(units(weights)[0], expected, atol=1e-6)
