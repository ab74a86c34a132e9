"""``mien explain``. Importing this loads no torch; the command does."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from ...channels import EMOTIONS
from ...errors import InputError
from ...terminal import Terminal
from ..needed import data_folder, need_the_workshop

__all__ = ["explain"]

INTERRUPTED = 130

_out = Terminal(soft_wrap=True, emoji=False)
_err = Terminal(stderr=True, emoji=False)

_PARTS = ("validation", "train")


class Show(str, Enum):
    """Which pictures of a data set."""

    errors = "errors"
    right = "right"


def explain(
    recipe: Annotated[Path, typer.Argument(help="TOML file.", show_default=False)],
    images: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[IMAGE]...",
            help="Photos, folders or globs of yours; without one: the recipe's data.",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder of the data sets.", show_default="`data` in mien's cache"),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(help="Part of the data: validation or train.", show_default="validation"),
    ] = None,
    show: Annotated[
        Show | None,
        typer.Option(
            help="Of the data: the surest errors, or the surest of what was told rightly.",
            show_default="errors",
        ),
    ] = None,
    truth: Annotated[
        str | None,
        typer.Option("--class", help="Of the data: only pictures of this class.", metavar="CLASS"),
    ] = None,
    count: Annotated[int, typer.Option(help="The most pictures of the data to show.")] = 24,
    towards: Annotated[
        str | None,
        typer.Option(
            help="Ask what spoke for this class.",
            metavar="CLASS",
            show_default="what was said, and the true one",
        ),
    ] = None,
    run: Annotated[
        Path | None, typer.Option(help="Folder of the run.", show_default="runs/NAME")
    ] = None,
    head: Annotated[
        str | None,
        typer.Option(help="Explain this instead: a head that ships with mien, or an .onnx file."),
    ] = None,
    engine: Annotated[
        str, typer.Option(help="Landmark engine for photos of yours.", metavar="NAME")
    ] = "auto",
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write to.")] = Path("explain"),
    overwrite: Annotated[
        bool, typer.Option("--overwrite", "-f", help="Replace what was written there before.")
    ] = False,
) -> None:
    """Show what moved a net that tells emotions: in its surest errors, or in photos of yours.

    Grad-CAM for nets on pictures, integrated gradients for nets on landmarks. What moved a number
    is not a reason.
    """
    for name in (truth, towards):
        if name is not None and name not in EMOTIONS:
            raise InputError(f"a class is one of {', '.join(EMOTIONS)}; got {name!r}")
    if count < 1:
        raise InputError(f"--count is 1 or more, got {count}")
    if split is not None and split not in _PARTS:
        raise InputError(
            f"--split is {' or '.join(_PARTS)} here; got {split!r}. The private part is for the "
            "very end: who has looked at its errors has chosen by them"
        )
    if images and (truth or split or show):
        raise InputError("--class, --split and --show choose from the data; leave out IMAGE")
    if run is not None and head is not None:
        raise InputError("--run and --head each name a net; choose one")
    need_the_workshop()
    from ...progress import steps_shown
    from ..processor import threads
    from ..recipe import load as read_recipe
    from . import page, stories
    from .loading import load

    plan = read_recipe(recipe)
    page.check_free(out, overwrite=overwrite)
    loaded = load(plan, run, head)
    try:
        with threads(plan.train.threads), steps_shown(_err, loaded.name, "pictures") as progress:
            if images:
                told = stories.of_yours(loaded, plan, images, data, engine, towards, progress)
            else:
                choice = stories.Choice(
                    split or _PARTS[0], "right" if show is Show.right else "errors", truth, count
                )
                told = stories.of_set(loaded, plan, data_folder(data), choice, towards, progress)
    except KeyboardInterrupt:
        _err.print("[yellow]stopped;[/] nothing was written", highlight=False)
        raise typer.Exit(INTERRUPTED) from None
    written = page.write(out, told.story, told.cases, told.means)
    for note in told.story.notes:
        _err.print(f"note: {note}", markup=False, highlight=False)
    _out.print(told.story.told, markup=False, highlight=False)
    for path in written:
        _out.print(str(path), markup=False, highlight=False)
