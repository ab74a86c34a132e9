"""The whole bust as arrays: every part in metres, its displacements, where its mirror image is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from scipy.spatial import cKDTree

from ...arrays import Array, Float, Int
from ...channels import ARKIT_52
from . import cage as form
from . import paint, parts, targets
from .cage import LIDS, LIPS, Cage
from .subdivide import coarse, subdivide

__all__ = ["Part", "assemble", "pack"]

SCALE = 0.011
"""Metres per centimetre of the canonical face: it is a little larger than life."""

FLOOR = -20.0  # of the bust, in the canonical face's centimetres
QUANTUM = 2e-5  # metres; of displacements in the file
GRAIN = 7e-6  # metres; of positions
MIDDLE = 0.19  # metres above the foot, from where positions count
_LEVELS = 1

Chain: TypeAlias = tuple[int, ...]


@dataclass(slots=True, eq=False)
class Part:
    """One surface of the bust, centimetres."""

    points: Float[Array, "n 3"]
    triangles: Int[Array, "t 3"]
    moved: Mapping[str, Float[Array, "n 3"]] = field(default_factory=dict)
    paired: bool = False  # the second half of the vertices mirrors the first


def assemble(learnt: Mapping[str, Array]) -> tuple[dict[str, Part], dict[str, Array]]:
    """All parts, and what else the file holds: texture coordinates, colours, the coarse skin.

    Args:
        learnt: displacements of the face mesh's points (:mod:`.learn`).
    """
    cage = form.build()
    matrix, triangles, _, origin = subdivide(
        cage.triangles, cage.creases, len(cage.points), _LEVELS
    )
    skin = matrix @ cage.points
    moved, jaws = targets.on_cage(cage, learnt)
    behind = np.zeros(len(cage.points))
    for ring in cage.lid_rings.values():
        behind[ring] = 1
    free = (matrix @ behind) < 1e-9
    fine = targets.settle_lids(skin, {n: matrix @ d for n, d in moved.items()}, free)
    inside = cage.inside[origin]
    out: dict[str, Part] = {}
    for name, chosen in (("skin", ~inside), ("mouth", inside)):
        used, small = np.unique(triangles[chosen], return_inverse=True)
        out[name] = Part(skin[used], small.reshape(-1, 3), {n: d[used] for n, d in fine.items()})
    for name, shape, share in (
        ("teeth", parts.teeth(upper=False), 1.0),
        ("gums", parts.gums(upper=False), 1.0),
        ("tongue", parts.tongue(), 0.92),
    ):
        points, mesh = shape
        with_jaw = {n: share * jaw(points) for n, jaw in jaws.items()}
        if name == "tongue":
            with_jaw["tongueOut"] = parts.tongue_out(points)
            out[name] = Part(points, mesh, with_jaw)
            continue
        still, still_mesh = parts.teeth(upper=True) if name == "teeth" else parts.gums(upper=True)
        points, mesh = parts.joined((still, still_mesh), shape)
        none = np.zeros_like(still)
        out[name] = Part(points, mesh, {n: np.concatenate([none, d]) for n, d in with_jaw.items()})
    out["brows"] = _brows(cage, moved)
    out["lashes"] = _lashes(matrix, cage, fine)
    ear = parts.ear()
    out["ears"] = Part(*parts.joined(ear, parts.mirrored(ear)), paired=True)
    out["hair"] = Part(*parts.hair(skin[skin[:, 1] > -9]))
    out["shirt"] = Part(*parts.shirt())
    out["glints"] = Part(*parts.glints())
    arrays = paint.masks(out, skin)
    # The skin's part leaves out the bag, so its vertices are counted anew.
    used = np.unique(triangles[~inside])
    for name, vertices in contours(matrix).items():
        arrays[f"contour.{name}"] = np.searchsorted(used, vertices).astype(np.uint16)
    for name, size in (("hair", 2.2), ("ears", 0.9)):
        small = coarse(out[name].triangles, out[name].points, size)
        arrays[f"{name}.cage"] = small.astype(np.uint16)
    arrays["skin.cage"] = np.searchsorted(used, cage.triangles[~cage.inside]).astype(np.uint16)
    return out, arrays


def _brows(cage: Cage, moved: Mapping[str, Array]) -> Part:
    """On a finer skin than that of the bust, whose vertices would show in them."""
    matrix, triangles, _, _ = subdivide(cage.triangles, cage.creases, len(cage.points), 2)
    skin = matrix @ cage.points
    left = parts.brow(skin, _normals(skin, triangles))
    points, mesh = parts.joined(left, parts.mirrored(left))
    away, near = cKDTree(skin).query(points, k=8)
    share = 1 / np.maximum(away, 0.08) ** 2
    share /= share.sum(axis=1, keepdims=True)
    follow = {n: np.einsum("nk,nkd->nd", share, (matrix @ d)[near]) for n, d in moved.items()}
    return Part(points, mesh, follow, paired=True)


def along(matrix: Any, ends: tuple[int, int], edge: Chain, opposite: Chain) -> Int[Array, "n"]:
    """Refined vertices on one of the two sharp edges of an opening, from end to end.

    Args:
        matrix: cage -> refined positions.
        ends: the corners that the edges share.
        edge: vertices of the cage between them, in order.
        opposite: those of the other edge.
    """
    count = matrix.shape[1]
    place, here, there = np.zeros(count), np.zeros(count), np.zeros(count)
    for chain in (edge, opposite):
        place[[ends[0], *chain, ends[1]]] = np.arange(len(chain) + 2)
    here[list(edge)], there[list(opposite)] = 1, 1
    corner = np.zeros(count)
    corner[list(ends)] = 1
    mine, others = matrix @ here, matrix @ there
    # What is sharp is a mean of sharp vertices only; near a corner of those of both edges.
    sharp = np.abs(mine + others + matrix @ corner - 1) < 1e-9
    within = np.flatnonzero(sharp & (mine > others + 1e-9))
    order = within[np.argsort((matrix @ place)[within])]
    return np.array([ends[0], *order, ends[1]])


def contours(matrix: Any) -> dict[str, Array]:
    """Where lids and lips meet: upper and lower edges, opposite each other point by point."""
    out = {}
    for name, (first, upper, last, lower) in {**LIDS, "lips": LIPS}.items():
        out[f"{name}_upper"] = along(matrix, (first, last), upper, lower)
        out[f"{name}_lower"] = along(matrix, (first, last), lower, upper)
    return out


def _lashes(matrix: Array, cage: Cage, fine: Mapping[str, Array]) -> Part:
    skin = matrix @ cage.points
    rim = contours(matrix)["left_upper"]
    left = parts.lashes(skin[rim])
    both = parts.joined(left, parts.mirrored(left))
    partner = _partners(skin)[rim]
    rims = np.concatenate([np.tile(rim, 4), np.tile(partner, 4)])
    middles = np.repeat([form.eye_of("left"), form.eye_of("right")], len(rims) // 2, axis=0)
    moved = {}
    for name, d in fine.items():
        before, shift = skin[rims] - middles, d[rims]
        if not np.abs(shift).max() > 1e-6:
            moved[name] = shift
            continue
        # A lash turns with the lid around the eyeball.
        axis = np.cross(before, before + shift)
        size = np.linalg.norm(axis, axis=1, keepdims=True)
        product = np.sum(before * (before + shift), axis=1, keepdims=True)
        angle = np.arctan2(size, product)
        k = axis / np.maximum(size, 1e-12)
        arm = both[0] - skin[rims]
        turned = (
            arm * np.cos(angle)
            + np.cross(k, arm) * np.sin(angle)
            + k * np.sum(k * arm, axis=1, keepdims=True) * (1 - np.cos(angle))
        )
        moved[name] = shift + turned - arm
    return Part(both[0], both[1], moved, paired=True)


def _normals(points: Array, triangles: Array) -> Array:
    a, b, c = (points[triangles[:, i]] for i in range(3))
    face = np.cross(b - a, c - a)
    out = np.zeros_like(points)
    for i in range(3):
        np.add.at(out, triangles[:, i], face)
    unit: Array = out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12)
    return unit


def _partners(points: Array) -> Array:
    """For each vertex the one in its mirror place."""
    away, found = cKDTree(points).query(points * [-1.0, 1.0, 1.0])
    if away.max() > 1e-5:
        raise ValueError(f"a part is not symmetric: {away.max():.2g} cm")
    partner: Array = found
    return partner


def pack(made: tuple[dict[str, Part], dict[str, Array]]) -> dict[str, Array]:
    """What the file holds; the reader is :mod:`mien.retarget.bust`."""
    built, arrays = made
    kept = [n for n in ARKIT_52 if not n.endswith("Right") or n == "jawRight"]
    kept = [n for n in kept if n not in ("jawRight", "mouthRight")]
    out: dict[str, Array] = {"names": np.array(kept)}
    flip = np.array([-1.0, 1.0, 1.0])
    for name, part in built.items():
        points = part.points.astype(np.float64)
        if name not in ("glints", "hair"):
            mirror = _mirror(part)
            points = (points + (points * flip)[mirror]) / 2
            out[f"{name}.mirror"] = mirror.astype(np.uint16)
        metres = (points - [0, FLOOR, 0]) * SCALE - [0, MIDDLE, 0]
        if np.abs(metres).max() > 32767 * GRAIN:
            raise ValueError(f"{name} reaches farther than the file can say")
        out[f"{name}.points"] = np.rint(metres / GRAIN).astype(np.int16)
        out[f"{name}.triangles"] = part.triangles.astype(np.uint16)
        if not part.moved:
            continue
        starts, vertices, moves = [0], [], []
        for target in kept:
            steps = np.rint(part.moved[target] * SCALE / QUANTUM)
            # The skin by a twentieth of a millimetre; what is in the mouth is seen less.
            least = 15 if name == "mouth" else 3
            moving = np.flatnonzero(np.abs(steps).max(axis=1) > least)
            vertices.append(moving)
            moves.append(steps[moving])
            starts.append(starts[-1] + len(moving))
        out[f"{name}.starts"] = np.array(starts, np.int32)
        out[f"{name}.vertices"] = np.concatenate(vertices).astype(np.uint16)
        # Neighbours move alike, so differences are small, and pack well.
        steps = np.concatenate(moves).astype(np.int16).T
        out[f"{name}.moves"] = np.diff(steps, axis=1, prepend=np.zeros((3, 1), np.int16))
    out.update(arrays)
    return out


def _mirror(part: Part) -> Array:
    """For each vertex its partner; where lips lie on each other, told apart by how they open."""
    count = len(part.points)
    if part.paired:
        return np.roll(np.arange(count), count // 2)
    opened = part.moved.get("jawOpen", np.zeros_like(part.points))
    both = np.concatenate([part.points, opened], axis=1)
    away, found = cKDTree(both).query(both * [-1.0, 1, 1, -1, 1, 1])
    if away.max() > 1e-5 or not np.array_equal(found[found], np.arange(count)):
        raise ValueError(f"a part is not symmetric: {away.max():.2g} cm")
    partner: Array = found
    return partner
