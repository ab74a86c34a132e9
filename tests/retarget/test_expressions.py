"""VRM's binary and overriding expressions, case by case from the specification."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.errors import InputError
from mien.retarget.expressions import PROCEDURAL, Expression, Expressions
from mien.retarget.rigs import RIGS


def seen(
    expressions: list[Expression], weights: dict[str, float], **options: Any
) -> dict[str, Any]:
    """Weights as they are seen, of those that are given."""
    file = Expressions(expressions, **options)
    asked = np.array([weights.get(name, 0) for name in file.names], np.float32)
    out = file.apply(asked)
    return {name: round(float(out[file.names.index(name)]), 4) for name in weights}


BLINK, BINARY_BLINK = Expression("blink"), Expression("blink", binary=True)


@pytest.mark.parametrize(
    ("value", "expected"), [(-1, 0), (0, 0), (0.49, 0), (0.5, 0), (0.51, 1), (1, 1), (3, 1)]
)
def test_binary_is_on_above_a_half(value: float, expected: float) -> None:
    assert seen([Expression("happy", binary=True)], {"happy": value}) == {"happy": expected}


@pytest.mark.parametrize(("value", "expected"), [(-1, 0), (0.3, 0.3), (1.5, 1)])
def test_others_are_clamped(value: float, expected: float) -> None:
    assert seen([Expression("happy")], {"happy": value})["happy"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("override", "binary", "happy", "blink"),
    [
        # none does nothing
        ("none", False, 1.0, 0.8),
        # block sets to 0 as soon as the weight is above 0
        ("block", False, 0.0, 0.8),
        ("block", False, 0.01, 0.0),
        ("block", False, 1.0, 0.0),
        # blend attenuates by 1 - weight
        ("blend", False, 0.0, 0.8),
        ("blend", False, 0.25, 0.6),
        ("blend", False, 1.0, 0.0),
        # a binary one acts by what is seen of it
        ("block", True, 0.4, 0.8),
        ("block", True, 0.6, 0.0),
        ("blend", True, 0.4, 0.8),
        ("blend", True, 0.6, 0.0),
    ],
)
def test_overriding_a_blink(override: Any, binary: bool, happy: float, blink: float) -> None:
    rules = [Expression("happy", binary, blink=override), BLINK]
    assert seen(rules, {"happy": happy, "blink": 0.8})["blink"] == pytest.approx(blink, abs=1e-4)


@pytest.mark.parametrize(
    ("override", "happy", "blink"),
    [
        ("blend", 0.0, 1.0),
        ("blend", 0.01, 0.0),  # completely suppressed by any effect, lest it be seen half
        ("block", 0.01, 0.0),
    ],
)
def test_a_binary_one_is_overridden_wholly(override: Any, happy: float, blink: float) -> None:
    rules = [Expression("happy", blink=override), BINARY_BLINK]
    assert seen(rules, {"happy": happy, "blink": 0.8})["blink"] == blink


def test_several_overrides_add_up_to_all() -> None:
    rules = [Expression("happy", mouth="blend"), Expression("sad", mouth="blend"), Expression("aa")]
    assert seen(rules, {"happy": 0.3, "sad": 0.2, "aa": 1.0})["aa"] == pytest.approx(0.5)
    assert seen(rules, {"happy": 0.8, "sad": 0.7, "aa": 1.0})["aa"] == 0


@pytest.mark.parametrize(
    ("kind", "members"),
    [
        ("blink", ("blink", "blinkLeft", "blinkRight")),
        ("look_at", ("lookUp", "lookDown", "lookLeft", "lookRight")),
        ("mouth", ("aa", "ih", "ou", "ee", "oh")),
    ],
)
def test_each_kind_overrides_its_own(kind: str, members: tuple[str, ...]) -> None:
    rules = [Expression(n) for n in RIGS["vrm1"] if n != "happy"]
    rules.append(Expression("happy", **{kind: "block"}))
    out = seen(rules, dict.fromkeys(RIGS["vrm1"], 1.0))
    assert tuple(name for name, weight in out.items() if not weight) == members


def test_to_override_ones_own_kind_is_void() -> None:
    rules = [Expression("blinkLeft", blink="block"), BLINK]
    assert seen(rules, {"blinkLeft": 1.0, "blink": 0.5}) == {"blinkLeft": 1.0, "blink": 0.5}
    # Other kinds are overridden by a procedural one, too.
    rules = [Expression("blink", look_at="block"), Expression("lookUp")]
    assert seen(rules, {"blink": 1.0, "lookUp": 0.5})["lookUp"] == 0


def test_ones_own_expressions_are_free_unless_named() -> None:
    rules = [Expression("happy", mouth="block"), Expression("jawOpen")]
    weights = {"happy": 1.0, "jawOpen": 0.5}
    assert seen(rules, weights)["jawOpen"] == 0.5
    assert seen(rules, weights, procedural={"jawOpen": "mouth"})["jawOpen"] == 0


@pytest.mark.parametrize(
    ("override", "weight", "left"),
    [("none", 1.0, 1.0), ("block", 0.1, 0.0), ("blend", 0.4, 0.6), ("blend", 0.0, 1.0)],
)
def test_what_is_left_for_eye_bones(override: Any, weight: float, left: float) -> None:
    file = Expressions([Expression("sad", look_at=override)])
    assert file.gaze(np.array([weight], np.float32)) == pytest.approx(left)


def test_a_file_without_expressions() -> None:
    file = Expressions([])
    nothing = np.zeros(0, np.float32)
    assert file.apply(nothing).shape == (0,)
    assert file.gaze(nothing) == 1


def test_what_is_asked_for_is_left_as_it_was() -> None:
    asked = np.array([0.7, 0.9], np.float32)
    Expressions([Expression("happy", True, blink="block"), BLINK]).apply(asked)
    np.testing.assert_array_equal(asked, np.float32([0.7, 0.9]))


def test_procedural_presets_are_presets() -> None:
    assert set(PROCEDURAL) < set(RIGS["vrm1"])
    assert len(PROCEDURAL) == 12


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({}, Expression("x")),
        ({"isBinary": True, "name": "x", "presetName": "unknown"}, Expression("x", True)),  # 0.x
        (
            {"overrideBlink": "block", "overrideLookAt": "blend", "overrideMouth": "none"},
            Expression("x", False, "block", "blend", "none"),
        ),
    ],
)
def test_from_the_file(entry: dict[str, Any], expected: Expression) -> None:
    assert Expression.from_vrm("x", entry) == expected


@pytest.mark.usefixtures("unchecked")
def test_an_override_that_does_not_exist() -> None:
    with pytest.raises(InputError, match="'sad': an override is one of none, block, blend"):
        Expression.from_vrm("sad", {"overrideMouth": "stop"})


def _expressions(path: Path) -> Expressions:
    content = path.read_bytes()
    length = struct.unpack_from("<I", content, 12)[0]
    table = json.loads(content[20 : 20 + length])["extensions"]["VRMC_vrm"]["expressions"]
    entries = {**table["preset"], **table.get("custom", {})}
    return Expressions([Expression.from_vrm(name, entry) for name, entry in entries.items()])


@pytest.mark.parametrize(("happy", "blink"), [(0.0, 0.7), (0.5, 0.7), (0.51, 0.0), (1.0, 0.0)])
def test_the_consortiums_sample_of_both(shared: Path, happy: float, blink: float) -> None:
    """Its happy is binary and blends out blinks."""
    file = _expressions(shared / "avatars" / "vrm1-binary-overrides.vrm")
    assert file.names == ("happy", "blink")
    out = file.apply(np.array([happy, 0.7], np.float32))
    assert out.tolist() == pytest.approx([float(happy > 0.5), blink])


@pytest.mark.parametrize(
    ("on", "gaze", "aa", "blink"),
    [
        ("sad", 0.4, 0.0, 1.0),  # blend, block, none
        ("relaxed", 0.0, 1.0, 0.0),  # binary: 0.6 is 1; block, none, blend
        ("custom_a", 0.0, 0.4, 1.0),
        ("happy", 1.0, 1.0, 1.0),
    ],
)
def test_a_file_with_all_sorts(shared: Path, on: str, gaze: float, aa: float, blink: float) -> None:
    file = _expressions(shared / "avatars" / "vrm1-expressions.vrm")
    asked = np.zeros(len(file.names), np.float32)
    for name, weight in ((on, 0.6), ("aa", 1.0), ("blink", 1.0), ("lookUp", 1.0)):
        asked[file.names.index(name)] = weight
    out = dict(zip(file.names, file.apply(asked).tolist(), strict=True))
    assert (out["lookUp"], out["aa"], out["blink"]) == pytest.approx((gaze, aa, blink))
    assert file.gaze(asked) == pytest.approx(gaze)
