"""Made faces of ICT-FaceKit: ``ict``, and drawn ``ict-renders``, ``neutral-turned`` and others.

The data folder holds ``ict-facekit.tar.xz`` or the folder ``ict-facekit`` with ``FaceXModel``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ...arrays import RGBImage
from ...errors import InputError
from ...morphable import LinearFaceModel, ict
from ...zoo import cache as zoo_cache
from ..strict import typed
from ..synthetic import faces, landmarks, noise
from ..synthetic.faces import Kind, Scene
from . import register, register_pictures
from .found import ENGINES
from .samples import ASKED, EYES_SHUT, NEUTRAL_TURNED, Samples, split_of

__all__ = ["Geometric", "Renders", "model_in"]


@dataclass(frozen=True)
class Geometric:
    """What a recipe can ask of ``ict``.

    Attributes:
        people: how many persons, from ``first`` on.
        each: faces of each of them.
        first: seed of the first person.
        engines: whose errors are added, each to a copy of every face; ``exact`` adds none.
        neutral: neutral heads turned about, instead of expressions.
        repeat: another number draws other errors.
    """

    people: int = 1500
    each: int = 10
    first: int = 0
    engines: tuple[str, ...] = ("facemesh",)
    neutral: bool = False
    repeat: int = 0

    def __post_init__(self) -> None:
        _check(self, ("exact", *ENGINES))


@dataclass(frozen=True)
class Renders:
    """What a recipe can ask of the drawn heads. The defaults are those of ``ict-renders``.

    Attributes:
        people: how many persons, from ``first`` on; 300 where a source is for one question only.
            ``asked`` holds those of them alone who are of the test part, about a seventh.
        each: pictures of each of them; 10 neutral ones, 3 with shut eyes, and for ``asked`` those
            that calibrate and 10 others.
        first: seed of the first person.
        engines: landmark engines that look at the pictures.
    """

    people: int = 1500
    each: int = 4
    first: int = 0
    engines: tuple[str, ...] = ("facemesh", "facelandmarker")

    def __post_init__(self) -> None:
        _check(self, ENGINES)


def _check(options: Geometric | Renders, known: tuple[str, ...]) -> None:
    for name, least in (("people", 1), ("each", 1), ("first", 0), ("repeat", 0)):
        if getattr(options, name, least) < least:
            raise InputError(f"{name} is {least} or more, got {getattr(options, name)}")
    chosen = set(options.engines)
    if not chosen or chosen - set(known) or len(chosen) < len(options.engines):
        raise InputError(
            f"engines are some of {', '.join(known)}, each once; got {options.engines}"
        )


@register("ict")
def read_geometric(folder: Path, options: Mapping[str, Any]) -> Samples:
    """Landmarks without pictures."""
    wanted = typed(Geometric, options, "options of ict")
    model = model_in(folder)
    people = range(wanted.first, wanted.first + wanted.people)
    return Samples.concat(
        [
            landmarks.geometric(
                model,
                people,
                wanted.each,
                kind="neutral" if wanted.neutral else "expression",
                noise=None if engine == "exact" else noise.load(engine),
                repeat=wanted.repeat,
            )
            for engine in wanted.engines
        ]
    )


@register("ict-renders")
def read_renders(folder: Path, options: Mapping[str, Any]) -> Samples:
    """Expressions on drawn heads, as the engines see them."""
    return _rendered(folder, typed(Renders, options, "options of ict-renders"), "expression")


@register(NEUTRAL_TURNED)
def read_neutral(folder: Path, options: Mapping[str, Any]) -> Samples:
    """Neutral drawn heads turned about by up to 35 degrees, as the engines see them."""
    return _rendered(folder, _wanted(NEUTRAL_TURNED, options, 10), "neutral")


@register(EYES_SHUT)
def read_shut(folder: Path, options: Mapping[str, Any]) -> Samples:
    """Drawn heads with both eyes shut, from the front and from both sides."""
    return _rendered(folder, _wanted(EYES_SHUT, options, 3), "shut")


@register(ASKED)
def read_asked(folder: Path, options: Mapping[str, Any]) -> Samples:
    """Drawn heads that calibrate and then make others; people of the test part only."""
    return _rendered(folder, _wanted(ASKED, options, faces.ASKED + 10), "asked")


def _wanted(source: str, options: Mapping[str, Any], each: int) -> Renders:
    return typed(Renders, {"people": 300, "each": each} | dict(options), f"options of {source}")


def _rendered(folder: Path, wanted: Renders, kind: Kind) -> Samples:
    people = list(range(wanted.first, wanted.first + wanted.people))
    if kind == "asked":  # a calibration is scored, never learnt
        people = [p for p in people if split_of(f"ict-{p}") == "test"]
        if not people:
            raise InputError(
                f"{ASKED}: none of the {wanted.people} people is of the test part; ask for more"
            )
    return landmarks.rendered(
        model_in(folder),
        people,
        wanted.each,
        wanted.engines,
        kind=kind,
        cache=_cache(),
    )


@register_pictures("ict-renders")
@register_pictures(NEUTRAL_TURNED)
@register_pictures(EYES_SHUT)
@register_pictures(ASKED)
def picture(folder: Path, name: str) -> RGBImage:
    """The picture, drawn again."""
    return landmarks.picture(model_in(folder), Scene.named(name))


@cache
def model_in(folder: Path) -> LinearFaceModel:
    """The face model of a data folder.

    Raises:
        InputError: it is not there; the message says where it was expected and where it is from.
    """
    places = (folder / "ict-facekit.tar.xz", folder / "ict-facekit", folder / "ICT-FaceKit")
    for place in places:
        if place.exists():
            return ict.read(place, _cache())
    raise InputError(
        f"ICT-FaceKit is missing: expected {places[0]}, or its FaceXModel in {places[1]}; "
        "it is published at https://github.com/ICT-VGL/ICT-FaceKit"
    )


def _cache() -> Path:
    return zoo_cache.folder().parent / "made"
