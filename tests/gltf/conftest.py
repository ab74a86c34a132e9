"""A small model with everything that a file can hold, and ways to spoil a file."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.gltf import encode
from mien.model import Material, Mesh, Model, Node, Primitive, Skin, Target

Chunks = tuple[dict[str, Any], bytes]


def _grid(n: int) -> tuple[np.ndarray, np.ndarray]:
    """n x n vertices in the plane z = 0, and their triangles."""
    y, x = np.mgrid[:n, :n].astype(np.float32) / 8
    positions = np.stack([x, y, np.zeros_like(x)], axis=-1).reshape(-1, 3)
    i = np.arange(n * n).reshape(n, n)
    a, b, c, d = (p.ravel() for p in (i[:-1, :-1], i[:-1, 1:], i[1:, 1:], i[1:, :-1]))
    return positions, np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]).astype(
        np.int32
    )


def _target(name: str, vertices: Any, *, normals: bool = True) -> Target:
    vertices = np.asarray(vertices, np.int32)
    moves = np.random.default_rng(len(vertices)).normal(size=(len(vertices), 3))
    moves = moves.astype(np.float32)
    return Target(name, vertices, moves, moves[::-1].copy() if normals else None)


def small_model(names: tuple[str, ...] = ("jawOpen", "eyeBlinkLeft", "nothing")) -> Model:
    """A skinned face of 64 vertices with a texture, a hat, and a chain of bones."""
    positions, triangles = _grid(8)
    forward = np.tile(np.float32([0, 0, 1]), (64, 1))
    moved = [range(64), [3, 9, 40], []]
    targets = tuple(_target(name, moved[i % 3]) for i, name in enumerate(names))
    weights = np.zeros((64, 4), np.float32)
    weights[:, 0], weights[:, 1] = 0.75, 0.25
    face = Primitive(
        positions,
        triangles,
        forward,
        positions[:, :2].copy(),
        material=1,
        joints=np.tile(np.int32([1, 0, 0, 0]), (64, 1)),
        weights=weights,
        targets=targets,
    )
    plain = Primitive(positions[:3], np.int32([[0, 1, 2]]), material=0)
    picture = np.random.default_rng(0).integers(0, 255, (4, 6, 4)).astype(np.uint8)
    inverse = np.stack([np.eye(4, dtype=np.float32)] * 2)
    inverse[1, :3, 3] = 0, -1.5, 0.25
    half = math.sqrt(0.5)
    return Model(
        nodes=(
            Node("root"),
            Node("neck", 0, translation=(0, 1.25, 0)),
            Node("head", 1, (0, 0.1, 0), (0, half, 0, half), (1, 2, 1)),
            Node("face", 0, mesh=0, skin=0),
            Node("hat", 2, (0, 0.3, 0), mesh=1),
        ),
        meshes=(
            Mesh("face", (face,), np.linspace(0, 0.5, len(names)).astype(np.float32)),
            Mesh(
                "hat",
                (plain, Primitive(positions, triangles, uv=positions[:, 1:].copy(), material=2)),
            ),
        ),
        materials=(
            Material("plain", (0.2, 0.4, 0.6, 1.0), metallic=0.1, roughness=0.3),
            Material("picture", texture=picture, double_sided=True, shading="unlit"),
            Material(
                "cut",
                emissive=(0.1, 0.0, 0.2),
                alpha="mask",
                cutoff=0.25,
                shading="skin",
                normal_texture=picture[:3, :, :3].copy(),
                surface_texture=picture[1:, :, :3].copy(),
            ),
        ),
        skins=(Skin((1, 2), inverse),),
        name="small",
    )


@pytest.fixture(scope="session")
def model() -> Model:
    return small_model()


@pytest.fixture
def make_model() -> Callable[..., Model]:
    return small_model


def chunks_of(data: bytes) -> Chunks:
    """JSON and binary chunk of a GLB of ours."""
    (size,) = struct.unpack_from("<I", data, 12)
    return json.loads(data[20 : 20 + size]), data[28 + size :]


def glb(root: dict[str, Any] | bytes, blob: bytes = b"") -> bytes:
    """A GLB of whatever JSON."""
    text = root if isinstance(root, bytes) else json.dumps(root).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<I4s", len(text), b"JSON") + text
    if blob:
        body += struct.pack("<I4s", len(blob), b"BIN\0") + blob
    return b"glTF" + struct.pack("<II", 2, 12 + len(body)) + body


@pytest.fixture
def spoil(tmp_path: Path, model: Model) -> Callable[..., Path]:
    """Write the small model with its JSON changed in place, or whatever bytes."""

    def write(change: Callable[[dict[str, Any]], object] | bytes, name: str = "a.glb") -> Path:
        if isinstance(change, bytes):
            data = change
        else:
            root, blob = chunks_of(encode(model))
            change(root)
            data = glb(root, blob)
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


@pytest.fixture(scope="session")
def split() -> Callable[[bytes], Chunks]:
    return chunks_of


@pytest.fixture(scope="session")
def join() -> Callable[..., bytes]:
    return glb
