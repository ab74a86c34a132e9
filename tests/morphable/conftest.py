"""A folder laid out as ICT-FaceKit's, with a few vertices instead of 26,719."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

from mien.morphable import ict

MATERIALS = ("M_Face", "M_ScleraLeft", "M_IrisLeft", "M_ScleraRight", "M_IrisRight", "M_EyeLashes")
BALL = 60


def ball(centre: tuple[float, float, float], radius: float) -> np.ndarray:
    """An even cover of a sphere."""
    k = np.arange(BALL) + 0.5
    z = 1 - 2 * k / BALL
    angle = np.pi * (1 + 5**0.5) * k
    flat = np.sqrt(1 - z**2)
    around = np.stack([flat * np.cos(angle), flat * np.sin(angle), z], axis=1)
    return np.array(centre) + radius * around


def parts() -> list[np.ndarray]:
    grid = np.array([[x, y, 10.0] for y in range(4) for x in range(4)])
    eyes = [ball((s * 3.0, 3.5, 8.0), r) for s in (1, -1) for r in (1.5, 1.4)]
    lashes = np.array([[3.0, 4, 9], [4, 4, 9], [3, 5, 9]])
    return [grid, *eyes, lashes]


def obj(vertices: np.ndarray, faces: bool = False) -> str:
    lines = ["# a licence", "", "mtllib ICTFaceModelMaterial.mtl"]
    lines += [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in vertices]
    lines += ["vt 0.5 0.5", "vn 0 0 1"]
    if faces:
        first = 1
        for name, part in zip(MATERIALS, parts(), strict=True):
            lines.append(f"usemtl {name}")
            if name == "M_Face":  # quads with texture coordinates
                lines += [
                    "f " + " ".join(f"{v}/1" for v in (i, i + 1, i + 5, i + 4))
                    for i in (1, 2, 3, 5, 6, 7, 9, 10, 11)
                ]
            else:
                lines += [f"f {i} {i + 1} {i + 2}" for i in range(first, first + len(part) - 2)]
            first += len(part)
    return "\n".join(lines) + "\n"


def shape_names() -> list[str]:
    return [name for names in ict.shapes().values() for name in names]


def write(folder: Path) -> None:
    """Fill a folder as FaceXModel is; shape k moves vertex k % 16 by (k + 1) / 10 upwards."""
    folder.mkdir()
    neutral = np.concatenate(parts())
    (folder / "generic_neutral_mesh.obj").write_text(obj(neutral, faces=True))
    for k, name in enumerate(shape_names()):
        moved = neutral.copy()
        moved[k % 16, 1] += (k + 1) / 10
        (folder / f"{name}.obj").write_text(obj(moved))
    for k in range(2):
        (folder / f"identity{k:03d}.obj").write_text(obj(neutral + np.array([k + 1.0, 0, 0])))
    indices = {"idx_to_rigid_verts": [0, 1, 2], "idx_to_landmark_verts": list(range(16)) * 4}
    (folder / "vertex_indices.json").write_text(json.dumps(indices))


@pytest.fixture(scope="session")
def tiny_ict(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds FaceXModel."""
    folder = tmp_path_factory.mktemp("tiny") / "FaceXModel"
    write(folder)
    return folder.parent


@pytest.fixture(scope="session")
def tiny_archive(tiny_ict: Path) -> Path:
    path = tiny_ict.parent / "tiny.tar.xz"
    with tarfile.open(path, "w:xz") as archive:
        archive.add(tiny_ict / "FaceXModel", "FaceXModel")
    return path
