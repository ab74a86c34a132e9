"""What is particular about reading emotions: the picture that a head is shown, and steady answers.

A face that shows an emotion is not a person who has it: the classes are what people called small
photographs of faces.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from ..arrays import Array, Float, Float32, Points, RGBImage, UInt8
from ..channels import EMOTIONS

__all__ = ["MEMORY", "SIDE", "Follower", "cut", "tempered"]

SIDE = 48
"""Width and height of the picture that a head is shown, in pixels."""

FILLS = 0.915
"""Longer side of the box around a face's points, in sides of a picture of FER-2013."""
BELOW = 0.048
"""How far the middle of that box lies below the middle of the picture, in its sides.

Both are medians over the 27,230 pictures of FER-2013's Training in which FaceMesh finds a face,
turned upright about their middle. The box says more about how a picture was framed than any other
measure that was tried (eyes, eyes and mouth, the oval, all points): its size varies least, by a
tenth.
"""

MEMORY = 0.3
"""Seconds after which an answer counts a third (1/e) of what it did when it came."""
_GAP = 0.5  # seconds without an answer after which a face starts afresh, as the other filters do


def cut(image: RGBImage, points: Points, rotation: Float[Array, "3 3"]) -> UInt8[Array, "48 48"]:
    """A face as the pictures of FER-2013 show theirs: upright, grey, 48 x 48, tightly framed.

    Roll is taken off. Of PublicTest's pictures, cut anew so, the upright ones are told as well as
    with their roll left, and the 512 that are tilted by more than 15 degrees a little better. What
    lies beyond the picture repeats its edge.

    Args:
        image: the whole picture.
        points: of the face, in pixels of the picture.
        rotation: head frame -> camera axes.

    Returns:
        grey levels 0..255.
    """
    turn = _upright(rotation)
    flat = points[:, :2].astype(np.float64)
    turned = flat @ turn.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    side = max(float((high - low).max()) / FILLS, 1.0)
    centre = ((low + high) / 2 - (0, BELOW * side)) @ turn
    # Shrunk twice, by area both times, or what is finer than a pixel would turn into noise.
    fine = SIDE if side <= SIDE else 2 * SIDE
    part, corner, scale = _neighbourhood(image, centre, side, fine)
    linear = turn * (fine / side) / scale
    middle = (centre - corner) * scale
    # OpenCV counts from the middle of the first pixel.
    offset = fine / 2 - 0.5 - linear @ (middle - 0.5)
    square = cv2.warpAffine(
        part,
        np.column_stack([linear, offset]),
        (fine, fine),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if fine == SIDE:
        return np.asarray(square)
    return np.asarray(cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA))


def _upright(rotation: Float[Array, "3 3"]) -> Float[Array, "2 2"]:
    """The turn of the picture that brings a head upright, whichever way it looks.

    Of the part of the rotation that is seen in the picture, the nearest turn (polar decomposition).
    """
    (a, b), (c, d) = rotation[:2, :2]
    cosine, sine = float(a + d), float(c - b)
    length = math.hypot(cosine, sine)
    if length < 1e-6:
        return np.eye(2)
    cosine, sine = cosine / length, sine / length
    # y points down in a picture and up in camera axes, so the turn is already the opposite one.
    return np.array([[cosine, -sine], [sine, cosine]])


def _neighbourhood(
    image: RGBImage, centre: Float[Array, "2"], side: float, fine: int
) -> tuple[UInt8[Array, "h w"], Float[Array, "2"], Float[Array, "2"]]:
    """What of a picture lies around a square, grey, about as fine as wanted.

    Returns:
        the part, where its corner lies in the picture, and its pixels per pixel of the picture.
    """
    height, width = image.shape[:2]
    reach = side * math.sqrt(0.5) + 2 * max(side / fine, 1.0)
    left, right = _span(centre[0], reach, width)
    top, bottom = _span(centre[1], reach, height)
    part = cv2.cvtColor(image[top:bottom, left:right], cv2.COLOR_RGB2GRAY)
    before = np.array([right - left, bottom - top], np.float64)
    if side > fine:
        after = np.maximum(np.rint(before * fine / side), 1)
        size = int(after[0]), int(after[1])
        part = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    else:
        after = before
    return np.asarray(part), np.array([left, top], np.float64), after / before


def _span(middle: float, reach: float, length: int) -> tuple[int, int]:
    """Pixels from and to, within the picture and at least one."""
    first = min(max(math.floor(middle - reach), 0), length - 1)
    return first, min(max(math.ceil(middle + reach), first + 1), length)


def tempered(probabilities: Float32[Array, "*n 7"], temperature: float) -> Float32[Array, "*n 7"]:
    """Probabilities that are as sure as they should be.

    The scores before the softmax are divided by a temperature: above 1 for a net that is too sure,
    below 1 for one that is not sure enough (Guo et al., "On calibration of modern neural networks",
    ICML 2017). Which class is the likeliest stays.
    """
    with np.errstate(divide="ignore"):
        scores = np.log(probabilities.astype(np.float64)) / temperature
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(scores / scores.sum(axis=-1, keepdims=True), np.float32)


class Follower:
    """The emotion of one face over time: a running mean in which what is past fades away.

    A mean of probabilities is one too, in 0..1 with a sum of 1, and unlike one of scores it is not
    pulled about by a single frame that is sure of itself.
    """

    __slots__ = ("_time", "_value")

    def __init__(self) -> None:
        self._time = -math.inf
        self._value: Float32[Array, "7"] = np.full(len(EMOTIONS), np.nan, np.float32)

    def __call__(self, value: Float32[Array, "7"], time: float) -> Float32[Array, "7"]:
        """The mean at ``time``, seconds; not before the last one."""
        step = time - self._time
        self._time = time
        if not 0 <= step < _GAP:
            self._value = value
        else:
            share = np.float32(-math.expm1(-step / MEMORY))
            self._value = self._value + share * (value - self._value)
        return self._value
