"""ICT-FaceKit as an avatar: on a tiny folder of its layout, and on the real one."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from typer.testing import CliRunner

from mien import ict_avatar, zoo
from mien.channels import ARKIT_52, index_of
from mien.cli import app
from mien.errors import InputError, ModelMissing, OutputError
from mien.geometry import matrix_from_euler
from mien.gltf import encode, read
from mien.ict_looks import around
from mien.model import Model, Node
from mien.morphable import LinearFaceModel, ict
from mien.retarget.avatar import Avatar
from mien.types import RigPose
from mien.zoo.spec import several

from .morphable.conftest import write

ROOT = Path(__file__).resolve().parent.parent
FOOT = np.array([0.0, -19.3, 5.8])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in small: nothing but the mean person."""
    top = tmp_path_factory.mktemp("ict")
    write(top / "FaceXModel")
    for identity in (top / "FaceXModel").glob("identity*.obj"):
        identity.unlink()
    (top / "LICENSE").write_text("MIT")
    return top


@pytest.fixture(scope="module")
def tiny(folder: Path) -> LinearFaceModel:
    return ict.read(folder, identities=False)


@pytest.fixture(scope="module")
def avatar(tiny: LinearFaceModel) -> Model:
    return ict_avatar.build(tiny)


def named(model: Model, name: str) -> Node:
    return next(node for node in model.nodes if node.name == name)


def place(model: Model, name: str) -> np.ndarray:
    """Where a node stands; nothing is turned at rest."""
    node, at = named(model, name), np.zeros(3)
    while True:
        at = at + node.translation
        if node.parent is None:
            return at
        node = model.nodes[node.parent]


def test_the_tree_has_what_a_rig_turns(tiny: LinearFaceModel, avatar: Model) -> None:
    assert [node.name for node in avatar.nodes] == [
        "ict", "neck", "head", "leftEye", "rightEye", "face"
    ]  # fmt: skip
    for side, centre in ict.eye_centres(tiny, tiny.mean).items():
        np.testing.assert_allclose(place(avatar, f"{side}Eye"), (centre - FOOT) / 100, atol=1e-6)
    skin = avatar.skins[0]
    for joint, inverse in zip(skin.joints, skin.inverse_bind, strict=True):
        at = place(avatar, avatar.nodes[joint].name)
        np.testing.assert_allclose(inverse[:3, 3], -at, atol=1e-6)


def test_the_face_is_in_metres_above_its_foot(tiny: LinearFaceModel, avatar: Model) -> None:
    face = avatar.meshes[0]
    assert face.targets == ict.CHANNELS
    skin = face.primitives[0]
    assert skin.material is not None
    assert avatar.materials[skin.material].name == "skin"
    np.testing.assert_allclose(skin.positions, (tiny.mean[:16] - FOOT) / 100, atol=1e-6)
    assert skin.weights is not None
    np.testing.assert_allclose(skin.weights.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(skin.normals, np.tile([0, 0, 1], (16, 1)), atol=1e-6)


@pytest.mark.parametrize("channel", ["jawOpen", "mouthSmileLeft", "browInnerUp", "eyeBlinkRight"])
def test_a_target_moves_what_its_files_move(
    tiny: LinearFaceModel, avatar: Model, channel: str
) -> None:
    target = avatar.meshes[0].primitives[0].targets[ict.CHANNELS.index(channel)]
    found = np.zeros((16, 3))
    found[target.vertices] = target.positions
    wanted = tiny.expression[ict.CHANNELS.index(channel), :16] / 100
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_eyeballs_are_of_their_own(tiny: LinearFaceModel, avatar: Model) -> None:
    for side in ("left", "right"):
        mesh = named(avatar, f"{side}Eye").mesh
        assert mesh is not None
        (ball,) = avatar.meshes[mesh].primitives
        assert not ball.targets
        far = np.linalg.norm(ball.positions, axis=1)
        np.testing.assert_allclose(far, 0.015, atol=1e-4)
        assert ball.uv is not None
        # What looks ahead is in the middle of the texture, what is above is above.
        ahead, above = ball.positions[:, 2].argmax(), ball.positions[:, 1].argmax()
        assert np.linalg.norm(ball.uv[ahead] - 0.5) < 0.06
        assert ball.uv[above, 1] < 0.3


def test_the_map_of_the_skin_is_not_torn_at_the_nape() -> None:
    angle = np.radians(np.arange(0, 360, 30))
    ring = np.column_stack([8 * np.sin(angle), 0 * angle, 8 * np.cos(angle)])
    tube = np.concatenate([ring, ring + np.array([0, 5, 0])]).astype(np.float32)
    j, k = np.arange(12), (np.arange(12) + 1) % 12
    sides = [np.column_stack([j, k, j + 12]), np.column_stack([k, k + 12, j + 12])]
    ball = np.random.default_rng(0).normal(size=(60, 3))
    ball = 1.5 * ball / np.linalg.norm(ball, axis=1, keepdims=True)
    mean = np.concatenate([tube, ball + np.array([3, 3, 8]), ball + np.array([-3, 3, 8])]).astype(
        np.float32
    )
    model = LinearFaceModel(
        name="ict",
        mean=mean,
        identity=np.zeros((0, len(mean), 3), np.float32),
        expression=np.zeros((51, len(mean), 3), np.float32),
        channels=ict.CHANNELS,
        triangles=np.concatenate([*sides, [[24, 25, 26], [84, 85, 86]]]).astype(np.int32),
        regions=MappingProxyType(
            {
                "face": np.arange(24),
                "landmarks68": np.zeros(68, int),
                "sclera_left": np.arange(24, 84),
                "sclera_right": np.arange(84, 144),
            }
        ),
    )
    (skin,) = ict_avatar.build(model).meshes[0].primitives
    assert len(skin.triangles) == 24
    assert skin.uv is not None
    assert np.ptp(skin.uv[skin.triangles, 0], axis=1).max() < 0.2
    assert len(skin.positions) > 24
    np.testing.assert_allclose(skin.uv % 1, around(100 * skin.positions + FOOT) % 1, atol=1e-4)


def pose(**weights: float) -> RigPose:
    values = np.zeros(52, np.float32)
    for name, value in weights.items():
        values[index_of(name)] = value
    left = matrix_from_euler(20.0, 0.0, 0.0)
    return RigPose(0.0, ARKIT_52, values, left_eye=left)


def test_it_can_be_worn(avatar: Model, tmp_path: Path) -> None:
    (tmp_path / "ict.glb").write_bytes(encode(avatar))
    worn = Avatar.load(tmp_path / "ict.glb")
    assert worn.shows == ict.CHANNELS
    assert any("lacks tongueOut" in sentence for sentence in worn.report)
    bones = worn.bones
    assert None not in (bones.head, bones.neck, bones.left_eye, bones.right_eye)
    posed = worn.pose(pose(jawOpen=0.5, tongueOut=1.0, eyeLookOutLeft=1.0))
    weights = dict(zip(ict.CHANNELS, posed.weights[0], strict=True))
    assert weights["jawOpen"] == 0.5
    assert weights["eyeLookOutLeft"] == 1.0  # the lids
    assert bones.left_eye is not None
    np.testing.assert_allclose(
        posed.rotations[bones.left_eye],
        [0, np.sin(np.radians(10)), 0, np.cos(np.radians(10))],
        atol=1e-6,
    )


def test_what_is_written_reads_back(avatar: Model, tmp_path: Path) -> None:
    (tmp_path / "ict.glb").write_bytes(encode(avatar))
    again = read(tmp_path / "ict.glb").model
    assert [m.shading for m in again.materials] == [m.shading for m in avatar.materials]
    assert {m.name: m.alpha for m in again.materials}["lashes"] == "blend"
    for mine, theirs in zip(avatar.meshes, again.meshes, strict=True):
        for a, b in zip(mine.primitives, theirs.primitives, strict=True):
            np.testing.assert_array_equal(a.positions, b.positions)
            np.testing.assert_array_equal(a.triangles, b.triangles)


@pytest.fixture
def known(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny checkout is what the zoo knows as ICT-FaceKit; nothing is pulled yet."""
    files = [folder / "LICENSE", *sorted((folder / "FaceXModel").iterdir())]
    table = {
        "url": "https://example.org/kit/",
        "licence": "MIT",
        "files": {
            f.relative_to(folder).as_posix(): [f.stat().st_size, zoo.digest(f)] for f in files
        },
    }
    spec = several("ict-facekit", table, "a tiny one")
    monkeypatch.setattr("mien.zoo.spec.SPECS", MappingProxyType({"ict-facekit": spec}))
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    return folder


def test_it_is_available_once_pulled(known: Path) -> None:
    assert not ict_avatar.available()
    for ask in (ict_avatar.load, ict_avatar.file):
        with pytest.raises(ModelMissing, match="run `mien pull ict-facekit`"):
            ask()
    zoo.pull("ict-facekit", source=known)
    assert ict_avatar.available()
    assert ict_avatar.load().meshes[0].targets == ict.CHANNELS


def test_the_head_is_built_once(known: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zoo.pull("ict-facekit", source=known)
    first = ict_avatar.file()
    built: list[object] = []
    real = ict_avatar.build
    monkeypatch.setattr(ict_avatar, "build", lambda model: (built.append(model), real(model))[1])
    assert ict_avatar.file() == first
    assert not built
    monkeypatch.setattr(ict_avatar, "_VERSION", 0)
    assert ict_avatar.file() != first
    assert len(built) == 1
    assert [p.suffix for p in first.parent.iterdir()] == [".glb", ".glb"]


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["avatar", "ict", *map(str, arguments)])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


@pytest.mark.parametrize("pulled", [True, False])
def test_the_command(known: Path, tmp_path: Path, pulled: bool) -> None:
    out = tmp_path / "my.glb"
    if pulled:
        zoo.pull("ict-facekit", source=known)
    code, said = run("-o", out, *([] if pulled else ["--from", known]), "--eyes", "#203010")
    assert code == 0
    assert "has no tongueOut" in said
    assert "51 of 52 channels" in said
    assert read(out).model.meshes[0].targets == ict.CHANNELS
    with pytest.raises(OutputError, match="replace it with -f"):
        run("-o", out, "--from", known)
    before = hashlib.sha256(out.read_bytes()).digest()
    assert run("-o", out, "--from", known, "-f", "--skin", "deep")[0] == 0
    assert hashlib.sha256(out.read_bytes()).digest() != before


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        (("-o", "a.obj"), InputError, r"written as \.glb, --out is a\.obj"),
        (("--skin", "pale"), InputError, "skin is a colour such as"),
        (("--eyes", "#12"), InputError, "eyes is a colour such as"),
        (("--from", "nowhere"), InputError, "no ICT-FaceKit model at nowhere"),
        ((), ModelMissing, "run `mien pull ict-facekit`"),
    ],
)
def test_what_cannot_be_made(
    known: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    error: type[Exception],
    match: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=match):
        run(*arguments)
    assert not list(tmp_path.glob("*.glb"))


@pytest.fixture(scope="module")
def real(shared: Path) -> LinearFaceModel:
    return ict.read(shared / "data" / "ict-facekit.tar.xz", identities=False)


@pytest.fixture(scope="module")
def real_glb(real: LinearFaceModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("real") / "ict.glb"
    path.write_bytes(encode(ict_avatar.build(real)))
    return path


@pytest.mark.shared
class TestTheRealHead:
    def test_its_size(self, real_glb: Path) -> None:
        assert real_glb.stat().st_size < 15_000_000
        model = read(real_glb).model
        assert [m.name for m in model.materials] == [
            "skin", "mouth", "gums", "teeth", "lashes", "eyes"
        ]  # fmt: skip
        points = np.concatenate([p.positions for p in model.meshes[0].primitives])
        assert abs(points[:, 1].min()) < 0.001
        assert 0.3 < points[:, 1].max() < 0.4

    def test_closed_eyes_are_closed(self, real: LinearFaceModel) -> None:
        values = np.zeros(51)
        values[[ict.CHANNELS.index(f"eyeBlink{side}") for side in ("Left", "Right")]] = 1
        marks = real.vertices(None, values)[real.regions["landmarks68"]]
        for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
            assert np.linalg.norm(marks[upper] - marks[lower]) < 0.15  # centimetres

    @pytest.mark.parametrize("channel", ["jawOpen", "eyeBlinkLeft", "cheekPuff"])
    def test_targets_bring_their_normals(self, real_glb: Path, channel: str) -> None:
        skin = read(real_glb).model.meshes[0].primitives[0]
        target = skin.targets[ict.CHANNELS.index(channel)]
        assert skin.normals is not None
        assert target.normals is not None
        turned = skin.normals[target.vertices] + target.normals
        np.testing.assert_allclose(np.linalg.norm(turned, axis=1), 1, atol=1e-3)
        assert np.abs(target.normals).max() > 0.3

    def test_every_triangle_of_a_material_is_there_once(
        self, real: LinearFaceModel, real_glb: Path
    ) -> None:
        out = sum(len(p.triangles) for m in read(real_glb).model.meshes for p in m.primitives)
        left = np.zeros(len(real.mean), bool)
        for region in ("iris_left", "iris_right", "lacrimal_fluid", "eye_blend", "eye_occlusion"):
            left[real.regions[region]] = True
        assert out == len(real.triangles) - left[real.triangles].all(axis=1).sum()

    def test_the_khronos_validator_has_nothing_to_say(self, real_glb: Path) -> None:
        script = ROOT / "web" / "scripts" / "validate-glb.js"
        node = shutil.which("node")
        if node is None or not (ROOT / "web" / "node_modules" / "gltf-validator").is_dir():
            pytest.skip("needs Node.js and the packages of the page")
        done = subprocess.run([node, str(script), str(real_glb)], capture_output=True, text=True)
        report = json.loads(done.stdout)[str(real_glb)]
        assert (report["errors"], report["warnings"]) == (0, 0), report["messages"]
