"""Expression read off the landmarks with a ruler: no training, every number can be explained.

The points are laid on the canonical face by their rigid part first, so position, size and turn of
the head are gone; lengths are in units of the distance between the outer eye corners. A channel is
a weighted sum of measures that runs linearly from its value on a neutral face (0) to its value on
a full expression (1). It is the baseline that trained heads must beat.

Neutral values are medians over 3,239 photographs labelled neutral, full values lie at the edge
(about the 99th percentile) of what 6,491 photographs show.
"""

from __future__ import annotations

import hashlib
import json
import math
from functools import cache
from types import MappingProxyType

import numpy as np

from ..arrays import Array, Float, Float32, Int
from ..channels import ARKIT_52, index_of
from ..errors import InputError
from ..topology import IBUG_68

__all__ = [
    "CHANNELS",
    "CONFIGURAL",
    "MEASURES",
    "VERSION",
    "MouthSwitch",
    "configural_features",
    "expression",
    "fingerprint",
    "measure",
    "mouth_openness",
]

_EYE_OUTER = (33, 263)  # right, left

# The points that are measured, and where each stands in the list of them.
_POINTS = np.array(
    [
        *(33, 263, 133, 362, 13, 14, 82, 87, 312, 317, 61, 291, 107, 336, 0, 17, 1, 152),
        *(160, 144, 159, 145, 158, 153, 387, 373, 386, 374, 385, 380, 468, 473),
        *(55, 66, 285, 296, 70, 63, 46, 53, 300, 293, 276, 283),
    ]
)
_AT = {int(point): i for i, point in enumerate(_POINTS)}

MEASURES = (
    "lip_gap",  # between the inner lips
    "mouth_width",
    "lip_thrust",  # lips in front of the corners of the mouth
    "jaw_drop",  # tip of the nose above the chin
    "brow_gap",  # between the brows
    "lid_gap_right",  # over the width of the eye
    "lid_gap_left",
    "corner_lift_right",  # corner of the mouth above the middle of the lips
    "corner_lift_left",
    "corner_out_right",  # corner of the mouth beside the middle of the lips
    "corner_out_left",
    "inner_brow_right",  # above the line of the eye corners
    "inner_brow_left",
    "outer_brow_right",
    "outer_brow_left",
    "gaze_x_right",  # iris beside the middle of the eye, half eye widths, to the subject's left
    "gaze_x_left",
    "gaze_y_right",  # above it
    "gaze_y_left",
)
"""Names of the entries of :func:`measure`."""


def measure(aligned: Float[Array, "478 3"]) -> Float[Array, "19"]:
    """Lengths that expressions change, in the order of :data:`MEASURES`.

    Args:
        aligned: head frame (x to the subject's left, y up, z forward), any unit.
    """
    # Nineteen numbers from forty points: plain floats take a third of the time of arrays.
    p: list[list[float]] = aligned[_POINTS].tolist()

    def apart(a: int, b: int) -> float:
        return math.dist(p[_AT[a]], p[_AT[b]])

    def height(*points: int) -> float:
        return sum(p[_AT[i]][1] for i in points) / len(points)

    def depth(point: int) -> float:
        return p[_AT[point]][2]

    unit = apart(*_EYE_OUTER)
    gap = (apart(13, 14) + apart(82, 87) + apart(312, 317)) / 3
    right_eye, left_eye = apart(33, 133), apart(263, 362)
    lids_right = (apart(160, 144) + apart(159, 145) + apart(158, 153)) / 3
    lids_left = (apart(387, 373) + apart(386, 374) + apart(385, 380)) / 3
    line_right, line_left = height(33, 133), height(263, 362)
    middle_x = (p[_AT[13]][0] + p[_AT[14]][0]) / 2
    middle_y = height(13, 14)
    gaze_right = (p[_AT[468]][0] - (p[_AT[33]][0] + p[_AT[133]][0]) / 2) / (right_eye / 2)
    gaze_left = (p[_AT[473]][0] - (p[_AT[263]][0] + p[_AT[362]][0]) / 2) / (left_eye / 2)
    return np.array(
        [
            gap / unit,
            apart(61, 291) / unit,
            (depth(0) + depth(17) - depth(61) - depth(291)) / (2 * unit),
            (height(1) - height(152)) / unit,
            apart(107, 336) / unit,
            lids_right / right_eye,
            lids_left / left_eye,
            (height(61) - middle_y) / unit,
            (height(291) - middle_y) / unit,
            (middle_x - p[_AT[61]][0]) / unit,
            (p[_AT[291]][0] - middle_x) / unit,
            (height(55, 107, 66) - line_right) / unit,
            (height(285, 336, 296) - line_left) / unit,
            (height(70, 63, 46, 53) - line_right) / unit,
            (height(300, 293, 276, 283) - line_left) / unit,
            gaze_right,
            gaze_left,
            (height(468) - line_right) / (right_eye / 2),
            (height(473) - line_left) / (left_eye / 2),
        ]
    )


def _sides(
    channel: str, weights: dict[str, float], neutral: float, full: float
) -> dict[str, tuple[dict[str, float], float, float]]:
    """The same rule for the left and the right side; ``*`` stands for the side."""
    return {
        channel + side.capitalize(): (
            {name.replace("*", side): weight for name, weight in weights.items()},
            neutral,
            full,
        )
        for side in ("left", "right")
    }


CHANNELS = MappingProxyType(
    {
        # A broad smile parts the lips too; its width is taken off the gap.
        "jawOpen": ({"lip_gap": 1.0, "mouth_width": -0.4}, -0.18, 0.3),
        "mouthPucker": ({"mouth_width": 1.0, "lip_thrust": 0.5}, 0.58, 0.44),
        **_sides("mouthSmile", {"corner_out_*": 1.0, "corner_lift_*": 1.4}, 0.28, 0.56),
        **_sides("eyeBlink", {"lid_gap_*": 1.0}, 0.27, 0.1),
        "browInnerUp": ({"inner_brow_left": 0.5, "inner_brow_right": 0.5}, 0.225, 0.32),
        **_sides("browOuterUp", {"outer_brow_*": 1.0}, 0.185, 0.28),
        **_sides(
            "browDown", {"outer_brow_*": 1.0, "inner_brow_*": 0.3, "brow_gap": 0.5}, 0.4, 0.28
        ),
        "eyeLookOutLeft": ({"gaze_x_left": 1.0}, 0.065, 0.7),
        "eyeLookInLeft": ({"gaze_x_left": 1.0}, 0.065, -0.6),
        "eyeLookOutRight": ({"gaze_x_right": 1.0}, -0.065, -0.7),
        "eyeLookInRight": ({"gaze_x_right": 1.0}, -0.065, 0.6),
        **_sides("eyeLookUp", {"gaze_y_*": 1.0}, 0.125, 0.45),
        **_sides("eyeLookDown", {"gaze_y_*": 1.0}, 0.125, -0.2),
    }
)
"""ARKit channel -> weights of measures, sum on a neutral face, sum at full expression."""

VERSION = "1"
"""Rises when the rules change."""


@cache
def fingerprint() -> str:
    """SHA-256 of the rules: what weights are to a trained head."""
    return hashlib.sha256(json.dumps(dict(CHANNELS)).encode()).hexdigest()


_WEIGHTS = np.array(
    [[rule[0].get(name, 0.0) for name in MEASURES] for rule in CHANNELS.values()], np.float64
)
_NEUTRAL = np.array([rule[1] for rule in CHANNELS.values()])
_SPAN = np.array([rule[2] - rule[1] for rule in CHANNELS.values()])
_TARGETS: Int[Array, "n"] = np.array([index_of(name) for name in CHANNELS])


def expression(measures: Float[Array, "19"]) -> Float32[Array, "52"]:
    """ARKit channels 0..1 of :func:`measure`; NaN for those that this head does not read."""
    values = np.full(len(ARKIT_52), np.nan, np.float32)
    values[_TARGETS] = np.clip((_WEIGHTS @ measures - _NEUTRAL) / _SPAN, 0.0, 1.0)
    return values


_LIPS = np.array([13, 14, 82, 87, 312, 317, 78, 308])


def mouth_openness(aligned: Float[Array, "478 3"]) -> float:
    """Gap between the inner lips over the width of the inner mouth: about 0.04 when closed.

    Args:
        aligned: head frame, any unit.
    """
    a, b, c, d, e, f, right, left = aligned[_LIPS].tolist()
    gap = (math.dist(a, b) + math.dist(c, d) + math.dist(e, f)) / 3
    return gap / math.dist(right, left)


class MouthSwitch:
    """Open or closed, with hysteresis so that a mouth at the threshold does not flicker.

    Args:
        threshold: :func:`mouth_openness` above which the mouth is open, above 0.
        hysteresis: share of the threshold by which openness must fall below it to close, 0..1.

    Raises:
        InputError: a threshold or a hysteresis out of range.
    """

    def __init__(self, threshold: float = 0.12, hysteresis: float = 0.25) -> None:
        if not (math.isfinite(threshold) and threshold > 0):
            raise InputError(f"the mouth threshold must be above 0 and finite, got {threshold}")
        if not 0 <= hysteresis < 1:
            raise InputError(f"the hysteresis of the mouth must be in 0..1, got {hysteresis}")
        self.threshold = threshold
        self.hysteresis = hysteresis
        self._open = False

    def __call__(self, openness: float) -> bool:
        """The decision for the next value of a stream."""
        closing = self.threshold * (1 - self.hysteresis)
        self._open = openness > (closing if self._open else self.threshold)
        return self._open


CONFIGURAL = MappingProxyType(
    {
        "c1 inner brow raiser": ((21,), (39,)),
        "c4 inner brow raiser": ((26,), (45,)),
        "c5 upper lid raiser": ((19, 20), (37, 38)),
        "c6 upper lid raiser": ((23, 24), (43, 44)),
        "c7 brow lowerer": ((21,), (22,)),
        "c8 lid tightener": ((37, 38), (40, 41)),
        "c9 lid tightener": ((43, 44), (46, 47)),
        "c10 nose wrinkler": ((27,), (29,)),
        "c11 upper lip raiser": ((60,), (65,)),
        "c12 upper lip raiser": ((62,), (63,)),
        "c13 upper lip raiser": ((32,), (50,)),
        "c14 upper lip raiser": ((33,), (51,)),
        "c15 upper lip raiser": ((34,), (52,)),
        "c16 upper lip raiser": ((41,), (48,)),
        "c17 upper lip raiser": ((46,), (54,)),
        "c18 corner puller": ((48,), (54,)),
        "c19 corner puller": ((39, 40, 41), (48,)),
        "c20 corner puller": ((42, 47, 46), (54,)),
        "c21 jaw drop": ((51,), (57,)),
        "c22 jaw drop": ((50,), (58,)),
        "c23 jaw drop": ((52,), (56,)),
    }
)
"""AUFART's configural features: two groups of iBUG points whose midpoints are compared.

The paper prints ``(a - b) / 2`` where the sense, as in c19, is the midpoint of a and b; midpoints
are used. c2 and c3 are not printed in it. Brow lowerer, lid tightener and others share features.
"""


def _averages(groups: list[tuple[int, ...]]) -> Float[Array, "n 478"]:
    weights = np.zeros((len(groups), 478))
    for row, group in zip(weights, groups, strict=True):
        row[IBUG_68[list(group)]] = 1 / len(group)
    return weights


_CONFIGURAL = _averages([a for a, _ in CONFIGURAL.values()]) - _averages(
    [b for _, b in CONFIGURAL.values()]
)


def configural_features(aligned: Float[Array, "478 3"]) -> dict[str, float]:
    """Distances of :data:`CONFIGURAL` by name, over the distance of the outer eye corners.

    Args:
        aligned: head frame, any unit.
    """
    unit = float(np.linalg.norm(aligned[_EYE_OUTER[0]] - aligned[_EYE_OUTER[1]]))
    lengths = np.linalg.norm(_CONFIGURAL @ aligned, axis=1) / unit
    return dict(zip(CONFIGURAL, map(float, lengths), strict=True))
