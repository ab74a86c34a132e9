"""``mien train``, ``mien evaluate``, ``mien explore``, ``mien report``, and those of its rooms.

Importing this module loads no torch; the commands do, and say what to install where it is missing.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import InputError
from ..outputs.files import writable
from ..terminal import Terminal
from .bench.command import bench, lab
from .explain.command import explain
from .feedback import command as _feedback  # noqa: F401 - adds `train` to `mien feedback`
from .needed import data_folder as _data_folder
from .needed import need_the_workshop as _need_the_workshop

if TYPE_CHECKING:
    from .recipe import Recipe

__all__ = ["app", "evaluate", "explore", "report", "train"]

INTERRUPTED = 130

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(bench, name="bench")
app.add_typer(lab, name="lab")
app.command()(explain)
_out = Terminal(soft_wrap=True, emoji=False)
_err = Terminal(stderr=True, emoji=False)

RecipePath = Annotated[Path, typer.Argument(help="TOML file.", show_default=False)]
Data = Annotated[
    Path | None,
    typer.Option(help="Folder of the data sets.", show_default="`data` in mien's cache"),
]
Out = Annotated[
    Path | None, typer.Option("--out", "-o", help="Folder of the run.", show_default="runs/NAME")
]
Results = Annotated[Path, typer.Option(help="Folder of the results.")]


@app.command()
def train(
    recipe: RecipePath,
    data: Data = None,
    out: Out = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where the run was interrupted.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", "-f", help="Train afresh over an earlier run.")
    ] = False,
    mlflow: Annotated[
        bool, typer.Option("--mlflow", help="Also log to MLflow, in the folder above the run.")
    ] = False,
) -> None:
    """Train a head from a recipe, and export it.

    Ctrl-C stops; with --resume the run ends as if nothing had happened.
    """
    _need_the_workshop()
    from ..progress import steps_shown
    from . import export, nets, training
    from .material import gather
    from .recipe import load
    from .runtime import microseconds
    from .tracking import tracking

    plan = load(recipe)
    nets.check(plan.net)  # before the data are read, which can take minutes
    run = out or _run_folder(plan)
    _check_run(run, resume, overwrite)
    writable(run)
    material = gather(plan, _data_folder(data))
    with ExitStack() as stack:
        log = None
        if mlflow:
            log = stack.enter_context(tracking(plan.name, plan.as_dict(), run.parent))
        show = stack.enter_context(steps_shown(_err, plan.name, "faces"))
        try:
            state = training.train(
                plan,
                material,
                run,
                resume=resume,
                progress=show,
                on_epoch=log.epoch if log else lambda _: None,
            )
        except KeyboardInterrupt:
            _err.print(
                f"[yellow]stopped;[/] all whole epochs are in {run}. Go on with the same command "
                "and --resume",
                highlight=False,
            )
            raise typer.Exit(INTERRUPTED) from None
        command = f"mien train {recipe.as_posix() if not recipe.is_absolute() else recipe.name}"
        path = export.head(plan, state, material, run, command)
        if log:
            for file in (path, path.with_suffix(".json"), run / "history.json"):
                if file.is_file():
                    log.file(file)
    _out.print(
        f"{state.epoch} epochs, best validation loss {state.best_loss:.5f} in {state.best_epoch}; "
        f"one face takes {microseconds(path):.0f} microseconds",
        highlight=False,
    )
    _out.print(str(path), highlight=False)


@app.command()
def evaluate(
    recipe: RecipePath,
    head: Annotated[
        str | None,
        typer.Option(
            help="Score this instead: geometric, a head that ships with mien, or an .onnx file.",
            show_default="the head of the run",
        ),
    ] = None,
    split: Annotated[
        list[str] | None,
        typer.Option(
            help="Part to score: test, train or validation; all shows what training images do to a "
            "score, by-position what wrong pairs do. Of emotions: validation, or private, which is "
            "for the very end. Can be repeated; scores of other parts stay.",
            show_default="test; validation of emotions",
        ),
    ] = None,
    on: Annotated[
        Path | None,
        typer.Option(
            help="Of emotions: score every picture of this zip file or folder, with a folder for "
            "each class, CK+ for instance."
        ),
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FOLDER=CLASS",
            help="With --on: what a folder of another name holds; FOLDER= leaves it out.",
        ),
    ] = None,
    data: Data = None,
    out: Out = None,
    results: Results = Path("results"),
) -> None:
    """Score a head on people that it has not seen, by data set, landmark engine and channel."""
    _need_the_workshop()
    from . import evaluate as scoring
    from .material import gather
    from .recipe import load

    plan = load(recipe)
    run = out or _run_folder(plan)
    if plan.output == "emotion":
        _evaluate_classes(plan, head, split, _data_folder(data), out, results, on, names or [])
        return
    if on or names:
        raise InputError(f"--on and --names are for recipes of emotions; {recipe} is none")
    splits = split or ["test"]
    for name in splits:
        if name not in scoring.PARTS:
            raise InputError(f"--split is one of {', '.join(scoring.PARTS)}; got {name!r}")
    chosen = head or str(run / f"{plan.name}.onnx")
    # Refuse before the data are read.
    scoring.predictor(chosen)
    scoring.check_free(results, chosen, plan, splits)
    table, answers = scoring.evaluate(chosen, plan, gather(plan, _data_folder(data)), splits=splits)
    path = scoring.write(table, answers, results, run, chosen)
    for row in table["sets"]:
        _out.print(_told(row), highlight=False)
    _out.print(str(path), highlight=False)


def _evaluate_classes(
    plan: Recipe,
    head: str | None,
    split: list[str] | None,
    data: Path,
    out: Path | None,
    results: Path,
    on: Path | None,
    names: list[str],
) -> None:
    from .. import heads
    from .emotions import elsewhere
    from .emotions import evaluate as classes
    from .evaluate import file_of

    if (split and on) or (names and not on):
        raise InputError("--on scores all pictures of a set: without --split; --names is for it")
    path = file_of(head) if head else (out or _run_folder(plan)) / f"{plan.name}.onnx"
    if path.suffix != ".onnx" or not path.is_file():
        known = [name for name, spec in heads.shipped().items() if spec.output == plan.output]
        raise InputError(
            f"there is no net {path}; train it first, or name one with --head: an .onnx file, "
            f"{' or '.join(known)}"
        )
    taught = classes.taught_by(path, plan)
    run = out or Path("runs") / path.stem
    classes.part_names(split or [])
    writable(results / "emotions")
    writable(run)
    if on:
        table = elsewhere.evaluate(taught, path, on, data, elsewhere.named(names))
        written = elsewhere.write(table, results / "emotions")
    else:
        classes.check_free(results / "emotions", path, taught)
        samples = classes.everything(plan, data)
        table, said = classes.evaluate(taught, path, samples, split or ["validation"])
        written = classes.write(table, said, results / "emotions", run)
    for row in table["sets"]:
        where = table.get("on", row["split"]) + (", with its mirror image" if row["mirror"] else "")
        _out.print(
            f"{where}: {row['pictures']} pictures, {row['found']} found, accuracy "
            f"{row['accuracy']:.3f} of all, macro F1 {row['macro_f1']:.3f}",
            highlight=False,
        )
    _out.print(str(written), highlight=False)


@app.command()
def explore(
    recipe: RecipePath,
    data: Data = None,
    docs: Annotated[Path, typer.Option(help="Folder of the documentation.")] = Path("docs"),
) -> None:
    """Write docs/data/RECIPE.md: what its data sets hold, as numbers and pictures."""
    _need_the_workshop()
    from . import explore as pages
    from .emotions import sets
    from .material import gather
    from .recipe import load

    plan, folder = load(recipe), _data_folder(data)
    if plan.output == "emotion":
        written = sets.write(plan, folder, docs)
    else:
        written = pages.write(gather(plan, folder), docs, plan.name)
    for path in written:
        _out.print(str(path), highlight=False)


@app.command()
def report(
    recipe: Annotated[
        Path | None,
        typer.Argument(help="Report its run; without one: the page and cards of all heads."),
    ] = None,
    head: Annotated[
        str | None, typer.Option(help="Head that was evaluated.", show_default="the recipe's")
    ] = None,
    data: Data = None,
    out: Out = None,
    results: Results = Path("results"),
    docs: Annotated[Path, typer.Option(help="Folder of the documentation.")] = Path("docs"),
    weights: Annotated[
        Path | None,
        typer.Option(help="Folder of heads to write cards for.", show_default="those of mien"),
    ] = None,
    recipes: Annotated[
        Path, typer.Option(help="Folder of recipes, whose words the heads' descriptions get.")
    ] = Path("recipes"),
) -> None:
    """Write what people read: the HTML report of a run, or results, model cards and recipes' keys.

    The descriptions of the heads get the about and the notes of their recipes, too.
    """
    _need_the_workshop()
    if recipe is None:
        _report_all(results, docs, weights, recipes)
        return
    from . import report as pages
    from .evaluate import load_answers, read_results
    from .recipe import load

    plan = load(recipe)
    run = out or _run_folder(plan)
    name = Path(head).stem if head else plan.name
    found = [table for table in read_results(results) if table["head"] == name]
    if not found:
        raise InputError(f"there are no results of {name} in {results}; run `mien evaluate` first")
    answers = load_answers(run / f"{name}.answers.npz")
    path = run / (f"{name}.html" if head else "report.html")
    history = _history(run) if name == plan.name else []
    facts = {"head": name, "output": plan.output, "recipe": plan.name}
    if history:
        facts["epochs"] = str(len(history))
        from .stopwatch import duration

        facts["training"] = _duration(duration(history))
    pages.write_run_page(path, plan, found[0], answers, history, _data_folder(data), facts)
    _out.print(str(path), highlight=False)


def _report_all(results: Path, docs: Path, weights: Path | None, recipes: Path) -> None:
    from ..heads.spec import HeadSpec
    from . import card, keys
    from . import report as pages
    from .recipe import load

    folder = weights or Path(__file__).parent.parent / "weights"
    # Refuse before anything is written.
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}; --weights names one with .onnx files")
    files = sorted(folder.glob("*.onnx"))
    if weights and not files:
        raise InputError(f"{folder} holds no .onnx file; --weights names a folder with heads")
    tables = pages.read_heads(results)
    for file in files:
        words = recipes / f"{file.stem}.toml"
        if words.is_file() and (other := card.reword(file, load(words))):
            _err.print(
                f"[yellow]{file.stem} keeps its description:[/] {words} has changed since it was "
                f"trained ({'; '.join(other)})",
                highlight=False,
            )
    written = pages.write_pages(results, docs)
    by_name = {table["head"]: table for table in tables}
    for file in files:
        spec = HeadSpec.read(file.with_suffix(".json"))
        size = file.stat().st_size
        written.append(card.write_card(spec, by_name.get(spec.name), size, docs / "models"))
    written.append(keys.write(docs))
    for path in written:
        _out.print(str(path), highlight=False)


def _run_folder(recipe: Recipe) -> Path:
    return Path("runs") / recipe.name


def _check_run(run: Path, resume: bool, overwrite: bool) -> None:
    there = (run / "checkpoint.safetensors").is_file()
    if resume and overwrite:
        raise InputError("--resume goes on with a run and --overwrite starts afresh; choose one")
    if resume and not there:
        raise InputError(f"there is no run in {run} to resume; leave out --resume")
    if there and not (resume or overwrite):
        raise InputError(
            f"{run} holds a run already; go on with --resume, start afresh with --overwrite, or "
            "choose another folder with --out"
        )


def _history(run: Path) -> list[dict[str, float]]:
    path = run / "history.json"
    try:
        rows: list[dict[str, float]] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path} ({error}); train first") from None
    return rows


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def _told(row: dict[str, Any]) -> str:
    what = f"{row['source']}, {row['engine']}, {row['split']}: {row['samples']} faces"
    if row["mse"] is not None:
        what += f", r {row['r'] or 0.0:.3f}, MAE {row['mae']:.4f}, R2 {row['r2'] or 0.0:.3f}"
    if "pose_leak" in row:
        what += f", pose leak {row['pose_leak']['largest']:.2f}"
    if "kept" in row:
        what += f", at least {row['kept']['least'] or 0.0:.2f} of a blink kept when turned"
    return what
