"""The description of a head says everything that is needed, and nothing that is not understood."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mien.channels import ARKIT_52, EMOTIONS
from mien.errors import InputError
from mien.heads.spec import HeadSpec

GOOD: dict[str, Any] = {
    "name": "arkit52",
    "version": "1",
    "inputs": ["aligned", "rotation"],
    "output": "expression",
    "channels": list(ARKIT_52),
    "sha256": "0" * 64,
    "parameters": 1000,
    "licence": "Apache-2.0",
    "engines": ["facemesh"],
    "dead": ["cheekPuff"],
    "unobservable": ["tongueOut"],
    "recipe": {"seed": 1},
    "data": {"faces": 100},
    "scores": {"faces": {"r": 0.8}},
    "about": "A head.",
    "notes": ["A note."],
    "temperature": 1.0,
    "calibrated_on": "",
}
EMOTION: dict[str, Any] = {
    "output": "emotion", "channels": list(EMOTIONS), "dead": [], "unobservable": [],
    "temperature": 1.4, "calibrated_on": "PublicTest",
}  # fmt: skip
MODES = [f"mode{i}" for i in range(10)]


def test_a_description_is_read_and_written_the_same(tmp_path: Path) -> None:
    path = tmp_path / "arkit52.json"
    path.write_text(json.dumps(GOOD), "utf-8")
    spec = HeadSpec.read(path)
    assert spec.inputs == ("aligned", "rotation")
    assert spec.scores["faces"]["r"] == 0.8
    assert spec.as_dict() == GOOD


def test_what_may_be_left_out(tmp_path: Path) -> None:
    needed = {k: GOOD[k] for k in list(GOOD)[:8]}
    assert HeadSpec.from_dict(needed).engines == ()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"nmae": "x"}, "did you mean name"),
        ({"colour": "red"}, "known are name"),
        ({"name": "../x"}, "name holds letters"),
        ({"name": 3}, "name is a text"),
        ({"version": ""}, "version"),
        ({"inputs": []}, "inputs are some of aligned, rotation, pixels"),
        ({"inputs": ["points"]}, "points"),
        ({"inputs": ["aligned", "aligned"]}, "repeat"),
        ({"inputs": "aligned"}, "inputs is a list of texts"),
        ({"output": "mood"}, "one of expression, morphable, emotion"),
        ({"channels": list(ARKIT_52[::-1])}, "order of"),
        ({"output": "morphable", "channels": MODES[:9], "dead": [], "unobservable": []}, "got 9"),
        ({"dead": ["cheekPuf"]}, "cheekPuf"),
        ({"unobservable": ["tongue"]}, "unobservable"),
        ({"sha256": "ABC"}, "sha256"),
        ({"parameters": -1}, "parameters"),
        ({"parameters": True}, "parameters is a whole number"),
        ({"scores": [1]}, "scores is a table"),
        ({"temperature": 1.5}, "temperature is for emotion heads"),
        (EMOTION | {"temperature": 0}, "above 0 and finite"),
        (EMOTION | {"temperature": float("inf")}, "above 0 and finite"),
        (EMOTION | {"temperature": "hot"}, "temperature is a number; got 'hot'"),
        (EMOTION | {"temperature": True}, "temperature is a number"),
        (EMOTION | {"channels": list(EMOTIONS[::-1])}, "angry, disgust, .* in this order"),
        (EMOTION | {"calibrated_on": 3}, "calibrated_on is a text"),
    ],
)
def test_a_bad_description_is_refused_by_name(change: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        HeadSpec.from_dict(GOOD | change)


@pytest.mark.parametrize("name", list(GOOD)[:8])
def test_what_is_missing_is_named(name: str) -> None:
    with pytest.raises(InputError, match=f"{name} is missing"):
        HeadSpec.from_dict({k: v for k, v in GOOD.items() if k != name})


@pytest.mark.parametrize(
    ("text", "told"),
    [(None, "is missing"), ("{", "cannot be read as JSON"), ("[]", "not the description")],
)
def test_a_bad_file_is_named(tmp_path: Path, text: str | None, told: str) -> None:
    path = tmp_path / "head.json"
    if text is not None:
        path.write_text(text, "utf-8")
    with pytest.raises(InputError, match=told) as raised:
        HeadSpec.read(path)
    assert "head.json" in str(raised.value)


@pytest.mark.parametrize("temperature", [1, 1.0, 0.7])
def test_an_emotion_head_says_how_sure_it_is(temperature: float) -> None:
    spec = HeadSpec.from_dict(GOOD | EMOTION | {"temperature": temperature})
    assert spec.temperature == temperature
    assert isinstance(spec.temperature, float)
    assert spec.calibrated_on == "PublicTest"


@pytest.mark.parametrize(
    ("inputs", "needs"), [(["aligned"], False), (["image"], True), (["rotation", "image"], True)]
)
def test_who_looks_at_pictures_says_so(inputs: list[str], needs: bool) -> None:
    assert HeadSpec.from_dict(GOOD | EMOTION | {"inputs": inputs}).needs_picture == needs


def test_a_morphable_head_names_its_ten_modes() -> None:
    change = {"output": "morphable", "channels": MODES, "dead": [], "unobservable": []}
    assert HeadSpec.from_dict(GOOD | change).channels == tuple(MODES)
