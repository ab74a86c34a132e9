"""The bones of an avatar that a face turns: which they are, and how one is turned.

Bones rest in any orientation and under parents of any. A turn R that is meant in the axes of the
model (x to the subject's left, y up, z forward) becomes the local rotation ``P^-1 R P L`` of a
node with the local rest L under parents whose rest rotation is P. Scales are left out of P: they
are uniform wherever a skeleton works in practice.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ..arrays import Array, Bool, Float
from ..geometry import quaternion_from_matrix
from ..model import Model, Node

__all__ = [
    "Bones",
    "Quaternion",
    "Turner",
    "find_bones",
    "held",
    "line",
    "plain",
    "power",
    "product",
    "quaternion",
    "turn_of_all",
]

Quaternion = tuple[float, float, float, float]
"""(x, y, z, w), unit length."""

# Before a bone's own name: what exporters and rigging tools put there, or the name of a scene.
_PREFIX = re.compile(
    r"^(?:.*[:|])?(?:(?:mixamorig\d*|j_bip_c|j_adj|bip\d*|cc_base|def|org|valvebiped|character\d*)"
    r"(?=[_ .-])[_ .-]*)*",
    re.IGNORECASE,
)
_EYE = ("eye", "faceeye", "eyeball", "eyebone", "eyejoint")
_NAMES: dict[str, frozenset[str]] = {
    "head": frozenset({"head", "headbone", "headjoint", "bip01head"}),
    "neck": frozenset(
        {"neck", "neck1", "neck01", "neck2", "neck02", "necktwist01", "necktwist02", "upperneck"}
    ),
    "jaw": frozenset({"jaw", "jawroot", "jawbone", "jawjoint", "lowerjaw", "jawmaster"}),
    "leftEye": frozenset(f for e in _EYE for f in (f"left{e}", f"{e}left", f"l{e}", f"{e}l")),
    "rightEye": frozenset(f for e in _EYE for f in (f"right{e}", f"{e}right", f"r{e}", f"{e}r")),
}


@dataclass(frozen=True, slots=True)
class Bones:
    """Indices of nodes, or None where an avatar has no such bone.

    Attributes:
        head, neck, jaw, left_eye, right_eye: the neck is always above the head, the others below.
    """

    head: int | None = None
    neck: int | None = None
    jaw: int | None = None
    left_eye: int | None = None
    right_eye: int | None = None


def find_bones(model: Model, humanoid: Mapping[str, int]) -> Bones:
    """The bones of a model: those that a VRM names, and the rest by their names.

    Of several nodes with a fitting name, the joint of a skin is preferred, then one without a
    mesh; a node that carries a skinned mesh is never one, since its place does not matter.

    Args:
        model: any.
        humanoid: node by VRM's bone name; empty where the file is no VRM.
    """
    joints = {joint for skin in model.skins for joint in skin.joints}
    called = [plain(node.name) for node in model.nodes]

    def named(bone: str, around: int | None, *, above: bool = False) -> int | None:
        if bone in humanoid:
            return humanoid[bone]
        places: Iterable[int] = range(len(model.nodes))
        if around is not None:
            places = line(model, around) if above else _below(model, around)
        fits = [
            i
            for i in places
            if called[i] in _NAMES[bone]
            and (model.nodes[i].mesh is None or model.nodes[i].skin is None)
        ]
        # The first of the best: of several necks the one next to the head.
        return min(
            fits, key=lambda i: (i not in joints, model.nodes[i].mesh is not None), default=None
        )

    head = named("head", None)
    neck = None if head is None else named("neck", head, above=True)
    if neck is not None and (neck == head or neck not in line(model, head)):
        neck = None
    return Bones(head, neck, named("jaw", head), named("leftEye", head), named("rightEye", head))


def plain(name: str) -> str:
    """A bone's name without prefixes and what is no letter or digit, in small letters."""
    return re.sub(r"[^a-z0-9]", "", _PREFIX.sub("", name.strip()).lower())


def line(model: Model, node: int | None) -> Iterator[int]:
    """A node and its ancestors."""
    while node is not None:
        yield node
        node = model.nodes[node].parent


def _below(model: Model, bone: int) -> list[int]:
    """A node and what hangs on it, ascending."""
    children: dict[int, list[int]] = {}
    for i, node in enumerate(model.nodes):
        if node.parent is not None:
            children.setdefault(node.parent, []).append(i)
    found = [bone]
    for i in found:  # which grows
        found += children.get(i, [])
    return sorted(found)


def held(model: Model, bone: int) -> dict[int, Bool[Array, "n"]]:
    """Which vertices a bone carries by at least half: all primitives of a mesh in a row, by mesh.

    Meshes of which it carries nothing are left out.
    """
    below = np.zeros(len(model.nodes), bool)
    below[_below(model, bone)] = True
    found: dict[int, Bool[Array, "n"]] = {}
    for i, node in enumerate(model.nodes):
        if node.mesh is None:
            continue
        parts = []
        for primitive in model.meshes[node.mesh].primitives:
            n = len(primitive.positions)
            if node.skin is None or primitive.joints is None or primitive.weights is None:
                parts.append(np.full(n, bool(below[i]) and node.skin is None))
            else:
                under = below[list(model.skins[node.skin].joints)]
                share = (primitive.weights * under[primitive.joints]).sum(axis=1)
                parts.append(share >= 0.5)
        mask = np.concatenate(parts)
        if mask.any():
            found[node.mesh] = found.get(node.mesh, np.zeros(len(mask), bool)) | mask
    return found


class Turner:
    """Turns one node by rotations that are meant in the axes of the model.

    Args:
        model: at rest.
        node: index.
    """

    def __init__(self, model: Model, node: int) -> None:
        self.node = node
        above: Quaternion = (0.0, 0.0, 0.0, 1.0)
        for i in reversed(list(line(model, model.nodes[node].parent))):
            above = product(above, _rotation(model.nodes[i]))
        self._before = (-above[0], -above[1], -above[2], above[3])
        self._after = product(above, _rotation(model.nodes[node]))

    def __call__(self, turn: Quaternion) -> Float[Array, "4"]:
        """The node's rotation, instead of its own."""
        return np.array(product(product(self._before, turn), self._after))


def turn_of_all(model: Model) -> tuple[Turner, Float[Array, "3"], Float[Array, "3"]] | None:
    """For a model without a head bone: the root of what morphs, or of what there is.

    Returns:
        what turns it; the middle of what it carries, about which it is to turn; where the root
        stands from there. None where nothing can be turned, as skins do not follow their node.
    """
    carriers = [
        (i, model.meshes[node.mesh])
        for i, node in enumerate(model.nodes)
        if node.mesh is not None and node.skin is None
    ]
    chosen = [(i, mesh) for i, mesh in carriers if mesh.targets] or carriers
    if not chosen:
        return None
    *_, root = line(model, chosen[0][0])
    ends = []
    with np.errstate(over="ignore", invalid="ignore"):
        for i, mesh in chosen:
            points = np.concatenate([p.positions for p in mesh.primitives]).astype(np.float64)
            for at in line(model, i):
                node = model.nodes[at]
                turn, w = np.array(node.rotation[:3]), node.rotation[3]
                points = points * node.scale
                points = points + 2 * np.cross(turn, np.cross(turn, points) + w * points)
                points = points + node.translation
            ends += [points.min(axis=0), points.max(axis=0)]
        pivot = (np.min(ends, axis=0) + np.max(ends, axis=0)) / 2
    if not np.isfinite(pivot).all():
        return None
    return Turner(model, root), pivot, np.array(model.nodes[root].translation) - pivot


def _rotation(node: Node) -> Quaternion:
    length = math.hypot(*node.rotation)
    x, y, z, w = (v / length for v in node.rotation)
    return x, y, z, w


def product(a: Quaternion, b: Quaternion) -> Quaternion:
    """First ``b``, then ``a``. Plain floats: arrays of four take ten times as long."""
    ax, ay, az, aw = a
    bx, by, bz, bw = b
    return (
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
        aw * bw - ax * bx - ay * by - az * bz,
    )


def quaternion(rotation: Float[Array, "3 3"]) -> Quaternion:
    """Of a rotation matrix, w >= 0."""
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = rotation.tolist()
    trace = xx + yy + zz
    if trace < 0:  # more than a quarter turn: rare, and exact by another way
        x, y, z, w = quaternion_from_matrix(rotation).tolist()
        return x, y, z, w
    double = math.sqrt(1 + trace)
    by = 0.5 / double
    return (zy - yz) * by, (xz - zx) * by, (yx - xy) * by, 0.5 * double


def power(turn: Quaternion, share: float) -> Quaternion:
    """A share of a rotation about the same axis; w >= 0 is taken for granted."""
    x, y, z, w = turn
    sine = math.sqrt(x * x + y * y + z * z)
    if sine < 1e-9:
        return x * share, y * share, z * share, 1.0
    half = math.atan2(sine, w) * share
    by = math.sin(half) / sine
    return x * by, y * by, z * by, math.cos(half)
