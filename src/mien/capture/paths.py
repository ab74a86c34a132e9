"""What people name (files, folders, patterns, cameras, ``-``) to a list of single sources."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ..errors import InputError
from .camera import CameraSpec
from .files import missing, refuse_address

__all__ = ["PICTURES", "VIDEOS", "expand"]

PICTURES = frozenset(
    (
        ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".gif", ".bmp",
        ".dib", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".avif",
        ".heic", ".heif", ".ico",
    )
)  # fmt: skip
"""Extensions of the pictures that are taken from a folder."""

VIDEOS = frozenset(
    (
        ".mp4", ".m4v", ".mov", ".qt", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".m2v", ".ts",
        ".mts", ".m2ts", ".vob", ".wmv", ".asf", ".flv", ".f4v", ".3gp", ".3g2", ".ogv", ".mxf",
        ".nut", ".ivf", ".h264", ".264", ".hevc", ".h265", ".265", ".mjpeg", ".mjpg", ".y4m",
        ".dv",
    )
)  # fmt: skip
"""Extensions of the videos that are taken from a folder."""

_PATTERN = re.compile(r"[*?\[]")


def expand(
    args: Iterable[str | os.PathLike[str]], *, on_skip: Callable[[str], None] | None = None
) -> list[str]:
    """Single sources, in the order named.

    A file stands for itself, whatever its type; so do ``-``, ``camera:0`` and a number that is
    no file (a camera). A folder stands for the pictures and videos in it and below it, a
    pattern (``*.jpg``, ``takes/**/*.mp4``) for those that match, both in natural order
    (``take2`` before ``take10``) and without hidden ones. A source named twice counts once.

    Args:
        args: what the user named.
        on_skip: called with each file of another type that a folder or pattern holds.

    Raises:
        InputError: nothing of that name, a folder or pattern with nothing usable, an address.
    """
    seen: dict[str, str] = {}
    for arg in args:
        for found in _expanded(os.fspath(arg), on_skip or (lambda _: None)):
            special = found == "-" or CameraSpec.from_text(found) is not None
            seen.setdefault(found if special else str(Path(found).absolute()), found)
    return list(seen.values())


def _expanded(text: str, on_skip: Callable[[str], None]) -> Iterable[str]:
    if text == "-" or CameraSpec.from_text(text) is not None:
        return [text]
    if not text:
        raise InputError("an empty name: expected a file, a folder, a pattern, - or camera:0")
    path = Path(text)
    if path.is_dir():
        return _usable(_below(path), f"{text}: the folder", on_skip)
    if path.exists():
        return [text]
    if text.isdecimal():
        return [f"camera:{int(text)}"]
    refuse_address(text)
    if not _PATTERN.search(text):
        raise missing(path)
    matches: list[Path] = []
    for match in map(Path, glob.iglob(text, recursive=True)):  # noqa: PTH207
        if not match.is_dir():
            matches.append(match)
        elif "**" not in text:
            matches += _below(match)
    if not matches:
        raise InputError(f"{text}: no file matches; check the pattern and the folder")
    return _usable(matches, f"{text}: the pattern", on_skip)


def _usable(paths: Iterable[Path], what: str, on_skip: Callable[[str], None]) -> list[str]:
    taken: list[str] = []
    skipped = 0
    for path in sorted(paths, key=_natural):
        # What is no regular file, a pipe for instance, could be waited for without end.
        if path.suffix.lower() in PICTURES | VIDEOS and path.is_file():
            text = str(path)
            taken.append(f"./{text}" if text.lower().startswith(("camera", "webcam")) else text)
        else:
            skipped += 1
            on_skip(str(path))
    if not taken:
        others = f", only {skipped} of other types" if skipped else ""
        raise InputError(f"{what} holds no pictures or videos{others}; name a file or another one")
    return taken


def _below(folder: Path) -> Iterator[Path]:
    def unreadable(error: OSError) -> None:
        raise InputError(
            f"{error.filename}: the folder cannot be read ({error.strerror}); check its permissions"
        ) from error

    for root, folders, files in os.walk(folder, onerror=unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(root, name) for name in files if not name.startswith("."))


def _natural(path: Path) -> list[tuple[list[tuple[str, int]], str]]:
    """Sorts names part by part, and the numbers in them by their value."""
    return [
        (
            [
                (part.casefold(), 0) if odd % 2 == 0 else ("", int(part))
                for odd, part in enumerate(re.split(r"(\d+)", name))
            ],
            name,
        )
        for name in path.parts
    ]
