"""Where the nodes of a posed model stand, and where a viewer should stand to see its face."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from ..arrays import Array, Float, Int
from ..geometry import matrix_from_quaternion
from ..model import Model, ModelPose
from .scene import Camera

__all__ = ["Skeleton", "find_head", "framed", "rest_parts"]

_MARGIN = 1.12
_WHOLE = 3.4  # heads high; what is taller has a body, of which only the head is looked at
_CHIN = 0.35  # how far below the head's joint a chin may be, in heights above it
_CHEST = 0.42  # of the head's height that is seen below it


class Skeleton:
    """The tree of a model's nodes, prepared for many poses."""

    def __init__(self, model: Model) -> None:
        self._nodes = model.nodes
        count = len(model.nodes)
        self._local = np.array(
            [_local(n.translation, n.rotation, n.scale) for n in model.nodes]
        ).reshape(count, 4, 4)
        depth = np.zeros(count, int)
        for i, node in enumerate(model.nodes):
            above = node.parent
            while above is not None:
                depth[i] += 1
                above = model.nodes[above].parent
        # All nodes of a depth at once: a hundred small products one by one take a millisecond.
        self._levels = [
            (level, np.array([model.nodes[i].parent or 0 for i in level]))
            for d in range(1, int(depth.max(initial=0)) + 1)
            for level in [np.flatnonzero(depth == d)]
        ]

    def world(self, pose: ModelPose) -> Float[Array, "nodes 4 4"]:
        """Node -> model, for each node."""
        world = self._local.copy()
        for i in pose.rotations.keys() | pose.translations.keys():
            node = self._nodes[i]
            world[i] = _local(
                pose.translations.get(i, node.translation),
                pose.rotations.get(i, node.rotation),
                node.scale,
            )
        for level, parents in self._levels:
            world[level] = world[parents] @ world[level]
        return world


def _local(
    translation: object, rotation: object, scale: tuple[float, float, float]
) -> Float[Array, "4 4"]:
    matrix = np.eye(4)
    turn = matrix_from_quaternion(np.asarray(rotation, np.float64))
    matrix[:3, :3] = turn * np.asarray(scale)
    matrix[:3, 3] = np.asarray(translation, np.float64)
    return matrix


def rest_parts(
    model: Model,
) -> Iterator[tuple[int, int, int, Float[Array, "n 3"], Int[Array, "n"]]]:
    """Each primitive as it stands at rest.

    Yields:
        the node that carries it, its mesh, its number there, its positions in the model's axes,
        and the node that each vertex follows most, its strongest joint for instance.
    """
    world = Skeleton(model).world(ModelPose())
    for i, node in enumerate(model.nodes):
        if node.mesh is None:
            continue
        for j, primitive in enumerate(model.meshes[node.mesh].primitives):
            rest = primitive.positions.astype(np.float64)
            if node.skin is None or primitive.joints is None or primitive.weights is None:
                placed = rest @ world[i, :3, :3].T + world[i, :3, 3]
                yield i, node.mesh, j, placed, np.full(len(rest), i)
                continue
            skin = model.skins[node.skin]
            bones = world[list(skin.joints)] @ skin.inverse_bind
            joints, weights = primitive.joints, primitive.weights.astype(np.float64)
            blended = np.einsum("nk,nkij->nij", weights, bones[joints])
            placed = np.einsum("nij,nj->ni", blended[:, :3, :3], rest) + blended[:, :3, 3]
            strongest = joints[np.arange(len(joints)), weights.argmax(axis=1)]
            yield i, node.mesh, j, placed, np.array(skin.joints)[strongest]


def find_head(model: Model) -> int | None:
    """The node that is called head, the one nearest to the root if there are several."""

    def plain(name: str) -> str:
        return name.lower().replace("-", "_").replace(".", "_").split(":")[-1]

    for wanted in ("head", "j_bip_c_head", "bip_head", "bip01_head", "def_head"):
        for i, node in enumerate(model.nodes):
            if plain(node.name) == wanted and node.mesh is None:
                return i
    for i, node in enumerate(model.nodes):
        if plain(node.name) == "head":
            return i
    return None


def _below(model: Model, node: int) -> list[int]:
    """A node and all that hang on it."""
    found = []
    for i in range(len(model.nodes)):
        at: int | None = i
        while at is not None and at != node:
            at = model.nodes[at].parent
        if at == node:
            found.append(i)
    return found


def framed(
    model: Model, *, head: int | None = None, aspect: float = 1.0, fov: float = 25.0
) -> Camera:
    """A camera that sees the face of a model from the front.

    A bust is seen whole; of what has a body the head with the shoulders is seen.

    Args:
        model: at rest; an empty one is looked at from a metre away.
        head: index of the head's node; None looks for it by name.
        aspect: width over height of the picture.
        fov: degrees.
    """
    seen, followed = [np.empty((0, 3))], [np.empty(0, int)]
    for _, mesh, number, placed, nodes in rest_parts(model):
        used = np.unique(model.meshes[mesh].primitives[number].triangles)
        seen.append(placed[used])
        followed.append(nodes[used])
    points, nodes = np.concatenate(seen), np.concatenate(followed)
    if not len(points):
        return Camera(fov=fov)
    low, high = points.min(axis=0), points.max(axis=0)
    head = find_head(model) if head is None else head
    follows = np.isin(nodes, [] if head is None else _below(model, head))
    if follows.any():
        skull = points[follows]
        top, bottom = skull.max(axis=0), skull.min(axis=0)
        pivot = float(Skeleton(model).world(ModelPose())[head, 1, 3]) if head is not None else 0.0
        if bottom[1] < pivot < top[1]:  # hair may hang down to the waist, a chin does not
            bottom[1] = max(bottom[1], pivot - _CHIN * (top[1] - pivot))
        tall = float(top[1] - bottom[1])
        if high[1] - low[1] > _WHOLE * tall > 0:
            low, high = bottom, top
            low[1] -= _CHEST * tall
            wide = min(max(float(top[0] - bottom[0]), 0.9 * tall), 1.5 * tall)
            middle = (low[0] + high[0]) / 2
            low[0], high[0] = middle - 0.6 * wide, middle + 0.6 * wide
    middle, size = (low + high) / 2, np.maximum(high - low, 1e-6)
    half = _MARGIN * max(float(size[1]), float(size[0]) / aspect) / 2
    distance = half / math.tan(math.radians(fov) / 2) + float(size[2]) / 2
    x, y, z = (float(v) for v in middle)
    reach = float(np.linalg.norm(points - middle, axis=1).max())
    return Camera(
        (x, y, z + distance),
        (x, y, z),
        fov=fov,
        near=max(0.02 * distance, min(distance - 1.5 * reach, 0.5 * distance)),
        far=distance + 2.0 * reach + 1.0,
    )
