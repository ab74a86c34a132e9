"""The reader of ICT-FaceKit: on a tiny folder of its layout, and on the real one."""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest

from mien.channels import ARKIT_52, index_of
from mien.errors import InputError
from mien.morphable import LinearFaceModel, ict

from .conftest import BALL, parts, shape_names


@pytest.fixture
def copy(tiny_ict: Path, tmp_path: Path) -> Path:
    """A model of one's own to break."""
    shutil.copytree(tiny_ict, tmp_path / "copy")
    return tmp_path / "copy"


def expression(**values: float) -> np.ndarray:
    e = np.zeros(len(ARKIT_52))
    for name, value in values.items():
        e[index_of(name)] = value
    return e


@pytest.mark.parametrize("how", ["folder above", "folder", "archive"])
def test_all_ways_to_name_it(how: str, tiny_ict: Path, tiny_archive: Path) -> None:
    path = {"folder above": tiny_ict, "folder": tiny_ict / "FaceXModel", "archive": tiny_archive}
    model = ict.read(path[how])
    np.testing.assert_allclose(model.mean, np.concatenate(parts()), atol=1e-5)
    assert model.channels == ict.CHANNELS
    assert len(model.channels) == 51
    assert "tongueOut" not in model.channels
    np.testing.assert_allclose(model.identity[:, :, 0], [[1] * 259, [2] * 259], atol=1e-5)


def test_the_mean_person_needs_no_identities(copy: Path, tmp_path: Path) -> None:
    for file in (copy / "FaceXModel").glob("identity*.obj"):
        file.unlink()
    model = ict.read(copy, tmp_path, identities=False)
    assert model.identity.shape == (0, 259, 3)
    assert ict.read(copy, tmp_path, identities=False).identity.shape == (0, 259, 3)  # kept
    np.testing.assert_array_equal(model.vertices(), model.mean)
    with pytest.raises(InputError, match=r"identity000\.obj missing"):
        ict.read(copy, tmp_path)


def test_split_shapes_become_one_channel(tiny_ict: Path) -> None:
    model = ict.read(tiny_ict)
    names = shape_names()
    for channel, files in (
        ("browInnerUp", ("browInnerUp_L", "browInnerUp_R")),
        ("cheekPuff", ("cheekPuff_L", "cheekPuff_R")),
        ("mouthSmileRight", ("mouthSmile_R",)),
        ("jawLeft", ("jawLeft",)),
        ("mouthRight", ("mouthRight",)),
    ):
        expected = np.zeros_like(model.mean)
        for name in files:
            expected[names.index(name) % 16, 1] += (names.index(name) + 1) / 10
        found = model.expression[model.channels.index(channel)]
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_quads_become_triangles_that_look_outwards(tiny_ict: Path) -> None:
    model = ict.read(tiny_ict)
    face = np.isin(model.triangles, model.regions["face"]).all(axis=1)
    assert face.sum() == 18
    a, b, c = (model.mean[model.triangles[face, i]] for i in range(3))
    assert (np.cross(b - a, c - a)[:, 2] > 0).all()
    assert model.regions["sclera_left"].tolist() == list(range(16, 16 + BALL))
    assert model.regions["rigid"].tolist() == [0, 1, 2]


def test_the_cache_gives_the_same_and_is_made_again_when_damaged(
    tiny_archive: Path, tmp_path: Path
) -> None:
    first = ict.read(tiny_archive, tmp_path)
    (file,) = tmp_path.iterdir()
    again = ict.read(tiny_archive, tmp_path)
    for name in ("mean", "identity", "expression", "triangles"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert {k: v.tolist() for k, v in first.regions.items()} == {
        k: v.tolist() for k, v in again.regions.items()
    }
    file.write_bytes(file.read_bytes()[:1000])
    np.testing.assert_array_equal(ict.read(tiny_archive, tmp_path).mean, first.mean)
    assert [p.name for p in tmp_path.iterdir()] == [file.name]


@pytest.mark.parametrize(
    ("missing", "match"),
    [
        ("generic_neutral_mesh.obj", "generic_neutral_mesh.obj missing"),
        ("identity000.obj", "identity000.obj missing"),
        ("cheekPuff_R.obj", "cheekPuff_R.obj missing"),
        ("*.obj", "generic_neutral_mesh.obj and 54 more missing"),
    ],
)
def test_what_is_missing_is_named(copy: Path, missing: str, match: str) -> None:
    for file in (copy / "FaceXModel").glob(missing):
        file.unlink()
    with pytest.raises(InputError, match=f"{match}; expected FaceXModel/ with"):
        ict.read(copy)


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("jawOpen.obj", "v 1 2 3\nv 1 2\nf 1 2 3\n", "jawOpen.obj is no OBJ file"),
        ("jawOpen.obj", "", "jawOpen.obj is no OBJ file"),
        ("jawOpen.obj", "v 1 2 3\nv one two three\nvt 0 0\n", "jawOpen.obj is no OBJ file"),
        ("jawOpen.obj", "v 1 2 3\nvt 0 0\n", "jawOpen.obj has 1 vertices, .* has 259"),
        ("vertex_indices.json", "{}", "vertex_indices.json is not that"),
        ("vertex_indices.json", "no", "vertex_indices.json is not that"),
        (
            "vertex_indices.json",
            '{"idx_to_rigid_verts": [900], "idx_to_landmark_verts": [1]}',
            "numbers below 259",
        ),
    ],
)
def test_damaged_files_are_named(copy: Path, name: str, content: str, match: str) -> None:
    (copy / "FaceXModel" / name).write_text(content)
    with pytest.raises(InputError, match=match):
        ict.read(copy)


def test_no_such_place(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no ICT-FaceKit model at .*nowhere; expected its folder"):
        ict.read(tmp_path / "nowhere")


def test_a_file_that_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "a.tar.xz").write_bytes(b"not an archive")
    with pytest.raises(InputError, match="cannot be read as an archive"):
        ict.read(tmp_path / "a.tar.xz")


@pytest.mark.parametrize(
    "name", ["../FaceXModel/x.obj", "/FaceXModel/x.obj", "FaceXModel/../x.obj"]
)
def test_nothing_of_an_archive_reaches_the_disk(tmp_path: Path, name: str) -> None:
    path = tmp_path / "in" / "evil.tar"
    path.parent.mkdir()
    with tarfile.open(path, "w") as archive:
        member = tarfile.TarInfo(name)
        member.size = 3
        archive.addfile(member, io.BytesIO(b"abc"))
    with pytest.raises(InputError, match="no whole ICT-FaceKit model"):
        ict.read(path)
    assert [p.name for p in tmp_path.rglob("*")] == ["in", "evil.tar"]


def test_an_archive_that_unpacks_to_too_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ict, "_LARGEST", 2)
    with tarfile.open(tmp_path / "big.tar", "w") as archive:
        member = tarfile.TarInfo("FaceXModel/x.obj")
        member.size = 3
        archive.addfile(member, io.BytesIO(b"abc"))
    with pytest.raises(InputError, match="would unpack to 3 bytes"):
        ict.read(tmp_path / "big.tar")


def test_where_the_eyes_are(tiny_ict: Path) -> None:
    model = ict.read(tiny_ict)
    centres = ict.eye_centres(model, model.mean)
    np.testing.assert_allclose(centres["left"], [3, 3.5, 8], atol=1e-3)
    np.testing.assert_allclose(centres["right"], [-3, 3.5, 8], atol=1e-3)


@pytest.mark.parametrize(
    ("channels", "side", "direction"),
    [
        ({"eyeLookOutLeft": 1.0}, "left", (0.5, 0, 0.866)),
        ({"eyeLookInLeft": 1.0}, "left", (-0.5, 0, 0.866)),
        ({"eyeLookOutRight": 1.0}, "right", (-0.5, 0, 0.866)),
        ({"eyeLookInRight": 1.0}, "right", (0.5, 0, 0.866)),
        ({"eyeLookUpRight": 1.0}, "right", (0, 0.4226, 0.9063)),
        ({"eyeLookDownLeft": 1.0}, "left", (0, -0.4226, 0.9063)),
        ({"eyeLookUpLeft": 0.4, "eyeLookDownLeft": 0.4}, "left", (0, 0, 1)),
    ],
)
def test_eyes_turn_where_they_look(
    tiny_ict: Path, channels: dict[str, float], side: str, direction: tuple[float, float, float]
) -> None:
    model = ict.read(tiny_ict)
    region = model.regions[ict.EYES[side][0]]
    centre = ict.eye_centres(model, model.mean)[side]
    still = model.mean[region] - centre
    turned = ict.head(model, None, expression(**channels))[region] - centre
    # The rotation that took one to the other, applied to straight ahead.
    u, _, vt = np.linalg.svd(turned.T @ still)
    np.testing.assert_allclose(u @ vt @ [0, 0, 1], direction, atol=2e-3)
    other = model.regions[ict.EYES["right" if side == "left" else "left"][0]]
    np.testing.assert_array_equal(
        ict.head(model, None, expression(**channels))[other], model.mean[other]
    )


def test_the_tongue_changes_nothing(tiny_ict: Path) -> None:
    model = ict.read(tiny_ict)
    np.testing.assert_array_equal(ict.head(model, None, expression(tongueOut=1.0)), model.mean)


@pytest.fixture(scope="session")
def real(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> LinearFaceModel:
    return ict.read(shared / "data" / "ict-facekit.tar.xz", tmp_path_factory.mktemp("cache"))


@pytest.mark.shared
class TestTheRealModel:
    def test_its_size(self, real: LinearFaceModel) -> None:
        assert real.mean.shape == (26719, 3)
        assert len(real.identity) >= 50
        assert real.expression.shape == (51, 26719, 3)
        assert len(real.triangles) > 2 * 25_000

    def test_its_axes(self, real: LinearFaceModel) -> None:
        marks = real.mean[real.regions["landmarks68"]]
        assert marks[45, 0] > 4 > -4 > marks[36, 0]  # outer eye corners, the left one at +x
        assert marks[30, 2] == marks[:, 2].max()  # the tip of the nose
        assert marks[27, 1] > marks[8, 1] + 8  # bridge above chin

    @pytest.mark.parametrize(
        ("channel", "mark", "axis", "sign"),
        [
            ("jawOpen", 8, 1, -1),
            ("jawLeft", 8, 0, 1),
            ("jawForward", 8, 2, 1),
            ("mouthSmileLeft", 54, 1, 1),
            ("mouthSmileRight", 48, 1, 1),
            ("mouthFrownLeft", 54, 1, -1),
            ("browInnerUp", 21, 1, 1),
            ("browInnerUp", 22, 1, 1),
            ("browDownRight", 20, 1, -1),
            ("eyeBlinkLeft", 44, 1, -1),
            ("mouthPucker", 51, 2, 1),
        ],
    )
    def test_channels_move_what_their_names_say(
        self, real: LinearFaceModel, channel: str, mark: int, axis: int, sign: int
    ) -> None:
        vertex = real.regions["landmarks68"][mark]
        moved = real.expression[real.channels.index(channel), vertex, axis]
        assert sign * moved > 0.1

    def test_the_left_side_is_the_subjects(self, real: LinearFaceModel) -> None:
        for i, name in enumerate(real.channels):
            if name.endswith(("Left", "Right")) and not name.startswith(
                ("jaw", "mouthL", "mouthR")
            ):
                size = np.linalg.norm(real.expression[i], axis=1)
                middle = (size[:, None] * real.mean).sum(axis=0)[0]
                assert (middle > 0) == name.endswith("Left"), name
