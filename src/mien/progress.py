"""Progress of long work: a bar on a terminal, plain lines in a pipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as Bar
from rich.text import Text

from .batch import Progress

__all__ = ["bytes_shown", "shown", "steps_shown"]

_LINE_EVERY = 5.0  # seconds between lines in a pipe


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:5.1f} frames/s", style="cyan")


@contextmanager
def shown(console: Console) -> Iterator[Callable[[Progress], None]]:
    """A callback that shows the progress of a capture."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    bar = Bar(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:.0f}"),
        _Rate(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[faces]} faces"),
        console=console,
        transient=True,
    )
    tasks: dict[int, int] = {}

    def show(progress: Progress) -> None:
        if progress.source not in tasks:
            for task in tasks.values():
                bar.remove_task(task)  # type: ignore[arg-type]
            tasks.clear()
            name = _title(progress)
            tasks[progress.source] = bar.add_task(name, total=progress.frames, faces=0)
        task = tasks[progress.source]
        bar.update(task, completed=progress.frame, faces=progress.faces)  # type: ignore[arg-type]

    with bar:
        yield show


def _title(progress: Progress) -> str:
    place = f"[{progress.source + 1}/{progress.sources}] " if progress.sources > 1 else ""
    return f"{place}{progress.name}"


class _Lines:
    """A line when a source begins, every five seconds, and nothing else."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._source = -1
        self._began = self._last = monotonic()
        self._first = 0

    def __call__(self, progress: Progress) -> None:
        now = monotonic()
        if progress.source != self._source:
            self._source, self._began, self._first = progress.source, now, progress.frame
        elif now - self._last < _LINE_EVERY:
            return
        if now - self._last < _LINE_EVERY and progress.source:
            return  # thousands of stills are not worth a line each
        self._last = now
        rate = (progress.frame - self._first) / (now - self._began) if now > self._began else 0.0
        # What a file says of its length need not be true.
        known = progress.frames is not None and progress.frame <= progress.frames
        of = f"/{progress.frames}" if known else ""
        line = f"{_title(progress)}: frame {progress.frame}{of}"
        if rate > 0:
            line += f", {rate:.1f} frames/s"
            if known and progress.frames:
                line += f", {(progress.frames - progress.frame) / rate:.0f} s left"
        self._console.print(line, markup=False, highlight=False)


@contextmanager
def bytes_shown(console: Console, name: str) -> Iterator[Callable[[int, int], None]]:
    """A callback for the bytes of a download: done, and how many there are."""
    if not console.is_terminal:
        last = 0.0

        def line(done: int, total: int) -> None:
            nonlocal last
            now = monotonic()
            if done >= total or now - last >= _LINE_EVERY:
                last = now
                console.print(
                    f"{name}: {done / 1e6:.1f} of {total / 1e6:.1f} MB",
                    markup=False,
                    highlight=False,
                )

        yield line
        return
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn()
    with Bar(*columns, TransferSpeedColumn(), TimeRemainingColumn(), console=console) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def steps_shown(
    console: Console, name: str, unit: str = "steps"
) -> Iterator[Callable[[int, int, str], None]]:
    """A callback for work in steps: those done, how many there are, and a word on how it goes."""
    if not console.is_terminal:
        yield _StepLines(console, name, unit)
        return
    columns = TextColumn("{task.description}", markup=False), BarColumn()
    rate = TextColumn("{task.fields[rate]}", style="cyan")
    word = TextColumn("{task.fields[word]}", markup=False)
    with Bar(*columns, rate, TimeRemainingColumn(), word, console=console, transient=True) as bar:
        task = bar.add_task(name, total=None, rate="", word="")
        began, first = monotonic(), -1

        def show(done: int, total: int, saying: str) -> None:
            nonlocal began, first
            if first < 0:
                began, first = monotonic(), done
            passed = monotonic() - began
            rate = f"{(done - first) / passed:.0f} {unit}/s" if passed > 0 else ""
            bar.update(task, completed=done, total=total, rate=rate, word=saying)

        yield show


class _StepLines:
    """A line at the first and the last step, and every five seconds."""

    def __init__(self, console: Console, name: str, unit: str) -> None:
        self._console, self._name, self._unit = console, name, unit
        self._began = self._last = 0.0
        self._first = -1

    def __call__(self, done: int, total: int, saying: str) -> None:
        now = monotonic()
        if self._first < 0:
            self._began, self._first = now, done
        elif done < total and now - self._last < _LINE_EVERY:
            return
        self._last = now
        line = f"{self._name}: {done}/{total} {self._unit}"
        rate = (done - self._first) / (now - self._began) if now > self._began else 0.0
        if rate > 0:
            line += f", {rate:.0f} {self._unit}/s, {(total - done) / rate:.0f} s left"
        line += f", {saying}" if saying else ""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)
