"""Loop subdivision with creases, as a matrix: what is linear in the cage stays linear.

Loop, "Smooth subdivision surfaces based on triangles" (1987), with Warren's weights for old
vertices and the crease rules of Hoppe et al., "Piecewise smooth surface reconstruction" (1994).
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, identity

from ...arrays import Array, Bool, Int

__all__ = ["subdivide", "thin"]


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


def thin(
    matrix: Any, coarse: Int[Array, "t 3"], fine: Int[Array, "f 3"], deep: Bool[Array, "t"]
) -> tuple[Any, Int[Array, "k 3"], Int[Array, "k"]]:
    """Take back the last refinement where it is not needed, without leaving cracks.

    Args:
        matrix: cage -> refined positions.
        coarse: triangles before the last refinement.
        fine: after it, four for each coarse one in order: three corners and the middle.
        deep: which coarse triangles stay refined.

    Returns:
        the matrix without the rows that nothing uses, triangles, and the coarse triangle of each.
    """
    corners = fine.reshape(-1, 4, 3)
    # The last triangle of the four joins the middles of ab, bc and ca.
    middles = corners[:, 3]
    split = np.zeros(matrix.shape[0], bool)
    split[middles[deep]] = True
    out: list[tuple[int, int, int]] = []
    origin: list[int] = []
    for i, ((a, b, c), (ab, bc, ca)) in enumerate(
        zip(coarse.tolist(), middles.tolist(), strict=True)
    ):
        ring = [a, *[ab] * split[ab], b, *[bc] * split[bc], c, *[ca] * split[ca]]
        if len(ring) == 6:
            some = corners[i].tolist()
        elif len(ring) == 5:
            # Cut off the corner between the two split edges, and halve what is left.
            k = next(j for j in range(5) if _between(ring, j, (a, b, c)))
            r = ring[k:] + ring[:k]
            some = [(r[4], r[0], r[1]), (r[4], r[1], r[2]), (r[4], r[2], r[3])]
        elif len(ring) == 4:
            k = next(j for j in range(4) if ring[j] not in (a, b, c))
            r = ring[k:] + ring[:k]
            some = [(r[0], r[1], r[2]), (r[0], r[2], r[3])]
        else:
            some = [(a, b, c)]
        out += some
        origin += [i] * len(some)
    used, small = np.unique(np.array(out), return_inverse=True)
    return matrix[used], small.reshape(-1, 3).astype(np.int32), np.array(origin)


def _between(ring: list[int], j: int, corners: tuple[int, int, int]) -> bool:
    """Whether corner ``j`` of a ring of five lies between two middles of edges."""
    beside = (ring[j - 1], ring[(j + 1) % 5])
    return ring[j] in corners and not set(beside) & set(corners)
