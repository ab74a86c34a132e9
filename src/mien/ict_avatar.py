"""``mien avatar ict``: ICT-FaceKit as a second, realistic head.

The model comes from its makers (``mien pull ict-facekit``); what is made of it stays on this
machine, as a GLB in the cache.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from . import zoo
from .arrays import Array, Float, Float32, Int
from .errors import InputError
from .model import Mesh, Model, Node, Primitive, Skin, Target
from .morphable import LinearFaceModel
from .terminal import Terminal

__all__ = ["available", "build", "file", "ict", "load"]

_MODEL = "ict-facekit"
_VERSION = 1  # of what is built; another one is built anew

_FOOT = np.array([0.0, -19.3, 5.8])
"""Where the head frame (centimetres) has the origin of the avatar: below, as the bust has it."""
_JOINTS = {"ict": _FOOT, "neck": np.array([0.0, -11.5, 0.0]), "head": np.array([0.0, -4.0, 1.0])}

# Vertices of the model that no material of its own tells apart; both are in its README.
_MOUTH, _SOCKETS = range(11_248, 13_294), range(13_294, 14_062)

_STILL = 2e-5  # metres; less is the rounding of the files
_TURNED = 4e-3  # of a normal
_IRIS = 23.0
"""Degrees from an eye's axis to the rim of its iris."""


def available() -> bool:
    """Whether ICT-FaceKit was pulled."""
    return zoo.problem(zoo.find(_MODEL)) is None


def load() -> Model:
    """The avatar, from the GLB in the cache.

    Raises:
        ModelMissing: ICT-FaceKit was not pulled.
    """
    from .gltf import read

    return read(file()).model


def file() -> Path:
    """The avatar as GLB, made when it is first asked for, which takes some seconds.

    Raises:
        ModelMissing: ICT-FaceKit was not pulled.
        OutputError: the cache cannot be written.
    """
    from .morphable import ict as reader
    from .outputs.animation import write_glb

    source = zoo.path(_MODEL)
    key = hashlib.sha256(f"{zoo.find(_MODEL).sha256} {_VERSION}".encode()).hexdigest()[:12]
    kept = zoo.folder().parent / "avatars" / f"ict-{key}.glb"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_glb(kept, build(reader.read(source, identities=False)))
    return kept


def ict(
    out: Annotated[Path, typer.Option("--out", "-o", help="The .glb that is written.")] = Path(
        "ict.glb"
    ),
    source: Annotated[
        Path | None,
        typer.Option("--from", help="ICT-FaceKit's folder or archive, instead of the pulled one."),
    ] = None,
    skin: Annotated[str, typer.Option(help="Colour: a name as of the bust, or #rrggbb.")] = "light",
    eyes: Annotated[str, typer.Option(help="Colour of the irises.")] = "blue",
    hair: Annotated[str, typer.Option(help="Colour of brows, lashes and stubble.")] = "brown",
    overwrite: Annotated[bool, typer.Option("--overwrite", "-f", help="Replace OUT.")] = False,
) -> None:
    """Make a realistic head of ICT-FaceKit: a GLB with 51 of ARKit's 52 channels."""
    from .ict_looks import tints
    from .morphable import ict as reader
    from .outputs.animation import write_glb
    from .outputs.files import must_be_new

    if out.suffix.lower() != ".glb":
        raise InputError(f"the head is written as .glb, --out is {out.name}")
    must_be_new(out, overwrite=overwrite)
    tints(skin, eyes, hair)  # refused before what takes long
    found = reader.read(zoo.path(_MODEL) if source is None else source, identities=False)
    write_glb(out, build(found, skin, eyes, hair))
    Terminal(stderr=True, emoji=False).print(
        "[yellow]note:[/] ICT-FaceKit has no tongueOut; the tongue stays in", highlight=False
    )
    size = out.stat().st_size / 1e6
    Terminal(soft_wrap=True, emoji=False).print(
        f"{len(found.channels)} of 52 channels, {size:.1f} MB, in {out}", highlight=False
    )


def build(
    model: LinearFaceModel, skin: str = "light", eyes: str = "blue", hair: str = "brown"
) -> Model:
    """The avatar.

    Metres, y up, looking along +z, its foot at the origin. One mesh, ``face``, carries the 51
    targets under ARKit's names and hangs on the joints ``ict``, ``neck`` and ``head``; teeth and
    tongue move by the targets. The eyeballs hang on ``leftEye`` and ``rightEye`` and are turned by
    these nodes only. What covers the eyes' rims in the model needs shaders of its own, and the
    inner irises are behind the painted ones: they are left out.

    Args:
        model: as :func:`mien.morphable.ict.read` returns it.
        skin: one of the bust's colours, or ``#rrggbb``.
        eyes: of the irises, alike.
        hair: of brows, lashes and what is left of the hair, alike.

    Raises:
        InputError: an unknown colour.
    """
    from .ict_looks import along_lids, around, materials, tints
    from .morphable.ict import EYES, eye_centres

    looks = materials(model, tints(skin, eyes, hair))
    surface = _Surface(model)
    maps = {"skin": around(model.mean), "lashes": along_lids(model)}
    parts = [
        surface.part(chosen, list(looks).index(name), maps.get(name))
        for name, chosen in _parts(model)
        if chosen.any()
    ]
    meshes = [Mesh("face", tuple(parts))]
    joints = list(_JOINTS)
    nodes = [
        Node(name, i - 1 if i else None, _metres(_JOINTS[name] - _JOINTS[joints[max(i - 1, 0)]]))
        for i, name in enumerate(joints)
    ]
    for side, centre in eye_centres(model, model.mean).items():
        ball = surface.eyeball(EYES[side][0], centre, list(looks).index("eyes"))
        meshes.append(Mesh(f"{side}Eye", (ball,)))
        at = _metres(centre - _JOINTS["head"])
        nodes.append(Node(f"{side}Eye", joints.index("head"), at, mesh=len(meshes) - 1))
    nodes.append(Node("face", mesh=0, skin=0))
    inverse = np.tile(np.eye(4, dtype=np.float32), (len(joints), 1, 1))
    inverse[:, :3, 3] = [_metres(_FOOT - place) for place in _JOINTS.values()]
    return Model(
        tuple(nodes),
        tuple(meshes),
        tuple(looks.values()),
        (Skin(tuple(range(len(joints))), inverse),),
        name="ict",
    )


def _metres(centimetres: Array) -> tuple[float, float, float]:
    x, y, z = (float(v) / 100 for v in centimetres)
    return x, y, z


def _parts(model: LinearFaceModel) -> Iterator[tuple[str, Array]]:
    """Materials, and which triangles have them."""

    def held(region: Array | range) -> Array:
        inside = np.zeros(len(model.mean), bool)
        inside[[v for v in region if v < len(inside)]] = True
        whole: Array = inside[model.triangles].all(axis=1)
        return whole

    def named(region: str) -> Array:
        return held(model.regions.get(region, np.zeros(0, int)))

    mouth, sockets = held(_MOUTH), held(_SOCKETS)
    skin = np.concatenate([model.regions[r] for r in ("face", "back_head") if r in model.regions])
    yield "skin", held(skin) & ~mouth & ~sockets
    yield "mouth", mouth | sockets
    yield "gums", named("gums_tongue")
    yield "teeth", named("teeth")
    yield "lashes", named("eye_lashes")


class _Surface:
    """The whole surface of a model, out of which parts are cut with the normals they have in it."""

    def __init__(self, model: LinearFaceModel) -> None:
        from scipy.sparse import csr_matrix

        self._model = model
        count, triangles = len(model.mean), model.triangles
        rows = np.repeat(np.arange(len(triangles)), 3)
        ones = np.ones(len(rows), np.float32)
        self._sum = csr_matrix((ones, (triangles.ravel(), rows)), (count, len(triangles)))
        self._rest = self._normals(model.mean)
        self._moves = model.expression / np.float32(100)
        self._turns = [self._normals(model.mean + move) - self._rest for move in model.expression]

    def _normals(self, points: Float32[Array, "v 3"]) -> Float32[Array, "v 3"]:
        a, b, c = (points[self._model.triangles[:, i]] for i in range(3))
        sums = self._sum @ np.cross(b - a, c - a)
        length = np.linalg.norm(sums, axis=1, keepdims=True)
        out: Array = (sums / np.maximum(length, 1e-20)).astype(np.float32)
        return out

    def part(self, chosen: Array, material: int, uv: Float32[Array, "v 2"] | None) -> Primitive:
        """Triangles with one material; where the texture ends at the nape, vertices are doubled."""
        corners = self._model.triangles[chosen].astype(np.int64)
        count = len(self._model.mean)
        if uv is not None:
            across = np.ptp(uv[corners, 0], axis=1) > 0.5
            again = across[:, None] & (uv[corners, 0] < 0.5)
            corners = corners + count * again
        used, triangles = np.unique(corners, return_inverse=True)
        own = used % count
        shown = None
        if uv is not None:
            shown = uv[own]
            shown[:, 0] += used >= count
        joints, weights = _bound(self._model.mean[own])
        targets = []
        for name, move, turn in zip(self._model.channels, self._moves, self._turns, strict=True):
            far = np.linalg.norm(move[own], axis=1) > _STILL
            moving = np.flatnonzero(far | (np.abs(turn[own]).max(axis=1) > _TURNED))
            targets.append(Target(name, moving, move[own[moving]], turn[own[moving]]))
        return Primitive(
            ((self._model.mean[own] - _FOOT) / 100).astype(np.float32),
            triangles.reshape(-1, 3).astype(np.int32),
            self._rest[own],
            shown,
            material,
            joints,
            weights,
            tuple(targets),
        )

    def eyeball(self, region: str, centre: Float[Array, "3"], material: int) -> Primitive:
        """An eye about its centre; the texture tells the angle from the top of the cornea."""
        from .ict_looks import IRIS as PAINTED

        own = self._model.regions[region]
        place = np.full(len(self._model.mean), -1)
        place[own] = np.arange(len(own))
        triangles = place[self._model.triangles]
        points = self._model.mean[own] - centre
        far = np.linalg.norm(points, axis=1)
        axis = points[(far > far.max() - 0.12) & (points[:, 2] > 0)].mean(axis=0)
        axis /= np.linalg.norm(axis)
        side = np.cross([0.0, 1.0, 0.0], axis)
        side /= np.linalg.norm(side)
        flat = np.column_stack([points @ side, points @ np.cross(axis, side)])
        angle = np.arccos(np.clip(points @ axis / far, -1, 1)) * PAINTED / _IRIS
        ring = 0.5 * np.minimum(angle / np.pi, 1) / np.maximum(np.linalg.norm(flat, axis=1), 1e-9)
        return Primitive(
            (points / 100).astype(np.float32),
            triangles[(triangles >= 0).all(axis=1)].astype(np.int32),
            self._rest[own],
            (0.5 + flat * ring[:, None] * [1, -1]).astype(np.float32),
            material,
        )


def _bound(points: Float32[Array, "n 3"]) -> tuple[Int[Array, "n 4"], Float32[Array, "n 4"]]:
    """To which joints: the head, and below a border that falls from the nape to the throat."""
    below = points - _JOINTS["head"]
    high = below[:, 1] + 0.3 * below[:, 2]
    head = _smooth(high, -5.7, -1.2)
    neck = (1 - head) * _smooth(high, -9.5, -5.9)
    weights = np.zeros((len(points), 4), np.float32)
    weights[:, :3] = np.column_stack([head, neck, 1 - head - neck])
    joints = np.tile(np.array([2, 1, 0, 0], np.int32), (len(points), 1))
    return joints, weights


def _smooth(x: Array, low: float, high: float) -> Array:
    t: Array = np.clip((x - low) / (high - low), 0, 1)
    value: Array = t * t * (3 - 2 * t)
    return value
