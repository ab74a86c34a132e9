"""The face mesh as a graph, and coarser graphs to pool it to.

Vertices are joined as in :data:`mien.topology.EDGES`, which has the edges of the triangles; the
triangles themselves, their areas and normals, are not used. Each point of an iris, which no edge
joins to the mesh, is joined to the nearest vertex of its eye. A coarser graph has vertices that lie
far from each other on the surface, each with the region of the finer mesh that is nearest to it,
and two are joined where their regions touch. Around every vertex the others stand in an order, as
the pixels around a pixel do: ring by ring, as the spirals of Gong et al. (ICCV workshops 2019).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

from ...arrays import Array, Float, Float32, Int
from ...topology import CANONICAL, EDGES

__all__ = ["Level", "around", "levels"]

_MESH = 468  # points below are of the mesh, from here on of the irises


@dataclass(frozen=True, eq=False)
class Level:
    """One graph.

    Attributes:
        place: float64 (n, 3), its vertices on the canonical face.
        edges: int64 (e, 2), which of them are joined.
        chosen: int64 (m,), those that the vertices of the next coarser level are; one in the last.
        pool: float32 (m, n), averages over the regions of the next coarser level.
    """

    place: Float[Array, "n 3"]
    edges: Int[Array, "e 2"]
    chosen: Int[Array, "m"]
    pool: Float32[Array, "m n"]


@cache
def levels(sizes: tuple[int, ...]) -> tuple[Level, ...]:
    """The mesh of 478 vertices, then graphs of these sizes.

    Args:
        sizes: falling numbers of vertices.
    """
    edges, place = _joined(EDGES.astype(np.int64)), CANONICAL.astype(np.float64)
    made = []
    for size in (*sizes, 1):
        count = len(place)
        chosen, region = _regions(place, edges, size)
        pool = np.zeros((size, count), np.float32)
        pool[region, np.arange(count)] = 1
        made.append(Level(place, edges, chosen, pool / pool.sum(1, keepdims=True)))
        between = np.sort(region[edges], 1)
        edges = np.unique(between[between[:, 0] != between[:, 1]], axis=0)
        place = place[chosen]
    return tuple(made)


def around(
    level: Level, count: int, centres: Int[Array, "c"] | None = None
) -> Int[Array, "c {count}"]:
    """The first vertices around each: itself, then ring by ring, each by its angle seen in front.

    Args:
        level: whose vertices.
        count: how many, at most all.
        centres: of which vertices; of all by default.
    """
    size = len(level.place)
    ones = np.ones(len(level.edges))
    graph = coo_matrix((ones, (level.edges[:, 0], level.edges[:, 1])), (size, size)).tocsr()
    chosen = np.arange(size) if centres is None else centres
    steps = dijkstra(graph, directed=False, indices=chosen, unweighted=True)
    away = level.place - level.place[chosen, None]
    angle = np.arctan2(away[..., 1], away[..., 0])
    order: Array = np.lexsort((angle, steps))[:, :count]
    return order


def _joined(edges: Int[Array, "e 2"]) -> Int[Array, "f 2"]:
    """With a link from each point of the irises to the mesh.

    The rims are rings in EDGES; the centres have this link alone, to the mesh and not to their rim.
    """
    more = []
    for iris in range(_MESH, len(CANONICAL)):
        apart = np.linalg.norm(CANONICAL[:_MESH] - CANONICAL[iris], axis=1)
        more.append((int(apart.argmin()), iris))
    return np.concatenate([edges, np.array(more)])


def _regions(
    place: Array, edges: Int[Array, "e 2"], size: int
) -> tuple[Int[Array, "m"], Int[Array, "n"]]:
    """Vertices far from each other on the surface, and which of them is nearest to each vertex."""
    count = len(place)
    length = np.linalg.norm(place[edges[:, 0]] - place[edges[:, 1]], axis=1)
    graph = coo_matrix((length, (edges[:, 0], edges[:, 1])), (count, count)).tocsr()
    apart = dijkstra(graph, directed=False)
    apart[np.isinf(apart)] = 2 * apart[np.isfinite(apart)].max()
    chosen = [int(apart.mean(1).argmin())]  # the most central one first
    while len(chosen) < size:
        chosen.append(int(apart[chosen].min(0).argmax()))
    return np.array(chosen), apart[chosen].argmin(0)
