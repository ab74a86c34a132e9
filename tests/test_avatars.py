"""``mien avatar``: what a file has, and a capture as its animation."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from mien.avatars import eased
from mien.channels import ARKIT_52
from mien.cli import app
from mien.errors import InputError, ModelMissing, OutputError
from mien.gltf import encode, read
from mien.model import Mesh, Model, Node, Primitive, Target
from mien.retarget.avatar import Avatar
from mien.streams.replay import Moment, Replay, open_replay
from mien.types import RigPose

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def avatar(tmp_path: Path) -> Path:
    targets = tuple(
        Target(name, np.int32([i % 3]), np.float32([[0, 0, 1]]))
        for i, name in enumerate((*ARKIT_52[:50], "Hat [big]"))
    )
    face = Primitive(np.eye(3, dtype=np.float32), np.int32([[0, 1, 2]]), targets=targets)
    model = Model((Node("neck"), Node("head", 0), Node("face", 1, mesh=0)), (Mesh("f", (face,)),))
    path = tmp_path / "made.glb"
    path.write_bytes(encode(model))
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A capture of two frames as CSV: the jaw opens."""
    path = tmp_path / "faces.csv"
    path.write_text("source,time,face_id,jawOpen\nme,0.5,1,0.25\nme,0.75,1,0.5\n")
    return path


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["avatar", *map(str, arguments)])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def test_info(avatar: Path) -> None:
    code, said = run("info", avatar)
    assert code == 0
    assert "made.glb: 3 nodes, 1 mesh, 3 vertices, 1 triangle, 51 morph targets" in said
    assert "It shows 50 of ARKit's 52 channels; it lacks noseSneerRight, tongueOut." in said
    assert "Hat [big]" in said


def test_info_with_overrides(avatar: Path, tmp_path: Path) -> None:
    wants = tmp_path / "wants.toml"
    wants.write_text('[rename]\n"Hat [big]" = "tongueOut"\n')
    assert "It shows 51 of" in run("info", avatar, "--overrides", wants)[1]


def test_animate(avatar: Path, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.glb"
    code, said = run("animate", table, "--avatar", avatar, "-o", out)
    assert code == 0
    assert "2 poses over 0.25 s, 50 of 52 channels" in said
    assert read(out).model.meshes[0].targets[:50] == ARKIT_52[:50]
    with pytest.raises(OutputError, match="replace it with -f"):
        run("animate", table, "--avatar", avatar, "-o", out)
    assert run("animate", table, "--avatar", avatar, "-o", out, "-f")[0] == 0


def test_the_built_in_head_is_animated_by_its_name(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "bust.glb"
    assert "52 of 52 channels" in run("animate", table, "--avatar", "bust", "-o", out)[1]
    worn = Avatar.load(out)
    assert worn.shows == ARKIT_52
    assert worn.bones.jaw is not None
    assert "It shows 52 of ARKit's 52 channels." in run("info", "bust")[1]


@pytest.mark.parametrize(
    ("avatar", "error", "says"),
    [
        ("burst", InputError, r"no avatar 'burst'; did you mean bust\? There are bust, ict, and"),
        ("mask", InputError, "no avatar 'mask'"),
        ("ict", ModelMissing, "run `mien pull ict-facekit`"),
        ("gone.vrm", InputError, r"cannot read gone\.vrm"),
        ("faces.csv", InputError, "is not glTF"),
    ],
)
def test_avatars_that_are_none(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, avatar: str, error, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    for command in (("info", avatar), ("animate", table, "--avatar", avatar, "-o", "a.glb")):
        with pytest.raises(error, match=says):
            run(*command)


@pytest.mark.parametrize(
    ("capture", "out", "says"),
    [
        ("faces.csv", "out.gltf", r"written as \.glb, --out is out\.gltf"),
        ("none.csv", "out.glb", "is not there"),
        (".", "out.glb", r"faces\.parquet is not there"),
        ("made.glb", "out.glb", "expected a capture"),
    ],
)
def test_what_cannot_be_animated(
    avatar: Path, table: Path, tmp_path: Path, capture: str, out: str, says: str
) -> None:
    with pytest.raises(InputError, match=says):
        run("animate", tmp_path / capture, "--avatar", avatar, "-o", tmp_path / out)
    assert not (tmp_path / out).exists()


def test_while_nobody_is_there_the_avatar_goes_to_rest() -> None:
    weights = np.full(52, 0.5, np.float32)
    poses = [RigPose(time, ARKIT_52, weights) for time in (1.0, 1.1, 9.0)]
    moments = (
        Moment(0.0, None),  # before the first face there is nothing
        Moment(1.0, poses[0]),
        Moment(1.1, poses[1]),
        Moment(1.2, None),
        Moment(9.0, poses[2]),
    )
    got = list(eased(Replay(moments, turned=False)))
    times = [pose.time for pose in got]
    assert times == sorted(times)
    assert times[:3] == [1.0, 1.1, pytest.approx(1.2)]
    lost = [pose for pose in got if not pose.driven]
    assert 40 <= len(lost) <= 46
    assert lost[-1].time == pytest.approx(2.67, abs=0.04)
    assert float(lost[-1].weights.max()) < 0.002
    assert [float(p.weights[0]) for p in got if p.driven] == [0.5] * 3


@pytest.mark.shared
def test_a_live_capture_plays_in_three(shared: Path, tmp_path: Path) -> None:
    """The right weights at three times, in another program."""
    if not shutil.which("node") or not (ROOT / "web/node_modules/gltf-validator").is_dir():
        pytest.skip("web/node_modules is not there; `make test` installs it")
    capture = shared / "captures" / "arkit-live-180.gesichter"
    avatar, out = shared / "avatars" / "arkit52-visemes15.glb", tmp_path / "live.glb"
    assert run("animate", capture, "--avatar", avatar, "-o", out)[0] == 0

    def node(script: str, *arguments: object) -> dict:
        command = ["node", f"scripts/{script}", *map(str, arguments)]
        done = subprocess.run(command, cwd=ROOT / "web", capture_output=True, text=True)
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    assert node("validate-glb.js", out)[str(out)]["errors"] == 0
    wanted = list(eased(open_replay(capture)))
    chosen = [wanted[i] for i in (20, 90, 170)]
    seen = node("load-glb.js", out, *(pose.time for pose in chosen))
    loaded = Avatar.load(avatar)
    names = [i for i, n in enumerate(loaded.model.nodes) if n.name == "Wolf3D_Head"]
    targets = seen["targets"][str(names[0])]
    assert set(ARKIT_52) <= set(targets)
    for pose, sample in zip(chosen, seen["samples"], strict=True):
        weights = dict(zip(targets, sample["weights"][str(names[0])], strict=True))
        np.testing.assert_allclose([weights[n] for n in ARKIT_52], pose.weights, atol=2e-4)
        head = loaded.bones.head
        turn = loaded.pose(pose).rotations[head]
        cosine = abs(float(np.dot(sample["rotations"][str(head)], turn)))
        assert cosine == pytest.approx(1, abs=1e-6)
