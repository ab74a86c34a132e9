"""Poses out of whatever a user names: a camera, a video, a capture, or a program on the net."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import lru_cache
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from .errors import InputError

if TYPE_CHECKING:
    from .capture import Source
    from .retarget.calibrate import Calibration
    from .streams.address import Address
    from .streams.receiver import Receiver
    from .tracker import Tracker
    from .types import RigPose

__all__ = [
    "Feed",
    "Player",
    "Until",
    "check_names",
    "driving",
    "listening",
    "open_feed",
    "open_tracked",
]

_NET = re.compile(r"(vmc|livelink|ifacialmocap)://([^/]*)/?", re.IGNORECASE)
_TOO_LATE = 0.1  # seconds after which a frame of a video is not worth tracking any more


@lru_cache(maxsize=8)
def _to_arkit(names: tuple[str, ...]) -> Callable[[RigPose], RigPose]:
    from .retarget.rigs import mapping

    return mapping(names, "arkit52")


def driving(pose: RigPose, *, eyes: bool = False) -> RigPose:
    """A pose from the net or a file in ARKit's channels, its jaw turned as they say.

    Args:
        pose: in any vocabulary.
        eyes: turn the eyes as the channels say too; where a pose has them straight, they are
            anyway, as not every sender turns them.
    """
    import numpy as np

    from .channels import ARKIT_52
    from .retarget.pose import jaw_rotation, turned

    if pose.names != ARKIT_52:
        pose = _to_arkit(pose.names)(pose)
    still = np.eye(3)
    if eyes or (np.array_equal(pose.left_eye, still) and np.array_equal(pose.right_eye, still)):
        return turned(pose)
    return replace(pose, jaw=jaw_rotation(pose.names, pose.weights))


class Until:
    """Whether to go on: until somebody says stop, or the seconds are over.

    Args:
        stop: when it is set, it is over.
        seconds: from now on, or None for no end.
    """

    def __init__(self, stop: threading.Event, seconds: float | None = None) -> None:
        self.stop = stop
        self._end = None if seconds is None else perf_counter() + seconds

    def over(self) -> bool:
        """Whether to end."""
        return self.stop.is_set() or (self._end is not None and perf_counter() >= self._end)

    def wait(self, moment: float) -> None:
        """Wait for a moment of ``perf_counter``, or less when it is over before."""
        while (left := moment - perf_counter()) > 0 and not self.over():
            self.stop.wait(min(left, 0.1))


class Feed:
    """A source that has been opened.

    Attributes:
        name: short.
        notes: what is missing or odd; complete when the last pose came.
        receiver: where a program on the net is the source.
        poses: at the source's own pace, in ARKit's channels, None where nobody is there; and when
            their pictures were taken, on the clock of ``perf_counter``, None where unknown.
    """

    def __init__(self, name: str, notes: list[str]) -> None:
        self.name = name
        self.notes = notes
        self.receiver: Receiver | None = None
        self.poses: Iterator[tuple[RigPose | None, float | None]] = iter(())


def check_names(engine: str, expression: str) -> None:
    """Refuse an engine or a head that does not exist, also where none of them is needed.

    Raises:
        InputError: an unknown name; the near ones are listed.
    """
    from . import engines, heads

    engines.resolve(engine)
    heads.resolve(expression, "expression")


def listening(spec: str) -> Address | None:
    """Where a source such as ``vmc://:39539`` would listen; None for other sources.

    Raises:
        InputError: an address that is none.
    """
    from .streams.address import Address

    found = _NET.fullmatch(spec)
    if found is None:
        return None
    kind: Any = found[1].lower()
    return Address.parse(kind, found[2], host="")


def open_feed(
    spec: str,
    stack: ExitStack,
    until: Until,
    *,
    loop: bool = False,
    calibration: str | None = None,
    engine: str = "auto",
    expression: str = "auto",
) -> Feed:
    """Open a source.

    Args:
        spec: see :func:`mien.streaming.stream_to`, and for the options too.
        stack: closes what was opened.
        until: ends the poses.
        loop: begin again at the end of a file.
        calibration: of a person.
        engine: landmark engine.
        expression: head.

    Raises:
        InputError, CameraError, EngineError, ModelMissing: it cannot be used.
    """
    from .streams.replay import SUFFIXES

    check_names(engine, expression)
    address = listening(spec)
    replay = Path(spec).suffix.lower() in SUFFIXES
    if calibration is not None and (address or replay):
        raise InputError("a calibration is for cameras and videos; this source is no picture")
    if address:
        if loop:
            raise InputError("--loop is for files; what comes from the net has no end")
        return _from_net(address, stack, until)
    if replay:
        return _from_replay(Path(spec), until, loop)
    return _from_pictures(spec, stack, until, loop, (calibration, engine, expression))


def _from_net(address: Address, stack: ExitStack, until: Until) -> Feed:
    from .streams.receiver import Receiver

    receiver = stack.enter_context(Receiver(address))
    feed = Feed(str(address), [])
    feed.receiver = receiver

    def poses() -> Iterator[tuple[RigPose | None, float | None]]:
        for pose in receiver.poses(until.over):
            yield (None if pose is None else driving(pose)), perf_counter()
        told = receiver.received
        if told.garbage:
            feed.notes.append(f"{told.garbage} packets were none of {address.kind}")
        if told.foreign:
            feed.notes.append(f"{told.foreign} packets of other senders were left out")
        if not told.poses:
            feed.notes.append(f"no face came in on port {receiver.port}")

    feed.poses = poses()
    return feed


def _from_replay(path: Path, until: Until, loop: bool) -> Feed:
    from .streams.replay import open_replay

    replay = open_replay(path)
    feed = Feed(path.name, list(replay.notes))

    def poses() -> Iterator[tuple[RigPose | None, float | None]]:
        begun = perf_counter()
        for turn in count():
            start = turn * replay.seconds
            for time, pose in replay.moments:
                until.wait(begun + start + time)
                if until.over():
                    return
                if pose is None:
                    yield None, None
                    continue
                moved = replace(pose, time=start + time)
                yield driving(moved, eyes=not replay.turned), None
            if not loop:
                return

    feed.poses = poses()
    return feed


def open_tracked(
    spec: str, stack: ExitStack, engine: str, expression: str, calibration: Calibration | None
) -> tuple[Source, Tracker]:
    """Pictures, and a tracker of one face that reads its expression from them.

    Args:
        spec: a photo, a video or a camera.
        stack: closes both.
        engine: see :class:`mien.tracker.Tracker`.
        expression: likewise.
        calibration: likewise.

    Raises:
        InputError: the source cannot be opened, or no head reads the expression.
    """
    from .capture import open_source
    from .tracker import Tracker

    source = stack.enter_context(open_source(spec))
    tracker = stack.enter_context(
        Tracker(
            engine,
            mode="still" if source.kind == "still" else "video",
            expression=expression,
            morphable=None,
            emotion=None,
            calibration=calibration,
        )
    )
    if tracker.expression_head is None:
        raise InputError("no head reads the expression; choose one with --expression")
    return source, tracker


def _from_pictures(
    spec: str,
    stack: ExitStack,
    until: Until,
    loop: bool,
    reading: tuple[str | None, str, str],
) -> Feed:
    from . import people
    from .capture import open_source

    calibration, engine, expression = reading
    known = None if calibration is None else people.find(calibration)
    source, tracker = open_tracked(spec, stack, engine, expression, known)
    if loop and source.kind == "camera":
        raise InputError("--loop is for files; a camera has no end")
    feed = Feed(source.name, source.notes)

    def poses() -> Iterator[tuple[RigPose | None, float | None]]:
        player, played = Player(tracker, until), source
        yield from player.play(played)
        while loop and played.kind == "video" and not until.over():
            tracker.reset()
            with open_source(spec) as played:
                yield from player.play(played)
        if played.kind == "still":  # it holds until somebody has seen enough
            until.wait(float("inf"))

    feed.poses = poses()
    return feed


class Player:
    """Tracks a face through pictures at their own speed, through several sources in turn.

    Args:
        tracker: is not closed.
        until: ends it.
    """

    def __init__(self, tracker: Tracker, until: Until) -> None:
        from .retarget.pose import Driver

        self._tracker, self._until, self._drive = tracker, until, Driver()
        self._begun: float | None = None  # of the first frame of all, on the clock of perf_counter
        self._start = 0.0  # seconds from then on to the first frame of the source

    def play(self, source: Source) -> Iterator[tuple[RigPose | None, float | None]]:
        """Poses and when their pictures were taken, which is when they are due in a video."""
        from .overlap import ReadAhead

        late, last, until = 0, 0.0, self._until
        with ReadAhead(source, until.stop) as frames:
            for frame in frames:
                last = frame.time
                if self._begun is not None and source.kind != "camera":
                    until.wait(self._begun + self._start + last)
                if until.over():
                    break
                taken = self._taken(source, last)
                if perf_counter() - taken > _TOO_LATE and source.kind == "video":
                    late += 1
                    continue
                faces = self._tracker.process(frame).faces
                if self._begun is None:  # models take their time over the first frame
                    taken = self._begun = perf_counter() - last
                pose = self._drive(faces[0], last) if faces else None
                yield pose and replace(pose, time=self._start + last), taken
        self._start += last + 1 / (source.fps or 30.0)
        if frames.dropped:
            source.notes.append(
                f"{frames.dropped} camera frames came faster than they were tracked"
            )
        if late:
            source.notes.append(f"{late} frames were left out, as tracking them took too long")

    def _taken(self, source: Source, time: float) -> float:
        now = perf_counter()
        if source.kind != "camera":
            return now if self._begun is None else self._begun + self._start + time
        # A frame that did not have to wait to be read tells when the camera's clock began.
        self._begun = now - time if self._begun is None else min(self._begun, now - time)
        return self._begun + time
