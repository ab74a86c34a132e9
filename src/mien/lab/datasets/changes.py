"""What is done to a photograph before a landmark engine sees it: another camera, another light.

The teacher looks at the changed picture too, so a target always belongs to what is in its picture.
"""

from __future__ import annotations

import cv2
import numpy as np

from ...arrays import Array, RGBImage

__all__ = ["bordered", "changed"]

BORDER = 40
"""Pixels around a tight crop; without them the engines' detector misses faces."""


def bordered(image: RGBImage) -> RGBImage:
    """The picture with its edge repeated outwards by :data:`BORDER` pixels."""
    b = BORDER
    wide: RGBImage = cv2.copyMakeBorder(image, b, b, b, b, cv2.BORDER_REPLICATE)
    return wide


def changed(image: RGBImage, random: np.random.Generator) -> RGBImage:
    """The same face seen otherwise; the size of the picture stays.

    Mirrored half of the time; turned in its plane (15 degrees), scaled and sheared a little; then
    one of motion blur, defocus and low resolution (60 %); gamma, contrast and brightness; now and
    then light from one side, sensor noise, no colour.
    """
    if random.random() < 0.5:
        image = image[:, ::-1]
    image = _coarser(_moved(image, random), random)
    return np.ascontiguousarray(_relit(image, random))


def _moved(image: RGBImage, random: np.random.Generator) -> RGBImage:
    height, width = image.shape[:2]
    centre = np.array([width / 2, height / 2])
    scale = float(np.exp(random.normal(-0.1, 0.15)))
    motion = cv2.getRotationMatrix2D(tuple(centre), random.normal(0, 15), scale)
    shear = np.eye(2) + random.normal(0, 0.03, (2, 2))
    motion[:, 2] = shear @ motion[:, 2] + centre - shear @ centre
    motion[:, :2] = shear @ motion[:, :2]
    size, border = (width, height), cv2.BORDER_REPLICATE
    moved: RGBImage = cv2.warpAffine(image, motion, size, borderMode=border)
    return moved


def _coarser(image: RGBImage, random: np.random.Generator) -> RGBImage:
    kind = random.random()
    coarser: RGBImage = image
    if kind < 0.25:
        streak = _streak(int(random.integers(3, 9)), random.uniform(0, 180))
        coarser = cv2.filter2D(image, -1, streak)
    elif kind < 0.45:
        coarser = cv2.GaussianBlur(image, (0, 0), random.uniform(0.5, 2))
    elif kind < 0.6:
        factor = random.uniform(0.3, 0.8)
        small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        coarser = cv2.resize(small, (image.shape[1], image.shape[0]))
    return coarser


def _streak(length: int, degrees: float) -> Array:
    """Kernel of motion blur along one direction."""
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1.0
    middle = (length - 1) / 2
    turn = cv2.getRotationMatrix2D((middle, middle), degrees, 1.0)
    kernel = cv2.warpAffine(kernel, turn, (length, length))
    streak: Array = kernel / max(float(kernel.sum()), 1e-6)
    return streak


def _relit(image: RGBImage, random: np.random.Generator) -> RGBImage:
    light = (image.astype(np.float32) / 255) ** np.exp(random.normal(0, 0.3))
    light = (light - 0.5) * np.exp(random.normal(0, 0.15)) + 0.5 + random.normal(0, 0.05)
    if random.random() < 0.3:
        across = np.linspace(random.uniform(0.4, 1), random.uniform(0.6, 1.3), image.shape[1])
        light = light * across[None, :, None]
    if random.random() < 0.5:
        light = light + random.normal(0, random.uniform(0.005, 0.04), light.shape)
    if random.random() < 0.2:
        light = np.repeat(light.mean(2, keepdims=True), 3, 2)
    lit: RGBImage = (np.clip(light, 0, 1) * 255).astype(np.uint8)
    return lit
