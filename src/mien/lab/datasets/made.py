"""Faces made of the canonical one, with every truth known: for tests, and to try a recipe out.

A person is the canonical face with smooth bumps of its own. A channel is a smooth displacement of
the points that expression moves, drawn at random, the same for everybody and mirrored for the other
side. Nothing here resembles a person; a net that learns it has only shown that the workshop works.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ...arrays import Array, Float, RGBImage
from ...channels import ARKIT_52
from ...channels import MIRROR as MIRRORED_CHANNELS
from ...errors import InputError
from ...geometry import matrix_from_euler, project
from ...topology import CANONICAL, MIRROR, RIGID
from ..strict import typed
from . import register, register_pictures
from .samples import CHANNELS_OF, NEUTRAL_TURNED, Samples, aligned_of

__all__ = ["Options", "make"]

_SIZE = (640, 480)
_WORLD = 52  # seed of the expressions, which are the same in every data set that is made
_SPREAD = 1.6  # centimetres; how far a bump reaches
_SIDES = np.array([-1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Options:
    """What a recipe can ask for.

    Attributes:
        people: how many.
        each: faces of each of them.
        output: whose channels the truth is about.
        engines: names under which every face appears, each with noise of its own.
        noise: standard deviation of the points, centimetres.
        turn: largest yaw; pitch goes half as far.
        leak: centimetres by which the points are off at 30 degrees of yaw, as engines are.
        turned: faces of each person that are neutral and turned, as source ``neutral-turned``.
        extra: how many further inputs.
        seed: other people, the same expressions.
    """

    people: int = 24
    each: int = 24
    output: Literal["expression", "morphable"] = "expression"
    engines: tuple[str, ...] = ("exact",)
    noise: float = 0.02
    turn: float = 25.0
    leak: float = 0.0
    turned: int = 0
    extra: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        least = {"people": 1, "each": 1, "noise": 0, "turn": 0, "turned": 0, "extra": 0, "seed": 0}
        for name, value in least.items():
            if getattr(self, name) < value:
                raise InputError(f"{name} is {value} or more, got {getattr(self, name)}")
        if not self.engines or len(set(self.engines)) < len(self.engines):
            raise InputError(f"engines are at least one, each once; got {self.engines}")


@register("made")
def read(_: Path, options: Mapping[str, Any]) -> Samples:
    """The data set as a source of a recipe; it lies in no folder."""
    return make(typed(Options, options, "options of made"))


def make(options: Options) -> Samples:
    """The same options give the same faces."""
    world = np.random.default_rng(_WORLD)
    shapes = _expressions(world, options.output)
    slant = _bumps(world, 1)[0]
    random = np.random.default_rng(options.seed)
    bumps = 0.35 * _bumps(random, options.people)
    faces = [
        (person, turned)
        for person in range(options.people)
        for turned in [False] * options.each + [True] * options.turned
    ]
    values = np.zeros((len(faces), len(shapes)))
    pixels = np.empty((len(faces), len(options.engines), len(CANONICAL), 3), np.float32)
    for i, (person, turned) in enumerate(faces):
        if not turned:
            values[i] = _weights(random, len(shapes), options.output)
        yaw, rotation, scale, centre = _pose(random, options.turn)
        face = CANONICAL + bumps[person] + np.tensordot(values[i], shapes, 1)
        face = face + options.leak * yaw / 30 * slant
        for j in range(len(options.engines)):  # the same face, seen with other errors
            seen = face + random.normal(0, options.noise, face.shape)
            pixels[i, j] = project(seen, rotation, centre, scale)
    target = values.astype(np.float32)
    if options.output == "expression":
        target[:, ARKIT_52.index("tongueOut")] = np.nan  # nobody sees it
    target[[turned for _, turned in faces]] = np.nan
    extra = random.normal(size=(len(faces), options.extra)).astype(np.float32)
    aligned, rotations = aligned_of(pixels.reshape(-1, *CANONICAL.shape))
    each = [i for i in range(len(faces)) for _ in options.engines]
    subjects = [f"made-{options.seed}-{person:03}" for person, _ in faces]
    return Samples(
        names=[f"{subjects[i]}/{i:05}" for i in each],
        subjects=[subjects[i] for i in each],
        engine=[engine for _ in faces for engine in options.engines],
        source=[NEUTRAL_TURNED if faces[i][1] else "made" for i in each],
        aligned=aligned,
        rotation=rotations,
        pixels=pixels.reshape(-1, *CANONICAL.shape),
        size=np.tile(np.array(_SIZE, np.int32), (len(each), 1)),
        target=target[each],
        channels=CHANNELS_OF[options.output],
        extra=extra[each] if options.extra else None,
    )


def _bumps(random: np.random.Generator, count: int) -> Float[Array, "count 478 3"]:
    """Smooth displacements of about a centimetre at their highest, four bumps each."""
    centres = CANONICAL[random.integers(0, len(CANONICAL), (count, 4))]
    away = np.linalg.norm(CANONICAL[None, None] - centres[:, :, None], axis=-1)
    heights = np.exp(-0.5 * (away / _SPREAD) ** 2)
    directions = random.normal(0, 0.5, (count, 4, 3))
    moved: Array = np.einsum("cbp,cbd->cpd", heights, directions)
    return moved


def _expressions(random: np.random.Generator, output: str) -> Float[Array, "c 478 3"]:
    shapes = _bumps(random, len(CHANNELS_OF[output]))
    shapes[:, RIGID] = 0
    if output == "expression":
        for channel, other in enumerate(MIRRORED_CHANNELS):
            mirrored = shapes[channel][MIRROR] * _SIDES
            if channel == other:
                shapes[channel] = (shapes[channel] + mirrored) / 2
            elif channel < other:
                shapes[other] = mirrored
        shapes[ARKIT_52.index("tongueOut")] = 0
    return shapes


def _weights(random: np.random.Generator, count: int, output: str) -> Float[Array, "count"]:
    if output == "morphable":
        return random.normal(0, 0.5, count)
    return random.uniform(0, 1, count) * (random.uniform(size=count) < 0.3)


def _pose(random: np.random.Generator, turn: float) -> tuple[float, Array, float, Array]:
    yaw, pitch, roll = random.uniform(-1, 1, 3) * (turn, turn / 2, 15.0)
    width, height = _SIZE
    centre = np.array([*(random.uniform(0.4, 0.6, 2) * (width, height)), 0.0])
    return float(yaw), matrix_from_euler(yaw, pitch, roll), float(random.uniform(10, 20)), centre


@register_pictures("made")
def picture(_: Path, name: str) -> RGBImage:
    """A stand-in for the photograph: plain grey, lighter or darker by the name."""
    width, height = _SIZE
    return np.full((height, width, 3), 90 + sum(name.encode()) % 100, np.uint8)
