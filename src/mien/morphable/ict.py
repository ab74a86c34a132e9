"""ICT-FaceKit's light model (USC Institute for Creative Technologies, MIT licence).

Its ``FaceXModel`` folder holds one OBJ file for the neutral head and for each shape, all with the
same 26,719 vertices in centimetres, z forward, x to the subject's left: our head frame. Its 53
expressions are 51 ARKit channels, of which browInnerUp and cheekPuff are split in two; tongueOut
is not among them. Identity coefficients have the standard deviation 1.

The eyeballs do not move with ``eyeLook*``, which moves the lids only: :func:`head` turns them.
"""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from ..arrays import Array, Float, Float32
from ..channels import ARKIT_52
from ..errors import InputError
from ..geometry import matrix_from_euler
from .model import LinearFaceModel

__all__ = [
    "CHANNELS",
    "EYES",
    "GAZE",
    "eye_centres",
    "head",
    "read",
    "shapes",
    "turn_eyes",
]

CHANNELS: tuple[str, ...] = tuple(name for name in ARKIT_52 if name != "tongueOut")
"""The 51 channels of the model, in ARKit's order."""

GAZE = (30.0, 25.0)
"""Degrees that an eyeball turns sideways and up or down at ``eyeLook* = 1``.

The model does not say; these are the angles by which its lids follow best to the eye's limits.
"""

EYES = {"left": ("sclera_left", "iris_left"), "right": ("sclera_right", "iris_right")}
"""Regions of which each eyeball consists."""

_NEUTRAL = "generic_neutral_mesh.obj"
_INDICES = "vertex_indices.json"
_FORMAT = 1  # of the cache
_LARGEST = 64_000_000  # bytes; the largest real file has 2.7 million

# One opens a file of the model by its name.
_Open = Callable[[str], bytes]


def read(path: Path, cache: Path | None = None, *, identities: bool = True) -> LinearFaceModel:
    """Read the model.

    Args:
        path: the folder ``FaceXModel``, the folder that holds it, or the archive with it
            (``.tar``, ``.tar.gz``, ``.tar.xz``); nothing of an archive is unpacked to the disk.
        cache: folder where the parsed arrays are kept for the next time (33 MB); None keeps none.
        identities: False reads the mean person alone, whose files are half of all.

    Returns:
        a model named ``ict`` with the :data:`CHANNELS`, and as many identity modes as there are
        files, at least one. Regions: one per material (``face``, ``teeth``, ``iris_left``, ...),
        ``rigid``, and ``landmarks68``.

    Raises:
        InputError: the files are not there, or are not those of the model.
    """
    kept = None
    if cache is not None and path.exists():
        kept = cache / f"ict-{_key(path, identities)}.npz"
        if kept.is_file() and (model := _from_cache(kept)) is not None:
            return model
    with _opened(path) as (open_, names):
        model = _parse(open_, names, path, identities)
    if kept is not None:
        _to_cache(model, kept)
    return model


def head(
    model: LinearFaceModel, identity: Float[Array, "i"] | None, expression: Float[Array, "52"]
) -> Float32[Array, "v 3"]:
    """Vertices of a person with an expression, eyeballs turned.

    Args:
        model: as :func:`read` returns it.
        identity: coefficients of standard deviation 1, or None for the mean person.
        expression: the ARKit channels in the order of ``channels.ARKIT_52``; tongueOut is ignored.
    """
    values = np.asarray(expression)[[ARKIT_52.index(name) for name in model.channels]]
    points = model.vertices(identity, values)
    return turn_eyes(model, points, gaze_angles(expression))


def gaze_angles(expression: Float[Array, "52"]) -> dict[str, tuple[float, float]]:
    """(yaw, pitch) in degrees of each eye in the head, as ``eyeLook*`` says it.

    Yaw is positive towards the subject's left, pitch upwards, as for the head.
    """
    value = dict(zip(ARKIT_52, map(float, expression), strict=True))
    angles = {}
    for side, outwards in (("left", 1.0), ("right", -1.0)):
        name = side.capitalize()
        yaw = outwards * (value[f"eyeLookOut{name}"] - value[f"eyeLookIn{name}"]) * GAZE[0]
        pitch = (value[f"eyeLookUp{name}"] - value[f"eyeLookDown{name}"]) * GAZE[1]
        angles[side] = (yaw, pitch)
    return angles


def eye_centres(
    model: LinearFaceModel, vertices: Float[Array, "v 3"]
) -> dict[str, Float[Array, "3"]]:
    """Centre of each eyeball: of the sphere through the back of its sclera, in the head frame."""
    return {side: _sphere(vertices[model.regions[EYES[side][0]]])[0] for side in EYES}


def turn_eyes(
    model: LinearFaceModel,
    vertices: Float32[Array, "v 3"],
    angles: dict[str, tuple[float, float]],
) -> Float32[Array, "v 3"]:
    """Turn the eyeballs about their centres by (yaw, pitch) in degrees."""
    if not any(any(pair) for pair in angles.values()):
        return vertices
    turned = vertices.copy()
    centres = eye_centres(model, vertices)
    for side, (yaw, pitch) in angles.items():
        rotation = matrix_from_euler(yaw, pitch, 0.0).astype(np.float32)
        centre = centres[side].astype(np.float32)
        for region in EYES[side]:
            ball = model.regions[region]
            turned[ball] = (vertices[ball] - centre) @ rotation.T + centre
    return turned


def _sphere(points: Array) -> tuple[Array, float]:
    """Least-squares sphere (centre, radius) through the points behind the cornea."""
    z = points[:, 2]
    back = points[z < z.min() + 0.7 * np.ptp(z)].astype(np.float64)
    a = np.column_stack([2 * back, np.ones(len(back))])
    solution = np.linalg.lstsq(a, (back**2).sum(axis=1), rcond=None)[0]
    centre = solution[:3]
    return centre, float(np.sqrt(solution[3] + centre @ centre))


@contextmanager
def _opened(path: Path) -> Iterator[tuple[_Open, set[str]]]:
    """What opens a file of the model, and the names that are there."""
    if path.is_dir():
        inside = path / "FaceXModel"
        folder = inside if inside.is_dir() else path
        yield (lambda name: (folder / name).read_bytes()), {p.name for p in folder.iterdir()}
    elif path.is_file():
        files = _unpacked(path)
        yield files.__getitem__, set(files)
    else:
        raise InputError(
            f"there is no ICT-FaceKit model at {path}; expected its folder FaceXModel, or an "
            "archive that holds it"
        )


def _unpacked(path: Path) -> dict[str, bytes]:
    """Files of FaceXModel in an archive, in memory: no path of the archive is ever followed."""
    wanted = re.compile(r"(?:.*/)?FaceXModel/([\w.]+\.(?:obj|json))")
    files = {}
    try:
        with tarfile.open(path, "r:*") as archive:
            for member in archive:
                match = wanted.fullmatch(member.name)
                if not match or not member.isfile():
                    continue
                if member.size > _LARGEST:
                    raise InputError(
                        f"{path}: {member.name} would unpack to {member.size:,} bytes; "
                        "that is not ICT-FaceKit"
                    )
                stream = archive.extractfile(member)
                assert stream is not None  # noqa: S101 - it is a file
                files[match[1]] = stream.read()
    except (tarfile.TarError, OSError, EOFError) as error:
        raise InputError(
            f"{path} cannot be read as an archive ({error}); expected ICT-FaceKit's FaceXModel"
        ) from error
    return files


def _parse(open_: _Open, names: set[str], path: Path, identities: bool) -> LinearFaceModel:
    needed = [_NEUTRAL, _INDICES, *(["identity000.obj"] if identities else [])]
    needed += [f"{shape}.obj" for parts in shapes().values() for shape in parts]
    if missing := [name for name in needed if name not in names]:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise InputError(
            f"{path} holds no whole ICT-FaceKit model: {missing[0]}{more} missing; expected "
            f"FaceXModel/ with {_NEUTRAL}, identity000.obj ..., browDown_L.obj ... and {_INDICES}"
        )
    neutral = open_(_NEUTRAL)
    mean = _vertices(neutral, _NEUTRAL, path)

    def shape(name: str) -> Array:
        found = _vertices(open_(f"{name}.obj"), f"{name}.obj", path)
        if found.shape != mean.shape:
            raise InputError(
                f"{path}: {name}.obj has {len(found)} vertices, {_NEUTRAL} has {len(mean)}; "
                "the files of one release belong together"
            )
        return found - mean

    modes: list[Array] = []
    while identities and f"identity{len(modes):03d}.obj" in names:
        modes.append(shape(f"identity{len(modes):03d}"))
    triangles, regions = _faces(neutral)
    regions |= _indices(open_(_INDICES), len(mean), path)
    return LinearFaceModel(
        name="ict",
        mean=mean.astype(np.float32),
        identity=np.array(modes, np.float32).reshape(-1, *mean.shape),
        expression=np.stack(
            [sum(map(shape, parts), np.zeros_like(mean)) for parts in shapes().values()]
        ).astype(np.float32),
        channels=CHANNELS,
        triangles=triangles,
        regions=MappingProxyType(regions),
    )


def shapes() -> dict[str, tuple[str, ...]]:
    """Names of the files, without ``.obj``, that add up to each channel."""
    split = {n: (f"{n}_L", f"{n}_R") for n in ("browInnerUp", "cheekPuff")}
    # Here the side is a direction, which the model spells out.
    as_they_are = ("jawLeft", "jawRight", "mouthLeft", "mouthRight")

    def file(name: str) -> str:
        return (
            name if name in as_they_are else re.sub("(Left|Right)$", lambda m: f"_{m[1][0]}", name)
        )

    return {name: split.get(name, (file(name),)) for name in CHANNELS}


def _vertices(text: bytes, name: str, path: Path) -> Array:
    """The block of vertex lines of an OBJ file, float64 (v, 3)."""
    start = re.search(rb"^v ", text, re.MULTILINE)
    end = re.compile(rb"^(?!v )", re.MULTILINE).search(text, start.start()) if start else None
    try:
        assert start is not None and end is not None  # noqa: S101, PT018
        block = text[start.start() : end.start()].replace(b"v ", b"")
        numbers = np.array(block.split(), np.float64)
        points: Array = numbers.reshape(-1, 3)
    except (AssertionError, ValueError) as error:
        raise InputError(
            f"{path}: {name} is no OBJ file with a block of 'v x y z' lines; is it whole?"
        ) from error
    return points


def _faces(text: bytes) -> tuple[Array, dict[str, Array]]:
    """Triangles, and the vertices of each material under its name."""
    triangles: list[Any] = []
    regions: dict[str, Array] = {}
    for block in re.split(rb"^usemtl ", text, flags=re.MULTILINE)[1:]:
        name, _, rest = block.partition(b"\n")
        corners = re.sub(rb"/\d*", b"", rest)
        polygons = [
            [int(i) - 1 for i in line.split()[1:]]
            for line in corners.split(b"\n")
            if line.startswith(b"f ")
        ]
        for p in polygons:
            triangles += [(p[0], p[i], p[i + 1]) for i in range(1, len(p) - 1)]
        plain = re.sub(r"(?<!^)(?=[A-Z])", "_", name.strip().decode().removeprefix("M_")).lower()
        regions[plain] = np.unique(np.concatenate([np.array(p) for p in polygons])).astype(np.int32)
    return np.array(triangles, np.int32).reshape(-1, 3), regions


def _indices(text: bytes, count: int, path: Path) -> dict[str, Array]:
    names = {"rigid": "idx_to_rigid_verts", "landmarks68": "idx_to_landmark_verts"}
    try:
        table = json.loads(text)
        found = {ours: np.array(table[theirs], np.int32) for ours, theirs in names.items()}
        good = all(v.ndim == 1 and v.min() >= 0 and v.max() < count for v in found.values())
    except (ValueError, KeyError, TypeError):
        good = False
    if not good:
        raise InputError(
            f"{path}: {_INDICES} is not that of the model; expected lists of vertex numbers below "
            f"{count} under {' and '.join(names.values())}"
        )
    return found


def _key(path: Path, identities: bool) -> str:
    """Changes when the model's files do."""
    files = sorted(path.rglob("*.obj")) if path.is_dir() else [path]
    marks = [(p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in files]
    return hashlib.sha256(repr((_FORMAT, identities, marks)).encode()).hexdigest()[:16]


def _to_cache(model: LinearFaceModel, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_suffix(".part.npz")
    np.savez(
        temporary,
        mean=model.mean,
        identity=model.identity,
        expression=model.expression,
        triangles=model.triangles,
        **{f"region_{name}": index for name, index in model.regions.items()},
    )
    temporary.replace(file)


def _from_cache(file: Path) -> LinearFaceModel | None:
    """None where the file is damaged: it is then made again."""
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            regions = {k[7:]: arrays[k] for k in arrays.files if k.startswith("region_")}
            return LinearFaceModel(
                name="ict",
                mean=arrays["mean"],
                identity=arrays["identity"],
                expression=arrays["expression"],
                channels=CHANNELS,
                triangles=arrays["triangles"],
                regions=MappingProxyType(regions),
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
