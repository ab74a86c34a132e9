"""Finer and coarser triangles.

Loop subdivision with creases is a matrix: what is linear in the cage stays linear.

Loop, "Smooth subdivision surfaces based on triangles" (1987), with Warren's weights for old
vertices and the crease rules of Hoppe et al., "Piecewise smooth surface reconstruction" (1994).
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, identity

from ...arrays import Array, Float, Int

__all__ = ["coarse", "subdivide"]


def subdivide(
    triangles: Int[Array, "t 3"], creases: Int[Array, "c 2"], count: int, levels: int
) -> tuple[Any, Int[Array, "f 3"], Int[Array, "d 2"], Int[Array, "f"]]:
    """Refine a cage.

    Args:
        triangles: of the cage; borders are creases by themselves.
        creases: edges that stay sharp.
        count: vertices of the cage.
        levels: how often each triangle becomes four.

    Returns:
        the sparse matrix (vertices, count) from cage to refined positions, whose first rows are
        the cage's vertices; refined triangles, creases, and the triangle of the cage in which
        each refined triangle lies.
    """
    matrix: Any = identity(count, format="csr")
    origin = np.arange(len(triangles))
    for _ in range(levels):
        step, triangles, creases = _once(triangles, creases, matrix.shape[0])
        matrix = step @ matrix
        origin = np.repeat(origin, 4)
    return matrix, triangles, creases, origin


def _once(triangles: Array, creases: Array, count: int) -> tuple[Any, Array, Array]:
    opposite: dict[tuple[int, int], list[int]] = defaultdict(list)
    for a, b, c in triangles.tolist():
        for u, v, w in ((a, b, c), (b, c, a), (c, a, b)):
            opposite[min(u, v), max(u, v)].append(w)
    edges = {edge: count + i for i, edge in enumerate(opposite)}
    sharp = {(min(a, b), max(a, b)) for a, b in creases.tolist()}
    sharp |= {edge for edge, across in opposite.items() if len(across) == 1}
    near: dict[int, list[int]] = defaultdict(list)
    along: dict[int, list[int]] = defaultdict(list)
    for a, b in edges:
        near[a].append(b)
        near[b].append(a)
        if (a, b) in sharp:
            along[a].append(b)
            along[b].append(a)
    entries: list[tuple[int, int, float]] = []
    for vertex in range(count):
        ring = near[vertex]
        if len(along[vertex]) == 2:
            entries += [(vertex, vertex, 3 / 4), *((vertex, n, 1 / 8) for n in along[vertex])]
        elif len(along[vertex]) > 2 or not ring:
            entries.append((vertex, vertex, 1.0))
        else:
            beta = 3 / 16 if len(ring) == 3 else 3 / (8 * len(ring))
            entries.append((vertex, vertex, 1 - len(ring) * beta))
            entries += [(vertex, n, beta) for n in ring]
    for (a, b), new in edges.items():
        if (a, b) in sharp:
            entries += [(new, a, 1 / 2), (new, b, 1 / 2)]
        else:
            entries += [(new, a, 3 / 8), (new, b, 3 / 8)]
            entries += [(new, c, 1 / 8) for c in opposite[a, b]]
    rows, columns, weights = zip(*entries, strict=True)
    matrix = csr_matrix((weights, (rows, columns)), (count + len(edges), count))
    split = [
        small
        for a, b, c in triangles.tolist()
        for ab, bc, ca in [(edges[_key(a, b)], edges[_key(b, c)], edges[_key(c, a)])]
        for small in ((a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca))
    ]
    kept = [
        half
        for a, b in creases.tolist()
        for half in ((a, edges[_key(a, b)]), (edges[_key(a, b)], b))
    ]
    return matrix, np.array(split, np.int32), np.array(kept, np.int32).reshape(-1, 2)


def _key(a: int, b: int) -> tuple[int, int]:
    return min(a, b), max(a, b)


def coarse(triangles: Int[Array, "t 3"], points: Float[Array, "n 3"], size: float) -> Array:
    """Fewer triangles on some of the same vertices: those that are nearest to a grid of cells.

    Rossignac and Borrel, "Multi-resolution 3D approximations for rendering complex scenes" (1993):
    what falls into one cell becomes one vertex, and triangles that thereby lose a side vanish.
    """
    cell = np.floor(points / size).astype(int)
    _, place = np.unique(cell, axis=0, return_inverse=True)
    place = place.ravel()
    middle = np.zeros((place.max() + 1, 3))
    np.add.at(middle, place, points)
    middle /= np.bincount(place)[:, None]
    away = np.linalg.norm(points - middle[place], axis=1)
    order = np.lexsort((away, place))
    kept = order[np.r_[True, np.diff(place[order]) > 0]]
    found = kept[place][triangles]
    whole = (
        (found[:, 0] != found[:, 1]) & (found[:, 1] != found[:, 2]) & (found[:, 2] != found[:, 0])
    )
    fewer: Array = np.unique(found[whole], axis=0)
    return fewer
