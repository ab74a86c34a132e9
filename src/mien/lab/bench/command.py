"""``mien bench``: many methods side by side. Importing this loads no torch; its commands do."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from ...errors import MienError
from ...terminal import Terminal
from ..needed import data_folder, need_the_workshop

__all__ = ["bench"]

INTERRUPTED = 130

bench = typer.Typer(
    no_args_is_help=True,
    help="Train and score many methods, and set them side by side.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
_out = Terminal(soft_wrap=True, emoji=False)
_err = Terminal(stderr=True, emoji=False)

Data = Annotated[
    Path | None,
    typer.Option(help="Folder of the data sets.", show_default="`data` in mien's cache"),
]


@bench.command()
def emotions(
    data: Data = None,
    recipes: Annotated[Path, typer.Option(help="Folder of the recipes.")] = Path(
        "recipes/emotions"
    ),
    only: Annotated[
        list[str] | None,
        typer.Option(help="Name of a recipe, or of its file; can be repeated.", metavar="NAME"),
    ] = None,
    splits: Annotated[
        list[str] | None,
        typer.Option(
            "--split",
            "--splits",
            help="Part to score: validation or private; can be repeated.",
            show_default="validation",
        ),
    ] = None,
    evaluate_only: Annotated[
        bool, typer.Option("--evaluate-only", help="Train nothing; score anew what was trained.")
    ] = False,
    runs: Annotated[Path, typer.Option(help="Folder of the runs.")] = Path("runs"),
    results: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results"),
) -> None:
    """Train and score every recipe of emotions, quickest first.

    Runs that are done, and whose recipes and data have not changed, are not trained again; one that
    was interrupted goes on. One that fails does not stop the others. Ctrl-C stops; the same command
    goes on.
    """
    need_the_workshop()
    from . import methods, working

    chosen = methods.find(recipes, only or [], afresh=evaluate_only)
    pool = methods.Pool(data_folder(data))
    with ExitStack() as stack:
        try:
            outcomes = working.work(
                chosen,
                pool,
                runs,
                results / "emotions",
                splits=splits or ["validation"],
                evaluate_only=evaluate_only,
                tell=lambda line: _err.print(line, markup=False, highlight=False),
                show=_shown(stack),
            )
        except KeyboardInterrupt:
            _err.print("[yellow]stopped;[/] the same command goes on", highlight=False)
            raise typer.Exit(INTERRUPTED) from None
    for outcome in outcomes:
        done = [word for word in ("trained", "scored") if getattr(outcome, word)]
        said = outcome.error and f"failed: {outcome.error}"
        line = f"{outcome.name}: {said or ' and '.join(done) or 'nothing to do'}"
        _out.print(line, markup=False, highlight=False)
    if failed := [outcome.name for outcome in outcomes if outcome.error]:
        raise MienError(f"{len(failed)} of {len(outcomes)} failed: {', '.join(failed)}")


def _shown(stack: ExitStack) -> Callable[[str, int, int, str], None]:
    """One line of progress at a time: that of the method under way."""
    from ...progress import steps_shown

    current: list[str] = []
    inner = stack.enter_context(ExitStack())
    shows: list[Callable[[int, int, str], None]] = []

    def show(name: str, done: int, total: int, saying: str) -> None:
        if current != [name]:
            inner.close()
            current[:] = [name]
            shows[:] = [inner.enter_context(steps_shown(_err, name, "faces"))]
        shows[0](done, total, saying)

    return show
