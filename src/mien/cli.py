"""The command line: ``mien live``, ``capture``, ``recover``, ``calibrate``, ``pull``, ``doctor``.

The workshop's commands, ``train``, ``evaluate``, ``explore`` and ``report``, are in
:mod:`mien.lab.command`.

Results go to standard output, progress and errors to standard error. Exit codes are those of
:mod:`mien.errors`, and 130 after Ctrl-C.
"""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from . import __version__, avatars
from .calibrating import calibrate
from .errors import InputError, MienError
from .feedback.command import app as feedback
from .rendering import render
from .streaming import stream
from .terminal import Terminal, stop_on_signals

if TYPE_CHECKING:
    from .batch import CaptureReport
    from .retarget.smooth import Smoothing

__all__ = ["app", "main"]

INTERRUPTED = 130

app = typer.Typer(
    name="mien",
    help="Camera, photo or video in; live 3D face out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_out = Terminal(soft_wrap=True, emoji=False)
_err = Terminal(stderr=True, emoji=False)


class MeshFormat(str, Enum):
    """Formats of ``--mesh``."""

    obj = "obj"
    ply = "ply"


Engine = Annotated[
    str, typer.Option(help="Landmark engine: auto, facemesh or facelandmarker.", metavar="NAME")
]
_EXPRESSION = "Head for the 52 channels: a name, an ONNX file, auto or none."
_MORPHABLE = "Head for the 3DMM's ten coefficients: likewise."
_EMOTION = "Head for the seven emotions: likewise."
_CALIBRATION = "Correct the readings by what `mien calibrate` learnt of this person."


def main() -> None:
    """Entry point: runs the command and turns mien's errors into a line and an exit code."""
    from .lab.command import app as workshop  # light; what it needs is loaded by its commands

    app.registered_commands += workshop.registered_commands
    app.registered_groups += workshop.registered_groups
    try:
        app()
    except MienError as error:
        _err.print(f"[bold red]error:[/] {escape(str(error))}", highlight=False)
        sys.exit(error.exit_code)
    except ImportError as error:  # a library of the system is missing, libGL for instance
        _err.print(f"[bold red]error:[/] {escape(str(error))}; run `mien doctor`", highlight=False)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _print_version(wanted: bool) -> None:
    if wanted:
        _out.print(__version__, highlight=False)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """Camera, photo or video in; live 3D face out."""


@app.command()
def live(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes any free one.")] = None,
    token: Annotated[
        str | None, typer.Option(help="Secret for clients; needed beyond this machine.")
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="Landmark engine.", metavar="NAME", show_default="auto")
    ] = None,
    expression: Annotated[
        str | None, typer.Option(help=_EXPRESSION, metavar="HEAD", show_default="auto")
    ] = None,
    morphable: Annotated[
        str | None, typer.Option(help=_MORPHABLE, metavar="HEAD", show_default="auto")
    ] = None,
    emotion: Annotated[
        str | None, typer.Option(help=_EMOTION, metavar="HEAD", show_default="auto")
    ] = None,
    calibration: Annotated[str | None, typer.Option(help=_CALIBRATION, metavar="NAME")] = None,
    sessions: Annotated[
        int | None, typer.Option(help="Cameras served at the same time.", show_default="2")
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open the page in the browser.")] = True,
) -> None:
    """Open the studio: your face, live and in 3D, in a web page.

    Every option can also be given as an environment variable (MIEN_HOST, MIEN_PORT, MIEN_TOKEN,
    ...; see the user guide).
    """
    from . import people
    from .engines import resolve
    from .heads import resolve as resolve_head
    from .server.serve import run
    from .server.settings import Settings

    given = {
        "host": host,
        "port": port,
        "token": token,
        "engine": engine,
        "expression": expression,
        "morphable": morphable,
        "emotion": emotion,
        "calibration": calibration,
        "max_sessions": sessions,
    }
    settings = Settings(**{k: v for k, v in given.items() if v is not None})
    if resolve(settings.engine) == "crop":
        raise InputError("crop is for pictures that are nothing but a face; see --crops of capture")
    for output, head in settings.heads.items():
        resolve_head(head, output)
    if settings.calibration is not None:
        people.load(settings.calibration)
    run(settings, open_browser=browser)


@app.command()
def capture(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SOURCE]...",
            help="Photos, videos, folders, globs, camera:0, or - for standard input. "
            "Without one: the sample portrait.",
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the results.")] = Path(
        "capture"
    ),
    engine: Engine = "auto",
    faces: Annotated[
        int | None,
        typer.Option(help="The most faces to follow.", show_default="64 in stills, 4 in videos"),
    ] = None,
    crops: Annotated[
        bool, typer.Option("--crops", help="The pictures are tight face crops, as in FER-2013.")
    ] = False,
    overlay: Annotated[bool, typer.Option(help="Draw what was found on the picture.")] = True,
    mesh: Annotated[
        MeshFormat | None, typer.Option(help="Write a mesh for each face and frame.")
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Also write faces.csv.")] = False,
    csv_landmarks: Annotated[
        bool, typer.Option("--csv-landmarks", help="faces.csv with the 1,434 landmark columns.")
    ] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Also write faces.jsonl.")] = False,
    smooth: Annotated[bool, typer.Option(help="Smooth over time (videos, cameras).")] = True,
    min_cutoff: Annotated[
        float, typer.Option(help="Smoothing of what stands still, Hz; lower is calmer.")
    ] = 1.5,
    beta: Annotated[
        float, typer.Option(help="How closely fast motion is followed; higher lags less.")
    ] = 20.0,
    mouth_threshold: Annotated[
        float, typer.Option(help="Lip gap over mouth width above which the mouth is open.")
    ] = 0.12,
    expression: Annotated[str, typer.Option(help=_EXPRESSION, metavar="HEAD")] = "auto",
    morphable: Annotated[str, typer.Option(help=_MORPHABLE, metavar="HEAD")] = "auto",
    emotion: Annotated[str, typer.Option(help=_EMOTION, metavar="HEAD")] = "auto",
    calibration: Annotated[str | None, typer.Option(help=_CALIBRATION, metavar="NAME|FILE")] = None,
    seconds: Annotated[float | None, typer.Option(help="Stop each source after this long.")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", "-f", help="Replace earlier results in the folder.")
    ] = False,
) -> None:
    """Track faces in photos, videos or a camera, and write tables, pictures and meshes.

    faces.parquet and summary.json are always written. Ctrl-C stops early; everything up to then
    is kept.
    """
    from . import people
    from .assets import sample_portrait
    from .batch import CaptureOptions, capture_to_files
    from .capture import expand
    from .progress import shown

    options = CaptureOptions(
        out=out,
        engine=engine,
        crops=crops or engine == "crop",
        max_faces=faces,
        smoothing=_smoothing(smooth, min_cutoff, beta),
        mouth_threshold=mouth_threshold,
        expression=None if expression == "none" else expression,
        morphable=None if morphable == "none" else morphable,
        emotion=None if emotion == "none" else emotion,
        calibration=None if calibration is None else people.find(calibration),
        csv=csv,
        csv_landmarks=csv_landmarks,
        jsonl=jsonl,
        overlay=overlay,
        mesh=mesh and mesh.value,  # type: ignore[arg-type]
        seconds=seconds,
        overwrite=overwrite,
    )
    skipped: list[str] = []
    named = sources or [str(sample_portrait())]
    # Results of an earlier capture that lie in a folder of sources are no sources.
    ours = out.absolute()
    specs = [
        spec
        for spec in expand(named, on_skip=skipped.append)
        if spec in named or ours not in Path(spec).absolute().parents
    ]
    if not specs:
        raise InputError(f"there is nothing but results in {out}; name a photo or a video")
    _print_skipped(skipped)
    with stop_on_signals() as stop, shown(_err) as on_progress:
        report = capture_to_files(specs, options, on_progress=on_progress, stop=stop)
    _print_report(report)
    if report.interrupted:
        raise typer.Exit(INTERRUPTED)
    if report.failed:
        raise typer.Exit(report.exit_code)


def _print_skipped(names: list[str]) -> None:
    if names:
        some = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        _err.print(
            f"[yellow]note:[/] {len(names)} files are neither pictures nor videos: {escape(some)}",
            highlight=False,
        )


def _smoothing(smooth: bool, min_cutoff: float, beta: float) -> Smoothing | None:
    from .retarget.smooth import Smoothing

    return Smoothing(min_cutoff=min_cutoff, beta=beta) if smooth else None


def _print_report(report: CaptureReport) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("source", "frames", "with a face", "face ids", "ms/frame"):
        table.add_column(name, justify="left" if name == "source" else "right", overflow="fold")
    for source in report.sources:
        total = source.milliseconds.get("total")
        table.add_row(
            escape(source.name),
            str(source.frames),
            str(source.frames_with_faces),
            str(len(source.ids)),
            f"{total:.1f}" if total else "",
        )
    _out.print(table)
    for source in report.sources:
        for note in source.notes:
            _err.print(f"[yellow]note:[/] {escape(source.name)}: {escape(note)}", highlight=False)
        if source.error:
            _err.print(f"[bold red]skipped:[/] {escape(source.error)}", highlight=False)
    if report.interrupted:
        _err.print("[yellow]stopped early;[/] everything up to here is written")
    _out.print(f"{report.faces} rows in {report.out / 'faces.parquet'}", highlight=False)


@app.command()
def recover(
    folder: Annotated[Path, typer.Argument(help="Folder of a capture that was cut off.")],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", "-f", help="Replace finished results in the folder.")
    ] = False,
) -> None:
    """Rebuild the tables of a capture that was killed or ran out of disk."""
    from .outputs import recover as rebuild

    recovered = rebuild(folder, overwrite=overwrite)
    for path in recovered.files:
        _out.print(str(path), highlight=False)
    _out.print(f"{recovered.rows} rows recovered", highlight=False)
    if recovered.dropped_bytes:
        _err.print(
            f"[yellow]note:[/] the last {recovered.dropped_bytes} bytes were cut off and are lost"
        )
    if any(path.name == "summary.json" for path in recovered.files):
        _err.print("[yellow]note:[/] summary.json has what the rows tell; the rest is null")


app.command()(calibrate)
app.command()(render)
app.add_typer(avatars.app)
app.add_typer(feedback)
app.command()(stream)


@app.command()
def pull(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Models; without one: a list.")
    ] = None,
    source: Annotated[
        Path | None, typer.Option("--from", help="Take this local file; it is verified too.")
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Never use the network; say what is missing.")
    ] = False,
) -> None:
    """Fetch third-party models into the cache, verified by SHA-256."""
    from . import zoo
    from .progress import bytes_shown

    if not names:
        _print_models()
        return
    if source is not None and len(names) > 1:
        raise InputError(f"--from takes one model at a time, {len(names)} were named")
    for name in names:
        with bytes_shown(_err, name) as progress:
            path = zoo.pull(name, source=source, offline=offline, progress=progress)
        _out.print(f"{name}: {path}", highlight=False)


def _print_models() -> None:
    from . import zoo
    from .errors import ModelMissing

    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("model", "MB", "licence", "here", "what it is"):
        table.add_column(title)
    for spec in zoo.SPECS.values():
        try:
            zoo.path(spec.name)
            here = "yes"
        except ModelMissing:
            here = "no"
        table.add_row(spec.name, f"{spec.size / 1e6:.1f}", spec.licence, here, spec.summary)
    _out.print(table)


@app.command()
def doctor() -> None:
    """Look at what works on this machine, and say what to do about the rest."""
    from .doctor import examine

    marks = {"ok": "[green]ok[/]", "warning": "[yellow]warning[/]", "missing": "[red]missing[/]"}
    table = Table(box=None, pad_edge=False, show_header=False)
    findings = examine()
    for finding in findings:
        text = escape(finding.detail)
        if finding.remedy:
            text += f"\n[bold]{escape(finding.remedy)}[/]"
        table.add_row(marks[finding.status], escape(finding.name), text)
    _out.print(table)
    if any(finding.status == "missing" for finding in findings):
        raise typer.Exit(1)
