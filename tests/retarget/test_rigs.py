"""Vocabularies and the tables between them."""

from __future__ import annotations

import itertools
import runpy
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien import assets
from mien.channels import ACTION_UNITS, ARKIT_52, index_of
from mien.errors import InputError
from mien.retarget.rigs import (
    RIGS,
    VOCABULARIES,
    Mapping,
    Meaning,
    document,
    mapping,
    meaning,
    table,
)
from mien.types import RigPose

TABLES = assets.load("rigs")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "rigs.md"


def driven(way: Mapping, **weights: float) -> dict[str, float]:
    """What of the target is on, for weights of the source."""
    values = np.zeros(len(way.source), np.float32)
    for name, weight in weights.items():
        values[way.source.index(name)] = weight
    out = way.apply(values)
    return {n: round(float(w), 3) for n, w in zip(way.target, out, strict=True) if w > 1e-6}


def test_the_sizes_of_the_vocabularies() -> None:
    assert {rig: len(names) for rig, names in RIGS.items()} == {
        "arkit52": 52, "livelink": 52, "ifacialmocap": 52, "ict": 53, "vrm1": 18, "vrm0": 17,
        "visemes": 15, "facs": 37, "units": 11,
    }  # fmt: skip
    for rig, names in RIGS.items():
        assert len(set(names)) == len(names), rig
    assert RIGS["facs"][:27] == ACTION_UNITS


@pytest.mark.parametrize(
    ("rig", "some"),
    [
        ("livelink", ("EyeBlinkLeft", "MouthLeft", "TongueOut")),
        ("ifacialmocap", ("eyeBlink_L", "browOuterUp_R", "mouthLeft", "jawRight", "browInnerUp")),
        ("ict", ("browInnerUp_L", "cheekPuff_R", "mouthRight", "eyeLookIn_L", "mouthClose")),
        ("vrm0", ("Joy", "A", "Blink_L", "LookUp")),
        ("vrm1", ("happy", "aa", "blinkLeft", "lookUp", "surprised")),
        ("visemes", ("viseme_sil", "viseme_PP", "viseme_kk", "viseme_U")),
        ("facs", ("AU01", "AU45", "AU30L")),
        ("units", ("wideOpenMouth", "wideSmile", "furrowedBrow")),
    ],
)
def test_names_as_others_write_them(rig: str, some: tuple[str, ...]) -> None:
    assert set(some) <= set(RIGS[rig])


def test_the_tongue_is_what_ict_lacks() -> None:
    assert not [name for name in RIGS["ict"] if "tongue" in name]


@pytest.mark.parametrize("rig", ["arkit52", "livelink", "ifacialmocap"])
def test_every_spelling_means_its_channel_and_goes_round(rig: str) -> None:
    assert [meaning(name) for name in RIGS[rig]] == [Meaning("arkit52", n) for n in ARKIT_52]
    there, back = mapping("arkit52", rig), mapping(rig, "arkit52")
    np.testing.assert_array_equal(there.matrix, np.eye(52))
    values = np.random.default_rng(0).random(52).astype(np.float32)
    np.testing.assert_array_equal(back.apply(there.apply(values)), values)
    assert (there.missing, there.idle, back.missing, back.idle) == ((), (), (), ())


def test_ict_goes_round_but_for_the_tongue() -> None:
    there, back = mapping("arkit52", "ict"), mapping("ict", "arkit52")
    values = np.random.default_rng(0).random(52).astype(np.float32)
    values[index_of("tongueOut")] = 0
    np.testing.assert_allclose(back.apply(there.apply(values)), values, atol=1e-6)
    assert (there.missing, there.idle) == (("tongueOut",), ())
    assert (back.missing, back.idle) == ((), ("tongueOut",))
    assert driven(there, browInnerUp=0.4) == {"browInnerUp_L": 0.4, "browInnerUp_R": 0.4}
    assert driven(back, browInnerUp_L=0.4) == {"browInnerUp": 0.2}  # one brow of two
    # Between two that are split, left stays left.
    np.testing.assert_array_equal(mapping("ict", "ict").matrix, np.eye(53))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("jawOpen", ("arkit52", "jawOpen")),
        ("JAWOPEN", ("arkit52", "jawOpen")),
        ("jaw_open", ("arkit52", "jawOpen")),
        ("Jaw Open", ("arkit52", "jawOpen")),
        ("eyeBlink_L", ("arkit52", "eyeBlinkLeft")),
        ("EyeBlink.L", ("arkit52", "eyeBlinkLeft")),
        ("eye_blink_left", ("arkit52", "eyeBlinkLeft")),
        ("blendShape1.eyeBlinkRight", ("arkit52", "eyeBlinkRight")),
        ("Face.Main.mouthSmile_R", ("arkit52", "mouthSmileRight")),
        ("browInnerUp_R", ("arkit52", "browInnerUp")),
        ("mouthLeft", ("arkit52", "mouthLeft")),
        ("Blink_L", ("vrm1", "blinkLeft")),
        ("eye_blink_r", ("arkit52", "eyeBlinkRight")),
        ("Joy", ("vrm1", "happy")),
        ("joy", ("vrm1", "happy")),
        ("Fun", ("vrm1", "relaxed")),
        ("A", ("vrm1", "aa")),
        ("a", ("vrm1", "aa")),
        ("lookup", ("vrm1", "lookUp")),
        ("viseme_E", ("visemes", "viseme_E")),
        ("Viseme_aa", ("visemes", "viseme_aa")),
        ("AU4", ("facs", "AU04")),
        ("au12", ("facs", "AU12")),
        ("AU30_L", None),
        ("wideSmile", ("units", "wideSmile")),
        ("Key1", None),
        ("", None),
        (".", None),
        ("eyeBlink", None),  # of which eye?
        ("smile", None),
    ],
)
def test_what_names_mean(name: str, expected: tuple[str, str] | None) -> None:
    assert meaning(name) == expected


@pytest.mark.parametrize(("source", "target"), [*itertools.product(VOCABULARIES, repeat=2)])
def test_every_table_is_named_as_its_vocabularies(source: str, target: str) -> None:
    weights = table(source, target)
    assert weights.shape == (len(RIGS[target]), len(RIGS[source]))
    assert weights.dtype == np.float32
    assert np.isfinite(weights).all()
    assert np.abs(weights).max() < 3


@pytest.mark.parametrize("way", ["from_arkit", "to_arkit"])
def test_tables_treat_both_sides_alike(way: str) -> None:
    for vocabulary, rows in TABLES[way].items():
        for name, weights in rows.items():
            sided = {n for n in weights if n.endswith(("Left", "Right"))}
            gaze_or_side = name.endswith(("Left", "Right")) or name in ("AU61", "AU62")
            assert not sided or gaze_or_side or name.startswith("AU30"), (vocabulary, name)


@pytest.mark.parametrize(
    ("weights", "on"),
    [
        ({"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0}, {"happy": 1.0}),
        ({"mouthSmileLeft": 0.5, "mouthSmileRight": 0.7}, {"happy": 0.6}),
        ({"eyeBlinkLeft": 0.9}, {"blinkLeft": 0.9}),
        ({"eyeBlinkRight": 0.3}, {"blinkRight": 0.3}),
        ({"browDownLeft": 1.0, "browDownRight": 1.0}, {"angry": 1.0}),
        ({"jawOpen": 0.6}, {"aa": 0.9}),
        ({"jawOpen": 1.0}, {"aa": 1.0}),  # clamped
        ({"jawOpen": 0.4, "mouthFunnel": 0.7, "mouthPucker": 0.2}, {"oh": 0.93}),
        ({"mouthPucker": 0.5}, {"ou": 0.7}),
        ({"eyeLookOutLeft": 0.5, "eyeLookInRight": 0.5}, {"lookLeft": 0.5}),
        ({"eyeLookInLeft": 0.5, "eyeLookOutRight": 0.5}, {"lookRight": 0.5}),
        ({"eyeLookUpLeft": 0.5, "eyeLookUpRight": 0.5}, {"lookUp": 0.5}),
        ({"cheekPuff": 1.0}, {}),
        ({}, {}),
    ],
)
def test_a_face_drives_the_presets_of_vrm(weights: dict[str, float], on: dict[str, float]) -> None:
    assert driven(mapping("arkit52", "vrm1"), **weights) == pytest.approx(on, abs=0.02)
    old = {TABLES["vrm0"][name]: name for name in RIGS["vrm0"]}
    expected = {old[name]: weight for name, weight in on.items()}
    assert driven(mapping("arkit52", "vrm0"), **weights) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("vocabulary", ["vrm1", "visemes", "units"])
def test_what_a_table_writes_it_reads_as_the_same(vocabulary: str) -> None:
    there = mapping(vocabulary, "arkit52")
    back = mapping("arkit52", RIGS[vocabulary])
    readable = set(back.target) - set(back.idle) - set(there.missing)
    # Sounds inside the mouth cannot be told apart by the lips; both eyes closed are two blinks.
    assert len(readable) == {"vrm1": 15, "visemes": 8, "units": 11}[vocabulary]
    for name in sorted(readable):
        values = (np.array(RIGS[vocabulary]) == name).astype(np.float32)
        seen = back.apply(there.apply(values))
        best = back.target[int(seen.argmax())]
        assert best == name
        assert seen.max() >= 0.6, name
        others = np.delete(seen, seen.argmax())
        assert others.max() <= 0.65 * seen.max(), name


@pytest.mark.parametrize("number", sorted({int(n[2:4]) for n in RIGS["facs"]} - {26, 27, 25, 28}))
def test_action_units_go_round_through_arkit(number: int) -> None:
    way = table("arkit52", "facs") @ table("facs", "arkit52")
    for name in (n for n in RIGS["facs"] if n.startswith(f"AU{number:02d}")):
        at = RIGS["facs"].index(name)
        without = {"AU11", "AU13", "AU23", "AU32", "AU38", "AU39"}  # ARKit cannot say them
        assert way[at, at] == (0 if name in without else 1), name


@pytest.mark.parametrize(
    ("unit", "channels"),
    [
        ("AU01", ("browInnerUp",)), ("AU02", ("browOuterUp",)), ("AU04", ("browDown",)),
        ("AU05", ("eyeWide",)), ("AU06", ("cheekSquint",)), ("AU07", ("eyeSquint",)),
        ("AU09", ("noseSneer",)), ("AU10", ("mouthUpperUp",)), ("AU12", ("mouthSmile",)),
        ("AU14", ("mouthDimple",)), ("AU15", ("mouthFrown",)), ("AU16", ("mouthLowerDown",)),
        ("AU17", ("mouthShrugLower",)), ("AU18", ("mouthPucker",)), ("AU20", ("mouthStretch",)),
        ("AU22", ("mouthFunnel",)), ("AU24", ("mouthPress",)), ("AU26", ("jawOpen",)),
        ("AU27", ("jawOpen",)), ("AU28", ("mouthRollLower", "mouthRollUpper")),
        ("AU29", ("jawForward",)), ("AU30L", ("jawLeft",)), ("AU30R", ("jawRight",)),
        ("AU34", ("cheekPuff",)), ("AU45", ("eyeBlink",)), ("AU19", ("tongueOut",)),
    ],
)  # fmt: skip
def test_action_units_in_arkit(unit: str, channels: tuple[str, ...]) -> None:
    on = driven(mapping("facs", "arkit52"), **{unit: 0.7})
    assert set(on) == {n for n in ARKIT_52 if n.startswith(channels)}
    assert set(on.values()) == {0.7}


@pytest.mark.parametrize(
    ("units", "on"),
    [
        ({"AU26": 0.5}, {"wideOpenMouth": 0.5}),
        ({"AU26": 0.8, "AU27": 0.8}, {"wideOpenMouth": 1.0}),
        ({"AU12": 0.7}, {"wideSmile": 0.7}),
        ({"AU04": 1.0}, {"furrowedBrow": 1.0}),
        ({"AU01": 1.0, "AU02": 1.0}, {"raisedBrows": 1.0}),
        ({"AU45": 1.0}, {"closedEyes": 1.0}),
        ({"AU09": 1.0, "AU10": 1.0}, {"wrinkledNose": 1.0}),
        ({"AU38": 1.0}, {}),
    ],
)
def test_action_units_drive_the_eleven(units: dict[str, float], on: dict[str, float]) -> None:
    assert driven(mapping("facs", "units"), **units) == pytest.approx(on)


def test_channels_drive_the_eleven_by_way_of_action_units() -> None:
    expected = table("facs", "units") @ table("arkit52", "facs")
    np.testing.assert_array_equal(mapping("arkit52", "units").matrix, expected)
    assert driven(mapping("units", "arkit52"), wideSmile=1.0)["mouthSmileLeft"] == 1.0


NOTHING: tuple[str, ...] = ()


@pytest.mark.parametrize(
    ("targets", "idle"),
    [
        (("blink",), NOTHING),
        (("blinkLeft", "blinkRight"), NOTHING),
        (("blink", "blinkLeft", "blinkRight"), ("blink",)),
        (("blink", "blinkLeft"), NOTHING),
        (("Blink", "Blink_L", "Blink_R"), ("Blink",)),
        # Perfect sync: its own channels say it better than a preset.
        (("blink", "eyeBlinkLeft", "eyeBlinkRight"), ("blink",)),
        (("aa", "jawOpen"), ("aa",)),
        (("happy", "MouthSmileLeft", "MouthSmileRight"), ("happy",)),
        (("happy", "jawOpen"), NOTHING),
        (("viseme_aa", "viseme_sil", "viseme_kk"), ("viseme_sil", "viseme_kk")),
        (("viseme_O", "oh"), ("viseme_O",)),
        (("neutral", "relaxed", "Key1"), ("neutral", "relaxed", "Key1")),
        ((*RIGS["visemes"], *ARKIT_52), RIGS["visemes"]),
        ((), NOTHING),
    ],
)
def test_nothing_is_driven_twice(targets: tuple[str, ...], idle: tuple[str, ...]) -> None:
    assert mapping("arkit52", targets).idle == idle


def test_a_lone_blink_is_the_mean_of_both_eyes() -> None:
    way = mapping("arkit52", ("blink",))
    assert driven(way, eyeBlinkLeft=1.0, eyeBlinkRight=1.0) == {"blink": 1.0}
    assert driven(way, eyeBlinkLeft=1.0) == {"blink": 0.5}


def test_from_vrm_blinks_go_to_their_eyes() -> None:
    way = mapping("vrm0", "arkit52")
    assert driven(way, Blink_L=0.5) == {"eyeBlinkLeft": 0.5}
    assert driven(way, Blink=0.5) == {"eyeBlinkLeft": 0.5, "eyeBlinkRight": 0.5}
    assert driven(way, Joy=1.0)["mouthSmileLeft"] == pytest.approx(0.8)
    np.testing.assert_array_equal(mapping("vrm0", "vrm1").matrix.sum(0), np.ones(17))


def test_a_source_of_several_vocabularies_is_not_counted_twice() -> None:
    """Senders of perfect sync send presets and ARKit's channels."""
    source = (*RIGS["vrm0"], *RIGS["livelink"])
    way = mapping(source, "arkit52")
    assert driven(way, Blink_L=1.0, EyeBlinkLeft=0.4) == {"eyeBlinkLeft": 0.4}
    assert set(way.missing) == set(RIGS["vrm0"])
    vrm = mapping(source, "vrm1")
    assert driven(vrm, A=0.3, JawOpen=1.0) == {"aa": 0.3}
    assert driven(vrm, BrowOuterUpLeft=1.0, BrowOuterUpRight=1.0) == {"surprised": 0.5}


def test_what_is_missing_is_reported_once() -> None:
    some = ("jawOpen", "happy", "Key1", "jawOpen", "JawOpen")
    way = mapping("arkit52", some)
    assert way.target == ("jawOpen", "happy", "Key1", "JawOpen")
    assert len(way.missing) == len(set(way.missing)) == 49
    assert way.idle == ("Key1",)
    report = way.report()
    assert report.startswith("lacks 49: eyeBlinkLeft, ")
    assert report.count("cheekPuff") == 1
    assert report.endswith("nothing drives 1: Key1")
    assert mapping("arkit52", "arkit52").report() == "every channel has its target"


def test_a_pose_goes_through() -> None:
    way = mapping("arkit52", "vrm1")
    values = np.zeros(52, np.float32)
    values[index_of("mouthSmileLeft")] = values[index_of("mouthSmileRight")] = 1
    pose = RigPose(1.5, ARKIT_52, values, position=np.ones(3), driven=False)
    out = way(pose)
    assert out.names == RIGS["vrm1"]
    assert out.weights[out.names.index("happy")] == 1
    assert (out.time, out.driven, out.position is pose.position) == (1.5, False, True)
    with pytest.raises(ValueError, match=r"the pose has 18 channels .* takes 52"):
        way(out)


def test_weights_outside_of_their_range_are_clamped() -> None:
    way = mapping("arkit52", ("jawOpen",))
    assert driven(way, jawOpen=1.7) == {"jawOpen": 1.0}
    assert way.apply(np.full(52, -0.2, np.float32)).tolist() == [0]


def test_a_renamed_target() -> None:
    way = mapping("arkit52", ("Mund_auf", "Lid"), rename={"Mund_auf": "jawOpen", "Lid": "Blink_L"})
    assert driven(way, jawOpen=0.3, eyeBlinkLeft=0.2) == {"Mund_auf": 0.3, "Lid": 0.2}


def test_an_extra_target_is_driven_by_what_is_said() -> None:
    extra = {"Blush": {"mouthSmileLeft": 0.5, "mouthSmile_R": 0.5}, "jawOpen": {"cheekPuff": 1.0}}
    way = mapping("arkit52", ("Blush", "jawOpen"), extra=extra)
    assert driven(way, mouthSmileLeft=0.5, mouthSmileRight=1.0) == {"Blush": 0.75}
    assert driven(way, jawOpen=1.0, cheekPuff=0.2) == {"jawOpen": 0.2}


@pytest.mark.parametrize(
    ("arguments", "options", "says"),
    [
        (("arkit53", "vrm1"), {}, "there is no rig 'arkit53'; did you mean arkit52"),
        (("arkit52", "vrm"), {}, "there is no rig 'vrm'; did you mean vrm1, vrm0"),
        (("arkit52", ("jawOpen",)), {"rename": {"jawOpn": "jawOpen"}},
         "no target 'jawOpn'; did you mean jawOpen"),
        (("arkit52", ("Blush",)), {"extra": {"Blush": {"mouthSmilLeft": 1.0}}},
         "target 'Blush': nothing is named 'mouthSmilLeft'; did you mean mouthSmileLeft"),
    ],
)  # fmt: skip
def test_what_does_not_exist(arguments: Any, options: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        mapping(*arguments, **options)


def test_a_vocabulary_that_does_not_exist() -> None:
    with pytest.raises(InputError, match="no vocabulary 'vrm0'; did you mean vrm1"):
        table("vrm0", "arkit52")


def test_the_page_shows_the_tables_as_they_are() -> None:
    text = PAGE.read_text("utf-8")
    assert text == document(text), "docs/rigs.md is old: run python -m mien.retarget.rigs"
    assert "| lookLeft | 0.5 eyeLookOutLeft + 0.5 eyeLookInRight |" in text
    assert "| AU12 | mouthSmile* |" in text


def test_the_module_writes_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "rigs.md"
    page.write_text("# Before\n\n## Tables\nold\n", "utf-8")
    monkeypatch.setattr(sys, "argv", ["rigs", str(page)])
    monkeypatch.delitem(sys.modules, "mien.retarget.rigs")
    runpy.run_module("mien.retarget.rigs", run_name="__main__")
    written = page.read_text("utf-8")
    assert written.startswith("# Before\n\n## Tables\n\n| rig | names |")
    assert "old" not in written


def test_a_grin_that_shows_teeth_is_no_vowel() -> None:
    """Smile and lower lip as in a live capture of a grin that lasts."""
    grin = {"mouthSmile": 0.5, "mouthLowerDown": 0.6, "mouthStretch": 0.25, "mouthUpperUp": 0.2}
    values = {name + side: weight for name, weight in grin.items() for side in ("Left", "Right")}
    on = driven(mapping("arkit52", "vrm1"), **values)
    assert on.pop("happy") == 0.5
    assert max(on.values()) < 0.25
