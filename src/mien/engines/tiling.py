"""Find faces in a still that are too small for the detector when it sees the whole picture.

The detectors look at 128 pixels, so a face below a twelfth of the picture is lost. Tiles of
falling size bring it back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np

from ..arrays import Array, Float32, Points, RGBImage
from ..geometry import Template, distance, picture_to_camera
from ..topology import CANONICAL, RIGID
from ..types import Landmarks
from .base import Detection

__all__ = ["MOST_RESIDUAL", "search_tiles"]

_RIGID = Template(CANONICAL[RIGID].astype(np.float64))
_SMALLEST_TILE = 160
_MOST_LEVELS = 4
# Root mean square distance of the rigid points from the canonical face, in head units (cm). Half
# of 6,491 photographed faces stay below 0.28 and 99.9 % below 0.81; knees and the moon have 0.6.
_SURE_RESIDUAL = 0.3
MOST_RESIDUAL = 0.9
# How far the points may move, in shares of the face, when the face is looked at a second time.
_MOST_DRIFT = 0.06


Run: TypeAlias = Callable[[RGBImage], list[Detection]]


def search_tiles(
    run: Run, image: RGBImage, max_faces: int, *, glance: Run | None = None
) -> list[Detection]:
    """All faces of a still, largest first.

    Args:
        run: the faces of one image, in pixels of that image.
        image: uint8 RGB (height, width, 3).
        max_faces: the most faces to return. With 1 the tiles are searched only when the whole
            picture shows no face.
        glance: the same with less care, to confirm that a face is one.
    """
    found: list[Detection] = []
    for level, tiles in enumerate(_levels(image)):
        if level and len(found) >= max_faces:
            break
        # A large portrait needs no finer search: that is for groups, and for empty hands.
        if level > 1 and len(found) == 1 and _share(found[0], image) > 0.25:
            break
        for left, top, tile in tiles:
            for seen in run(tile):
                if _cut(seen, tile, image, left, top):
                    continue
                face = _moved(seen, left, top, image)
                if any(_same(face, other) for other in found):
                    continue
                if _confirmed(glance or run, image, face):
                    found.append(face)
    found.sort(key=_size, reverse=True)
    return found[:max_faces]


def _levels(image: RGBImage) -> Iterator[list[tuple[int, int, RGBImage]]]:
    yield [(0, 0, image)]
    height, width = image.shape[:2]
    side = min(height, width)
    if max(height, width) < 1.25 * side:
        side = side * 2 // 3
    for _ in range(_MOST_LEVELS):
        if side < _SMALLEST_TILE:
            return
        yield [
            (left, top, np.ascontiguousarray(image[top : top + side, left : left + side]))
            for top in _starts(height, side)
            for left in _starts(width, side)
        ]
        side //= 2


def _starts(length: int, side: int) -> list[int]:
    """Starts of tiles that overlap by at least a third and cover the whole length."""
    if length <= side:
        return [0]
    count = int(np.ceil((length - side) / (side * 0.65))) + 1
    return [round(s) for s in np.linspace(0, length - side, count)]


def _moved(face: Detection, left: int, top: int, image: RGBImage) -> Detection:
    points = face.landmarks.points + np.array([left, top, 0], np.float32)
    size = (image.shape[1], image.shape[0])
    return Detection(Landmarks(points, size, face.landmarks.presence), face.shapes)


def _size(face: Detection) -> float:
    return float(np.ptp(face.landmarks.points[:, :2], axis=0).max())


def _centre(face: Detection) -> Float32[Array, "2"]:
    centre: Float32[Array, "2"] = face.landmarks.points[:468, :2].mean(axis=0)
    return centre


def _share(face: Detection, image: RGBImage) -> float:
    return _size(face) / max(image.shape[:2])


def _same(a: Detection, b: Detection) -> bool:
    return float(np.linalg.norm(_centre(a) - _centre(b))) < 0.5 * max(_size(a), _size(b))


def _cut(face: Detection, tile: RGBImage, image: RGBImage, left: int, top: int) -> bool:
    """Whether the tile's own border, not the picture's, cuts the face."""
    height, width = tile.shape[:2]
    x0, y0, x1, y1 = face.landmarks.box
    return (
        (left > 0 and x0 < 0)
        or (top > 0 and y0 < 0)
        or (left + width < image.shape[1] and x1 > width)
        or (top + height < image.shape[0] and y1 > height)
    )


def _confirmed(run: Run, image: RGBImage, face: Detection) -> bool:
    """Whether this is a face: shaped like one, and the same when looked at from closer.

    Tiles multiply the detector's false alarms, and the engines keep their presence score back.
    """
    points = face.landmarks.points
    residual = _residual(points)
    if residual < _SURE_RESIDUAL:
        return True
    if residual > MOST_RESIDUAL:
        return False
    size = _size(face)
    left, top = (int(v) for v in np.maximum(_centre(face) - size, 0))
    right, bottom = (int(v) for v in _centre(face) + size + 1)
    crop = np.ascontiguousarray(image[top:bottom, left:right])
    if not crop.size:
        return False
    again = [_moved(seen, left, top, image).landmarks.points for seen in run(crop)]
    drift = [np.linalg.norm((other - points)[:, :2], axis=1).mean() / size for other in again]
    return bool(min(drift, default=1.0) < _MOST_DRIFT)


def _residual(points: Points) -> float:
    rigid = picture_to_camera(points[RIGID]).astype(np.float64)
    return distance(_RIGID.fit(rigid).invert(rigid), CANONICAL[RIGID])
