"""What a user wants otherwise, from a small TOML file."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from mien.channels import ARKIT_52, index_of
from mien.errors import InputError
from mien.geometry import euler_from_matrix, matrix_from_euler
from mien.retarget.overrides import Overrides, parse, read
from mien.retarget.pose import GAZE, JAW_OPEN
from mien.retarget.rigs import RIGS, Meaning, mapping
from mien.types import RigPose


def pose(**values: float) -> RigPose:
    weights = np.zeros(52, np.float32)
    for name, value in values.items():
        weights[index_of(name)] = value
    return RigPose(0.0, ARKIT_52, weights)


def changed(text: str, **values: float) -> dict[str, float]:
    """Channels that are on after the overrides."""
    out = parse(text).apply(pose(**values))
    return {n: round(float(w), 4) for n, w in zip(ARKIT_52, out.weights, strict=True) if w}


@pytest.mark.parametrize(
    ("entry", "value", "expected"),
    [
        ("gain = 1.5", 0.4, 0.6),
        ("gain = 2", 0.8, 1.0),  # clamped
        ("gain = 2\nclamp = [0, 1.5]", 0.7, 1.4),
        ("gain = -1\noffset = 1", 0.3, 0.7),
        ("offset = -0.1", 0.4, 0.3),
        ("offset = -0.1", 0.05, 0.0),
        ("offset = 0.1", 0.0, 0.1),
        ("clamp = [0.2, 0.5]", 0.1, 0.2),
        ("clamp = [0.2, 0.5]", 0.8, 0.5),
        ("clamp = [-0.5, 1]\noffset = -0.4", 0.1, -0.3),
        ('curve = "linear"', 0.3, 0.3),
        ('curve = "ease"', 0.5, 0.5),
        ('curve = "ease"', 0.25, 0.1562),  # 3 x^2 - 2 x^3
        ("curve = 2", 0.5, 0.25),
        ("curve = 0.5", 0.25, 0.5),
        ("curve = [[0, 0], [0.5, 0.1], [1, 1]]", 0.25, 0.05),
        ("curve = [[0.2, 0], [0.8, 1]]", 0.1, 0.0),
        ("curve = [[0.2, 0], [0.8, 0.7]]", 0.9, 0.7),  # level beyond the ends
        ("curve = 2\ngain = 2\noffset = 0.1", 0.5, 0.6),  # curve, gain, offset in this order
        ("", 0.3, 0.3),
    ],
)
def test_what_becomes_of_a_channel(entry: str, value: float, expected: float) -> None:
    values = {"cheekPuff": value, "browInnerUp": 0.5}
    on = changed(f"[channels.cheekPuff]\n{entry}", **values)
    assert on.get("cheekPuff", 0) == pytest.approx(expected, abs=1e-3)
    assert on["browInnerUp"] == 0.5  # others stay


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("mouthSmileLeft", ["mouthSmileLeft"]),
        ("mouthSmile", ["mouthSmileLeft", "mouthSmileRight"]),
        ("MouthSmileRight", ["mouthSmileRight"]),
        ("mouthSmile_R", ["mouthSmileRight"]),
        ("jaw", ["jawLeft", "jawRight"]),
    ],
)
def test_how_channels_may_be_named(name: str, meant: list[str]) -> None:
    found = parse(f"[channels.{name}]\ngain = 2")
    assert [m.name for m in found.channels] == meant


def test_a_channel_of_another_vocabulary() -> None:
    found = parse("[channels.Joy]\ngain = 0.5\n[channels.AU4]\ngain = 0.5")
    assert set(found.channels) == {Meaning("vrm1", "happy"), Meaning("facs", "AU04")}
    for rig, name in (("vrm0", "Joy"), ("vrm1", "happy"), ("facs", "AU04")):
        names = RIGS[rig]
        out = found.apply(RigPose(0.0, names, np.ones(len(names), np.float32)))
        expected = np.where([n == name for n in names], 0.5, 1)
        np.testing.assert_array_equal(out.weights, expected)


def test_without_a_word_nothing_changes() -> None:
    given = pose(jawOpen=0.5)
    for overrides in (Overrides(), parse(""), parse("[channels.Joy]\ngain = 0.5")):
        assert overrides.apply(given) is given
    way = Overrides().mapping("arkit52", "vrm1")
    np.testing.assert_array_equal(way.matrix, mapping("arkit52", "vrm1").matrix)
    assert (way.low == 0).all()
    assert (way.high == 1).all()


def test_a_weight_that_nothing_is_said_of_is_not_clamped() -> None:
    given = dataclasses.replace(pose(), weights=np.full(52, 1.2, np.float32))
    out = parse("[channels.jawOpen]\ngain = 1").apply(given)
    assert sorted(set(out.weights.tolist())) == pytest.approx([1.0, 1.2])


def test_jaw_and_eyes_follow_their_channels() -> None:
    kept = matrix_from_euler(7, 8, 0)
    given = dataclasses.replace(pose(jawOpen=0.5, eyeLookUpLeft=0.5), jaw=kept, left_eye=kept)
    jaw = parse("[channels.jawOpen]\ngain = 0.5").apply(given)
    assert euler_from_matrix(jaw.jaw)[1] == pytest.approx(-JAW_OPEN / 4)
    assert jaw.left_eye is kept  # as a phone has measured them
    eyes = parse("[channels.eyeLookUp]\ngain = 0.5").apply(given)
    assert euler_from_matrix(eyes.left_eye)[1] == pytest.approx(GAZE / 4)
    assert eyes.jaw is kept
    assert parse("[channels.cheekPuff]\ngain = 2").apply(given).jaw is kept


def test_targets_are_renamed_and_driven_by_what_is_said() -> None:
    text = """
    [rename]
    Mund_auf = "jawOpen"

    [targets.Blush]
    mouthSmile = 0.5
    cheekPuff = 0.25
    """
    way = parse(text).mapping("arkit52", ("Mund_auf", "Blush", "eyeBlink_L"))
    given = pose(jawOpen=0.5, mouthSmileLeft=0.4, mouthSmileRight=0.6, eyeBlinkLeft=0.3)
    assert way(given).weights.tolist() == pytest.approx([0.5, 0.5, 0.3])
    assert way.idle == ()


def test_a_wider_clamp_reaches_the_target() -> None:
    overrides = parse("[channels.jawOpen]\ngain = 2\nclamp = [-0.2, 1.5]")
    way = overrides.mapping("arkit52", ("jawOpen", "cheekPuff"))
    given = overrides.apply(pose(jawOpen=1.0, cheekPuff=1.0))
    assert way(given).weights.tolist() == [1.5, 1]
    assert way.low.tolist() == pytest.approx([-0.2, 0])
    # A narrower one needs nothing: the channel has been clamped.
    narrow = parse("[channels.jawOpen]\nclamp = [0, 0.5]").mapping("arkit52", ("aa",))
    assert narrow.high.tolist() == [1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[channel.jawOpen]", "there is no key 'channel'; did you mean channels"),
        ("[channels.jawOpn]", "channels: there is no channel 'jawOpn'; did you mean jawOpen"),
        ("[channels.mouthSmle]\ngain = 1", "did you mean mouthSmile"),
        ("[channels.xyzzy]", "no channel 'xyzzy'; docs/rigs.md lists"),
        ("[channels.jawOpen]\ngian = 1", "channels.jawOpen: there is no key 'gian'; .* gain"),
        ("[channels.jawOpen]\ngain = '2'", "channels.jawOpen.gain is a number, got '2'"),
        ("[channels.jawOpen]\ngain = true", "gain is a number, got True"),
        ("[channels.jawOpen]\ngain = nan", "gain is a number, got nan"),
        ("[channels.jawOpen]\ngain = 1e6", r"gain is in -100\.\.100, got 1000000"),
        ("[channels.jawOpen]\noffset = inf", "offset is a number, got inf"),
        ("[channels.jawOpen]\nclamp = 1", r"clamp: expected two numbers \[a, b\], got 1"),
        ("[channels.jawOpen]\nclamp = [0, 1, 2]", "clamp: expected two numbers"),
        ("[channels.jawOpen]\nclamp = [1, 0]", "low < high, got"),
        ("[channels.jawOpen]\ncurve = 'quick'", 'curve is "linear", "ease", an exponent'),
        ("[channels.jawOpen]\ncurve = 0", r"an exponent is in 0\.05\.\.20, got 0"),
        ("[channels.jawOpen]\ncurve = -1", "an exponent is in"),
        ("[channels.jawOpen]\ncurve = nan", "an exponent is in"),
        ("[channels.jawOpen]\ncurve = false", "got False"),
        ("[channels.jawOpen]\ncurve = [[0, 0]]", "at least two points"),
        ("[channels.jawOpen]\ncurve = [[0, 0], [0, 1]]", "from left to right"),
        ("[channels.jawOpen]\ncurve = [0, 1]", "expected two numbers"),
        ("[channels]\njawOpen = 1", r"channels.jawOpen is a table \[channels.jawOpen\], got 1"),
        ("channels = 3", "channels is a table"),
        ("[channels.mouthSmile]\n[channels.mouthSmileLeft]", "says again .* mouthSmileLeft"),
        ("[rename]\nMund = 'jawOpn'", "rename.Mund: no vocabulary has 'jawOpn'; .* jawOpen"),
        ("[rename]\nMund = 3", "rename.Mund is the name of a channel"),
        ("[targets.Blush]\nmouthSmle = 1", "targets.Blush: there is no channel 'mouthSmle'"),
        ("[targets.Blush]\nmouthSmile = 'a'", "targets.Blush.mouthSmile is a number"),
        ("targets = []", "targets is a table"),
        ("[channels", "mine.toml is no TOML"),
        ("[channels.jawOpen]\n[channels.jawOpen]", "is no TOML"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_key(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError, match=says) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_a_target_that_the_avatar_lacks() -> None:
    overrides = parse("[rename]\nMund = 'jawOpen'", "mine.toml")
    with pytest.raises(InputError, match=r"mine.toml: the avatar has no target 'Mund'; .* Mundauf"):
        overrides.mapping("arkit52", ("Mundauf",))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read overrides from .*none\.toml"):
        read(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"# \xe4")
    with pytest.raises(InputError, match="cannot read overrides"):
        read(tmp_path / "latin.toml")


def test_a_good_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[channels.jawOpen]\ngain = 0.5\n", "utf-8")
    assert read(path).source == str(path)
    assert read(path).apply(pose(jawOpen=1.0)).weights[index_of("jawOpen")] == 0.5
