"""``mien bench``: many methods side by side. Importing this loads no torch; its commands do."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ...errors import MienError
from ...outputs.files import replacing, writable
from ...terminal import Terminal
from ..needed import data_folder, need_the_workshop

__all__ = ["bench", "lab"]

INTERRUPTED = 130

bench = typer.Typer(
    no_args_is_help=True,
    help="Train and score many methods, and set them side by side.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
lab = typer.Typer(
    no_args_is_help=True,
    help="What belongs to the workshop.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
_out = Terminal(soft_wrap=True, emoji=False)
_err = Terminal(stderr=True, emoji=False)

Data = Annotated[
    Path | None,
    typer.Option(help="Folder of the data sets.", show_default="`data` in mien's cache"),
]


Runs = Annotated[Path, typer.Option(help="Folder of the runs.")]
Results = Annotated[Path, typer.Option(help="Folder of the results.")]
Docs = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the documentation.", show_default="docs; RESULTS/docs with --results"
    ),
]
_RESULTS = Path("results")


class Method(str, Enum):
    """Ways to search."""

    grid = "grid"
    optuna = "optuna"


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
    runs: Runs = Path("runs"),
    results: Results = _RESULTS,
    docs: Docs = None,
    mlflow: Annotated[
        bool,
        typer.Option("--mlflow", help="Tell MLflow epochs and scores, in the folder of the runs."),
    ] = False,
) -> None:
    """Train and score every recipe of emotions, quickest first.

    Runs that are done, and whose recipes and data have not changed, are not trained again; one that
    was interrupted goes on. One that fails does not stop the others. Ctrl-C stops; the same command
    goes on. What a recipe is made of is looked for among the runs, by name. At the end results.md
    and emotions.md are written.
    """
    need_the_workshop()
    from .. import report
    from . import methods, working

    log = runs if mlflow else None
    chosen = methods.find(recipes, only or [], afresh=evaluate_only, log=log)
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
    if any((results / "emotions").glob("*.json")):
        for path in report.write_pages(results, _beside(docs, results)):
            if path.suffix == ".md":
                _out.print(str(path), markup=False, highlight=False)
    if failed := [outcome.name for outcome in outcomes if outcome.error]:
        raise MienError(f"{len(failed)} of {len(outcomes)} failed: {', '.join(failed)}")


@bench.command()
def detection(
    videos: Annotated[
        list[Path], typer.Argument(help="Videos.", metavar="VIDEO...", show_default=False)
    ],
    engine: Annotated[
        str, typer.Option(help="Landmark engine that is tried.", metavar="NAME")
    ] = "facemesh",
    faces: Annotated[int, typer.Option(min=1, help="The most faces to follow.")] = 4,
    results: Results = _RESULTS,
    docs: Docs = None,
) -> None:
    """Count frames of videos in which a face is missed, or seen where none is.

    Against VIDEO.faces.csv (frame, left, top, right, bottom) beside a video, or else a vote of
    other detectors. Writes a table and a plot; videos that were counted before stay in them.
    """
    need_the_workshop()
    from ... import engines
    from . import detection as counting
    from . import detection_page as pages

    for video in videos:
        counting.check(video)  # before the long work
    writable(results / "detection")
    scores = []
    with ExitStack() as stack:
        tried = engines.create(engine, mode="video", max_faces=faces)
        stack.callback(tried.close)
        voters = stack.enter_context(counting.Voters(faces))
        show = _shown(stack, "frames")
        for video in videos:
            steps = partial(show, video.name)
            scores.append(counting.score(video, tried, voters, steps))
            pages.save(scores[-1:], tried.name, results)  # what was counted stays, come what may
    for each in scores:
        share = "-" if each.accuracy is None else f"{each.accuracy:.1%}"
        line = (
            f"{each.video}: {each.frames} frames, {each.missing} missing, {each.wrong} wrong, "
            f"{share} right, {each.milliseconds:.1f} ms a frame, against {each.truth}"
        )
        _out.print(line, markup=False, highlight=False)
    for path in pages.write(pages.read(results), _beside(docs, results)):
        _out.print(str(path), markup=False, highlight=False)


@bench.command()
def search(
    recipe: Annotated[Path, typer.Argument(help="TOML file.", show_default=False)],
    space: Annotated[
        Path, typer.Option(help="TOML file: what to try, by key.", show_default=False)
    ],
    method: Annotated[Method, typer.Option(help="All of a grid, or what Optuna proposes.")] = (
        Method.grid
    ),
    trials: Annotated[
        int | None, typer.Option(min=1, help="How many trials.", show_default="all of a grid")
    ] = None,
    data: Data = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder of the trials.", show_default="runs/search/NAME"),
    ] = None,
    runs: Runs = Path("runs"),
    results: Results = _RESULTS,
    mlflow: Annotated[
        bool, typer.Option(help="Tell MLflow of each trial, in the folder of the runs.")
    ] = True,
) -> None:
    """Try settings of an emotion recipe, judged by the validation part alone.

    Ctrl-C stops; the same command goes on, and tries again what failed. NAME is that of the recipe
    and of the space.
    """
    need_the_workshop()
    from ..nets.trained import runs_in
    from . import methods, pictures
    from .search import Search, read_space, write

    plan = methods.emotions(recipe)
    tried = read_space(space, plan, method.value)
    name = f"{plan.name}-{space.stem}"
    folder = out or runs / "search" / name
    writable(folder)
    writable(results / "emotions" / "search")
    searching = Search(plan, tried, method.value, trials or 0, folder)
    with ExitStack() as stack:
        stack.enter_context(runs_in(runs))
        show = _shown(stack)
        try:
            table = searching.run(
                methods.Pool(data_folder(data)),
                log=runs if mlflow else None,
                tell=lambda line: _err.print(line, markup=False, highlight=False),
                show=lambda number: partial(show, f"{name}, trial {number}"),
            )
        except KeyboardInterrupt:
            _err.print("[yellow]stopped;[/] the same command goes on", highlight=False)
            raise typer.Exit(INTERRUPTED) from None
    path = write(table, name, results / "emotions" / "search")
    with replacing(folder / "trials.png") as part:
        part.write_bytes(pictures.trials(table))
    whole = [trial for trial in table["trials"] if trial["accuracy"] is not None]
    if not whole:
        raise MienError(f"all {len(table['trials'])} trials failed; {path} says why")
    best = max(whole, key=lambda trial: trial["accuracy"])
    settings = ", ".join(f"{key} = {value}" for key, value in best["settings"].items())
    _out.print(
        f"best of {len(whole)}: trial {best['number']}, accuracy {best['accuracy']:.3f} of all "
        f"pictures, with {settings}",
        markup=False,
        highlight=False,
    )
    for file in (path, folder / "trials.png"):
        _out.print(str(file), markup=False, highlight=False)


@lab.command()
def ui(
    runs: Runs = Path("runs"),
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="And port.")] = 5000,
) -> None:
    """Show the runs that were logged to MLflow, in the browser, until Ctrl-C."""
    need_the_workshop()
    from ..tracking import ui as shown

    with shown(runs, host, port) as server:
        _out.print(f"http://{host}:{port}", markup=False, highlight=False)
        code = server.wait()
    if code:
        raise MienError(f"MLflow ended with {code}; if the port is taken, name another with --port")


def _beside(docs: Path | None, results: Path) -> Path:
    """Where pages go: results of one's own leave the pages about the others as they are."""
    return docs or (Path("docs") if results == _RESULTS else results / "docs")


def _shown(stack: ExitStack, unit: str = "faces") -> Callable[[str, int, int, str], None]:
    """One line of progress at a time: that of the method under way."""
    from ...progress import steps_shown

    current: list[str] = []
    inner = stack.enter_context(ExitStack())
    shows: list[Callable[[int, int, str], None]] = []

    def show(name: str, done: int, total: int, saying: str) -> None:
        if current != [name]:
            inner.close()
            current[:] = [name]
            shows[:] = [inner.enter_context(steps_shown(_err, name, unit))]
        shows[0](done, total, saying)

    return show
