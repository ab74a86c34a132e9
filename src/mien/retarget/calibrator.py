"""Learning a calibration: from a person who makes a few faces when asked, or who just goes on.

:class:`Calibrator` is for the first: a neutral second, and the fullest smile, blink and so on of
those who take ten seconds. :class:`StreamCalibrator` is for the second: it watches what a person's
readings come back to, and asks for nothing. Both want readings that no calibration has changed.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from dataclasses import dataclass

import numpy as np

from ..arrays import Array, Float, Float32, Int
from ..channels import ARKIT_52, MIRROR, index_of
from ..errors import InputError
from ..types import Face
from .calibrate import BLINKS, NEUTRAL_MOST, SIGNED, Calibration, neutral_of, scale_of

__all__ = ["PHASES", "Calibrator", "Learnt", "Phase", "StreamCalibrator", "trouble_with"]

AWAY = 25.0
"""Degrees from the camera beyond which landmarks, and so readings, get worse."""

_CLOSED = 0.6  # of a blink; no one's open eyes read so
_OPEN = 0.35  # of the jaw, where the tracker gives no decision about the mouth
_LEAST = 10  # good frames of a phase
_MOST = 600  # frames of a phase that are kept, the latest
_RECENT = 10  # frames that the present trouble is told from
_PEAK = 0.9  # quantile of a phase that counts as the fullest; single frames may be wrong
_HARDLY = 0.15  # above neutral; less is a face that was not made, or that the head does not see

_JAW = index_of("jawOpen")


@dataclass(frozen=True, slots=True)
class Phase:
    """One face that a person is asked for.

    Attributes:
        name: what it is called.
        seconds: how long.
        say: what the person is told.
        channels: what is fullest then; none for the neutral face.
    """

    name: str
    seconds: float
    say: str
    channels: tuple[str, ...] = ()


PHASES: tuple[Phase, ...] = (
    Phase("neutral", 2.0, "Look at the camera and relax your face, lips closed."),
    Phase("smile", 1.4, "Smile as broadly as you can.", ("mouthSmileLeft", "mouthSmileRight")),
    Phase("jaw_open", 1.4, "Open your mouth wide.", ("jawOpen",)),
    Phase("pucker", 1.4, "Pucker your lips, as for a kiss.", ("mouthPucker",)),
    Phase(
        "brows_up", 1.4, "Raise your brows.", ("browInnerUp", "browOuterUpLeft", "browOuterUpRight")
    ),
    Phase("brows_down", 1.4, "Frown.", ("browDownLeft", "browDownRight")),
    Phase("blink", 1.4, "Blink a few times.", ("eyeBlinkLeft", "eyeBlinkRight")),
)
"""The guided calibration, ten and a half seconds in all. Only the first is needed."""

_PHASE = {phase.name: phase for phase in PHASES}

_ADVICE = {
    "away": "look straight at the camera",
    "eyes": "open your eyes",
    "mouth": "close your mouth",
    "unread": "choose an expression head",
}


def trouble_with(face: Face, phase: str = "neutral") -> str | None:
    """Why a frame cannot be learnt from: ``away``, ``eyes``, ``mouth``, ``unread``, or None."""
    values = face.expression
    if values is None or bool(np.isnan(values).all()):
        return "unread"
    if face.pose is not None:
        facing = min(1.0, max(-1.0, float(face.pose.rotation[2, 2])))
        if math.degrees(math.acos(facing)) > AWAY:
            return "away"
    if phase != "neutral":
        return None
    if float(np.fmin.reduce(values[BLINKS])) > _CLOSED:
        return "eyes"
    mouth_open = values[_JAW] > _OPEN if face.mouth_open is None else face.mouth_open
    return "mouth" if mouth_open else None


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a phase has come to.

    Attributes:
        phase: its name.
        frames: frames that came.
        good: those that can be learnt from.
        trouble: what to do differently, or None.
    """

    phase: str
    frames: int
    good: int
    trouble: str | None


class Calibrator:
    """Learns from a person who makes faces when asked, the neutral one first.

    Args:
        name: of the person.
        head, sha256, engine: what reads the face; see :class:`Calibration`.
        least: good frames that the neutral face needs; 1 for a photo.
    """

    def __init__(
        self, name: str, *, head: str, sha256: str, engine: str, least: int = _LEAST
    ) -> None:
        self.name = name
        self._about = {"name": name, "head": head, "sha256": sha256, "engine": engine}
        self._least = least
        self._phases: dict[str, _Recording] = {}
        self.phase = "neutral"

    def begin(self, phase: str) -> None:
        """What comes from now on is of this phase; one that was begun before starts afresh.

        Raises:
            InputError: an unknown phase.
        """
        if phase not in _PHASE:
            raise InputError(f"there is no phase {phase!r}; there are {', '.join(_PHASE)}")
        self.phase = phase
        self._phases.pop(phase, None)

    def add(self, face: Face | None) -> None:
        """One frame; None when there was no face in it."""
        recording = self._phases.setdefault(self.phase, _Recording())
        trouble = "gone" if face is None else trouble_with(face, self.phase)
        recording.add(None if face is None else face.expression, trouble)

    def learnt(self, phase: str | None = None) -> Learnt:
        """How a phase goes, or went; without a name the present one."""
        name = phase or self.phase
        recording = self._phases.get(name, _Recording())
        trouble = recording.recent() if name == self.phase else self._failure(name)
        return Learnt(name, recording.frames, recording.good, trouble)

    def finish(self) -> Calibration:
        """The calibration.

        Raises:
            InputError: the neutral face cannot be used; the message says what to do.
        """
        failure = self._failure("neutral")
        if failure is not None:
            raise InputError(f"the neutral face cannot be learnt: {failure}")
        neutral = neutral_of(self._phases["neutral"].values())
        fullest = np.full(len(ARKIT_52), np.nan)
        for name, recording in self._phases.items():
            if name != "neutral" and recording.good:
                at = [index_of(channel) for channel in _PHASE[name].channels]
                fullest[at] = np.quantile(recording.values()[:, at], _PEAK, axis=0)
        neutral, scale = scale_of(neutral, fullest)
        return Calibration(**self._about, neutral=neutral, scale=scale)

    def unseen(self) -> tuple[str, ...]:
        """Phases that were recorded and showed next to nothing; their range is left alone."""
        if self._failure("neutral") is not None:
            return ()
        neutral = neutral_of(self._phases["neutral"].values())
        unseen = []
        for name, recording in self._phases.items():
            at = [index_of(channel) for channel in _PHASE[name].channels]
            if not at:
                continue
            peak = np.quantile(recording.values()[:, at], _PEAK, axis=0) if recording.good else 0.0
            if np.all(peak - neutral[at] < _HARDLY):
                unseen.append(name)
        return tuple(unseen)

    def _failure(self, phase: str) -> str | None:
        """Why a phase cannot be used, with what to do about it."""
        recording = self._phases.get(phase)
        if recording is None or not recording.frames:
            return "no frame of it was seen; keep your face in the picture for a second"
        good, frames = recording.good, recording.frames
        if good >= self._least and good >= frames / 2:
            return None
        told = f"{good} of {frames} frames can be used"
        if good >= frames / 2:
            return f"{told}, {self._least} are needed; hold still for a second"
        worst = recording.troubles.most_common(1)[0][0]
        reasons = {
            "gone": "no face was seen in the others; keep your face in the picture",
            "away": f"the head was turned more than {AWAY:g} degrees; {_ADVICE['away']}",
            "eyes": f"the eyes were closed; {_ADVICE['eyes']}",
            "mouth": f"the mouth was open; {_ADVICE['mouth']}",
            "unread": f"no head read the expression; {_ADVICE['unread']}",
        }
        return f"{told}, {reasons[worst]}"


class _Recording:
    """Frames of one phase: how many, why some cannot be used, and the readings of the latest."""

    def __init__(self, keep: int = _MOST) -> None:
        self.frames = 0
        self.good = 0
        self.troubles: Counter[str] = Counter()
        self._values: deque[Float32[Array, "52"]] = deque(maxlen=keep)
        self._recent: deque[str | None] = deque(maxlen=_RECENT)

    def add(self, values: Float32[Array, "52"] | None, trouble: str | None) -> None:
        self.frames += 1
        self._recent.append(trouble)
        if trouble is not None:
            self.troubles[trouble] += 1
            return
        self.good += 1
        if values is not None:
            self._values.append(values)

    def values(self) -> Float32[Array, "n 52"]:
        return np.stack(self._values)

    def recent(self) -> str | None:
        """What to do differently right now."""
        name, count = Counter(self._recent).most_common(1)[0] if self._recent else (None, 0)
        if name is None or 2 * count < len(self._recent):
            return None
        return "come into the picture" if name == "gone" else _ADVICE[name]


_BINS = 100
_NEEDED = 5.0  # seconds of good frames
_PROMINENT = 0.35  # of the highest peak
_TOP = 0.98  # quantile that counts as the fullest
_LIVELY = 0.4  # above neutral; who stays below may have had no reason for more
_STREAM_SCALE = 1.25  # nobody was asked for the fullest, so less is made of what was seen


class StreamCalibrator:
    """Learns from a person who does as they like, for as long as they like.

    Of each channel it keeps how often each value was read, the older the fainter. The neutral
    reading is the lowest value that the face keeps coming back to: the lowest peak that is not much
    smaller than the highest. Memory and time per frame do not grow.

    Args:
        name: of the person.
        head, sha256, engine: what reads the face; see :class:`Calibration`.
        half_life: seconds after which a frame counts half.
    """

    def __init__(
        self, name: str, *, head: str, sha256: str, engine: str, half_life: float = 60.0
    ) -> None:
        if not half_life > 0:
            raise InputError(f"the half-life must be above 0 seconds, got {half_life}")
        self.name = name
        self.phase = "free"
        self.needed = _NEEDED
        """Seconds of good frames that are needed."""
        self._now = _Recording(keep=0)
        self._about = {"name": name, "head": head, "sha256": sha256, "engine": engine}
        self._half_life = half_life
        self._counts = np.zeros((len(ARKIT_52), _BINS))
        self._rows: Int[Array, "52"] = np.arange(len(ARKIT_52))
        self._time: float | None = None
        self.seconds = 0.0
        """Seconds of good frames so far."""

    def add(self, face: Face | None) -> None:
        """One frame; it is left out where there is no face or the head is turned away."""
        trouble = "gone" if face is None else trouble_with(face, self.phase)
        self._now.add(None, trouble)
        if face is None or trouble is not None or face.expression is None:
            return
        step = 0.0 if self._time is None else face.time - self._time
        self._time = face.time
        if 0 < step < 1:
            self.seconds += step
            self._counts *= 0.5 ** (step / self._half_life)
        values = face.expression
        read = ~np.isnan(values)
        bins = np.minimum(np.nan_to_num(values) * _BINS, _BINS - 1).astype(np.int64)
        self._counts[self._rows[read], bins[read]] += 1

    def learnt(self) -> Learnt:
        """How it goes; what is wrong at the moment is told as by :class:`Calibrator`."""
        return Learnt(self.phase, self._now.frames, self._now.good, self._now.recent())

    def finish(self) -> Calibration:
        """The calibration so far; more may be added afterwards.

        Raises:
            InputError: too little was seen.
        """
        if self.seconds < _NEEDED:
            raise InputError(
                f"{self.seconds:.1f} s of a face that looks at the camera are too little, "
                f"{_NEEDED:g} are needed; go on for a while"
            )
        neutral = self._neutral()
        fullest = self._quantile(_TOP)
        lively = fullest - neutral >= _LIVELY * (1 - neutral)
        fullest = np.where(lively, fullest, np.nan)
        # A side that was lively alone says nothing about the range of the pair.
        fullest = np.where(np.isnan(fullest[MIRROR]), np.nan, fullest)
        neutral, scale = scale_of(neutral, fullest)
        scale = np.minimum(scale, _STREAM_SCALE)
        scale[BLINKS] = np.maximum(scale[BLINKS], 1 + neutral[BLINKS])
        return Calibration(**self._about, neutral=neutral, scale=scale)

    def _neutral(self) -> Float32[Array, "52"]:
        # A triangle of seven bins: peaks closer than a few hundredths are one.
        kernel = np.array([1, 2, 3, 4, 3, 2, 1]) / 16
        neutral = np.zeros(len(ARKIT_52), np.float32)
        for channel, counts in enumerate(self._counts):
            if not counts.any():
                continue
            # Reflected at 0, for there the readings of many channels pile up.
            padded = np.concatenate([counts[2::-1], counts, [0, 0, 0]])
            smooth = np.convolve(padded, kernel, mode="valid")
            around = np.concatenate([[0], smooth, [0]])
            peaks = (smooth >= around[:-2]) & (smooth > around[2:])
            high = smooth >= _PROMINENT * smooth.max()
            first = int(np.flatnonzero(peaks & high)[0])
            # The upper edge of the bin, and one more against noise, as in ``neutral_of``.
            neutral[channel] = (
                0.0 if first == 0 else (first + (0.5 if SIGNED[channel] else 2)) / _BINS
            )
        return np.minimum(neutral, NEUTRAL_MOST)

    def _quantile(self, share: float) -> Float[Array, "52"]:
        total = self._counts.sum(axis=1)
        reached = np.cumsum(self._counts, axis=1) >= share * total[:, None]
        return np.where(total > 0, (reached.argmax(axis=1) + 1.0) / _BINS, np.nan)
