"""3DDFA_V2 as a teacher: pictures and rough landmarks in, 62 parameters of a face model out.

Guo et al., "Towards Fast, Accurate and Stable 3D Dense Face Alignment" (ECCV 2020); weights and
method MIT licence, the face model (Basel, 68 points of it) for research only: read from a folder,
never shipped. The 62 numbers are 12 of pose (a 3 x 4 weak-perspective matrix), 40 of shape and 10
of expression. What it says about expression is its opinion, so a head that learns it is scored by
agreement.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from ...arrays import Array, Float, Float32, RGBImage, UInt8
from ...errors import InputError
from ..nets.mobilenet import MobileNet, without_prefix

__all__ = ["FILES", "Basis", "Fits", "Teacher", "crop", "nme", "square_around"]

SIZE = 120
"""Pixels of the crop's side."""

POSE, SHAPE, EXPRESSION = slice(0, 12), slice(12, 52), slice(52, 62)
"""Where the parts lie in the 62 parameters."""

FILES = {
    "net": "mb05_120x120.pth",
    "scale": "param_mean_std_62d_120x120.pkl",
    "mean": "u_base.txt",
    "shape": "w_shp_base.txt",
    "expression": "w_exp_base.txt",
}
"""What the teacher reads from its folder."""

_BATCH = 64


@dataclass(frozen=True)
class Basis:
    """68 points of the Basel Face Model in iBUG order, linear in shape and expression.

    ``points = mean + shape @ a + expression @ b``, x y z of each point one after the other; x
    right in the picture, y up, z towards the viewer, in micrometres.
    """

    mean: Float[Array, "204"]
    shape: Float[Array, "204 40"]
    expression: Float[Array, "204 10"]

    @classmethod
    def load(cls, folder: Path) -> Basis:
        """Read the three text files of :data:`FILES`.

        Raises:
            InputError: a file is missing, or holds another number of values.
        """
        tables = {
            name: _table(_file(folder, FILES[name]), shape)
            for name, shape in (("mean", (204,)), ("shape", (204, 40)), ("expression", (204, 10)))
        }
        return cls(**tables)

    def points(
        self, parameters: Float[Array, "n 62"], boxes: Float[Array, "n 4"]
    ) -> Float32[Array, "n 68 3"]:
        """The 68 points in picture coordinates (pixels; y down, z away, 0 on average)."""
        shape = self.mean + parameters[:, SHAPE] @ self.shape.T
        shape = shape + parameters[:, EXPRESSION] @ self.expression.T
        pose = parameters[:, POSE].reshape(-1, 3, 4)
        points = shape.reshape(len(shape), 68, 3) @ pose[:, :, :3].transpose(0, 2, 1)
        points += pose[:, None, :, 3]
        # Its x counts from 1; its y from the lower edge of the crop.
        points[..., 0] -= 1
        points[..., 1] = SIZE - points[..., 1]
        points[..., 2] = points[..., 2].mean(axis=1, keepdims=True) - points[..., 2]
        points *= (boxes[:, 2] - boxes[:, 0])[:, None, None] / SIZE
        points[..., :2] += boxes[:, None, :2]
        placed: Array = points.astype(np.float32)
        return placed


@dataclass(frozen=True)
class Fits:
    """What the teacher says about n faces."""

    parameters: Float32[Array, "n 62"]
    """In the units of the face model (the net's output times std plus mean)."""

    boxes: Float[Array, "n 4"]
    """Left, top, right, bottom of the crops that it looked at, pixels."""

    points: Float32[Array, "n 68 3"]
    """Its landmarks in picture coordinates, iBUG order."""

    @property
    def expression(self) -> Float32[Array, "n 10"]:
        """The ten coefficients of expression."""
        return self.parameters[:, EXPRESSION]


class Teacher:
    """The regressor, its scale and its basis.

    Args:
        folder: holds :data:`FILES`.
        device: where torch runs the net.

    Raises:
        InputError: a file is missing or is not what its name says.
    """

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        self.basis = Basis.load(folder)
        self.mean, self.std = _mean_and_std(_file(folder, FILES["scale"]))
        self.device = device
        self.net = _net(_file(folder, FILES["net"])).to(device).eval()

    @torch.inference_mode()
    def parameters(self, crops: UInt8[Array, "n 120 120 3"]) -> Float32[Array, "n 62"]:
        """Denormalised parameters of RGB crops as :func:`crop` makes them."""
        out = np.empty((len(crops), 62), np.float32)
        for start in range(0, len(crops), _BATCH):
            # The net was trained on pictures as OpenCV reads them: blue first.
            batch = torch.from_numpy(crops[start : start + _BATCH, :, :, ::-1].copy())
            x = (batch.to(self.device).permute(0, 3, 1, 2).float() - 127.5) / 128
            out[start : start + _BATCH] = self.net(x).cpu().numpy()
        return out * self.std + self.mean

    def look(self, images: Sequence[RGBImage], boxes: Float[Array, "n 4"]) -> Fits:
        """One pass with given crops."""
        crops = np.empty((len(images), SIZE, SIZE, 3), np.uint8)
        for i, (image, box) in enumerate(zip(images, boxes, strict=True)):
            crops[i] = crop(image, box)
        parameters = self.parameters(crops)
        return Fits(parameters, boxes, self.basis.points(parameters, boxes))

    def __call__(self, images: Sequence[RGBImage], landmarks: Float[Array, "n 68 _"]) -> Fits:
        """Two passes, as its video mode does: around the landmarks, then around its own.

        An engine's points lie on the visible outline of the face, the model's on the outline of
        the bone; after the second pass the crop does not depend on who found the face.

        Args:
            images: pictures, one for each face.
            landmarks: 68 points of each face in iBUG order, pixels; only x and y are used.
        """
        first = self.look(images, square_around(landmarks))
        return self.look(images, square_around(first.points))


def square_around(landmarks: Float[Array, "n 68 _"]) -> Float[Array, "n 4"]:
    """The teacher's crop: centred on the points' bounding box, its longer side times sqrt 2.

    Returns:
        left, top, right, bottom in pixels; may reach beyond the picture.
    """
    low, high = landmarks[..., :2].min(axis=1), landmarks[..., :2].max(axis=1)
    centre = (low.astype(np.float64) + high) / 2
    half = (high - low).max(axis=1, keepdims=True) / np.sqrt(2)
    return np.concatenate([centre - half, centre + half], axis=1)


def crop(image: RGBImage, box: Float[Array, "4"]) -> UInt8[Array, "120 120 3"]:
    """The picture inside the box, black where there is none, 120 x 120.

    Edges fall on whole pixels, as where the teacher was trained.

    Raises:
        InputError: the box is empty or has no finite edges.
    """
    if not np.isfinite(box).all() or min(box[2] - box[0], box[3] - box[1]) < 2:
        raise InputError(f"a crop needs a box of at least two pixels, got {box.tolist()}")
    left, top, right, bottom = (round(float(edge)) for edge in box)
    inside = image[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    whole = np.zeros((bottom - top, right - left, 3), np.uint8)
    if inside.size:
        y, x = max(-top, 0), max(-left, 0)
        whole[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
    return np.asarray(cv2.resize(whole, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR), np.uint8)


def nme(found: Float[Array, "n 68 _"], truth: Float[Array, "n 68 _"]) -> Float[Array, "n"]:
    """Normalised mean error of 68 landmarks in per cent, the measure of AFLW2000-3D.

    Mean distance in the picture over the square root of the area of the truth's bounding box.
    """
    away = np.linalg.norm(found[..., :2] - truth[..., :2], axis=2).mean(axis=1)
    extent = np.ptp(truth[..., :2], axis=1).astype(np.float64)
    error: Array = 100 * away / np.sqrt(extent.prod(axis=1))
    return error


class _ArraysOnly(pickle.Unpickler):
    """Reads a pickle of numpy arrays, and refuses whatever else it asks for."""

    _ALLOWED = frozenset(
        (f"numpy.{core}.multiarray", "_reconstruct") for core in ("core", "_core")
    ) | {("numpy", "ndarray"), ("numpy", "dtype")}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        if name == "_reconstruct":
            # Where it lives has moved between numpy 1 and 2.
            return np.zeros(0).__reduce__()[0]
        return getattr(np, name)


def _mean_and_std(path: Path) -> tuple[Float32[Array, "62"], Float32[Array, "62"]]:
    try:
        table = _ArraysOnly(io.BytesIO(path.read_bytes())).load()
        mean, std = (np.asarray(table[name], np.float32) for name in ("mean", "std"))
    except (pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is not 3DDFA_V2's mean and std: {error}") from None
    if mean.shape != (62,) or std.shape != (62,):
        raise InputError(
            f"{path}: expected mean and std of 62 parameters, found {mean.shape} and {std.shape}"
        )
    return mean, std


def _net(path: Path) -> MobileNet:
    net = MobileNet(0.5, 62, 136)
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        net.load_state_dict(without_prefix(saved["state_dict"]))
    except (pickle.UnpicklingError, EOFError, KeyError, TypeError, RuntimeError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"{path} is not 3DDFA_V2's MobileNet with half the width (mb05_120x120): {first}"
        ) from None
    return net


def _table(path: Path, shape: tuple[int, ...]) -> Float[Array, "..."]:
    try:
        table = np.loadtxt(path, np.float64)
    except ValueError as error:
        raise InputError(f"{path} is not a table of numbers: {error}") from None
    if table.shape != shape:
        raise InputError(f"{path}: expected {shape} numbers, found {table.shape}")
    return table


def _file(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file():
        raise InputError(
            f"{path} is missing: the 3DDFA_V2 teacher needs {', '.join(FILES.values())} there"
        )
    return path
