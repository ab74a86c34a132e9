"""The figure of the documentation: the sample portrait, explained by the heads that ship.

python -c 'from mien.lab.explain.figure import write; write("docs/explain.png")'
"""

from __future__ import annotations

from collections.abc import Sequence
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
from .explaining import Case
from .landmarks import canonical
from .loading import load
from .own import read

__all__ = ["write"]


def write(
    path: str | PathLike[str],
    heat: tuple[str, ...] = ("neutral",),
    moved: tuple[str, ...] = ("neutral", "happy"),
) -> None:
    """Write the figure: the portrait, what in the picture moved one head, what landmarks the other.

    Args:
        path: of the PNG.
        heat: classes of the head that sees pictures, a map for each.
        moved: likewise of the head that sees landmarks alone.

    Raises:
        InputError: no portrait, or no head that ships.
        OutputError: when the system refuses.
    """
    known = heads.resolve("auto", "emotion")
    bare = heads.without_picture(known, "emotion")
    if known is None or bare is None:
        raise InputError("no head of emotions ships with this mien")
    cases = [*_cases(known, heat), *_cases(bare, moved)]
    maps = tuple(one for case in cases for one in case.maps)
    write_image(Path(path), draw.row(replace(cases[-1], maps=maps)))


def _cases(head: str, towards: Sequence[str]) -> list[Case]:
    spec = HeadSpec.read(heads.path(head).with_suffix(".json"))
    loaded = load(typed(Recipe, spec.recipe["settings"]), head=head)
    found = read([str(sample_portrait())])
    told = explaining.answers(loaded, found.samples)
    (picture,) = found.pictures.values()
    return [
        explaining.explain(
            loaded, found.samples, [0], told, canonical(), lambda _: picture, towards=name
        )[0]
        for name in towards
    ]
