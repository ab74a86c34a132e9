"""``mien render``: a capture, a video or a camera as a film of an avatar."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

import numpy as np
import typer
from rich.markup import escape

from .arrays import Array, UInt8
from .errors import InputError, OutputError
from .terminal import Terminal

if TYPE_CHECKING:
    from .playing import Moment, Performance
    from .render.background import Background
    from .stage import Stage

__all__ = ["Film", "film", "render"]

_out = Terminal(soft_wrap=True, emoji=False)
_err = Terminal(stderr=True, emoji=False)

_SUFFIXES = (".mp4", ".gif", ".png")
_GIF_RATE = 25.0  # most programs show faster GIFs slowly
_SIZE = re.compile(r"(\d{1,99})x(\d{1,99})")
_SMALLEST, _LARGEST = 16, 4096
_INTERRUPTED = 130
_BEFORE = 3.0  # seconds that fly about before a picture; nothing lives longer
_STEP = 1 / 30


class Film(Protocol):
    """What pictures are written to."""

    frames: int

    def write(self, picture: UInt8[Array, "h w c"], time: float) -> None:
        """Append a picture that is seen from ``time`` seconds on."""

    def close(self) -> None:
        """Finish the file; without a picture none is left."""


@contextmanager
def film(path: Path, fps: float) -> Iterator[Film]:
    """Open a film by the suffix of its name: ``.mp4``, ``.gif``, or ``.png`` for one picture.

    Args:
        path: an existing file is replaced, when the film ends.
        fps: nominal rate.

    Raises:
        OutputError: another suffix, or the system refuses.
    """
    kinds: dict[str, Any] = {".mp4": _Mp4, ".gif": _Gif, ".png": _Png}
    made: Film = kinds[_suffix(path)](path, fps)
    try:
        yield made
    finally:
        made.close()


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise OutputError(f"cannot write {path}: a film ends in {', '.join(_SUFFIXES)}")
    return suffix


class _Mp4:
    def __init__(self, path: Path, fps: float) -> None:
        self._path, self._fps = path, fps
        self._writer: Any = None
        self._start = 0.0
        self.frames = 0

    def write(self, picture: UInt8[Array, "h w c"], time: float) -> None:
        from .outputs import VideoWriter

        if self._writer is None:
            size = (picture.shape[1], picture.shape[0])
            self._writer = VideoWriter(self._path, size, fps=self._fps, overwrite=True)
            self._start = time
        self._writer.write(np.ascontiguousarray(picture), time - self._start)
        self.frames += 1

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


class _Gif:
    """Kept in memory until the end, a byte a pixel: the format wants every duration first."""

    def __init__(self, path: Path, fps: float) -> None:
        self._path, self._fps = path, fps
        self._pictures: list[Any] = []
        self._times: list[float] = []

    @property
    def frames(self) -> int:
        return len(self._times)

    def write(self, picture: UInt8[Array, "h w c"], time: float) -> None:
        from PIL import Image

        whole = Image.fromarray(np.ascontiguousarray(picture))
        self._pictures.append(whole.quantize(256, method=Image.Quantize.FASTOCTREE))
        self._times.append(time)

    def close(self) -> None:
        from .outputs.files import replacing

        if not self._pictures:
            return
        # Hundredths of a second, rounded together so that no error adds up.
        ends = [*self._times[1:], self._times[-1] + 1 / self._fps]
        marks = np.round(100 * (np.array([self._times[0], *ends]) - self._times[0]))
        durations = (10 * np.maximum(np.diff(marks), 2)).astype(int).tolist()
        first, *rest = self._pictures
        with replacing(self._path) as part:
            first.save(
                part, format="GIF", save_all=True, append_images=rest, duration=durations, loop=0
            )
        self._pictures = []


class _Png:
    def __init__(self, path: Path, fps: float) -> None:  # noqa: ARG002 - as the others
        self._path = path
        self.frames = 0

    def write(self, picture: UInt8[Array, "h w c"], time: float) -> None:  # noqa: ARG002
        from PIL import Image

        from .outputs.files import replacing

        with replacing(self._path) as part:
            Image.fromarray(np.ascontiguousarray(picture)).save(part, format="PNG")
        self.frames += 1

    def close(self) -> None:
        pass


def render(
    source: Annotated[
        str,
        typer.Argument(
            help="Folder of a capture; .parquet, .csv or .gesichter; a photo, video or camera:0."
        ),
    ],
    avatar: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="bust, mask, ict, or a .glb, .gltf or .vrm.")
    ] = "bust",
    out: Annotated[
        Path, typer.Option("--out", "-o", help="An .mp4 or .gif; a .png for one picture.")
    ] = Path("avatar.mp4"),
    size: Annotated[
        str | None,
        typer.Option(
            metavar="WxH", help="Of the avatar's picture.", show_default="512x512; overlay: source"
        ),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(help="A steady rate.", show_default="the source's own times; GIF: up to 25"),
    ] = None,
    side_by_side: Annotated[
        bool, typer.Option("--side-by-side", help="The source on the left, the avatar right.")
    ] = False,
    overlay: Annotated[
        bool, typer.Option("--overlay", help="Draw the avatar over the face in the source.")
    ] = False,
    background: Annotated[
        str,
        typer.Option(help="gradient, none (png), blur (of the source), #rgb, #rgb..#rgb, a file."),
    ] = "gradient",
    effects: Annotated[
        str, typer.Option(metavar="NAMES", help="hearts, sweat, sparkle; several with commas.")
    ] = "",
    mirror: Annotated[bool, typer.Option("--mirror", help="As in a mirror.")] = False,
    frame: Annotated[
        float | None, typer.Option(help="Seconds: of a .png, which moment.", show_default="0")
    ] = None,
    seconds: Annotated[float | None, typer.Option(help="Stop after this long.")] = None,
    engine: Annotated[str, typer.Option(help="Landmark engine.", metavar="NAME")] = "auto",
    expression: Annotated[
        str, typer.Option(help="Head for the 52 channels.", metavar="HEAD")
    ] = "auto",
    calibration: Annotated[
        str | None,
        typer.Option(help="What `mien calibrate` learnt of this person.", metavar="NAME|FILE"),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", "-f", help="Replace OUT.")] = False,
) -> None:
    """Draw an avatar with the expressions of a capture, a video, or whoever sits at the camera.

    Ctrl-C stops early; everything up to then is in the film.
    """
    from . import people
    from .outputs.files import must_be_new
    from .playing import perform, steady
    from .render.background import parse
    from .stage import Stage, character

    suffix = _suffix(out)
    must_be_new(out, overwrite=overwrite)
    if side_by_side and overlay:
        raise InputError("--side-by-side and --overlay exclude each other; choose one")
    if fps is not None and not 1 <= fps <= 240:
        raise InputError(f"--fps: expected 1 to 240 frames/s, got {fps:g}")
    if frame is not None and suffix != ".png":
        raise InputError(f"--frame is for one picture, a .png; {out.name} is a film")
    if frame is not None and not 0 <= frame < math.inf:
        raise InputError(f"--frame: expected seconds from the start, 0 or more, got {frame:g}")
    if seconds is not None and suffix == ".png":
        raise InputError(f"--seconds is for films; of {out.name} --frame says which moment")
    if seconds is not None and not seconds > 0:
        raise InputError(f"--seconds: expected a time above 0, got {seconds:g}")
    wanted = None if size is None else _size(size)
    behind: Background | Literal["blur"] | None = (
        "blur" if background == "blur" else parse(background)
    )
    if behind is None and (suffix != ".png" or side_by_side):
        raise InputError("only a .png of the avatar alone can be without a background")
    layout: Literal["alone", "beside", "over"] = (
        "beside" if side_by_side else "over" if overlay else "alone"
    )
    names = _effects(effects)
    who = character(avatar)
    learnt = None if calibration is None else people.find(calibration)
    pictures = layout != "alone" or avatar == "mask" or behind == "blur"
    with perform(
        source, pictures=pictures, engine=engine, expression=expression, calibration=learnt
    ) as performance:
        if overlay and wanted is None:
            wanted = performance.size
        rate = _rate(performance, fps, suffix)
        played = performance if rate is None or suffix == ".png" else steady(performance, rate)
        end = float("inf") if seconds is None else seconds
        nominal = 1 / (played.step or 1 / 30)
        with Stage(
            who, wanted or (512, 512), background=behind, effects=names, layout=layout,
            mirrored=mirror,
        ) as stage, film(out, nominal) as made:  # fmt: skip
            one = suffix == ".png"
            chosen = _only(played, stage, frame or 0.0) if one else played.moments
            total = 1 if one else played.expected(end)
            stopped = _roll(chosen, stage, made, played.name, total, end)
    for note in played.notes:
        _err.print(f"[yellow]note:[/] {escape(note)}", highlight=False)
    if not made.frames:
        raise InputError(f"{source}: there is nothing to draw")
    what = "picture" if made.frames == 1 else "pictures"
    _out.print(f"{made.frames} {what} in {out}", highlight=False)
    if stopped:
        _err.print("[yellow]stopped early;[/] everything up to here is in the film")
        raise typer.Exit(_INTERRUPTED)


def _roll(
    moments: Iterator[Moment], stage: Stage, made: Film, name: str, total: int | None, end: float
) -> bool:
    """Draw moment by moment; True when the user stopped it."""
    from .batch import Progress
    from .progress import shown

    with shown(_err) as show:
        try:
            for moment in moments:
                if moment.time >= end:
                    break
                made.write(stage.draw(moment), moment.time)
                face = int(moment.rig.driven)
                show(Progress(0, 1, name, made.frames, total, face))
        except KeyboardInterrupt:
            return True
    return False


def _only(played: Performance, stage: Stage, time: float) -> Iterator[Moment]:
    """The moment at a time, the last one at the latest.

    The stage has seen what came before by then, or hearts would never be in a picture. What began
    less than three seconds ago is taken to have been as at its first moment.
    """
    before: deque[Moment] = deque()
    last: Moment | None = None
    for moment in played.moments:
        if last is not None:
            before.append(last._replace(image=None))
        while before and before[0].time < moment.time - _BEFORE:
            before.popleft()
        last = moment
        if moment.time >= time - 1e-6:
            break
    if last is None:
        return
    if time > last.time + (played.step or 0.0) + 1e-6:
        played.notes.append(
            f"at {time:g} s {played.name} is over; this is its last moment, at {last.time:.2f} s"
        )
    first = before[0] if before else last
    held = range(math.ceil((last.time - _BEFORE - first.time) / _STEP), 0)
    for moment in (*(first._replace(time=first.time + i * _STEP) for i in held), *before):
        stage.pass_by(moment._replace(image=last.image))
    yield last


def _rate(performance: Performance, fps: float | None, suffix: str) -> float | None:
    """A steady rate, or None for the source's own times."""
    if fps is not None or suffix != ".gif" or performance.step is None:
        return fps
    return _GIF_RATE if 1 / performance.step > _GIF_RATE + 0.1 else None


def _effects(text: str) -> list[str]:
    from .render.particles import EFFECTS

    names = [name.strip() for name in text.split(",") if name.strip()]
    if text and not names:
        raise InputError(
            f"--effects: expected names with commas between, got {text!r}; there are "
            f"{', '.join(EFFECTS)}"
        )
    return names


def _size(text: str) -> tuple[int, int]:
    match = _SIZE.fullmatch(text.strip().lower())
    if match is None:
        raise InputError(f"--size: expected WIDTHxHEIGHT such as 512x512, got {text!r}")
    width, height = int(match[1]), int(match[2])
    if not all(_SMALLEST <= side <= _LARGEST for side in (width, height)):
        raise InputError(
            f"--size: expected {_SMALLEST} to {_LARGEST} pixels a side, got {text[:60]}"
        )
    return width, height
