"""Small panels with the numbers of a face, laid over the picture."""

from __future__ import annotations

import math
import re
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..arrays import Array, Float32, RGBImage
from ..channels import ARKIT_52, MIRROR
from ..types import Face, Pose
from .blend import Colour, Mask, blend, shade

__all__ = ["draw_panels"]

_WHITE: Colour = (244, 246, 248)
_GROUND = 0.74
"""Opacity of the dark ground."""

_FINER = 4

_LARGEST = 0.2
"""Share of the picture that a panel may take."""

_TOUCH = 0.08
"""Share of a panel that may lie over faces."""

_STAY = 0.3
"""Share that may lie over faces before a panel leaves the corner where it stands."""

_MOST_PANELS = 4
"""With more faces than this a number beside each is all that can be read."""


def _pairs() -> dict[str, tuple[int, int]]:
    """Positions of the subject's right and left channel by name; the same twice when unpaired."""
    pairs: dict[str, tuple[int, int]] = {}
    for index, name in enumerate(ARKIT_52):
        other = int(MIRROR[index])
        if "Right" in name:
            continue
        base = name.replace("Left", "")
        # "jawLeft" and "mouthLeft" are directions, not sides.
        base = {"jaw": "jawSide", "mouth": "mouthSide"}.get(base, base)
        label = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", base).lower()
        pairs[label] = (other, index)
    return pairs


_CHANNELS = _pairs()


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


@lru_cache(maxsize=2048)
def _text(text: str, size: int) -> Mask:
    """A line of text as a mask; all lines of one size have one height and one baseline."""
    # Drawn large and reduced: at small sizes the font's own grid sets letters unevenly.
    font = _font(_FINER * size)
    width = max(1, math.ceil(font.getlength(text) / _FINER))
    height = round(1.3 * size)
    image = Image.new("L", (_FINER * width, _FINER * height))
    ImageDraw.Draw(image).text((0, _FINER * size), text, font=font, fill=255, anchor="ls")
    image = image.resize((width, height), Image.Resampling.BOX)
    mask = np.asarray(image)
    mask.flags.writeable = False
    return mask


@lru_cache(maxsize=32)
def _rounded(width: int, height: int, radius: int) -> Mask:
    big = Image.new("L", (4 * width, 4 * height))
    box = (0, 0, 4 * width - 1, 4 * height - 1)
    ImageDraw.Draw(big).rounded_rectangle(box, 4 * radius, fill=255)
    mask = np.asarray(big.resize((width, height), Image.Resampling.BOX))
    mask.flags.writeable = False
    return mask


@dataclass(frozen=True, slots=True)
class _Box:
    left: int
    top: int
    width: int
    height: int

    def overlap(self, other: _Box) -> int:
        """Common area in pixels."""
        across = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        down = min(self.top + self.height, other.top + other.height) - max(self.top, other.top)
        return max(0, across) * max(0, down)


class _Panel:
    """Contents of one panel: white text, grey text and accent bars, before it has a place."""

    def __init__(self, width: int, height: int) -> None:
        self.white = np.zeros((height, width), np.uint8)
        self.accent = np.zeros((height, width), np.uint8)
        self.width, self.height = width, height

    def text(self, x: float, y: float, text: str, size: int, *, grey: bool = False,
             right: bool = False) -> int:  # fmt: skip
        """Write with the top left (or right) corner at (x, y); returns the width."""
        mask = _text(text, size)
        left = round(x) - (mask.shape[1] if right else 0)
        top = round(y)
        area = self.white[top : top + mask.shape[0], max(left, 0) : left + mask.shape[1]]
        piece = mask[: area.shape[0], max(-left, 0) :][:, : area.shape[1]]
        np.maximum(area, (piece * 0.62).astype(np.uint8) if grey else piece, out=area)
        return int(mask.shape[1])

    def lay(self, canvas: RGBImage, left: int, top: int, accent: Colour, radius: int) -> None:
        """Draw ground, bars and text."""
        area = canvas[top : top + self.height, left : left + self.width]
        ground = _rounded(self.width, self.height, radius)
        shade(area, cv2.convertScaleAbs(ground, alpha=_GROUND))
        blend(area, self.accent, accent)
        blend(area, self.white, _WHITE)


def _strongest(expression: Float32[Array, "52"], count: int) -> list[tuple[str, float, float]]:
    """Label, right and left value of the strongest channels.

    In the order of ``ARKIT_52``, so that rows do not jump from frame to frame.
    """
    values = np.nan_to_num(expression, nan=-1.0).tolist()
    rows = [
        (label, values[right], values[left])
        for label, (right, left) in _CHANNELS.items()
        if values[right] >= 0 or values[left] >= 0
    ]
    chosen = set(sorted(range(len(rows)), key=lambda i: -max(rows[i][1:]))[:count])
    return [row for i, row in enumerate(rows) if i in chosen]


def _values(face: Face, em: int, bars: int) -> _Panel:
    """Number, mouth, angles, emotion and the strongest channels."""
    rows = [] if face.expression is None else _strongest(face.expression, bars)
    pad, step = round(0.8 * em), round(1.45 * em)
    lines = 1 + (face.pose is not None) + (face.emotion is not None) + len(rows)
    height = 2 * pad + lines * step - step // 6 + (pad // 2 if rows else 0)
    panel = _Panel(round(19 * em), height)
    _header(panel, face, em, pad)
    y = pad + step
    if face.pose is not None:
        _angles(panel, face.pose, em, pad, y)
        y += step
    if face.emotion is not None and face.looks is not None:
        width = panel.text(pad, y, "looks", em, grey=True)
        panel.text(pad + width + 0.35 * em, y, face.looks, em)
        sure = f"{float(face.emotion.max()):.2f}"
        panel.text(panel.width - pad, y, sure, em, right=True)
        y += step
    y += pad // 2
    for label, right, left in rows:
        _bar(panel, em, pad, y, label, right, left)
        y += step
    return panel


def _tag(face: Face, em: int) -> _Panel:
    """Only the number."""
    pad = round(0.45 * em)
    text = str(face.id)
    panel = _Panel(max(_text(text, em).shape[1] + 2 * pad, round(1.6 * em)), round(1.6 * em))
    panel.text((panel.width - _text(text, em).shape[1]) / 2, 0.16 * em, text, em)
    return panel


def _header(panel: _Panel, face: Face, em: int, pad: int) -> None:
    panel.text(pad, pad, f"Face {face.id}", em)
    if face.mouth_open is None:
        return
    text = "mouth open" if face.mouth_open else "mouth closed"
    width = panel.text(panel.width - pad, pad, text, em, grey=not face.mouth_open, right=True)
    centre = (panel.width - pad - width - round(0.7 * em), pad + round(0.66 * em))
    thick = cv2.FILLED if face.mouth_open else max(1, em // 12)
    value = 255 if face.mouth_open else 150
    cv2.circle(panel.accent, centre, round(0.26 * em), value, thick, cv2.LINE_AA)


def _angles(panel: _Panel, pose: Pose, em: int, pad: int, y: int) -> None:
    column = (panel.width - 2 * pad) / 3
    angles = (("yaw", pose.yaw), ("pitch", pose.pitch), ("roll", pose.roll))
    for i, (name, angle) in enumerate(angles):
        x = pad + i * column
        width = panel.text(x, y, name, em, grey=True)
        panel.text(x + width + 0.35 * em, y, _degrees(angle), em)


def _degrees(angle: float) -> str:
    whole = round(angle)
    return f"{whole:+d}°" if whole else "0°"


def _bar(panel: _Panel, em: int, pad: int, y: int, label: str, right: float, left: float) -> None:
    """A row whose bar grows from the middle: the subject's right to the left, as in the picture."""
    panel.text(pad, y, label, em, grey=True)
    strongest = max(right, left)
    panel.text(panel.width - pad, y, f"{strongest:.2f}", em, right=True)
    start, end = round(9.9 * em), panel.width - pad - round(2.6 * em)
    middle, half = (start + end) // 2, (end - start) // 2
    thick = max(2, round(0.42 * em))
    top = y + round(0.68 * em) - thick // 2
    panel.white[top : top + thick, start:end] = 46
    for value, sign in ((right, -1), (left, 1)):
        if value > 0:
            reach = middle + sign * max(1, round(value * half))
            panel.accent[top : top + thick, min(middle, reach) : max(middle, reach)] = 255
            panel.white[top : top + thick, min(middle, reach) : max(middle, reach)] = 0


def draw_panels(
    canvas: RGBImage, faces: Sequence[Face], accent: Colour, bars: int,
    corners: MutableMapping[int, int],
) -> None:  # fmt: skip
    """Draw a panel for each face into a corner of the picture, in place.

    With several faces each also carries its number. A panel that would cover a face shows fewer
    values; where even that has no room the number must do.

    Args:
        canvas: to draw on.
        faces: whose values.
        accent: colour of the bars.
        bars: how many channels at most.
        corners: by face, where its panel stood in the picture before; changed to where it is now.
    """
    height, width = canvas.shape[:2]
    em = max(11, round(0.0158 * min(width, height)))
    gap = round(0.8 * em)
    boxes = [_face_box(face) for face in faces]
    taken: list[_Box] = []
    if len(faces) > 1:
        for face, box in zip(faces, boxes, strict=True):
            tag = _tag(face, em)
            left = min(max(box.left + (box.width - tag.width) // 2, 0), width - tag.width)
            top = min(max(box.top - tag.height - gap // 2, 0), height - tag.height)
            if left >= 0 and top >= 0:
                taken.append(_Box(left, top, tag.width, tag.height))
                tag.lay(canvas, left, top, accent, tag.height // 2)
    if len(faces) > _MOST_PANELS:
        return
    for face, box in zip(faces, boxes, strict=True):
        for count in range(bars, -1, -1):
            panel = _values(face, em, count)
            if panel.width * panel.height > _LARGEST * width * height:
                continue
            before = corners.get(face.id)
            found = _corner(panel, box, boxes, taken, (width, height), gap, before)
            if found is not None:
                corners[face.id], place = found
                taken.append(place)
                panel.lay(canvas, place.left, place.top, accent, round(0.6 * em))
                break


def _face_box(face: Face) -> _Box:
    left, top, right, bottom = face.landmarks.box
    return _Box(round(left), round(top), round(right - left), round(bottom - top))


def _corner(
    panel: _Panel, face: _Box, faces: Sequence[_Box], taken: Sequence[_Box],
    size: tuple[int, int], gap: int, before: int | None,
) -> tuple[int, _Box] | None:  # fmt: skip
    """The number and place of a corner in which the panel covers nothing, or None.

    Touching a face a little counts as nothing. The corner of before is kept for longer; without one
    it is the first that is free, and with several faces the first on the face's side.
    """
    right, bottom = size[0] - panel.width - gap, size[1] - panel.height - gap
    if right < gap or bottom < gap:
        return None
    corners = ((gap, gap), (right, gap), (gap, bottom), (right, bottom))
    free = []
    for number, (left, top) in enumerate(corners):
        box = _Box(left, top, panel.width, panel.height)
        if any(box.overlap(other) for other in taken):
            continue
        covered = sum(box.overlap(other) for other in faces) / (panel.width * panel.height)
        if number == before and covered < _STAY:
            return number, box
        if covered < _TOUCH:
            free.append((number, box))
    if len(faces) == 1:
        return free[0] if free else None
    # By half only, or the panel would change corners with every small movement.
    half = face.left + face.width / 2 < size[0] / 2
    return min(free, key=lambda one: (one[1].left == gap) != half, default=None)
