"""The page about a recipe's keys is whole, and is that of the classes."""

from __future__ import annotations

import itertools
import typing
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")

from mien.errors import MienError
from mien.lab import datasets, keys, nets
from mien.lab.recipe import DataRecipe, NetRecipe, Recipe, load

ROOT = Path(__file__).parents[2]


def tables(cls: type[Any]) -> set[type[Any]]:
    """All dataclasses that a recipe is made of."""
    found = {cls}
    for hint in typing.get_type_hints(cls).values():
        for part in (hint, *typing.get_args(hint)):
            if is_dataclass(part):
                found |= tables(typing.cast("type[Any]", part))
    return found


def sections(page: str) -> dict[str, str]:
    parts = [part.partition("\n") for part in page.replace("\n### ", "\n## ").split("\n## ")]
    return {title: text for title, _, text in parts}


def test_every_table_and_every_key_is_told() -> None:
    page = sections(keys.page())
    told = {cls: page[title] for title, (cls, _) in keys.TABLES.items()}
    assert set(told) == tables(Recipe) - {NetRecipe, DataRecipe}
    told |= {nets._KINDS[kind][1]: page[f"kind = {kind}"] for kind in nets.kinds()}
    told |= {
        keys.OPTIONS[name]: text
        for title, text in page.items() for name in title.split(", ") if name in keys.OPTIONS
    }  # fmt: skip
    assert set(keys.OPTIONS.values()) <= set(told)
    for cls, text in told.items():
        hints = typing.get_type_hints(cls)
        names = {f.name for f in fields(cls) if not is_dataclass(hints[f.name])}
        rows = {line.split("`")[1] for line in text.splitlines() if line.startswith("| `")}
        assert rows == names, cls


def test_every_data_set_has_its_options() -> None:
    assert set(keys.OPTIONS) == set(datasets.names())


def test_what_is_told_of_a_key() -> None:
    page = sections(keys.page())
    row = "| `kind` | `mse`, `l1`, `huber`, `wing`"
    assert row in page["[loss]"]
    assert "| `lr` | number | `0.001` | highest learning rate. |" in page["[train]"]
    assert (
        "| `name` | text |  | as registered in `mien.lab.datasets`. |" in page["[[data.sources]]"]
    )
    assert "| `points` | list of text or whole number | `[]` | regions of" in page["kind = mlp"]


def test_a_key_that_nobody_explains_is_an_error() -> None:
    @dataclass
    class Odd:
        """Odd.

        Attributes:
            one: is told
                in two lines.
        """

        one: int = 1
        two: int = 2

    assert keys._told(Odd) == {"one": "is told in two lines."}
    with pytest.raises(MienError, match="Odd does not explain two"):
        keys._table(Odd)


def test_the_committed_page_is_that_of_the_classes() -> None:
    page = ROOT / "docs" / "recipe.md"
    assert page.read_text("utf-8") == keys.page(), "run `mien report`"


@pytest.mark.parametrize("path", sorted((ROOT / "recipes").glob("*.toml")), ids=lambda p: p.stem)
def test_the_head_of_a_recipe_says_how_it_is_trained(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    said = "\n".join(itertools.takewhile(lambda line: line.startswith("#"), lines))
    sources = {source.name for source in load(path).data.sources}
    for action in ("train", "evaluate"):
        command = f"mien {action} {path.relative_to(ROOT).as_posix()}"
        assert command + ("" if sources == {"made"} else " --data DATA") in said
    pictures = sources & {"faces", "fer2013", "faces-tddfa"}
    assert ("mien pull face_landmarker" in said) == bool(pictures)
