"""What the head of ICT-FaceKit looks like, which comes without colours: its materials.

The skin is painted here as a map around the head: the angle about an upright axis runs from left to
right, the height from top to bottom. Where lips, brows and lids are, the model's 68 landmarks say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from .arrays import Array, Float, Float32, UInt8
from .model import Material
from .morphable import LinearFaceModel
from .morphable.ict import eye_centres
from .retarget.bust.looks import EYES, HAIR, SKIN, colour, eye_texture, linear

__all__ = ["IRIS", "Tints", "along_lids", "around", "materials", "tints"]

Tints: TypeAlias = Mapping[str, Float[Array, "3"]]
"""sRGB, 0..1, of ``skin``, ``eyes`` and ``hair``."""

IRIS = 26.0
"""Degrees from the axis of an eye to the rim of its iris, in the texture of the eyes."""

_AXIS = 1.0  # where the upright axis has z, centimetres
_TOP, _TALL = 15.0, 35.0  # centimetres; of the map
_WIDE, _HIGH = 2048, 1024  # pixels
_SCALE = _HIGH / _TALL  # pixels per centimetre, upright
_RADIUS = 8.5  # centimetres from the axis to a face, about

# Where hair begins: degrees from the front, and the height there.
_HAIRLINE = (
    (0, 10.3), (28, 10.0), (42, 8.8), (56, 7.5), (64, 5.6), (70, 2.6), (74, 2.2), (77, 4.6),
    (112, 4.6), (116, 1.0), (122, -3.0), (140, -5.5), (180, -6.0),
)  # fmt: skip


def tints(skin: str, eyes: str, hair: str) -> Tints:
    """Colours by the names that the bust's have, or ``#rrggbb``.

    Raises:
        InputError: neither.
    """
    return MappingProxyType(
        {
            "skin": colour(skin, SKIN, "skin"),
            "eyes": colour(eyes, EYES, "eyes"),
            "hair": colour(hair, HAIR, "hair"),
        }
    )


def around(points: Float[Array, "n 3"]) -> Float32[Array, "n 2"]:
    """Where points of the head frame (centimetres) are in the map; its border is at the nape."""
    angle = np.arctan2(points[:, 0], points[:, 2] - _AXIS)
    uv = np.column_stack([0.5 + angle / (2 * np.pi), (_TOP - points[:, 1]) / _TALL])
    return uv.astype(np.float32)


def along_lids(model: LinearFaceModel) -> Float32[Array, "v 2"]:
    """Where the lashes are in their texture: 60 degrees around an eye are one turn; root below, 1.

    Each lid has three cards of lashes, one before the other. How far out a vertex is, is measured
    against those of its card at about the same angle. Other vertices are at (0, 0).
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    uv = np.zeros((len(model.mean), 2), np.float32)
    lashes = np.zeros(len(uv), bool)
    lashes[model.regions.get("eye_lashes", np.zeros(0, int))] = True
    edges = model.triangles[lashes[model.triangles].all(axis=1)]
    pairs = (edges.ravel(), np.roll(edges, 1, axis=1).ravel())
    ties = csr_matrix((np.ones(edges.size), pairs), (len(uv), len(uv)))
    _, card = connected_components(ties, directed=False)
    centres = eye_centres(model, model.mean)
    for number in np.unique(card[lashes]):
        own = np.flatnonzero((card == number) & lashes)
        side = "left" if model.mean[own, 0].mean() > 0 else "right"
        x, y, z = (model.mean[own] - centres[side]).T
        turn, far = np.degrees(np.arctan2(x, z)), np.sqrt(x * x + y * y + z * z)
        near = np.abs(turn[:, None] - turn) < 5
        low = np.where(near, far, np.inf).min(axis=1)
        high = np.where(near, far, -np.inf).max(axis=1)
        out = (far - low) / np.maximum(high - low, 1e-6)
        # Not to the borders: the texture repeats, and roots would be seen at the tips.
        uv[own] = np.column_stack([turn / 60, 0.97 - 0.92 * out])
    return uv


def materials(model: LinearFaceModel, wanted: Tints) -> Mapping[str, Material]:
    """Materials of ``skin``, ``mouth``, ``gums``, ``teeth``, ``lashes`` and ``eyes``."""
    hair = wanted["hair"]

    def plain(name: str, rgb: tuple[float, float, float], rough: float) -> Material:
        return Material(name, linear(np.array(rgb)), roughness=rough)

    looks = (
        Material("skin", texture=_skin(model, wanted), roughness=0.5, shading="skin"),
        plain("mouth", (0.42, 0.16, 0.15), 0.5),
        plain("gums", (0.66, 0.31, 0.31), 0.4),
        Material(
            "teeth",
            linear(np.array([0.95, 0.92, 0.86])),
            roughness=0.25,
            emissive=(0.04, 0.037, 0.032),
        ),
        Material(
            "lashes", texture=_lashes(0.3 * hair), alpha="blend", roughness=0.9, double_sided=True
        ),
        Material("eyes", texture=eye_texture(tuple(wanted["eyes"])), roughness=0.1, shading="eye"),
    )
    return MappingProxyType({material.name: material for material in looks})


def _skin(model: LinearFaceModel, wanted: Tints) -> UInt8[Array, "h w 4"]:
    base = wanted["skin"].astype(np.float32)
    out = np.broadcast_to(base, (_HIGH, _WIDE, 3)).copy()
    for share, tint in _layers(model.mean[model.regions["landmarks68"]], base, wanted["hair"]):
        out += share[..., None] * (np.clip(tint, 0, 1).astype(np.float32) - out)
    picture = np.full((_HIGH, _WIDE, 4), 255, np.uint8)
    picture[..., :3] = np.rint(255 * np.clip(out, 0, 1))
    return picture


def _lashes(rgb: Float[Array, "3"]) -> UInt8[Array, "h w 4"]:
    """Hairs from the lower border upwards, thinner and thinner."""
    wide, high, hairs = 512, 64, 30
    picture = np.zeros((high, wide, 4), np.uint8)
    picture[..., :3] = np.rint(255 * np.clip(rgb, 0, 1))
    rng = np.random.default_rng(1)
    height = 1 - (np.arange(high) + 0.5)[:, None] / high
    alpha = np.zeros((high, wide))
    for i in range(hairs):
        root, length = (i + rng.uniform(-0.3, 0.3)) / hairs, rng.uniform(0.65, 1.0)
        place = root + rng.normal(0, 0.012) * height + rng.normal(0, 0.008) * height**2
        away = np.abs((np.arange(wide) / wide - place + 0.5) % 1 - 0.5) * wide
        thick = 2.6 * np.clip(1 - height / length, 0, 1) ** 0.7
        alpha = np.maximum(alpha, np.clip(thick - away + 0.5, 0, 1) * (height < length))
    picture[..., 3] = np.rint(255 * np.maximum(alpha, np.clip(1 - height / 0.08, 0, 0.8)))
    return picture


def _layers(
    marks: Float[Array, "68 3"], base: Float32[Array, "3"], hair: Float[Array, "3"]
) -> Iterator[tuple[Float32[Array, "h w"], Array]]:
    """How much of a colour lies where, the lowest first."""
    places = around(marks) * [_WIDE, _HIGH]
    for a, b, radius, share in ((41, 48, 2.6, 0.3), (46, 54, 2.6, 0.3), (30, 30, 1.6, 0.25),
                                (8, 8, 1.8, 0.15)):  # fmt: skip
        yield share * _glow((places[a] + places[b]) / 2, radius), base * [1.0, 0.74, 0.72]
    yield 0.6 * _scalp(), 0.7 * hair + 0.15 * base
    lids, lips, seam, shade, brows = (_Sheet() for _ in range(5))
    for first in (36, 42):
        lids.line([*places[first : first + 6], places[first]], 0.3)
    yield 0.5 * lids.soft(0.12), base * [0.72, 0.52, 0.50]
    lips.fill(places[48:60])
    yield 0.8 * lips.soft(0.06), base * [0.86, 0.56, 0.56] + [0.02, 0, 0.02]
    seam.line(places[60:65], 0.12)
    yield 0.5 * seam.soft(0.05), base * [0.55, 0.3, 0.3]
    for line in (places[21:16:-1], places[22:27]):
        shade.line(line[:4], 0.3)
        shade.line(line[3:], 0.15)
        _brow(brows, line)
    yield 0.45 * shade.soft(0.14), 0.8 * hair
    yield 0.8 * brows.soft(0.02), 0.75 * hair


def _glow(place: Float[Array, "2"], radius: float) -> Float32[Array, "h w"]:
    """A round spot that fades, radius in centimetres."""
    across = (np.arange(_WIDE) - place[0]) * (2 * np.pi * _RADIUS / _WIDE)
    down = (np.arange(_HIGH) - place[1]) / _SCALE
    spot: Array = np.outer(np.exp(-((down / radius) ** 2)), np.exp(-((across / radius) ** 2)))
    return spot.astype(np.float32)


def _scalp() -> Float32[Array, "h w"]:
    """Hair that was cut short."""
    degrees = np.abs((np.arange(_WIDE) + 0.5) / _WIDE - 0.5) * 360
    border = np.interp(degrees, *np.array(_HAIRLINE).T)
    height = _TOP - (np.arange(_HIGH) + 0.5) / _SCALE
    within = Image.fromarray(np.uint8(255 * (height[:, None] > border)))
    smeared = within.filter(ImageFilter.GaussianBlur(0.4 * _SCALE))
    return np.asarray(smeared, np.float32) / 255


class _Sheet:
    """The map, drawn upon with white at twice the size; places in pixels, widths in centimetres."""

    def __init__(self) -> None:
        self._image = Image.new("L", (2 * _WIDE, 2 * _HIGH))
        self._draw = ImageDraw.Draw(self._image)

    def line(self, places: Iterable[Array], width: float) -> None:
        points = [(2 * float(x), 2 * float(y)) for x, y in places]
        self._draw.line(points, 255, max(round(2 * width * _SCALE), 1), joint="curve")

    def fill(self, places: Iterable[Array]) -> None:
        self._draw.polygon([(2 * float(x), 2 * float(y)) for x, y in places], 255)

    def soft(self, blur: float) -> Float32[Array, "h w"]:
        """How white it is, 0..1, smeared."""
        smeared = self._image.filter(ImageFilter.GaussianBlur(2 * blur * _SCALE))
        small = smeared.resize((_WIDE, _HIGH), Image.Resampling.BOX)
        return np.asarray(small, np.float32) / 255


def _brow(sheet: _Sheet, line: Float[Array, "5 2"]) -> None:
    """Hairs along a brow, from its inner end outwards: first they rise, then they lie down."""
    rng = np.random.default_rng(0)
    for t in np.sort(rng.uniform(0, 1, 700)):
        at = np.array([np.interp(4 * t, range(5), line[:, i]) for i in (0, 1)])
        along = np.array([np.interp(4 * t, range(5), np.gradient(line[:, i])) for i in (0, 1)])
        along /= np.linalg.norm(along) + 1e-9
        upwards = np.array([0.0, -1.0])
        thick = np.interp(t, (0, 0.15, 0.55, 1), (0.22, 0.34, 0.30, 0.10)) * _SCALE
        root = at + upwards * rng.uniform(-1, 1) * thick
        rise = np.interp(t, (0, 0.3, 0.7, 1), (1.6, 0.6, 0.1, -0.1)) + rng.normal(0, 0.15)
        way = along + rise * upwards
        length = rng.uniform(0.35, 0.6) * _SCALE * np.interp(t, (0, 1), (1, 0.75))
        sheet.line([root, root + length * way / np.linalg.norm(way)], 0.02)
