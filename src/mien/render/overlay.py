"""Faces drawn over the picture they were found in."""

from __future__ import annotations

import math
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ..arrays import Array, Float, Float32, RGBImage
from ..types import Face, Observation, Pose
from . import strokes
from .blend import Colour, Mask, blend, shade
from .panel import draw_panels

__all__ = ["OverlayStyle", "draw"]

_SHIFT = 4
"""OpenCV takes coordinates as whole sixteenths of a pixel."""

_AXIS_COLOURS: tuple[Colour, ...] = ((244, 96, 92), (112, 208, 128), (88, 160, 255))
"""x (to the subject's left) red, y (up) green, z (out of the face) blue."""


@dataclass(frozen=True, slots=True)
class OverlayStyle:
    """What to draw.

    Attributes:
        mesh: the edges of the mesh, faint; the far side of the face is left out.
        contours: outline, brows, eyes, nose and lips.
        irises: rings around the irises of open eyes.
        axes: the head's x, y and z axes at the nose tip.
        values: a panel for each face: number, mouth, angles, the likeliest emotion where a head
            reads emotions, and the strongest channels.
        bars: how many channels the panel shows at most.
        accent: the colour of the lines.
    """

    mesh: bool = True
    contours: bool = True
    irises: bool = True
    axes: bool = True
    values: bool = True
    bars: int = 5
    accent: Colour = (94, 234, 212)

    def __post_init__(self) -> None:
        if len(self.accent) != 3 or not all(0 <= part <= 255 for part in self.accent):
            raise ValueError(f"accent is red, green, blue from 0 to 255, got {self.accent}")
        if self.bars < 0:
            raise ValueError(f"bars is a number of channels, 0 or more, got {self.bars}")


def draw(
    image: RGBImage,
    observation: Observation,
    style: OverlayStyle | None = None,
    *,
    out: RGBImage | None = None,
    corners: MutableMapping[int, int] | None = None,
) -> RGBImage:
    """Draw the faces of an observation over its picture.

    Lines and text grow with the face and the picture; nothing is drawn where there is no face.

    Args:
        image: uint8 RGB, the picture that was observed; it is not changed.
        observation: of this very picture.
        style: what to draw; everything by default.
        out: a picture of the same size to draw into: one that is no longer needed, which saves
            the system from handing out fresh memory for each frame, or ``image`` itself.
        corners: of a video: an empty dictionary, given with each of its pictures, in which panels
            keep their corners. Without it a panel changes corners whenever the face comes near.

    Returns:
        ``out``, or a new picture of the same size.

    Raises:
        ValueError: the picture has another size than the observation.
    """
    style = style or OverlayStyle()
    if image.shape[1::-1] != tuple(observation.size):
        raise ValueError(
            f"the observation is of a picture of {observation.size[0]}x{observation.size[1]}, "
            f"got {image.shape[1]}x{image.shape[0]}"
        )
    if out is None:
        canvas = np.array(image, order="C")
    else:
        canvas = out
        if out is not image:
            np.copyto(out, image)
    for face in observation.faces:
        _draw_lines(canvas, face, style)
    if style.axes:
        for face in observation.faces:
            if face.pose is not None:
                _draw_axes(canvas, face.landmarks.points, face.pose)
    if style.values:
        kept = {} if corners is None else corners
        draw_panels(canvas, observation.faces, style.accent, style.bars, kept)
    return canvas


class _Sheet:
    """A mask over a part of the picture, drawn in finer pixels where lines must be thin."""

    def __init__(self, box: tuple[int, int, int, int], finer: int) -> None:
        self._origin = np.array(box[:2], np.float32)
        self._finer = finer
        self._size = box[2] - box[0], box[3] - box[1]
        self._mask = np.zeros((self._size[1] * finer, self._size[0] * finer), np.uint8)

    def _fixed(self, points: Float[Array, "*n 2"]) -> Array:
        # A picture's pixel 0 has its centre at 0.5, OpenCV's at 0.
        own = (points - self._origin) * self._finer - 0.5
        fixed: Array = np.rint(own * (1 << _SHIFT)).astype(np.int32)
        return fixed

    def lines(
        self,
        lines: Sequence[Float[Array, "_ 2"]] | Float[Array, "_ _ 2"],
        width: float,
        opacity: float,
        *,
        closed: bool,
    ) -> None:
        """Polylines in picture coordinates; a line thinner than a pixel becomes fainter."""
        if not len(lines):
            return
        fixed = (
            list(self._fixed(lines)) if isinstance(lines, np.ndarray)
            else [self._fixed(line) for line in lines]
        )  # fmt: skip
        value, thick = self._pen(width, opacity)
        cv2.polylines(self._mask, fixed, closed, value, thick, cv2.LINE_AA, _SHIFT)

    def ring(self, centre: Float[Array, "2"], radius: float, width: float, opacity: float) -> None:
        """A circle; a width of 0 fills it."""
        x, y = self._fixed(centre).tolist()
        value, thick = self._pen(width, opacity)
        size = round(radius * self._finer * (1 << _SHIFT))
        thick = thick if width else cv2.FILLED
        cv2.circle(self._mask, (x, y), size, value, thick, cv2.LINE_AA, _SHIFT)

    def _pen(self, width: float, opacity: float) -> tuple[int, int]:
        wanted = width * self._finer
        thick = max(1, round(wanted))
        fade = min(1.0, wanted / thick) if wanted else 1.0
        return round(255 * opacity * fade), thick

    def finish(self) -> Mask:
        """The mask in the picture's pixels."""
        if self._finer == 1:
            return self._mask
        mask: Mask = cv2.resize(self._mask, self._size, interpolation=cv2.INTER_AREA)
        return mask

    def soft(self, width: float) -> Mask:
        """The mask with its edges spread over a width in pixels."""
        mask = self.finish()
        side = 2 * round(width) + 1
        soft: Mask = cv2.blur(mask, (side, side))
        return soft

    def within(self, shapes: Sequence[Float[Array, "_ 2"]]) -> None:
        """Keep only what lies within these polygons."""
        stencil = np.zeros_like(self._mask)
        cv2.fillPoly(stencil, [self._fixed(s) for s in shapes], 255, cv2.LINE_AA, _SHIFT)
        cv2.min(self._mask, stencil, dst=self._mask)

    def add(self, other: _Sheet) -> None:
        """Take over what another sheet of the same kind shows."""
        cv2.max(self._mask, other._mask, dst=self._mask)


def _extent(points: Float[Array, "n 3"]) -> float:
    """Size of a face in pixels: the side of the square as large as its box."""
    spread = np.ptp(points[:, :2], axis=0)
    return float(math.sqrt(max(float(spread[0] * spread[1]), 1.0)))


def _clip(
    low: Float[Array, "2"], high: Float[Array, "2"], margin: float, canvas: RGBImage
) -> tuple[int, int, int, int] | None:
    """Whole-pixel box within the picture, or None when nothing is left of it."""
    height, width = canvas.shape[:2]
    left, top = (max(0, math.floor(float(v) - margin)) for v in low)
    right = min(width, math.ceil(float(high[0]) + margin))
    bottom = min(height, math.ceil(float(high[1]) + margin))
    return (left, top, right, bottom) if right > left and bottom > top else None


def _finer(extent: float) -> int:
    return 2 if extent < 300 else 1


def _draw_lines(canvas: RGBImage, face: Face, style: OverlayStyle) -> None:
    points = face.landmarks.points
    extent = _extent(points)
    line = extent / 240
    halo = max(1.0, 1.1 * line)
    flat = points[:, :2]
    box = _clip(flat.min(axis=0), flat.max(axis=0), 3 * (line + halo), canvas)
    if box is None:
        return
    finer = _finer(extent)
    ink, shadow = _Sheet(box, finer), _Sheet(box, 1)
    front = strokes.facing(points)
    if style.mesh:
        # An edge is about a 24th of the face; below a few pixels the mesh would be a blot.
        opacity = 0.5 * min(1.0, max(0.0, extent / 24 - 1.5) / 4)
        if opacity > 0.02:
            ink.lines(
                strokes.visible_edges(points, front), max(0.45 * line, 0.6), opacity, closed=False
            )
    if style.contours:
        outline, nose = strokes.outline(points, front), strokes.nose(points)
        features = strokes.features(points, front)
        ink.lines(outline, 0.8 * line, 0.7, closed=False)
        ink.lines(nose, 0.8 * line, 0.7, closed=False)
        ink.lines(features, line, 0.95, closed=True)
        shadow.lines(outline, line + halo, 0.4, closed=False)
        shadow.lines(nose, line + halo, 0.3, closed=False)
        shadow.lines(features, line + halo, 0.5, closed=True)
    if style.irises:
        eyes = _Sheet(box, finer)
        for centre, radius in strokes.irises(points, front):
            eyes.ring(centre, radius, 0.8 * line, 0.95)
            eyes.ring(centre, max(0.2 * radius, 0.6), 0, 0.95)
        eyes.within(strokes.lids(points))
        ink.add(eyes)
    left, top, right, bottom = box
    area = canvas[top:bottom, left:right]
    shade(area, shadow.soft(0.7 * halo))
    blend(area, ink.finish(), style.accent)


def _draw_axes(canvas: RGBImage, points: Float32[Array, "478 3"], pose: Pose) -> None:
    ends = strokes.axes(points, pose)
    extent = _extent(points)
    width = max(1.4, extent / 130)
    box = _clip(ends[:, :2].min(axis=0), ends[:, :2].max(axis=0), 5 * width, canvas)
    if box is None:
        return
    left, top, right, bottom = box
    area = canvas[top:bottom, left:right]
    start = ends[0, :2]
    shadow = _Sheet(box, 1)
    for end in ends[1:, :2]:
        shadow.lines([np.stack([start, end])], 2.2 * width, 0.55, closed=False)
        shadow.ring(end, 2.2 * width, 0, 0.55)
    shade(area, shadow.soft(0.7 * width))
    # The far ones first, so that a nearer one lies over them.
    for axis in np.argsort(-ends[1:, 2]).tolist():
        ink, end = _Sheet(box, _finer(extent)), ends[1 + axis, :2]
        ink.lines([np.stack([start, end])], width, 1.0, closed=False)
        ink.ring(end, 1.7 * width, 0, 1.0)
        blend(area, ink.finish(), _AXIS_COLOURS[axis])
