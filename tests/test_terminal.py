"""What reaches the terminal, whatever the names of files hold."""

from __future__ import annotations

import io

import pytest
from rich.table import Table
from rich.text import Text

from mien.terminal import Terminal, harmless

ODD = "a\x1b[31mred\x1b]0;title\x07.jpg"
SHOWN = r"a\x1b[31mred\x1b]0;title\x07.jpg"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("talk.mp4", "talk.mp4"),
        ("Zoë 脸\t1\n2", "Zoë 脸\t1\n2"),
        (ODD, SHOWN),
        ("\r\x7f\x9b2J", r"\r\x7f\x9b2J"),
        ("gpj.\u202eexe", r"gpj.\u202eexe"),
        ("x\udcff.jpg", r"x\udcff.jpg"),
    ],
)
def test_control_characters_are_written_out(text: str, shown: str) -> None:
    assert harmless(text) == shown
    assert harmless(shown) == shown


def printed(*objects: object, **options: object) -> str:
    out = io.StringIO()
    Terminal(file=out, width=60, color_system=None, force_terminal=False).print(
        *objects,
        **options,  # type: ignore[arg-type]
    )
    return out.getvalue()


def table() -> Table:
    table = Table(box=None)
    table.add_column("name", overflow="fold")
    table.add_row(ODD)
    return table


@pytest.mark.parametrize(
    ("what", "options"),
    [
        (ODD.replace("[", r"\["), {}),
        (ODD, {"markup": False, "highlight": False}),
        (Text(ODD.replace("\x07", "")), {}),
        (table(), {}),
    ],
    ids=["markup", "plain", "text", "table"],
)
def test_nothing_that_is_printed_controls_the_terminal(
    what: object, options: dict[str, object]
) -> None:
    said = printed(what, **options)
    assert "\x1b" not in said
    assert r"\x1b[31mred" in said


def test_nothing_is_lost_where_lines_are_folded() -> None:
    words = [f"word{i}" for i in range(40)]
    assert printed(ODD.replace("[", r"\["), *words).split() == [SHOWN, *words]


def test_styles_of_its_own_stay() -> None:
    out = io.StringIO()
    console = Terminal(file=out, force_terminal=True, color_system="standard")
    console.print("[red]no[/]")
    assert out.getvalue() == "\x1b[31mno\x1b[0m\n"
