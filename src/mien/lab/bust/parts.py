"""What sits in and on the head: teeth, gums, tongue, eyeballs, brows, lashes, ears, hair, a shirt.

Shapes are formulas in centimetres, in the head frame. Each is a pair of points (n, 3) and
triangles (t, 3), counter-clockwise from outside; what exists twice is made for the left and
mirrored.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from scipy.interpolate import (
    CubicSpline,
    LinearNDInterpolator,
    NearestNDInterpolator,
    PchipInterpolator,
)

from ...arrays import Array, Float
from ...topology import REGIONS
from .cage import EYE, eye_of

__all__ = [
    "Shape", "brow", "ear", "glints", "gums", "hair", "joined", "lashes", "mirrored",
    "shirt", "teeth", "tongue", "tongue_out",
]  # fmt: skip

Shape: TypeAlias = tuple[Array, Array]


def mirrored(shape: Shape) -> Shape:
    """The other side's."""
    return shape[0] * np.array([-1.0, 1.0, 1.0]), shape[1][:, ::-1].copy()


def joined(*shapes: Shape) -> Shape:
    """Several shapes as one."""
    first = np.cumsum([0, *(len(p) for p, _ in shapes)])
    return (
        np.concatenate([p for p, _ in shapes]),
        np.concatenate([t + n for (_, t), n in zip(shapes, first, strict=False)]),
    )


def _grid(rows: int, columns: int, around: bool, turned: bool = False) -> Array:
    """Triangles of a grid of points; ``around`` closes each row on itself."""
    out = []
    for i in range(rows - 1):
        for j in range(columns if around else columns - 1):
            k = (j + 1) % columns
            a, b, c, d = (
                i * columns + j,
                i * columns + k,
                (i + 1) * columns + k,
                (i + 1) * columns + j,
            )
            out += [(a, b, c), (a, c, d)]
    triangles = np.array(out)
    return triangles[:, ::-1].copy() if turned else triangles


def _fan(ring: list[int], tip: int) -> list[tuple[int, int, int]]:
    return [(ring[i], ring[(i + 1) % len(ring)], tip) for i in range(len(ring))]


# The mouth

_ARCH = (2.1, 2.1)  # half of the width of the upper arch, and its depth


def _arch(s: Array, wide: float, deep: float, front: float) -> tuple[Array, Array]:
    """The curve of a row of teeth at s = -1..1 (right to left): (n, 2) x, z, and its normal."""
    x, z = wide * s * (1.12 - 0.12 * s**2), front - deep * np.abs(s) ** 2.6
    slope = np.column_stack([np.gradient(x), np.gradient(z)])
    slope /= np.linalg.norm(slope, axis=1, keepdims=True)
    return np.column_stack([x, z]), np.column_stack([-slope[:, 1], slope[:, 0]])


def teeth(upper: bool, count: int = 10, each: int = 7) -> Shape:
    """A row of softly separated teeth."""
    s = np.linspace(-1, 1, count * each + 1)
    wide, deep = _ARCH if upper else (_ARCH[0] - 0.16, _ARCH[1] - 0.1)
    line, out = _arch(s, wide, deep, 4.62 if upper else 4.42)
    phase = (np.linspace(0, count, len(s)) % 1.0) * 2 - 1
    bulge = np.sqrt(np.clip(1 - 0.85 * phase**4, 0, 1))
    top, edge = (-3.55, -4.62) if upper else (-5.45, -4.58)
    edge_y = edge + (top - edge) * 0.09 * (1 - bulge) + (0.10 if upper else -0.05) * np.abs(s) ** 2
    rows = []
    for depth, high in (
        (0.02, 1.0), (0.10, 0.75), (0.12, 0.4), (0.10, 0.14), (0.02, 0.02), (-0.14, 0.0),
        (-0.30, 0.12), (-0.42, 0.6), (-0.46, 1.0),
    ):  # fmt: skip
        away = depth - (0.10 * (1 - bulge) if depth > -0.1 else 0)
        q = line + out * np.broadcast_to(away, s.shape)[:, None]
        rows.append(np.column_stack([q[:, 0], edge_y + (top - edge_y) * high, q[:, 1]]))
    return np.concatenate(rows), _grid(len(rows), len(s), around=False, turned=upper)


def gums(upper: bool) -> Shape:
    """The flesh in which a row of teeth stands."""
    s = np.linspace(-1.04, 1.04, 41)
    wide, deep = _ARCH if upper else (_ARCH[0] - 0.16, _ARCH[1] - 0.1)
    line, out = _arch(s, wide, deep, 4.62 if upper else 4.42)
    sign, start = (1.0, -3.72) if upper else (-1.0, -5.28)
    rows = []
    for depth, rise in (
        (0.06, 0.0),
        (0.17, 0.12),
        (0.18, 0.35),
        (0.02, 0.7),
        (-0.5, 0.75),
        (-0.6, 0.0),
    ):
        q = line + out * depth
        rows.append(np.column_stack([q[:, 0], np.full(len(s), start + sign * rise), q[:, 1]]))
    return np.concatenate(rows), _grid(len(rows), len(s), around=False, turned=not upper)


_TONGUE = (15, 24)  # rings along, points around


def _tongue_line(v: Array) -> Array:
    """Height of the tongue's middle from its root (0) to its tip (1)."""
    line: Array = -5.18 + 0.60 * np.sin(np.pi / 2 * np.clip(1.25 * v, 0, 1)) ** 2
    return line


def tongue() -> Shape:
    """From its root to its tip, lying behind the teeth."""
    rings, around = _TONGUE
    t = 0.985 * (1 - (1 - np.linspace(0, 1, rings)) ** 1.3)
    a = np.linspace(0, 2 * np.pi, around, endpoint=False)
    rows = []
    for v in t:
        full = np.sqrt(max(1 - v**8, 0.0)) * (0.75 + 0.25 * np.sin(np.pi * min(v * 1.3, 1)))
        wide, high = 1.24 * full, (0.50 - 0.22 * v) * full
        y, z = float(_tongue_line(np.array(v))), 0.4 + 3.5 * v
        groove = 0.08 * np.exp(-((np.cos(a) / 0.25) ** 2)) * (np.sin(a) > 0) * full
        rows.append(
            np.column_stack([wide * np.cos(a), y + high * np.sin(a) - groove, np.full(around, z)])
        )
    tip = rows[-1].mean(axis=0) + np.array([0, 0, 0.02])
    points = np.concatenate([*rows, tip[None]])
    last = [(rings - 1) * around + j for j in range(around)]
    triangles = np.concatenate(
        [_grid(rings, around, around=True), np.array(_fan(last, len(points) - 1))]
    )
    return points, triangles


def tongue_out(points: Float[Array, "n 3"]) -> Float[Array, "n 3"]:
    """Where the tongue goes at tongueOut = 1: out between the lips, its tip hanging over them.

    A target goes straight, so at half weight the tip must not have reached the lower lip's front.
    """
    v = np.clip((points[:, 2] - 0.4) / 3.5, 0, 1)
    beyond = np.clip((v - 0.55) / 0.45, 0, 1)
    off = points[:, 1] - _tongue_line(v)
    moved = np.zeros_like(points)
    moved[:, 2] = 2.35 * v**1.2 - 0.5 * beyond**2 * off
    moved[:, 1] = -4.80 - 0.85 * beyond**1.5 - _tongue_line(v) + 0.25 * beyond * off
    moved[:, 1] *= np.clip(v / 0.4, 0, 1)
    moved[:, 0] = -0.10 * points[:, 0] * beyond
    return moved


# Eyes


def glints() -> Shape:
    """Two reflections of a window on each eye; they stay where they are when the eye turns."""
    made = []
    for side in ("left", "right"):
        for across, up, size in ((-10.5, 12.0, 0.17),):
            x, y = np.radians(across), np.radians(up)
            axis = np.array([np.sin(x) * np.cos(y), np.sin(y), np.cos(x) * np.cos(y)])
            right = np.cross([0, 1, 0], axis)
            right /= np.linalg.norm(right)
            over = np.cross(axis, right)
            turn = np.linspace(0, 2 * np.pi, 20, endpoint=False)
            ring = axis + (np.cos(turn)[:, None] * right + np.sin(turn)[:, None] * over) * (
                size / EYE.radius
            )
            points = np.concatenate([axis[None], ring])
            points *= (EYE.radius + 0.03) / np.linalg.norm(points, axis=1, keepdims=True)
            triangles = np.array([(0, 1 + j, 1 + (j + 1) % 20) for j in range(20)])
            made.append((points + eye_of(side), triangles))
    return joined(*made)


def lashes(upper: Float[Array, "n 3"]) -> Shape:
    """A dark edge along the upper rim, longer towards the outer corner.

    Args:
        upper: the left upper rim from the outer to the inner corner.
    """
    s = np.linspace(0, 1, len(upper))
    middle = eye_of("left")
    radial = upper - middle
    radial /= np.linalg.norm(radial, axis=1, keepdims=True)
    along = np.gradient(upper, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    up = np.cross(radial, along)
    up *= np.sign(up[len(up) // 2, 1])
    body = np.sin(np.pi * np.clip(s * 0.9 + 0.12, 0, 1)) ** 0.5
    long = (0.12 + 0.22 * np.exp(-((s - 0.12) ** 2) / 0.09)) * body
    long *= np.clip((1 - s) / 0.12, 0, 1)
    wing = 0.16 * np.exp(-((s / 0.12) ** 2))
    thick = 0.10 * body * np.clip((1 - s) / 0.10, 0, 1)
    inner = upper - radial * 0.05 - up * 0.015
    outer = upper + radial * 0.015 + up * thick[:, None]
    tip = upper + (radial * 0.85 + up * 0.75) * long[:, None] - along * wing[:, None]
    rows = np.concatenate([outer, tip, inner, outer])
    return rows, _grid(4, len(upper), around=False)


# Brows


def brow(skin: Float[Array, "v 3"], normals: Float[Array, "v 3"]) -> Shape:
    """The left brow: a tapered ridge along the brow's line.

    Args:
        skin: the refined head; the first 468 vertices are the points of the face mesh.
        normals: of the skin.
    """
    upper, lower = (list(REGIONS[f"left_brow_{part}"]) for part in ("upper", "lower"))
    line = (skin[upper] * 0.62 + skin[lower] * 0.38)[::-1]  # from the nose outwards
    line[:, 1] += [0.20, 0.10, 0.0, -0.05, -0.02]  # a calm brow is no angry one
    line[:, 0] += [0.12, 0.04, 0.0, 0.0, -0.10]
    spline = CubicSpline(np.linspace(0, 1, 5), line)
    t = np.linspace(0.0, 1.0, 25)
    way = spline(t)
    way[:, 1] += 0.10
    tangent = np.gradient(way, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    near = np.argsort(((way[:, None] - skin[None, :]) ** 2).sum(axis=2), axis=1)[:, :6]
    out = normals[near].mean(axis=1)
    out -= tangent * np.sum(out * tangent, axis=1, keepdims=True)
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    base = skin[near].mean(axis=1)
    way += out * np.sum((base - way) * out, axis=1, keepdims=True)  # onto the skin
    up = np.cross(out, tangent)
    up *= np.sign(up[12, 1])
    body = (np.clip(t / 0.14, 0, 1) ** 0.5) * (np.clip((1 - t) / 0.85, 0, 1) ** 0.65)
    wide = 0.34 * body + 0.004
    high = 0.17 * body + 0.003
    a = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    rows = [
        way[i] + up[i] * wide[i] * np.cos(a)[:, None] + out[i] * high[i] * np.sin(a)[:, None]
        for i in range(len(t))
    ]
    return np.concatenate(rows), _grid(len(t), len(a), around=True)


# Ears


def ear() -> Shape:
    """The left ear: a shell with a rim, a dish and a lobe."""
    around, rings = 40, 13
    phi = np.linspace(0, 2 * np.pi, around, endpoint=False)
    # Outline: u points back, v up. Broad above, a lobe below, flat in front.
    u = 1.45 * np.cos(phi) + 0.22 * np.cos(2 * phi) + 0.1
    v = 2.55 * np.sin(phi)
    u *= 1 + 0.24 * np.sin(phi)
    u -= 0.35 * np.clip(-np.sin(phi), 0, 1)
    rho = np.linspace(0, 1, rings)
    back = 0.5 + 0.5 * np.cos(phi)  # 1 behind, 0 in front
    lobe = np.clip(-np.sin(phi) * 1.4 - 0.45, 0, 1)
    rows = []
    for r in rho:
        rim = (
            0.30
            * np.exp(-(((r - 0.90) / 0.10) ** 2))
            * (0.35 + 0.65 * np.maximum(back, 0.35 * (np.sin(phi) > 0)))
        )
        fold = 0.22 * np.exp(-(((r - 0.60) / 0.13) ** 2)) * back * (1 - lobe)
        dish = -0.42 * np.exp(-((r / 0.42) ** 2))
        flat = 0.16 * lobe * r
        height = dish + (rim + fold) * (1 - 0.85 * lobe) + flat
        rows.append((r * u + 0.15 * (1 - r), r * v - 0.35 * (1 - r), height))
    for r, depth in ((1.02, -0.10), (0.98, -0.28), (0.80, -0.55), (0.55, -0.95)):
        rows.append((r * u, r * v, np.full(around, depth)))
    # The ear stands off the head behind, and leans back a little.
    stand, lean = np.radians(26), np.radians(9)
    points = []
    for a, b, h in rows:
        a, b = a * np.cos(lean) - b * np.sin(lean) * -1, b * np.cos(lean) - a * np.sin(lean)
        x = 7.62 + a * np.sin(stand) + h * np.cos(stand)
        z = -3.5 - a * np.cos(stand) + h * np.sin(stand)
        points.append(np.column_stack([x, 0.55 + b, z]))
    return np.concatenate(points), _grid(len(points), around, around=True, turned=True)


# Hair and shirt

_TOP = np.array([0.0, 3.6, -2.6])
_TILT = np.radians(24)  # of the crown backwards
_HAIRLINE = (  # points on the left half of the hairline, from the forehead to the nape
    (0.0, 9.2, 5.0), (2.6, 9.2, 4.7), (4.9, 8.3, 3.5), (6.3, 6.6, 2.0), (7.0, 4.8, 0.0),
    (7.4, 2.6, -1.8), (7.4, 1.9, -2.7), (7.3, 2.4, -4.4), (7.0, 0.0, -5.6), (6.0, -3.0, -6.6),
    (4.2, -3.9, -7.8), (0.0, -4.4, -8.8),
)  # fmt: skip


def _around_top(p: Array) -> tuple[Array, Array, Array]:
    """Angle from the crown's axis, angle around it (0 in front), and distance."""
    axis = np.array([0.0, np.cos(_TILT), -np.sin(_TILT)])
    front = np.array([0.0, np.sin(_TILT), np.cos(_TILT)])
    away = p - _TOP
    length = np.linalg.norm(away, axis=1)
    psi = np.arccos(np.clip(away @ axis / length, -1, 1))
    return psi, np.arctan2(away[:, 0], away @ front), length


_LOCKS = 22


def hair(skin: Float[Array, "v 3"], rings: int = 24, around: int = 132) -> Shape:
    """Short hair in locks that run from the crown to the hairline and sweep to one side.

    Args:
        skin: the refined head without its neck.
        rings: from the crown to the hairline.
        around: a multiple of the number of locks.
    """
    line = np.array(_HAIRLINE)
    psi, phi, _ = _around_top(line)
    phi[-1] = np.pi
    turn = np.linspace(-np.pi, np.pi, around, endpoint=False)
    axis = np.array([0.0, np.cos(_TILT), -np.sin(_TILT)])
    front = np.array([0.0, np.sin(_TILT), np.cos(_TILT)])
    s_psi, s_phi, s_length = _around_top(skin)
    flat = np.column_stack([s_psi * np.cos(s_phi), s_psi * np.sin(s_phi)])
    reach, fallback = LinearNDInterpolator(flat, s_length), NearestNDInterpolator(flat, s_length)
    rows = []
    for r in (1 - (1 - np.linspace(0, 1, rings)) ** 1.7)[1:]:
        # Locks sweep sideways in front, and lie closer together there.
        swept = turn - 0.55 * r**1.5 * np.exp(-((turn / 1.0) ** 2))
        lock = (swept * _LOCKS / (2 * np.pi)) % 1.0
        crest = 1 - (2 * lock - 1) ** 2
        edge = np.interp(np.abs(turn), phi, psi)
        for _ in range(2):
            edge = (np.roll(edge, 1) + 2 * edge + np.roll(edge, -1)) / 4
        p = r * (edge + (0.030 * (crest - 0.5)) * r**3)
        at = np.column_stack([p * np.cos(turn), p * np.sin(turn)])
        length = reach(at)
        length = np.where(np.isnan(length), fallback(at), length)
        frontal = np.exp(-(((turn + 0.15) / 0.85) ** 2))
        sides = np.exp(-(((np.abs(turn) - 1.75) / 0.5) ** 2))
        full = 0.95 + 0.75 * frontal * r**2 - 0.35 * sides * r
        full = full + 0.26 * (crest - 0.55) * np.clip(r * 1.6 - 0.25, 0, 1)
        thick = full * np.sqrt(np.clip(1 - r**8, 0, 1)) - 0.15 * r**20
        way = (
            np.cos(p)[:, None] * axis
            + (np.sin(p) * np.cos(turn))[:, None] * front
            + (np.sin(p) * np.sin(turn))[:, None] * np.array([1.0, 0.0, 0.0])
        )
        rows.append(_TOP + way * (length + thick)[:, None])
    crown = rows[0].mean(axis=0)
    points = np.concatenate([crown[None], *rows])
    first = [(0, 1 + j, 1 + (j + 1) % around) for j in range(around)]
    rest = _grid(len(rows), around, around=True, turned=True) + 1
    return points, np.concatenate([np.array(first), rest])


def shirt(around: int = 48) -> Shape:
    """A collar and a hint of shoulders, closed below."""
    profile = np.array(
        [  # y, half width, half depth, z of the middle
            (-12.9, 4.5, 4.6, -4.3), (-12.1, 4.75, 4.85, -4.25), (-11.75, 5.15, 5.2, -4.2),
            (-11.95, 5.55, 5.6, -4.15), (-12.6, 5.85, 5.85, -4.1), (-13.2, 6.7, 6.2, -4.0),
            (-14.1, 9.2, 6.9, -3.8), (-15.4, 12.0, 7.6, -3.6), (-17.2, 13.7, 8.1, -3.4),
            (-19.0, 14.2, 8.3, -3.3), (-19.75, 14.0, 8.1, -3.3), (-20.0, 13.3, 7.5, -3.3),
            (-20.0, 6.0, 3.4, -3.3),
        ]
    )  # fmt: skip
    fine = PchipInterpolator(np.arange(len(profile)), profile)(np.linspace(0, len(profile) - 1, 27))
    phi = np.linspace(0, 2 * np.pi, around, endpoint=False)
    c, s = np.sin(phi), np.cos(phi)
    rows = []
    for y, wide, deep, z in fine:
        square = np.clip((wide - 6) / 8, 0, 1)
        power = 1 - 0.22 * square
        x = wide * np.sign(c) * np.abs(c) ** power
        d = deep * np.sign(s) * np.abs(s) ** power
        dip = -0.75 * np.exp(-(((wide - 5.5) / 1.6) ** 2)) * np.clip(s, 0, 1) ** 2 * (y > -17)
        rows.append(np.column_stack([x, np.full(around, y) + dip, z + d]))
    points = np.concatenate([*rows, [[0.0, -20.0, -3.3]]])
    last = [(len(rows) - 1) * around + j for j in range(around)]
    triangles = np.concatenate(
        [
            _grid(len(rows), around, around=True, turned=True),
            np.array(_fan(last, len(points) - 1))[:, ::-1],
        ]
    )
    return points, triangles
