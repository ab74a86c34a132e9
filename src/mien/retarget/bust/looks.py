"""Colours and materials of the bust, and the textures that are painted from them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

import numpy as np

from ...arrays import Array, Float, UInt8
from ...errors import InputError
from ...model import Material, Shading
from . import data

__all__ = ["EYES", "HAIR", "MATERIALS", "SKIN", "Style", "colour", "materials"]

Style = Literal["standard", "faceted", "clay"]
MATERIALS: tuple[Style, ...] = ("standard", "faceted", "clay")

SKIN: Mapping[str, str] = MappingProxyType(
    {
        "porcelain": "#f4d3c0", "light": "#eebd9e", "warm": "#e0a681", "olive": "#c68e66",
        "tan": "#b07a52", "brown": "#8a5a3a", "deep": "#5f3b28", "ebony": "#432a20",
        "blue": "#7aa7d9", "mint": "#8ecfb0",
    }
)  # fmt: skip
EYES: Mapping[str, str] = MappingProxyType(
    {
        "blue": "#4f8fc4", "grey": "#8496a3", "green": "#5f8f5a", "hazel": "#8a6a33",
        "brown": "#6b4226", "dark": "#33211a", "amber": "#b5792b", "violet": "#7c62b5",
    }
)  # fmt: skip
HAIR: Mapping[str, str] = MappingProxyType(
    {
        "black": "#1d1a1c", "dark": "#2f221c", "brown": "#553625", "auburn": "#7a3b22",
        "red": "#a4502a", "blond": "#c9a063", "platinum": "#e3d6bd", "grey": "#8b8b8e",
        "white": "#e4e2df", "teal": "#2f8d8d", "pink": "#d987a8",
    }
)  # fmt: skip
SHIRT = "#4d6f8f"
_CLAY = "#b9a698"


def colour(value: str, named: Mapping[str, str], what: str) -> Float[Array, "3"]:
    """A name of ours or ``#rrggbb`` as sRGB, 0..1.

    Raises:
        InputError: neither.
    """
    text = named.get(value, value)
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise InputError(
            f"{what} is a colour such as #c68e66 or one of {', '.join(named)}; got {value!r}"
        )
    return np.array([int(text[i : i + 2], 16) for i in (1, 3, 5)]) / 255


def linear(srgb: Array) -> tuple[float, float, float, float]:
    """SRGB as linear colour with alpha 1 (IEC 61966-2-1)."""
    low = srgb <= 0.04045
    value = np.where(low, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return float(value[0]), float(value[1]), float(value[2]), 1.0


def materials(skin: Array, eyes: Array, hair: Array | None, style: Style) -> Mapping[str, Material]:
    """A material for each part.

    Args:
        skin: sRGB, 0..1.
        eyes: of the irises.
        hair: of brows and lashes too, which are dark without hair.
        style: of all of them.
    """
    if style == "clay":
        return _clay()
    shading: Shading | None = "faceted" if style == "faceted" else None
    dark = np.array([0.20, 0.14, 0.12]) if hair is None else hair
    brow = np.clip(0.75 * dark + 0.06 * skin, 0, 1)

    def plain(name: str, rgb: Array, rough: float, kind: Shading | None = None) -> Material:
        return Material(name, linear(rgb), roughness=rough, shading=shading or kind or "standard")

    mouth = np.array([0.50, 0.18, 0.19])
    return {
        "skin": Material(
            "skin",
            texture=skin_texture(tuple(skin)),
            roughness=0.55,
            shading=shading or "skin",
        ),
        "mouth": Material("mouth", linear(mouth), roughness=0.7, double_sided=True,
                          shading=shading or "standard"),
        "teeth": Material(
            "teeth",
            linear(np.array([0.97, 0.95, 0.91])),
            roughness=0.25,
            emissive=(0.10, 0.095, 0.085),
            shading=shading or "standard",
        ),
        "gums": plain("gums", np.array([0.80, 0.44, 0.44]), 0.4),
        "tongue": plain("tongue", np.array([0.90, 0.50, 0.50]), 0.45),
        "brows": plain("brows", brow, 0.9),
        "lashes": Material("lashes", linear(dark * 0.35), roughness=0.9, double_sided=True,
                           shading=shading or "standard"),
        "hair": plain("hair", dark, 0.6),
        "shirt": plain("shirt", colour(SHIRT, {}, "shirt"), 0.95),
        "eyes": Material("eyes", texture=eye_texture(tuple(eyes)), roughness=0.12, shading="eye"),
        "glints": Material("glints", (1, 1, 1, 1), roughness=1.0, shading="unlit",
                           emissive=(1, 1, 1)),
    }  # fmt: skip


def _clay() -> Mapping[str, Material]:
    base = colour(_CLAY, {}, "clay")
    shades = {"mouth": 0.45, "brows": 0.86, "lashes": 0.8, "hair": 0.93, "tongue": 0.9, "gums": 0.9}
    out = {
        name: Material(
            f"clay {name}", linear(base * shades.get(name, 1.0)), roughness=1.0, shading="clay",
            double_sided=name in ("mouth", "lashes"),
        )
        for name in ("skin", "mouth", "teeth", "gums", "tongue", "brows", "lashes", "hair", "shirt")
    }  # fmt: skip
    out["eyes"] = Material(
        "clay eyes", texture=eye_texture(tuple(base * 0.82), tuple(base * 1.05), tuple(base * 0.6)),
        roughness=1.0, shading="clay",
    )  # fmt: skip
    return out


@lru_cache(maxsize=16)
def skin_texture(skin: tuple[float, ...]) -> UInt8[Array, "h w 4"]:
    """The skin's colour with lips, blush and folds."""
    base = np.array(skin)
    light = float(base @ [0.3, 0.6, 0.1])
    share = data.masks().astype(np.float32) / 255
    lip = np.clip(base * [0.88, 0.60, 0.62] + np.array([0.02, 0.0, 0.025]), 0, 1)
    blush = np.clip(base * [1.02, 0.80, 0.78], 0, 1)
    deep = np.clip(base * [0.62, 0.45, 0.42], 0, 1)
    out = np.broadcast_to(base, (*share.shape[:2], 3)).astype(np.float32)
    layers = ((1, blush, 0.25 + 0.2 * light), (0, lip, 0.72), (2, deep, 0.6), (3, deep * 0.8, 0.7))
    for layer, tint, strength in layers:
        amount = share[..., layer, None] * np.float32(strength)
        out = out + amount * (tint.astype(np.float32) - out)
    return _rgba(out)


@lru_cache(maxsize=16)
def eye_texture(
    iris: tuple[float, ...],
    white: tuple[float, ...] = (0.95, 0.945, 0.93),
    pupil: tuple[float, ...] = (0.03, 0.025, 0.03),
    size: int = 512,
) -> UInt8[Array, "h w 4"]:
    """White, iris and pupil by the angle from the eye's axis."""
    grid = ((np.arange(size) + 0.5) / size - 0.5) * 2
    x, y = np.meshgrid(grid, -grid)
    angle = np.degrees(np.hypot(x, y) * np.pi)
    turn = np.arctan2(y, x)
    colour_ = np.array(iris)
    rim, hole = 26.0, 11.0
    streak = 0.5 + 0.25 * np.sin(23 * turn + 2 * np.sin(5 * turn)) + 0.25 * np.sin(41 * turn + 1)
    across = np.clip((angle - hole) / (rim - hole), 0, 1)
    # Light falls in from above and gathers below.
    glow = 0.74 + 0.42 * across * (0.5 - 0.5 * np.sin(turn)) + 0.12 * (streak - 0.5)
    ring = colour_ * glow[..., None]
    ring = np.clip(ring, 0, 1)
    edge = _step(angle, rim - 4.0, rim - 0.3)[..., None]
    ring = ring + edge * (colour_ * 0.30 - ring)
    core = np.array(pupil)
    out = core + _step(angle, hole - 0.7, hole + 0.7)[..., None] * (ring - core)
    ball = np.array(white) * (1 - 0.16 * _step(angle, 34, 80))[..., None]
    ball = ball * np.where(np.ones(3), [1.0, 1.0, 1.0], 1)
    out = out + _step(angle, rim - 0.8, rim + 0.8)[..., None] * (ball - out)
    return _rgba(out)


def _step(x: Array, low: float, high: float) -> Array:
    t = np.clip((x - low) / (high - low), 0, 1)
    smooth: Array = t * t * (3 - 2 * t)
    return smooth


def _rgba(rgb: Array) -> UInt8[Array, "h w 4"]:
    out = np.full((*rgb.shape[:2], 4), 255, np.uint8)
    out[..., :3] = np.rint(255 * np.clip(rgb, 0, 1))
    out.flags.writeable = False
    return out
