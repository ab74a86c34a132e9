"""The coarse head: the face mesh, made friendlier, with lids, a mouth cavity, skull and neck.

Centimetres, in the head frame of :data:`mien.topology.CANONICAL`. The first 468 vertices are the
points of the face mesh. From its three holes and its outline rings of vertices go on: one into
each eye (the thickness of the lids), several into the mouth (a bag), several over skull and throat
down to the neck.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import RBFInterpolator

from ...arrays import Array, Bool, Float, Int
from ...topology import CANONICAL, MIRROR, REGIONS, TRIANGLES
from . import skull
from .subdivide import subdivide

__all__ = ["EYE", "LIDS", "LIPS", "Cage", "Eye", "build", "eye_of"]

FACE = 468

LIDS: dict[str, tuple[int, tuple[int, ...], int, tuple[int, ...]]] = {
    # Outer corner, upper rim, inner corner, lower rim; upper and lower points lie opposite.
    "left": (
        263, (466, 388, 387, 386, 385, 384, 398), 362, (249, 390, 373, 374, 380, 381, 382),
    ),
    "right": (
        33, (246, 161, 160, 159, 158, 157, 173), 133, (7, 163, 144, 145, 153, 154, 155),
    ),
}  # fmt: skip
"""Rims of the lids."""

LIPS: tuple[int, tuple[int, ...], int, tuple[int, ...]] = (
    308, (415, 310, 311, 312, 13, 82, 81, 80, 191), 78, (324, 318, 402, 317, 14, 87, 178, 88, 95),
)  # fmt: skip
"""Where the lips meet: left corner, upper lip, right corner, lower lip, opposite each other."""

FOLD = (359, 467, 260, 259, 257, 258, 286, 414, 463, 341, 256, 252, 253, 254, 339, 255)
"""The ring around the rims of the left eye, from its outer corner over the upper lid."""


@dataclass(frozen=True, slots=True)
class Eye:
    """An eyeball, a sphere; x is that of the left one."""

    x: float = 3.55
    y: float = 2.85
    z: float = 1.95
    radius: float = 1.90


EYE = Eye()
CLEAR = 0.20  # of the lids' rims before the eyeball
_SLIT = (1.76, 0.90, 0.76)  # half of the width, rise of the upper and fall of the lower lid
_SLANT = 0.09  # by which the outer corner is higher than the inner


@dataclass(frozen=True, slots=True, eq=False)
class Cage:
    """A mesh to be subdivided.

    Attributes:
        points: (n, 3).
        triangles: (t, 3), counter-clockwise from outside.
        inside: (t,), belongs to the mouth's bag.
        creases: (c, 2), edges that stay sharp: rims of lids, lips where they meet.
        mirror: (n,), vertex i of the mirrored head is vertex ``mirror[i]``; its own inverse.
        lid_rings: the inner ring of each eye, opposite the rim in the order of :func:`rim`.
        bag_rings: (rings, 20), opposite the inner lips in the order of :func:`lips`.
        skull_rings: (rings, 36), opposite the face's oval.
        throat: the vertex at the back of the bag.
    """

    points: Float[Array, "n 3"]
    triangles: Int[Array, "t 3"]
    inside: Bool[Array, "t"]
    creases: Int[Array, "c 2"]
    mirror: Int[Array, "n"]
    lid_rings: dict[str, list[int]]
    bag_rings: list[list[int]]
    skull_rings: list[list[int]]
    throat: int


def eye_of(side: str) -> Float[Array, "3"]:
    """Centre of an eyeball."""
    return np.array([EYE.x if side == "left" else -EYE.x, EYE.y, EYE.z])


def rim(side: str) -> list[int]:
    """The rim of the lids as a ring: outer corner, upper, inner corner, lower back again."""
    outer, upper, inner, lower = LIDS[side]
    return [outer, *upper, inner, *lower[::-1]]


def lips() -> list[int]:
    """Where the lips meet as a ring: left corner, upper, right corner, lower back again."""
    left, upper, right, lower = LIPS
    return [left, *upper, right, *lower[::-1]]


def _flip(points: Array) -> Array:
    flipped: Array = points * np.array([-1.0, 1.0, 1.0])
    return flipped


def _bump(points: Array, centre: tuple[float, float, float], width: float) -> Array:
    """1 at the centre and at its mirror image, falling off like a bell: (n, 1)."""
    total = np.zeros(len(points))
    middles = {centre, (-centre[0], centre[1], centre[2])}
    for middle in middles:
        total += np.exp(-((points - np.array(middle)) ** 2).sum(axis=1) / (2 * width**2))
    return total[:, None]


def face() -> Float[Array, "468 3"]:
    """The canonical face with softer features, larger eyes, and lips that touch."""
    p = CANONICAL[:FACE].astype(np.float64)
    p = _soften(p)
    # A smaller nose, a little turned up; a finer chin and jaw; fuller cheeks.
    nose = _bump(p, (0.0, -0.8, 6.6), 1.5)
    p += nose * ((np.array([0.0, 0.1, 5.6]) - p) * np.array([0.34, 0.20, 0.30]))
    p[:, 1:2] += 0.16 * _bump(p, (0.0, -0.9, 7.2), 0.9)
    low = np.clip((-1.0 - p[:, 1]) / 8.0, 0, 1)[:, None]
    p *= np.concatenate([1 - 0.16 * low**1.3, 1 - 0.07 * low, np.ones_like(low)], axis=1)
    p += _bump(p, (4.3, -1.4, 4.0), 1.7) * np.array([0.0, 0.0, 0.28])
    p += _bump(p, (0.0, -8.0, 4.2), 1.5) * np.array([0.0, -0.1, 0.35])
    p[:, 0] *= 1 + 0.02 * np.exp(-(((p[:, 1] + 0.5) / 3) ** 2))
    p = _rounded(p)
    p = _mouth(p)
    p = _eyes(p)
    even: Array = (p + _flip(p)[MIRROR[:FACE]]) / 2
    return even


def _rounded(p: Array) -> Array:
    """Bring the outline onto the smooth head, and the cheeks and the forehead along."""
    oval = list(REGIONS["face_oval"])
    kept = np.linalg.norm((p - [0.0, -0.5, 6.0]) / [4.6, 5.6, 6.0], axis=1) < 1
    knots = np.concatenate([p[oval], p[kept]])
    # The chin stays as it is: the smooth head has none.
    share = np.clip((p[oval, 1:2] + 8.0) / 4.5, 0, 1)
    moved = np.concatenate(
        [share * (skull.on_surface(p[oval]) - p[oval]), np.zeros((kept.sum(), 3))]
    )
    warp = RBFInterpolator(knots, moved, kernel="thin_plate_spline", smoothing=0.05)
    out: Array = p + warp(p)
    return out


def _soften(p: Array) -> Array:
    """Smooth away what is a particular face's: all but eyes, lips and the nose's base."""
    near = neighbours(_triangles(), FACE)
    keep = np.zeros(FACE, bool)
    for name in ("lips_outer", "lips_inner", "left_eye", "right_eye", "nose_base", "face_oval"):
        keep[list(REGIONS[name])] = True
    out = p.copy()
    for _ in range(4):
        smooth = np.array([out[n].mean(axis=0) for n in near])
        out = np.where(keep[:, None], out, out + 0.5 * (smooth - out))
    return out


def _mouth(p: Array) -> Array:
    """Lips that meet in a line with its corners raised a little, a narrower mouth."""
    p = p.copy()
    _, upper, _, lower = LIPS
    around = _bump(p, (0.0, -4.35, 5.0), 1.6)
    p[:, 0:1] *= 1 - 0.07 * np.clip(around, 0, 1)
    for a, b in zip(upper, lower, strict=True):
        p[a] = p[b] = (p[a] + p[b]) / 2
    corner = _bump(p, (2.3, -4.2, 4.2), 0.75)
    p += corner * np.array([0.0, 0.24, -0.05])
    return p


def slit(side: str) -> Float[Array, "16 3"]:
    """The rims of the open lids, in the order of :func:`rim`, on a sphere before the eyeball."""
    half, rise, fall = _SLIT
    turn = np.linspace(0, np.pi, 9)
    across = np.cos(turn)
    up = rise * (1 - np.abs(across - 0.0) ** 2.4) ** 0.85 * (1 - 0.10 * across)
    down = -fall * (1 - np.abs(across) ** 2.2) ** 0.9 * (1 + 0.10 * across)
    x = np.concatenate([across, across[-2:0:-1]]) * half
    y = np.concatenate([up, down[-2:0:-1]]) + _SLANT * x / half
    z = np.sqrt(np.maximum((EYE.radius + CLEAR) ** 2 - x**2 - y**2, 0.05))
    points = np.column_stack([x, y, z]) + eye_of("left")
    return points if side == "left" else _flip(points)


def _eyes(p: Array) -> Array:
    """Lay the rims on the slit and let the skin around follow."""
    p = p.copy()
    for side in LIDS:
        ring, target = rim(side), slit(side)
        fold: tuple[int, ...] = FOLD
        if side == "right":
            fold = tuple(int(MIRROR[i]) for i in fold)
        middle = eye_of(side)
        # The next ring keeps its distance from the rim.
        grown = target + (target - middle) * np.array([0.36, 0.50, 0.0])
        away = np.array([0.0, 0.0, -0.12]) * np.ones((16, 1))
        upper = np.arange(16)
        grown[(upper > 0) & (upper < 8), 1] += 0.10
        grown += away
        grown = _push(grown, middle, EYE.radius + 0.16)
        far = np.linalg.norm((p - middle)[:, :2], axis=1) > 3.1
        knots = np.concatenate([p[ring], p[list(fold)], p[far]])
        moved = np.concatenate([target - p[ring], grown - p[list(fold)], np.zeros((far.sum(), 3))])
        kept, first = np.unique(knots.round(6), axis=0, return_index=True)
        warp = RBFInterpolator(kept, moved[first], kernel="linear")
        p = p + warp(p)
        p[ring] = target
    return p


def _push(p: Array, centre: Array, radius: float) -> Array:
    """Points within a sphere moved out to its surface."""
    away = p - centre
    length = np.linalg.norm(away, axis=1, keepdims=True)
    out: Array = centre + away * np.maximum(radius / np.maximum(length, 1e-9), 1)
    return out


def _triangles() -> Int[Array, "t 3"]:
    """Those of the face mesh, with six edges turned so that both halves are alike."""
    kept: dict[tuple[int, ...], list[int]] = {}
    for t in TRIANGLES.tolist():
        if CANONICAL[t, 0].sum() > -1e-6:
            m = MIRROR[t].tolist()[::-1]
            kept[tuple(sorted(t))] = t
            kept.setdefault(tuple(sorted(m)), m)
    return np.array(list(kept.values()), np.int32)


def neighbours(triangles: Array, count: int) -> list[list[int]]:
    near: list[set[int]] = [set() for _ in range(count)]
    for a, b, c in triangles.tolist():
        near[a] |= {b, c}
        near[b] |= {a, c}
        near[c] |= {a, b}
    return [sorted(n) for n in near]


def _blend(p: Array, triangles: Array, rings: Array) -> Array:
    """Smooth where the face goes over into the skull: two steps to either side of the oval."""
    near = neighbours(triangles, len(p))
    share = np.zeros(len(p))
    share[rings[:3]] = np.array([0.5, 0.5, 0.3])[:, None] * (p[rings[:1], 1] < 1)
    share[rings[0]] = np.maximum(share[rings[0]], 0.4)
    inside = {n for v in rings[0] for n in near[v] if n < FACE and p[n, 1] > -6} - set(
        rings[0].tolist()
    )
    share[sorted(inside)] = 0.5
    out = p.copy()
    for _ in range(6):
        smooth = np.array([out[n].mean(axis=0) if n else out[i] for i, n in enumerate(near)])
        out += share[:, None] * (smooth - out)
    return out


def _inflate(p: Array, triangles: Array, creases: Array, rings: Array) -> Array:
    """Move the skull's vertices out until the subdivided skull is where they were."""
    matrix = subdivide(triangles, creases, len(p), 2)[0][: len(p)]
    wanted, out = p.copy(), p.copy()
    moved = rings[:-1].ravel()
    for _ in range(12):
        out[moved] += (wanted - matrix @ out)[moved]
    return out


def _bag(p: Array) -> Float[Array, "rings 20 3"]:
    """Rings behind the lips: over the inside of the lips into a cavity."""
    ring = p[lips()]
    side = np.ones(20)
    side[11:] = -1
    side[[0, 10]] = 0
    rings = []
    middle = ring.mean(axis=0)
    for back, rise, wide in (
        (0.45, 0.42, 1.04),
        (1.2, 1.25, 1.02),
        (3.0, 1.7, 0.95),
        (5.0, 1.2, 0.7),
    ):
        q = ring.copy()
        fade = (1 - np.abs(ring[:, 0] / ring[:, 0].max()) ** 2.5).clip(0, 1)
        q[:, 0] *= wide
        q[:, 1] += side * rise * (0.25 + 0.75 * fade)
        q[:, 2] = ring[:, 2] - back
        if back > 1:
            q[:, 2] = middle[2] + (ring[:, 2] - middle[2]) * max(1 - back / 4, 0.2) - back + 0.2
        rings.append(q)
    return np.array(rings)


def build() -> Cage:
    """The whole cage."""
    p = face()
    points, triangles, inside = [p], _triangles().tolist(), []
    inside = [False] * len(triangles)
    creases: list[tuple[int, int]] = []
    mirror = MIRROR[:FACE].tolist()
    count = FACE

    def add(ring: Array) -> list[int]:
        nonlocal count
        new = list(range(count, count + len(ring)))
        points.append(ring)
        mirror.extend([-1] * len(ring))
        count += len(ring)
        return new

    def join(a: list[int], b: list[int], x: Array, bag: bool) -> None:
        """A strip of triangles between two rings, alike on both sides."""
        m = len(a)
        for i in range(m):
            j = (i + 1) % m
            left = x[i] + x[j] > 0
            quad = (
                ((a[i], b[i], b[j]), (a[i], b[j], a[j]))
                if left
                else ((a[i], b[i], a[j]), (a[j], b[i], b[j]))
            )
            triangles.extend(list(t) for t in quad)
            inside.extend([bag, bag])

    lid_rings = {}
    for side in LIDS:
        ring = rim(side)
        centre = eye_of(side)
        towards = p[ring] - centre
        # Behind the rim, just within the eyeball, so that nothing is seen between the two.
        inner = centre + towards / np.linalg.norm(towards, axis=1, keepdims=True) * (
            EYE.radius - 0.10
        )
        new = add(inner)
        lid_rings[side] = new
        x = np.ones(16) if side == "left" else -np.ones(16)
        join(*((new, ring) if side == "left" else (ring, new)), x, False)
        creases += list(zip(ring, [*ring[1:], ring[0]], strict=True))
    ring = lips()
    creases += list(zip(ring, [*ring[1:], ring[0]], strict=True))
    bag_rings = []
    last = ring
    for shape in _bag(p):
        new = add(shape)
        join(new, last, shape[:, 0], True)
        bag_rings.append(new)
        last = new
    throat = count
    add(points[-1].mean(axis=0, keepdims=True) - [[0, 0, 0.6]])
    for i in range(20):
        triangles.append([last[i], last[(i + 1) % 20], throat])
        inside.append(True)
    oval = list(REGIONS["face_oval"])
    skull_rings = []
    last = oval
    for shape in skull.rings(p):
        new = add(shape)
        join(last, new, shape[:, 0], False)
        skull_rings.append(new)
        last = new
    every = np.concatenate(points)
    mesh, sharp = np.array(triangles, np.int32), np.array(creases, np.int32)
    every = _blend(every, mesh, np.array([oval, *skull_rings]))
    every = _inflate(every, mesh, sharp, np.array(skull_rings))
    return Cage(
        every,
        mesh,
        np.array(inside),
        sharp,
        _mirror(every, mirror),
        lid_rings,
        bag_rings,
        skull_rings,
        throat,
    )


def _mirror(points: Array, known: list[int]) -> Array:
    flipped = _flip(points)
    found = np.array(known)
    for i in np.flatnonzero(found < 0):
        off = np.linalg.norm(points[FACE:] - flipped[i], axis=1)
        found[i] = FACE + int(off.argmin())
        # Upper and lower of the bag never share a place, so the nearest is the right one.
    if not np.array_equal(found[found], np.arange(len(found))):
        raise ValueError("the cage is not symmetric")
    return found
