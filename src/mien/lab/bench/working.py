"""Methods one after the other, the quickest first; what was done before is not done again.

Each has a run of its own, so whatever stops the queue (Ctrl-C, an error, a power cut) costs at
most the epoch that was under way. One that fails is told of at the end, and stops only those that
need it.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TypeAlias

from ...errors import InputError, MienError
from ...outputs.files import writable
from ..emotions.evaluate import part_names
from .methods import Method, Pool

__all__ = ["Outcome", "Show", "in_order", "told", "work"]

Show: TypeAlias = Callable[[str, int, int, str], None]
"""Told of every batch: the method, samples seen, how many there will be, and how it goes."""


@dataclass(frozen=True)
class Outcome:
    """What became of a method.

    Attributes:
        name: of the method.
        trained: whether there was anything to train.
        scored: whether there was anything to score.
        error: why it failed; empty where it did not.
    """

    name: str
    trained: bool = False
    scored: bool = False
    error: str = ""


def in_order(methods: Sequence[Method], costs: Mapping[str, float]) -> list[Method]:
    """The cheapest first, but nothing before what it needs.

    Raises:
        InputError: methods that need each other in a circle.
    """
    waiting = sorted(methods, key=lambda method: (costs[method.name], method.name))
    there = {method.name for method in methods}
    done: list[Method] = []
    while waiting:
        finished = {method.name for method in done}
        ready = [m for m in waiting if not (set(m.needs) & there) - finished]
        if not ready:
            raise InputError(f"{', '.join(m.name for m in waiting)} need each other in a circle")
        done.append(ready[0])
        waiting.remove(ready[0])
    return done


def work(
    methods: Sequence[Method],
    pool: Pool,
    runs: Path,
    results: Path,
    *,
    splits: Sequence[str] = ("validation",),
    evaluate_only: bool = False,
    tell: Callable[[str], None] = lambda _: None,
    show: Show = lambda *_: None,
) -> list[Outcome]:
    """Train and score.

    Args:
        methods: see :func:`mien.lab.bench.methods.find`.
        pool: the data.
        runs: folder of the runs, each of which has its method's name.
        results: folder that gets ``<method>.json``.
        splits: parts to score.
        evaluate_only: train nothing.
        tell: told a line here and there.
        show: told of every batch.

    Returns:
        what became of each, in the order of work.

    Raises:
        InputError: no such part.
        OutputError: a folder that nothing can be written into.
        KeyboardInterrupt: whenever it comes; what was trained so far is kept.
    """
    part_names(splits)
    writable(runs)
    writable(results)
    costs = {m.name: 0.0 if evaluate_only else _cost(m, runs) for m in methods}
    ordered = in_order(methods, costs)
    outcomes: list[Outcome] = []
    for number, method in enumerate(ordered):
        name, run = method.name, runs / method.name
        later = sum(costs[other.name] for other in ordered[number + 1 :])
        progress = _Clock(name, partial(_seconds, later, pool), show)
        failed = [o.name for o in outcomes if o.error and o.name in method.needs]
        if failed:
            outcomes.append(Outcome(name, error=f"it needs {', '.join(failed)}, which failed"))
            continue
        try:
            tell(f"{name} ({number + 1} of {len(ordered)})")
            with method.logging() as log:
                trained = not evaluate_only and method.train(pool, run, tell, progress, log)
                scored = method.evaluate(pool, run, results, splits, log)
            outcomes.append(Outcome(name, trained, scored))
            done = [word for word, was in (("trained", trained), ("scored", scored)) if was]
            tell(f"{name}: {' and '.join(done) or 'nothing to do'}")
        except MienError as error:
            outcomes.append(Outcome(name, error=str(error)))
        except Exception as error:  # noqa: BLE001 - a fault in one must not stop the others
            run.mkdir(parents=True, exist_ok=True)
            (run / "error.txt").write_text(traceback.format_exc(), "utf-8")
            where = f"{type(error).__name__}: {error}; the rest is in {run / 'error.txt'}"
            outcomes.append(Outcome(name, error=where))
        if outcomes[-1].error:
            tell(f"{name} failed: {outcomes[-1].error}")
    return outcomes


def _cost(method: Method, runs: Path) -> float:
    try:
        return method.cost(runs / method.name)
    except MienError:  # it will say so itself when its turn comes
        return 0.0


def _seconds(cost: float, pool: Pool) -> float:
    return cost * pool.faces


class _Clock:
    """Adds to what is told of a method how long all of them take."""

    def __init__(self, name: str, later: Callable[[], float], show: Show) -> None:
        self._name, self._later, self._show = name, later, show
        self._began, self._first = 0.0, -1

    def __call__(self, done: int, total: int, saying: str) -> None:
        if self._first < 0:
            self._began, self._first = monotonic(), done
        passed, seen = monotonic() - self._began, max(done - self._first, 1)
        left = passed / seen * (total - done) + self._later()
        self._show(self._name, done, total, f"{saying}; all at most {told(left)} more")


def told(seconds: float) -> str:
    """``3 h 20 min``; what is left is never told to the second."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "a minute"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if hours else f"{rest} min"
