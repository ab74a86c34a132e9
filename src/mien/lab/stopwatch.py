"""How long a training takes, though others may use the machine, or send it to sleep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import monotonic, process_time

import numpy as np

__all__ = ["Stopwatch", "duration"]


class Stopwatch:
    """Runs from when it is made.

    Args:
        threads: that share the work.
        elsewhere: the work is done by another processor, such as a GPU, whose time this process
            does not see.
    """

    def __init__(self, threads: int, *, elsewhere: bool = False) -> None:
        self._threads, self._elsewhere = threads, elsewhere
        self._began = monotonic(), process_time()

    def read(self) -> dict[str, float]:
        """``seconds`` by the clock on the wall; ``busy``: of them, those that a thread worked.

        Of another processor's work, only the clock's, and ``elsewhere`` is 1.
        """
        wall, work = monotonic() - self._began[0], process_time() - self._began[1]
        read = {"seconds": round(wall, 3)}
        if self._elsewhere:
            return read | {"elsewhere": 1.0}
        return read | {"busy": round(work / self._threads, 3)}


def duration(history: Sequence[Mapping[str, float]]) -> float:
    """Seconds of a training, whatever else ran.

    Where it is known how long its threads worked, that, which is somewhat less than the clock shows
    where nothing else runs: threads wait for each other. Else all epochs count as long as the
    median one: a machine that slept makes one epoch last for hours, which tells nothing of the net.

    Args:
        history: its epochs, each with what :meth:`Stopwatch.read` gave.
    """
    if not history:
        return 0.0
    if all("busy" in row for row in history):
        return sum(row["busy"] for row in history)
    return float(np.median([row["seconds"] for row in history])) * len(history)
