"""The shaders, put together from the files in ``shaders/`` for what a surface is.

GLSL has no include and a program no options, so that a program is made for each combination that
comes up, once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

__all__ = ["ROW", "Kind", "Programs"]

ROW = 4096
"""Entries in a row of the textures that hold morph targets; a power of two."""

_SHADINGS = {
    "standard": (),
    "unlit": ("UNLIT",),
    "skin": ("SKIN_LIKE",),
    "eye": ("EYE",),
    "clay": ("CLAY",),
    "faceted": ("FACETED",),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """What a program has to do.

    Attributes:
        shading: of the material.
        morph, skin: the vertices move.
        texture, bumps, surface: pictures on the surface.
        alpha: of the material.
        both_sides: the back is lit like the front.
        vertex_lit: light is computed for vertices instead of pixels.
        lights: how many.
    """

    shading: str = "standard"
    morph: bool = False
    skin: bool = False
    texture: bool = False
    bumps: bool = False
    surface: bool = False
    alpha: str = "opaque"
    both_sides: bool = False
    vertex_lit: bool = False
    lights: int = 3

    def defines(self) -> tuple[str, ...]:
        """Names for the preprocessor."""
        chosen = {
            "MORPH": self.morph,
            "SKIN": self.skin,
            "TEXTURE": self.texture,
            "BUMPS": self.bumps,
            "SURFACE": self.surface,
            "CUT": self.alpha == "mask",
            "BLEND": self.alpha == "blend",
            "BOTH_SIDES": self.both_sides,
            "VERTEX_LIT": self.vertex_lit,
        }
        return (*_SHADINGS[self.shading], *(name for name, on in chosen.items() if on))


class Programs:
    """Programs of one context, compiled when they are first asked for."""

    def __init__(self, gl: Any) -> None:
        self._gl = gl
        self._made: dict[Kind, Any] = {}
        self.finish = gl.program(_source("screen.vert"), _source("finish.frag"))
        self.sprite = gl.program(_source("sprite.vert"), _source("sprite.frag"))

    def of(self, kind: Kind) -> Any:
        """The program for surfaces of this kind."""
        if kind not in self._made:
            names = list(kind.defines())
            numbers = [f"LIGHTS {max(kind.lights, 1)}", f"ROW {ROW}"]
            numbers.append(f"ROW_BITS {ROW.bit_length() - 1}")
            if kind.shading == "unlit" and "VERTEX_LIT" in names:
                names.remove("VERTEX_LIT")
            shaded = () if kind.shading == "unlit" else ("tone.glsl",)
            light = (*shaded, "light.glsl") if shaded else ()
            vertex, fragment = (light, shaded) if "VERTEX_LIT" in names else ((), light)
            self._made[kind] = self._gl.program(
                _source(*vertex, "surface.vert", names + numbers),
                _source(*fragment, "surface.frag", names + numbers),
            )
        return self._made[kind]

    def release(self) -> None:
        """Free all programs."""
        for program in (*self._made.values(), self.finish, self.sprite):
            program.release()
        self._made.clear()


def _source(*parts: str | list[str]) -> str:
    defines = [name for part in parts if isinstance(part, list) for name in part]
    text = [_read(part) for part in parts if isinstance(part, str)]
    return "\n".join(["#version 330", *(f"#define {name}" for name in defines), *text])


@cache
def _read(name: str) -> str:
    return (resources.files(__package__) / "shaders" / name).read_text("utf-8")
