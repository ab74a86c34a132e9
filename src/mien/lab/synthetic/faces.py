"""People, expressions and views for made faces, drawn at random with a seed each.

A :class:`Scene` is a person (identity coefficients), an expression (ARKit-52) and a :class:`Shot`
(how the head is turned before which camera). The person's number, the scene's number and its kind
say all of it: what is drawn once is drawn again the same.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from ...arrays import Array, Float, Float32
from ...channels import ARKIT_52, index_of
from ...geometry import matrix_from_euler
from ...retarget.calibrator import PHASES, Phase

__all__ = [
    "ASKED",
    "PIVOT",
    "SHUT_YAW",
    "SIZE",
    "VERSION",
    "Kind",
    "Scene",
    "Shot",
    "expression",
    "full",
    "person",
    "scene",
    "shot",
]

Kind: TypeAlias = Literal["expression", "neutral", "shut", "asked"]
"""``neutral``: a neutral face, turned about; ``shut``: one with both eyes shut, seen from the front
and from :data:`SHUT_YAW` to either side, in turn; ``asked``: :data:`ASKED` faces of a guided
calibration, then expressions, all of them nearly frontal."""

ASKED = 2 * len(PHASES)

SHUT_YAW = 30.0  # degrees
_MARK: dict[Kind, str] = {"expression": "", "neutral": "n", "shut": "b", "asked": "a"}

VERSION = 1
"""Of people, scenes and pictures; what was found in pictures of another version is not used."""

SIZE = 320
"""Width and height of made pictures, pixels."""


PIVOT = np.array([0.0, 0.5, 7.0])
"""Point of the head frame about which heads are turned here, centimetres."""


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """A head before a pinhole camera.

    Attributes:
        yaw, pitch, roll: degrees, see :mod:`mien.geometry`.
        centre: (x, y) in pixels where the head's pivot appears.
        distance: of the pivot from the camera, centimetres.
        focal: focal length in pixels.
    """

    yaw: float
    pitch: float
    roll: float
    centre: tuple[float, float] = (SIZE / 2, SIZE / 2)
    distance: float = 70.0
    focal: float = 560.0

    @property
    def rotation(self) -> Float[Array, "3 3"]:
        """Head frame -> camera axes."""
        return matrix_from_euler(self.yaw, self.pitch, self.roll)

    def camera(self, points: Float[Array, "*n 3"]) -> Float[Array, "*n 3"]:
        """Head-frame points in camera axes relative to the pivot, centimetres."""
        turned: Array = (points - PIVOT) @ self.rotation.T
        return turned

    def project(self, points: Float[Array, "*n 3"]) -> Float32[Array, "*n 3"]:
        """Picture coordinates: perspective in x and y; z in the scale of x at the pivot."""
        at = self.camera(points)
        scale = self.focal / (self.distance - at[..., 2])
        picture = np.empty(at.shape, np.float32)
        picture[..., 0] = self.centre[0] + scale * at[..., 0]
        picture[..., 1] = self.centre[1] - scale * at[..., 1]
        picture[..., 2] = -at[..., 2] * self.focal / self.distance
        return picture


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One made face.

    Attributes:
        person: seed of the person, see :func:`person`.
        number: which of the person's scenes.
        kind: what kind of scene it is.
        expression: float32 (52,), ARKit channels.
        shot: the view.
    """

    person: int
    number: int
    kind: Kind
    expression: Float32[Array, "52"]
    shot: Shot

    @property
    def name(self) -> str:
        """For instance ``ict-12/3``, or ``ict-12/n3`` for a neutral one."""
        return f"ict-{self.person}/{_MARK[self.kind]}{self.number}"

    @property
    def phase(self) -> str | None:
        """The phase of a guided calibration that this scene is of."""
        asked = self.kind == "asked" and self.number < ASKED
        return PHASES[self.number % len(PHASES)].name if asked else None

    @classmethod
    def named(cls, name: str) -> Scene:
        """The scene of this :attr:`name`.

        Raises:
            ValueError: another form of name.
        """
        match = re.fullmatch(r"ict-(\d+)/([nba]?)(\d+)", name)
        if not match:
            raise ValueError(f"a made scene is named ict-12/3 or ict-12/n3, got {name!r}")
        kind = next(kind for kind, mark in _MARK.items() if mark == match[2])
        return scene(int(match[1]), int(match[3]), kind)

    def random(self, what: str) -> np.random.Generator:
        """Random numbers for one purpose, the same each time."""
        digest = hashlib.sha256(f"{what} of {self.name}".encode()).digest()
        return np.random.default_rng(list(digest[:16]))


def scene(seed: int, number: int, kind: Kind = "expression") -> Scene:
    """A person's scene of this number. Neutral ones are turned up to 35 degrees, the first not."""
    rng = np.random.default_rng([seed, number, list(_MARK).index(kind), 11])
    if kind == "expression":
        return Scene(seed, number, kind, expression(rng), shot(rng))
    if kind == "asked":
        view = shot(rng, yaw=20.0, pitch=15.0, roll=10.0)
        phase = PHASES[number % len(PHASES)] if number < ASKED else None
        return Scene(seed, number, kind, expression(rng) if phase is None else full(phase), view)
    values = np.zeros(len(ARKIT_52), np.float32)
    turn = rng.uniform(-1, 1, 3) * (35.0, 35.0, 5.0) * (number > 0)
    if kind == "shut":
        values[[index_of("eyeBlinkLeft"), index_of("eyeBlinkRight")]] = 1
        turn[:2] = (0.0, SHUT_YAW, -SHUT_YAW)[number % 3], 0.0
    yaw, pitch, roll = map(float, turn)
    return Scene(seed, number, kind, values, replace(shot(rng), yaw=yaw, pitch=pitch, roll=roll))


def full(phase: Phase) -> Float32[Array, "52"]:
    """What somebody does who does wholly as they are asked."""
    values = np.zeros(len(ARKIT_52), np.float32)
    values[[index_of(name) for name in phase.channels]] = 1
    return values


def person(seed: int, modes: int = 50, spread: float = 1.0) -> Float32[Array, "i"]:
    """Identity coefficients of the made person of this number: Gaussian, standard deviation 1."""
    drawn = np.random.default_rng([seed, 1]).normal(0.0, spread, modes)
    return np.clip(drawn, -2.5, 2.5).astype(np.float32)


def shot(
    rng: np.random.Generator, yaw: float = 40.0, pitch: float = 30.0, roll: float = 20.0
) -> Shot:
    """A view: mostly near frontal, up to the given limits in degrees."""

    def turn(limit: float) -> float:
        near = rng.normal(0.0, limit / 3) if rng.random() < 0.6 else rng.uniform(-limit, limit)
        return float(np.clip(near, -limit, limit))

    distance = float(np.exp(rng.uniform(np.log(35.0), np.log(150.0))))
    height = rng.uniform(120.0, 190.0)  # pixels that 20 cm of head take
    return Shot(
        turn(yaw), turn(pitch), turn(roll),
        centre=(SIZE / 2 + rng.uniform(-16, 16), SIZE / 2 + rng.uniform(-16, 16)),
        distance=distance,
        focal=height / 20.0 * distance,
    )  # fmt: skip


# Channels that people move together, with the range of each one's part.
_TOGETHER: tuple[dict[str, tuple[float, float]], ...] = (
    {"mouthSmileLeft": (0.6, 1), "mouthSmileRight": (0.6, 1), "cheekSquintLeft": (0, 0.7),
     "cheekSquintRight": (0, 0.7), "eyeSquintLeft": (0, 0.6), "eyeSquintRight": (0, 0.6),
     "mouthDimpleLeft": (0, 0.3), "mouthDimpleRight": (0, 0.3), "jawOpen": (0, 0.4),
     "mouthUpperUpLeft": (0, 0.5), "mouthUpperUpRight": (0, 0.5)},
    {"browInnerUp": (0.3, 1), "browOuterUpLeft": (0.3, 1), "browOuterUpRight": (0.3, 1),
     "eyeWideLeft": (0.2, 1), "eyeWideRight": (0.2, 1), "jawOpen": (0.1, 0.8)},
    {"browDownLeft": (0.4, 1), "browDownRight": (0.4, 1), "eyeSquintLeft": (0.1, 0.8),
     "eyeSquintRight": (0.1, 0.8), "noseSneerLeft": (0, 0.7), "noseSneerRight": (0, 0.7),
     "mouthPressLeft": (0, 0.8), "mouthPressRight": (0, 0.8)},
    {"mouthFrownLeft": (0.4, 1), "mouthFrownRight": (0.4, 1), "browInnerUp": (0, 0.9),
     "mouthShrugLower": (0, 0.8), "mouthLowerDownLeft": (0, 0.3), "mouthLowerDownRight": (0, 0.3)},
    {"noseSneerLeft": (0.4, 1), "noseSneerRight": (0.4, 1), "mouthUpperUpLeft": (0.2, 0.9),
     "mouthUpperUpRight": (0.2, 0.9), "browDownLeft": (0, 0.8), "browDownRight": (0, 0.8),
     "cheekSquintLeft": (0, 0.6), "cheekSquintRight": (0, 0.6)},
    {"mouthPucker": (0.4, 1), "mouthFunnel": (0, 0.6), "cheekPuff": (0, 0.2)},
    {"mouthFunnel": (0.3, 1), "jawOpen": (0, 0.5), "mouthPucker": (0, 0.5)},
    {"jawOpen": (0.3, 1), "mouthLowerDownLeft": (0, 0.5), "mouthLowerDownRight": (0, 0.5),
     "mouthStretchLeft": (0, 0.4), "mouthStretchRight": (0, 0.4)},
    {"mouthStretchLeft": (0.3, 1), "mouthStretchRight": (0.3, 1), "eyeWideLeft": (0, 1),
     "eyeWideRight": (0, 1), "browInnerUp": (0, 1), "jawOpen": (0, 0.5)},
    {"eyeBlinkLeft": (0.8, 1), "eyeBlinkRight": (0.8, 1)},
    {"cheekPuff": (0.4, 1), "mouthPucker": (0, 0.4), "mouthPressLeft": (0, 0.5),
     "mouthPressRight": (0, 0.5)},
    {"mouthRollLower": (0.3, 1), "mouthRollUpper": (0.3, 1), "mouthPressLeft": (0, 0.6),
     "mouthPressRight": (0, 0.6)},
)  # fmt: skip

_LOOKS = tuple(n for n in ARKIT_52 if n.startswith("eyeLook"))
# Not drawn on its own: gaze moves both eyes, mouthClose goes with the jaw, no tongue in the model.
_ALONE = tuple(n for n in ARKIT_52 if n not in (*_LOOKS, "mouthClose", "tongueOut"))
# What Google's model leaves dead is learnt here or nowhere, hence drawn three times as often.
_RARE = ("cheekPuff", "cheekSquintLeft", "cheekSquintRight", "jawForward", "jawLeft", "jawRight",
         "noseSneerLeft", "noseSneerRight")  # fmt: skip
_SHARE = np.array([3.0 if name in _RARE else 1.0 for name in _ALONE])
_SHARE /= _SHARE.sum()
# Half of a pair that excludes the other: nobody opens and shuts one eye.
_EXCLUDE = (
    ("jawLeft", "jawRight"), ("mouthLeft", "mouthRight"),
    ("eyeBlinkLeft", "eyeWideLeft"), ("eyeBlinkRight", "eyeWideRight"),
    ("mouthPucker", "mouthStretchLeft"), ("mouthPucker", "mouthStretchRight"),
    ("mouthSmileLeft", "mouthFrownLeft"), ("mouthSmileRight", "mouthFrownRight"),
)  # fmt: skip


def expression(rng: np.random.Generator) -> Float32[Array, "52"]:
    """A plausible expression: ARKit channels 0..1, tongueOut 0.

    One to five channels, or channels that people move together, or both, or nothing at all; left
    and right nearly alike four times in five; gaze with lids that follow; mouthClose only as far
    as the jaw is open.
    """
    values = np.zeros(len(ARKIT_52), np.float32)

    def raise_to(name: str, value: float) -> None:
        values[index_of(name)] = max(values[index_of(name)], value)

    kind = rng.random()
    if rng.random() < 0.05:
        return values
    if kind > 0.35:
        group = _TOGETHER[rng.integers(len(_TOGETHER))]
        strength = rng.uniform(0.3, 1.0)
        lean = rng.normal(0.0, 0.25) if rng.random() < 0.3 else rng.normal(0.0, 0.05)
        drawn = {_stem(name): rng.uniform(*bounds) for name, bounds in group.items()}
        for name in group:
            side = 1 + lean * (name.endswith("Left") - name.endswith("Right"))
            raise_to(name, float(strength * drawn[_stem(name)] * side))
    if kind < 0.65:
        for name in rng.choice(_ALONE, rng.integers(1, 6), replace=False, p=_SHARE):
            value = float(rng.beta(1.2, 1.0))
            raise_to(name, value)
            other = name.replace("Left", "~").replace("Right", "Left").replace("~", "Right")
            one_sided = ("jawLeft", "jawRight", "mouthLeft", "mouthRight")
            if other != name and name not in one_sided and rng.random() < 0.8:
                raise_to(other, value * float(np.clip(rng.normal(1.0, 0.1), 0.6, 1.4)))
    _gaze(rng, values)
    for one, other in _EXCLUDE:
        i, j = index_of(one), index_of(other)
        values[j if values[i] > values[j] else i] = 0
    jaw = values[index_of("jawOpen")]
    if jaw > 0.05 and rng.random() < 0.3:
        values[index_of("mouthClose")] = jaw * rng.uniform(0.3, 1.0)
    return np.clip(values, 0, 1)


def _stem(name: str) -> str:
    return name.removesuffix("Left").removesuffix("Right")


def _gaze(rng: np.random.Generator, values: Array) -> None:
    """Both eyes look at one place; the channels of each are those of the model's lids too."""
    if rng.random() < 0.35:
        return
    across, up = rng.normal(0.0, 0.4), rng.normal(0.0, 0.35)
    converge = abs(rng.normal(0.0, 0.05))
    for side, sign in (("Left", 1.0), ("Right", -1.0)):
        out = float(np.clip(sign * across - converge, -1, 1))  # towards the eye's own side
        values[index_of(f"eyeLook{'Out' if out > 0 else 'In'}{side}")] = abs(out)
        values[index_of(f"eyeLook{'Up' if up > 0 else 'Down'}{side}")] = min(abs(up), 1.0)
