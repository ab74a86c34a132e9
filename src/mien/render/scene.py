"""What is drawn: models with their poses, lights, a camera, a background, sprites.

A scene is plain data. It may be changed between two pictures at will: what stayed the same object
is not sent to the graphics card again. World axes are those of :mod:`mien.model`: metres, y up, and
a face at rest looks along +z.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from ..arrays import Array, Float, Float32, UInt8
from ..model import Model, ModelPose, Shading
from .background import PLAIN, Background

__all__ = ["STUDIO", "Actor", "Camera", "Light", "Scene", "Sprites", "Vertices"]


@dataclass(frozen=True, slots=True, eq=False)
class Vertices:
    """Positions of a primitive that were computed elsewhere, instead of its own.

    Attributes:
        positions: float (n, 3), metres; targets and skin still apply.
        normals: float (n, 3), or None to compute them.
        uv: float (n, 2), or None to keep the primitive's.
    """

    positions: Float[Array, "n 3"]
    normals: Float[Array, "n 3"] | None = None
    uv: Float[Array, "n 2"] | None = None


def _unmoved() -> Float[Array, "4 4"]:
    return np.eye(4)


@dataclass(slots=True, eq=False)
class Actor:
    """A model on the stage.

    Attributes:
        model: what it is.
        pose: how it holds itself now.
        placement: float (4, 4), model -> world; column vectors.
        shading: instead of that of the materials, ``clay`` also instead of their colours; None
            leaves both.
        vertices: by (mesh, primitive), where they are not the model's.
        textures: uint8 sRGB (h, w, 3 or 4) by index of the material, instead of its own.
    """

    model: Model
    pose: ModelPose = field(default_factory=ModelPose)
    placement: Float[Array, "4 4"] = field(default_factory=_unmoved)
    shading: Shading | None = None
    vertices: Mapping[tuple[int, int], Vertices] = field(
        default_factory=lambda: MappingProxyType({})
    )
    textures: Mapping[int, UInt8[Array, "h w c"]] = field(
        default_factory=lambda: MappingProxyType({})
    )


@dataclass(frozen=True, slots=True)
class Light:
    """Light from afar.

    Attributes:
        towards: where it comes from; any length.
        colour: red, green, blue, linear; 1 lights a white surface fully.
    """

    towards: tuple[float, float, float]
    colour: tuple[float, float, float]


STUDIO: tuple[Light, ...] = (
    Light((-0.55, 0.75, 0.85), (0.78, 0.73, 0.67)),
    Light((0.90, 0.15, 0.55), (0.10, 0.13, 0.19)),
    Light((0.35, 0.60, -0.90), (0.40, 0.43, 0.50)),
)
"""Key from the viewer's upper left, fill from the right, and one from behind."""


@dataclass(frozen=True, slots=True)
class Camera:
    """Where the viewer stands.

    Attributes:
        eye: of the viewer; ``target`` is looked at, ``up`` is up in the picture.
        fov: degrees from the lower to the upper border.
        height: of what is seen, in metres, without perspective (``fov`` has then no meaning);
            None for perspective.
        near, far: metres from the eye; nothing is drawn before or behind.
    """

    eye: tuple[float, float, float] = (0.0, 0.0, 1.0)
    target: tuple[float, float, float] = (0.0, 0.0, 0.0)
    up: tuple[float, float, float] = (0.0, 1.0, 0.0)
    fov: float = 25.0
    height: float | None = None
    near: float = 0.02
    far: float = 20.0

    def __post_init__(self) -> None:
        if not 1.0 <= self.fov <= 170.0:
            raise ValueError(f"fov is 1 to 170 degrees, got {self.fov}")
        if self.height is not None and not self.height > 0:
            raise ValueError(f"the height of what is seen is above 0, got {self.height}")
        if not self.far > self.near or (self.height is None and not self.near > 0):
            raise ValueError(f"0 < near < far, got {self.near} and {self.far}")

    def view(self) -> Float[Array, "4 4"]:
        """World -> camera axes (x right, y up, z towards the viewer)."""
        eye = np.asarray(self.eye, np.float64)
        back = eye - self.target
        length = np.linalg.norm(back)
        back = back / length if length > 1e-12 else np.array([0.0, 0.0, 1.0])
        right = np.cross(self.up, back)
        if np.linalg.norm(right) < 1e-9:  # straight from above: any side is as good
            right = np.cross((0.0, 0.0, -1.0 if back[1] > 0 else 1.0), back)
        right /= np.linalg.norm(right)
        turn = np.array([right, np.cross(back, right), back])
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = turn, -turn @ eye
        return matrix

    def projection(self, aspect: float) -> Float[Array, "4 4"]:
        """Camera axes -> clip coordinates, as OpenGL has them.

        Args:
            aspect: width over height of the picture.
        """
        near, far = self.near, self.far
        lens = np.zeros((4, 4))
        if self.height is not None:
            lens[0, 0], lens[1, 1] = 2 / (self.height * aspect), 2 / self.height
            lens[2, 2], lens[2, 3] = -2 / (far - near), -(far + near) / (far - near)
            lens[3, 3] = 1
            return lens
        focal = 1 / math.tan(math.radians(self.fov) / 2)
        lens[0, 0], lens[1, 1] = focal / aspect, focal
        lens[2, 2], lens[2, 3] = -(far + near) / (far - near), -2 * far * near / (far - near)
        lens[3, 2] = -1
        return lens

    @classmethod
    def of_picture(cls, width: int, height: int) -> Camera:
        """A weak perspective whose world is the picture: a unit is a pixel, y runs up from below.

        A point at column x and row y of the picture is (x, ``height`` - y, anything).
        """
        deep = 4.0 * max(width, height)
        middle = (width / 2, height / 2)
        return cls((*middle, deep), (*middle, 0.0), height=float(height), near=0.0, far=2 * deep)


@dataclass(frozen=True, slots=True, eq=False)
class Sprites:
    """Small pictures that always face the viewer; see :mod:`mien.render.particles`.

    Attributes:
        positions: float32 (n, 3), world.
        sizes: float32 (n,), half of the height, in world units.
        turns: float32 (n,), radians, counter-clockwise.
        colours: float32 (n, 4), linear red, green, blue, and opacity.
        kinds: float32 (n,), 0 a heart, 1 a drop, 2 a sparkle.
    """

    positions: Float32[Array, "n 3"]
    sizes: Float32[Array, "n"]
    turns: Float32[Array, "n"]
    colours: Float32[Array, "n 4"]
    kinds: Float32[Array, "n"]

    def __len__(self) -> int:
        return len(self.sizes)


@dataclass(slots=True, eq=False)
class Scene:
    """Everything in one picture.

    Attributes:
        actors: models; may be none.
        camera: the viewer.
        lights: at most four.
        sky, ground: light from above and from below, linear.
        rim: light that grazes the outline, linear.
        background: what is behind; None leaves it transparent.
        sprites: hearts, drops and sparkles.
        mirrored: left and right of the picture are swapped, its background's too.
    """

    actors: list[Actor] = field(default_factory=list)
    camera: Camera = field(default_factory=Camera)
    lights: tuple[Light, ...] = STUDIO
    sky: tuple[float, float, float] = (0.20, 0.215, 0.25)
    ground: tuple[float, float, float] = (0.065, 0.055, 0.05)
    rim: tuple[float, float, float] = (0.20, 0.22, 0.26)
    background: Background | None = PLAIN
    sprites: Sprites | None = None
    mirrored: bool = False
