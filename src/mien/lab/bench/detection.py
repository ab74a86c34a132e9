"""Frames of videos in which a face is missed, or seen where none is.

The table is that of "Dynamic Facial Expression Capture and 3D Animation Using Deep Learning":
total, missing and wrongly detected frames of each video, accuracy = 1 - (missing + wrong) / total,
and the time of a frame.

The truth is read from ``VIDEO.faces.csv`` beside a video, where somebody has written it: a row for
each face, with the columns ``frame, left, top, right, bottom`` (pixels); a frame without a row has
no face. Where there is none, other detectors look at each frame by itself, and vote: FaceMesh and,
where it is pulled, the Face Landmarker without tracking, and OpenCV's cascade for frontal faces. A
face is there where two of them agree, and a face that not one of them sees is wrong; what a single
one sees counts for neither side. Two of the three are of one family with what is tried, so such
figures tell where detection is unsteady rather than how good it is.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, TypeAlias

import cv2

from ... import engines, zoo
from ...arrays import RGBImage
from ...capture import open_source
from ...errors import InputError
from ...types import Frame

__all__ = [
    "ANNOTATED", "VOTED", "Box", "Judge", "Score", "Voters", "annotated", "check", "count",
    "overlap", "score",
]  # fmt: skip

ANNOTATED, VOTED = "annotations", "vote of detectors"

_SAME = 0.3
"""Intersection over union from which on two boxes are of one face; detectors frame it loosely."""

_CASCADE = "haarcascade_frontalface_default.xml"
_COLUMNS = ("frame", "left", "top", "right", "bottom")

Box: TypeAlias = "tuple[float, float, float, float]"
"""Left, top, right, bottom in pixels."""


@dataclass(frozen=True)
class Score:
    """One video.

    Attributes:
        video: name of its file.
        frames: all of them.
        missing: frames with a face that was not found, and none where there is none.
        wrong: frames in which a face was seen where none is.
        milliseconds: median time of a frame.
        truth: what the counts are against.
        folder: name of the one that the file lies in.
        digest: of the file's bytes, which tells it from another one of its name.
    """

    video: str
    frames: int
    missing: int
    wrong: int
    milliseconds: float
    truth: str
    folder: str = ""
    digest: str = ""

    @property
    def accuracy(self) -> float | None:
        """Share of frames that are neither missing nor wrong; None without frames."""
        return 1 - (self.missing + self.wrong) / self.frames if self.frames else None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "accuracy": self.accuracy}


Judge: TypeAlias = Callable[[Frame], tuple[list[Box], list[Box]]]
"""Tells of a frame the boxes of faces that are there, and of all that anybody sees."""


def overlap(one: Box, other: Box) -> float:
    """Intersection over union, 0..1."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (_area(one) + _area(other) - shared)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _seen(box: Box, among: Iterable[Box]) -> bool:
    return any(overlap(box, other) >= _SAME for other in among)


def count(found: Sequence[Box], there: Sequence[Box], possible: Sequence[Box]) -> str | None:
    """What is amiss with a frame.

    Args:
        found: by what is tried.
        there: faces that have to be found.
        possible: faces that may be found.

    Returns:
        ``wrong`` where a face was found that is not possible, else ``missing`` where one that is
        there was not, else None.
    """
    if not all(_seen(box, possible) for box in found):
        return "wrong"
    return None if all(_seen(box, found) for box in there) else "missing"


def check(video: Path) -> None:
    """Refuse before the long work what :func:`score` would refuse in the middle of it.

    Raises:
        InputError: no video, or annotations that cannot be read.
    """
    annotated(video)
    with open_source(str(video)) as source:
        if source.kind != "video":
            raise InputError(f"{video} is a {source.kind}; name videos")


def annotated(video: Path) -> Mapping[int, list[Box]] | None:
    """Faces by number of the frame, from 0; None where nobody has written any down.

    Raises:
        InputError: a file that cannot be read so.
    """
    path = video.with_suffix(".faces.csv")
    if not path.exists():
        return None
    found: dict[int, list[Box]] = {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != _COLUMNS:
                raise InputError(
                    f"{path}: the first line has to be {','.join(_COLUMNS)}; "
                    f"got {','.join(reader.fieldnames or ()) or 'nothing'}"
                )
            for row in reader:
                left, top, right, bottom = (float(row[name]) for name in _COLUMNS[1:])
                found.setdefault(int(row["frame"]), []).append((left, top, right, bottom))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"cannot read {path}: {error}") from None
    for frame, boxes in found.items():
        for left, top, right, bottom in boxes:
            if not (right > left and bottom > top):
                raise InputError(
                    f"{path}: frame {frame} has a box without area: left {left:g}, top {top:g}, "
                    f"right {right:g}, bottom {bottom:g}"
                )
    return found


class Voters:
    """Detectors that look at each frame by itself. Use it as a context manager."""

    def __init__(self, faces: int) -> None:
        self._stack = ExitStack()
        self.names = ["cascade"]
        self._engines: list[engines.Engine] = []
        for name in ("facemesh", "facelandmarker"):
            if engines.available()[name] is None:
                engine = engines.create(name, mode="still", max_faces=faces)
                self._stack.callback(engine.close)
                self._engines.append(engine)
                self.names.append(name)
        self._cascade = cv2.CascadeClassifier(str(Path(cv2.__file__).parent / "data" / _CASCADE))
        if self._cascade.empty():
            raise InputError(f"this OpenCV lacks {_CASCADE}; install opencv-contrib-python")

    def __call__(self, frame: Frame) -> tuple[list[Box], list[Box]]:
        """See :data:`Judge`."""
        votes = [self._look(frame.image)]
        votes += [[seen.landmarks.box for seen in each.detect(frame)] for each in self._engines]
        every = [box for vote in votes for box in vote]
        there: list[Box] = []
        for i, vote in enumerate(votes):
            others = [box for k, other in enumerate(votes) if k != i for box in other]
            there += [box for box in vote if _seen(box, others) and not _seen(box, there)]
        return there, every

    def _look(self, image: RGBImage) -> list[Box]:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        boxes = self._cascade.detectMultiScale(grey, scaleFactor=1.1, minNeighbors=5)
        return [(float(x), float(y), float(x + w), float(y + h)) for x, y, w, h in boxes]

    def __enter__(self) -> Voters:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def score(
    video: Path,
    engine: engines.Engine,
    judge: Judge,
    show: Callable[[int, int, str], None] | None = None,
) -> Score:
    """Count one video.

    Args:
        video: a file.
        engine: what is tried, in ``video`` mode; it forgets what it saw before.
        judge: is asked where nobody has written down what is there.
        show: is told of each frame.

    Raises:
        InputError: a video or annotations that cannot be read, or annotations of more frames.
    """
    written = annotated(video)
    engine.reset()
    amiss = {"missing": 0, "wrong": 0}
    times: list[float] = []
    with open_source(str(video)) as source:
        total = getattr(source, "frames", None) or 0
        for number, frame in enumerate(source, 1):
            begun = perf_counter()
            found = [seen.landmarks.box for seen in engine.detect(frame)]
            times.append(perf_counter() - begun)
            if written is None:
                there, possible = judge(frame)
            else:
                there = possible = written.get(frame.index, [])
            if (what := count(found, there, possible)) is not None:
                amiss[what] += 1
            if show is not None:
                show(number, max(total, number), "")
    if written and max(written) >= len(times):
        raise InputError(
            f"{video.with_suffix('.faces.csv')} names frame {max(written)}, and {video.name} has "
            f"{len(times)}, counted from 0: is it of another video?"
        )
    return Score(
        video=video.name,
        frames=len(times),
        missing=amiss["missing"],
        wrong=amiss["wrong"],
        milliseconds=1e3 * median(times) if times else 0.0,
        truth=VOTED if written is None else ANNOTATED,
        folder=video.resolve().parent.name,
        digest=zoo.digest(video)[:16],
    )
