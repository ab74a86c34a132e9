"""Pictures of one's own as samples: every face in them, laid on the canonical face and cut out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...arrays import Points, RGBImage
from ...capture import expand, read_image
from ...channels import EMOTIONS
from ...errors import InputError
from ...heads.emotion import cut
from ...tracker import Tracker
from ...types import Frame
from ..datasets.samples import Samples, aligned_of

__all__ = ["Own", "read"]

_MOST = 64  # faces of a picture, as in a capture of stills


@dataclass(frozen=True, eq=False)
class Own:
    """What was found in pictures of one's own.

    Attributes:
        samples: a row for each face; nobody knows what it shows, so all targets are NaN.
        pictures: by name of the sample, the picture that its ``pixels`` lie in.
        missed: names of pictures without a face.
        unread: messages about those that could not be read.
    """

    samples: Samples
    pictures: Mapping[str, RGBImage]
    missed: tuple[str, ...]
    unread: tuple[str, ...]


def read(
    names: Sequence[str],
    engine: str = "auto",
    progress: Callable[[int, int, str], None] = lambda *_: None,
) -> Own:
    """Find the faces in pictures.

    Args:
        names: files, folders and patterns.
        engine: of landmarks.
        progress: told of every picture.

    Raises:
        InputError: no picture, or no face in any of them.
    """
    found: list[tuple[str, RGBImage, Points]] = []
    missed, unread = [], []
    paths = expand(names)
    with Tracker(
        engine, mode="still", max_faces=_MOST, expression=None, morphable=None, emotion=None
    ) as tracker:
        for done, path in enumerate(paths):
            progress(done, len(paths), Path(path).name)
            try:
                picture = read_image(path)
            except InputError as error:
                unread.append(str(error))
                continue
            faces = tracker.process(Frame(picture)).faces
            for face in faces:
                name = path if len(faces) == 1 else f"{path}, face {face.id}"
                found.append((name, picture, face.landmarks.points))
            missed += [] if faces else [path]
        progress(len(paths), len(paths), "")
        engine = tracker.engine_name
    if not found:
        told = [f"no face was found in {path}" for path in missed]
        raise InputError("; ".join([*unread, *told]) + "; name a picture with a face in it")
    points = np.array([place for _, _, place in found])
    aligned, rotation = aligned_of(points)
    count = len(found)
    samples = Samples(
        names=[name for name, _, _ in found],
        subjects=[name for name, _, _ in found],
        engine=[engine] * count,
        source=["pictures"] * count,
        aligned=aligned,
        rotation=rotation,
        pixels=points,
        size=np.array([picture.shape[1::-1] for _, picture, _ in found], np.int32),
        target=np.full((count, len(EMOTIONS)), np.nan, np.float32),
        channels=EMOTIONS,
        split=["test"] * count,
        image=np.array(
            [cut(picture, place, r) for (_, picture, place), r in zip(found, rotation, strict=True)]
        ),
    )
    pictures = {name: picture for name, picture, _ in found}
    return Own(samples, pictures, tuple(missed), tuple(unread))
