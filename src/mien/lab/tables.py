"""Derive ``assets/topology.json`` and ``assets/canonical_face.json``.

Topology is read from the connection lists that MediaPipe publishes with its FaceMesh; the
canonical face is the mean of the landmarks that FaceMesh finds on photographs of neutral faces.
Both are written by this command, never by hand::

    python -m mien.lab.tables --landmarks neutral.npz --task face_landmarker.task

``neutral.npz`` holds ``points`` float32 (n, 478, 3), picture coordinates. The Face Landmarker
bundle is only asked where straight ahead is: zero pitch is an arbitrary choice, and its choice is
the one that other tools share.
"""

from __future__ import annotations

import argparse
import json
import zipfile
from collections import defaultdict
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from .. import assets
from ..arrays import Array
from ..geometry import Similarity, picture_to_camera, similarity

# Forehead, temples, nose and eye corners: what expression moves least.
RIGID = (
    10, 109, 338, 67, 297, 103, 332, 54, 284, 21, 251, 162, 389, 127, 356, 234, 454,
    151, 9, 8, 168, 6, 197, 195, 5, 4, 1, 33, 263, 133, 362,
)  # fmt: skip

# Pairs that fix the plane of symmetry before the other pairs are known (subject's right, left).
_SEED_PAIRS = ((33, 263), (133, 362), (61, 291), (127, 356), (98, 327), (70, 300), (172, 397))

# AUFART's 105 points, in its local order (brow, eye, nose, mouth).
AUFART_105 = (
    276, 282, 283, 285, 293, 295, 296, 300, 334, 336, 46, 52, 53, 55, 63, 65, 66, 70, 105, 107,
    249, 263, 362, 373, 374, 380, 381, 382, 384, 385, 386, 387, 388, 390, 398, 466,
    7, 33, 133, 144, 145, 153, 154, 155, 157, 158, 159, 160, 161, 163, 173, 246,
    168, 6, 197, 195, 5, 4, 129, 98, 97, 2, 326, 327, 358,
    0, 13, 14, 17, 37, 39, 40, 61, 78, 80, 81, 82, 84, 87, 88, 91, 95, 146, 178, 181, 185, 191,
    267, 269, 270, 291, 308, 310, 311, 312, 314, 317, 318, 321, 324, 375, 402, 405, 409, 415,
)  # fmt: skip

# The iBUG 68 layout on the mesh: jaw, brows, nose, eyes, outer lips, inner lips.
IBUG_68 = (
    127, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 356,
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300,
    168, 197, 5, 4, 98, 97, 2, 326, 327,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181,
    78, 82, 13, 312, 308, 317, 14, 87,
)  # fmt: skip


def canonical_face(points: Array, forward: Array) -> tuple[Array, Array]:
    """Mean shape in the head frame, and the left-right permutation.

    Generalised Procrustes analysis on the rigid points, symmetrised, turned so that it looks where
    ``forward`` (468, 3) looks, scaled to its size (centimetres).

    Returns:
        float64 (478, 3) head-frame points, int (478,) mirror permutation.
    """
    rigid = np.array(RIGID)
    shapes = picture_to_camera(points.astype(np.float64))
    mean = shapes[0] - shapes[0].mean(axis=0)
    for _ in range(8):
        aligned = np.stack([similarity(s[rigid], mean[rigid]).apply(s) for s in shapes])
        # The median keeps the odd wrong detection out of the shape.
        mean = np.median(aligned, axis=0)
        mean /= np.sqrt(((mean - mean.mean(axis=0)) ** 2).sum() / len(mean))
    right, left = (np.array(side) for side in zip(*_SEED_PAIRS, strict=True))
    mean = _stand_upright(mean, right, left)
    mirror = _mirror(mean, forward)
    mean = (mean + (mean * [-1, 1, 1])[mirror]) / 2
    fit: Similarity = similarity(mean[rigid], forward[rigid])
    mean = fit.apply(mean)
    mean[:, 0] -= mean[mirror == np.arange(len(mirror)), 0].mean()
    return (mean + (mean * [-1, 1, 1])[mirror]) / 2, mirror


def _mirror(mean: Array, forward: Array) -> Array:
    """Left-right permutation: the mesh from its designer's symmetric shape, irises from ours."""
    flip = np.array([-1, 1, 1])
    pairs = np.linalg.norm((forward * flip)[:, None] - forward[None], axis=2).argmin(axis=1)
    right, left = np.arange(468, 473), np.arange(473, 478)
    across = np.linalg.norm((mean[right] * flip)[:, None] - mean[None, left], axis=2).argmin(axis=1)
    mirror: Array = np.concatenate([pairs, left[across], right[np.argsort(across)]])
    if not np.array_equal(mirror[mirror], np.arange(len(mirror))):
        raise ValueError("the points do not pair up; is this MediaPipe's canonical mesh?")
    return mirror


def _stand_upright(mean: Array, right: Array, left: Array) -> Array:
    across = (mean[left] - mean[right]).mean(axis=0)
    x = across / np.linalg.norm(across)
    up = mean[10] - mean[152]
    y = up - x * (up @ x)
    y /= np.linalg.norm(y)
    frame = np.stack([x, y, np.cross(x, y)])
    upright: Array = (mean - (mean[left] + mean[right]).mean(axis=0) / 2) @ frame.T
    return upright


def _triangles(edges: set[tuple[int, int]], directed: set[tuple[int, int]], face: Array) -> Any:
    """Triangles of the tessellation, counter-clockwise seen from outside, holes left open."""
    near: dict[int, set[int]] = defaultdict(set)
    for a, b in edges:
        near[a].add(b)
        near[b].add(a)
    loops = {
        tuple(sorted((a, b, c))) for a in near for b, c in combinations(near[a], 2) if c in near[b]
    }
    # MediaPipe lists the three directed edges of each triangle, so an inner edge appears in both
    # directions and the edge of a hole in one: that says how many triangles meet at each edge.
    room = {e: 2 if (e[1], e[0]) in directed and e in directed else 1 for e in edges}
    counts: dict[tuple[int, int], list[Any]] = defaultdict(list)
    for t in loops:
        for e in combinations(t, 2):
            counts[e].append(t)
    chosen: set[Any] = set()
    rejected: set[Any] = set()
    while len(chosen) + len(rejected) < len(loops):
        before = len(chosen) + len(rejected)
        for e, around in counts.items():
            taken = [t for t in around if t in chosen]
            open_ = [t for t in around if t not in chosen and t not in rejected]
            if len(taken) == room[e]:
                rejected.update(open_)
            elif len(taken) + len(open_) == room[e]:
                chosen.update(open_)
        if len(chosen) + len(rejected) == before:
            raise ValueError("the tessellation is ambiguous; is this MediaPipe's connection list?")
    return _wind(chosen, face)


def _wind(triangles: set[Any], face: Array) -> list[list[int]]:
    by_edge: dict[Any, list[Any]] = defaultdict(list)
    for t in triangles:
        for e in combinations(t, 2):
            by_edge[e].append(t)
    first = min(triangles, key=lambda t: -face[list(t), 2].mean())  # the tip of the nose
    a, b, c = face[list(first)]
    oriented = {first: first if np.cross(b - a, c - a)[2] > 0 else first[::-1]}
    queue = [first]
    while queue:
        t = queue.pop()
        o = oriented[t]
        for i in range(3):
            u, v = o[i], o[(i + 1) % 3]
            for other in by_edge[tuple(sorted((u, v)))]:
                if other not in oriented:
                    w = next(p for p in other if p not in (u, v))
                    oriented[other] = (v, u, w)
                    queue.append(other)
    return [list(map(int, t)) for t in sorted(oriented.values())]


def _loop(connections: set[tuple[int, int]]) -> list[int]:
    """Points of a closed contour in order, or of an open chain from its first end."""
    near: dict[int, list[int]] = defaultdict(list)
    for a, b in connections:
        near[a].append(b)
        near[b].append(a)
    ends = sorted(p for p, n in near.items() if len(n) == 1)
    path = [ends[0] if ends else min(near)]
    while True:
        ahead = [p for p in near[path[-1]] if p not in path]
        if not ahead:
            return path
        path.append(min(ahead))


def _parts(connections: set[tuple[int, int]]) -> list[set[tuple[int, int]]]:
    parts: list[set[tuple[int, int]]] = []
    for e in connections:
        touching = [p for p in parts if any(set(e) & set(f) for f in p)]
        parts = [p for p in parts if p not in touching] + [{e}.union(*touching)]
    return parts


def topology(face: Array, mirror: Array) -> dict[str, Any]:
    """All tables of ``assets/topology.json``."""
    from mediapipe.python.solutions import face_mesh_connections as c

    directed = {(int(a), int(b)) for a, b in c.FACEMESH_TESSELATION}
    iris = {(min(a, b), max(a, b)) for a, b in c.FACEMESH_IRISES}
    mesh = {(min(a, b), max(a, b)) for a, b in directed}
    lips = [_loop(p) for p in _parts(set(c.FACEMESH_LIPS))]
    lips.sort(key=lambda p: -np.ptp(face[p, 1]))
    brow = {
        side: sorted((_loop(p) for p in _parts(set(s))), key=lambda p: -face[p, 1].mean())
        for side, s in (("left", c.FACEMESH_LEFT_EYEBROW), ("right", c.FACEMESH_RIGHT_EYEBROW))
    }
    regions = {
        "face_oval": _loop(set(c.FACEMESH_FACE_OVAL)),
        "lips_outer": lips[0],
        "lips_inner": lips[1],
        "left_eye": _loop(set(c.FACEMESH_LEFT_EYE)),
        "right_eye": _loop(set(c.FACEMESH_RIGHT_EYE)),
        "left_brow_upper": brow["left"][0],
        "left_brow_lower": brow["left"][1],
        "right_brow_upper": brow["right"][0],
        "right_brow_lower": brow["right"][1],
        "nose_bridge": [168, 6, 197, 195, 5, 4, 1],
        "nose_base": [129, 98, 97, 2, 326, 327, 358],
        "right_iris": [469, 470, 471, 472],
        "left_iris": [474, 475, 476, 477],
    }
    return {
        "points": 478,
        "iris_centres": {"right": 468, "left": 473},
        "regions": regions,
        "rigid": list(RIGID),
        "aufart105": list(AUFART_105),
        "ibug68": list(IBUG_68),
        "mirror": [int(i) for i in mirror],
        "edges": [list(e) for e in sorted(mesh | iris)],
        "triangles": _triangles(mesh, directed, face),
    }


def _forward(task: Path) -> Array:
    """Canonical mesh of the bundle, (468, 3) in centimetres, camera axes."""
    from mediapipe.modules.face_geometry.protos import geometry_pipeline_metadata_pb2 as pb

    with zipfile.ZipFile(task) as bundle:
        data = bundle.read("geometry_pipeline_metadata_landmarks.binarypb")
    metadata = pb.GeometryPipelineMetadata()
    metadata.ParseFromString(data)
    return np.array(metadata.canonical_mesh.vertex_buffer).reshape(-1, 5)[:, :3]


def main() -> None:
    """Write both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--landmarks", type=Path, required=True)
    parser.add_argument("--task", type=Path, required=True)
    options = parser.parse_args()
    points = np.load(options.landmarks)["points"]
    face, mirror = canonical_face(points, _forward(options.task))
    folder = Path(assets.__file__).parent
    written = {
        "topology": topology(face, mirror),
        "canonical_face": {
            "unit": "centimetre on a face of average size",
            "axes": "x to the subject's left, y up, z out of the face",
            "photographs": len(points),
            "points": [[round(float(v), 4) for v in p] for p in face],
        },
    }
    for name, table in written.items():
        lines = [f"{json.dumps(k)}: {json.dumps(v)}" for k, v in table.items()]
        (folder / f"{name}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


if __name__ == "__main__":
    main()
