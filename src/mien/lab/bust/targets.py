"""The 52 morph targets of the skin: learnt displacements, put right where a bust needs it.

All in centimetres. The order of work: displacements of the 468 points (:mod:`.learn`), strength
and smoothing, lids onto the eyeball, lips that touch and never cross, the mouth's bag and the
skull; then subdivision, and lids pushed out of the eyeball once more. What is learnt or modelled
for the left is mirrored to the right, so both are exactly alike.

Lips never cross, for any weights: of every target but mouthClose the upper lip's rim rises at
least as much as the lower's, and sums of such targets do the same. mouthClose takes back what
jawOpen opens, and belongs to it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.sparse import csr_matrix, identity
from scipy.sparse.linalg import spsolve

from ...arrays import Array, Float
from ...channels import ARKIT_52
from ...topology import REGIONS
from . import cage as form
from .cage import CLEAR, EYE, FACE, LIDS, LIPS, Cage, eye_of

__all__ = ["GAIN", "Jaw", "on_cage", "rim_radius", "settle_lids"]

GAIN: Mapping[str, float] = {
    "jawOpen": 0.80, "jawForward": 1.0, "jawLeft": 1.4, "mouthLeft": 0.75,
    "mouthSmileLeft": 1.05, "mouthFrownLeft": 1.7, "mouthFunnel": 0.85, "mouthPucker": 1.05,
    "mouthStretchLeft": 1.15, "mouthRollLower": 0.55, "mouthRollUpper": 0.55,
    "mouthShrugLower": 0.75, "mouthShrugUpper": 0.75, "mouthPressLeft": 1.9,
    "mouthLowerDownLeft": 1.7, "mouthUpperUpLeft": 0.85, "mouthDimpleLeft": 1.2,
    "browDownLeft": 1.6, "browInnerUp": 1.5, "browOuterUpLeft": 1.15, "cheekPuff": 0.85,
    "cheekSquintLeft": 1.15, "noseSneerLeft": 0.85,
    "eyeBlinkLeft": 1.3, "eyeLookDownLeft": 1.45, "eyeLookUpLeft": 1.8, "eyeLookInLeft": 1.5,
    "eyeLookOutLeft": 1.5, "eyeSquintLeft": 1.7, "eyeWideLeft": 1.5,
}  # fmt: skip
"""Strength of what was learnt on our head, of a left channel and its right partner alike."""

CLOSING = {"eyeSquint": 0.27, "cheekSquint": 0.21, "eyeLookDown": 0.38}
"""Share of the opening between the lids that a target takes at weight 1."""

_MEETING = 0.22  # of the way from the lower rim to the upper at which the lids meet
_SINK = 0.05  # centimetres that a rising lower lid goes in
_TOUCH = 0.08  # centimetres that lips may part in a target that leaves the mouth shut


def rim_radius() -> float:
    """Distance of the lids' rims from the middle of the eyeball."""
    return EYE.radius + CLEAR


class Jaw:
    """How a target moves the lower jaw as a whole: about a hinge, or along."""

    HINGE = np.array([0.0, 0.0, -2.2])

    def __init__(self, face: Array, moved: Array, name: str) -> None:
        chin = [152, 175, 148, 377, 176, 400, 171, 396]
        shift = moved[chin].mean(axis=0)
        self.angle, self.shift = 0.0, np.zeros(3)
        if name in ("jawOpen", "tongueOut"):
            arm = face[chin].mean(axis=0) - self.HINGE
            away = arm + shift
            self.angle = float(np.arctan2(arm[1], arm[2]) - np.arctan2(away[1], away[2]))
        elif name.startswith("jaw"):
            self.shift = shift * [name != "jawForward", 0.3, name == "jawForward"]

    def __call__(self, p: Float[Array, "n 3"]) -> Float[Array, "n 3"]:
        """Displacement of points that are fixed to the jaw."""
        c, s = np.cos(self.angle), np.sin(self.angle)
        turn = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
        moved: Array = (p - self.HINGE) @ turn.T + self.HINGE - p + self.shift
        return moved


def on_cage(
    cage: Cage, learnt: Mapping[str, Array]
) -> tuple[dict[str, Float[Array, "n 3"]], dict[str, Jaw]]:
    """Displacements of all vertices of the cage, by name, and the jaw's motion."""
    left = [n for n in ARKIT_52 if not n.endswith("Right") or n == "jawRight"]
    near = form.neighbours(cage.triangles[(cage.triangles < FACE).all(axis=1)], FACE)
    face: dict[str, Array] = {}
    for name in ARKIT_52:
        if name in learnt:
            gain = GAIN.get(_left(name), 1.0)
            face[name] = gain * _smooth(learnt[name], near)
    face["tongueOut"] = _parted(face)
    face["cheekPuff"] = face["cheekPuff"] + _puffed(cage)
    face["mouthPucker"] = face["mouthPucker"] + _gathered(cage)
    for name in left:
        if name.startswith("eye"):  # moves nothing below the nose
            high = np.clip((cage.points[:FACE, 1:2] + 2.4) / 2.2, 0, 1)
            face[name] = face[name] * high * high * (3 - 2 * high)
        if name.startswith(("eye", "cheekSquint")):
            face[name] = _lids(cage, name, face[name])
        else:
            # A mouth or a brow does not close the eyes; many at once would.
            face[name] = face[name].copy()
            face[name][[*form.rim("left"), *form.rim("right")]] = 0
    for name in left:
        if name != "mouthClose":
            face[name] = _lips(cage, face[name], rolls="Roll" in name)
    face["mouthClose"] = _closing(cage, face["jawOpen"], near)
    every, jaws = {}, {}
    for name in left:
        jaws[name] = Jaw(cage.points[:FACE], face[name], name)
        every[name] = _extended(cage, face[name], jaws[name])
    for name in left:
        other = _other(name)
        if other == name:
            every[name] = (every[name] + _mirrored(cage, every[name])) / 2
        else:
            every[other] = _mirrored(cage, every[name])
            jaws[other] = Jaw(cage.points[:FACE], every[other][:FACE], other)
    return {name: every[name] for name in ARKIT_52}, jaws


def _left(name: str) -> str:
    return name.replace("Right", "Left")


def _other(name: str) -> str:
    return name.replace("Left", "Right") if "Left" in name else _left(name)


def _mirrored(cage: Cage, moved: Array) -> Array:
    flipped: Array = (moved * np.array([-1.0, 1.0, 1.0]))[cage.mirror]
    return flipped


def _smooth(moved: Array, near: list[list[int]]) -> Array:
    out = moved.copy()
    for _ in range(2):
        out = 0.7 * out + 0.3 * np.array([out[n].mean(axis=0) for n in near])
    return out


# Lids


def _lids(cage: Cage, name: str, moved: Array) -> Array:
    """Rims that stay on their sphere; a blink that closes."""
    p, moved = cage.points, moved.copy()
    side = "left" if name.endswith("Left") else "right"
    outer, upper, inner, lower = LIDS[side]
    middle = eye_of(side)
    u, low = list(upper), list(lower)
    # A lower lid that rises keeps closer to the eyeball, so that an upper one slides over it.
    sink = _SINK * np.sin(np.linspace(0, np.pi, len(low) + 2))[1:-1, None]
    sink = sink * name.startswith(("eyeBlink", "eyeSquint", "cheekSquint"))
    if name.startswith("eyeBlink"):
        meet = p[low] + _MEETING * (p[u] - p[low])
        moved[u] = _on_sphere(meet, middle, rim_radius()) - p[u]
        moved[low] = _on_sphere(meet, middle, rim_radius() - sink) - p[low]
        moved[[outer, inner]] = 0
        fold = list(form.FOLD)
        follow = np.zeros_like(moved)
        follow[fold[1:8]] = 0.42 * moved[[u[0], u[1], u[2], u[3], u[4], u[5], u[6]]]
        moved[fold[1:8]] = follow[fold[1:8]]
    else:
        ring = [outer, *upper, inner]
        moved[ring] = _on_sphere(p[ring] + moved[ring], middle, rim_radius()) - p[ring]
        moved[low] = _on_sphere(p[low] + moved[low], middle, rim_radius() - sink) - p[low]
        if name.removesuffix("Left") in CLOSING:
            # The same share of the opening everywhere, so that sums close it everywhere at once.
            gap = (moved[u] - moved[low])[:, 1]
            wanted = -CLOSING[name.removesuffix("Left")] * (p[u] - p[low])[:, 1]
            moved[u, 1] += (wanted - gap) / 2
            moved[low, 1] -= (wanted - gap) / 2
    return moved


def _on_sphere(p: Array, middle: Array, radius: float | Array) -> Array:
    away = p - middle
    out: Array = middle + radius * away / np.linalg.norm(away, axis=1, keepdims=True)
    return out


def settle_lids(
    points: Float[Array, "v 3"],
    moved: dict[str, Float[Array, "v 3"]],
    free: Array,
    least: float = 0.07,
) -> dict[str, Float[Array, "v 3"]]:
    """Push what would lie in an eyeball at half or at full weight out again.

    Args:
        points: the refined head, no point of which lies within an eyeball but those not ``free``.
        moved: displacements by name.
        free: bool (v,), what may be pushed; not the inner side of the lids.
        least: distance that is kept from the eyeball.
    """
    out = {}
    for name, d in moved.items():
        new = d
        for side in LIDS:
            middle = eye_of(side)
            close = free & (np.linalg.norm(points - middle, axis=1) < EYE.radius + 1.6)
            if not close.any() or not np.abs(d[close]).max() > 1e-6:
                continue
            p, e = points[close], d[close].copy()
            for _ in range(6):
                for weight in (1.0, 0.75, 0.5, 0.25):
                    at = p + weight * e - middle
                    length = np.linalg.norm(at, axis=1, keepdims=True)
                    lack = np.maximum(EYE.radius + least - length, 0)
                    e += lack * at / length / weight
            new = new.copy()
            new[close] = e
        out[name] = new
    return out


# Lips


def _spread(cage: Cage, rim: list[int], shift: Array, above: bool) -> Array:
    """A shift of a lip's rim, carried on to the skin around, fading."""
    p = cage.points[:FACE]
    line = p[list(rim)]
    away = np.linalg.norm(p[:, None] - line[None], axis=2)
    share = np.exp(-(away**2) / (2 * 0.45**2)) + 1e-12
    mean = (share @ shift) / share.sum(axis=1, keepdims=True)
    fade = np.exp(-(away.min(axis=1) ** 2) / (2 * 0.75**2))
    beside = _above(cage) if above else ~_above(cage)
    out: Array = mean * (fade * beside)[:, None]
    out[list(rim)] = shift
    return out


def _above(cage: Cage) -> Array:
    """Whether a point belongs to the upper lip's side of the face."""
    p = cage.points[:FACE]
    _, upper, _, lower = LIPS
    line = p[list(upper)]
    order = np.argsort(line[:, 0])
    above: Array = p[:, 1] > np.interp(p[:, 0], line[order, 0], line[order, 1])
    above[list(upper)] = True
    above[list(lower)] = False
    return above


def _lips(cage: Cage, moved: Array, rolls: bool) -> Array:
    """Rims that part or stay together, and never cross."""
    _, upper, _, lower = LIPS
    u, low = moved[list(upper)], moved[list(lower)]
    gap = (u - low)[:, 1]
    wanted = np.maximum(gap - _TOUCH, 0)
    together = np.exp(-wanted / 0.25)[:, None]
    mean = (u + low) / 2
    new_u = u + together * (mean - u)
    new_l = low + together * (mean - low)
    if rolls:
        new_u[:, 2], new_l[:, 2] = u[:, 2], low[:, 2]
    new_u[:, 1] = mean[:, 1] + wanted / 2
    new_l[:, 1] = mean[:, 1] - wanted / 2
    out: Array = (
        moved
        + _spread(cage, list(upper), new_u - u, above=True)
        + _spread(cage, list(lower), new_l - low, above=False)
    )
    return out


def _closing(cage: Cage, opened: Array, near: list[list[int]]) -> Array:
    """mouthClose: what takes jawOpen's lips to a mouth that is shut over the open jaw.

    The rims meet halfway. What lies between them and the skin that the jaw alone moves is as
    smooth as can be: the Laplacian of its displacement is least.
    """
    p = cage.points[:FACE]
    left, upper, right, lower = LIPS
    u, low = list(upper), list(lower)
    middle = (opened[u] + opened[low]) / 2
    # A parabola, so that neither a corner nor the middle stands out.
    curve = np.linalg.lstsq(_square(p[u]), middle[:, 1:], rcond=None)[0]
    shut = opened.copy()
    for rim in (u, low, [left, right]):
        shut[rim] = np.column_stack([np.zeros(len(rim)), _square(p[rim]) @ curve])
    away = np.linalg.norm((p - [0.0, -4.4, 4.6]) / [3.6, 2.6, 3.0], axis=1)
    free = away < 1
    free[[*u, *low, left, right]] = False
    rows = np.repeat(np.arange(FACE), [len(n) for n in near])
    columns = np.concatenate([np.array(n) for n in near])
    share = 1 / np.repeat([float(len(n)) for n in near], [len(n) for n in near])
    laplacian = identity(FACE) - csr_matrix((share, (rows, columns)), (FACE, FACE))
    # Only where something is free does the smoothness count.
    used = laplacian[np.asarray(abs(laplacian)[:, free].sum(axis=1)).ravel() > 0]
    inner, known = used[:, free], used[:, ~free] @ shut[~free]
    shut[free] = np.column_stack(
        [spsolve((inner.T @ inner).tocsc(), -inner.T @ known[:, axis]) for axis in range(3)]
    )
    out: Array = shut - opened
    return out


def _square(p: Array) -> Array:
    return np.column_stack([np.ones(len(p)), p[:, 0] ** 2])


def _puffed(cage: Cage) -> Array:
    """Air in the cheeks, of which ICT-FaceKit's lips have the most."""
    p = cage.points[:FACE]
    middle = np.array([4.1, -4.1, 3.0])
    bell = sum(
        np.exp(-(((p - middle * [side, 1, 1]) / [1.6, 1.7, 2.4]) ** 2).sum(axis=1) / 2)
        * np.array([[0.62 * side], [0.0], [0.42]])
        for side in (1, -1)
    )
    out: Array = np.asarray(bell).T
    return out


def _gathered(cage: Cage) -> Array:
    """Lips drawn together sideways."""
    p = cage.points[:FACE]
    around = np.exp(-(((p - [0, -4.2, 5.0]) / [1.9, 1.1, 2.0]) ** 2).sum(axis=1) / 2)
    out: Array = np.column_stack([-0.22 * p[:, 0] * around, 0 * around, 0.12 * around])
    return out


def _parted(face: dict[str, Array]) -> Array:
    """Lips that let the tongue through."""
    out: Array = 0.46 * face["jawOpen"] + 0.15 * face["mouthFunnel"] * [1, 0.5, 0.3]
    return out


# Beyond the face


def _extended(cage: Cage, face: Array, jaw: Jaw) -> Array:
    """The same for the vertices beyond the face."""
    p = cage.points
    out = np.zeros_like(p)
    out[:FACE] = face
    for side, ring in cage.lid_rings.items():
        at = p[form.rim(side)] + face[form.rim(side)]
        if np.abs(face[form.rim(side)]).max() > 0:
            out[ring] = _on_sphere(at, eye_of(side), EYE.radius - 0.10) - p[ring]
    around = form.lips()
    down = np.full((20, 1), 0.5)
    down[1:10], down[11:] = 0.0, 1.0
    for ring, share in zip(cage.bag_rings, (0.97, 0.8, 0.35, 0.0), strict=True):
        out[ring] = share * face[around] + (1 - share) * down * jaw(p[ring])
    out[cage.throat] = 0.5 * jaw(p[[cage.throat]])[0]
    oval = list(REGIONS["face_oval"])
    length = np.zeros(len(oval))
    last, reach = p[oval], 8.0
    for ring in cage.skull_rings[:-2]:
        length = length + np.linalg.norm(p[ring] - last, axis=1)
        last = p[ring]
        fade = np.clip(1 - length / reach, 0, 1) ** 2
        follow = face[oval]
        for _ in range(2):
            follow = (np.roll(follow, 1, axis=0) + 2 * follow + np.roll(follow, -1, axis=0)) / 4
        out[ring] = fade[:, None] * follow
    return out
