"""The lines of a face in picture coordinates: mesh, contours, irises, axes of the head."""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np

from ..arrays import Array, Bool, Float, Float32, Int
from ..geometry import project
from ..topology import CANONICAL, EDGES, REGIONS, TRIANGLES
from ..types import N_LANDMARKS, Pose

__all__ = ["axes", "facing", "features", "irises", "lids", "nose", "outline", "visible_edges"]

_SIDES = ("left", "right")
_NOSE_TIP = 4
_AXIS_LENGTH = 5.5
"""Head units: from the nose tip to about the cheekbone."""

_OPEN_EYE = 0.35
"""Share of the iris's height that the lids must leave free for it to be drawn."""


@cache
def _curve(count: int, closed: bool, steps: int = 4) -> Float32[Array, "samples points"]:
    """Weights of a Catmull-Rom spline through ``count`` points: ``curve = weights @ points``."""
    spans = count if closed else count - 1
    weights = np.zeros((spans * steps + (not closed), count), np.float32)
    for span in range(spans):
        around = np.array([span - 1, span, span + 1, span + 2])
        around = around % count if closed else np.clip(around, 0, count - 1)
        for step in range(steps):
            t = step / steps
            basis = (
                -0.5 * t + t**2 - 0.5 * t**3,
                1 - 2.5 * t**2 + 1.5 * t**3,
                0.5 * t + 2 * t**2 - 1.5 * t**3,
                -0.5 * t**2 + 0.5 * t**3,
            )
            np.add.at(weights[span * steps + step], around, basis)
    if not closed:
        weights[-1, -1] = 1.0
    return weights


def _smooth(points: Float32[Array, "478 3"], name: str, closed: bool) -> Float32[Array, "n 2"]:
    indices = list(REGIONS[name])
    curve: Float32[Array, "n 2"] = _curve(len(indices), closed) @ points[indices, :2]
    return curve


def facing(points: Float32[Array, "478 3"]) -> Bool[Array, "852"]:
    """Which triangles show their outside to the camera."""
    a, b, c = points[TRIANGLES, :2].transpose(1, 0, 2)
    u, v = b - a, c - a
    # Counter-clockwise from outside is clockwise once y points down.
    shown: Bool[Array, "852"] = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0] < 0
    return shown


def visible_edges(
    points: Float32[Array, "478 3"], front: Bool[Array, "852"]
) -> Float32[Array, "n 2 2"]:
    """Start and end of the mesh edges that belong to a triangle in ``front``."""
    beside = _edge_triangles()
    shown = (beside[:, 0] >= 0) & (front[beside[:, 0]] | front[beside[:, 1]])
    return points[EDGES[shown], :2]


def outline(
    points: Float32[Array, "478 3"], front: Bool[Array, "852"]
) -> list[Float32[Array, "_ 2"]]:
    """The face's oval as smooth open curves, without the part behind a turned head."""
    ring = list(REGIONS["face_oval"])
    curve = _smooth(points, "face_oval", closed=True)
    shown = _seen(front)[ring]
    spans = shown & np.roll(shown, -1)
    steps = len(curve) // len(ring)
    if spans.all():
        return [np.vstack([curve, curve[:1]])]
    # Start behind a gap, so that no visible run is cut in two.
    start = int(np.argmin(spans)) + 1
    order = (np.arange(len(ring)) + start) % len(ring)
    runs = np.split(order, np.flatnonzero(np.diff(spans[order].astype(np.int8))) + 1)
    return [
        curve[np.arange(run[0] * steps, (run[0] + len(run)) * steps + 1) % len(curve)]
        for run in runs
        if spans[run[0]]
    ]


def features(
    points: Float32[Array, "478 3"], front: Bool[Array, "852"]
) -> list[Float32[Array, "_ 2"]]:
    """Lips, and eyes and brows on visible sides, as smooth closed curves."""
    shapes = [_smooth(points, name, closed=True) for name in ("lips_outer", "lips_inner")]
    seen = _seen(front)
    for side in _SIDES:
        ring = [*REGIONS[f"{side}_brow_upper"], *reversed(REGIONS[f"{side}_brow_lower"])]
        if seen[ring].mean() > 0.5:
            shapes.append(_curve(len(ring), closed=True) @ points[ring, :2])
        if _eye_seen(seen, side):
            shapes.append(_smooth(points, f"{side}_eye", closed=True))
    return shapes


def nose(points: Float32[Array, "478 3"]) -> list[Float32[Array, "_ 2"]]:
    """The bridge and the base of the nose as smooth open curves."""
    return [_smooth(points, name, closed=False) for name in ("nose_bridge", "nose_base")]


def lids(points: Float32[Array, "478 3"]) -> list[Float32[Array, "_ 2"]]:
    """The openings of both eyes as smooth closed curves."""
    return [_smooth(points, f"{side}_eye", closed=True) for side in _SIDES]


def _seen(front: Bool[Array, "852"]) -> Bool[Array, "478"]:
    """Points of at least one visible triangle."""
    seen = np.zeros(N_LANDMARKS, bool)
    seen[TRIANGLES[front]] = True
    return seen


def _eye_seen(seen: Bool[Array, "478"], side: str) -> bool:
    return bool(seen[list(REGIONS[f"{side}_eye"])].mean() > 0.5)


def irises(
    points: Float32[Array, "478 3"], front: Bool[Array, "852"]
) -> list[tuple[Float32[Array, "2"], float]]:
    """Centre and radius (pixels) of each iris that neither the lids nor the head hide."""
    found = []
    seen = _seen(front)
    for side in _SIDES:
        if not _eye_seen(seen, side):
            continue
        ring = points[list(REGIONS[f"{side}_iris"]), :2]
        centre = ring.mean(axis=0)
        radius = float(np.linalg.norm(ring - centre, axis=1).mean())
        lids = points[list(REGIONS[f"{side}_eye"]), :2]
        # Area over width is the mean opening, whatever way the head is tilted.
        x, y = lids.T
        area = 0.5 * abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1)))
        width = float(np.linalg.norm(np.ptp(lids, axis=0)))
        if area / max(width, 1e-6) > _OPEN_EYE * radius:
            found.append((centre, radius))
    return found


@lru_cache(maxsize=1)
def _edge_triangles() -> Int[Array, "1330 2"]:
    """The triangles on both sides of each edge (one twice at a border, -1 for the irises)."""
    beside: dict[tuple[int, int], list[int]] = {}
    for index, corners in enumerate(TRIANGLES.tolist()):
        for a, b in zip(corners, [*corners[1:], corners[0]], strict=True):
            beside.setdefault((min(a, b), max(a, b)), []).append(index)
    table = np.full((len(EDGES), 2), -1, np.int32)
    for row, (a, b) in enumerate(EDGES.tolist()):
        found = beside.get((min(a, b), max(a, b)), [-1])
        table[row] = found[0], found[-1]
    return table


def axes(points: Float32[Array, "478 3"], pose: Pose) -> Float[Array, "4 3"]:
    """The nose tip and the ends of the head's x, y and z axes that start there.

    Returns:
        (4, 3) picture coordinates; the third column is depth, smaller nearer to the camera.
    """
    tip = CANONICAL[_NOSE_TIP].astype(np.float64)
    ends = tip + np.vstack([np.zeros(3), np.eye(3) * _AXIS_LENGTH])
    drawn = project(ends, pose.rotation, pose.translation, pose.scale)
    shifted: Float[Array, "4 3"] = drawn - drawn[0] + points[_NOSE_TIP]
    return shifted
