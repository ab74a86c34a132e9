"""Calibration in a session: learning from its own frames, trying, keeping, using."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .. import people
from ..arrays import Array, Float32
from ..channels import ARKIT_52
from ..errors import InputError
from ..retarget.calibrate import Calibration
from ..retarget.calibrator import PHASES, Calibrator, Learnt, StreamCalibrator
from ..types import Observation
from .messages import Calibrate, CalibrationState, ChannelState, PhaseState
from .trackers import Seat, TrackerLike

__all__ = ["Calibrating", "phases"]

_IDLE = 'start learning first: {"type": "calibrate", "action": "start"}'


def phases() -> list[PhaseState]:
    """The faces of a guided calibration, before any was made."""
    return [PhaseState(name=p.name, seconds=p.seconds, say=p.say) for p in PHASES]


class Calibrating:
    """What a session learns and uses.

    Everything but :meth:`obey` runs in the tracker's thread, which ``obey`` goes through too, so
    nothing is touched by two threads at a time.
    """

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self._learner: Calibrator | StreamCalibrator | None = None
        self._before: Calibration | None = None
        """What was in use before something else was tried."""
        self._trying = False
        self._unseen: tuple[str, ...] = ()
        self._reading: Float32[Array, "52"] | None = None

    def see(self, observation: Observation, tracker: TrackerLike) -> None:
        """A frame that was looked at."""
        face = observation.faces[0] if observation.faces else None
        self._reading = tracker.reading(face.id) if face else None
        if self._learner is not None:
            self._learner.add(face and replace(face, expression=self._reading))

    def forget(self) -> None:
        """Another engine or head: what was learnt so far does not fit it."""
        self._learner, self._trying, self._before, self._reading = None, False, None, None

    async def obey(self, message: Calibrate) -> CalibrationState:
        """Do what the page asks.

        Raises:
            MienError: it cannot be done; everything stays as it was.
        """
        seat = self._seat
        if message.action == "start":
            await seat.run(lambda _: self._start(message))
        elif message.action == "phase":
            await seat.run(lambda _: self._begin(message.phase))
        elif message.action == "finish":
            await self._use(await seat.run(lambda _: self._finish()), trying=True)
        elif message.action == "save":
            await seat.run(lambda _: self._save())
        elif message.action == "cancel":
            await self._use(self._before if self._trying else seat.options.calibration)
        elif message.action == "use":
            name = _named(message)
            await self._use(await seat.run(lambda _: people.load(name)))
        elif message.action == "reset":
            await self._use(None)
        return await seat.run(lambda _: self._state())

    async def _use(self, calibration: Calibration | None, *, trying: bool = False) -> None:
        before = self._before if self._trying else self._seat.options.calibration
        await self._seat.configure(replace(self._seat.options, calibration=calibration))
        self._learner, self._trying = None, trying
        self._before = before if trying else None

    def _start(self, message: Calibrate) -> None:
        name = _named(message)
        people.clean_name(name)  # refuse one that could not be saved before any face is made
        head = self._seat.expression_head
        if head is None:
            raise InputError("no head reads the expression; configure one, then calibrate")
        kind = StreamCalibrator if message.free else Calibrator
        self._learner = kind(
            name, head=head.name, sha256=head.sha256, engine=self._seat.engine_name
        )

    def _begin(self, phase: str | None) -> None:
        if not isinstance(self._learner, Calibrator):
            raise InputError(f"there is no phase without guided learning; {_IDLE}")
        self._learner.begin(phase or "")

    def _finish(self) -> Calibration:
        if self._learner is None:
            raise InputError(f"nothing is being learnt; {_IDLE}")
        calibration = self._learner.finish()
        guided = isinstance(self._learner, Calibrator)
        self._unseen = self._learner.unseen() if guided else ()  # type: ignore[union-attr]
        return calibration

    def _save(self) -> None:
        calibration = self._seat.options.calibration
        if not self._trying or calibration is None:
            raise InputError("there is nothing new to save; finish learning first")
        people.save(calibration)
        self._trying, self._before = False, None

    def _state(self) -> CalibrationState:
        learner, used = self._learner, self._seat.options.calibration
        if learner is not None:
            return CalibrationState(
                status="learning",
                name=learner.name,
                free=isinstance(learner, StreamCalibrator),
                phase=learner.phase,
                phases=_progress(learner),
                unseen=[],
                channels=None,
                people=people.names(),
            )
        return CalibrationState(
            status="off" if used is None else "trying" if self._trying else "on",
            name=None if used is None else used.name,
            free=False,
            phase=None,
            phases=[],
            unseen=list(self._unseen) if self._trying else [],
            channels=None if used is None else self._channels(used),
            people=people.names(),
        )

    def _channels(self, used: Calibration) -> dict[str, ChannelState]:
        before = np.full(len(ARKIT_52), np.nan, np.float32)
        if self._reading is not None:
            before = self._reading
        columns = (used.neutral, used.scale, before, used.apply(before))
        rows = np.round(np.stack(columns, axis=1).astype(float), 4).tolist()
        return {
            name: ChannelState(neutral=n, scale=s, before=_known(b), after=_known(a))
            for name, (n, s, b, a) in zip(ARKIT_52, rows, strict=True)
        }


def _progress(learner: Calibrator | StreamCalibrator) -> list[PhaseState]:
    if isinstance(learner, StreamCalibrator):
        return [_phase(learner.learnt(), learner.needed, "Talk, smile, look about: as you like.")]
    return [_phase(learner.learnt(p.name), p.seconds, p.say) for p in PHASES]


def _phase(learnt: Learnt, seconds: float, say: str) -> PhaseState:
    trouble = learnt.trouble if learnt.frames else None
    return PhaseState(
        name=learnt.phase,
        seconds=seconds,
        say=say,
        frames=learnt.frames,
        good=learnt.good,
        trouble=trouble,
    )


def _named(message: Calibrate) -> str:
    if not message.name:
        raise InputError(f"`{message.action}` needs the name of a person; send it as `name`")
    return message.name


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value
