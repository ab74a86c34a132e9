"""The time of a video's frame, whatever its stamps are worth."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["Clock"]


class Clock:
    """Presentation stamps to seconds from the first frame, strictly rising.

    A stamp that is missing or does not rise is filled in at the nominal rate.

    Attributes:
        step: seconds from one frame to the next at the nominal rate.
    """

    def __init__(self, fps: float | None) -> None:
        self.step = 1 / (fps or 25.0)
        self._offset: float | None = None
        self._last = -self.step
        self._missing = 0
        self._odd = 0

    @property
    def origin(self) -> float:
        """The stamp, in seconds, of the first frame."""
        return self._offset or 0.0

    def time(self, stamp: float | None) -> float:
        """Seconds from the first frame; later for each frame than for the one before."""
        following = self._last + self.step
        if stamp is None:
            self._missing += 1
            self._last = following
            return following
        if self._offset is None:
            # Frames without a stamp may have come before.
            self._offset = stamp - following
        time = stamp - self._offset
        if time <= self._last:
            self._odd += 1
            if self._last - time < self.step:
                # One stamp twice: squeezed in before the next one.
                time = self._last + self.step / 2
            else:
                # The clock was set back, as where two recordings meet: it goes on from here.
                self._offset = stamp - following
                time = following
        self._last = time
        return time

    def notes(self) -> Iterator[str]:
        """What had to be filled in."""
        rate = f"{1 / self.step:g} frames/s"
        if self._missing:
            yield f"frames without a time stamp: {self._missing}, counted at {rate}"
        if self._odd:
            yield f"time stamps that do not rise: {self._odd}, filled in at {rate}"
