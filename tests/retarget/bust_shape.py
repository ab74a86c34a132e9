"""Measures of the bust's shape, in millimetres; what the tests of its targets compare."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mien.channels import index_of
from mien.retarget.bust import data

EYES = ("left", "right")
UNIT = 1000.0


def skin(weights: Mapping[str, float]) -> np.ndarray:
    """Positions of the skin, millimetres."""
    return posed("skin", weights)


def posed(part: str, weights: Mapping[str, float]) -> np.ndarray:
    loaded = data.load(part)
    points = loaded.points.astype(np.float64)
    for name, weight in weights.items():
        index_of(name)
        vertices, moves = loaded.moved[name]
        points[vertices] += weight * moves
    return points * UNIT


def gaps(points: np.ndarray, opening: str) -> np.ndarray:
    """How far the upper edge lies above the lower, seen from in front; negative where they cross.

    Both edges are read at the same places across, so that sliding sideways does not count.
    """
    upper, lower = (points[data.contour(f"{opening}_{side}")] for side in ("upper", "lower"))
    order = np.argsort(lower[:, 0])
    inside = (upper[:, 0] > lower[:, 0].min()) & (upper[:, 0] < lower[:, 0].max())
    below = np.interp(upper[inside, 0], lower[order, 0], lower[order, 1])
    return upper[inside, 1] - below


def apart(points: np.ndarray, opening: str) -> float:
    """The largest distance from a point of the upper edge to the lower edge."""
    upper, lower = (points[data.contour(f"{opening}_{side}")] for side in ("upper", "lower"))
    return float(max(distance_to_line(p, lower) for p in upper))


def distance_to_line(p: np.ndarray, line: np.ndarray) -> float:
    a, b = line[:-1], line[1:]
    along = b - a
    t = np.clip(((p - a) * along).sum(axis=1) / np.maximum((along**2).sum(axis=1), 1e-12), 0, 1)
    return float(np.linalg.norm(p - a - t[:, None] * along, axis=1).min())


def above_eyeball(points: np.ndarray, side: str) -> float:
    """Least height of the skin above the eyeball; the inner side of the lids does not count."""
    middle = np.array(data.JOINTS[f"{side}Eye"]) * UNIT
    away = np.linalg.norm(points - middle, axis=1) - data.EYE_RADIUS * UNIT
    return float(away[outside()].min())


def outside() -> np.ndarray:
    """Vertices that are not on the inner side of a lid: at rest these lie within an eyeball."""
    points = data.load("skin").points * UNIT
    keep = np.ones(len(points), bool)
    for side in EYES:
        middle = np.array(data.JOINTS[f"{side}Eye"]) * UNIT
        keep &= np.linalg.norm(points - middle, axis=1) > data.EYE_RADIUS * UNIT + 0.5
    return keep


def in_front(hidden: np.ndarray, points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """For each hidden point how far before it (z) the nearest skin lies; NaN where there is none.

    Negative: the skin that faces forward there lies behind the point, which pokes through it.
    """
    a, b, c = (points[triangles[:, i]] for i in range(3))
    area = cross(b - a, c - a)
    near = area > 1e-6  # faces forward
    a, b, c, area = a[near], b[near], c[near], area[near]
    found = np.full(len(hidden), np.nan)
    low = np.minimum(np.minimum(a, b), c)[:, :2]
    high = np.maximum(np.maximum(a, b), c)[:, :2]
    for i, p in enumerate(hidden):
        close = np.flatnonzero(((low <= p[:2]) & (p[:2] <= high)).all(axis=1))
        q = p - a[close]
        v = cross(q, (c - a)[close]) / area[close]
        w = cross((b - a)[close], q) / area[close]
        hit = (v >= 0) & (w >= 0) & (v + w <= 1)
        if hit.any():
            at = close[hit]
            z = a[at, 2] + v[hit] * (b - a)[at, 2] + w[hit] * (c - a)[at, 2]
            found[i] = z.max() - p[2]
    return found


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def stretch(points: np.ndarray, part: str = "skin") -> tuple[float, float]:
    """Largest growth of an edge in millimetres beyond its rest, and as a factor of long edges."""
    loaded = data.load(part)
    rest = loaded.points * UNIT
    pairs = np.concatenate([loaded.triangles[:, [i, (i + 1) % 3]] for i in range(3)])
    before = np.linalg.norm(rest[pairs[:, 0]] - rest[pairs[:, 1]], axis=1)
    after = np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)
    return float((after - before).max()), float((after / np.maximum(before, 0.5)).max())


def turned(points: np.ndarray, part: str = "skin") -> np.ndarray:
    """Cosine between each triangle's normal and its smooth surroundings' normal."""
    triangles = data.load(part).triangles
    a, b, c = (points[triangles[:, i]] for i in range(3))
    normal = np.cross(b - a, c - a)
    total = np.zeros_like(points)
    for i in range(3):
        np.add.at(total, triangles[:, i], normal)
    smooth = total[triangles].sum(axis=1)
    size = np.linalg.norm(normal, axis=1) * np.linalg.norm(smooth, axis=1)
    return (normal * smooth).sum(axis=1) / np.maximum(size, 1e-9)
