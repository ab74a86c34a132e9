"""The head behind the face: a smooth surface, and rings over it from the face to the neck.

Centimetres, in the head frame of :data:`mien.topology.CANONICAL`.
"""

from __future__ import annotations

import numpy as np

from ...arrays import Array, Float
from ...topology import REGIONS

__all__ = ["NECK_BASE", "RINGS", "on_surface", "rings", "surface"]

RINGS = 11


def _ellipsoid(p: Array, centre: Array, radii: Array, power: float = 2.0) -> Array:
    """About the signed distance to a rounded box; an ellipsoid with the power 2."""
    share = (np.abs((p - centre) / radii) ** power).sum(axis=1) ** (1 / power)
    length = np.linalg.norm(p - centre, axis=1)
    value: Array = length * (1 - 1 / np.maximum(share, 1e-6))
    return value


def _neck(p: Array) -> Array:
    a, b = np.array([0.0, -4.0, -3.6]), np.array([0.0, -24.0, -4.6])
    t = np.clip((p - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
    away = (p - a - t[:, None] * (b - a)) / np.array([1.0, 1.0, 1.02])
    wide = 4.15 + 1.0 * np.clip((t - 0.55) / 0.45, 0, 1) ** 2
    value: Array = np.linalg.norm(away, axis=1) - wide
    return value


def _union(a: Array, b: Array, soft: float) -> Array:
    h = np.clip(0.5 + 0.5 * (b - a) / soft, 0, 1)
    value: Array = b * (1 - h) + a * h - soft * h * (1 - h)
    return value


def surface(p: Float[Array, "n 3"]) -> Float[Array, "n"]:
    """About the signed distance to a smooth head without features."""
    skull = _ellipsoid(p, np.array([0.0, 4.0, -2.7]), np.array([7.9, 8.9, 8.7]), 2.3)
    jaw = _ellipsoid(p, np.array([0.0, -2.0, 0.2]), np.array([6.5, 6.4, 5.0]), 2.2)
    return _union(_union(skull, jaw, 3.0), _neck(p), 2.4)


def on_surface(p: Float[Array, "n 3"], steps: int = 8) -> Float[Array, "n 3"]:
    """Points moved along the slope onto the smooth head."""
    p = p.copy()
    for _ in range(steps):
        value = surface(p)
        slope = np.empty_like(p)
        for axis in range(3):
            off = np.zeros(3)
            off[axis] = 1e-3
            slope[:, axis] = (surface(p + off) - surface(p - off)) / 2e-3
        p -= (value / np.maximum((slope**2).sum(axis=1), 1e-6))[:, None] * slope
    return p


NECK_BASE = -14.0


def rings(p: Array) -> Float[Array, "rings 36 3"]:
    """Rings from the face's oval over skull and throat to the base of the neck."""
    oval = p[list(REGIONS["face_oval"])]
    pivot = np.array([-11.5, 3.6])
    n = RINGS
    around = np.linspace(0, 2 * np.pi, len(oval), endpoint=False)
    base = np.column_stack(
        [-5.2 * np.sin(around), np.full(len(oval), NECK_BASE), -4.2 - 5.2 * np.cos(around)]
    )

    def polar(q: Array) -> Array:
        y, z = q[:, 1] - pivot[0], q[:, 2] - pivot[1]
        angle = np.arctan2(-z, y)
        return np.column_stack([np.where(angle < -1, angle + 2 * np.pi, angle), np.hypot(y, z)])

    start, end = polar(oval), polar(base)
    laid = []
    for k in range(1, n + 1):
        t = k / n
        angle, radius = ((1 - t) * start + t * end).T
        x = (1 - t) * oval[:, 0] + t * base[:, 0]
        y, z = pivot[0] + radius * np.cos(angle), pivot[1] - radius * np.sin(angle)
        laid.append(np.column_stack([x, y, z]))
    grid = np.stack([oval, *laid])
    off = oval - on_surface(oval)
    grid[1:] = on_surface(grid[1:].reshape(-1, 3), 12).reshape(n, -1, 3)
    for _ in range(60):
        inner = grid[1:-1]
        side = (np.roll(inner, 1, axis=1) + np.roll(inner, -1, axis=1)) / 2
        grid[1:-1] += 0.4 * ((grid[:-2] + grid[2:]) * 0.3 + side * 0.4 - inner)
        grid = _even(grid)
        flat = on_surface(grid[1:].reshape(-1, 3), 6).reshape(n, -1, 3)
        flat[-1, :, 1] = NECK_BASE
        grid[1:] = flat
    # What the oval lies beside the smooth head is let go over three rings.
    for k, share in enumerate((0.62, 0.25, 0.06), 1):
        grid[k] += share * off
    even: Array = (grid + (grid * [-1.0, 1.0, 1.0])[:, -np.arange(len(oval)) % len(oval)]) / 2
    return even[1:]


def _even(grid: Array) -> Array:
    """Rings at equal distances along each column."""
    length = np.linalg.norm(np.diff(grid, axis=0), axis=2).cumsum(axis=0)
    out = grid.copy()
    for i in range(grid.shape[1]):
        at = np.concatenate([[0], length[:, i]])
        wanted = np.linspace(0, at[-1], len(grid))
        out[:, i] = np.column_stack([np.interp(wanted, at, grid[:, i, d]) for d in range(3)])
    return out
