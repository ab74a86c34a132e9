"""One-Euro smoothing of landmarks and channels.

Casiez, Roussel and Vogel, "1€ Filter: a simple speed-based low-pass filter for noisy input in
interactive systems" (CHI 2012). A slow signal is smoothed hard (no jitter), a fast one hardly (no
lag): the cut-off frequency rises with speed. Channels have classes (``channels.MOTION``), since a
blink is over before a brow has risen. What this costs and gains: ``docs/smoothing.md``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..arrays import Array, Float, Float32, Points
from ..channels import ARKIT_52, MORPHABLE_DEVIATION, MOTION, index_of
from ..errors import InputError

__all__ = ["FaceSmoother", "OneEuro", "Smoothing"]

_MORPHABLE_RANGE = 4 * np.array(MORPHABLE_DEVIATION, np.float32)


@dataclass(frozen=True, slots=True)
class Smoothing:
    """Parameters; another set may be given while frames come in.

    Attributes:
        min_cutoff: cut-off in Hz for what stands still; lower is calmer and lags more.
        beta: how fast the cut-off rises with speed; higher follows fast motion more closely.
            Speed is counted in face widths a second for landmarks, so the same numbers hold near to
            and far from the camera, and in full ranges a second for channels, of which a quarter
            counts.
        derivative_cutoff: cut-off in Hz for the speed itself.
        blinks, gaze, lips, corners, brows, cheeks: how many times as quickly as landmarks the
            channels of a class are followed: both cut-off and ``beta`` are multiplied. Blinks are
            followed at once; brows, cheeks and nose move slowly and are seen weakly.
        morphable: the same for the coefficients of the morphable model, whose full range is taken
            as four standard deviations.

    Raises:
        InputError: a value that is not finite or is out of range.
    """

    min_cutoff: float = 1.5
    beta: float = 20.0
    derivative_cutoff: float = 1.0
    blinks: float = 4.0
    gaze: float = 2.0
    lips: float = 2.0
    corners: float = 1.5
    brows: float = 0.7
    cheeks: float = 0.7
    morphable: float = 1.5

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if name == "beta":
                if not (math.isfinite(value) and value >= 0):
                    raise InputError(f"smoothing beta must be at least 0 and finite, got {value}")
            elif not (math.isfinite(value) and value > 0):
                raise InputError(f"smoothing {name} must be above 0 and finite, got {value}")

    def quickness(self) -> Float32[Array, "52"]:
        """The factor of each channel, by its class."""
        factors = np.zeros(len(ARKIT_52), np.float32)
        for motion, names in MOTION.items():
            factors[[index_of(name) for name in names]] = getattr(self, motion)
        return factors


class OneEuro:
    """The filter on an array of any shape; NaN entries pass through and leave no trace.

    Args:
        min_cutoff, beta, derivative_cutoff: see :class:`Smoothing`; the first two may be arrays,
            a value for each entry.
    """

    def __init__(
        self,
        min_cutoff: float | Float[Array, "n"],
        beta: float | Float[Array, "n"],
        derivative_cutoff: float = 1.0,
    ) -> None:
        self.min_cutoff = min_cutoff
        self.beta = beta
        self.derivative_cutoff = derivative_cutoff
        self._time: float | None = None
        self._value: Array = np.empty(0)
        self._speed: Array = np.empty(0)
        self._holes = b""

    def __call__(
        self,
        value: Float[Array, "*shape"],
        time: float,
        unit: float | Float[Array, "n"] = 1.0,
        *,
        joint: bool = False,
    ) -> Float[Array, "*shape"]:
        """Smoothed value at ``time`` (seconds; not before the last one).

        Args:
            value: float array of the same shape each time.
            time: seconds. A gap of more than half a second starts afresh.
            unit: speed is measured in these, for instance the width of the face in pixels; one
                for all entries, or one for each.
            joint: the last axis is a vector; its entries share the speed of the vector, so that a
                point that moves along x is not held back along y.
        """
        last = self._time
        self._time = time
        if last is None or not 0 < time - last < 0.5 or value.shape != self._value.shape:
            if last is not None and time == last and value.shape == self._value.shape:
                return self._value
            self._speed = np.zeros_like(value)
            self._holes = np.isnan(value).tobytes()
            return self._keep(value.copy())
        step = time - last
        previous = self._value
        if not joint and (holes := np.isnan(value).tobytes()) != self._holes:
            # A channel that appears starts from its value; one that is missing stays missing.
            self._holes = holes
            previous = np.where(np.isnan(previous), value, previous)
            np.nan_to_num(self._speed, copy=False)
        move = value - previous
        speed = self._speed
        speed += _alpha(self.derivative_cutoff, step) * (move / (step * unit) - speed)
        if joint:
            magnitude = np.sqrt(np.einsum("...i,...i->...", speed, speed))[..., None]
        else:
            magnitude = np.abs(speed)
        # alpha = r / (r + 1) with r = 2 pi cutoff step, for an array of cut-offs.
        turn = 2 * math.pi * step
        rate = magnitude * (turn * self.beta) + turn * self.min_cutoff
        move *= rate / (rate + 1.0)
        move += previous
        return self._keep(move)

    def _keep(self, value: Array) -> Array:
        # The caller gets the filter's own memory of the signal, to read.
        value.flags.writeable = False
        self._value = value
        return value


def _alpha(cutoff: float, step: float) -> float:
    rate = 2 * math.pi * cutoff * step
    return rate / (rate + 1.0)


class FaceSmoother:
    """The filters of one face."""

    def __init__(self, smoothing: Smoothing) -> None:
        s = smoothing
        self._points = OneEuro(s.min_cutoff, s.beta, s.derivative_cutoff)
        self._channels: dict[str, OneEuro] = {}
        self._smoothing = s

    def points(self, points: Points, time: float) -> Points:
        """Landmarks in pixels, smoothed relative to the width of the face."""
        left, right, top, chin = points[[454, 234, 10, 152], :2].tolist()
        width, height = math.dist(left, right), math.dist(top, chin)
        unit = max(width, height, 1.0)
        return self._points(points, time, unit, joint=True)

    def channels(
        self, name: str, values: Float32[Array, "52"], time: float
    ) -> Float32[Array, "52"]:
        """One family of ARKit channels in 0..1 (``expression``, ``engine_shapes``)."""
        if name not in self._channels:
            self._channels[name] = self._filter(self._smoothing.quickness())
        smoothed = self._channels[name](values, time)
        # Between two values in 0..1, but for rounding.
        return np.minimum(smoothed, np.float32(1), dtype=np.float32)

    def morphable(self, values: Float32[Array, "10"], time: float) -> Float32[Array, "10"]:
        """Coefficients of the morphable model, which have no fixed range."""
        if "morphable" not in self._channels:
            self._channels["morphable"] = self._filter(self._smoothing.morphable)
        follow = self._channels["morphable"]
        smoothed: Float32[Array, "10"] = follow(values, time, _MORPHABLE_RANGE)
        return smoothed

    def _filter(self, quickness: float | Float32[Array, "52"]) -> OneEuro:
        s = self._smoothing
        return OneEuro(s.min_cutoff * quickness, s.beta / 4 * quickness, s.derivative_cutoff)
