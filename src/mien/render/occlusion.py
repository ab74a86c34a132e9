"""How much of the sky each vertex sees: the soft shadow of nostrils, lids and mouths.

The model at rest is looked at from many sides, from each of which only depths are drawn; a vertex
that lies behind what is seen there is in the dark on that side (Pharr and Green, "Ambient
occlusion", GPU Gems, 2004). Done once for a model.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array, Float, Float32
from ..model import Model
from .scene import Camera
from .skeleton import rest_parts
from .surface import Surface

__all__ = ["openness"]

_SIDES = 40
_SIZE = 320
_SLACK = 0.008  # of the model's radius, by which a vertex may lie behind its own surface
_DARKEST = 0.18

_VERTEX = """
#version 330
uniform mat4 project;
in vec3 position;
void main() { gl_Position = project * vec4(position, 1.0); }
"""
_FRAGMENT = """
#version 330
void main() { }
"""


def openness(gl: Any, model: Model) -> dict[tuple[int, int], Float32[Array, "n"]]:
    """The share of the light from all around that reaches each vertex, 0.18..1.

    Args:
        gl: a moderngl context; framebuffer and depth test are left changed.
        model: at rest.

    Returns:
        by (mesh, primitive). What does not cover (alpha) casts no shadow.
    """
    parts = [part for part in rest_parts(model) if len(part[3])]
    if not parts:
        return {}
    everything = np.concatenate([placed for *_, placed, _ in parts])
    middle = (everything.min(axis=0) + everything.max(axis=0)) / 2
    radius = max(float(np.linalg.norm(everything - middle, axis=1).max()), 1e-6)
    program = gl.program(_VERTEX, _FRAGMENT)
    depths = gl.depth_texture((_SIZE, _SIZE))
    frame = gl.framebuffer([], depths)
    made, arrays, normals = [depths, frame, program], [], []
    for _, mesh, number, placed, _ in parts:
        primitive = model.meshes[mesh].primitives[number]
        normals.append(Surface(placed, primitive.triangles).normals(placed))
        alpha = None if primitive.material is None else model.materials[primitive.material].alpha
        if alpha in (None, "opaque") and len(primitive.triangles):
            corners = gl.buffer(placed.astype("f4").tobytes())
            index = gl.buffer(primitive.triangles.astype("i4").tobytes())
            arrays.append(gl.vertex_array(program, [(corners, "3f", "position")], index))
            made += [corners, index]
    upright = np.concatenate(normals)
    light, most = np.zeros(len(everything)), np.full(len(everything), 1e-6)
    frame.use()
    gl.enable_only(gl.DEPTH_TEST)
    for side in _directions():
        camera = Camera(
            _triple(middle + 2 * radius * side), _triple(middle), height=2 * radius,
            near=radius, far=3 * radius,
        )  # fmt: skip
        matrix = camera.projection(1.0) @ camera.view()
        frame.clear(depth=1.0)
        program["project"].write(np.ascontiguousarray(matrix.T, np.float32).tobytes())
        for array in arrays:
            array.render()
        seen = np.frombuffer(depths.read(alignment=1), np.float32).reshape(_SIZE, _SIZE)
        at = everything @ matrix[:3, :3].T + matrix[:3, 3]
        pixel = np.clip((at[:, :2] * 0.5 + 0.5) * _SIZE, 0, _SIZE - 1).astype(int)
        near = seen[pixel[:, 1], pixel[:, 0]] * 2 - 1
        cosine = np.maximum(upright @ side, 0.0)
        most += cosine
        light += cosine * (at[:, 2] - near < _SLACK)
    for thing in (*arrays, *made):
        thing.release()
    value = np.clip(light / most, _DARKEST, 1.0).astype(np.float32)
    ends = np.cumsum([len(placed) for *_, placed, _ in parts])[:-1]
    return {
        (mesh, number): part
        for (_, mesh, number, _, _), part in zip(parts, np.split(value, ends), strict=True)
    }


def _directions() -> Float[Array, "k 3"]:
    """Evenly over the sphere (Fibonacci lattice)."""
    i = np.arange(_SIDES) + 0.5
    y = 1 - 2 * i / _SIDES
    turn = np.pi * (1 + 5**0.5) * i
    ring = np.sqrt(1 - y * y)
    return np.stack([ring * np.cos(turn), y, ring * np.sin(turn)], axis=1)


def _triple(vector: Float[Array, "3"]) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in vector)
    return x, y, z
