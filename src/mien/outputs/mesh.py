"""One face as a mesh for 3D programs: OBJ (text) or PLY (binary).

The surface has 468 vertices, numbered as the landmarks, and 852 triangles; eyes and mouth are
holes. The ten points of the irises belong to no triangle and are left out, so that no program
meets loose vertices.

Axes: x right in the picture (with a pose: towards the subject's left), y up, z towards the viewer
(with a pose: out of the face), right-handed. Without a pose the unit is the pixel and the origin
the picture's lower left corner; with a pose the face looks straight ahead around the head's
origin, in head units (about a centimetre).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..arrays import Array, Float32, RGBImage, UInt8
from ..errors import OutputError
from ..geometry import Similarity, picture_to_camera
from ..topology import TRIANGLES
from ..types import Landmarks, Pose
from .files import replacing

__all__ = ["sample_colours", "surface", "vertex_normals", "write_mesh"]

N_SURFACE = 468
"""The mesh points that triangles use; the irises come after them."""


def surface(landmarks: Landmarks, pose: Pose | None = None) -> Float32[Array, "468 3"]:
    """Vertices of the mesh in the axes and units of this module.

    Args:
        landmarks: in picture coordinates.
        pose: when given, the head's turn, place and size are taken out.
    """
    points = landmarks.points[:N_SURFACE].astype(np.float64)
    if pose is None:
        points[:, 1] = landmarks.size[1] - points[:, 1]
        points[:, 2] = -points[:, 2]
        return np.asarray(points, np.float32)
    place = Similarity(pose.rotation, picture_to_camera(pose.translation), pose.scale)
    return np.asarray(place.invert(picture_to_camera(points)), np.float32)


def vertex_normals(vertices: Float32[Array, "468 3"]) -> Float32[Array, "468 3"]:
    """Unit normals that point out of the face: the mean of a vertex's triangles by area."""
    corners = vertices[TRIANGLES].astype(np.float64)
    # The length of the cross product is twice the area, which is the weight.
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros((len(vertices), 3))
    for corner in range(3):
        np.add.at(normals, TRIANGLES[:, corner], faces)
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    flat = lengths[:, 0] < 1e-12
    normals[flat], lengths[flat] = (0.0, 0.0, 1.0), 1.0
    return np.asarray(normals / lengths, np.float32)


def sample_colours(landmarks: Landmarks, image: RGBImage) -> UInt8[Array, "468 3"]:
    """Colour of the picture under each vertex, between pixels by bilinear interpolation.

    Points outside the picture take the colour of its nearest border.

    Raises:
        ValueError: the picture has another size than the landmarks are for.
    """
    height, width = image.shape[:2]
    if (width, height) != tuple(landmarks.size):
        raise ValueError(
            f"colours need the picture that the landmarks are from, {landmarks.size[0]}x"
            f"{landmarks.size[1]}, got {width}x{height}"
        )
    # The centre of the first pixel lies at 0.5.
    x = np.clip(landmarks.points[:N_SURFACE, 0] - 0.5, 0, width - 1)
    y = np.clip(landmarks.points[:N_SURFACE, 1] - 0.5, 0, height - 1)
    left, top = x.astype(np.intp), y.astype(np.intp)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    across, down = (x - left)[:, None], (y - top)[:, None]
    upper = image[top, left] * (1 - across) + image[top, right] * across
    lower = image[bottom, left] * (1 - across) + image[bottom, right] * across
    return np.asarray(np.rint(upper * (1 - down) + lower * down), np.uint8)


def write_mesh(
    path: Path | str,
    landmarks: Landmarks,
    image: RGBImage | None = None,
    pose: Pose | None = None,
) -> None:
    """Write a face as ``.obj`` or ``.ply`` with normals and, given the picture, vertex colours.

    OBJ has no official colours; they follow the coordinates of a vertex as numbers from 0 to 1,
    as Blender, MeshLab and trimesh read them.

    Args:
        path: the suffix decides the format; an existing file is replaced.
        landmarks: in picture coordinates.
        image: uint8 RGB, the picture that the landmarks are from.
        pose: when given, the face is written looking straight ahead, in head units.

    Raises:
        OutputError: another suffix, or the system refuses.
        ValueError: the picture has another size than the landmarks are for.
    """
    path = Path(path)
    write = {".obj": _obj, ".ply": _ply}.get(path.suffix.lower())
    if write is None:
        raise OutputError(
            f"cannot write {path}: meshes are written as .obj or .ply; "
            "choose one of these suffixes."
        )
    vertices = surface(landmarks, pose)
    colours = None if image is None else sample_colours(landmarks, image)
    about = (
        "unit: pixel; x right, y up, z towards the viewer; origin: lower left of the picture"
        if pose is None
        else "unit: about a centimetre; x to the subject's left, y up, z out of the face"
    )
    data = write(vertices, vertex_normals(vertices), colours, f"mien face mesh; {about}")
    with replacing(path) as part:
        part.write_bytes(data)


def _obj(
    vertices: Float32[Array, "468 3"],
    normals: Float32[Array, "468 3"],
    colours: UInt8[Array, "468 3"] | None,
    about: str,
) -> bytes:
    columns = vertices if colours is None else np.hstack([vertices, colours / np.float32(255)])
    lines = [f"# {about}"]
    lines += ["v " + " ".join(f"{value:.6g}" for value in row) for row in columns.tolist()]
    lines += ["vn " + " ".join(f"{value:.5f}" for value in row) for row in normals.tolist()]
    lines += [f"f {a}//{a} {b}//{b} {c}//{c}" for a, b, c in (TRIANGLES + 1).tolist()]
    return ("\n".join(lines) + "\n").encode()


def _ply(
    vertices: Float32[Array, "468 3"],
    normals: Float32[Array, "468 3"],
    colours: UInt8[Array, "468 3"] | None,
    about: str,
) -> bytes:
    fields = [(name, "<f4") for name in ("x", "y", "z", "nx", "ny", "nz")]
    values = [*vertices.T, *normals.T]
    if colours is not None:
        fields += [(name, "u1") for name in ("red", "green", "blue")]
        values += [*colours.T]
    rows = np.empty(len(vertices), fields)
    for (name, _), value in zip(fields, values, strict=True):
        rows[name] = value
    faces = np.empty(len(TRIANGLES), [("count", "u1"), ("corners", "<i4", 3)])
    faces["count"], faces["corners"] = 3, TRIANGLES
    kinds = {"<f4": "float", "u1": "uchar"}
    header = [
        "ply",
        "format binary_little_endian 1.0",
        f"comment {about}",
        f"element vertex {len(rows)}",
        *(f"property {kinds[kind]} {name}" for name, kind in fields),
        f"element face {len(faces)}",
        "property list uchar int vertex_indices",
        "end_header",
    ]
    return ("\n".join(header) + "\n").encode() + rows.tobytes() + faces.tobytes()
