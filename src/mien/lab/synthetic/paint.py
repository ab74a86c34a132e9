"""Colours of made heads: who has which skin, lips, brows, hair and light.

Vertices are painted by where they lie on the mean head, found with the model's 68 landmarks.
Concave places are darkened on each head anew, so that folds show where an expression makes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from scipy.sparse import csr_matrix, diags

from ...arrays import Array, RGBImage
from ...morphable import LinearFaceModel
from ...morphable.ict import EYES, eye_centres
from .correspondence import eye_axis
from .faces import SIZE

__all__ = ["Look", "Paint"]

_FIELDS = (1, 4, 16, 64)  # steps of smoothing: sizes of the blotches on a skin
_EACH = 6


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What a made person and the room look like; colours are linear RGB 0..1."""

    skin: Array
    lips: Array
    hair: Array
    iris: Array
    sclera: float
    pupil: float  # degrees
    hairline: float  # 0 bald .. 1
    gloss: float
    lashes: float  # 0 as the skin .. 1 dark
    stubble: float  # 0 .. 1
    blush: float  # 0 .. 1
    mottle: Array  # (24,) strengths of blotches
    folds: float  # how dark concave places are
    lights: Array  # (3, 3) towards each light, camera axes
    tints: Array  # (3, 3)
    ambient: Array  # (3,)
    background: RGBImage

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Look:
        """Draw one at random."""
        tone = rng.uniform(0.0, 1.0)
        skin = np.array([0.82, 0.60, 0.50]) * (1 - tone) + np.array([0.24, 0.13, 0.08]) * tone
        skin = skin * rng.normal(1.0, 0.05, 3)
        lips = skin * np.array([0.85, 0.55, 0.55]) * rng.normal(1.0, 0.1, 3)
        hair = np.array([0.30, 0.19, 0.10]) * rng.uniform(0.1, 1.0) * (1.1 - 0.8 * tone)
        irises = np.array(
            [[0.10, 0.05, 0.02], [0.25, 0.14, 0.05], [0.20, 0.30, 0.40], [0.22, 0.30, 0.18]]
        )
        key = _direction(rng.uniform(-60, 60), rng.uniform(-10, 60))
        fill = _direction(rng.uniform(-80, 80), rng.uniform(-20, 40))
        back = _direction(rng.choice([-1, 1]) * rng.uniform(80, 120), rng.uniform(0, 40))
        warm = rng.normal(0.0, 0.06)
        white = np.array([1 + warm, 1.0, 1 - warm])
        strength = np.array([rng.uniform(0.5, 1.0), rng.uniform(0.1, 0.5), rng.uniform(0, 0.5)])
        return cls(
            skin=np.clip(skin, 0.03, 0.95),
            lips=np.clip(lips, 0.02, 0.9),
            hair=hair,
            iris=irises[rng.integers(len(irises))] * rng.uniform(0.6, 1.2),
            sclera=rng.uniform(0.7, 0.9),
            pupil=rng.uniform(6.0, 11.0),
            hairline=rng.uniform(0.0, 1.0) if rng.random() < 0.8 else 0.0,
            gloss=rng.uniform(0.0, 0.12),
            lashes=rng.uniform(0.0, 1.0),
            stubble=rng.uniform(0.1, 0.8) if rng.random() < 0.4 else 0.0,
            blush=rng.uniform(0.0, 0.25),
            mottle=rng.normal(0, 0.012, len(_FIELDS) * _EACH),
            folds=rng.uniform(2.0, 6.0),
            lights=np.stack([key, fill, back]),
            tints=strength[:, None] * white,
            ambient=rng.uniform(0.2, 0.45) * np.ones(3),
            background=_background(rng),
        )


class Paint:
    """Which part of which colour each vertex has."""

    def __init__(self, model: LinearFaceModel) -> None:
        mean = model.mean
        count = len(mean)
        marks = mean[model.regions["landmarks68"]]
        face = np.zeros(count, bool)
        face[model.regions["face"]] = True
        front = face & (mean[:, 2] > marks[[0, 16], 2].mean())
        outer = _inside(marks[48:60], mean)
        depth = marks[48:60, 2].mean() - mean[:, 2]
        middle = marks[48:68].mean(axis=0)
        reach = np.hypot(*((mean - middle)[:, :2] / [3.4, 2.0]).T) < 1
        inside = face & reach & _covered(mean, face, 0.9)
        lips = np.clip(outer / 0.15 + 0.5, 0, 1)
        self._lips = np.where(face & ~inside & (depth < 1.6), lips, 0)
        self._inside = inside.astype(float)
        brows = np.zeros(count)
        for line in (marks[17:22], marks[22:27]):
            away = _distance(line, mean[:, :2])
            brows = np.maximum(brows, np.clip((0.42 - away) / 0.15, 0, 1))
        self._brows = np.where(front, brows, 0)
        # A beard lies below the nose and outside the lips, up to the ears along the jaw.
        beard = np.clip((marks[33, 1] - 0.3 - mean[:, 1]) / 0.8, 0, 1)
        beard *= np.clip((mean[:, 1] - marks[8, 1] + 1.5) / 1.0, 0, 1)
        beard *= np.clip(-outer / 0.2, 0, 1) * np.clip(4.5 - np.abs(mean[:, 0]), 0.3, 1)
        self._beard = np.where(face, np.clip(beard, 0, 1), 0)
        cheeks = [(marks[a] + marks[b]) / 2 for a, b in ((41, 48), (46, 54))]
        glow = [np.exp(-(((mean - c) / 1.8) ** 2).sum(axis=1)) for c in cheeks]
        self._blush = np.where(face, np.sum(glow, axis=0), 0)
        self._scalp = face.astype(float)
        self._scalp[model.regions["back_head"]] = 1
        self._mean = mean
        self._regions = model.regions
        self._near = _neighbours(model)
        spread = self._near @ (mean**2).sum(axis=1) - ((self._near @ mean) ** 2).sum(axis=1)
        self._edge = np.sqrt(np.maximum(spread, 1e-4))  # about the length of a vertex's edges
        self._skin = self._scalp * (1 - self._inside)
        self._fields = self._blotches()
        self.eye = np.zeros((count, 2))
        centres = eye_centres(model, mean)
        for side, (ball, _) in EYES.items():
            offset = mean[model.regions[ball]] - centres[side]
            length = np.linalg.norm(offset, axis=1)
            self.eye[model.regions[ball], 0] = 1
            cosine = np.clip(offset @ eye_axis(model, side) / length, -1, 1)
            self.eye[model.regions[ball], 1] = np.degrees(np.arccos(cosine))

    def colours(self, look: Look, vertices: Array, normals: Array) -> Array:
        """Linear RGB for each vertex of a head of this shape."""
        colours: Array = look.skin * (1 + look.mottle @ self._fields)[:, None]

        def blend(weight: Array, colour: Any) -> None:
            nonlocal colours
            colours = colours + weight[:, None] * (np.asarray(colour) - colours)

        blend(look.blush * self._blush, look.skin * [1.1, 0.6, 0.6])
        blend(0.6 * look.stubble * self._beard, look.hair)
        blend(self._lips, look.lips)
        blend(self._inside, [0.06, 0.02, 0.02])
        blend(0.85 * self._brows, look.hair)
        if look.hairline > 0:
            up, behind = self._mean[:, 1], np.clip(8.0 - self._mean[:, 2], 0, 14)
            above = 7.5 + 4.5 * (1 - look.hairline) - 0.9 * behind
            blend(np.clip((up - above) / 0.5, 0, 1) * self._scalp, look.hair)
        colours *= self._folds(vertices, normals, look.folds)[:, None]
        colours[self._regions["teeth"]] = [0.75, 0.72, 0.65]
        colours[self._regions["gums_tongue"]] = [0.35, 0.12, 0.12]
        lashes = look.skin + look.lashes * (0.3 * look.hair - look.skin)
        colours[self._regions["eye_lashes"]] = lashes
        for ball, _ in EYES.values():
            colours[self._regions[ball]] = look.sclera
        return colours

    def _folds(self, vertices: Array, normals: Array, strength: float) -> Array:
        """Factor below 1 where the surface is concave, from how far neighbours rise above it."""
        rise = self._near @ vertices - vertices
        bend = np.einsum("vd,vd->v", rise, normals)
        bend = self._near @ np.clip(bend / self._edge, -0.3, 0.6)
        factor: Array = np.exp(-strength * bend * self._skin)
        return factor.clip(0.35, 1.25)

    def _blotches(self) -> Array:
        """Random fields of several sizes over the skin, standard deviation 1: (24, v)."""
        rng = np.random.default_rng(0)
        fields = []
        for steps in _FIELDS:
            field = rng.normal(size=(self._near.shape[0], _EACH))
            for _ in range(steps):
                field = self._near @ field
            skin = field[self._scalp > 0]
            fields.append(((field - skin.mean(axis=0)) / skin.std(axis=0)).T * self._scalp)
        blotches: Array = np.concatenate(fields).astype(np.float32)
        return blotches


def _neighbours(model: LinearFaceModel) -> Any:
    """Sparse (v, v) matrix that takes the mean over each vertex and its neighbours."""
    count = len(model.mean)
    a, b, c = model.triangles.T
    rows, columns = np.concatenate([a, b, c, b, c, a]), np.concatenate([b, c, a, a, b, c])
    joined = csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), (count, count))
    joined.data[:] = 1
    joined = joined + diags(np.ones(count, np.float32))
    return (diags(1 / np.asarray(joined.sum(axis=1)).ravel()) @ joined).astype(np.float32).tocsr()


def _inside(polygon: Array, points: Array) -> Array:
    """Signed distance (positive inside) of points to a closed contour, in x and y."""
    contour = np.ascontiguousarray(polygon[:, :2], np.float32)
    return np.array(
        [cv2.pointPolygonTest(contour, (float(x), float(y)), True) for x, y in points[:, :2]]
    )


def _covered(points: Array, which: Array, depth: float) -> Array:
    """Whether each point lies deeper than ``depth`` behind others of its surface, seen from z."""
    cell = 0.3
    x, y = (np.floor((points[:, i] + 20) / cell).astype(int) for i in (0, 1))
    surface = np.full((140, 140), -np.inf, np.float32)
    np.maximum.at(surface, (y[which], x[which]), points[which, 2])
    surface = cv2.dilate(surface, np.ones((3, 3), np.uint8))
    hidden: Array = points[:, 2] < surface[np.clip(y, 0, 139), np.clip(x, 0, 139)] - depth
    return hidden


def _distance(line: Array, points: Array) -> Array:
    """Distance of points to a chain of segments, in x and y."""
    best = np.full(len(points), np.inf)
    for a, b in zip(line[:-1, :2], line[1:, :2], strict=True):
        t = np.clip((points - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
        best = np.minimum(best, np.linalg.norm(points - a - t[:, None] * (b - a), axis=1))
    return best


def _direction(across: float, up: float) -> Array:
    a, u = np.radians(across), np.radians(up)
    return np.array([np.sin(a) * np.cos(u), np.sin(u), np.cos(a) * np.cos(u)])


def _background(rng: np.random.Generator) -> RGBImage:
    """A smooth picture of random colours."""
    coarse = rng.uniform(0, 255, (rng.integers(2, 6), rng.integers(2, 6), 3)).astype(np.uint8)
    if rng.random() < 0.5:
        coarse = np.broadcast_to(coarse.mean(axis=2, keepdims=True), coarse.shape).astype(np.uint8)
    flat: RGBImage = cv2.resize(coarse, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
    return flat
