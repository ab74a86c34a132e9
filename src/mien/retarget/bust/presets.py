"""Named expressions, the 11 classic units, and weights that lids and lips can follow."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from ... import assets
from ...arrays import Array, Float32
from ...channels import ARKIT_52, index_of
from ...errors import InputError
from ...model import Model
from ..fusion import Fusion
from ..rigs import RIGS, near, table

__all__ = ["EXPRESSIONS", "UNITS", "Units", "blend", "settled"]

UNITS: tuple[str, ...] = RIGS["units"]
"""The 11 classic expression units; which channels each is made of stands in ``rigs.json``."""


def _weights(**given: float) -> Mapping[str, float]:
    """``mouthSmile_`` is both sides."""
    out: dict[str, float] = {}
    for name, value in given.items():
        sides = ("Left", "Right") if name.endswith("_") else ("",)
        for side in sides:
            out[ARKIT_52[index_of(name.removesuffix("_") + side)]] = value
    return MappingProxyType(out)


EXPRESSIONS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "smile": _weights(mouthSmile_=0.75, cheekSquint_=0.45, eyeSquint_=0.25, mouthDimple_=0.15,
                          browInnerUp=0.1),
        "laugh": _weights(mouthSmile_=1.0, jawOpen=0.45, cheekSquint_=0.8, eyeSquint_=0.55,
                          mouthUpperUp_=0.3, browOuterUp_=0.15, noseSneer_=0.15),
        "surprise": _weights(jawOpen=0.55, browInnerUp=0.9, browOuterUp_=0.9, eyeWide_=0.8,
                             mouthFunnel=0.25),
        "anger": _weights(browDown_=1.0, noseSneer_=0.5, eyeSquint_=0.35, eyeWide_=0.15,
                          mouthPress_=0.6, mouthFrown_=0.45, jawForward=0.25,
                          mouthShrugLower=0.25),
        "sadness": _weights(browInnerUp=1.0, mouthFrown_=0.8, mouthShrugLower=0.45,
                            eyeLookDown_=0.25, eyeSquint_=0.15, mouthLowerDown_=0.05),
        "disgust": _weights(noseSneer_=0.9, mouthUpperUp_=0.55, browDown_=0.55, eyeSquint_=0.5,
                            mouthFrown_=0.4, cheekSquint_=0.35, mouthShrugLower=0.2),
        "fear": _weights(browInnerUp=0.9, browOuterUp_=0.3, browDown_=0.15, eyeWide_=0.85,
                         mouthStretch_=0.8, jawOpen=0.18, mouthLowerDown_=0.25),
        "contempt": _weights(mouthSmileLeft=0.45, mouthDimpleLeft=0.6, mouthPressLeft=0.4,
                             eyeSquint_=0.15, browOuterUpRight=0.25),
        "wink": _weights(eyeBlinkLeft=1.0, mouthSmileLeft=0.65, mouthSmileRight=0.35,
                         cheekSquintLeft=0.4, browOuterUpRight=0.35),
        "kiss": _weights(mouthPucker=0.95, mouthFunnel=0.15, eyeBlink_=0.25, browInnerUp=0.3),
        "tongue": _weights(tongueOut=1.0, jawOpen=0.25, mouthSmile_=0.4, eyeSquint_=0.35,
                           browOuterUp_=0.2),
        "sleepy": _weights(eyeBlink_=0.6, browInnerUp=0.15, mouthFrown_=0.15),
        "thinking": _weights(mouthLeft=0.45, mouthPucker=0.3, browDownRight=0.4,
                             browOuterUpLeft=0.6, eyeLookUp_=0.45, eyeLookInRight=0.3,
                             eyeLookOutLeft=0.3),
    }
)  # fmt: skip
"""Predefined expressions, as weights of ARKit's channels; what is not named is at rest."""


def blend(weights: Float32[Array, "52"], expressions: Mapping[str, float]) -> Float32[Array, "52"]:
    """Expressions blended into what a face does.

    Each draws the channels that it names towards its own weights: fully at 1, not at all at 0.
    Channels that it does not name stay the face's.

    Args:
        weights: in the order of ``channels.ARKIT_52``.
        expressions: how much of which of :data:`EXPRESSIONS`, 0..1.

    Raises:
        InputError: an unknown expression, or an amount that is not in 0..1.
    """
    out = np.array(weights, np.float32)
    for name, amount in expressions.items():
        if name not in EXPRESSIONS:
            raise InputError(f"there is no expression {name!r}; {near(name, tuple(EXPRESSIONS))}")
        if not 0 <= amount <= 1:
            raise InputError(f"{name}: an expression is blended in by 0 to 1, got {amount}")
        for channel, weight in EXPRESSIONS[name].items():
            i = index_of(channel)
            out[i] += np.float32(amount) * (np.float32(weight) - out[i])
    return out


_CLOSING: dict[str, float] = assets.load("bust")["lid_shares"]
"""Share of the opening between the lids that a target takes; a blink takes all of it."""

_LIDS = tuple(
    (
        index_of(f"eyeBlink{side}"),
        np.array([index_of(name + side) for name in _CLOSING]),
        np.array([index_of(f"eyeWide{side}"), index_of(f"eyeLookUp{side}")]),
    )
    for side in ("Left", "Right")
)
_SHARES = np.array(list(_CLOSING.values()), np.float32)


def settled(weights: Float32[Array, "52"]) -> Float32[Array, "52"]:
    """The same weights where lids and lips would otherwise close more than wholly.

    Targets are added up, and a blink is the whole way between the lids: what else closes them gets
    what the blink leaves, and what opens them fades. mouthClose takes back what jawOpen opens, so
    it is at most that.

    Args:
        weights: in the order of ``channels.ARKIT_52``.
    """
    out = np.array(weights, np.float32)
    for blink, closing, opening in _LIDS:
        room = 1 - min(max(float(out[blink]), 0.0), 1.0)
        asked = float(_SHARES @ out[closing])
        if asked > room:
            out[closing] *= room / asked
        out[opening] *= room
    close, opened = index_of("mouthClose"), index_of("jawOpen")
    out[close] = min(out[close], max(out[opened], np.float32(0)))
    return out


class Units:
    """The bust as 11 named units: ``V = V0 + sum w_i (B_i - V0)``.

    Args:
        model: a bust; another model with ARKit's names in its first mesh works as well.
    """

    names = UNITS

    def __init__(self, model: Model) -> None:
        mesh = model.meshes[0]
        recipe = table("units", "arkit52")  # (52, 11)
        self._mesh = mesh
        self._fusions = []
        for primitive in mesh.primitives:
            moves = np.zeros((len(UNITS), len(primitive.positions), 3), np.float32)
            for target in primitive.targets:
                if target.name in ARKIT_52:
                    shares = recipe[index_of(target.name)]
                    for unit in np.flatnonzero(shares):
                        moves[unit, target.vertices] += shares[unit] * target.positions
            self._fusions.append(Fusion(primitive.positions, list(moves)))

    def __call__(self, weights: Float32[Array, "11"]) -> tuple[Float32[Array, "n 3"], ...]:
        """Positions of each primitive of the mesh; overwritten by the next call."""
        return tuple(fusion(weights) for fusion in self._fusions)

    def channels(self, weights: Float32[Array, "11"]) -> Float32[Array, "52"]:
        """The same as weights of the 52 channels, for a renderer that morphs by itself."""
        out: Array = np.clip(table("units", "arkit52") @ weights, 0, 1).astype(np.float32)
        return out
