"""Trackers that are loaded once and lent out; each is touched by one thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from .. import heads, people
from ..arrays import Array, Float32
from ..engines import GivenLandmarks, Mode
from ..errors import MienError
from ..heads import HeadId
from ..heads.geometric import MouthSwitch
from ..retarget.calibrate import Calibration
from ..retarget.smooth import Smoothing
from ..tracker import Tracker
from ..types import Frame, Observation
from .problems import RequestError
from .settings import Settings

__all__ = ["Options", "Pool", "Seat", "TrackerFactory", "TrackerLike", "load_tracker"]

T = TypeVar("T")

# A page that is loaded again may come back before its last session has ended.
_PATIENCE = 0.5  # seconds

# While an engine starts, it turns off the stderr of the whole process; two at a time would leave
# it off.
_building = threading.Lock()


@dataclass(frozen=True, slots=True)
class Options:
    """What a tracker is built from; see :class:`mien.tracker.Tracker`."""

    engine: str = "auto"
    mode: Mode = "video"
    max_faces: int = 1
    smoothing: Smoothing | None = Smoothing()  # noqa: RUF009 - frozen
    mouth_threshold: float = MouthSwitch().threshold
    expression: str | None = "auto"
    morphable: str | None = "auto"
    emotion: str | None = "auto"
    calibration: Calibration | None = None
    private: bool = False
    """Frames bring their landmarks; ``engine`` waits until they bring pictures again."""

    @property
    def loads(self) -> tuple[object, ...]:
        """What a tracker has to be built anew for."""
        engine = None if self.private else self.engine
        return engine, self.max_faces, self.expression, self.morphable, self.emotion

    @property
    def emotion_head(self) -> str | None:
        """The head that reads the emotions: ``emotion``, or what stands in without pictures."""
        if self.private:
            return heads.without_picture(self.emotion, "emotion")
        return self.emotion


class TrackerLike(Protocol):
    """What the server asks of a tracker."""

    @property
    def engine_name(self) -> str:
        """Name of the landmark engine that runs."""
        ...

    expression_head: HeadId | None
    morphable_head: HeadId | None
    emotion_head: HeadId | None

    def configure(
        self,
        *,
        smoothing: Smoothing | None,
        mouth_threshold: float,
        calibration: Calibration | None,
    ) -> None:
        """Change parameters between frames."""
        ...

    def reading(self, face_id: int) -> Float32[Array, "52"] | None:
        """What the head read off a face before calibration and smoothing."""
        ...

    def process(self, frame: Frame) -> Observation:
        """Walk the road with one frame."""
        ...

    def reset(self) -> None:
        """Forget the faces seen so far."""
        ...

    def close(self) -> None:
        """Free the models."""
        ...


TrackerFactory = Callable[[Options], TrackerLike]


def load_tracker(options: Options) -> TrackerLike:
    """The real thing."""
    return Tracker(
        GivenLandmarks() if options.private else options.engine,
        mode=options.mode,
        max_faces=options.max_faces,
        smoothing=options.smoothing,
        mouth_threshold=options.mouth_threshold,
        expression=options.expression,
        morphable=options.morphable,
        emotion=options.emotion_head,
        calibration=options.calibration,
    )


class Seat:
    """A tracker with the only thread that touches it; work waits in order.

    The tracker is built at the first :meth:`prepare`, and again after one that failed.

    Args:
        options: it is set up so at every :meth:`prepare`.
        factory: builds the tracker.
        person: whose calibration is used from the start, as it is kept then.
    """

    def __init__(
        self, options: Options, factory: TrackerFactory, person: str | None = None
    ) -> None:
        self._home = options
        self._person = person
        self._factory = factory
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"mien-{options.mode}")
        self._tracker: TrackerLike | None = None
        self.options = options
        self.engine_name = options.engine
        self.expression_head: HeadId | None = None
        self.morphable_head: HeadId | None = None
        self.emotion_head: HeadId | None = None

    async def prepare(self) -> None:
        """Make it as good as new: built, set up as at the start, with nothing remembered.

        Raises:
            MienError: the tracker could not be built.
        """

        def work() -> None:
            known = people.load(self._person) if self._person else None
            self._set_up(replace(self._home, calibration=known))
            self._loaded().reset()

        await self._run(work)

    async def configure(self, options: Options) -> None:
        """Set it up otherwise; when that fails, everything stays as it was.

        Raises:
            MienError: the tracker could not be built.
        """
        await self._run(lambda: self._set_up(options))

    async def run(self, work: Callable[[TrackerLike], T]) -> T:
        """Do some work with the tracker; what it raises is raised here."""
        return await self._run(lambda: work(self._loaded()))

    def discard(self) -> None:
        """The tracker failed in a way that it may not recover from: build another next time."""
        self._thread.submit(self._drop)

    def close(self) -> None:
        """Free the models once the work at hand is done."""
        self._thread.submit(self._drop)
        self._thread.shutdown()

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _loaded(self) -> TrackerLike:
        if self._tracker is None:
            self._set_up(self.options)
        assert self._tracker is not None  # noqa: S101 - set up or raised
        return self._tracker

    def _set_up(self, wanted: Options) -> None:
        now = self.options
        if wanted.engine == self.engine_name and not now.private:
            # Asked for by name what ``auto`` had chosen.
            wanted = replace(wanted, engine=now.engine)
        if self._tracker is None or wanted.loads != now.loads:
            with _building:
                fresh = self._factory(wanted)
            self._drop()
            self._tracker = fresh
        elif wanted != now:
            self._tracker.configure(
                smoothing=wanted.smoothing,
                mouth_threshold=wanted.mouth_threshold,
                calibration=wanted.calibration,
            )
        self.options = wanted
        self.engine_name = self._tracker.engine_name
        self.expression_head = self._tracker.expression_head
        self.morphable_head = self._tracker.morphable_head
        self.emotion_head = self._tracker.emotion_head

    @property
    def heads(self) -> dict[str, str]:
        """Names of the heads that are loaded, by what they read."""
        loaded = {
            "expression": self.expression_head,
            "morphable": self.morphable_head,
            "emotion": self.emotion_head,
        }
        return {output: head.name for output, head in loaded.items() if head is not None}

    def _drop(self) -> None:
        if self._tracker is not None:
            self._tracker.close()
        self._tracker = None


class Pool:
    """The tracker for stills and those for sessions."""

    def __init__(self, settings: Settings, factory: TrackerFactory) -> None:
        named = settings.heads
        live = Options(
            settings.engine,
            expression=named["expression"],
            morphable=named["morphable"],
            emotion=named["emotion"],
        )
        # Pictures sent to /infer may show anybody, so they are not calibrated.
        still = replace(live, mode="still", max_faces=settings.max_faces, smoothing=None)
        self.still = Seat(still, factory)
        self._all = [
            Seat(live, factory, settings.calibration) for _ in range(settings.max_sessions)
        ]
        self._free: asyncio.Queue[Seat] = asyncio.Queue()
        for seat in self._all:
            self._free.put_nowait(seat)
        self.problem: RequestError | None = None

    @property
    def limit(self) -> int:
        """Sessions that fit at a time."""
        return len(self._all)

    @property
    def active(self) -> int:
        """Sessions at the moment."""
        return len(self._all) - self._free.qsize()

    async def load(self) -> None:
        """Build every tracker; what fails is remembered and tried again when it is needed."""
        with suppress(RequestError):
            for seat in (self.still, *self._all):
                await self.ready(seat)

    async def ready(self, seat: Seat) -> None:
        """:meth:`Seat.prepare`, remembering whether the models are there.

        Raises:
            RequestError: ``model_missing`` or ``engine_failed``.
        """
        try:
            await seat.prepare()
        except MienError as error:
            self.problem = RequestError.from_error(error)
            raise self.problem from error
        self.problem = None

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Seat]:
        """Borrow a tracker.

        Raises:
            RequestError: ``sessions_full``, or the models are not there.
        """
        try:
            seat = await asyncio.wait_for(self._free.get(), _PATIENCE)
        except asyncio.TimeoutError:
            raise RequestError(
                "sessions_full",
                f"all {self.limit} sessions are taken",
                "close another page of mien, or raise MIEN_MAX_SESSIONS and start again",
            ) from None
        try:
            await self.ready(seat)
            yield seat
        finally:
            self._free.put_nowait(seat)

    def close(self) -> None:
        """Free all models."""
        for seat in (self.still, *self._all):
            seat.close()
