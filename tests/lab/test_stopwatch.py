"""What counts as training, and what does not."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")

from mien.lab import stopwatch
from mien.lab.stopwatch import Stopwatch, duration


@pytest.mark.parametrize(
    ("seconds", "expected"), [([], 0), ([3], 3), ([2, 2, 2], 6), ([2, 2, 7200, 2], 8)]
)
def test_a_pause_is_no_training(seconds: list[float], expected: float) -> None:
    assert duration([{"epoch": i + 1.0, "seconds": s} for i, s in enumerate(seconds)]) == expected


def test_work_counts_where_it_is_known() -> None:
    rows = [{"seconds": 100.0, "busy": 2.0}, {"seconds": 3.0, "busy": 2.5}]
    assert duration(rows) == 4.5
    assert duration([*rows, {"seconds": 3.0}]) == 9, "of an epoch it is not known"


@pytest.mark.parametrize(("threads", "busy"), [(1, 3.0), (2, 1.5)])
def test_sleep_is_no_work_and_threads_share_it(
    threads: int, busy: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopwatch, "monotonic", iter([100.0, 160.0] * 2).__next__)
    monkeypatch.setattr(stopwatch, "process_time", iter([5.0, 8.0] * 2).__next__)
    assert Stopwatch(threads).read() == {"seconds": 60.0, "busy": busy}
    assert Stopwatch(threads, elsewhere=True).read() == {"seconds": 60.0, "elsewhere": 1.0}
