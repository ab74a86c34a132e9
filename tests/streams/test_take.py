"""Recordings: times of sources that stop, begin anew, and lose their face."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from mien.streams.replay import open_replay
from mien.streams.take import Take
from mien.types import RigPose

Make = Callable[..., RigPose]


@pytest.mark.parametrize(
    ("came", "kept"),
    [
        # (time of the pose or None, the caller's clock) -> times in the file, from the first on
        ([(0.0, 10.0), (0.1, 10.2), (0.3, 10.3)], [0.0, 0.1, 0.3]),
        ([(-2.0, 10.0), (-1.9, 10.1)], [0.0, 0.1]),
        ([(None, 1.0), (7.0, 2.0), (7.5, 3.0)], [0.0, 0.5]),  # nobody at first
        ([(7.0, 2.0), (None, 2.25), (8.0, 3.0)], [0.0, 0.25, 1.0]),  # lost for a while
        ([(7.0, 2.0), (7.5, 2.5), (0.0, 3.0), (0.5, 3.5)], [0.0, 0.5, 1.0, 1.5]),  # begun anew
        ([(7.0, 2.0), (7.0, 2.0), (7.1, 2.1)], [0.0, 0.1]),  # twice the same
    ],
)
def test_times(
    came: list[tuple[float | None, float]], kept: list[float], tmp_path: Path, posed: Make
) -> None:
    take = Take(tmp_path / "take.gesichter", "mien", Fraction(60))
    for time, now in came:
        take.put(None if time is None else posed(time), now)
    assert take.close() == len(kept)
    replay = open_replay(tmp_path / "take.gesichter")
    assert [time for time, _ in replay.moments] == pytest.approx(kept, abs=1e-5)
