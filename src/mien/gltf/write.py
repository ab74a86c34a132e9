""":class:`mien.model.Model`, at rest or in motion, -> GLB.

The JSON is built by hand, field by field: a field that is not needed is not there, which readers
and the Khronos validator insist on (an accessor without a buffer view must not have a byte offset).
Whatever is written reads back as it was: floats are not rounded, and a morph target that moves few
vertices is stored sparse, which for a face is a fraction of the size.
"""

from __future__ import annotations

import io
import json
import struct
from typing import Any

import numpy as np
from PIL import Image

from ..arrays import Array, Float, Float32, UInt8
from ..model import Animation, Material, Mesh, Model, ModelPose, Node, Primitive, Skin, Target

__all__ = ["encode"]

_Json = dict[str, Any]

_BYTE, _SHORT, _INT, _FLOAT = 5121, 5123, 5125, 5126
_DTYPES: dict[int, np.dtype[Any]] = {
    _BYTE: np.dtype("<u1"),
    _SHORT: np.dtype("<u2"),
    _INT: np.dtype("<u4"),
    _FLOAT: np.dtype("<f4"),
}
_VERTICES, _INDICES = 34962, 34963  # what a buffer view is for
_ROWS = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
_LINEAR, _MIPMAPS, _REPEAT = 9729, 9987, 10497


def encode(model: Model, animation: Animation | None = None) -> bytes:
    """A GLB file of a model.

    Args:
        model: what is written; targets are named in ``mesh.extras.targetNames``, as three and
            Blender expect. Shadings that glTF does not know are in ``material.extras.shading``.
        animation: written as one glTF animation with the times as they are: a channel of weights
            for each node with a mesh that the poses move, one of rotations and one of
            translations for each node that they turn or shift. Between two times everything
            changes linearly.

    Raises:
        ValueError: the poses of the animation do not all move the same, or not finite, or are no
            poses of this model.
    """
    writer = _Writer(model)
    if animation is not None:
        writer.animate(animation)
    return writer.pack()


class _Writer:
    def __init__(self, model: Model) -> None:
        self.model = model
        self.blob = bytearray()
        self.views: list[_Json] = []
        self.accessors: list[_Json] = []
        self.images: list[_Json] = []
        self.textures: list[_Json] = []
        self._textured: dict[int, int] = {}
        roots = [i for i, node in enumerate(model.nodes) if node.parent is None]
        scene: _Json = {"nodes": roots} if roots else {}
        self.json: _Json = {
            "asset": {"version": "2.0", "generator": "mien"},
            "scene": 0,
            "scenes": [scene | ({"name": model.name} if model.name else {})],
            "nodes": self._nodes(),
            "meshes": [self._mesh(mesh) for mesh in model.meshes],
            "materials": [self._material(material) for material in model.materials],
            "skins": [self._skin(skin) for skin in model.skins],
            "animations": [],
        }

    def pack(self) -> bytes:
        """The file."""
        used = [
            name
            for name in ("KHR_materials_unlit",)
            if any(name in m.get("extensions", {}) for m in self.json["materials"])
        ]
        parts = self.json | {
            "extensionsUsed": used,
            "textures": self.textures,
            "images": self.images,
            "samplers": [_SAMPLER] if self.textures else [],
            "accessors": self.accessors,
            "bufferViews": self.views,
            "buffers": [{"byteLength": len(self.blob)}] if self.blob else [],
        }
        parts = {key: value for key, value in parts.items() if value != []}
        text = json.dumps(parts, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return pack_glb(text.encode("utf-8"), bytes(self.blob))

    # Buffers

    def _view(self, data: bytes, target: int | None = None) -> int:
        self.blob += b"\0" * (-len(self.blob) % 4)
        view: _Json = {"buffer": 0, "byteOffset": len(self.blob), "byteLength": len(data)}
        self.blob += data
        self.views.append(view | ({} if target is None else {"target": target}))
        return len(self.views) - 1

    def _accessor(
        self, values: Array, kind: int, target: int | None = None, *, bounds: bool = False
    ) -> int:
        """Append (n,) or (n, c) values; ``bounds`` states least and greatest, as some must."""
        rows = values[:, None] if values.ndim == 1 else values
        accessor: _Json = {"componentType": kind, "count": len(rows), "type": _ROWS[rows.shape[1]]}
        if len(rows):
            stored = np.ascontiguousarray(rows, _DTYPES[kind])
            accessor["bufferView"] = self._view(stored.tobytes(), target)
            if bounds:
                accessor |= {"min": stored.min(0).tolist(), "max": stored.max(0).tolist()}
        self.accessors.append(accessor)
        return len(self.accessors) - 1

    def _moved(self, target: Target, values: Float32[Array, "k 3"], n: int) -> int:
        """Append what a target does to n vertices, sparse where that is smaller."""
        k = len(target.vertices)
        wide = next(i for i in (_BYTE, _SHORT, _INT) if n <= 1 << 8 * _DTYPES[i].itemsize)
        if n * 12 <= k * (12 + _DTYPES[wide].itemsize):
            dense = np.zeros((n, 3), np.float32)
            dense[target.vertices] = values
            return self._accessor(dense, _FLOAT, _VERTICES, bounds=True)
        # The vertices that stay where they are count too.
        ends = np.concatenate([values, np.zeros((1, 3), np.float32)])
        accessor: _Json = {
            "componentType": _FLOAT,
            "count": n,
            "type": "VEC3",
            "min": ends.min(0).tolist(),
            "max": ends.max(0).tolist(),
        }
        if k:
            rows = np.ascontiguousarray(target.vertices, _DTYPES[wide]).tobytes()
            data = np.ascontiguousarray(values, "<f4").tobytes()
            accessor["sparse"] = {
                "count": k,
                "indices": {"bufferView": self._view(rows), "componentType": wide},
                "values": {"bufferView": self._view(data)},
            }
        self.accessors.append(accessor)
        return len(self.accessors) - 1

    # The model

    def _nodes(self) -> list[_Json]:
        nodes = [_node(node) for node in self.model.nodes]
        for i, node in enumerate(self.model.nodes):
            if node.parent is not None:
                nodes[node.parent].setdefault("children", []).append(i)
        return nodes

    def _mesh(self, mesh: Mesh) -> _Json:
        out: _Json = {"primitives": [self._primitive(p) for p in mesh.primitives]}
        if mesh.name:
            out["name"] = mesh.name
        if mesh.targets:
            out["extras"] = {"targetNames": list(mesh.targets)}
        if mesh.rest is not None and len(mesh.rest):
            out["weights"] = mesh.rest.tolist()
        return out

    def _primitive(self, primitive: Primitive) -> _Json:
        n = len(primitive.positions)
        attributes = {
            "POSITION": self._accessor(primitive.positions, _FLOAT, _VERTICES, bounds=True)
        }
        for name, values in (("NORMAL", primitive.normals), ("WEIGHTS_0", primitive.weights)):
            if values is not None:
                attributes[name] = self._accessor(values, _FLOAT, _VERTICES)
        if primitive.uv is not None:
            name = "TEXCOORD_0"
            attributes[name] = self._accessor(primitive.uv, _FLOAT, _VERTICES)
        if primitive.joints is not None and primitive.weights is not None:
            # A joint that counts nothing is 0, or the validator complains.
            joints = np.where(primitive.weights > 0, primitive.joints, 0)
            kind = _BYTE if not joints.size or joints.max() < 256 else _SHORT
            attributes["JOINTS_0"] = self._accessor(joints, kind, _VERTICES)
        kind = _SHORT if n < 1 << 16 else _INT
        corners = primitive.triangles.reshape(-1)
        out: _Json = {
            "attributes": attributes,
            "indices": self._accessor(corners, kind, _INDICES),
        }
        if primitive.material is not None:
            out["material"] = primitive.material
        if primitive.targets:
            out["targets"] = [self._target(target, n) for target in primitive.targets]
        return out

    def _target(self, target: Target, n: int) -> _Json:
        out = {"POSITION": self._moved(target, target.positions, n)}
        if target.normals is not None:
            out["NORMAL"] = self._moved(target, target.normals, n)
        return out

    def _skin(self, skin: Skin) -> _Json:
        matrices = skin.inverse_bind.transpose(0, 2, 1).reshape(-1, 16)
        return {
            "joints": list(skin.joints),
            "inverseBindMatrices": self._accessor(matrices, _FLOAT),
        }

    def _material(self, material: Material) -> _Json:
        look: _Json = {
            "baseColorFactor": list(material.colour),
            "metallicFactor": material.metallic,
            "roughnessFactor": material.roughness,
        }
        if material.texture is not None:
            look["baseColorTexture"] = {"index": self._texture(material.texture)}
        if material.surface_texture is not None:
            look["metallicRoughnessTexture"] = {"index": self._texture(material.surface_texture)}
        out: _Json = {"pbrMetallicRoughness": look}
        if material.name:
            out["name"] = material.name
        if material.normal_texture is not None:
            out["normalTexture"] = {"index": self._texture(material.normal_texture)}
        if any(material.emissive):
            out["emissiveFactor"] = list(material.emissive)
        if material.alpha != "opaque":
            out["alphaMode"] = material.alpha.upper()
        if material.alpha == "mask":
            out["alphaCutoff"] = material.cutoff
        if material.double_sided:
            out["doubleSided"] = True
        if material.shading == "unlit":
            out["extensions"] = {"KHR_materials_unlit": {}}
        elif material.shading != "standard":
            out["extras"] = {"shading": material.shading}
        return out

    def _texture(self, picture: UInt8[Array, "h w c"]) -> int:
        """A texture; materials that share the array share it."""
        if id(picture) not in self._textured:
            file = io.BytesIO()
            shown = picture if (picture[..., 3:] < 255).any() else picture[..., :3]
            # A third of the time of the usual 6, for 2 % more bytes.
            Image.fromarray(np.ascontiguousarray(shown)).save(file, "PNG", compress_level=4)
            view = self._view(file.getvalue())
            self.images.append({"bufferView": view, "mimeType": "image/png"})
            self.textures.append({"sampler": 0, "source": len(self.images) - 1})
            self._textured[id(picture)] = len(self.textures) - 1
        return self._textured[id(picture)]

    # Motion

    def animate(self, animation: Animation) -> None:
        """Append an animation; one that moves nothing is not written."""
        if not animation.poses:
            return
        moved = animation.poses[0]
        if any(_moves(pose) != _moves(moved) for pose in animation.poses):
            raise ValueError("the poses of an animation all move the same meshes and nodes")
        times = np.asarray(animation.times, np.float32)
        if not (np.isfinite(times).all() and times[0] >= 0 and (np.diff(times) > 0).all()):
            raise ValueError(
                "the times of an animation are finite, not negative, and a float32 apart"
            )
        clock = self._accessor(times, _FLOAT, bounds=True)
        channels: list[_Json] = []
        samplers: list[_Json] = []

        def add(nodes: list[int], path: str, values: Array) -> None:
            if not np.isfinite(values).all():
                raise ValueError(f"the {path} of an animation are finite")
            if not nodes or not values.size:
                return
            output = self._accessor(values, _FLOAT)
            samplers.append({"input": clock, "output": output, "interpolation": "LINEAR"})
            for node in nodes:
                target = {"node": node, "path": path}
                channels.append({"sampler": len(samplers) - 1, "target": target})

        for mesh in moved.weights:
            targets = len(self.model.meshes[mesh].targets)
            values = np.stack([pose.weights[mesh] for pose in animation.poses])
            if values.shape[1] != targets:
                raise ValueError(f"mesh {mesh} has {targets} targets, a pose {values.shape[1]}")
            nodes = [i for i, node in enumerate(self.model.nodes) if node.mesh == mesh]
            add(nodes, "weights", values.reshape(-1))
        for node in moved.rotations:
            turns = np.stack([pose.rotations[node] for pose in animation.poses])
            add([node], "rotation", _continuous(turns))
        for node in moved.translations:
            add(
                [node],
                "translation",
                np.stack([pose.translations[node] for pose in animation.poses]),
            )
        if channels:
            self.json["animations"].append(
                {"name": animation.name, "channels": channels, "samplers": samplers}
            )


_SAMPLER = {"magFilter": _LINEAR, "minFilter": _MIPMAPS, "wrapS": _REPEAT, "wrapT": _REPEAT}


def pack_glb(text: bytes, blob: bytes) -> bytes:
    """A GLB of its JSON and its binary chunk, each filled up to four bytes."""
    text += b" " * (-len(text) % 4)
    blob += b"\0" * (-len(blob) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text
    if blob:
        chunks += struct.pack("<I4s", len(blob), b"BIN\0") + blob
    return b"glTF" + struct.pack("<II", 2, 12 + len(chunks)) + chunks


def _node(node: Node) -> _Json:
    out: _Json = {"name": node.name} if node.name else {}
    for key, value, rest in (
        ("translation", node.translation, (0, 0, 0)),
        ("rotation", node.rotation, (0, 0, 0, 1)),
        ("scale", node.scale, (1, 1, 1)),
    ):
        if value != rest:
            out[key] = list(value)
    for key, index in (("mesh", node.mesh), ("skin", node.skin)):
        if index is not None:
            out[key] = index
    return out


def _moves(pose: ModelPose) -> tuple[frozenset[int], frozenset[int], frozenset[int]]:
    return frozenset(pose.weights), frozenset(pose.rotations), frozenset(pose.translations)


def _continuous(turns: Float[Array, "f 4"]) -> Float[Array, "f 4"]:
    """Unit quaternions, each on the side of the one before, since q and -q are one rotation."""
    units: Array = turns / np.linalg.norm(turns, axis=1, keepdims=True)
    opposite = np.einsum("ij,ij->i", units[1:], units[:-1]) < 0
    signs: Array = np.where(np.cumsum([0, *opposite]) % 2, -1.0, 1.0)
    joined: Array = units * signs[:, None]
    return joined
