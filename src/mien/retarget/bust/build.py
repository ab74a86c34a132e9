"""Puts the parts, the bones and the materials of the bust together."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from ...arrays import Array, Float32, Int
from ...channels import ARKIT_52
from ...errors import InputError
from ...model import Mesh, Model, Node, Primitive, Skin, Target
from . import data
from .data import JOINTS, Part
from .looks import EYES, HAIR, MATERIALS, SKIN, Style, colour, materials

__all__ = ["build"]

_PARENTS = {
    "bust": None, "neck": "bust", "head": "neck", "jaw": "head", "leftEye": "head",
    "rightEye": "head",
}  # fmt: skip
_MOVING = ("mouth", "teeth", "gums", "tongue", "brows", "lashes")
_SEEN = 1e-2  # of a normal's change
_BENT = ("bust", "neck", "head")  # joints of the skin


def build(
    skin: str = "warm",
    eyes: str = "brown",
    hair: str | None = "dark",
    material: Style = "standard",
) -> Model:
    """The built-in head.

    Metres, y up, looking along +z; its foot is at the origin. One mesh, ``face``, carries all 52
    targets under ARKit's names; it hangs on the joints ``bust``, ``neck`` and ``head``. The
    eyeballs are meshes of their own on ``leftEye`` and ``rightEye`` and are turned by these nodes
    only: ``eyeLook*`` move the lids. ``jaw`` is a place to hang things on; the lower teeth and
    the tongue move by the targets, so that turning it does not open the mouth twice.

    Args:
        skin: one of :data:`SKIN`, or ``#rrggbb``.
        eyes: one of :data:`EYES`, or ``#rrggbb``.
        hair: one of :data:`HAIR`, ``#rrggbb``, or None for none.
        material: ``standard``, ``faceted`` (the coarse mesh with flat sides) or ``clay``.

    Raises:
        InputError: an unknown colour or material.
    """
    if material not in MATERIALS:
        raise InputError(f"material is one of {', '.join(MATERIALS)}; got {material!r}")
    tints = (
        colour(skin, SKIN, "skin"),
        colour(eyes, EYES, "eyes"),
        None if hair is None else colour(hair, HAIR, "hair"),
    )
    looks = materials(*tints, material)
    names = list(looks)
    flat = material == "faceted"
    meshes = [
        Mesh("face", tuple(_moving(name, names.index(name), flat) for name in ("skin", *_MOVING)))
    ]
    nodes = [
        Node(name, None if above is None else list(_PARENTS).index(above), _from(name, above))
        for name, above in _PARENTS.items()
    ]

    def hang(what: str, parent: str, primitive: Primitive) -> None:
        meshes.append(Mesh(what, (primitive,)))
        nodes.append(Node(what, list(_PARENTS).index(parent), mesh=len(meshes) - 1))

    # A skinned mesh hangs on its joints alone, so its node is a root of its own.
    nodes.append(Node("face", mesh=0, skin=0))
    for side in ("leftEye", "rightEye"):
        eye = _eyeball(names.index("eyes"))
        at = list(_PARENTS).index(side)
        meshes.append(Mesh(side, (eye,)))
        nodes[at] = Node(side, nodes[at].parent, nodes[at].translation, mesh=len(meshes) - 1)
    hang("shirt", "bust", _still("shirt", names.index("shirt"), "bust", flat))
    if hair is not None:
        hang("hair", "head", _still("hair", names.index("hair"), "head", flat))
    if "glints" in looks:
        hang("glints", "head", _still("glints", names.index("glints"), "head", False))
    joints = tuple(list(_PARENTS).index(name) for name in _BENT)
    inverse = np.tile(np.eye(4, dtype=np.float32), (len(joints), 1, 1))
    inverse[:, :3, 3] = [[-v for v in JOINTS[name]] for name in _BENT]
    return Model(
        tuple(nodes),
        tuple(meshes),
        tuple(looks[name] for name in names),
        (Skin(joints, inverse),),
        name="bust",
    )


def _from(name: str, above: str | None) -> tuple[float, float, float]:
    origin = JOINTS[above] if above else (0.0, 0.0, 0.0)
    x, y, z = (a - b for a, b in zip(JOINTS[name], origin, strict=True))
    return x, y, z


class _Normals:
    """Vertex normals of one set of triangles, for many positions."""

    def __init__(self, triangles: Array, count: int) -> None:
        self._triangles = triangles
        rows = np.repeat(np.arange(len(triangles)), 3)
        ones = np.ones(len(rows), np.float32)
        self._sum = csr_matrix((ones, (triangles.ravel(), rows)), (count, len(triangles)))

    def __call__(self, points: Array) -> Float32[Array, "n 3"]:
        a, b, c = (points[self._triangles[:, i]] for i in range(3))
        sums = self._sum @ np.cross(b - a, c - a)
        length = np.linalg.norm(sums, axis=1, keepdims=True)
        out: Array = (sums / np.maximum(length, 1e-20)).astype(np.float32)
        return out


def _moving(name: str, material: int, flat: bool) -> Primitive:
    """A part that morphs. Flat sides have no normals, by which glTF knows them."""
    part = _skin_with_ears() if name == "skin" else data.load(name)
    triangles = _coarse() if flat and name == "skin" else part.triangles
    used, corners = np.unique(triangles, return_inverse=True)
    triangles = corners.reshape(-1, 3).astype(np.int32)
    points = part.points[used]
    normals = _Normals(triangles, len(points))
    rest = normals(points)
    joints, weights = _bound(name, points)

    def moved(channel: str) -> Float32[Array, "n 3"]:
        full = np.zeros_like(part.points)
        vertices, moves = part.moved[channel]
        full[vertices] = moves
        here: Array = full[used]
        return here

    # In the dark of the mouth nobody sees normals turn.
    bending = not flat and name != "mouth"
    opened = points + moved("jawOpen")
    targets = []
    for channel in ARKIT_52:
        here = moved(channel)
        # mouthClose alone turns the lips inside out; its normals are right over the open jaw.
        start = opened if channel == "mouthClose" else points
        turned = normals(start + here) - normals(start)
        bent = (np.abs(turned).max(axis=1) > _SEEN) & bending
        moving = np.flatnonzero(here.any(axis=1) | bent)
        targets.append(Target(channel, moving, here[moving], turned[moving] if bending else None))
    return Primitive(
        points,
        triangles,
        None if flat else rest,
        None if part.uv is None else part.uv[used],
        material,
        joints,
        weights,
        tuple(targets),
    )


def _skin_with_ears() -> Part:
    skin, ears = data.load("skin"), data.load("ears")
    assert skin.uv is not None and ears.uv is not None  # noqa: S101, PT018
    return Part(
        np.concatenate([skin.points, ears.points]),
        np.concatenate([skin.triangles, ears.triangles + len(skin.points)]),
        np.concatenate([skin.uv, ears.uv]),
        None,
        skin.moved,
    )


def _coarse() -> Int[Array, "t 3"]:
    """Coarse triangles of the skin and, behind it, the ears."""
    first = len(data.load("skin").points)
    return np.concatenate([data.cage("skin"), data.cage("ears") + first])


def _bound(name: str, points: Array) -> tuple[Int[Array, "n 4"], Float32[Array, "n 4"]]:
    """To which joints: the head, and for the skin of the neck those below."""
    joints = np.zeros((len(points), 4), np.int32)
    joints[:] = [2, 1, 0, 0]
    weights = np.zeros((len(points), 4), np.float32)
    weights[:, 0] = 1
    if name == "skin":
        # The border runs from under the chin to the nape, hence the slope.
        below: Array = points - np.array(JOINTS["head"], np.float32)
        high = below[:, 1] + 0.3 * below[:, 2]
        head = _smooth(high, -0.063, -0.012)
        neck = (1 - head) * _smooth(high, -0.105, -0.065)
        weights[:, :3] = np.column_stack([head, neck, 1 - head - neck])
    return joints, weights


def _smooth(x: Array, low: float, high: float) -> Array:
    t: Array = np.clip((x - low) / (high - low), 0, 1)
    value: Array = t * t * (3 - 2 * t)
    return value


def _still(name: str, material: int, parent: str, flat: bool) -> Primitive:
    """A part that only follows its node."""
    part = data.load(name)
    triangles = data.cage(name) if flat and name == "hair" else part.triangles
    used, corners = np.unique(triangles, return_inverse=True)
    triangles = corners.reshape(-1, 3).astype(np.int32)
    points: Array = part.points[used] - np.array(JOINTS[parent], np.float32)
    normals = None if flat else _Normals(triangles, len(points))(points)
    return Primitive(points, triangles, normals, material=material)


def _eyeball(material: int) -> Primitive:
    """A sphere that looks along +z; its texture tells the angle from the axis."""
    rings, around = 17, 32
    angle = np.pi * np.linspace(0, 1, rings) ** 1.35
    turn = np.linspace(0, 2 * np.pi, around, endpoint=False)
    a, b = (v.ravel() for v in np.meshgrid(angle[1:], turn, indexing="ij"))
    normals = np.column_stack([np.sin(a) * np.cos(b), np.sin(a) * np.sin(b), np.cos(a)])
    r = 0.5 * a / np.pi
    uv = np.column_stack([0.5 + r * np.cos(b), 0.5 - r * np.sin(b)])
    normals = np.concatenate([[[0, 0, 1]], normals]).astype(np.float32)
    uv = np.concatenate([[[0.5, 0.5]], uv]).astype(np.float32)
    j = np.arange(around)
    k = (j + 1) % around
    triangles = [np.column_stack([np.zeros(around, int), 1 + j, 1 + k])]
    for i in range(rings - 2):
        one, two = 1 + i * around, 1 + (i + 1) * around
        triangles += [
            np.column_stack([one + j, two + j, two + k]),
            np.column_stack([one + j, two + k, one + k]),
        ]
    return Primitive(
        normals * np.float32(data.EYE_RADIUS),
        np.concatenate(triangles).astype(np.int32),
        normals,
        uv,
        material,
    )
