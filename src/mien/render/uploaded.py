"""A model on the graphics card: its shapes, its pictures, and what changes from pose to pose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from ..arrays import Array, Float, Float32
from ..model import Material, Model, ModelPose
from .occlusion import openness
from .programs import Kind
from .scene import Actor
from .shape import Shape, table
from .skeleton import Skeleton

__all__ = ["PLAIN", "Part", "Uploaded"]

PLAIN = Material("plain", (0.8, 0.8, 0.8, 1.0))
"""What has no material."""

_SRGB8_ALPHA8 = 0x8C43
_LARGEST_PICTURE = 2048  # a side; a face fills a thousand pixels or so


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
    shape: Shape
    edge: float
    arrays: dict[Kind, Any]


class Uploaded:
    """Everything of one model that the graphics card holds.

    Args:
        gl: the context.
        model: to be drawn.
        fused: morph targets are added up here, by the processor, instead of by the card.
    """

    def __init__(self, gl: Any, model: Model, *, fused: bool) -> None:
        self._gl = gl
        # Between two sizes of a picture, where that costs nothing.
        self._minified = gl.LINEAR_MIPMAP_NEAREST if fused else gl.LINEAR_MIPMAP_LINEAR
        self.model = model
        self._skeleton = Skeleton(model)
        self._light = openness(gl, model)
        self._shapes: dict[tuple[int, int], Shape] = {}
        self._weights: dict[int, Any] = {}
        self._bones: dict[tuple[int, int], Any] = {}
        self._pictures: dict[tuple[str, int], tuple[Any, Any]] = {}
        self.parts: list[Part] = []
        self._pose: ModelPose | None = None
        self.actor: Actor | None = None
        """Whose pose is in the buffers."""
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
            self._weights[i] = table(gl, np.zeros((1, count, 1), np.float32), "f4")

    def _part(self, node: int, mesh: int, number: int, fused: bool) -> Part:
        primitive = self.model.meshes[mesh].primitives[number]
        material = PLAIN
        if primitive.material is not None:
            material = self.model.materials[primitive.material]
        place = (mesh, number)
        if place not in self._shapes:
            self._shapes[place] = Shape(
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
            self._bones[node, skin] = table(self._gl, np.zeros((1, rows, 4), np.float32), "f4")
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
        self.actor = actor
        pose = actor.pose
        weights = {mesh: self._weights_of(mesh, pose.weights) for mesh in self._meshes}
        new = pose is not self._pose
        bent: dict[int, Float32[Array, "joints 3 4"]] = {}
        if new:
            self._pose = pose
            self.world = self._skeleton.world(pose)
        for part in self.parts:
            bones = None
            if part.skin is not None and part.shape.bend:
                if part.skin not in bent:
                    bent[part.skin] = self._bones_of(part.skin)
                bones = bent[part.skin]
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
            if part.material.surface_texture is not None:
                surface = part.material.surface_texture
                found["surface"] = self._picture("surface", part.number, surface)
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
            texture.filter = (self._minified, self._gl.LINEAR)
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


def _fitted(image: Array, most: int) -> Array:
    """uint8 RGBA, no side longer than ``most``."""
    longest = max(image.shape[:2])
    if longest > most:
        size = tuple(max(1, round(side * most / longest)) for side in image.shape[1::-1])
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    if image.shape[2] == 3:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2RGBA)
    return np.ascontiguousarray(image)
