"""Where the skin is lip, cheek, fold or nostril: pictures that the bust mixes its colours by."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from scipy.interpolate import LinearNDInterpolator

from ...arrays import Array, Float
from ...topology import REGIONS

__all__ = ["SIZE", "masks", "unfold"]

SIZE = 512
_MIDDLE = np.array([0.0, 0.0, -2.0])


def unfold(points: Float[Array, "n 3"]) -> Float[Array, "n 2"]:
    """Texture coordinates of the head: the direction from its middle, the face large.

    The distance from the picture's middle grows with the angle from straight ahead, fast in front
    and slowly behind; the back of the head is the rim of the disc.
    """
    away = points - _MIDDLE
    angle = np.arctan2(np.hypot(away[:, 0], away[:, 1]), away[:, 2]) / np.pi
    r = 0.495 * (1 - (1 - angle) ** 1.8)
    turn = np.arctan2(away[:, 1], away[:, 0])
    return np.column_stack([0.5 + r * np.cos(turn), 0.5 - r * np.sin(turn)])


def masks(built: dict[str, Any], skin: Array) -> dict[str, Array]:
    """Uv of skin and ears, and uint8 (SIZE, SIZE, 4): lips, blush, fold, nostril."""
    points = built["skin"].points
    uv = unfold(points)
    # Ears have the plain skin of a corner that the head leaves free.
    ear_uv = np.full((len(built["ears"].points), 2), 0.06)
    grid = (np.arange(SIZE) + 0.5) / SIZE
    x, y = np.meshgrid(grid, grid)
    place = LinearNDInterpolator(uv, points)(x, y)
    place = np.nan_to_num(place, nan=-50.0)
    lips = _lips(skin)
    cheek = _bell(place, (4.1, -0.9, 4.2), (1.7, 1.2, 3.0))
    nose = 0.55 * _bell(place, (0.0, -0.7, 6.4), (1.1, 0.9, 1.6))
    blush = np.clip(cheek + nose, 0, 1)
    fold = 0 * blush
    nostril = _bell(place, (0.55, -1.62, 5.75), (0.34, 0.22, 0.6))
    layers = np.stack([lips, blush, fold, nostril], axis=2)
    return {
        "skin.uv": np.rint(uv * 65535).astype(np.uint16),
        "ears.uv": np.rint(ear_uv * 65535).astype(np.uint16),
        "masks": np.rint(255 * np.clip(layers, 0, 1)).astype(np.uint8),
    }


def _bell(p: Array, middle: tuple[float, float, float], wide: tuple[float, float, float]) -> Array:
    total = np.zeros(p.shape[:2])
    for sign in (1, -1) if middle[0] else (1,):
        off = (p - np.array(middle) * [sign, 1, 1]) / np.array(wide)
        total += np.exp(-(off**2).sum(axis=2) / 2)
    return total


def _lips(skin: Array) -> Array:
    """1 within the red of the lips, with a soft edge."""
    ring = unfold(skin[list(REGIONS["lips_outer"])])
    after = np.roll(ring, -1, axis=0)
    fine = np.concatenate(
        [np.linspace(a, b, 4, endpoint=False) for a, b in zip(ring, after, strict=True)]
    )
    for _ in range(4):
        fine = (np.roll(fine, 1, axis=0) + 2 * fine + np.roll(fine, -1, axis=0)) / 4
    big = 4
    image = np.zeros((SIZE * big, SIZE * big), np.uint8)
    cv2.fillPoly(image, [np.rint(fine * SIZE * big * 16).astype(np.int32)], 255, shift=4)
    image = cv2.GaussianBlur(image, (0, 0), 5.0)
    small: Array = cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_AREA) / 255.0
    return small
