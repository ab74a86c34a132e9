"""Meshes of a glTF file: primitives with their morph targets and what they hang on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..arrays import Array, Float32, Int
from ..model import Mesh, Primitive, Target
from .accessors import Accessors
from .document import COMPRESSIONS, Document, Item

__all__ = ["Meshes", "Unwrapping"]


class Unwrapping(NamedTuple):
    """Which texture coordinates a material uses, and what becomes of them."""

    uv_set: int = 0
    scale: tuple[float, float] = (1.0, 1.0)
    offset: tuple[float, float] = (0.0, 0.0)


class Meshes:
    """Reads the meshes of a document.

    Args:
        document: the file.
        accessors: its arrays.
        unwrappings: for each material.
        notes: gets a sentence for each thing that is left out.
    """

    def __init__(
        self,
        document: Document,
        accessors: Accessors,
        unwrappings: Sequence[Unwrapping],
        notes: list[str],
    ) -> None:
        self.document, self.accessors = document, accessors
        self.source, self.notes = document.source, notes
        self._unwrappings = unwrappings

    def read(self) -> tuple[list[Mesh], dict[int, int]]:
        """The meshes that have triangles, and their index by that in the file.

        Raises:
            InputError: arrays that do not fit each other, or that lead nowhere.
        """
        meshes: list[Mesh] = []
        places: dict[int, int] = {}
        for i, item in enumerate(self.document.root.items("meshes")):
            parts = item.items("primitives")
            found = [self._primitive(part) for part in parts]
            primitives = _alike([p for p in found if p is not None])
            if not primitives:
                self.notes.append(f"the mesh {item.text('name') or item.where!r} has no triangles")
                continue
            names = self._target_names(item, parts, len(primitives[0].targets))
            primitives = [
                replace(
                    p,
                    targets=tuple(
                        replace(target, name=name)
                        for target, name in zip(p.targets, names, strict=True)
                    ),
                )
                for p in primitives
            ]
            rest = item.numbers("weights", len(names)) if item.value.get("weights") else None
            places[i] = len(meshes)
            meshes.append(
                Mesh(
                    item.text("name"),
                    tuple(primitives),
                    None if rest is None else np.array(rest, np.float32),
                )
            )
        return meshes, places

    def _target_names(self, mesh: Item, parts: list[Item], count: int) -> list[str]:
        """Names are no part of glTF: they are in the extras of the mesh, or of a primitive."""
        for item in (mesh, *parts):
            extras = item.value.get("extras")
            names = extras.get("targetNames") if isinstance(extras, dict) else None
            if isinstance(names, list) and all(isinstance(n, str) for n in names) and names:
                return [*names, *(f"target{i}" for i in range(len(names), count))][:count]
        if count:
            label = mesh.text("name") or mesh.where
            self.notes.append(f"the {count} targets of the mesh {label!r} have no names")
        return [f"target{i}" for i in range(count)]

    def _primitive(self, item: Item) -> Primitive | None:
        mode = item.index("mode", 7, 4, "a mode")
        attributes = item.item("attributes")
        if mode < 4 or "POSITION" not in attributes:
            self.notes.append(f"{item.where} has no triangles and is left out")
            return None
        total = len(self.accessors)
        at = attributes.index("POSITION", total)
        draco = item.extension(*COMPRESSIONS)
        if draco is not None and not self.accessors.has_bytes(at):
            self.document.refuse_compressed("Draco")
        positions = self.accessors.floats(at, "VEC3")
        n = len(positions)
        triangles = self._triangles(item, n, mode)
        if not len(triangles):
            self.notes.append(f"{item.where} has no triangles and is left out")
            return None
        material = item.index("material", len(self._unwrappings), None)
        unwrapping = Unwrapping() if material is None else self._unwrappings[material]

        def attribute(name: str, kind: str) -> Float32[Array, "n c"] | None:
            index = attributes.index(name, total, None)
            if index is None:
                return None
            values = self.accessors.floats(index, kind)
            if len(values) != n:
                self.source.refuse(f"{item.where} has {n} positions and {len(values)} of {name}")
            return values

        normals = attribute("NORMAL", "VEC3")
        joints, weights = None, attribute("WEIGHTS_0", "VEC4")
        index = attributes.index("JOINTS_0", total, None)
        if weights is not None and index is not None:
            joints = self.accessors.integers(index, "VEC4")
            if len(joints) != n:
                self.source.refuse(f"{item.where} has {n} positions and {len(joints)} of JOINTS_0")
            joints, weights = _bound(joints, weights)
            if "JOINTS_1" in attributes:
                self.notes.append(f"{item.where} hangs on more than four joints; four are used")
        uv = attribute(f"TEXCOORD_{unwrapping.uv_set}", "VEC2")
        if uv is not None and unwrapping[1:] != Unwrapping()[1:]:
            scale, offset = (np.array(pair, np.float32) for pair in unwrapping[1:])
            with np.errstate(over="ignore"):
                uv = uv * scale + offset
        targets = [self._target(target, n) for target in item.items("targets")]
        return Primitive(
            positions,
            triangles,
            None if normals is None else _unit(normals),
            uv,
            material,
            joints,
            None if joints is None else weights,
            tuple(targets),
        )

    def _triangles(self, item: Item, n: int, mode: int) -> Int[Array, "t 3"]:
        index = item.index("indices", len(self.accessors), None)
        if index is None:
            order = np.arange(n, dtype=np.int32)
        else:
            order = self.accessors.integers(index, "SCALAR")[:, 0]
        if mode == 4:
            triangles = order[: len(order) // 3 * 3].reshape(-1, 3)
        elif len(order) < 3:
            triangles = order[:0].reshape(-1, 3)
        elif mode == 5:  # every second triangle of a strip is turned
            triangles = np.stack([order[:-2], order[1:-1], order[2:]], axis=1)
            triangles[1::2] = triangles[1::2, [1, 0, 2]]
        else:
            first = np.broadcast_to(order[:1], len(order) - 2)
            triangles = np.stack([first, order[1:-1], order[2:]], axis=1)
        if len(triangles) and triangles.max() >= n:
            self.source.refuse(f"{item.where} has a triangle at vertex {triangles.max()} of {n}")
        return triangles

    def _target(self, item: Item, n: int) -> Target:
        found: list[tuple[Int[Array, "k"], Float32[Array, "k 3"]] | None] = []
        for name in ("POSITION", "NORMAL"):
            index = item.index(name, len(self.accessors), None)
            if index is not None and self.accessors.length(index) != n:
                self.source.refuse(
                    f"{item.where} has {self.accessors.length(index)} of {name} for {n} vertices"
                )
            found.append(None if index is None else self.accessors.moved(index))
        places = [part[0] for part in found if part is not None]
        vertices = np.unique(np.concatenate(places)) if places else np.zeros(0, np.int64)

        def spread(part: tuple[Array, Array] | None) -> Float32[Array, "k 3"]:
            values = np.zeros((len(vertices), 3), np.float32)
            if part is not None:
                values[np.searchsorted(vertices, part[0])] = part[1]
            return values

        normals = None if found[1] is None else spread(found[1])
        return Target("", vertices.astype(np.int32), spread(found[0]), normals)


def _alike(primitives: list[Primitive]) -> list[Primitive]:
    """Primitives with equally many targets; what one lacks does nothing."""
    most = max((len(p.targets) for p in primitives), default=0)
    nothing = Target("", np.zeros(0, np.int32), np.zeros((0, 3), np.float32))
    return [
        replace(p, targets=(*p.targets, *[nothing] * (most - len(p.targets)))) for p in primitives
    ]


def _unit(normals: Float32[Array, "n 3"]) -> Float32[Array, "n 3"]:
    """Unit length; what has none looks forward. Those that are right are left as they are."""
    with np.errstate(over="ignore", invalid="ignore"):
        length = np.sqrt(np.einsum("ij,ij->i", normals, normals, dtype=np.float64))
        off = np.abs(length - 1) > 1e-4
        if not off.any():
            return normals
        normals = normals.copy()
        normals[off] /= np.maximum(length[off], 1e-12)[:, None].astype(np.float32)
    normals[~(length > 1e-12) | ~np.isfinite(length)] = (0, 0, 1)
    return normals


def _bound(
    joints: Int[Array, "n 4"], weights: Float32[Array, "n 4"]
) -> tuple[Int[Array, "n 4"], Float32[Array, "n 4"]]:
    """Weights that sum to 1, and joint 0 where the weight is 0, whatever stood there."""
    weights = np.clip(weights, 0, 1)
    total = weights.sum(axis=1, dtype=np.float64)
    off = np.abs(total - 1) > 1e-6
    if off.any():
        weights[total <= 0] = (1, 0, 0, 0)
        total[total <= 0] = 1
        weights[off] = (weights[off] / total[off, None]).astype(np.float32)
    return np.where(weights > 0, joints, 0).astype(np.int32), weights
