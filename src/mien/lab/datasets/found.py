"""What the landmark engines find in the photographs of a data set, kept on disk.

Finding takes minutes, and every recipe asks for the same. The cache is keyed by the data set's own
bytes, by the models, and by what is done to the pictures first. What is stopped goes on from the
pictures that were done.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import zipfile
import zlib
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass, fields
from functools import lru_cache
from importlib.metadata import version
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console

from ... import engines, zoo
from ...arrays import Array, Float32, Int, RGBImage
from ...errors import EngineError
from ...progress import steps_shown
from ...types import Frame
from . import kept
from .changes import bordered, changed

__all__ = ["ENGINES", "SUFFIXES", "Archive", "Found", "find", "walked"]

ENGINES = ("facemesh", "facelandmarker")

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".pgm", ".ppm")
"""Of the pictures of a data set, in small or capital letters."""

_REVISION = 3  # of what is done to a picture; another number leaves older caches behind
_CHUNK = 200  # pictures that a process takes at a time
# A file that may not be read; bytes that are not what was packed; a picture of more pixels than
# OpenCV takes.
_UNREADABLE = (
    OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, cv2.error,
)  # fmt: skip


def walked(path: Path) -> Iterator[Path]:
    """All that is in a folder, links followed, but for those that lead back up."""
    above = {path: {path.resolve()}}
    for top, folders, files in os.walk(path, followlinks=True):
        here = Path(top)
        real = {here / name: (here / name).resolve() for name in folders}
        folders[:] = [name for name in folders if real[here / name] not in above[here]]
        above |= {here / name: above[here] | {real[here / name]} for name in folders}
        yield from (here / name for name in (*folders, *files))


@dataclass(frozen=True)
class Archive:
    """Where the pictures of a data set lie: one zip file, or a folder that holds the same.

    Attributes:
        path: zip file or folder.
        members: names of the pictures in it, sorted.
        enlarge: side in pixels to which every picture is enlarged first; 0 leaves it.
    """

    path: Path
    members: tuple[str, ...]
    enlarge: int = 0

    def read(self, member: str) -> RGBImage | None:
        """A picture as the engines see it, with its border; None for one that does not decode."""
        image = self.raw(member)
        if image is None:
            return None
        if self.enlarge:
            size = (self.enlarge, self.enlarge)
            image = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
        return bordered(image)

    def raw(self, member: str) -> RGBImage | None:
        """A picture as it is; None for one that does not decode."""
        try:
            if self.path.is_dir():
                data = (self.path / member).read_bytes()
            else:
                data = _opened(self.path).read(member)
            image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
        except _UNREADABLE:
            return None
        if image is None:
            return None
        picture: RGBImage = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        return picture

    def seen(self, member: str, variant: int) -> RGBImage | None:
        """A version of a picture: 0 is the picture itself, every other number changes it."""
        image = self.read(member)
        if image is None or variant == 0:
            return image
        seed = int(hashlib.sha256(f"{variant}:{member}".encode()).hexdigest()[:16], 16)
        return changed(image, np.random.default_rng(seed))

    def fingerprint(self) -> str:
        """SHA-256 of the zip file; of names, sizes and times for a folder."""
        if not self.path.is_dir():
            return zoo.digest(self.path)
        sha = hashlib.sha256()
        for member in self.members:
            status = (self.path / member).stat()
            sha.update(f"{member} {status.st_size} {status.st_mtime_ns}\n".encode())
        return sha.hexdigest()


@lru_cache(maxsize=2)
def _opened(path: Path) -> zipfile.ZipFile:
    """Left open: reading the directory of 36,000 members takes longer than finding a face."""
    return zipfile.ZipFile(path)


@dataclass(frozen=True, eq=False)
class Found:
    """What was found in one version of every picture, row by row as in ``Archive.members``.

    The Face Landmarker, the teacher, is asked only where FaceMesh finds a face: it says nothing of
    how many faces it would find by itself.

    Attributes:
        facemesh: float32 (n, 478, 3), picture coordinates; NaN where missed.
        facelandmarker: alike; NaN where either of the two misses.
        shapes: float32 (n, 52), Google's ARKit shapes 0..1; NaN where missed, and for tongueOut.
        size: int32 (n, 2), width and height of the picture with its border; 0 if it is damaged.
    """

    facemesh: Float32[Array, "n 478 3"]
    facelandmarker: Float32[Array, "n 478 3"]
    shapes: Float32[Array, "n 52"]
    size: Int[Array, "n 2"]

    @property
    def damaged(self) -> int:
        """How many pictures did not decode, or do not come out of their zip file."""
        return int((self.size[:, 0] == 0).sum())

    def coverage(self) -> dict[str, int]:
        """See :func:`mien.lab.datasets.coverage`; ``facelandmarker`` counts what both find."""
        seen = {name: int(np.isfinite(getattr(self, name)[:, 0, 0]).sum()) for name in ENGINES}
        return {"pictures": len(self.size), "damaged": self.damaged, **seen}


def find(archive: Archive, variant: int = 0, workers: int | None = None) -> Found:
    """What both engines find in a version of every picture; from the cache where it is there.

    Args:
        archive: the pictures.
        variant: 0 for the pictures themselves, another number for one change of each.
        workers: processes; as many as there are processors when left out.

    Raises:
        ModelMissing: ``face_landmarker`` has not been pulled.
        EngineError: FaceMesh does not exist on this Python.
    """
    zoo.path("face_landmarker")  # say so now, not from a process
    if "facemesh" not in engines.available() or engines.available()["facemesh"] is not None:
        reason = engines.available().get("facemesh") or "it is not installed"
        raise EngineError(f"both landmark engines are needed, and facemesh is not here: {reason}")
    path = _cache(archive, variant)
    if stored := kept.read(path, [f.name for f in fields(Found)], len(archive.members)):
        return Found(**stored)
    total = len(archive.members)
    places = [range(i, min(i + _CHUNK, total)) for i in range(0, total, _CHUNK)]
    parts = {place: part for place in places if (part := _done(path, place))}
    missing = [place for place in places if place not in parts]
    label = f"landmarks of {archive.path.stem}" + (f", change {variant}" if variant else "")
    with (
        steps_shown(Console(stderr=True), label, "pictures") as show,
        closing(_looked(archive, missing, variant, workers)) as looked,
    ):
        show(sum(map(len, parts)), total, "")
        for place, part in looked:
            _keep(_piece(path, place), part)
            parts[place] = part
            show(sum(map(len, parts)), total, "")
    ordered = [parts[place] for place in places]
    found = Found(
        **{f.name: np.concatenate([getattr(p, f.name) for p in ordered]) for f in fields(Found)}
    )
    _keep(path, found)
    shutil.rmtree(_piece(path, range(0)).parent, ignore_errors=True)
    return found


def _looked(
    archive: Archive, places: Sequence[range], variant: int, workers: int | None
) -> Generator[tuple[range, Found], None, None]:
    """In processes of their own, as they come. Closed, it waits for a picture, not for all."""
    if not places:
        return
    context = get_context("spawn")  # a fork of a process with a running MediaPipe hangs
    stop = context.Event()
    count = min(workers or os.cpu_count() or 1, len(places))
    pool = ProcessPoolExecutor(count, context, _begin, (stop,))
    try:
        work = {pool.submit(_look, archive, place, variant): place for place in places}
        for job in as_completed(work):
            yield work[job], job.result()
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def _piece(path: Path, place: range) -> Path:
    """Where some of the pictures are kept until all are done: beside the answer, in a folder."""
    return path.with_suffix(".parts") / f"{place.start}-{place.stop}.npz"


def _done(path: Path, place: range) -> Found | None:
    stored = kept.read(_piece(path, place), [f.name for f in fields(Found)], len(place))
    return Found(**stored) if stored else None


def _keep(path: Path, found: Found) -> None:
    kept.write(path, {f.name: getattr(found, f.name) for f in fields(Found)})


def _cache(archive: Archive, variant: int) -> Path:
    """Where the answer lies, by everything that it depends on."""
    says = (
        f"{_REVISION} {archive.fingerprint()} {archive.enlarge} {variant} "
        f"{version('mediapipe')} {zoo.find('face_landmarker').sha256}"
    )
    key = hashlib.sha256(says.encode()).hexdigest()[:16]
    return zoo.folder().parent / "lab" / f"{archive.path.stem}-{variant}-{key}.npz"


_eyes: tuple[engines.Engine, engines.Engine] | None = None
"""The engines of a process; starting them takes longer than a hundred pictures.

FaceMesh looks at a picture itself as at any still. At a changed one it looks once, as at the first
frame of a video: a head is to know both kinds of points.
"""


_stop: Event | None = None
"""Set when nobody waits for the answer of a process any more."""


def _begin(stop: Event) -> None:
    """In a process of its own, first: Ctrl-C is for the one that asks, which then sets ``stop``."""
    global _stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _stop = stop


def _look(archive: Archive, places: Sequence[int], variant: int) -> Found:
    """In a process of its own: some of the pictures."""
    global _eyes
    if _eyes is None:
        cv2.setNumThreads(1)
        _eyes = (
            engines.create("facemesh", mode="still" if variant == 0 else "video", max_faces=1),
            engines.create("facelandmarker", mode="still", max_faces=1),
        )
    count = len(places)
    points = np.full((2, count, 478, 3), np.nan, np.float32)
    shapes = np.full((count, 52), np.nan, np.float32)
    size = np.zeros((count, 2), np.int32)
    for row, place in enumerate(places):
        if _stop is not None and _stop.is_set():
            raise InterruptedError("nobody waits for these pictures any more")
        image = archive.seen(archive.members[place], variant)
        if image is None:
            continue
        frame = Frame(image)
        size[row] = frame.size
        _eyes[0].reset()
        for which, engine in enumerate(_eyes):
            if seen := engine.detect(frame):
                points[which, row] = seen[0].landmarks.points
                if seen[0].shapes is not None:
                    shapes[row] = seen[0].shapes
            elif which == 0:
                break  # who sees nothing here is not asked again
    return Found(points[0], points[1], shapes, size)
