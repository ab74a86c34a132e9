"""Lengths of the edges of the face mesh: free of position and turn by themselves."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...arrays import Array, Int
from ...errors import EngineError
from ...topology import EDGES

__all__ = ["directed_edges", "lengths"]


def directed_edges() -> Int[Array, "2626 2"]:
    """The study's 2,626 links: MediaPipe's directed pairs, hence most edges twice.

    They are the union of 2,556 of the tesselation, 124 of the contours and 8 of the irises, and
    hold 1,330 distinct edges.

    Raises:
        EngineError: a mediapipe without FaceMesh.
    """
    try:
        from mediapipe.python.solutions import face_mesh_connections as links
    except ImportError as error:
        raise EngineError(
            "the study's links come with FaceMesh, which ends at Python 3.12; use an older "
            "Python, or leave out [net] doubled"
        ) from error

    pairs = links.FACEMESH_TESSELATION | links.FACEMESH_CONTOURS | links.FACEMESH_IRISES
    return np.array(sorted(pairs), np.int64)


def lengths(points: Tensor, edges: Tensor | None = None) -> Tensor:
    """Euclidean lengths (n, edges) of points (n, 478, 3), in their unit.

    Args:
        points: any scale.
        edges: (edges, 2); those of :data:`mien.topology.EDGES` when left out.
    """
    if edges is None:
        edges = torch.from_numpy(EDGES.astype(np.int64)).to(points.device)
    apart = points[:, edges[:, 0]] - points[:, edges[:, 1]]
    # The root has no slope at 0, where points fall together.
    return (apart.square().sum(2) + 1e-12).sqrt()
