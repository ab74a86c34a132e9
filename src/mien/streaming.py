"""``mien stream``: a camera, a file or a phone drives avatars in other programs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from .errors import InputError
from .feeds import Until, listening, open_feed
from .outputs.files import must_be_new
from .terminal import Terminal, stop_on_signals

if TYPE_CHECKING:
    from .streams.address import Address, Kind
    from .streams.sender import Timing, Traffic
    from .types import RigPose

__all__ = ["Expressions", "Progress", "Report", "expressions_of", "stream", "stream_to"]

_out = Terminal(soft_wrap=True, emoji=False)
_err = Terminal(stderr=True, emoji=False)

INTERRUPTED = 130
_LINE_EVERY = 5.0  # seconds between lines in a pipe
_SHOW_EVERY = 0.25  # seconds, on a terminal
_LOCAL = ("", "localhost", "127.0.0.1", "::1", "0.0.0.0")  # noqa: S104 - to compare with


class Expressions(str, Enum):
    """Which weights VMC's receivers get."""

    all = "all"
    arkit = "arkit"
    vrm = "vrm"


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a stream stands; told after every pose of the source.

    Attributes:
        name: of the source.
        poses: that came from it.
        there: somebody is in front of it at the moment.
        traffic: what went to each destination.
        garbage: packets from the net that were none of the format.
    """

    name: str
    poses: int
    there: bool
    traffic: tuple[Traffic, ...]
    garbage: int = 0


@dataclass(slots=True)
class Report:
    """What became of a stream.

    Attributes:
        poses: that came from the source.
        traffic: what went to each destination.
        timing: how steady the last sends were.
        recorded: packets in the recording.
        notes: what was lost or odd.
        interrupted: it was stopped.
    """

    poses: int = 0
    traffic: tuple[Traffic, ...] = ()
    timing: Timing | None = None
    recorded: int = 0
    notes: list[str] = field(default_factory=list)
    interrupted: bool = False


def expressions_of(which: Expressions = Expressions.all) -> Callable[[RigPose], RigPose]:
    """What VMC's receivers get for a pose in ARKit's channels.

    ``arkit`` are the 52 as ARKit and as Live Link spell them (receivers tell capitals apart),
    ``vrm`` the presets of VRM 0.x and 1.0, ``all`` both. An avatar that has both moves twice as
    much with both; most have one.
    """
    import numpy as np

    from .channels import ARKIT_52
    from .retarget.rigs import RIGS, mapping

    rigs = {"arkit": ("arkit52", "livelink"), "vrm": ("vrm0", "vrm1")}
    chosen = [rig for kind, both in rigs.items() if which in ("all", kind) for rig in both]
    maps = [mapping(ARKIT_52, rig) for rig in chosen]
    names = tuple(name for rig in chosen for name in RIGS[rig])

    def expressions(pose: RigPose) -> RigPose:
        weights = np.concatenate([each.apply(pose.weights) for each in maps])
        return replace(pose, names=names, weights=weights)

    return expressions


def stream_to(
    spec: str,
    destinations: Sequence[Address],
    *,
    rate: float = 60.0,
    record: Path | None = None,
    calibration: str | None = None,
    engine: str = "auto",
    expression: str = "auto",
    expressions: Expressions = Expressions.all,
    subject: str = "mien",
    seconds: float | None = None,
    loop: bool = False,
    overwrite: bool = False,
    say: Callable[[str], None] = lambda _: None,
    on_progress: Callable[[Progress], None] = lambda _: None,
    stop: threading.Event | None = None,
) -> Report:
    """Stream a source until it ends.

    Args:
        spec: a camera, a video or a photo as in ``mien capture``; a capture (``.gesichter``,
            ``.csv``, ``.parquet``); or a program to listen to, such as ``vmc://:39539``.
        destinations: where to send.
        rate: packets a second.
        record: a ``.gesichter`` file for every pose of the source.
        calibration: a person's name or file; for cameras and videos.
        engine: landmark engine, for cameras and videos.
        expression: head for the channels, likewise.
        expressions: which weights VMC's receivers get.
        subject: under which name Unreal lists the face.
        seconds: end after this long.
        loop: begin again at the end of a file.
        overwrite: replace an earlier recording.
        say: is told what goes wrong on the way.
        on_progress: is told after every pose.
        stop: when it is set, the stream ends in good order.

    Raises:
        InputError: no destination, or a source or an option that cannot be used.
        CameraError, EngineError, ModelMissing: of the source and what reads it.
        OutputError: the recording could not be written, or is there already.
    """
    from .retarget.pose import ease_to_rest, interpolate
    from .streams.sender import Sender

    _check(spec, destinations, record, seconds, overwrite=overwrite)
    report, until = Report(), Until(stop or threading.Event(), seconds)
    with ExitStack() as stack:
        sender = Sender(
            destinations,
            between=interpolate,
            fade=ease_to_rest,
            rate=rate,
            subject=subject,
            expressions=expressions_of(expressions),
            say=say,
        )
        stack.enter_context(sender)
        feed = open_feed(
            spec,
            stack,
            until,
            loop=loop,
            calibration=calibration,
            engine=engine,
            expression=expression,
        )
        if record is not None:
            sender.record(record)
        for note in feed.notes:
            say(note)
        told = len(feed.notes)
        for pose, taken in feed.poses:
            sender.put(pose, taken)
            report.poses += pose is not None
            garbage = feed.receiver.received.garbage if feed.receiver else 0
            there = pose is not None
            on_progress(Progress(feed.name, report.poses, there, sender.traffic(), garbage))
        if not until.over():
            sender.settle()
        report.interrupted = until.stop.is_set()
        report.recorded = sender.stop_recording()
        sender.close()  # what is counted then is all that went out
        report.traffic, report.timing = sender.traffic(), sender.timing()
        report.notes = feed.notes[told:]
    return report


def _check(
    spec: str,
    destinations: Sequence[Address],
    record: Path | None,
    seconds: float | None,
    *,
    overwrite: bool,
) -> None:
    if not destinations and record is None:
        raise InputError(
            "where to? give at least one of --vmc, --livelink and --ifacialmocap with HOST:PORT, "
            "or --record FILE"
        )
    if seconds is not None and not seconds > 0:
        raise InputError(f"seconds must be above 0, got {seconds:g}")
    if record is not None and record.suffix.lower() != ".gesichter":
        raise InputError(f"a recording is a .gesichter file, got {record}")
    if record is not None and Path(spec) == record:
        raise InputError(f"{record} cannot be played and recorded at once")
    if record is not None:
        must_be_new(record, overwrite=overwrite)
    ours = listening(spec)
    for address in destinations:
        if ours and address.port == ours.port and {address.host, ours.host} <= set(_LOCAL):
            raise InputError(f"{address} is where this would listen; send somewhere else")


class _Display:
    """A few lines on a terminal that change, or one every five seconds in a pipe."""

    def __init__(self) -> None:
        self._live = Live(console=_err, auto_refresh=False, transient=True)
        self._shown: float | None = None
        self._poses = 0

    def __call__(self, progress: Progress) -> None:
        now = perf_counter()
        if self._shown is None:  # the models were loaded until now
            self._shown, self._poses = now, progress.poses
        passed = now - self._shown
        if passed < (_SHOW_EVERY if _err.is_terminal else _LINE_EVERY):
            return
        rate = (progress.poses - self._poses) / passed
        self._shown, self._poses = now, progress.poses
        face = "a face" if progress.there else "no face"
        parts = [f"{progress.name}: {rate:.0f} poses/s, {face}"]
        for line in progress.traffic:
            errors = f", {line.errors} errors" if line.errors else ""
            parts.append(f"{line.address} {line.packets} packets{errors}")
        if progress.garbage:
            parts.append(f"{progress.garbage} packets of garbage")
        if _err.is_terminal:
            text = Text("\n  ".join(parts), overflow="ellipsis", no_wrap=True)
            self._live.update(text, refresh=True)
        else:
            _err.print("; ".join(parts), markup=False, highlight=False, soft_wrap=True)

    def __enter__(self) -> _Display:
        if _err.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()


def stream(
    source: Annotated[
        str,
        typer.Argument(
            help="camera:0, a video, a capture (.gesichter, .csv, .parquet), or a program to "
            "listen to: vmc://:39539, livelink://:11111, ifacialmocap://:49983.",
        ),
    ],
    vmc: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST:PORT", help="Send VMC there; usual port 39539."),
    ] = None,
    livelink: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST:PORT", help="Send Live Link there; usual port 11111."),
    ] = None,
    ifacialmocap: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST:PORT", help="Send iFacialMocap there; usual port 49983."),
    ] = None,
    rate: Annotated[float, typer.Option(help="Packets a second to each, 1 to 240.")] = 60.0,
    record: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Record what is sent, as .gesichter.")
    ] = None,
    calibration: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE", help="What `mien calibrate` learnt of this person."),
    ] = None,
    seconds: Annotated[float | None, typer.Option(help="Stop after this long.")] = None,
    loop: Annotated[bool, typer.Option("--loop", help="Play a file again and again.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", "-f", help="Replace an earlier recording.")
    ] = False,
    expressions: Annotated[
        Expressions, typer.Option(help="VMC: ARKit's 52 weights, VRM's presets, or both.")
    ] = Expressions.all,
    subject: Annotated[
        str, typer.Option(metavar="NAME", help="Live Link: the name that Unreal lists.")
    ] = "mien",
    engine: Annotated[str, typer.Option(help="Landmark engine.", metavar="NAME")] = "auto",
    expression: Annotated[
        str, typer.Option(help="Head for the 52 channels.", metavar="HEAD")
    ] = "auto",
) -> None:
    """Drive avatars in other programs: VMC, Unreal's Live Link, iFacialMocap receivers.

    The destinations may be given several times. Ctrl-C ends the stream in good order.
    """
    from .streams.address import Address

    given: dict[Kind, list[str] | None] = {
        "vmc": vmc, "livelink": livelink, "ifacialmocap": ifacialmocap
    }  # fmt: skip
    destinations = [
        Address.parse(kind, text) for kind, all_ in given.items() for text in all_ or ()
    ]
    with stop_on_signals() as stop, _Display() as display:
        report = stream_to(
            source,
            destinations,
            rate=rate,
            record=record,
            calibration=calibration,
            engine=engine,
            expression=expression,
            expressions=expressions,
            subject=subject,
            seconds=seconds,
            loop=loop,
            overwrite=overwrite,
            say=_note,
            on_progress=display,
            stop=stop,
        )
    for note in report.notes:
        _note(note)
    _print_report(report, record)
    if report.interrupted:
        raise typer.Exit(INTERRUPTED)


def _note(text: str) -> None:
    _err.print(f"[yellow]note:[/] {escape(text)}", highlight=False)


def _print_report(report: Report, record: Path | None) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("destination", "packets", "errors"):
        table.add_column(name, justify="left" if name == "destination" else "right")
    for line in report.traffic:
        table.add_row(escape(str(line.address)), str(line.packets), str(line.errors))
    if table.row_count:
        _out.print(table)
    if record is not None:
        _out.print(f"{report.recorded} packets in {record}", markup=False, highlight=False)
