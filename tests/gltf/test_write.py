"""What is written reads back as it was, here and in the tools of others."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pygltflib
import pytest

from mien.channels import ARKIT_52
from mien.gltf import encode, read
from mien.model import Animation, Material, Model, ModelPose

ROOT = Path(__file__).resolve().parents[2]
TIMES = np.array([0.5, 0.75, 2.0])


@pytest.fixture(scope="session")
def node() -> Callable[..., Any]:
    """Run a script of the page with node; gives what it prints."""

    def run(script: str, *arguments: object) -> Any:
        done = subprocess.run(
            ["node", f"scripts/{script}", *map(str, arguments)],
            cwd=ROOT / "web",
            capture_output=True,
            text=True,
        )
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    if not shutil.which("node") or subprocess.run([ROOT / "scripts/find-node"]).returncode:
        pytest.skip("there is no Node.js that builds the page")
    if not (ROOT / "web/node_modules/gltf-validator").is_dir():
        pytest.skip("web/node_modules is not there; `make test` installs it")
    return run


def assert_same(one: Any, other: Any, where: str = "model") -> None:
    """Equal to the last bit."""
    if isinstance(one, np.ndarray):
        np.testing.assert_array_equal(one, other, err_msg=where)
    elif is_dataclass(one):
        for field in fields(one):
            name = field.name
            assert_same(getattr(one, name), getattr(other, name), f"{where}.{name}")
    elif isinstance(one, tuple):
        assert len(one) == len(other), where
        for i, (a, b) in enumerate(zip(one, other, strict=True)):
            assert_same(a, b, f"{where}[{i}]")
    else:
        assert one == other, where


def again(model: Model, folder: Path, animation: Animation | None = None) -> Path:
    path = folder / "written.glb"
    path.write_bytes(encode(model, animation))
    return path


@pytest.fixture
def dance() -> Animation:
    """The jaw opens, the head turns about y by 0, 40 and 100 degrees, the root rises."""
    poses = []
    for i, degrees in enumerate((0, 40, 100)):
        half = math.radians(degrees) / 2
        turn = np.array([0, math.sin(half), 0, math.cos(half)])
        poses.append(
            ModelPose(
                {0: np.float32([i / 2, 0.25, 0])},
                {2: turn * (-1 if i == 1 else 1)},  # q and -q are one rotation
                {0: np.array([0, i, 0.0])},
            )
        )
    return Animation(TIMES, tuple(poses), "dance")


def test_round_trip(model: Model, tmp_path: Path) -> None:
    file = read(again(model, tmp_path))
    assert_same(model, file.model)
    assert (file.vrm, file.notes) == (None, ())


@pytest.mark.parametrize(
    "model",
    [Model(()), Model((), materials=(Material("only"),)), Model((), name="empty")],
    ids=["nothing", "a material", "a name"],
)
def test_small_things_are_written(model: Model, tmp_path: Path) -> None:
    got = read(again(model, tmp_path)).model
    assert (got.nodes, got.meshes, len(got.materials)) == ((), (), len(model.materials))


def test_shared_textures_are_written_once(model: Model) -> None:
    twice = Model((), materials=(model.materials[1], model.materials[1]))
    once = Model((), materials=model.materials[1:2])
    assert encode(twice).count(b"IHDR") == encode(once).count(b"IHDR") == 1


def test_targets_are_sparse_where_that_is_smaller(model: Model, split: Any) -> None:
    root, _ = split(encode(model))
    kinds = []
    for target in root["meshes"][0]["primitives"][0]["targets"]:
        accessor = root["accessors"][target["POSITION"]]
        kinds.append(("bufferView" in accessor, "sparse" in accessor, "byteOffset" in accessor))
    assert kinds == [(True, False, False), (False, True, False), (False, False, False)]


def test_another_library_reads_it(model: Model, dance: Animation, tmp_path: Path) -> None:
    read_back = pygltflib.GLTF2().load(str(again(model, tmp_path, dance)))
    assert read_back is not None
    assert read_back.meshes[0].extras["targetNames"] == list(model.meshes[0].targets)
    assert [c.target.path for c in read_back.animations[0].channels] == [
        "weights", "rotation", "translation",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("poses", "times", "says"),
    [
        ([ModelPose({0: np.zeros(3, np.float32)}), ModelPose()], [0, 1], "all move the same"),
        ([ModelPose({0: np.zeros(2, np.float32)})], [0], "has 3 targets"),
        ([ModelPose({0: np.full(3, np.nan, np.float32)})], [0], "finite"),
        ([ModelPose(), ModelPose()], [-1, 1], "not negative"),
        ([ModelPose(), ModelPose()], [1e9, 1e9 + 1], "a float32 apart"),
    ],
)
def test_animations_that_are_none(
    model: Model, poses: list[ModelPose], times: list[float], says: str
) -> None:
    animation = Animation(np.array(times, float), tuple(poses))
    with pytest.raises(ValueError, match=says):
        encode(model, animation)


@pytest.mark.parametrize("poses", [(), (ModelPose(),)], ids=["no pose", "a pose of nothing"])
def test_an_animation_of_nothing_is_not_written(
    model: Model, split: Any, poses: tuple[ModelPose, ...]
) -> None:
    root, _ = split(encode(model, Animation(np.zeros(len(poses)), poses)))
    assert "animations" not in root


def test_the_khronos_validator_finds_no_error(
    node: Callable[..., Any], model: Model, dance: Animation, tmp_path: Path
) -> None:
    (report,) = node("validate-glb.js", again(model, tmp_path, dance)).values()
    assert report["errors"] == 0, report["messages"]
    # A skinned mesh that is not at the root, and normal maps without tangents, as in most avatars.
    assert {m["code"] for m in report["messages"]} <= {
        "NODE_SKINNED_MESH_NON_ROOT",
        "MESH_PRIMITIVE_GENERATED_TANGENT_SPACE",
        "IMAGE_NPOT_DIMENSIONS",
    }


def test_the_validator_would_find_one(
    node: Callable[..., Any], model: Model, split: Any, join: Any, tmp_path: Path
) -> None:
    root, blob = split(encode(model))
    root["accessors"][0].pop("min")
    (tmp_path / "bad.glb").write_bytes(join(root, blob))
    (report,) = node("validate-glb.js", tmp_path / "bad.glb").values()
    assert report["errors"] > 0


def test_three_loads_and_plays_it(
    node: Callable[..., Any], model: Model, dance: Animation, tmp_path: Path
) -> None:
    # Between two times everything is in between: 1.0 is a fifth of the way from 0.75 to 2.
    seen = node("load-glb.js", again(model, tmp_path, dance), 0.5, 0.75, 1.0)
    assert seen["targets"] == {"3": list(model.meshes[0].targets)}
    assert seen["duration"] == 2.0
    for sample, jaw, degrees in zip(seen["samples"], (0, 0.5, 0.6), (0, 40, 52), strict=True):
        np.testing.assert_allclose(sample["weights"]["3"], [jaw, 0.25, 0], atol=1e-6)
        half = math.radians(degrees) / 2
        turn = np.array(sample["rotations"]["2"])
        # three plays LINEAR rotations as slerp.
        np.testing.assert_allclose(
            turn * np.sign(turn[3]), [0, math.sin(half), 0, math.cos(half)], atol=1e-6
        )


def test_three_finds_52_names(
    node: Callable[..., Any], make_model: Callable[..., Model], tmp_path: Path
) -> None:
    seen = node("load-glb.js", again(make_model(ARKIT_52), tmp_path))
    assert seen["targets"] == {"3": list(ARKIT_52)}


@pytest.mark.shared
def test_every_avatar_is_read_and_written(
    node: Callable[..., Any], shared: Path, tmp_path: Path
) -> None:
    files = sorted((shared / "avatars").iterdir())
    assert len(files) >= 6
    written = []
    for file in files:
        model = read(file).model
        written.append(tmp_path / f"{file.stem}.glb")
        written[-1].write_bytes(encode(model))
        assert_same(model, read(written[-1]).model, file.name)
    for path, report in node("validate-glb.js", *written).items():
        assert report["errors"] == 0, (path, report["messages"])
