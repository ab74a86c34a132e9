"""``mien feedback train``. Importing this loads no torch; the command does."""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from ...errors import InputError
from ...feedback.command import Url, app, desk_of
from ...terminal import Terminal
from ..needed import data_folder, need_the_workshop

__all__ = ["train"]

INTERRUPTED = 130
_out = Terminal(soft_wrap=True, emoji=False)
_err = Terminal(stderr=True, emoji=False)


@app.command()
def train(
    head: Annotated[
        str, typer.Option(help="Head to start from: a name, or an ONNX file.")
    ] = "emotion",
    recipe: Annotated[
        Path | None,
        typer.Option(help="TOML with rehearsal, weight, epochs, ...", show_default="see the docs"),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder of the data sets.", show_default="`data` in mien's cache"),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            help="NAME.safetensors of the head's training.", show_default="those of the head"
        ),
    ] = None,
    url: Url = None,
) -> None:
    """Let a head learn from the corrections, and keep it if it has not become worse.

    The data set that it was trained on has to be there: it is rehearsed, and PublicTest decides.
    """
    need_the_workshop()
    desk = desk_of(url)
    from ...progress import steps_shown
    from ..strict import typed
    from .learning import FeedbackRecipe
    from .learning import train as learn

    problems: list[InputError] = []
    how = FeedbackRecipe() if recipe is None else typed(FeedbackRecipe, _toml(recipe))
    try:
        with (
            tempfile.TemporaryDirectory() as scratch,
            steps_shown(_err, "feedback", "faces") as progress,
        ):
            path, found = learn(
                head, lambda: desk.submissions(problems.append), data_folder(data), how,
                Path(scratch), weights=weights, progress=progress,
                tell=lambda text: _err.print(text, highlight=False),
            )  # fmt: skip
    except KeyboardInterrupt:
        _err.print("[yellow]stopped;[/] nothing has changed")
        raise typer.Exit(INTERRUPTED) from None
    finally:
        desk.close()
        if problems:
            _err.print(
                f"{len(problems)} corrections were left out; of the first: {problems[0]}",
                highlight=False, markup=False,
            )  # fmt: skip
    comparison = found.comparison
    _out.print(
        f"PublicTest: accuracy {found.before.accuracy:.4f} before, {found.after.accuracy:.4f} "
        f"after; {comparison.only_second} pictures won, {comparison.only_first} lost, "
        f"p = {comparison.p:.2g}",
        highlight=False,
    )
    _out.print(
        f"corrections held back: {found.held_before} of {found.held} told rightly before, "
        f"{found.held_after} after",
        highlight=False,
    )
    _out.print(f"{path}\nuse it with --emotion {path.stem}", highlight=False)


def _toml(path: Path) -> dict[str, Any]:
    toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        table: dict[str, Any] = toml.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise InputError(f"there is no recipe {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the recipe {path}: {error}") from error
    except toml.TOMLDecodeError as error:
        raise InputError(f"{path} is no TOML: {error}") from None
    return table
