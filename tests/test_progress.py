from __future__ import annotations

import io

import pytest
from rich.console import Console

from mien import progress
from mien.batch import Progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, as its only entry."""
    now = [100.0]
    monkeypatch.setattr(progress, "monotonic", lambda: now[0])
    return now


def test_steps_in_a_pipe_are_a_line_every_five_seconds(clock: list[float]) -> None:
    out = io.StringIO()
    with progress.steps_shown(Console(file=out, width=30), "tiny", "faces") as show:
        for done in range(0, 101, 10):
            show(done, 100, f"epoch {done // 50}")
            clock[0] += 2.0
    assert out.getvalue().splitlines() == [
        "tiny: 0/100 faces, epoch 0",
        "tiny: 30/100 faces, 5 faces/s, 14 s left, epoch 0",
        "tiny: 60/100 faces, 5 faces/s, 8 s left, epoch 1",
        "tiny: 90/100 faces, 5 faces/s, 2 s left, epoch 1",
        "tiny: 100/100 faces, 5 faces/s, 0 s left, epoch 2",
    ]


def test_the_rate_is_of_this_run_when_it_goes_on_with_another(clock: list[float]) -> None:
    out = io.StringIO()
    with progress.steps_shown(Console(file=out, width=30), "tiny") as show:
        show(1000, 1100, "")
        clock[0] += 10
        show(1050, 1100, "")
    assert out.getvalue().splitlines()[-1] == "tiny: 1050/1100 steps, 5 steps/s, 10 s left"


def test_steps_on_a_terminal_are_a_bar() -> None:
    out = io.StringIO()
    console = Console(file=out, width=100, force_terminal=True)
    with progress.steps_shown(console, "ti[ny]", "faces") as show:
        show(10, 100, "validation [0.1]")
        show(50, 100, "validation [0.1]")
    assert "ti[ny]" in out.getvalue()
    assert "validation [0.1]" in out.getvalue()


def test_a_total_that_was_too_small_is_not_shown_any_more(clock: list[float]) -> None:
    out = io.StringIO()
    with progress.shown(Console(file=out, width=80)) as show:
        for frame in (1, 93, 94):
            show(Progress(0, 1, "clip", frame, 93, 0))
            clock[0] += 5
    assert "frame 1/93" in out.getvalue()
    assert "frame 94, " in out.getvalue()


def test_no_steps_are_no_lines() -> None:
    out = io.StringIO()
    with progress.steps_shown(Console(file=out), "tiny"):
        pass
    assert out.getvalue() == ""
