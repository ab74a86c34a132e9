"""Rotations, alignment and projection.

Two coordinate systems meet here, both right-handed:

* **picture**: pixels, x right, y down, z away from the camera in the scale of x
  (what landmark engines return);
* **camera axes**: x right in the picture, y up, z out of the picture towards the viewer
  (as in OpenGL and glTF). :func:`picture_to_camera` flips y and z.

The **head frame** has x towards the subject's own left, y up, z out of the face. A face that
looks straight into an unmirrored camera has the identity as rotation.

Angles are degrees and rotate the head frame in the order yaw (about y), pitch (about x),
roll (about z), each about the axes already turned: ``R = Ry(yaw) Rx(-pitch) Rz(-roll)``.
Yaw is positive when the subject turns to their left, pitch when they look up, roll when they
tilt towards their left shoulder. Roll seen in an unmirrored picture is clockwise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arrays import Array, Float

__all__ = [
    "Similarity",
    "Template",
    "camera_to_picture",
    "determinant",
    "distance",
    "euler_from_matrix",
    "matrix_from_euler",
    "matrix_from_quaternion",
    "picture_to_camera",
    "project",
    "quaternion_from_matrix",
    "similarity",
    "slerp",
]

# By type, so that float32 points stay float32 and nothing is converted on the way.
_FLIP: dict[Any, Array] = {np.dtype(t): np.array([1, -1, -1], t) for t in (np.float32, np.float64)}


def picture_to_camera(points: Float[Array, "*n 3"]) -> Float[Array, "*n 3"]:
    """Turn picture coordinates (y down, z away) into camera axes (y up, z towards the viewer)."""
    flipped: Array = points * _FLIP.get(points.dtype, _FLIP[np.dtype(np.float64)])
    return flipped


def camera_to_picture(points: Float[Array, "*n 3"]) -> Float[Array, "*n 3"]:
    """Undo :func:`picture_to_camera`; the map is its own inverse."""
    return picture_to_camera(points)


def matrix_from_euler(yaw: float, pitch: float, roll: float) -> Float[Array, "3 3"]:
    """Rotation head frame -> camera axes from degrees: ``Ry(yaw) Rx(-pitch) Rz(-roll)``.

    Returns:
        float64 (3, 3), orthonormal with determinant +1.
    """
    y, x, z = math.radians(yaw), math.radians(-pitch), math.radians(-roll)
    cy, sy, cx, sx, cz, sz = (
        math.cos(y), math.sin(y), math.cos(x), math.sin(x), math.cos(z), math.sin(z),
    )  # fmt: skip
    return np.array(
        [
            [cy * cz + sy * sx * sz, -cy * sz + sy * sx * cz, sy * cx],
            [cx * sz, cx * cz, -sx],
            [-sy * cz + cy * sx * sz, sy * sz + cy * sx * cz, cy * cx],
        ]
    )


def euler_from_matrix(rotation: Float[Array, "3 3"]) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees of a rotation head frame -> camera axes.

    Inverse of :func:`matrix_from_euler` for pitch in (-90, 90). At +-90 degrees of pitch yaw and
    roll turn about one axis; roll is then given as 0.
    """
    sx = -float(rotation[1, 2])
    if abs(sx) > 1.0 - 1e-9:
        yaw = math.atan2(-float(rotation[2, 0]), float(rotation[0, 0]))
        return math.degrees(yaw), math.degrees(-math.copysign(math.pi / 2, sx)), 0.0
    yaw = math.atan2(float(rotation[0, 2]), float(rotation[2, 2]))
    roll = math.atan2(float(rotation[1, 0]), float(rotation[1, 1]))
    return math.degrees(yaw), math.degrees(-math.asin(sx)), math.degrees(-roll)


def quaternion_from_matrix(rotation: Float[Array, "3 3"]) -> Float[Array, "4"]:
    """Unit quaternion (x, y, z, w), w >= 0, of a rotation matrix (Shepperd's method)."""
    m = np.asarray(rotation, np.float64)
    candidates = np.array([m[0, 0], m[1, 1], m[2, 2], np.trace(m)])
    i = int(candidates.argmax())
    q = np.empty(4)
    if i == 3:
        q[3] = 1.0 + candidates[3]
        q[:3] = m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]
    else:
        j, k = (i + 1) % 3, (i + 2) % 3
        q[i] = 1.0 + 2.0 * m[i, i] - candidates[3]
        q[j] = m[j, i] + m[i, j]
        q[k] = m[k, i] + m[i, k]
        q[3] = m[k, j] - m[j, k]
    q /= np.linalg.norm(q)
    return q if q[3] >= 0 else -q


def matrix_from_quaternion(quaternion: Float[Array, "4"]) -> Float[Array, "3 3"]:
    """Rotation matrix of a quaternion (x, y, z, w); it need not have unit length.

    Raises:
        ValueError: when the quaternion is zero or not finite.
    """
    norm = math.hypot(*quaternion)
    if not math.isfinite(norm) or norm < 1e-12:
        raise ValueError(f"a rotation needs a non-zero quaternion (x, y, z, w), got {quaternion}")
    x, y, z, w = (float(v) / norm for v in quaternion)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def slerp(
    start: Float[Array, "3 3"], end: Float[Array, "3 3"], share: float
) -> Float[Array, "3 3"]:
    """Rotation on the shortest way from one to another, at a steady speed.

    Shoemake, "Animating rotation with quaternion curves" (1985).

    Args:
        start: rotation matrix at share 0.
        end: at share 1.
        share: 0..1.
    """
    a, b = quaternion_from_matrix(start), quaternion_from_matrix(end)
    cosine = float(a @ b)
    if cosine < 0:  # q and -q are one rotation; the nearer of the two is meant
        b, cosine = -b, -cosine
    if cosine > 1 - 1e-9:  # nothing to divide by, and a straight line is exact enough
        return matrix_from_quaternion(a + share * (b - a))
    angle = math.acos(cosine)
    return matrix_from_quaternion(
        (math.sin((1 - share) * angle) * a + math.sin(share * angle) * b) / math.sin(angle)
    )


@dataclass(frozen=True, slots=True)
class Similarity:
    """``target = scale * rotation @ source + translation``."""

    rotation: Float[Array, "3 3"]
    translation: Float[Array, "3"]
    scale: float

    def apply(self, points: Float[Array, "*n 3"]) -> Float[Array, "*n 3"]:
        """Map points of the source frame into the target frame."""
        return self.scale * points @ self.rotation.T + self.translation

    def invert(self, points: Float[Array, "*n 3"]) -> Float[Array, "*n 3"]:
        """Map points of the target frame back into the source frame."""
        back: Array = self.rotation / self.scale
        moved: Array = points @ back
        moved -= self.translation @ back
        return moved


class Template:
    """Source points prepared for many fits; see :func:`similarity`."""

    def __init__(
        self, source: Float[Array, "n 3"], weights: Float[Array, "n"] | None = None
    ) -> None:
        if len(source) < 3:
            raise ValueError(f"alignment needs at least 3 points, got {source.shape}")
        count = len(source)
        w = np.full(count, 1.0) if weights is None else np.asarray(weights, np.float64)
        w = w / float(np.sum(w))
        self._mean = w @ np.asarray(source, np.float64)
        centred = source - self._mean
        self._spread = float(w @ np.einsum("ij,ij->i", centred, centred))
        if not self._spread > 1e-18:
            raise ValueError("alignment needs source points that are apart; all are in one place")
        # The weighted source sums to zero, so the target need not be centred for the covariance;
        # one product then gives it together with the mean of the target.
        self._weighted = np.column_stack([w[:, None] * centred, w])

    def fit(self, target: Float[Array, "n 3"]) -> Similarity:
        """Least-squares similarity that lays the source points on ``target``.

        Raises:
            ValueError: another number of points.
        """
        if target.shape != (len(self._weighted), 3):
            raise ValueError(
                "alignment needs two equally long lists of points, "
                f"got {(len(self._weighted), 3)} and {target.shape}"
            )
        product = target.T @ self._weighted
        rotation, size = _turn(product[:, :3])
        scale = size / self._spread
        return Similarity(rotation, product[:, 3] - scale * (rotation @ self._mean), scale)


def _turn(covariance: Float[Array, "3 3"]) -> tuple[Float[Array, "3 3"], float]:
    """The rotation R for which ``trace(R.T @ covariance)`` is largest, and that trace.

    The trace is a quadratic form of R's quaternion (Horn, "Closed-form solution of absolute
    orientation using unit quaternions", 1987), hence its greatest value an eigenvalue, which
    Newton's method finds as a root of the characteristic polynomial (Theobald, "Rapid calculation
    of RMSDs using a quaternion-based characteristic polynomial", 2005). Plain floats: between two
    runs of a landmark net, which empties the caches, it takes a third of the time of LAPACK's SVD.
    """
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = covariance.tolist()
    square = xx * xx + xy * xy + xz * xz + yx * yx + yy * yy + yz * yz + zx * zx + zy * zy + zz * zz
    # Cofactors of the covariance, row by row.
    cx, cy, cz = yy * zz - yz * zy, yz * zx - yx * zz, yx * zy - yy * zx
    dx, dy, dz = zy * xz - zz * xy, zz * xx - zx * xz, zx * xy - zy * xx
    ex, ey, ez = xy * yz - xz * yy, xz * yx - xx * yz, xx * yy - xy * yx
    minors = cx * cx + cy * cy + cz * cz + dx * dx + dy * dy + dz * dz + ex * ex + ey * ey + ez * ez
    linear = -8 * (xx * cx + xy * cy + xz * cz)
    constant = square * square - 4 * minors
    value = math.sqrt(3 * square)  # not below the greatest root, from where Newton falls to it
    for _ in range(30):
        power = value * value
        slope = 4 * value * (power - square) + linear
        if not slope > 0:
            break
        step = (power * (power - 2 * square) + linear * value + constant) / slope
        value -= step
        if abs(step) < 1e-14 * value:
            break
    # The eigenvector as a column of the adjugate of (value - form); the form's first column is
    # (trace, -b, -c, -d), the rest is symmetric.
    b, c, d = yz - zy, zx - xz, xy - yx
    e, f, g = value - xx + yy + zz, -xy - yx, -xz - zx
    h, i, j = value + xx - yy + zz, -yz - zy, value + xx + yy - zz
    m, n, o = h * j - i * i, g * i - f * j, f * i - g * h
    p, q, r = e * j - g * g, f * g - e * i, e * h - f * f
    w = e * m + f * n + g * o
    if not w > 1e-4 * value * value * value:
        return _turn_by_svd(covariance)
    x, y, z = -(m * b + n * c + o * d), -(n * b + p * c + q * d), -(o * b + q * c + r * d)
    return matrix_from_quaternion(np.array([x / w, y / w, z / w, 1.0])), value


def _turn_by_svd(covariance: Float[Array, "3 3"]) -> tuple[Float[Array, "3 3"], float]:
    """:func:`_turn` for turns near 180 degrees, and for points on a line or in one place."""
    u, s, vt = np.linalg.svd(covariance)
    rotation = u @ vt
    size = float(s[0] + s[1] + s[2])
    if determinant(rotation) < 0:
        size -= 2 * float(s[2])
        u[:, 2] = -u[:, 2]
        rotation = u @ vt
    return rotation, size


def similarity(
    source: Float[Array, "n 3"],
    target: Float[Array, "n 3"],
    weights: Float[Array, "n"] | None = None,
) -> Similarity:
    """Least-squares rotation, uniform scale and translation that lay source on target.

    Umeyama, "Least-squares estimation of transformation parameters between two point patterns"
    (1991), with optional non-negative weights; never a reflection.

    Raises:
        ValueError: fewer than 3 points, all source points in one place, or lists of unequal length.
    """
    return Template(source, weights).fit(target)


def distance(points: Float[Array, "n 3"], others: Float[Array, "n 3"]) -> float:
    """Root mean square distance of points that belong together, in their own unit."""
    off = points - others
    return math.sqrt(float(np.einsum("ij,ij->", off, off)) / len(off))


def determinant(matrix: Float[Array, "3 3"]) -> float:
    """Determinant of a 3x3 matrix; a tenth of the time of the general routine."""
    (a, b, c), (d, e, f), (g, h, i) = matrix.tolist()
    value: float = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    return value


def project(
    points: Float[Array, "*n 3"],
    rotation: Float[Array, "3 3"],
    translation: Float[Array, "3"],
    scale: float,
) -> Float[Array, "*n 3"]:
    """Weak-perspective projection of head-frame points into the picture.

    Args:
        points: head frame, in head units.
        rotation: head frame -> camera axes.
        translation: where the head's origin lies in the picture (pixels; x right, y down, z away).
        scale: pixels per head unit.

    Returns:
        picture coordinates; the first two columns are pixels, the third is depth in the scale
        of x, smaller nearer to the camera.
    """
    return camera_to_picture(scale * points @ rotation.T) + translation
