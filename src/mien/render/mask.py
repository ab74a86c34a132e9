"""The mirror mask: a person's own landmark surface with their camera's picture on it, in 3D."""

from __future__ import annotations

import cv2
import numpy as np

from ..arrays import Array, Int, RGBImage
from ..geometry import picture_to_camera
from ..model import Material, Mesh, Model, Node, Primitive
from ..topology import CANONICAL, REGIONS, TRIANGLES
from ..types import Face
from .scene import Actor, Camera, Vertices

__all__ = ["Mask"]

_METRES = 0.01  # a head unit
_MARGIN = 0.06  # of the face's size that is kept around it in the picture
_MOST = 640  # pixels a side of the picture on the mask
_HOLES = ("lips_inner", "left_eye", "right_eye")


class Mask:
    """An actor that shows one face after the other.

    The surface is closed over eyes and mouth, where the camera's picture shows them. Its inside is
    dark clay, as of a real mask.
    """

    def __init__(self) -> None:
        triangles = np.concatenate([TRIANGLES, *(_closed(REGIONS[name]) for name in _HOLES)])
        rest = CANONICAL * np.float32(_METRES)
        uv = np.zeros((len(rest), 2), np.float32)
        outside = Primitive(rest, triangles, uv=uv, material=0)
        inside = Primitive(rest, triangles[:, ::-1], material=1)
        looks = (
            Material("picture", (1.0, 1.0, 1.0, 1.0), shading="unlit"),
            Material("inside", (0.10, 0.10, 0.11, 1.0), shading="clay"),
        )
        mesh = Mesh("mask", (outside, inside))
        self.model = Model((Node("mask", mesh=0),), (mesh,), looks, name="mask")
        self.actor = Actor(self.model, textures={0: np.zeros((1, 1, 3), np.uint8)})
        """What to put on the stage; it changes with every :meth:`show`."""
        self.worn = False
        """Whether a face has been shown yet; before, the mask is black."""

    def show(self, face: Face, image: RGBImage) -> None:
        """Take shape and picture of a face; without a pose nothing changes.

        Args:
            face: with landmarks of this very picture.
            image: uint8 RGB.
        """
        if face.pose is None:
            return
        points, pose = face.landmarks.points, face.pose
        height, width = image.shape[:2]
        left, top, right, bottom = face.landmarks.box
        margin = _MARGIN * max(right - left, bottom - top)
        x0, y0 = (int(max(0, v - margin)) for v in (left, top))
        x1 = int(min(width, right + margin + 1))
        y1 = int(min(height, bottom + margin + 1))
        if x1 - x0 < 2 or y1 - y0 < 2:
            return  # the face is outside of the picture
        camera = picture_to_camera(points.astype(np.float64) - pose.translation)
        aligned = (camera @ pose.rotation) * (_METRES / pose.scale)
        uv = (points[:, :2] - (x0, y0)) / (x1 - x0, y1 - y0)
        shape = Vertices(aligned, uv=np.clip(uv, 0, 1))
        self.actor.vertices = {(0, 0): shape, (0, 1): Vertices(aligned)}
        self.actor.textures = {0: _cut(image[y0:y1, x0:x1])}
        self.actor.placement = np.eye(4)
        self.actor.placement[:3, :3] = pose.rotation
        self.worn = True

    def camera(self, aspect: float = 1.0) -> Camera:
        """A camera before the mask that leaves it room to turn."""
        low, high = CANONICAL.min(axis=0) * _METRES, CANONICAL.max(axis=0) * _METRES
        y, z = (float(low[i] + high[i]) / 2 for i in (1, 2))
        half = 0.72 * float(high[1] - low[1]) / min(aspect, 1.0)
        distance = half / np.tan(np.radians(25.0) / 2)
        return Camera((0.0, y, z + distance), (0.0, y, z), fov=25.0, near=0.05, far=5.0)


def _closed(ring: tuple[int, ...]) -> Int[Array, "t 3"]:
    """Triangles over a hole: bands between its upper and its lower border, seen from the front."""
    places = CANONICAL[list(ring)]
    corner = int(places[:, 0].argmin())
    turned = [*ring[corner:], *ring[:corner]]
    half = len(turned) // 2
    one, other = turned[: half + 1], [turned[0], *turned[: half - 1 : -1]]
    found = []
    for i in range(half):
        found += [(one[i], one[i + 1], other[i + 1]), (one[i], other[i + 1], other[i])]
    triangles = np.array([t for t in found if len(set(t)) == 3])
    a, b, c = (CANONICAL[triangles[:, k]] for k in range(3))
    if float(np.cross(b - a, c - a)[:, 2].sum()) < 0:
        triangles = triangles[:, ::-1]
    return triangles


def _cut(image: RGBImage) -> RGBImage:
    """A part of a picture, no larger than a mask needs it."""
    longest = max(image.shape[:2])
    if longest <= _MOST:
        return np.ascontiguousarray(image)
    size = tuple(max(1, round(side * _MOST / longest)) for side in image.shape[1::-1])
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
