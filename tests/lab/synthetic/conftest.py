"""A head that anybody has: the canonical face as a mesh, with eyeballs, a few modes and shapes."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import pytest

from mien.lab.synthetic.correspondence import Correspondence
from mien.morphable import LinearFaceModel
from mien.morphable.ict import CHANNELS
from mien.topology import CANONICAL, IBUG_68, MIRROR, TRIANGLES

RINGS, SEGMENTS = 12, 16


def ball(centre: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """A sphere with its poles at +-z: vertices and triangles, counter-clockwise from outside."""
    rows = [
        [np.sin(a) * np.cos(b), np.sin(a) * np.sin(b), np.cos(a)]
        for a in np.linspace(0.02, np.pi - 0.02, RINGS)
        for b in np.arange(SEGMENTS) * 2 * np.pi / SEGMENTS
    ]
    points = np.array(rows)
    # A cornea, so that the eye has an axis.
    points *= 1 + 0.12 * np.clip(points[:, 2:] - 0.9, 0, None) / 0.1
    quads = [
        (i * SEGMENTS + j, (i + 1) * SEGMENTS + j, (i + 1) * SEGMENTS + (j + 1) % SEGMENTS,
         i * SEGMENTS + (j + 1) % SEGMENTS)
        for i in range(RINGS - 1)
        for j in range(SEGMENTS)
    ]  # fmt: skip
    triangles = [t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]
    return centre + radius * points, np.array(triangles)


@pytest.fixture(scope="session")
def head() -> LinearFaceModel:
    """Smooth, symmetric, 468 vertices of skin that are the face mesh's own points."""
    rng = np.random.default_rng(5)
    skin = CANONICAL[:468].astype(np.float64)
    vertices, triangles = [skin], [TRIANGLES]
    regions = {"face": np.arange(468), "landmarks68": np.array(IBUG_68), "rigid": np.arange(10)}
    for side, sign in (("left", 1), ("right", -1)):
        middle = CANONICAL[468 if sign < 0 else 473] - [0, 0, 1.25]
        for name, radius in (("sclera", 1.2), ("iris", 1.1)):
            first = sum(map(len, vertices))
            points, faces = ball(middle, radius)
            vertices.append(points)
            triangles.append(faces + first)
            regions[f"{name}_{side}"] = np.arange(first, first + len(points))
    for name in ("teeth", "gums_tongue", "eye_lashes", "lacrimal_fluid", "eye_blend"):
        first = sum(map(len, vertices))
        vertices.append(np.array([[0, -3, 0], [0.1, -3, 0], [0, -2.9, 0]], float))
        triangles.append(np.array([[0, 1, 2]]) + first)
        regions[name] = np.arange(first, first + 3)
    regions["eye_occlusion"] = regions["eye_blend"]
    regions["back_head"] = np.array([10, 338, 109])
    mean = np.concatenate(vertices)

    def bumps(count: int, height: float) -> np.ndarray:
        basis = np.zeros((count, len(mean), 3))
        for k in range(count):
            middle = skin[rng.integers(468)]
            lift = np.exp(-(((skin - middle) / 2.0) ** 2).sum(axis=1))[:, None]
            basis[k, :468] = height * lift * rng.normal(size=3)
            basis[k, :468] += (basis[k, :468] * [-1, 1, 1])[MIRROR[:468]]
        return basis.astype(np.float32)

    return LinearFaceModel(
        name="ict",
        mean=mean.astype(np.float32),
        identity=bumps(4, 0.1),
        expression=bumps(len(CHANNELS), 0.3),
        channels=CHANNELS,
        triangles=np.concatenate(triangles).astype(np.int32),
        regions=MappingProxyType({k: v.astype(np.int32) for k, v in regions.items()}),
    )


@pytest.fixture(scope="session")
def places(head: LinearFaceModel) -> Correspondence:
    """Where the 478 points of the face mesh are on :func:`head`."""
    corners = np.zeros((478, 3), np.int32)
    corners[:468] = np.arange(468)[:, None]
    for first, side in ((468, "right"), (473, "left")):
        ring = head.regions[f"sclera_{side}"][3 * SEGMENTS :: SEGMENTS // 4][:4]
        corners[first] = head.regions[f"sclera_{side}"][0]
        corners[first + 1 : first + 5] = ring[:, None]
    weights = np.tile(np.array([1, 0, 0], np.float32), (478, 1))
    return Correspondence(corners, weights, np.zeros(478, np.float32))
