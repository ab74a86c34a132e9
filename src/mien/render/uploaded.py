"""A model on the graphics card: buffers, textures, and what changes from pose to pose.

Morph targets stay sparse there. For each vertex the card holds the list of the targets that move
it, one after the other in a texture; a vertex walks its list and skips targets whose weight is 0.
Five hundred targets that move a few vertices each thus cost what they move, and no limit on
uniforms or attributes is met.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from scipy.sparse import csr_matrix

from ..arrays import Array, Float, Float32
from ..errors import InputError
from ..model import Material, Model, ModelPose, Primitive
from .occlusion import openness
from .programs import ROW, Kind
from .scene import Actor, Vertices
from .skeleton import Skeleton
from .surface import Surface, tangents

__all__ = ["PLAIN", "Part", "Uploaded"]

PLAIN = Material("plain", (0.8, 0.8, 0.8, 1.0))
"""What has no material."""

_SRGB8_ALPHA8 = 0x8C43
_LARGEST_PICTURE = 2048  # a side; a face fills a thousand pixels or so
_FEW_JOINTS = 8  # that a mesh may have to be bent by the processor
_STILL = 1e-6  # metres that nobody sees
_DIMMEST = 0.3
_STRAIGHT = 2e-3  # of a unit normal


@dataclass(slots=True, eq=False)
class Part:
    """A primitive of a mesh at a node.

    Attributes:
        place: (mesh, primitive).
        node: that carries it.
        material: of the surface; ``number`` is its index, or None.
        rest: float (3,), middle of its vertices, in its own axes.
        edge: median length of its edges, in its own axes.
    """

    place: tuple[int, int]
    node: int
    skin: int | None
    material: Material
    number: int | None
    rest: Float[Array, "3"]
    shape: _Shape
    edge: float
    arrays: dict[Kind, Any]


class _Shape:
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
        self.textures["moves"] = _table(self._gl, data.reshape(rows, ROW, 4), "f4")
        data[:total, :3] = moved[:, 3:]
        self.textures["turns"] = _table(self._gl, data.reshape(rows, ROW, 4), "f2")
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
        self.buffers["position, normal"][0].write(np.ascontiguousarray(data).tobytes())

    def release(self) -> None:
        for buffer, _ in self.buffers.values():
            buffer.release()
        for texture in self.textures.values():
            texture.release()
        self.index.release()


class Uploaded:
    """Everything of one model that the graphics card holds.

    Args:
        gl: the context.
        model: to be drawn.
        fused: morph targets are added up here, by the processor, instead of by the card.
    """

    def __init__(self, gl: Any, model: Model, *, fused: bool) -> None:
        self._gl = gl
        self.model = model
        self._skeleton = Skeleton(model)
        self._light = openness(gl, model)
        self._shapes: dict[tuple[int, int], _Shape] = {}
        self._weights: dict[int, Any] = {}
        self._bones: dict[tuple[int, int], Any] = {}
        self._pictures: dict[tuple[str, int], tuple[Any, Any]] = {}
        self.parts: list[Part] = []
        self._pose: ModelPose | None = None
        self.world: Float[Array, "nodes 4 4"] = self._skeleton.world(ModelPose())
        for i, node in enumerate(model.nodes):
            if node.mesh is None:
                continue
            for j, primitive in enumerate(model.meshes[node.mesh].primitives):
                if len(primitive.triangles):
                    self.parts.append(self._part(i, node.mesh, j, fused))
        self._meshes = {part.place[0] for part in self.parts}
        for i in {p.place[0] for p in self.parts if "moves" in p.shape.textures}:
            count = len(model.meshes[i].targets)
            self._weights[i] = _table(gl, np.zeros((1, count, 1), np.float32), "f4")

    def _part(self, node: int, mesh: int, number: int, fused: bool) -> Part:
        primitive = self.model.meshes[mesh].primitives[number]
        material = PLAIN
        if primitive.material is not None:
            material = self.model.materials[primitive.material]
        place = (mesh, number)
        if place not in self._shapes:
            self._shapes[place] = _Shape(
                self._gl,
                primitive,
                material,
                self._light[place],
                fused=fused,
                shared=sum(node.mesh == mesh for node in self.model.nodes) > 1,
            )
        shape = self._shapes[place]
        skin = self.model.nodes[node].skin if primitive.joints is not None else None
        if skin is not None and shape.skinned and (node, skin) not in self._bones:
            rows = 3 * len(self.model.skins[skin].joints)
            self._bones[node, skin] = _table(self._gl, np.zeros((1, rows, 4), np.float32), "f4")
        return Part(
            place,
            node,
            skin,
            material,
            primitive.material,
            primitive.positions[primitive.triangles.ravel()].mean(axis=0).astype(np.float64),
            self._shapes[place],
            self._shapes[place].edge,
            {},
        )

    def pose(self, actor: Actor) -> None:
        """Bring weights, bones and vertices up to date."""
        pose = actor.pose
        weights = {mesh: self._weights_of(mesh, pose.weights) for mesh in self._meshes}
        new = pose is not self._pose
        if new:
            self._pose = pose
            self.world = self._skeleton.world(pose)
        for part in self.parts:
            bones = None
            if part.skin is not None and part.shape.bend:
                bones = self._bones_of(part.skin)
            part.shape.show(actor.vertices.get(part.place), weights[part.place[0]], bones)
        if not new:
            return
        for mesh, texture in self._weights.items():
            texture.write(weights[mesh].tobytes())
        for (_, number), texture in self._bones.items():
            texture.write(self._bones_of(number).tobytes())

    def _bones_of(self, number: int) -> Float32[Array, "joints 3 4"]:
        """Where each joint of a skin takes the mesh, model axes."""
        skin = self.model.skins[number]
        bones = self.world[list(skin.joints)] @ skin.inverse_bind
        return np.ascontiguousarray(bones[:, :3], np.float32)

    def _weights_of(
        self, mesh: int, given: Mapping[int, Float32[Array, "_"]]
    ) -> Float32[Array, "_"]:
        count = len(self.model.meshes[mesh].targets)
        weights = given.get(mesh)
        if weights is None:
            rest = self.model.meshes[mesh].rest
            weights = rest if rest is not None else np.zeros(count, np.float32)
        if len(weights) != count:
            raise ValueError(f"mesh {mesh} has {count} targets, got {len(weights)} weights")
        return np.ascontiguousarray(weights, np.float32)

    def place(self, part: Part, actor: Actor) -> Float[Array, "4 4"]:
        """A part's own axes -> world. A skin stands where its bones are, not where its node is."""
        if part.skin is not None:
            return actor.placement
        matrix: Array = actor.placement @ self.world[part.node]
        return matrix

    def textures(self, part: Part, actor: Actor) -> dict[str, Any]:
        """What the samplers of a part's program read, by name."""
        found = dict(part.shape.textures)
        if "moves" in found:
            found["weights"] = self._weights[part.place[0]]
        if part.skin is not None and part.shape.skinned:
            found["bones"] = self._bones[part.node, part.skin]
        if part.number is not None:
            picture = actor.textures.get(part.number, part.material.texture)
            if picture is not None:
                found["picture"] = self._picture("picture", part.number, picture)
            if part.material.normal_texture is not None and "tangent" in part.shape.buffers:
                bumps = part.material.normal_texture
                found["bumps"] = self._picture("bumps", part.number, bumps)
        return found

    def _picture(self, what: str, number: int, image: Array) -> Any:
        """The texture of a material; a picture of the same size is written over the last one."""
        texture, shown = self._pictures.get((what, number), (None, None))
        if shown is image:
            return texture
        pixels = _fitted(image, min(_LARGEST_PICTURE, int(self._gl.info["GL_MAX_TEXTURE_SIZE"])))
        size = (pixels.shape[1], pixels.shape[0])
        if texture is None or texture.size != size:
            if texture is not None:
                texture.release()
            srgb = {"internal_format": _SRGB8_ALPHA8} if what == "picture" else {}
            texture = self._gl.texture(size, 4, **srgb)
        texture.write(pixels.tobytes())
        # A picture that changes with every frame has no time for smaller copies of itself.
        if shown is None:
            texture.build_mipmaps()
            texture.filter = (self._gl.LINEAR_MIPMAP_LINEAR, self._gl.LINEAR)
        else:
            texture.filter = (self._gl.LINEAR, self._gl.LINEAR)
        self._pictures[what, number] = (texture, image)
        return texture

    def release(self) -> None:
        """Free everything."""
        for part in self.parts:
            for array in part.arrays.values():
                array.release()
        for shape in self._shapes.values():
            shape.release()
        tables = [*self._weights.values(), *self._bones.values()]
        for texture in (*tables, *(texture for texture, _ in self._pictures.values())):
            texture.release()


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


def _table(gl: Any, data: Array, dtype: str) -> Any:
    """A texture of numbers (rows, columns, components)."""
    rows, columns, components = data.shape
    texture = gl.texture((columns, rows), components, data.astype(dtype).tobytes(), dtype=dtype)
    texture.filter = (gl.NEAREST, gl.NEAREST)
    return texture


def _fitted(image: Array, most: int) -> Array:
    """uint8 RGBA, no side longer than ``most``."""
    longest = max(image.shape[:2])
    if longest > most:
        size = tuple(max(1, round(side * most / longest)) for side in image.shape[1::-1])
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    if image.shape[2] == 3:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2RGBA)
    return np.ascontiguousarray(image)
