from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from mien.channels import ARKIT_52
from mien.errors import InputError
from mien.lab.recipe import Recipe, difference, load
from mien.lab.strict import typed

GOOD = """
name = "head"

[[data.sources]]
name = "made"

[net]
kind = "mlp"
hidden = 32
"""


def read(text: str, folder: Path) -> Recipe:
    path = folder / "head.toml"
    path.write_text(text, "utf-8")
    return load(path)


def test_defaults_stand_where_a_recipe_says_nothing(tmp_path: Path) -> None:
    recipe = read(GOOD, tmp_path)
    assert (recipe.name, recipe.output, recipe.seed) == ("head", "expression", 0)
    assert recipe.channels == ARKIT_52
    assert recipe.net.kind == "mlp"
    assert recipe.net.options == {"hidden": 32}
    assert recipe.data.sources[0].weight == 1.0
    assert recipe.train.optimizer == "adamw"


def test_a_recipe_survives_being_written_and_read(tmp_path: Path) -> None:
    recipe = read(GOOD + "[train]\nlr = 1\n[export]\nnotes = ['one', 'two']\n", tmp_path)
    assert isinstance(recipe.train.lr, float)  # 1 is a number too
    again = typed(Recipe, recipe.as_dict())
    assert again == recipe
    assert again.as_dict() == recipe.as_dict()


def test_the_tiny_recipe_names_only_what_there_is(tiny_toml: Path) -> None:
    assert load(tiny_toml).name == "tiny"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "name is missing"),
        ('name = "x"', "data is missing"),
        ("name =", "is no TOML"),
        (GOOD.replace('name = "head"', "name = 3"), "name is a text, got 3"),
        (GOOD.replace('"head"', '"../head"'), "name becomes the name of files"),
        (GOOD + "[trian]\n", "trian is not a key of a recipe here; did you mean train?"),
        (GOOD + "[train]\nepoch = 3\n", "[train] epoch is not a key of a recipe here; did you"),
        (GOOD + "[train]\nzzz = 3\n", "known: optimizer, lr"),
        (GOOD + "[train]\nepochs = 3.5\n", "train.epochs is a whole number, got 3.5"),
        (GOOD + "[train]\nepochs = true\n", "train.epochs is a whole number, got True"),
        (GOOD + "[train]\nepochs = 0\n", "[train] epochs is 1 or more, got 0"),
        (GOOD + "[train]\nthreads = 100000\n", "[train] threads is 1..1024, got 100000"),
        (GOOD + "[train]\nlr = 'fast'\n", "train.lr is a number, got 'fast'"),
        (GOOD + "[train]\nlr = 0\n", "[train] lr is above 0"),
        (GOOD + "[train]\nema = 1\n", "[train] ema is in 0..1"),
        (GOOD + "[train]\nclip = -1\n", "[train] clip is 0 or more"),
        (GOOD + "[train]\noptimizer = 'sgd'\n", "train.optimizer is one of adam, adamw; got 'sgd'"),
        (GOOD + "[train]\nmixed_precision = 1\n", "train.mixed_precision is true or false"),
        (GOOD + "[loss]\nkind = 'mae'\n", "loss.kind is one of mse, l1, huber, wing"),
        (GOOD + "[loss]\nwidth = 0\n", "[loss] width is above 0"),
        (GOOD + "[augment]\nmirror = 2\n", "[augment] mirror is a probability"),
        (GOOD + "[augment]\nnoise = -0.1\n", "[augment] noise is 0 or more"),
        (GOOD + "[augment]\nnoise = inf\n", "augment.noise is a finite number, got inf"),
        (GOOD + "[loss]\nwidth = nan\n", "loss.width is a finite number, got nan"),
        (GOOD + "[train]\nlr = 1e999\n", "train.lr is a finite number, got inf"),
        (GOOD.replace('"made"', '"made"\nweight = inf'), "sources[0].weight is a finite number"),
        ("seed = -1\n" + GOOD, "seed is in 0..9223372036854775807, got -1"),
        ("seed = 9223372036854775808\n" + GOOD, "seed is in 0..9223372036854775807, got"),
        (GOOD + "[augment]\nmixup = 0.6\n", "[augment] mixup is in 0..0.5"),
        (GOOD + "[export]\nopset = 9\n", "[export] opset is in 17..20"),
        (GOOD + "[export]\nnotes = 'one'\n", "export.notes is a list, got 'one'"),
        (GOOD + "[export]\ndead = ['cheekPuf']\n", "did you mean cheekPuff"),
        ('net = 3\nname = "x"\n[[data.sources]]\nname = "made"\n', "net is a table, got 3"),
        (GOOD.replace("[[data.sources]]", "[data]"), "[data] name is not a key"),
        ('name = "x"\n[net]\nkind = "mlp"\n[data]\nsources = []\n', "nothing to train on"),
        (GOOD.replace('"made"', '"made"\nweight = 0'), "nothing to train on"),
        (GOOD.replace('"made"', '"made"\nweight = -1'), "weight of made is 0 or more"),
        (GOOD.replace('"made"', '"made"\nengines = [1]'), "data.sources[0].engines[0] is a text"),
        (GOOD.replace('"made"', '"made"\noptions = 1'), "data.sources[0].options is a table"),
        (GOOD.replace('"made"', '"made"\ntargets = ["jawOpn"]'), "did you mean jawOpen"),
        (GOOD.replace('kind = "mlp"', ""), "[net] kind is missing"),
        ('output = "morphable"' + GOOD + "[augment]\nmirror = 0.5\n", "no left and right"),
    ],
)
def test_what_cannot_be_used_is_named(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        read(text, tmp_path)
    assert "head.toml" in str(caught.value)


def sources(*tables: dict[str, Any]) -> Recipe:
    return typed(Recipe, {"name": "x", "net": {"kind": "mlp"}, "data": {"sources": list(tables)}})


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({}, "faces is listed twice with the same options and engine a"),
        ({"engines": ["b", "a"], "weight": 0.5}, "the same options and engine a"),
        ({"engines": [], "targets": ["jawOpen"]}, "the same options and engine a"),
        ({"options": {}}, ""),
        ({"engines": ["b"]}, ""),
        ({"name": "fer2013"}, ""),
    ],
)
def test_a_source_is_listed_once(other: dict[str, Any], message: str) -> None:
    one = {"name": "faces", "engines": ["a"], "options": {"changes": 2}}
    if not message:
        assert len(sources(one, one | other).data.sources) == 2
        return
    for pair in ((one, one | other), (one | other, one)):
        with pytest.raises(InputError, match=message):
            sources(*pair)
    with pytest.raises(InputError, match="faces is listed twice with the same options; list"):
        sources({"name": "faces"}, {"name": "faces"})


def test_a_missing_recipe_lists_what_lies_beside_it(tmp_path: Path) -> None:
    read(GOOD, tmp_path)
    with pytest.raises(InputError, match=r"no recipe .*hed\.toml; beside it: head\.toml"):
        load(tmp_path / "hed.toml")
    with pytest.raises(InputError, match=r"no recipe .*hed\.toml$"):
        load(tmp_path / "empty" / "hed.toml")
    with pytest.raises(InputError, match="cannot read the recipe"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ({}, {}, []),
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, ["a: 1 there, 2 here"]),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, ["a.b: 1 there, 2 here"]),
        ({"a": 1}, {}, ["a: 1 there, None here"]),
    ],
)
def test_difference(old: dict[str, Any], new: dict[str, Any], lines: list[str]) -> None:
    assert difference(old, new) == lines


def test_every_section_is_explained() -> None:
    from mien.lab import recipe

    for name in (n for n in recipe.__all__ if n.endswith("Recipe")):
        cls = getattr(recipe, name)
        for f in fields(cls):
            assert re.search(rf"\b{f.name}\b", cls.__doc__), f"{name}.{f.name}"
