from __future__ import annotations

import numpy as np
import pytest

from mien.capture.clock import Clock


@pytest.mark.parametrize(
    ("stamps", "times", "notes"),
    [
        ([], [], []),
        ([7.0], [0.0], []),
        ([0.0, 0.1, 0.2], [0.0, 0.1, 0.2], []),
        ([5.0, 5.1, 5.5], [0.0, 0.1, 0.5], []),
        ([-2.0, -1.9], [0.0, 0.1], []),
        (
            [None, None, None],
            [0.0, 0.1, 0.2],
            ["frames without a time stamp: 3, counted at 10 frames/s"],
        ),
        (
            [None, 3.0, 3.4],
            [0.0, 0.1, 0.5],
            ["frames without a time stamp: 1, counted at 10 frames/s"],
        ),
        (
            [0.0, 0.1, 0.1, 0.2],
            [0.0, 0.1, 0.15, 0.2],
            ["time stamps that do not rise: 1, filled in at 10 frames/s"],
        ),
        (
            [0.0, 0.2, 0.15, 0.3],
            [0.0, 0.2, 0.25, 0.3],
            ["time stamps that do not rise: 1, filled in at 10 frames/s"],
        ),
        (
            [10.0, 10.1, 0.0, 0.1, 0.4],
            [0.0, 0.1, 0.2, 0.3, 0.6],
            ["time stamps that do not rise: 1, filled in at 10 frames/s"],
        ),
    ],
    ids=[
        "none", "one", "regular", "from-five", "from-below-zero", "missing", "missing-first",
        "twice", "back-a-little", "set-back",
    ],
)  # fmt: skip
def test_times(stamps: list[float | None], times: list[float], notes: list[str]):
    clock = Clock(10.0)
    assert [clock.time(stamp) for stamp in stamps] == pytest.approx(times)
    assert list(clock.notes()) == notes


def test_times_rise_whatever_the_stamps():
    rng = np.random.default_rng(1)
    clock = Clock(None)
    stamps = [None if rng.random() < 0.2 else float(rng.normal(0, 3)) for _ in range(500)]
    times = [clock.time(stamp) for stamp in [*stamps, *[0.0] * 50]]
    assert np.all(np.diff(times) > 0)
    assert clock.step == pytest.approx(0.04)
