"""The figure of the documentation: the sample portrait, explained by the head that ships.

python -c 'from mien.lab.explain.figure import write; write("docs/explain.png")'
"""

from __future__ import annotations

from dataclasses import replace
from os import PathLike
from pathlib import Path

from ... import heads
from ...assets import sample_portrait
from ...errors import InputError
from ...heads.spec import HeadSpec
from ...outputs.image import write_image
from ..recipe import Recipe
from ..strict import typed
from . import draw, explaining
from .landmarks import canonical
from .loading import load
from .own import read

__all__ = ["write"]


def write(
    path: str | PathLike[str], towards: tuple[str, ...] = ("neutral", "happy", "sad")
) -> None:
    """Write the figure: the portrait, and a map for each class.

    Args:
        path: of the PNG.
        towards: the classes.

    Raises:
        InputError: no portrait, or no head that ships.
        OutputError: when the system refuses.
    """
    known = heads.resolve("auto", "emotion")
    if known is None:
        raise InputError("no head of emotions ships with this mien")
    spec = HeadSpec.read(heads.path(known).with_suffix(".json"))
    loaded = load(typed(Recipe, spec.recipe["settings"]), head=known)
    found = read([str(sample_portrait())])
    told = explaining.answers(loaded, found.samples)
    (picture,) = found.pictures.values()
    cases = [
        explaining.explain(
            loaded, found.samples, [0], told, canonical(), lambda _: picture, towards=name
        )[0]
        for name in towards
    ]
    maps = tuple(one for case in cases for one in case.maps)
    write_image(Path(path), draw.row(replace(cases[0], maps=maps)))
