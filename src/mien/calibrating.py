"""``mien calibrate``: what a head reads off a person's face at rest, learnt from a source."""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from .errors import InputError
from .terminal import Terminal

if TYPE_CHECKING:
    from .retarget.calibrate import Calibration

__all__ = ["How", "calibrate", "learn"]

_out = Terminal(soft_wrap=True, emoji=False)
_err = Terminal(stderr=True, emoji=False)

_WORTH_TELLING = 0.05


class How(str, Enum):
    """What a source shows."""

    neutral = "neutral"
    guided = "guided"
    free = "free"


# Seconds of a camera, which has no end of its own.
_SECONDS = {How.neutral: 2.0, How.free: 30.0}


def learn(
    source: str,
    name: str,
    *,
    how: How | None = None,
    engine: str = "auto",
    expression: str = "auto",
    seconds: float | None = None,
    say: Callable[[str], None] = lambda _: None,
    stop: threading.Event | None = None,
) -> tuple[Calibration, tuple[str, ...]]:
    """Learn a person's calibration; nothing is saved.

    Args:
        source: one photo, video or camera with one person in it.
        name: of the person.
        how: ``neutral`` shows the neutral face and nothing else; ``guided`` the faces of
            :data:`mien.retarget.calibrator.PHASES` one after the other; ``free`` whatever the
            person does. Without it a camera is guided, and a file shows the neutral face.
        engine: landmark engine.
        expression: head.
        seconds: of the source that are looked at, from its start.
        say: called with what the person is to do.
        stop: when it is set, what was seen so far has to do.

    Returns:
        the calibration, and the faces that were asked for and hardly seen.

    Raises:
        InputError: the source cannot be learnt from; the message says what to do.
        CameraError, EngineError, ModelMissing: of source, engine and head.
    """
    from .capture import open_source
    from .retarget.calibrator import PHASES, Calibrator, StreamCalibrator
    from .tracker import Tracker

    stop = stop or threading.Event()
    with open_source(source) as frames:
        still, camera = frames.kind == "still", frames.kind == "camera"
        how = how or (How.guided if camera else How.neutral)
        if seconds is None and camera:
            seconds = _SECONDS.get(how)
        with Tracker(
            engine,
            mode="still" if still else "video",
            max_faces=2 if still else 1,
            smoothing=None,
            expression=expression,
            morphable=None,
            emotion=None,
        ) as tracker:
            head = tracker.expression_head
            if head is None:
                raise InputError("no head reads the expression; choose one with --expression")
            guide = Calibrator(
                name,
                head=head.name,
                sha256=head.sha256,
                engine=tracker.engine_name,
                least=1 if still else 10,
            )
            watcher = StreamCalibrator(
                name, head=head.name, sha256=head.sha256, engine=tracker.engine_name
            )
            phases = list(PHASES) if how is How.guided else []
            begun, until = 0.0, 0.0
            for seen in tracker.stream(frames):
                if stop.is_set() or (seconds is not None and seen.time - begun >= seconds):
                    break
                if len(seen.faces) > 1:
                    raise InputError(f"{source} shows more than one face; cut out the person's own")
                if how is How.guided and seen.time >= until:
                    if not phases:
                        break
                    phase = phases.pop(0)
                    until = seen.time + phase.seconds
                    guide.begin(phase.name)
                    say(phase.say)
                face = seen.faces[0] if seen.faces else None
                (watcher if how is How.free else guide).add(face)
    if how is How.free:
        return watcher.finish(), ()
    return guide.finish(), guide.unseen()


def calibrate(
    source: Annotated[
        str | None,
        typer.Argument(help="Photo, video or camera:0 with one person; without one: a list."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Of the person.")] = None,
    how: Annotated[
        How | None,
        typer.Option(
            help="What the source shows: the neutral face, faces made when asked, or anything.",
            show_default="guided for a camera, otherwise neutral",
        ),
    ] = None,
    engine: Annotated[str, typer.Option(help="Landmark engine.", metavar="NAME")] = "auto",
    expression: Annotated[
        str, typer.Option(help="Head that is calibrated.", metavar="NAME|FILE")
    ] = "auto",
    seconds: Annotated[float | None, typer.Option(help="Look at this much of the source.")] = None,
    delete: Annotated[
        str | None, typer.Option(metavar="NAME", help="Forget this person.", show_default=False)
    ] = None,
) -> None:
    """Learn how a person's face looks at rest, so that rest comes out as no expression.

    Use it with `mien capture --calibration NAME` and `mien live --calibration NAME`.
    """
    from . import people

    if delete is not None:
        people.delete(delete)
        return
    if source is None:
        _print_people()
        return
    if name is None:
        raise InputError("whose face is it? name the person with --name")
    people.clean_name(name)  # refuse one that cannot be saved before anybody makes faces
    calibration, unseen = learn(
        source,
        name,
        how=how,
        engine=engine,
        expression=expression,
        seconds=seconds,
        say=lambda text: _err.print(f"[bold]{escape(text)}[/]", highlight=False),
    )
    path = people.save(calibration)
    for phase in unseen:
        text = f"{phase.replace('_', ' ')} was hardly seen; its range is left alone"
        _err.print(f"[yellow]note:[/] {text}", highlight=False)
    _print_calibration(calibration)
    _out.print(f"saved in {path}", highlight=False)


def _print_calibration(calibration: Calibration) -> None:
    from .channels import ARKIT_52

    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("channel", "at rest", "scale"):
        table.add_column(title, justify="left" if title == "channel" else "right")
    for channel, neutral, scale in zip(
        ARKIT_52, calibration.neutral.tolist(), calibration.scale.tolist(), strict=True
    ):
        if neutral >= _WORTH_TELLING or scale >= 1 + _WORTH_TELLING:
            table.add_row(channel, f"{neutral:.2f}", f"{scale:.2f}")
    if table.row_count:
        _out.print(table)
    else:
        _out.print("nothing is read off this face at rest")


def _print_people() -> None:
    from . import people

    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("name", "head", "engine", "learnt"):
        table.add_column(title)
    for name in people.names():
        try:
            known = people.load(name)
        except InputError as error:
            table.add_row(escape(name), f"[red]{escape(str(error))}[/]")
            continue
        table.add_row(escape(name), escape(known.head), escape(known.engine), known.created)
    if table.row_count:
        _out.print(table)
    else:
        _out.print("nobody yet; make one with `mien calibrate PHOTO --name NAME`")
