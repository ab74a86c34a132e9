"""A 3D model as avatars are: nodes that carry meshes with morph targets, skins and materials.

What :mod:`mien.gltf` reads and writes, what the bust is built as and what :mod:`mien.render`
draws. The conventions are glTF's: metres, right-handed, y up, the face looks along +z, hence x
points to the subject's left; quaternions are (x, y, z, w); colours are linear, textures sRGB.
Nothing here changes once built: a moving model is a :class:`Model` and a :class:`ModelPose`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np

from .arrays import Array, Float, Float32, Int, UInt8

__all__ = [
    "Animation",
    "Material",
    "Mesh",
    "Model",
    "ModelPose",
    "Node",
    "Primitive",
    "Skin",
    "Target",
]

Shading = Literal["standard", "unlit", "skin", "eye", "clay", "faceted"]
"""How a renderer may draw a material; what is unknown to a program is ``standard`` to it."""


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """How the surface of a primitive looks.

    Attributes:
        name: for people.
        colour: red, green, blue, alpha, linear, 0..1; multiplied with the texture.
        texture: uint8 (height, width, 4), sRGB with alpha, row 0 on top, or None.
        metallic, roughness: 0..1.
        emissive: red, green, blue, linear.
        alpha: what alpha does: nothing, cut out below ``cutoff``, or blend.
        cutoff: 0..1.
        double_sided: both sides are drawn.
        shading: see :data:`Shading`.
        normal_texture: uint8 (height, width, 3), glTF's normal map (green is up), or None.
        surface_texture: uint8 (height, width, 3), linear, as glTF packs it: green is multiplied
            with ``roughness``, blue with ``metallic``; or None.
    """

    name: str = ""
    colour: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    texture: UInt8[Array, "_ _ 4"] | None = None
    metallic: float = 0.0
    roughness: float = 0.8
    emissive: tuple[float, float, float] = (0.0, 0.0, 0.0)
    alpha: Literal["opaque", "mask", "blend"] = "opaque"
    cutoff: float = 0.5
    double_sided: bool = False
    shading: Shading = "standard"
    normal_texture: UInt8[Array, "_ _ 3"] | None = None
    surface_texture: UInt8[Array, "_ _ 3"] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """What one morph target adds to a primitive at weight 1.

    Attributes:
        name: of the target; the same at the same place in every primitive of a mesh.
        vertices: int (k,), the vertices that move, ascending.
        positions: float32 (k, 3), metres.
        normals: float32 (k, 3), or None where a file has none.
    """

    name: str
    vertices: Int[Array, "k"]
    positions: Float32[Array, "k 3"]
    normals: Float32[Array, "k 3"] | None = None

    def __post_init__(self) -> None:
        if self.positions.shape != (len(self.vertices), 3):
            raise ValueError(
                f"target {self.name!r} moves {len(self.vertices)} vertices, "
                f"its positions are {self.positions.shape}"
            )


@dataclass(frozen=True, slots=True, eq=False)
class Primitive:
    """Triangles with one material.

    Attributes:
        positions: float32 (n, 3), metres.
        triangles: int (t, 3), counter-clockwise from outside.
        normals: float32 (n, 3), unit length, or None.
        uv: float32 (n, 2), (0, 0) is the texture's top left, or None.
        material: index into ``Model.materials``, or None.
        joints: int (n, 4), indices into ``Skin.joints``, or None.
        weights: float32 (n, 4), how much each joint counts; the sum is 1. None without joints.
        targets: morph targets.
    """

    positions: Float32[Array, "n 3"]
    triangles: Int[Array, "t 3"]
    normals: Float32[Array, "n 3"] | None = None
    uv: Float32[Array, "n 2"] | None = None
    material: int | None = None
    joints: Int[Array, "n 4"] | None = None
    weights: Float32[Array, "n 4"] | None = None
    targets: tuple[Target, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.positions)
        if len(self.triangles) and not 0 <= self.triangles.min() <= self.triangles.max() < n:
            raise ValueError(
                f"triangles name vertices {self.triangles.min()}..{self.triangles.max()} of {n}"
            )
        for name in ("normals", "uv", "joints", "weights"):
            value = getattr(self, name)
            if value is not None and len(value) != n:
                raise ValueError(f"{name}: {len(value)} for {n} vertices")
        if (self.joints is None) != (self.weights is None):
            raise ValueError("joints and weights come together")
        for target in self.targets:
            if len(target.vertices) and not 0 <= target.vertices[0] <= target.vertices[-1] < n:
                raise ValueError(f"target {target.name!r} moves a vertex that is none of {n}")


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """Primitives that morph together.

    Attributes:
        name: for people.
        primitives: at least one; all have the same targets, as far as names go.
        rest: float32 (targets,), weights when nothing drives them.
    """

    name: str
    primitives: tuple[Primitive, ...]
    rest: Float32[Array, "m"] | None = None

    def __post_init__(self) -> None:
        if not self.primitives:
            raise ValueError(f"mesh {self.name!r} has no primitive")
        named = {tuple(t.name for t in p.targets) for p in self.primitives}
        if len(named) > 1:
            raise ValueError(f"the primitives of mesh {self.name!r} differ in their targets")
        if self.rest is not None and len(self.rest) != len(self.targets):
            raise ValueError(f"mesh {self.name!r}: {len(self.rest)} weights at rest")

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the morph targets."""
        return tuple(target.name for target in self.primitives[0].targets)


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A place in the tree.

    Attributes:
        name: for people and for finding bones.
        parent: index into ``Model.nodes``, or None at a root.
        translation: metres, relative to the parent; ``rotation`` and ``scale`` alike.
        rotation: quaternion (x, y, z, w).
        scale: factors.
        mesh, skin: indices, or None.
    """

    name: str = ""
    parent: int | None = None
    translation: tuple[float, float, float] = (0.0, 0.0, 0.0)
    rotation: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 1.0)
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    mesh: int | None = None
    skin: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Skin:
    """Joints that bend a mesh.

    Attributes:
        joints: indices into ``Model.nodes``.
        inverse_bind: float32 (joints, 4, 4), mesh -> joint at rest; column vectors.
    """

    joints: tuple[int, ...]
    inverse_bind: Float32[Array, "j 4 4"]


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """Everything that stands in one file.

    Raises:
        ValueError: an index that leads nowhere, or a node that is its own ancestor.
    """

    nodes: tuple[Node, ...]
    meshes: tuple[Mesh, ...] = ()
    materials: tuple[Material, ...] = ()
    skins: tuple[Skin, ...] = ()
    name: str = ""

    def __post_init__(self) -> None:
        counts = {
            "parent": len(self.nodes),
            "mesh": len(self.meshes),
            "skin": len(self.skins),
        }
        for i, node in enumerate(self.nodes):
            for what, count in counts.items():
                value = getattr(node, what)
                if value is not None and not 0 <= value < count:
                    raise ValueError(f"node {i} ({node.name!r}) has {what} {value} of {count}")
        for mesh in self.meshes:
            for primitive in mesh.primitives:
                if primitive.material is not None and not (
                    0 <= primitive.material < len(self.materials)
                ):
                    raise ValueError(f"mesh {mesh.name!r} has material {primitive.material}")
        for skin in self.skins:
            if not all(0 <= joint < len(self.nodes) for joint in skin.joints):
                raise ValueError(f"a skin has joints {skin.joints} of {len(self.nodes)} nodes")
        settled: set[int] = set()
        for i in range(len(self.nodes)):
            seen: set[int] = set()
            at: int | None = i
            while at is not None and at not in settled:
                if at in seen:
                    raise ValueError(f"node {at} ({self.nodes[at].name!r}) is its own ancestor")
                seen.add(at)
                at = self.nodes[at].parent
            settled |= seen


@dataclass(frozen=True, slots=True, eq=False)
class ModelPose:
    """One moment of a model: what differs from rest.

    Attributes:
        weights: float32 (targets,) by index of the mesh.
        rotations: quaternion (x, y, z, w) by index of the node, instead of its own.
        translations: metres by index of the node, instead of its own.
    """

    weights: Mapping[int, Float32[Array, "m"]] = field(default_factory=lambda: MappingProxyType({}))
    rotations: Mapping[int, Float[Array, "4"]] = field(default_factory=lambda: MappingProxyType({}))
    translations: Mapping[int, Float[Array, "3"]] = field(
        default_factory=lambda: MappingProxyType({})
    )


@dataclass(frozen=True, slots=True, eq=False)
class Animation:
    """A model in motion.

    Attributes:
        times: float (f,), seconds, ascending; not necessarily at a steady rate.
        poses: one for each time; all name the same meshes and nodes.
        name: for people.
    """

    times: Float[Array, "f"]
    poses: tuple[ModelPose, ...]
    name: str = "face"

    def __post_init__(self) -> None:
        if len(self.times) != len(self.poses):
            raise ValueError(f"{len(self.times)} times for {len(self.poses)} poses")
        if len(self.times) > 1 and not (np.diff(self.times) > 0).all():
            raise ValueError("the times of an animation ascend, each above the one before")
