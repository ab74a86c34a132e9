"""What programs are told: the view, the light, and where a surface stands."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array, Float
from .scene import Camera, Light, Scene

__all__ = ["Sight", "layout", "normal_matrix", "write"]


class Sight:
    """What all surfaces of one picture have in common; each program is told once."""

    def __init__(self, scene: Scene, lens: Array, view: Float[Array, "4 4"], rows: int) -> None:
        self.project = (lens @ view).T
        self.view = view
        self._scale = float(lens[1, 1]) * rows / 2
        self.lights: tuple[Light, ...] = scene.lights
        self._told: set[int] = set()
        self._scene = scene

    def pixels(self, matrix: Float[Array, "4 4"], middle: Float[Array, "3"]) -> float:
        """How many pixels a unit of a part's own axes is long, about."""
        size = float(np.linalg.norm(matrix[:3, 1]))
        if self._scene.camera.height is not None:
            return size * self._scale
        place = matrix[:3, :3] @ middle + matrix[:3, 3]
        depth = -float(self.view[2, :3] @ place + self.view[2, 3])
        return size * self._scale / max(depth, 1e-6)

    def tell(self, program: Any) -> None:
        """Set what all surfaces share, once for each program."""
        if program.glo in self._told:
            return
        self._told.add(program.glo)
        scene, lights = self._scene, self.lights or (Light((0, 0, 1), (0, 0, 0)),)
        write(program, "project", self.project)
        write(program, "viewer", _viewer(scene.camera, self.view))
        towards = np.array([light.towards for light in lights], np.float64)
        towards /= np.maximum(np.linalg.norm(towards, axis=1, keepdims=True), 1e-9)
        write(program, "towards", towards)
        write(program, "glow", [light.colour for light in lights])
        for name in ("sky", "ground", "rim"):
            write(program, name, getattr(scene, name))


def normal_matrix(matrix: Float[Array, "4 4"]) -> tuple[Float[Array, "3 3"], bool]:
    """What normals turn with, transposed, and whether the matrix swaps left and right.

    It is the inverse transposed but for a factor: the cofactors, which exist even where a scale
    is 0. Plain floats take a tenth of the time of numpy's routines.
    """
    (a, b, c, _), (d, e, f, _), (g, h, i, _) = matrix[:3].tolist()
    rows = (
        (e * i - f * h, f * g - d * i, d * h - e * g),
        (c * h - b * i, a * i - c * g, b * g - a * h),
        (b * f - c * e, c * d - a * f, a * e - b * d),
    )
    swapped = a * rows[0][0] + b * rows[0][1] + c * rows[0][2] < 0
    cofactors = np.array(rows)
    return (-cofactors if swapped else cofactors).T, swapped


def _viewer(camera: Camera, view: Float[Array, "4 4"]) -> tuple[float, ...]:
    if camera.height is None:
        return (*camera.eye, 1.0)
    return (*view[2, :3], 0.0)


def layout(buffer: Any, form: str, names: list[str]) -> tuple[Any, ...]:
    """Attributes of a buffer; what a program does without is skipped, four bytes a number."""
    parts = [
        part if name else f"{4 * int(part[0])}x"
        for part, name in zip(form.split(), names, strict=True)
    ]
    return (buffer, " ".join(parts), *filter(None, names))


def write(program: Any, name: str, value: object) -> None:
    """Set a uniform, unless the program does without it."""
    if name in program:
        program[name].write(np.ascontiguousarray(value, np.float32).tobytes())
