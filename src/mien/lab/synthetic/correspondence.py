"""Where the 478 points of the face mesh lie on an ICT head.

The table ``correspondence.json`` beside this module is our own measurement: neutral and slightly
open-mouthed heads of many people are drawn from mild angles, FaceMesh finds its points in the
pictures, and each point is cast back onto the mesh. The median over all pictures, made
symmetric, is the point's place: three vertices and their weights. The rims of the irises come from
the geometry of the eyeballs instead. Written by::

    python -m mien.lab.synthetic.correspondence --model ict-facekit.tar.xz
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ...arrays import Array, Float, Float32, Int, RGBImage
from ...channels import ARKIT_52, index_of
from ...errors import EngineError
from ...geometry import matrix_from_euler
from ...morphable import LinearFaceModel
from ...morphable.ict import EYES, eye_centres, head, read
from ...topology import CANONICAL, IRIS_CENTRES, MIRROR, REGIONS, TRIANGLES
from . import faces

__all__ = ["Correspondence", "load", "measure", "table"]

IRIS = 23.0
"""Degrees between an eyeball's axis and the rim of its iris, seen from the eyeball's centre."""

_SURFACE = 468
_BESIDE = 6  # pixels that a point in a slit may lie beside the skin
_FACING = 0.35  # cosine between skin and view below which a cast is not used
_VIEWS = ((0, 0), (15, 0), (-15, 0), (30, 0), (-30, 0), (0, 12), (0, -12))
_FILE = Path(__file__).with_name("correspondence.json")


@dataclass(frozen=True, slots=True, eq=False)
class Correspondence:
    """Points of the face mesh as places on the ICT mesh.

    Attributes:
        corners: int32 (478, 3), vertices around each point.
        weights: float32 (478, 3), barycentric coordinates.
        residual: float32 (478,), median distance in centimetres of single measurements from the
            place; 0 for the irises, which were not measured.
    """

    corners: Int[Array, "478 3"]
    weights: Float32[Array, "478 3"]
    residual: Float32[Array, "478"]


@cache
def load() -> Correspondence:
    """The committed table."""
    table = json.loads(_FILE.read_text("utf-8"))
    return Correspondence(
        np.array(table["corners"], np.int32),
        np.array(table["weights"], np.float32),
        np.array(table["residual"], np.float32),
    )


def measure(
    model: LinearFaceModel,
    draw: Callable[[Array, faces.Shot, np.random.Generator], RGBImage],
    detect: Callable[[RGBImage], Array | None],
    people: int = 60,
    seed: int = 0,
) -> Correspondence:
    """Find the places anew.

    Args:
        model: ICT-FaceKit.
        draw: picture of vertices (v, 3) from a shot, with a random look.
        detect: picture -> FaceMesh's points (478, 3) in pixels, or None.
        people: how many made people; each is drawn from seven angles, twice.
        seed: of people and looks.

    Raises:
        EngineError: no face was found in any picture.
    """
    marks = _on_mean(model, draw, detect, people, seed)
    lips = np.isin(np.arange(_SURFACE), [*REGIONS["lips_outer"], *REGIONS["lips_inner"]])
    # Where the lips touch, a point of one is easily cast onto the other; parted lips part them.
    marks[lips, 0] = np.nan
    marks = marks.reshape(_SURFACE, -1, 3)
    middle = np.nanmedian(marks, axis=1)
    middle = (middle + (middle * [-1, 1, 1])[MIRROR[:_SURFACE]]) / 2
    corners, weights = _closest(model, middle)
    corners, weights = _symmetric(model, corners, weights)
    place = np.einsum("pc,pcd->pd", weights, model.mean[corners])
    residual = np.nanmedian(np.linalg.norm(marks - place[:, None], axis=2), axis=1)
    rims = _irises(model)
    return Correspondence(
        np.concatenate([corners, rims[0]]).astype(np.int32),
        np.concatenate([weights, rims[1]]).astype(np.float32),
        np.concatenate([residual, np.zeros(10)]).astype(np.float32),
    )


def _on_mean(model: LinearFaceModel, draw: Any, detect: Any, people: int, seed: int) -> Array:
    """Casts of each point, as places on the mean head: (468, mouth shut or parted, casts, 3)."""
    caster = _Caster(model)
    parted = np.zeros(len(ARKIT_52), np.float32)
    parted[index_of("jawOpen")] = 0.3
    casts: tuple[list[Array], list[Array]] = ([], [])
    for number in range(people):
        rng = np.random.default_rng([seed, number])
        who = faces.person(int(rng.integers(1 << 30)), len(model.identity))
        for kind, values in enumerate((np.zeros_like(parted), parted)):
            vertices = head(model, who, values)
            for yaw, pitch in _VIEWS:
                shot = faces.Shot(yaw, pitch, 0.0, distance=80.0, focal=720.0)
                points = detect(draw(vertices, shot, rng))
                if points is not None:
                    casts[kind].append(caster(vertices, shot, points[:_SURFACE, :2]))
    count = min(map(len, casts))
    if not count:
        raise EngineError("the engine found no face in the drawn heads; look at the pictures")
    return np.stack([np.stack(c[:count], axis=1) for c in casts], axis=1)


class _Caster:
    """Casts picture points onto what is seen of the skin."""

    def __init__(self, model: LinearFaceModel) -> None:
        self._mean = model.mean
        part = np.zeros(len(model.mean), np.int8)
        part[model.regions["face"]] = 1
        for ball, _ in EYES.values():
            part[model.regions[ball]] = 2
        for name in ("teeth", "gums_tongue"):
            part[model.regions[name]] = 2
        solid = (part[model.triangles] > 0).all(axis=1)
        self._triangles = model.triangles[solid]
        self._skin = (part[self._triangles] == 1).all(axis=1)

        self._normals = _normals()

    def __call__(self, vertices: Array, shot: faces.Shot, points: Array) -> Array:
        """(468, 3) places on the mean head; NaN for what is turned away or seen edge-on."""
        picture = shot.project(vertices)
        corner = picture[self._triangles]
        a, b, c = corner[:, 0], corner[:, 1], corner[:, 2]
        area = _cross(b - a, c - a)
        near = area < -1e-6  # counter-clockwise from outside is clockwise where y points down
        a, b, c, area = a[near], b[near], c[near], area[near]
        facing = np.abs(area) / np.linalg.norm(np.cross(b - a, c - a), axis=1)
        triangles, skin = self._triangles[near], self._skin[near]
        found = np.full((len(points), 3), np.nan, np.float32)
        middle = (a + b + c) / 3
        low = np.minimum(np.minimum(a, b), c)[:, :2] - _BESIDE
        high = np.maximum(np.maximum(a, b), c)[:, :2] + _BESIDE
        # The engine places hidden points too; cast, they would land on the wrong cheek.
        shown = self._normals @ shot.rotation[2] > _FACING
        for i in np.flatnonzero(shown):
            p = points[i]
            close = np.flatnonzero(((low < p) & (p < high)).all(axis=1))
            if not len(close):
                continue
            q = p - a[close][:, :2]
            v = _cross(q, (c - a)[close]) / area[close]
            w = _cross((b - a)[close], q) / area[close]
            hit = np.flatnonzero((v >= 0) & (w >= 0) & (v + w <= 1))
            if not len(hit):
                continue
            first = hit[np.argmin(middle[close[hit], 2])]
            if skin[close[first]]:
                # Skin that is seen edge-on says nothing about where on it a point lies.
                if facing[close[first]] > _FACING:
                    weight = np.array([1 - v[first] - w[first], v[first], w[first]])
                    found[i] = weight @ self._mean[triangles[close[first]]]
                continue
            # In the slit of an eye or of the mouth: the nearest skin.
            around = triangles[close[skin[close]]].ravel()
            if len(around):
                away = ((picture[around, :2] - p) ** 2).sum(axis=1)
                found[i] = self._mean[around[np.argmin(away)]]
        return found


def _normals() -> Array:
    """Unit normals of the canonical face, (468, 3) in the head frame."""
    normals = np.zeros((_SURFACE, 3))
    a, b, c = (CANONICAL[TRIANGLES[:, i]].astype(np.float64) for i in range(3))
    for i in range(3):
        np.add.at(normals, TRIANGLES[:, i], np.cross(b - a, c - a))
    unit: Array = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    return unit


def _cross(a: Array, b: Array) -> Array:
    crossed: Array = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return crossed


def _closest(model: LinearFaceModel, points: Array) -> tuple[Array, Array]:
    """Nearest places on the skin of the mean head: corners (p, 3) and weights (p, 3)."""
    part = np.zeros(len(model.mean), bool)
    part[model.regions["face"]] = True
    triangles = model.triangles[part[model.triangles].all(axis=1)]
    corner = model.mean[triangles].astype(np.float64)
    a, u, v = corner[:, 0], corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
    normal = np.cross(u, v)
    front = normal[:, 2] > -0.3 * np.linalg.norm(normal, axis=1)
    uu, uv, vv = (np.einsum("td,td->t", *pair) for pair in ((u, u), (u, v), (v, v)))
    flat = np.maximum(uu * vv - uv * uv, 1e-12)
    corners, weights = [], []
    for p in points:
        near = np.flatnonzero(front & (np.abs(corner.mean(axis=1) - p).max(axis=1) < 1.5))
        pu = np.einsum("td,td->t", p - a[near], u[near])
        pv = np.einsum("td,td->t", p - a[near], v[near])
        s = (vv[near] * pu - uv[near] * pv) / flat[near]
        t = (uu[near] * pv - uv[near] * pu) / flat[near]
        # Clipping finds a place on the edge that is near, which is near enough.
        w = np.clip(np.column_stack([1 - s - t, s, t]), 0, None)
        w /= w.sum(axis=1, keepdims=True)
        away = np.linalg.norm(np.einsum("tc,tcd->td", w, corner[near]) - p, axis=1)
        best = int(np.argmin(away))
        corners.append(triangles[near[best]])
        weights.append(w[best])
    return np.array(corners), np.array(weights)


def _symmetric(model: LinearFaceModel, corners: Array, weights: Array) -> tuple[Array, Array]:
    """Give each right point the mirrored vertices of its left partner."""
    flipped = model.mean * np.array([-1, 1, 1], np.float32)
    left = np.array([i for i in range(_SURFACE) if CANONICAL[i, 0] > 0 and MIRROR[i] != i])
    corners, weights = corners.copy(), weights.copy()
    face = model.regions["face"]
    for i in left:
        across = flipped[corners[i]]
        partner = [face[np.argmin(((model.mean[face] - q) ** 2).sum(axis=1))] for q in across]
        corners[MIRROR[i]] = partner
        weights[MIRROR[i]] = weights[i]
    return corners, weights


def _irises(model: LinearFaceModel) -> tuple[Array, Array]:
    """Places of points 468-477: the rims on the eyeballs, the centres at the corneas' tops."""
    corners, weights = np.zeros((10, 3), int), np.zeros((10, 3))
    centres = eye_centres(model, model.mean)
    for side, first in IRIS_CENTRES.items():
        ball = model.regions[EYES[side][0]]
        owned = np.zeros(len(model.mean), bool)
        owned[ball] = True
        triangles = model.triangles[owned[model.triangles].all(axis=1)]
        offset = model.mean[triangles].astype(np.float64) - centres[side]
        axis = eye_axis(model, side)
        for k in range(5):
            towards = axis
            if k:
                # Up, down or sideways, as the canonical face has it.
                way = CANONICAL[first + k] - CANONICAL[first]
                x, y = (np.sign(way[0]), 0) if abs(way[0]) > abs(way[1]) else (0, np.sign(way[1]))
                towards = matrix_from_euler(x * IRIS, y * IRIS, 0.0) @ axis
            solved = np.linalg.solve(offset.transpose(0, 2, 1), np.broadcast_to(
                towards[:, None], (len(offset), 3, 1)))[..., 0]  # fmt: skip
            hit = int(np.argmax(solved.min(axis=1)))
            w = np.clip(solved[hit], 0, None)
            corners[first - _SURFACE + k] = triangles[hit]
            weights[first - _SURFACE + k] = w / w.sum()
    return corners, weights


def eye_axis(model: LinearFaceModel, side: str) -> Float[Array, "3"]:
    """Direction of the mean person's eyeball through the top of its cornea, a unit vector."""
    offset = model.mean[model.regions[EYES[side][0]]] - eye_centres(model, model.mean)[side]
    length = np.linalg.norm(offset, axis=1)
    axis = offset[length > length.max() - 0.12].mean(axis=0)
    direction: Array = axis / np.linalg.norm(axis)
    return direction


def table(found: Correspondence, people: int) -> dict[str, Any]:
    """Content of ``correspondence.json``."""
    return {
        "about": "places of the 478 face mesh points on ICT-FaceKit's mesh, measured by mien",
        "people": people,
        "unit": "vertex numbers, barycentric weights, centimetres",
        "corners": found.corners.tolist(),
        "weights": [[round(float(v), 4) for v in row] for row in found.weights],
        "residual": [round(float(v), 4) for v in found.residual],
    }


def main() -> None:
    """Measure and write the table."""
    from ... import engines
    from ...types import Frame
    from .paint import Look
    from .render import Renderer

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--people", type=int, default=60)
    options = parser.parse_args()
    model = read(options.model)
    with Renderer(model) as renderer:
        engine = engines.create("facemesh", mode="still", max_faces=1)

        def draw(vertices: Array, shot: faces.Shot, rng: np.random.Generator) -> RGBImage:
            return renderer.render(vertices, shot, Look.sample(rng))

        def detect(image: RGBImage) -> Array | None:
            found = engine.detect(Frame(image))
            return found[0].landmarks.points if found else None

        found = measure(model, draw, detect, options.people)
        engine.close()
    lines = [f"{json.dumps(k)}: {json.dumps(v)}" for k, v in table(found, options.people).items()]
    _FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
    residual = found.residual[:_SURFACE]
    print(f"median residual {np.median(residual) * 10:.2f} mm, worst {residual.max() * 10:.2f} mm")


if __name__ == "__main__":
    main()
