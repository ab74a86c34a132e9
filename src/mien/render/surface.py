"""What a drawn surface needs and a file may lack: normals, tangents, how open each vertex lies.

Vertices that a file splits (for texture seams) but that lie in one place are treated as one, so
that no seam shows.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from ..arrays import Array, Float, Float32, Int
from ..model import Target

__all__ = ["Surface", "tangents"]

_SMOOTHINGS = 12
_DARKEST = 0.3
_DEPTH = 1.6


class Surface:
    """Triangles prepared for computing normals many times.

    Args:
        positions: float (n, 3) at rest; vertices in one place are welded.
        triangles: int (t, 3).
    """

    def __init__(self, positions: Float[Array, "n 3"], triangles: Int[Array, "t 3"]) -> None:
        rest = np.ascontiguousarray(positions, np.float32)
        # As bytes: one key for each place, without sorting by three columns. -0.0 + 0.0 is 0.0.
        keys = (rest + np.float32(0)).view(np.dtype((np.void, 12))).ravel()
        _, first, self._place = np.unique(keys, return_index=True, return_inverse=True)
        self._first = first
        self._corners = self._place[triangles].reshape(-1, 3)
        count = len(triangles)
        self._gather = csr_matrix(
            (np.ones(3 * count, np.float32), (self._corners.ravel(), np.repeat(range(count), 3))),
            shape=(len(first), count),
        )
        self._rest = rest[first]
        self._crosses = _crosses(self._rest, self._corners)

    def normals(self, positions: Float[Array, "n 3"]) -> Float32[Array, "n 3"]:
        """Unit normals, averaged over the triangles by their area; (0, 0, 1) where there is none.

        Args:
            positions: float (n, 3); welded vertices move together.
        """
        places = np.asarray(positions, np.float32)[self._first]
        sums = self._gather @ _crosses(places, self._corners)
        return _unit(sums)[self._place]

    def bent(self, target: Target) -> Target:
        """The target with the change of normals that it lacks.

        The change is that at weight 1; between them normals are blended linearly, as glTF does.
        Vertices beside those that move turn too, hence the target may grow.
        """
        moved = self._rest.copy()
        moved[self._place[target.vertices]] += target.positions
        moves = np.zeros(len(moved), bool)
        moves[self._place[target.vertices]] = True
        turns = np.zeros(len(moved), bool)
        turns[self._corners[moves[self._corners].any(axis=1)].ravel()] = True
        near = np.flatnonzero(turns)
        rows = self._gather[near]
        used = np.unique(rows.indices)
        rows = rows[:, used]
        change = np.zeros_like(moved)
        change[near] = _unit(rows @ _crosses(moved, self._corners[used]))
        change[near] -= _unit(rows @ self._crosses[used])
        vertices = np.flatnonzero((turns | moves)[self._place])
        deltas = np.zeros((len(self._place), 3), np.float32)
        deltas[target.vertices] = target.positions
        return Target(target.name, vertices, deltas[vertices], change[self._place[vertices]])

    def openness(self) -> Float32[Array, "n"]:
        """How much of the sky a vertex sees, roughly: 1 on a bulge, less in a fold.

        The surface is compared with a smoothed one: what lies below it is a hollow. It stands for
        the shadows of close contact, which lips, lids and nostrils have under soft light.
        """
        places = self._rest
        a, b, c = self._corners.T
        ends = np.concatenate([a, b, c, b, c, a]), np.concatenate([b, c, a, a, b, c])
        links = csr_matrix(
            (np.ones(len(ends[0]), np.float32), ends), shape=(len(places), len(places))
        )
        share = 1.0 / np.maximum(np.asarray(links.sum(axis=1)), 1.0)
        smooth, alone = places, np.asarray(links.sum(axis=1)).ravel() == 0
        for _ in range(_SMOOTHINGS):
            smooth = 0.5 * smooth + 0.5 * share * (links @ smooth)
        normals = _unit(self._gather @ self._crosses)
        edges = np.linalg.norm(places[a] - places[b], axis=1) if len(a) else np.ones(1)
        size = max(float(np.median(edges)) * np.sqrt(_SMOOTHINGS), 1e-12)
        depth = np.einsum("ij,ij->i", smooth - places, normals) / size
        depth[alone] = 0
        value: Array = np.clip(1.0 - _DEPTH * np.maximum(depth, 0.0), _DARKEST, 1.0)
        return value.astype(np.float32)[self._place]


def tangents(
    positions: Float[Array, "n 3"],
    normals: Float[Array, "n 3"],
    uv: Float[Array, "n 2"],
    triangles: Int[Array, "t 3"],
) -> Float32[Array, "n 4"]:
    """Unit tangents along the texture's u, and in the fourth column the side of v.

    Lengyel, "Computing tangent space basis vectors for an arbitrary mesh" (2001); the sign is
    glTF's: bitangent = sign * cross(normal, tangent).
    """
    a, b, c = (positions[triangles[:, i]] for i in range(3))
    ua, ub, uc = (uv[triangles[:, i]] for i in range(3))
    e, f, s, t = b - a, c - a, ub - ua, uc - ua
    area = s[:, 0] * t[:, 1] - t[:, 0] * s[:, 1]
    scale = np.divide(1.0, area, out=np.zeros_like(area), where=np.abs(area) > 1e-12)[:, None]
    along = (e * t[:, 1:] - f * s[:, 1:]) * scale
    across = (f * s[:, :1] - e * t[:, :1]) * scale
    count = len(triangles)
    gather = csr_matrix(
        (np.ones(3 * count), (triangles.ravel(), np.repeat(range(count), 3))),
        shape=(len(positions), count),
    )
    u, v = gather @ along, gather @ across
    u = u - normals * np.einsum("ij,ij->i", normals, u)[:, None]
    lost = np.linalg.norm(u, axis=1) < 1e-12
    if lost.any():  # no texture coordinates to speak of: any direction along the surface will do
        axis = np.eye(3)[np.abs(normals[lost]).argmin(axis=1)]
        u[lost] = np.cross(normals[lost], axis)
    # v of a texture runs down, hence glTF's bitangent (towards +v of the picture's up) is -v.
    side = np.where(np.einsum("ij,ij->i", np.cross(normals, u), v) > 0, -1.0, 1.0)
    return np.concatenate([_unit(u), side[:, None]], axis=1).astype(np.float32)


def _crosses(points: Float[Array, "n 3"], corners: Int[Array, "t 3"]) -> Float32[Array, "t 3"]:
    """Normals of the triangles, as long as twice their area; numpy's own takes thrice the time."""
    a = points[corners[:, 0]]
    e, f = points[corners[:, 1]] - a, points[corners[:, 2]] - a
    crosses: Array = np.empty_like(e)
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        crosses[:, i] = e[:, j] * f[:, k] - e[:, k] * f[:, j]
    return crosses.astype(np.float32, copy=False)


def _unit(vectors: Float[Array, "n 3"]) -> Float32[Array, "n 3"]:
    length = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None]
    # Below the smallest squares that float32 holds there is no direction any more.
    unit = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 1e-20)
    unit[length[:, 0] <= 1e-20] = (0.0, 0.0, 1.0)
    return unit.astype(np.float32, copy=False)
