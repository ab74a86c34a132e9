"""Model cards of the heads that ship, and what they admit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mien import heads
from mien.errors import InputError
from mien.heads.spec import HeadSpec
from mien.lab import evaluate
from mien.lab.card import SOURCES, card
from mien.lab.recipe import load

ROOT = Path(__file__).parents[2]
NAMES = sorted(heads.shipped())
# The head of emotions has its words from mien.lab.emotions.ship, and its recipe another name.
REWORDED = [name for name in NAMES if heads.shipped()[name].output != "emotion"]


def results() -> dict[str, Any]:
    try:
        return {table["head"]: table for table in evaluate.read_results(ROOT / "results")}
    except InputError:
        return {}


@pytest.mark.parametrize("name", REWORDED)
def test_descriptions_say_what_the_recipes_say(name: str) -> None:
    spec, recipe = heads.shipped()[name], load(ROOT / "recipes" / f"{name}.toml")
    assert (spec.about, tuple(spec.notes)) == (recipe.export.about, recipe.export.notes)
    told = spec.recipe["settings"]["export"]
    assert (told["about"], tuple(told["notes"])) == (spec.about, tuple(spec.notes)), (
        "run `mien report`"
    )


@pytest.mark.parametrize("name", NAMES)
def test_committed_cards_are_those_of_the_committed_results(name: str) -> None:
    page = ROOT / "docs" / "models" / f"{name}.md"
    size = heads.path(name).stat().st_size
    spec = HeadSpec.read(heads.path(name).with_suffix(".json"))
    assert page.read_text("utf-8") == card(spec, results().get(name), size), "run `mien report`"


@pytest.mark.parametrize("name", NAMES)
def test_every_data_set_has_terms(name: str) -> None:
    spec = heads.shipped()[name]
    assert set(spec.data) <= set(SOURCES)
    page = card(spec, None, 1)
    for source in spec.data:
        assert f"| {source} | {SOURCES[source][0]} | {SOURCES[source][1]} |" in page


def test_the_head_of_emotions_says_how_sure_and_how_right_it_is() -> None:
    name = heads.resolve("auto", "emotion")
    assert name is not None
    spec = heads.shipped()[name]
    page = card(spec, None, 1)
    assert "PublicTest" in spec.calibrated_on
    scores = spec.scores["PublicTest"]
    assert f"{100 * scores['accuracy']:.1f} %" in page
    assert scores["calibration_error"] < scores["calibration_error_before"]
    assert scores["pictures"] == 3589
    assert "not a feeling" in " ".join(spec.notes)


def row(**changes: Any) -> dict[str, Any]:
    channel = {"count": 9, "std": 0.2, "r": 0.9}
    return {
        "source": "faces", "engine": "facemesh", "split": "test", "samples": 90, "subjects": 9,
        "mse": 0.1, "r": 0.9, "mae": 0.1, "r2": 0.8, "channels": {"jawOpen": channel},
    } | changes  # fmt: skip


def channel(**changes: Any) -> dict[str, Any]:
    return {"channels": {"jawOpen": {"count": 9, "std": 0.2, "r": 0.9} | changes}}


@pytest.mark.parametrize(
    ("sets", "told"),
    [
        ([row()], None),
        ([row(r=0.4, r2=-0.1)], "- `faces`, facemesh: mean r 0.400, R2 -0.100."),
        ([row(r=None, r2=None)], None),  # no channel varies
        ([row(), row(split="all", r=0.1)], None),
        ([row(**channel(r=0.5))], "- Channels on `faces`, facemesh, by r: jawOpen 0.500."),
        ([row(**channel(r=None))], "- Channels on `faces`, facemesh, by r: jawOpen 0.000."),
        ([row(**channel(r=0.5, std=0.01))], None),
        ([row(**channel(r=None, count=0))], None),
        ([row(calibration={"ratio": 0.9})], None),
        ([row(calibration={"ratio": None})], None),
        ([row(calibration={"ratio": 1.01})], "after / before is 1.010."),
    ],
)
def test_weak_results_are_pointed_at(sets: list[dict[str, Any]], told: str | None) -> None:
    spec = heads.shipped()[REWORDED[0]]
    page = card(spec, {"sha256": spec.sha256, "sets": sets}, 1)
    assert ("## Where it is weak" in page) == (told is not None)
    assert told is None or told in page
    assert "## Where it is weak" not in card(spec, {"sha256": "0", "sets": sets}, 1)


def test_a_strange_data_set_has_no_terms_that_we_know() -> None:
    spec = heads.shipped()[REWORDED[0]]
    table = json.loads(heads.path(REWORDED[0]).with_suffix(".json").read_text("utf-8"))
    table["data"] = {"mine": {"train": {"faces": 2, "people": 1}}}
    page = card(HeadSpec.from_dict(table), None, 1)
    assert "| mine | - | ask whoever made it |" in page
    assert "for research" not in page
    assert "for research" in card(spec, None, 1)
