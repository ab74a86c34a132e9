"""One primitive on the graphics card: its buffers, and its morph targets as sparse tables.

For each vertex the card holds the list of the targets that move it, one after the other in a
texture; a vertex walks its list and skips targets whose weight is 0. Five hundred targets that move
a few vertices each thus cost what they move, and no limit on uniforms or attributes is met. Where
the processor draws anyway, a sparse matrix does the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from ..arrays import Array, Float, Float32
from ..errors import InputError
from ..model import Material, Primitive
from .programs import ROW
from .scene import Vertices
from .surface import Surface, tangents

__all__ = ["Shape", "table"]

_DIMMEST = 0.3
_FEW_JOINTS = 8  # that a mesh may have to be bent by the processor
_STILL = 1e-6  # metres that nobody sees
_STRAIGHT = 2e-3  # of a unit normal


class Shape:
    """The buffers of one primitive; several nodes may show it."""

    def __init__(
        self,
        gl: Any,
        primitive: Primitive,
        material: Material,
        light: Float32[Array, "n"],
        *,
        fused: bool,
        shared: bool,
    ) -> None:
        self.primitive = primitive
        self._gl = gl
        positions = np.ascontiguousarray(primitive.positions, np.float32)
        count = len(positions)
        self.surface = Surface(positions, primitive.triangles)
        normals = primitive.normals
        if normals is None:
            normals = self.surface.normals(positions)
        self._base = np.concatenate([positions, normals], axis=1, dtype=np.float32)
        self._box = _extent(self._base)
        ends = positions[primitive.triangles[:, :2]]
        self.edge = float(np.median(np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)))
        uv = primitive.uv if primitive.uv is not None else np.zeros((count, 2), np.float32)
        self.buffers: dict[str, tuple[Any, str]] = {}
        self.buffers["position, normal"] = (gl.buffer(self._base.tobytes(), dynamic=True), "3f 3f")
        self._add("texcoord", uv, "2f", dynamic=True)
        # What a closed mouth hides comes to light when it opens, hence a floor.
        self._add("openness", np.maximum(self.surface.openness() * light, _DIMMEST), "1f")
        if material.normal_texture is not None and primitive.uv is not None:
            along = tangents(positions, normals, primitive.uv, primitive.triangles)
            self._add("tangent", along, "4f")
        self.skinned = primitive.joints is not None and primitive.weights is not None
        if primitive.joints is not None and primitive.weights is not None:
            shares = primitive.weights / np.maximum(
                primitive.weights.sum(axis=1, keepdims=True), 1e-9
            )
            self._add("joints", primitive.joints.astype("i4"), "4i")
            self._add("shares", shares, "4f")
        self.index = gl.buffer(np.ascontiguousarray(primitive.triangles, "i4").tobytes())
        self.textures: dict[str, Any] = {}
        self.fusion: csr_matrix | None = None
        self._morph(fused=fused)
        self.bend: list[tuple[int, Float32[Array, "n 1"]]] = []
        if self.skinned and fused and not shared:  # two nodes may have two skins
            self.bend = _shares(primitive)
            self.skinned = not self.bend
        self._shown: Vertices | None = None
        self._state: tuple[bytes, bytes] | None = None

    def _add(self, name: str, data: Array, form: str, *, dynamic: bool = False) -> None:
        kind = "i4" if form.endswith("i") else "f4"
        raw = np.ascontiguousarray(data, kind).tobytes()
        self.buffers[name] = (self._gl.buffer(raw, dynamic=dynamic), form)

    def _morph(self, *, fused: bool) -> None:
        """Sort what the targets move by vertex."""
        vertices, moves, turns, owners = [], [], [], []
        for i, given in enumerate(self.primitive.targets):
            target = given if given.normals is not None else self.surface.bent(given)
            assert target.normals is not None  # noqa: S101 - bent() gives them
            felt = (np.abs(target.positions) > _STILL).any(axis=1)
            felt |= (np.abs(target.normals) > _STRAIGHT).any(axis=1)
            vertices.append(target.vertices[felt])
            moves.append(target.positions[felt])
            turns.append(target.normals[felt])
            owners.append(np.full(int(felt.sum()), i))
        total = sum(map(len, vertices))
        if not total:
            return
        vertex = np.concatenate(vertices)
        order = np.argsort(vertex, kind="stable")
        moved = np.concatenate(
            [np.concatenate(moves)[order], np.concatenate(turns)[order]], axis=1, dtype=np.float32
        )
        owner = np.concatenate(owners)[order]
        edges = np.searchsorted(vertex[order], np.arange(len(self._base) + 1))
        if fused:
            # Six rows for each vertex: what each target adds to its position and its normal.
            self.fusion = csr_matrix(
                (
                    moved.ravel(),
                    ((6 * vertex[order][:, None] + np.arange(6)).ravel(), np.repeat(owner, 6)),
                ),
                shape=(self._base.size, len(self.primitive.targets)),
            )
            return
        rows = -(-total // ROW)
        most = int(self._gl.info["GL_MAX_TEXTURE_SIZE"])
        if rows > most:
            raise InputError(
                f"the morph targets move {total:,} vertices in all, this graphics card takes "
                f"{ROW * most:,}; reduce the targets or the mesh"
            )
        data = np.zeros((rows * ROW, 4), np.float32)
        data[:total, :3] = moved[:, :3]
        data[:total, 3] = owner
        self.textures["moves"] = table(self._gl, data.reshape(rows, ROW, 4), "f4")
        data[:total, :3] = moved[:, 3:]
        self.textures["turns"] = table(self._gl, data.reshape(rows, ROW, 4), "f2")
        self._add("span", np.stack([edges[:-1], edges[1:]], axis=1).astype("i4"), "2i")

    def show(
        self,
        vertices: Vertices | None,
        weights: Float32[Array, "m"],
        bones: Float32[Array, "joints 3 4"] | None,
    ) -> None:
        """Put other vertices, or the primitive's own again, into the buffers.

        Args:
            vertices: None for the primitive's own.
            weights: of the targets, for those that are fused here.
            bones: mesh -> where each joint takes it, for what is bent here.
        """
        given = self.primitive
        if vertices is not self._shown:
            self._shown = vertices
            self._state = None
            positions = given.positions if vertices is None else vertices.positions
            if positions.shape != given.positions.shape:
                raise ValueError(f"{len(given.positions)} vertices, got {positions.shape}")
            normals = given.normals if vertices is None else vertices.normals
            if normals is None:
                normals = self.surface.normals(positions)
            self._base = np.concatenate([positions, normals], axis=1, dtype=np.float32)
            uv = given.uv if vertices is None or vertices.uv is None else vertices.uv
            if uv is not None:
                self.buffers["texcoord"][0].write(np.ascontiguousarray(uv, np.float32).tobytes())
            if self.fusion is None and not self.bend:
                self._write(self._base)
        if self.fusion is None and not self.bend:
            return
        state = (weights.tobytes(), b"" if bones is None else bones.tobytes())
        if state == self._state:
            return
        self._state = state
        data = self._base
        if self.fusion is not None:
            data = data + (self.fusion @ weights).reshape(-1, 6)
        self._write(data if bones is None else self._bent(data, bones))

    def _bent(
        self, data: Float32[Array, "n 6"], bones: Float32[Array, "joints 3 4"]
    ) -> Float32[Array, "n 6"]:
        """Positions and normals as a few joints bend them."""
        bent = np.zeros_like(data)
        for joint, share in self.bend:
            turn, move = bones[joint, :, :3], bones[joint, :, 3]
            moved = np.empty_like(data)
            np.matmul(data[:, :3], turn.T, out=moved[:, :3])
            moved[:, :3] += move
            np.matmul(data[:, 3:], turn.T, out=moved[:, 3:])
            moved *= share
            bent += moved
        return bent

    def _write(self, data: Float32[Array, "n 6"]) -> None:
        self._box = _extent(data)
        self.buffers["position, normal"][0].write(np.ascontiguousarray(data).tobytes())

    @property
    def box(self) -> Float[Array, "2 3"] | None:
        """Lowest and highest corner of what is in the buffers; None where the card decides."""
        return None if self.skinned or self.textures else self._box

    def release(self) -> None:
        """Free everything."""
        for buffer, _ in self.buffers.values():
            buffer.release()
        for texture in self.textures.values():
            texture.release()
        self.index.release()


def _extent(data: Float32[Array, "n 6"]) -> Float[Array, "2 3"]:
    return np.array([data[:, :3].min(axis=0), data[:, :3].max(axis=0)], np.float64)


def _shares(primitive: Primitive) -> list[tuple[int, Float32[Array, "n 1"]]]:
    """How much each joint counts for each vertex; nothing where too many joints count."""
    assert primitive.joints is not None  # noqa: S101
    assert primitive.weights is not None  # noqa: S101
    used = np.unique(primitive.joints[primitive.weights > 0])
    if not 0 < len(used) <= _FEW_JOINTS:
        return []
    total = np.maximum(primitive.weights.sum(axis=1), 1e-9)
    found = []
    for joint in used:
        share = np.where(primitive.joints == joint, primitive.weights, 0.0).sum(axis=1) / total
        found.append((int(joint), share.astype(np.float32)[:, None]))
    return found


def table(gl: Any, data: Array, dtype: str) -> Any:
    """A texture of numbers (rows, columns, components)."""
    rows, columns, components = data.shape
    texture = gl.texture((columns, rows), components, data.astype(dtype).tobytes(), dtype=dtype)
    texture.filter = (gl.NEAREST, gl.NEAREST)
    return texture
