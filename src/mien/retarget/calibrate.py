"""Calibration: what a head reads off this person's face at rest, and how far it goes.

A head is trained on many people, so it reads a little frown off a low brow and a little blink off
narrow eyes. A calibration holds what it reads on one person's neutral face, and takes it off::

    out = min(1, scale * max(0, x - neutral) / (1 - neutral))

so what reads as on the neutral face becomes 0 and 1 stays 1. Two channels that are the two ways of
one motion (to look up and down) share a zero point: what falls below it on one side counts on the
other. ``scale`` is for channels that stay short of 1 at this person's full expression, and for a
side that stays behind the other.

What a calibration can never do, whatever it was learnt from (checked when one is built):

* invert a channel: each is a rising function of its reading;
* flatten or blow up one: ``neutral`` is at most :data:`NEUTRAL_MOST`, ``scale`` is in
  1..:data:`SCALE_MOST`;
* stop the eyes from closing: the scale of a blink is at least ``1 + neutral``, so that readings in
  the upper half of what is left above neutral come out as high as they went in, or higher;
* stop the mouth from closing: a jaw that reads as on the neutral face, or less, comes out as 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import numpy as np

from ..arrays import Array, Bool, Float, Float32, Int
from ..channels import ARKIT_52, MIRROR, OPPOSITES, index_of
from ..errors import InputError

__all__ = [
    "BALANCE_MOST",
    "NEUTRAL_MOST",
    "SCALE_MOST",
    "Calibration",
    "Gain",
    "gain",
    "neutral_of",
    "scale_of",
]

NEUTRAL_MOST = 0.5
"""A reading above this is an expression, not somebody's neutral face."""

SCALE_MOST = 2.0
"""More would blow up noise."""

BALANCE_MOST = 1.5
"""How much more than its other side a side may be scaled: a crooked smile is somebody's own."""

BLINKS: Int[Array, "2"] = np.array([index_of("eyeBlinkLeft"), index_of("eyeBlinkRight")])

FORMAT = 1
"""Of the file; rises when a number changes its meaning."""

_FULL = 0.9  # what the fullest expression of a person becomes; people seldom reach 1 when asked
_SEEN = 0.15  # above neutral; less is noise or a face that was not made
_DEAD = 0.03  # the most that is added to the neutral reading against its noise


def _opposites() -> tuple[Int[Array, "52"], Bool[Array, "52"]]:
    other, paired = np.arange(len(ARKIT_52)), np.zeros(len(ARKIT_52), bool)
    for pair in OPPOSITES:
        a, b = map(index_of, pair)
        other[a], other[b] = b, a
        paired[[a, b]] = True
    return other, paired


_OTHER, SIGNED = _opposites()
"""Whether a channel shares its zero point with the opposite one."""


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """What is known of one person's face as one head reads it.

    Attributes:
        name: of the person, as they gave it.
        head: name of the head that it was learnt with.
        sha256: of that head (see :func:`mien.heads.identity`).
        engine: the landmark engine that it was learnt with.
        neutral: float32 (52,), readings of the neutral face, 0..:data:`NEUTRAL_MOST`; 0 for a
            channel that the head does not produce.
        scale: float32 (52,), 1..:data:`SCALE_MOST`; range, and balance of left and right.
        created: when it was learnt, ISO 8601.

    Raises:
        InputError: a value out of its bounds.
    """

    name: str
    head: str
    sha256: str
    engine: str
    neutral: Float32[Array, "52"]
    scale: Float32[Array, "52"]
    created: str = ""

    def __post_init__(self) -> None:
        if not self.created:
            now = datetime.now(timezone.utc).isoformat(timespec="seconds")
            object.__setattr__(self, "created", now)
        for name, least, most in (("neutral", 0.0, NEUTRAL_MOST), ("scale", 1.0, SCALE_MOST)):
            values = np.array(getattr(self, name), np.float32)
            if values.shape != (len(ARKIT_52),):
                raise InputError(f"{name} of a calibration has 52 numbers, got {values.shape}")
            if not np.all((values >= least) & (values <= most)):  # false for NaN too
                at = int(np.argmin((values >= least) & (values <= most)))
                raise InputError(
                    f"{name} of {ARKIT_52[at]} is in {least:g}..{most:g}, got {values[at]:.3g}; "
                    "calibrate again"
                )
            values.flags.writeable = False
            object.__setattr__(self, name, values)
        short = self.scale[BLINKS] < 1 + self.neutral[BLINKS] - 1e-3  # files are rounded
        if short.any():
            raise InputError("this calibration would keep the eyes from closing; calibrate again")

    def apply(self, expression: Float[Array, "*n 52"]) -> Float32[Array, "*n 52"]:
        """The expression of the person: NaN stays NaN, everything else is in 0..1."""
        above = expression - self.neutral
        # What falls below the zero point of one way counts for the other way.
        below = np.fmax(-above[..., _OTHER], 0.0) * SIGNED
        out: Float32[Array, "*n 52"] = np.maximum(above, 0.0) + below
        out *= self.scale / (1.0 - self.neutral)
        return np.minimum(out, 1.0).astype(np.float32, copy=False)

    def check(self, head: str, sha256: str, engine: str) -> None:
        """Refuse to correct what another head or another landmark engine reads.

        Raises:
            InputError: it was learnt with others.
        """
        if (head, sha256) != (self.head, self.sha256):
            learnt = self.head if head != self.head else f"another version of {self.head}"
            raise InputError(
                f"the calibration {self.name!r} was learnt with the head {learnt}, this is {head}; "
                f"calibrate again with `mien calibrate`, or choose the head {self.head}"
            )
        if engine != self.engine:
            raise InputError(
                f"the calibration {self.name!r} was learnt with the engine {self.engine}, this is "
                f"{engine}; calibrate again with `mien calibrate`, or choose the engine "
                f"{self.engine}"
            )

    def as_dict(self) -> dict[str, Any]:
        """What its file holds; :meth:`from_dict` reads it again. Channels are paired by name."""
        return {
            "format": FORMAT,
            "name": self.name,
            "head": self.head,
            "sha256": self.sha256,
            "engine": self.engine,
            "created": self.created,
            "channels": {
                name: {"neutral": round(neutral, 4), "scale": round(scale, 4)}
                for name, neutral, scale in zip(
                    ARKIT_52, self.neutral.tolist(), self.scale.tolist(), strict=True
                )
            },
        }

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> Calibration:
        """From what a file holds.

        Raises:
            InputError: it is none, or one of another version of mien.
        """
        if table.get("format") != FORMAT:
            raise InputError(
                f"expected a calibration of format {FORMAT}, got {table.get('format')!r}; "
                "calibrate again"
            )
        try:
            channels = {name: dict(table["channels"][name]) for name in ARKIT_52}
            about = {k: str(table[k]) for k in ("name", "head", "sha256", "engine", "created")}
            values = {
                key: np.array([float(channels[name][key]) for name in ARKIT_52], np.float32)
                for key in ("neutral", "scale")
            }
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"the calibration is not complete ({type(error).__name__}: {error}); "
                "calibrate again"
            ) from None
        return cls(**about, **values)  # type: ignore[arg-type]


def neutral_of(frames: Float[Array, "n 52"]) -> Float32[Array, "52"]:
    """What a head reads on a neutral face, from frames of it.

    The median, and against its noise one and a half median deviations more (at most 0.03), so that
    a face at rest comes out as 0 rather than as half of its noise. A zero point that two channels
    share is the median alone.
    """
    values = np.asarray(frames, np.float64)
    values = np.where(np.isnan(values).any(axis=0), 0.0, values)
    middle = np.median(values, axis=0)
    spread = np.median(np.abs(values - middle), axis=0)
    quiet = np.where(SIGNED, 0.0, np.minimum(1.5 * spread, _DEAD))
    neutral: Float32[Array, "52"] = np.clip(middle + quiet, 0.0, NEUTRAL_MOST).astype(np.float32)
    return neutral


def scale_of(
    neutral: Float32[Array, "52"], fullest: Float[Array, "52"]
) -> tuple[Float32[Array, "52"], Float32[Array, "52"]]:
    """Scales from the fullest expression of a person.

    Args:
        neutral: see :func:`neutral_of`.
        fullest: reading of each channel at its fullest; NaN where the person was not asked for it.

    Returns:
        neutral, lowered where a blink would otherwise not come out as high as it went in, and
        scale.
    """
    neutral = neutral.copy()
    # Twice what is above neutral must reach the closed eye: 2 (c - n) / (1 - n) >= c.
    closed = np.where(np.isnan(fullest), np.inf, fullest)[BLINKS]
    least = np.where(np.isinf(closed), NEUTRAL_MOST, closed / np.maximum(2 - closed, 1e-6))
    neutral[BLINKS] = np.clip(neutral[BLINKS], 0.0, np.maximum(least, 0.0))
    reach = (fullest - neutral) / (1 - neutral)
    target = np.full(len(ARKIT_52), _FULL)
    target[BLINKS] = 1.0
    with np.errstate(invalid="ignore", divide="ignore"):
        wanted = np.where(reach >= _SEEN, target / reach, 1.0)
        # An eye that closes must come out closed, however little of it is seen.
        wanted[BLINKS] = np.where(reach[BLINKS] > 0, target[BLINKS] / reach[BLINKS], 1.0)
    scale = np.clip(wanted, 1.0, SCALE_MOST)
    scale = np.minimum(scale, BALANCE_MOST * scale[MIRROR])
    scale[BLINKS] = np.clip(np.maximum(wanted, 1 + neutral)[BLINKS], 1.0, SCALE_MOST)
    return neutral, scale.astype(np.float32)


@dataclass(frozen=True, slots=True)
class Gain:
    """What a calibration does to the error against a known truth.

    Attributes:
        before, after: mean absolute error over all frames and channels that have both.
    """

    before: float
    after: float

    @property
    def ratio(self) -> float:
        """After over before; below 1 is better."""
        return self.after / self.before if self.before else math.nan


def gain(calibration: Calibration, read: Float[Array, "n 52"], truth: Float[Array, "n 52"]) -> Gain:
    """Error of readings of one person before and after calibration.

    Args:
        calibration: learnt from other frames of this person.
        read: what the head said, NaN for channels that it does not produce.
        truth: what was so, NaN where it is not known.
    """
    known = ~(np.isnan(read) | np.isnan(truth))
    before = np.abs(read - truth)[known]
    after = np.abs(calibration.apply(read) - truth)[known]
    return Gain(float(before.mean()), float(after.mean()))
