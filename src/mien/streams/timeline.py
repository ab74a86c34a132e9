"""Poses that come in now and then, and the one to show at any moment."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from statistics import median
from typing import NamedTuple

from ..types import RigPose

__all__ = ["Between", "Fade", "Shown", "Timeline"]

Between = Callable[[RigPose, RigPose, float], RigPose]
"""Gives the pose at a time between two of the same names, such as
:func:`mien.retarget.pose.interpolate`.
"""

Fade = Callable[[RigPose, float], RigPose]
"""Gives what is left of a pose some seconds after its face was lost, such as
:func:`mien.retarget.pose.ease_to_rest`.
"""

_MEMORY = 15  # poses from which their rhythm is told
_KEPT = 64
_MOST_HELD = 0.1  # seconds; a source slower than 10 a second is shown in steps rather than late
_FADING = 1.5  # seconds after which a lost face is at rest, and nobody is there
_JUMP = 0.5  # seconds between two clocks from which on the source has begun anew


class Shown(NamedTuple):
    """What to show.

    Attributes:
        time: on the source's clock, seconds.
        pose: None when nobody is there.
        taken: when the picture behind it was taken, on the caller's clock; None where unknown.
    """

    time: float
    pose: RigPose | None
    taken: float | None


class Timeline:
    """Turns poses at the source's own rhythm into a pose for any moment.

    What is shown is held back by one interval of the source, so that there is mostly a pose on
    either side to go between; where there is none, the newest holds. The source's clock is laid on
    the caller's by the median of the last arrivals, so that one late pose does not make the motion
    stumble. Nothing is extrapolated: what a face will do is not known. Not thread-safe.

    Args:
        between: makes the poses between poses.
        fade: makes the poses after a face is lost, for a second and a half.
    """

    def __init__(self, between: Between, fade: Fade) -> None:
        self._between, self._fade = between, fade
        self._lost: tuple[RigPose, float] | None = None
        self._poses: deque[RigPose] = deque(maxlen=_KEPT)
        self._taken: deque[float | None] = deque(maxlen=_KEPT)
        self._delays: deque[float] = deque(maxlen=_MEMORY)
        self._steps: deque[float] = deque(maxlen=_MEMORY)
        self._empty = True
        self._last = float("-inf")
        self._behind = 0.0

    @property
    def held(self) -> float:
        """Seconds by which what is shown is held back."""
        return min(median(self._steps), _MOST_HELD) if self._steps else 0.0

    @property
    def newest(self) -> float | None:
        """Time of the newest pose on the source's clock, None while nobody is there."""
        return self._poses[-1].time if self._poses else None

    def put(self, pose: RigPose | None, now: float, taken: float | None = None) -> None:
        """A pose has come in.

        Args:
            pose: its time on the source's clock; None when nobody is there any more.
            now: seconds on the caller's clock.
            taken: when its picture was taken, on the caller's clock.
        """
        if pose is None:
            if self._empty:
                self._behind = now  # what begins with nobody begins at 0
            elif self._poses and (last := self.at(now)) is not None and last.pose is not None:
                self._lost = last.pose, now
            self._clear()
            self._empty = False
            return
        self._lost = None
        if self._poses:
            step = pose.time - self._poses[-1].time
            drift = now - pose.time - median(self._delays)
            other = pose.names != self._poses[-1].names
            if other or step <= 0 or step > _JUMP or abs(drift) > _JUMP:
                self._clear()
            else:
                self._steps.append(step)
        self._empty = False
        self._delays.append(now - pose.time)
        self._poses.append(pose)
        self._taken.append(taken)

    def _clear(self) -> None:
        for each in (self._poses, self._taken, self._delays, self._steps):
            each.clear()
        self._last = float("-inf")

    def at(self, now: float) -> Shown | None:
        """What to show at a moment of the caller's clock; None before anything came in."""
        if not self._poses:
            return None if self._empty else self._nobody(now)
        self._behind = median(self._delays) + self.held
        # Where the rhythm changes, time waits rather than run backwards.
        time = self._last = max(self._last, now - self._behind)
        after = bisect_right(self._poses, time, key=lambda pose: pose.time)
        if after == 0 or after == len(self._poses):
            i = max(after - 1, 0)
            return Shown(self._poses[i].time, self._poses[i], self._taken[i])
        before, behind = self._poses[after - 1], self._poses[after]
        pose = self._between(before, behind, time)
        early, late = self._taken[after - 1], self._taken[after]
        if early is None or late is None:
            return Shown(time, pose, None)
        share = (time - before.time) / (behind.time - before.time)
        return Shown(time, pose, early + share * (late - early))

    def _nobody(self, now: float) -> Shown:
        if self._lost is not None:
            pose, since = self._lost
            if now - since < _FADING:
                pose = self._fade(pose, max(now - since, 0.0))
                return Shown(pose.time, pose, None)
        return Shown(now - self._behind, None, None)
