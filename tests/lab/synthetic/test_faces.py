"""Made people, expressions and views: bounded, plausible, and the same each time."""

from __future__ import annotations

import numpy as np
import pytest

from mien.channels import ARKIT_52, index_of, mirror
from mien.geometry import euler_from_matrix, project
from mien.lab.synthetic import faces
from mien.lab.synthetic.faces import PIVOT, SHUT_YAW, Kind, Scene, Shot, scene


@pytest.fixture(scope="module")
def drawn() -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.stack([faces.expression(rng) for _ in range(2000)])


def column(values: np.ndarray, name: str) -> np.ndarray:
    return values[:, index_of(name)]


def test_channels_are_in_range_and_all_but_the_tongue_are_used(drawn: np.ndarray) -> None:
    assert drawn.dtype == np.float32
    assert drawn.min() == 0
    assert drawn.max() <= 1
    used = (drawn > 0.3).mean(axis=0)
    assert [n for n, u in zip(ARKIT_52, used, strict=True) if u < 0.005] == ["tongueOut"]
    assert column(drawn, "tongueOut").max() == 0


def test_some_faces_are_neutral(drawn: np.ndarray) -> None:
    assert 0.02 < (drawn.max(axis=1) == 0).mean() < 0.1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("jawLeft", "jawRight"),
        ("mouthLeft", "mouthRight"),
        ("eyeBlinkLeft", "eyeWideLeft"),
        ("mouthSmileRight", "mouthFrownRight"),
        ("eyeLookInLeft", "eyeLookOutLeft"),
        ("eyeLookUpRight", "eyeLookDownRight"),
    ],
)
def test_what_excludes_each_other(drawn: np.ndarray, one: str, other: str) -> None:
    assert not ((column(drawn, one) > 0) & (column(drawn, other) > 0)).any()


def test_the_mouth_closes_only_as_far_as_the_jaw_is_open(drawn: np.ndarray) -> None:
    close, jaw = column(drawn, "mouthClose"), column(drawn, "jawOpen")
    assert (close <= jaw + 1e-6).all()
    assert (close > 0.2).sum() > 20


def test_left_and_right_go_together_mostly(drawn: np.ndarray) -> None:
    for name in ("mouthSmile", "eyeBlink", "browDown", "cheekSquint"):
        left, right = column(drawn, f"{name}Left"), column(drawn, f"{name}Right")
        assert np.corrcoef(left, right)[0, 1] > 0.6, name
        assert (np.abs(left - right) > 0.3).sum() > 5, name
    # And neither side is preferred.
    assert np.abs(drawn.mean(axis=0) - mirror(drawn).mean(axis=0)).max() < 0.04


def test_both_eyes_look_to_one_side(drawn: np.ndarray) -> None:
    left = column(drawn, "eyeLookOutLeft") - column(drawn, "eyeLookInLeft")
    right = column(drawn, "eyeLookInRight") - column(drawn, "eyeLookOutRight")
    assert np.corrcoef(left, right)[0, 1] > 0.9


def test_people_differ_and_come_back() -> None:
    crowd = np.stack([faces.person(seed) for seed in range(400)])
    np.testing.assert_array_equal(crowd[7], faces.person(7))
    assert np.abs(crowd.mean(axis=0)).max() < 0.2
    assert 0.85 < crowd.std() < 1.1
    assert np.abs(crowd).max() <= 2.5


def test_turns_stay_within_their_limits() -> None:
    rng = np.random.default_rng(1)
    turns = np.array([(s.yaw, s.pitch, s.roll) for s in (faces.shot(rng) for _ in range(500))])
    assert (np.abs(turns) <= [40, 30, 20]).all()
    assert (np.abs(turns).max(axis=0) > [35, 26, 17]).all()


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("expression", "ict-12/3"),
        ("neutral", "ict-12/n3"),
        ("shut", "ict-12/b3"),
        ("asked", "ict-12/a3"),
    ],
)
def test_a_scene_is_drawn_again_from_its_name(kind: Kind, name: str) -> None:
    one = scene(12, 3, kind)
    again = Scene.named(one.name)
    assert one.name == name
    np.testing.assert_array_equal(one.expression, again.expression)
    assert (one.shot.yaw, one.shot.focal) == (again.shot.yaw, again.shot.focal)
    assert one.random("look").random() == again.random("look").random()
    assert one.random("look").random() != one.random("noise").random()
    assert (one.expression.max() == 0) == (kind == "neutral")


def test_shut_eyes_are_seen_from_the_front_and_from_both_sides() -> None:
    scenes = [scene(4, number, "shut") for number in range(6)]
    assert [s.shot.yaw for s in scenes] == [0, SHUT_YAW, -SHUT_YAW] * 2
    assert all(s.expression.sum() == 2 for s in scenes)


@pytest.mark.parametrize("name", ["", "ict-", "ict-1/x2", "made-1/2", "ict-1/2/3"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(ValueError, match="a made scene is named"):
        Scene.named(name)


def test_the_first_neutral_scene_looks_straight_ahead() -> None:
    shot = scene(3, 0, "neutral").shot
    assert (shot.yaw, shot.pitch, shot.roll) == (0, 0, 0)
    assert any(abs(scene(3, k, "neutral").shot.yaw) > 10 for k in range(1, 10))


def test_from_far_away_a_shot_is_weak_perspective() -> None:
    shot = Shot(20, -10, 5, centre=(100.0, 120.0), distance=1e6, focal=8e6)
    points = np.random.default_rng(0).normal(size=(20, 3)) * 5 + PIVOT
    expected = project(points - PIVOT, shot.rotation, np.array([100.0, 120, 0]), 8.0)
    np.testing.assert_allclose(shot.project(points), expected, atol=0.01)


def test_what_is_nearer_is_larger() -> None:
    shot = Shot(0, 0, 0, distance=50.0, focal=500.0)
    near, far = (np.array([[-2.0, 0.5, z], [2, 0.5, z]]) for z in (12.0, 2.0))
    width = [float(np.ptp(shot.project(p)[:, 0])) for p in (near, far)]
    assert width[0] == pytest.approx(4 * 500 / 45)
    assert width[1] == pytest.approx(4 * 500 / 55)


def test_the_rotation_is_the_projects() -> None:
    assert euler_from_matrix(Shot(10, 20, 30).rotation) == pytest.approx((10, 20, 30))
