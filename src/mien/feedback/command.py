"""``mien feedback``: what people have corrected in the studio.

``mien feedback train`` is in :mod:`mien.lab.feedback`.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from ..errors import InputError
from ..terminal import Terminal
from .desk import Desk, missing
from .submission import StoreError, person_of

__all__ = ["Url", "app", "desk_of"]

app = typer.Typer(
    name="feedback",
    help="Corrections that people have sent from the studio: count, export, learn, delete.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_out = Terminal(soft_wrap=True, emoji=False)
_err = Terminal(stderr=True, emoji=False)

Url = Annotated[
    str | None,
    typer.Option(
        help="Database: postgresql://user:password@host/name, or sqlite:////path.",
        envvar="MIEN_FEEDBACK_URL",
        show_default="a file of SQLite in mien's folder",
        show_envvar=True,
    ),
]


class Way(str, Enum):
    """Directions of ``migrate``."""

    up = "up"
    down = "down"


def desk_of(url: str | None) -> Desk:
    """The desk.

    Raises:
        InputError: what it needs is not installed, or the URL cannot be used.
    """
    if reason := missing():
        raise InputError(reason)
    return Desk(url)


@app.command()
def status(url: Url = None) -> None:
    """Say what has been stored, what waits for the database, and which migration it is at."""
    desk = desk_of(url)
    found = desk.status()
    counts = found.counts
    table = Table(box=None, pad_edge=False, show_header=False)
    rows = {"database": found.place}
    if counts is not None:
        rows |= {
            "migration": str(desk.store().revision()),
            "submissions": f"{counts.total} of {counts.people} browsers",
            "with a picture": str(counts.crops),
            "what people say": _listed(counts.labels),
            "about": _listed(counts.models),
            "from": _moment(counts.first),
            "to": _moment(counts.last),
        }
    rows["waiting in the queue"] = str(found.waiting)
    if found.refused:
        rows["refused"] = f"{found.refused}, in {desk.queue.refused}"
    for name, value in rows.items():
        table.add_row(name, escape(value))
    _out.print(table)
    desk.close()
    if found.problem is not None:
        raise StoreError(f"{found.problem}; what waits in the queue is safe")


@app.command()
def export(
    out: Annotated[Path, typer.Option("--out", "-o", help="The .parquet that is written.")],
    url: Url = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", "-f", help="Replace OUT.")] = False,
) -> None:
    """Write everything into a Parquet table. Who deletes afterwards is still in it."""
    from ..outputs.files import must_be_new
    from .export import write

    if out.suffix.lower() != ".parquet":
        raise InputError(f"feedback is exported as .parquet, --out is {out.name}")
    must_be_new(out, overwrite=overwrite)
    desk = desk_of(url)
    problems: list[InputError] = []
    rows = write(desk.submissions(problems.append), out)
    desk.close()
    _out.print(f"{rows} submissions in {out}", highlight=False)
    if problems:
        _err.print(
            f"{len(problems)} were left out; of the first: {problems[0]}",
            highlight=False, markup=False,
        )  # fmt: skip


@app.command()
def delete(
    token: Annotated[
        str | None,
        typer.Option(help="Delete what came with this token; the Session tab shows it."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Delete all feedback.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    url: Url = None,
) -> None:
    """Delete one person's feedback, or all of it, from the database and from the queue."""
    if (token is None) == (not everything):
        raise InputError("name one person with --token, or everybody with --all")
    desk, overwritten = desk_of(url), True
    if token is not None:
        found = desk.forget(person_of(token))
        said, overwritten = f"{found.submissions} submissions deleted", found.overwritten
        if found.queued:
            said = "the database does not answer; they are deleted as soon as it does"
    else:
        if not yes:
            typer.confirm("Delete all feedback of everybody?", abort=True)
        said = f"{desk.forget_all()} submissions deleted"
        overwritten = desk.overwritten
    desk.close()
    _out.print(said, highlight=False)
    if not overwritten:
        _err.print(
            "others read the database now, so the deleted bytes are still in its journal; they are "
            "overwritten by the next `mien feedback status`, or by a server that runs",
            highlight=False, markup=False,
        )  # fmt: skip


@app.command()
def migrate(
    way: Annotated[Way, typer.Argument(help="up or down.")],
    to: Annotated[
        str | None,
        typer.Option(help="Migration, or base.", show_default="the last; one step down"),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    url: Url = None,
) -> None:
    """Bring the database to another migration. mien itself goes up whenever it opens one.

    Down is for an older mien, which has to be installed next; the tables that it does not know are
    dropped, with what they hold.
    """
    from .desk import folder
    from .migrations import revisions
    from .store import Store, url_of

    desk_of(url)
    store = Store(url_of(url, folder()), migrate=False)
    try:
        goal = to or "head"
        if way is Way.down:
            steps = ["base", *revisions()]
            here = store.revision() or "base"
            goal = to or steps[max(steps.index(here) - 1, 0) if here in steps else 0]
            if not yes:
                typer.confirm(f"Go from {here} down to {goal}, and drop what it lacks?", abort=True)
        before, after = store.migrate(goal, up=way is Way.up)
    finally:
        store.close()
    _out.print(f"{before or 'base'} -> {after or 'base'}", highlight=False)


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "-"


def _moment(time: object) -> str:
    return "-" if time is None else f"{time:%Y-%m-%d %H:%M} UTC"
