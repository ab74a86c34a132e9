"""What counts as training, and what does not."""

from __future__ import annotations

import time

import pytest

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")

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


@pytest.mark.parametrize("threads", [1, 2])
def test_sleep_is_no_work_and_threads_share_it(threads: int) -> None:
    watch = Stopwatch(threads)
    until = time.process_time() + 0.2
    while time.process_time() < until:
        pass
    time.sleep(0.3)
    read = watch.read()
    assert read["seconds"] >= 0.5
    assert 0.2 <= read["busy"] * threads < 0.4
    assert "busy" not in Stopwatch(1, elsewhere=True).read()
