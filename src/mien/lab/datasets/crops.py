"""Aligned grey crops of faces, as further inputs (``extra``) for experiments with pixels.

A crop is cut along a similarity in the picture plane that lays the points which expression moves
least on the canonical face: upright, of one size, in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from rich.console import Console

from ...arrays import Array, Float, Float32, RGBImage
from ...errors import InputError
from ...progress import steps_shown
from ...topology import CANONICAL, RIGID

__all__ = ["SIDE", "crop", "crops"]

SIDE = 112
"""Width and height of a crop, pixels."""

_SPAN = 19.0  # centimetres of the canonical face that a crop shows
_BELOW = 0.5  # centimetres from the head frame's origin down to the middle of a crop


def crops(
    label: str,
    names: Sequence[str],
    pixels: Float[Array, "n 478 3"],
    picture: Callable[[str], RGBImage | None],
) -> Float32[Array, "n p"]:
    """Crops of many faces, 0..1, each as a row of ``SIDE * SIDE`` numbers.

    Args:
        label: shown with the progress.
        names: of the samples.
        pixels: their landmarks.
        picture: the picture of a sample.

    Raises:
        InputError: a picture is gone.
    """
    rows = np.empty((len(names), SIDE * SIDE), np.float32)
    with steps_shown(Console(stderr=True), label, "crops") as show:
        for row, (name, points) in enumerate(zip(names, pixels, strict=True)):
            image = picture(name)
            if image is None:
                raise InputError(f"{name} cannot be read any more; look for the data set")
            rows[row] = crop(image, points).reshape(-1) / np.float32(255)
            if row % 500 == 499:
                show(row + 1, len(names), "")
    return rows


def crop(image: RGBImage, points: Float[Array, "478 3"]) -> Array:
    """One aligned crop, uint8 (SIDE, SIDE), grey. Beyond the picture its edge goes on."""
    per_cm = SIDE / _SPAN
    canonical = CANONICAL[RIGID].astype(np.float64)
    goal = (canonical[:, 0] - 1j * (canonical[:, 1] + _BELOW)) * per_cm + (1 + 1j) * SIDE / 2
    start = points[RIGID, 0].astype(np.float64) + 1j * points[RIGID, 1]
    # As complex numbers a similarity is a z + b, and its least-squares fit a division.
    centred = start - start.mean()
    a = np.vdot(centred, goal - goal.mean()) / np.vdot(centred, centred)
    b = goal.mean() - a * start.mean()
    matrix = np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    cut: Array = cv2.warpAffine(
        grey, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return cut
