"""A recording of poses as they came in, each once and at its own time."""

from __future__ import annotations

import threading
from collections import deque
from fractions import Fraction
from pathlib import Path

from ..types import RigPose
from . import livelink
from .gesichter import Recorder

__all__ = ["Take"]


class Take:
    """Records what a source gives, whatever is sent meanwhile, and at whatever rate.

    :meth:`put` only leaves a pose, as who gives it must not wait for a disk; :meth:`write`, on
    another thread, brings what was left into the file. A source whose clock begins anew goes on
    where it was, after the time that has passed.

    Args:
        path: of the ``.gesichter`` file.
        subject: the name in its packets.
        rate: frames a second in which its time codes count; they carry fractions of a frame.

    Raises:
        OutputError: the system refuses.
    """

    def __init__(self, path: Path, subject: str, rate: Fraction) -> None:
        self.path = path
        self._recorder = Recorder(path)
        self._subject, self._rate = subject, rate
        self._left: deque[tuple[float, RigPose | None]] = deque()
        self._offset = 0.0  # from the source's clock to that of the file
        self._last: tuple[float, float] | None = None  # times of the last pose: file's, caller's
        self._writing = threading.Lock()

    def put(self, pose: RigPose | None, now: float) -> None:
        """A pose has come in.

        Args:
            pose: its time on the source's clock; None when nobody is there: such a moment is
                recorded once a face has been seen.
            now: seconds on the caller's clock, which tells of the time when nobody is there.
        """
        if self._last is None:
            if pose is None:
                return
            self._offset = max(0.0, -pose.time)  # time codes have no sign
            time = pose.time + self._offset
        else:
            before, then = self._last
            passed = before + max(now - then, 0.0)
            time = passed if pose is None else pose.time + self._offset
            if time <= before:
                if pose is None or passed <= before:
                    return
                self._offset, time = passed - pose.time, passed
        self._last = time, now
        self._left.append((time, pose))

    def write(self) -> None:
        """Bring what was put into the file."""
        with self._writing:
            while self._left:
                time, pose = self._left.popleft()
                values = None if pose is None else livelink.values_of(pose)
                packet = livelink.Packet.at(time, values, subject=self._subject, rate=self._rate)
                self._recorder.write(livelink.encode(packet))

    def close(self) -> int:
        """Give the file its name.

        Returns:
            how many packets it holds.

        Raises:
            OutputError: it could not be written; what can be read of it is in ``NAME.part``.
        """
        self.write()
        self._recorder.close()
        return self._recorder.count
