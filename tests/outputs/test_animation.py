"""Poses in time -> a GLB on the disk that says the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.errors import OutputError
from mien.gltf import read
from mien.model import Animation, Mesh, Model, ModelPose, Node, Primitive, Target
from mien.outputs.animation import animate, write_glb


@pytest.fixture
def model() -> Model:
    target = Target("jawOpen", np.int32([0]), np.float32([[0, -1, 0]]))
    face = Primitive(np.eye(3, dtype=np.float32), np.int32([[0, 1, 2]]), targets=(target,))
    return Model((Node("head", mesh=0),), (Mesh("face", (face,)),), name="face")


def open_by(weight: float) -> ModelPose:
    return ModelPose({0: np.float32([weight])})


@pytest.mark.parametrize(
    ("times", "kept"),
    [
        ([], []),
        ([0.5], [0.5]),
        ([0.0, 0.04, 0.1, 2.0], [0.0, 0.04, 0.1, 2.0]),
        ([0.0, 0.0, 0.1, 0.05, 0.2], [0.0, 0.1, 0.2]),
        ([4000.0, 4000.00001, 4000.1], [4000.0, 4000.1]),
    ],
)
def test_the_times_are_those_of_the_source(times: list[float], kept: list[float]) -> None:
    motion = animate(((time, open_by(i / 8)) for i, time in enumerate(times)), "take")
    assert motion.times.tolist() == kept
    assert [pose.weights[0][0] for pose in motion.poses] == [times.index(t) / 8 for t in kept]
    assert motion.name == "take"


def test_it_is_written_whole_or_not_at_all(tmp_path: Path, model: Model) -> None:
    path = tmp_path / "new" / "a.glb"
    motion = animate([(0.0, open_by(0)), (1.0, open_by(1))])
    write_glb(path, model, motion)
    assert [p.name for p in path.parent.iterdir()] == ["a.glb"]
    assert read(path).model.meshes[0].targets == ("jawOpen",)
    before = path.read_bytes()
    bad = Animation(np.zeros(1), (ModelPose({0: np.float32([np.nan])}),))
    with pytest.raises(ValueError, match="finite"):
        write_glb(path, model, bad)
    assert path.read_bytes() == before


def test_where_nothing_can_be_written(tmp_path: Path, model: Model) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot write"):
        write_glb(tmp_path / "file" / "a.glb", model)
