from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.channels import ARKIT_52
from mien.errors import InputError
from mien.lab.datasets.samples import Samples
from mien.lab.material import Material, gather

from .conftest import recipe

NOWHERE = Path("nowhere")


def source(**changes: Any) -> dict[str, Any]:
    return {"name": "made", "options": {"people": 8, "each": 2}, **changes}


def test_sources_come_one_after_the_other_with_their_weights() -> None:
    other = source(weight=0.5, options={"people": 4, "each": 1, "seed": 1})
    both = gather(recipe(data={"sources": [source(), other]}), NOWHERE)
    assert both.weight.tolist() == [1.0] * 16 + [0.5] * 4
    assert both.samples.channels == ARKIT_52


def test_a_source_teaches_what_it_is_asked_to() -> None:
    some = gather(recipe(data={"sources": [source(targets=["jawOpen", "cheekPuff"])]}), NOWHERE)
    known = ~np.isnan(some.samples.target).all(0)
    assert {c for c, k in zip(ARKIT_52, known, strict=True) if k} == {"jawOpen", "cheekPuff"}


def test_engines_are_chosen() -> None:
    options = {"people": 2, "each": 1, "engines": ["a", "b"]}
    some = gather(recipe(data={"sources": [source(options=options, engines=["b"])]}), NOWHERE)
    assert set(some.samples.engine) == {"b"}


def test_a_source_of_weight_0_is_for_tests_only() -> None:
    other = source(weight=0, options={"people": 30, "each": 1, "seed": 1})
    both = gather(recipe(data={"sources": [source(), other]}), NOWHERE)
    assert all(s.startswith("made-0") for s in both.part("train").samples.subjects)
    assert any(s.startswith("made-1") for s in both.part("test").samples.subjects)


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ([source(name="mad")], "no data set 'mad'; did you mean"),
        ([source(engines=["facemesh"])], "no landmarks of facemesh; there are those of exact"),
        ([source(options={"output": "morphable"})], "made knows mode0, .*expression is about"),
    ],
)
def test_sources_that_cannot_be_used(sources: list[Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        gather(recipe(data={"sources": sources}), NOWHERE)


def test_an_empty_part_says_how_people_are_assigned(made: Material) -> None:
    alone = made.samples.select(np.array(made.samples.subjects) == made.samples.subjects[0])
    few = Material(alone, np.ones(len(alone)), np.zeros(len(alone), bool))
    empty = next(s for s in ("train", "validation", "test") if s not in alone.split)
    with pytest.raises(InputError, match=f"the {empty} part is empty: .* of 1 people"):
        few.part(empty)


def test_nobody_is_on_both_sides(monkeypatch: pytest.MonkeyPatch, made: Material) -> None:
    some = made.samples.select([0, 1])
    assert some.subjects[0] == some.subjects[1]
    values = {name: getattr(some, name) for name in Samples.__dataclass_fields__}
    torn = Samples(**values | {"split": ["train", "test"]})
    monkeypatch.setattr("mien.lab.datasets.read", lambda *_: torn)
    with pytest.raises(InputError, match="is in the train part and in the test part"):
        gather(recipe(), NOWHERE)
