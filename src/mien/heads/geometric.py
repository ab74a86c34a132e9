"""Expression read off the landmarks with a ruler: no training, every number can be explained.

The points are laid on the canonical face by their rigid part first, so position, size and turn of
the head are gone; lengths are in units of the distance between the outer eye corners. A channel is
a weighted sum of measures that runs linearly from its value on a neutral face (0) to its value on
a full expression (1). It is the baseline that trained heads must beat.

Neutral values are medians over 3,239 photographs labelled neutral, full values lie at the edge
(about the 99th percentile) of what 6,491 photographs show.
"""

from __future__ import annotations

import math
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
    "MouthSwitch",
    "configural_features",
    "expression",
    "measure",
    "mouth_openness",
]

_EYE_OUTER = (33, 263)  # right, left
_LIP_GAPS = ((13, 14), (82, 87), (312, 317))
_LID_GAPS = ((160, 144), (159, 145), (158, 153), (387, 373), (386, 374), (385, 380))
# Every distance that is needed, measured in one go: first ends, second ends.
_FROM, _TO = np.array(
    [_EYE_OUTER, *_LIP_GAPS, *_LID_GAPS, (61, 291), (78, 308), (33, 133), (263, 362), (107, 336)]
).T

MEASURES = (
    "lip_gap",  # between the inner lips
    "mouth_width",
    "lip_thrust",  # lips in front of the corners of the mouth
    "jaw_drop",  # tip of the nose above the chin
    "brow_gap",  # between the brows
    "mouth_openness",  # lip gap over the width of the inner mouth
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


def measure(aligned: Float[Array, "478 3"]) -> Float[Array, "20"]:
    """Lengths that expressions change, in the order of :data:`MEASURES`.

    Args:
        aligned: head frame (x to the subject's left, y up, z forward), any unit.
    """
    p = np.asarray(aligned, np.float64)
    spans = p[_FROM] - p[_TO]
    d = np.sqrt(np.einsum("ij,ij->i", spans, spans))
    unit, lips = float(d[0]), d[1:4].mean()
    mouth, inner_mouth, right_eye, left_eye, brows = d[10:15]
    middle = (p[13] + p[14]) / 2
    eyes = (p[[33, 263]] + p[[133, 362]]) / 2
    gaze = (p[[468, 473]] - eyes)[:, :2] / (np.array([[right_eye], [left_eye]]) / 2)
    inner = p[_INNER_BROW, 1].mean(axis=1) - eyes[:, 1]
    outer = p[_OUTER_BROW, 1].mean(axis=1) - eyes[:, 1]
    corners = p[[61, 291]] - middle
    return np.array(
        [
            lips / unit,
            mouth / unit,
            (p[0, 2] + p[17, 2] - p[61, 2] - p[291, 2]) / (2 * unit),
            (p[1, 1] - p[152, 1]) / unit,
            brows / unit,
            lips / inner_mouth,
            d[4:7].mean() / right_eye,
            d[7:10].mean() / left_eye,
            corners[0, 1] / unit,
            corners[1, 1] / unit,
            -corners[0, 0] / unit,
            corners[1, 0] / unit,
            inner[0] / unit,
            inner[1] / unit,
            outer[0] / unit,
            outer[1] / unit,
            gaze[0, 0],
            gaze[1, 0],
            gaze[0, 1],
            gaze[1, 1],
        ]
    )


_INNER_BROW = np.array([[55, 107, 66], [285, 336, 296]])
_OUTER_BROW = np.array([[70, 63, 46, 53], [300, 293, 276, 283]])


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

_WEIGHTS = np.array(
    [[rule[0].get(name, 0.0) for name in MEASURES] for rule in CHANNELS.values()], np.float64
)
_NEUTRAL = np.array([rule[1] for rule in CHANNELS.values()])
_SPAN = np.array([rule[2] - rule[1] for rule in CHANNELS.values()])
_TARGETS: Int[Array, "n"] = np.array([index_of(name) for name in CHANNELS])


def expression(measures: Float[Array, "20"]) -> Float32[Array, "52"]:
    """ARKit channels 0..1 of :func:`measure`; NaN for those that this head does not read."""
    values = np.full(len(ARKIT_52), np.nan, np.float32)
    values[_TARGETS] = np.clip((_WEIGHTS @ measures - _NEUTRAL) / _SPAN, 0.0, 1.0)
    return values


def mouth_openness(measures: Float[Array, "20"]) -> float:
    """Gap between the inner lips over the width of the inner mouth: about 0.04 when closed."""
    return float(measures[MEASURES.index("mouth_openness")])


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
