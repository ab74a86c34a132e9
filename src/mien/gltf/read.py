"""A glTF, GLB or VRM file -> :class:`mien.model.Model` and what VRM says beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..arrays import Array, UInt8
from ..geometry import quaternion_from_matrix
from ..model import Material, Model, Node, Shading, Skin
from .accessors import Accessors
from .document import Document, Item, open_document
from .images import Images
from .meshes import Meshes, Unwrapping
from .vrm import Vrm, read_vrm

__all__ = ["MOST_NODES", "AvatarFile", "read"]

MOST_NODES = 20_000
"""An avatar has some hundreds."""

_Quaternion = tuple[float, float, float, float]
_NO_TURN: _Quaternion = (0.0, 0.0, 0.0, 1.0)
_SHADINGS: tuple[Shading, ...] = ("skin", "eye", "clay", "faceted")


@dataclass(frozen=True, slots=True, eq=False)
class AvatarFile:
    """What stands in a file.

    Attributes:
        model: its nodes in the order of the file, facing +z also where VRM 0.x has -z.
        vrm: what it says as a VRM, or None.
        notes: what was left out or changed, a sentence each.
    """

    model: Model
    vrm: Vrm | None
    notes: tuple[str, ...]


def read(path: Path | str) -> AvatarFile:
    """Read a .gltf, .glb or .vrm file.

    What only concerns looks (a texture that does not decode, points and lines, a second set of
    joints) is left out with a note. Animations, cameras and lights of the file are not read.
    Targets lose the vertices that they do not move.

    Raises:
        InputError: the file is missing, no glTF 2.0, damaged, compressed, reaches out of its
            folder, needs an unknown extension, or is beyond the limits of this package.
    """
    document = open_document(Path(path))
    try:
        return _Reader(document).read()
    except (ValueError, MemoryError) as error:  # the model's own checks
        document.source.refuse(str(error) or "it does not fit into memory")


class _Reader:
    def __init__(self, document: Document) -> None:
        self.document, self.root = document, document.root
        self.source = document.source
        self.notes: list[str] = []
        self.accessors = Accessors(document)
        self.images = Images(document, self.accessors, self.notes)

    def read(self) -> AvatarFile:
        unlit = self._unlit_of_vrm0()
        infos = self.root.items("materials")
        materials = tuple(self._material(info, i in unlit) for i, info in enumerate(infos))
        unwrappings = [self._unwrapping(info) for info in infos]
        meshes, places = Meshes(self.document, self.accessors, unwrappings, self.notes).read()
        skins = self.root.items("skins")
        nodes = self._nodes(places, len(skins))
        vrm = read_vrm(
            self.root, places, [len(m.targets) for m in meshes], [n.mesh for n in nodes], self.notes
        )
        name = self._scene(nodes)
        if vrm is not None and vrm.version == "0.x":
            nodes = [_turned(node) if node.parent is None else node for node in nodes]
        model = Model(
            tuple(nodes),
            tuple(meshes),
            materials,
            tuple(self._skin(skin, len(nodes)) for skin in skins),
            name or self.source.path.stem,
        )
        self._check_joints(model)
        if not any(mesh.targets for mesh in meshes):
            self.notes.append("it has no morph targets, so the face cannot move")
        return AvatarFile(model, vrm, tuple(dict.fromkeys(self.notes)))

    # Nodes

    def _nodes(self, places: Mapping[int, int], skins: int) -> list[Node]:
        items = self.root.items("nodes")
        if len(items) > MOST_NODES:
            self.source.refuse(f"it has {len(items)} nodes", f"{MOST_NODES} are the most")
        parents: list[int | None] = [None] * len(items)
        for i, item in enumerate(items):
            for child in item.indices("children", len(items), "nodes"):
                if parents[child] is not None or child == i:
                    self.source.refuse(f"nodes[{child}] is a child of more than one node")
                parents[child] = i
        _refuse_cycles(parents, self.document)
        total = len(self.root.items("meshes"))
        nodes = []
        for item, parent in zip(items, parents, strict=True):
            mesh = item.index("mesh", total, None)
            translation, rotation, scale = _placement(item)
            nodes.append(
                Node(
                    item.text("name"),
                    parent,
                    translation,
                    rotation,
                    scale,
                    None if mesh is None else places.get(mesh),
                    item.index("skin", skins, None),
                )
            )
        return nodes

    def _scene(self, nodes: list[Node]) -> str:
        """Name of the scene that is shown; nodes outside of it lose their meshes."""
        scenes = self.root.items("scenes")
        if not scenes:
            return ""
        default: int = self.root.index("scene", len(scenes), 0)
        scene = scenes[default]
        shown = set(scene.indices("nodes", len(nodes), "nodes"))
        inside: list[bool | None] = [None] * len(nodes)
        hidden = 0
        for i in range(len(nodes)):
            chain, at, answer = [], i, False
            while True:
                if (known := inside[at]) is not None:
                    answer = known
                    break
                chain.append(at)
                above = nodes[at].parent
                if at in shown or above is None:
                    answer = at in shown
                    break
                at = above
            for link in chain:
                inside[link] = answer
            if not answer and nodes[i].mesh is not None:
                nodes[i] = replace(nodes[i], mesh=None, skin=None)
                hidden += 1
        if hidden:
            meshes = "mesh" if hidden == 1 else "meshes"
            self.notes.append(f"{hidden} {meshes} outside of the scene left out")
        return scene.text("name")

    def _skin(self, item: Item, nodes: int) -> Skin:
        joints = item.indices("joints", nodes, "nodes")
        inverse = np.broadcast_to(np.eye(4, dtype=np.float32), (len(joints), 4, 4)).copy()
        index = item.index("inverseBindMatrices", len(self.accessors), None)
        if index is not None:
            rows = self.accessors.floats(index, "MAT4")
            if len(rows) < len(joints):
                self.source.refuse(
                    f"{item.where} has {len(rows)} matrices for {len(joints)} joints"
                )
            # Column by column in the file.
            inverse = rows[: len(joints)].reshape(-1, 4, 4).transpose(0, 2, 1).copy()
            inverse[:, 3] = (0, 0, 0, 1)  # nothing else is allowed, and some exporters round
        return Skin(tuple(joints), inverse)

    def _check_joints(self, model: Model) -> None:
        for i, node in enumerate(model.nodes):
            if node.mesh is None or node.skin is None:
                continue
            count = len(model.skins[node.skin].joints)
            for primitive in model.meshes[node.mesh].primitives:
                joints = primitive.joints
                if joints is not None and joints.size and joints.max() >= count:
                    self.source.refuse(
                        f"a mesh of nodes[{i}] hangs on joint {joints.max()} of a skin of {count}"
                    )

    # Materials

    def _material(self, item: Item, unlit: bool) -> Material:
        look = item.item("pbrMetallicRoughness")
        textured = look.item("baseColorTexture") if "baseColorTexture" in look else None
        texture = None if textured is None else self.images.texture(textured)
        bumpy = item.item("normalTexture") if "normalTexture" in item else None
        roughness, metallic, surface = self._surface(item, look)
        extras = item.value.get("extras")
        ours = extras.get("shading") if isinstance(extras, dict) else None
        shading: Shading = next((s for s in _SHADINGS if s == ours), "standard")
        if unlit or item.extension("KHR_materials_unlit", "VRMC_materials_mtoon") is not None:
            shading = "unlit"
        alpha = item.text("alphaMode", "OPAQUE")
        return Material(
            name=item.text("name"),
            colour=look.numbers("baseColorFactor", 4, (1.0, 1.0, 1.0, 1.0)),
            texture=texture,
            metallic=metallic,
            roughness=roughness,
            emissive=item.numbers("emissiveFactor", 3, (0.0, 0.0, 0.0)),
            alpha="mask" if alpha == "MASK" else "blend" if alpha == "BLEND" else "opaque",
            cutoff=item.number("alphaCutoff", 0.5),
            double_sided=item.flag("doubleSided"),
            shading=shading,
            normal_texture=None if bumpy is None else self.images.data(bumpy),
            surface_texture=surface,
        )

    def _surface(self, item: Item, look: Item) -> tuple[float, float, UInt8[Array, "h w 3"] | None]:
        """Roughness and metal of a material, and the picture they are multiplied with.

        A primitive has one set of texture coordinates here. Where the picture is laid on by
        others, its mean stands for it; where it cannot be used, there is no metal, as the factor
        alone would make metal of most that have such a picture.
        """
        roughness = look.number("roughnessFactor", 1.0)
        metallic = look.number("metallicFactor", 1.0)
        if "metallicRoughnessTexture" not in look:
            return roughness, metallic, None
        info = look.item("metallicRoughnessTexture")
        picture = self.images.data(info)
        if picture is None:
            return roughness, 0.0, None
        if self._laid(info) == self._unwrapping(item):
            return roughness, metallic, picture
        self.notes.append(f"roughness and metal of {item.where} are the means of their texture")
        _, green, blue = (picture.reshape(-1, 3).mean(axis=0) / 255).tolist()
        return roughness * green, metallic * blue, None

    def _unwrapping(self, material: Item) -> Unwrapping:
        """By which coordinates the first of its textures is laid on; the others go with it."""
        look = material.item("pbrMetallicRoughness")
        places = (
            (look, "baseColorTexture"),
            (look, "metallicRoughnessTexture"),
            (material, "normalTexture"),
        )
        given = (owner.item(key) for owner, key in places if key in owner)
        texture = next(given, look.item("baseColorTexture"))
        moved = texture.extension("KHR_texture_transform")
        if moved is not None and moved.number("rotation", 0.0):
            self.notes.append(f"the texture of {material.where} is not turned as it should be")
        return self._laid(texture)

    def _laid(self, texture: Item) -> Unwrapping:
        """By which coordinates one texture is laid on."""
        uv_set: int = texture.index("texCoord", 8, 0)
        moved = texture.extension("KHR_texture_transform")
        if moved is None:
            return Unwrapping(uv_set)
        return Unwrapping(
            moved.index("texCoord", 8, uv_set),
            moved.numbers("scale", 2, (1.0, 1.0)),
            moved.numbers("offset", 2, (0.0, 0.0)),
        )

    def _unlit_of_vrm0(self) -> set[int]:
        """Materials that VRM 0.x draws with shaders of its own, MToon for one."""
        vrm = self.root.extension("VRM")
        properties = [] if vrm is None else vrm.items("materialProperties")
        return {i for i, p in enumerate(properties) if p.text("shader").startswith("VRM/")}


def _refuse_cycles(parents: list[int | None], document: Document) -> None:
    settled = [False] * len(parents)
    for start in range(len(parents)):
        chain, at = set(), start
        while not settled[at]:
            if at in chain:
                document.source.refuse(f"nodes[{at}] is its own ancestor")
            chain.add(at)
            above = parents[at]
            if above is None:
                break
            at = above
        for link in chain:
            settled[link] = True


def _placement(
    item: Item,
) -> tuple[tuple[float, float, float], _Quaternion, tuple[float, float, float]]:
    """Translation, rotation and scale of a node, also of one that has a matrix."""
    matrix = item.numbers("matrix", 16)
    if matrix is not None:
        return _decomposed(np.array(matrix).reshape(4, 4).T)
    rotation = item.numbers("rotation", 4, _NO_TURN)
    length = math.hypot(*rotation)
    if abs(length - 1) > 1e-5:
        rotation = tuple(v / length for v in rotation) if length > 1e-9 else _NO_TURN
    return (
        item.numbers("translation", 3, (0.0, 0.0, 0.0)),
        rotation,
        item.numbers("scale", 3, (1.0, 1.0, 1.0)),
    )


def _decomposed(
    matrix: Array,
) -> tuple[tuple[float, float, float], _Quaternion, tuple[float, float, float]]:
    """A matrix as translation, rotation and scale; a shear is lost, which glTF forbids anyway."""
    with np.errstate(over="ignore", invalid="ignore"):
        scale = np.linalg.norm(matrix[:3, :3], axis=0)
        if np.linalg.det(matrix[:3, :3]) < 0:
            scale[0] = -scale[0]
        rotation = np.eye(3)
        if np.isfinite(scale).all() and (np.abs(scale) > 1e-12).all():
            # The nearest rotation, should the columns not be at right angles.
            u, _, vt = np.linalg.svd(matrix[:3, :3] / scale)
            rotation = u @ np.diag([1, 1, np.sign(np.linalg.det(u @ vt)) or 1]) @ vt
    x, y, z, w = quaternion_from_matrix(rotation).tolist()
    tx, ty, tz = matrix[:3, 3].tolist()
    sx, sy, sz = np.nan_to_num(scale).tolist()
    return (tx, ty, tz), (x, y, z, w), (sx, sy, sz)


def _turned(node: Node) -> Node:
    """A root turned by half a turn about y: VRM 0.x looks along -z."""
    (x, y, z), (a, b, c, d) = node.translation, node.rotation
    return replace(node, translation=(-x, y, -z), rotation=(c, d, -a, -b))
