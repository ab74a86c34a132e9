"""What is shown between the poses that come in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mien.retarget.pose import ease_to_rest, interpolate
from mien.streams.timeline import Timeline
from mien.types import RigPose

Make = Callable[..., RigPose]


@pytest.fixture
def line() -> Timeline:
    return Timeline(interpolate, ease_to_rest)


def jaw(line: Timeline, now: float) -> float:
    shown = line.at(now)
    assert shown is not None
    assert shown.pose is not None
    return float(shown.pose.weights[17])


def test_nothing_is_shown_before_anything_came(line: Timeline) -> None:
    assert line.at(0.0) is None


def test_one_pose_holds(line: Timeline, posed: Make) -> None:
    line.put(posed(0.0, jawOpen=0.5), 10.0)
    assert jaw(line, 10.0) == jaw(line, 99.0) == 0.5


def test_poses_are_held_back_by_one_interval_and_gone_between(line: Timeline, posed: Make) -> None:
    for i in range(11):
        line.put(posed(i / 10, jawOpen=i / 10), 50 + i / 10, taken=49.9 + i / 10)
    assert line.held == pytest.approx(0.1)
    # The newest is of 51.0; what is shown then is the one before.
    assert jaw(line, 51.0) == pytest.approx(0.9)
    shown = line.at(51.05)
    assert shown is not None
    assert shown.pose is not None
    assert shown.pose.weights[17] == pytest.approx(0.95)
    assert shown.time == shown.pose.time == pytest.approx(0.95)
    assert shown.taken == pytest.approx(50.85)
    assert jaw(line, 51.1) == jaw(line, 55.0) == pytest.approx(1)  # nothing beyond the newest


def test_a_late_pose_does_not_make_the_motion_stumble(line: Timeline, posed: Make) -> None:
    late = {8: 0.05, 14: 0.08}
    shown = []
    for i in range(40):
        line.put(posed(i / 30, jawOpen=i / 40), i / 30 + late.get(i, 0.0))
        shown.append(jaw(line, (i + 1) / 30 - 0.001))
    steps = np.diff(shown[5:])
    assert (steps > 0.5 / 40).all()
    assert (steps < 1.5 / 40).all()


def test_time_never_runs_backwards(line: Timeline, posed: Make) -> None:
    rng = np.random.default_rng(1)
    now, times = 0.0, []
    for i in range(300):
        now += rng.uniform(0, 0.06)
        line.put(posed(i * 0.03), now)
        shown = line.at(now + 0.001)
        assert shown is not None
        times.append(shown.time)
    assert (np.diff(times) >= 0).all()


@pytest.mark.parametrize("time", [0.0, 0.3, 5.0], ids=["again", "back", "ahead"])
def test_a_source_may_begin_anew(line: Timeline, posed: Make, time: float) -> None:
    for i in range(11):
        line.put(posed(i / 10, jawOpen=1.0), 50 + i / 10)
    line.put(posed(time), 51.1)
    assert jaw(line, 51.1) == 0


def test_other_names_are_another_source(line: Timeline, posed: Make) -> None:
    line.put(posed(0.0), 0.0)
    line.put(RigPose(0.1, ("Joy",), np.ones(1, np.float32)), 0.1)
    shown = line.at(0.1)
    assert shown is not None
    assert shown.pose is not None
    assert shown.pose.names == ("Joy",)


def test_a_lost_face_goes_to_rest_and_then_nobody_is_there(line: Timeline, posed: Make) -> None:
    for i in range(11):
        line.put(posed(i / 10, jawOpen=1.0), 50 + i / 10)
    for i in range(5):  # every frame says so again
        line.put(None, 51.0 + i / 10)
    fading = [jaw(line, 51.0 + t) for t in (0.0, 0.2, 0.5, 1.0, 1.4)]
    assert fading[0] == 1
    assert (np.diff(fading) < 0).all()
    assert fading[-1] < 0.01
    shown = line.at(52.6)
    assert shown is not None
    assert shown.pose is None
    line.put(posed(3.0, jawOpen=0.5), 53.0)
    assert jaw(line, 53.0) == 0.5


def test_a_source_may_begin_with_nobody(line: Timeline) -> None:
    line.put(None, 7.0)
    shown = line.at(8.0)
    assert shown is not None
    assert (shown.pose, shown.time) == (None, 1.0)


def test_a_slow_source_is_not_held_back_for_long(line: Timeline, posed: Make) -> None:
    for i in range(5):
        line.put(posed(i * 0.4), i * 0.4)
    assert line.held == pytest.approx(0.1)
