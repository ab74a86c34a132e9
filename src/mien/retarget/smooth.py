"""One-Euro smoothing of landmarks and channels.

Casiez, Roussel and Vogel, "1€ Filter: a simple speed-based low-pass filter for noisy input in
interactive systems" (CHI 2012). A slow signal is smoothed hard (no jitter), a fast one hardly (no
lag): the cut-off frequency rises with speed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..arrays import Array, Float, Points
from ..errors import InputError

__all__ = ["FaceSmoother", "OneEuro", "Smoothing"]


@dataclass(frozen=True, slots=True)
class Smoothing:
    """Parameters; another set may be given while frames come in.

    Attributes:
        min_cutoff: cut-off in Hz for what stands still; lower is calmer and lags more.
        beta: how fast the cut-off rises with speed; higher follows fast motion more closely.
            Speed is counted in face widths a second for landmarks, in full ranges a second for
            channels, so the same numbers hold near to and far from the camera.
        derivative_cutoff: cut-off in Hz for the speed itself.
        channels: multiplies ``min_cutoff`` for channels, which must not miss a blink.

    Raises:
        InputError: a value that is not finite or is out of range.
    """

    min_cutoff: float = 1.5
    beta: float = 20.0
    derivative_cutoff: float = 1.0
    channels: float = 2.0

    def __post_init__(self) -> None:
        for name in ("min_cutoff", "derivative_cutoff", "channels"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise InputError(f"smoothing {name} must be above 0 and finite, got {value}")
        if not (math.isfinite(self.beta) and self.beta >= 0):
            raise InputError(f"smoothing beta must be at least 0 and finite, got {self.beta}")


class OneEuro:
    """The filter on an array of any shape; NaN entries pass through and leave no trace."""

    def __init__(self, min_cutoff: float, beta: float, derivative_cutoff: float = 1.0) -> None:
        self.min_cutoff = min_cutoff
        self.beta = beta
        self.derivative_cutoff = derivative_cutoff
        self._time: float | None = None
        self._value: Array = np.empty(0)
        self._speed: Array = np.empty(0)
        self._holes = b""

    def __call__(
        self, value: Float[Array, "*shape"], time: float, unit: float = 1.0, *, joint: bool = False
    ) -> Float[Array, "*shape"]:
        """Smoothed value at ``time`` (seconds; not before the last one).

        Args:
            value: float array of the same shape each time.
            time: seconds. A gap of more than half a second starts afresh.
            unit: speed is measured in these, for instance the width of the face in pixels.
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

    def channels(self, name: str, values: Float[Array, "n"], time: float) -> Float[Array, "n"]:
        """One family of values in 0..1 (``expression``, ``engine_shapes``)."""
        if name not in self._channels:
            s = self._smoothing
            self._channels[name] = OneEuro(
                s.min_cutoff * s.channels, s.beta / 4, s.derivative_cutoff
            )
        smoothed = self._channels[name](values, time)
        # Between two values in 0..1, but for rounding.
        return np.minimum(smoothed, np.float32(1), dtype=np.float32)
