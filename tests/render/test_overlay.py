from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from mien.geometry import matrix_from_euler, project
from mien.render import strokes
from mien.render.overlay import OverlayStyle, draw
from mien.topology import CANONICAL, REGIONS
from mien.types import Face, Landmarks, Observation, Pose

NOTHING = OverlayStyle(mesh=False, contours=False, irises=False, axes=False, values=False)


def face(
    size: tuple[int, int], at: tuple[float, float], scale: float, id: int = 1,  # noqa: A002
    angles: tuple[float, float, float] = (0, 0, 0), **fields: Any,
) -> Face:  # fmt: skip
    """The mean face, ``scale`` pixels per head unit (it is about 15 by 17)."""
    pose = Pose(matrix_from_euler(*angles), np.array([*at, 0.0]), scale)
    points = project(CANONICAL, pose.rotation, pose.translation, scale).astype(np.float32)
    expression = np.linspace(0, 1, 52, dtype=np.float32)
    defaults = {"pose": pose, "expression": expression, "mouth_open": True}
    return Face(id, 0.0, Landmarks(points, size), **{**defaults, **fields})


def seen(size: tuple[int, int], *faces: Face) -> Observation:
    return Observation(0, 0.0, size, faces)


def grey(size: tuple[int, int], value: int = 128) -> np.ndarray:
    return np.full((size[1], size[0], 3), value, np.uint8)


def changed(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return (before != after).any(axis=2)


HD = (1280, 720)


@pytest.fixture
def one() -> Face:
    return face(HD, (700, 380), 25)


def test_without_a_face_the_picture_is_unchanged() -> None:
    image = grey(HD)
    drawn = draw(image, seen(HD))
    np.testing.assert_array_equal(drawn, image)
    assert drawn is not image


def test_with_everything_off_the_picture_is_unchanged(one: Face) -> None:
    np.testing.assert_array_equal(draw(grey(HD), seen(HD, one), NOTHING), grey(HD))


def test_the_given_picture_is_left_alone(one: Face) -> None:
    image = grey(HD)
    draw(image, seen(HD, one))
    np.testing.assert_array_equal(image, grey(HD))


def test_drawing_into_a_given_picture(one: Face) -> None:
    image = grey(HD)
    expected = draw(image, seen(HD, one))
    out = np.zeros_like(image)
    assert draw(image, seen(HD, one), out=out) is out
    np.testing.assert_array_equal(out, expected)
    assert draw(image, seen(HD, one), out=image) is image
    np.testing.assert_array_equal(image, expected)


def test_a_read_only_picture_in_any_memory_order(one: Face) -> None:
    image = np.asfortranarray(grey(HD))
    image.flags.writeable = False
    np.testing.assert_array_equal(draw(image, seen(HD, one)), draw(grey(HD), seen(HD, one)))


@pytest.mark.parametrize("part", ["mesh", "contours", "irises", "axes", "values"])
@pytest.mark.parametrize("value", [0, 128, 255])
def test_each_part_can_be_seen_on_dark_and_light(one: Face, part: str, value: int) -> None:
    image = grey(HD, value)
    drawn = draw(image, seen(HD, one), replace(NOTHING, **{part: True}))
    difference = np.abs(drawn.astype(int) - image).max(axis=2)
    assert difference.max() > (30 if part == "mesh" else 50)  # the mesh is meant to be faint
    assert np.count_nonzero(difference > 16) > 60


@pytest.mark.parametrize("part", ["mesh", "contours", "irises"])
def test_lines_stay_on_the_face(one: Face, part: str) -> None:
    image = grey(HD)
    drawn = draw(image, seen(HD, one), replace(NOTHING, **{part: True}))
    left, top, right, bottom = one.landmarks.box
    ys, xs = np.nonzero(changed(image, drawn))
    assert left - 8 <= xs.min() <= xs.max() <= right + 8
    assert top - 8 <= ys.min() <= ys.max() <= bottom + 8


def test_irises_stay_within_the_lids(one: Face) -> None:
    image = grey(HD)
    drawn = draw(image, seen(HD, one), replace(NOTHING, irises=True))
    ys, xs = np.nonzero(changed(image, drawn))
    for y, x in zip(ys, xs, strict=True):
        boxes = [one.landmarks.points[list(REGIONS[f"{s}_eye"]), :2] for s in ("left", "right")]
        assert any(
            (b.min(axis=0) - 2 <= (x, y)).all() and ((x, y) <= b.max(axis=0) + 2).all()
            for b in boxes
        )


def test_closed_lids_hide_the_irises(one: Face) -> None:
    points = one.landmarks.points.copy()
    for side in ("left", "right"):
        ring = list(REGIONS[f"{side}_eye"])
        points[ring, 1] = points[ring, 1].mean()
    shut = replace(one, landmarks=Landmarks(points, HD))
    drawn = draw(grey(HD), seen(HD, shut), replace(NOTHING, irises=True))
    np.testing.assert_array_equal(drawn, grey(HD))


@pytest.mark.parametrize(
    ("angles", "axis", "towards"),
    [
        ((0, 0, 0), 0, (1, 0)),
        ((0, 0, 0), 1, (0, -1)),
        ((90, 0, 0), 2, (1, 0)),  # turned to their left: the nose points right in the picture
        ((0, 0, 90), 1, (1, 0)),  # tilted to their left shoulder: the crown points right
        ((0, 60, 0), 2, (0, -1)),  # looking up
    ],
)
def test_axes_point_where_the_head_does(
    angles: tuple[float, float, float], axis: int, towards: tuple[float, float]
) -> None:
    turned = face(HD, (640, 360), 20, angles=angles)
    assert turned.pose is not None
    start, *ends = strokes.axes(turned.landmarks.points, turned.pose)[:, :2]
    np.testing.assert_allclose(start, turned.landmarks.points[4, :2], atol=0.01)
    way = (ends[axis] - start) / np.linalg.norm(ends[axis] - start)
    np.testing.assert_allclose(way, towards, atol=0.05)


def test_axis_colours() -> None:
    image = grey(HD, 0)
    straight = face(HD, (640, 360), 20)
    drawn = draw(image, seen(HD, straight), replace(NOTHING, axes=True)).astype(int)
    x, y = straight.landmarks.points[4, :2].astype(int)
    assert drawn[y, x + 60].argmax() == 0
    assert drawn[y - 60, x].argmax() == 1


def test_the_far_side_of_a_turned_head_is_left_out() -> None:
    straight, turned = face(HD, (640, 360), 20), face(HD, (640, 360), 20, angles=(60, 0, 0))
    counts = []
    for one in (straight, turned):
        points = one.landmarks.points
        front = strokes.facing(points)
        counts.append(len(strokes.visible_edges(points, front)))
        outline = strokes.outline(points, front)
        assert sum(len(run) for run in outline) == (
            145 if one is straight else pytest.approx(90, abs=35)
        )
    assert counts[1] < 0.85 * counts[0]
    behind = face(HD, (640, 360), 20, angles=(180, 0, 0)).landmarks.points
    front = strokes.facing(behind)
    assert strokes.irises(behind, front) == []
    assert len(strokes.features(behind, front)) == 2  # the lips


def test_the_panel_needs_only_what_is_there() -> None:
    bare = face(HD, (640, 360), 10, pose=None, expression=None, mouth_open=None)
    drawn = draw(grey(HD), seen(HD, bare), replace(NOTHING, values=True))
    few = np.count_nonzero(changed(grey(HD), drawn))
    drawn = draw(grey(HD), seen(HD, face(HD, (640, 360), 10)), replace(NOTHING, values=True))
    assert 0 < few < np.count_nonzero(changed(grey(HD), drawn)) / 3


@pytest.mark.parametrize("values", [np.nan, 0.0, 1.0])
def test_the_panel_takes_missing_and_extreme_values(values: float) -> None:
    expression = np.full(52, values, np.float32)
    one = face(HD, (640, 360), 10, expression=expression)
    style = replace(NOTHING, values=True)
    drawn = draw(grey(HD), seen(HD, one), style)
    without = draw(grey(HD), seen(HD, one), replace(style, bars=0))
    assert np.array_equal(drawn, without) == bool(np.isnan(values))


@pytest.mark.parametrize("count", [1, 3])
def test_the_likeliest_emotion_is_a_line_of_the_panel(count: int) -> None:
    style = replace(NOTHING, values=True, bars=0)
    happy = np.full(7, 0.05, np.float32)
    happy[3] = 0.7
    people = [(640, 300), (200, 300), (1080, 300)][:count]
    drawn = []
    for emotion in (None, happy, np.roll(happy, 1)):
        faces = [face(HD, at, 8, i + 1, emotion=emotion) for i, at in enumerate(people)]
        drawn.append(draw(grey(HD), seen(HD, *faces), style))
    without, with_it, other = drawn
    rows = [np.flatnonzero(changed(grey(HD), image).any(axis=1)) for image in drawn]
    assert rows[1].max() > rows[0].max() or len(rows[1]) > len(rows[0])
    assert not np.array_equal(with_it, other)
    assert not np.array_equal(without, with_it)


def test_one_panel_stays_in_its_corner_while_the_face_moves() -> None:
    style = replace(NOTHING, values=True)
    places = set()
    for x in range(500, 900, 50):
        drawn = draw(grey(HD), seen(HD, face(HD, (x, 420), 15, expression=None)), style)
        ys, xs = np.nonzero(changed(grey(HD), drawn))
        places.add((int(xs.min()), int(ys.min())))
    assert len(places) == 1


def test_in_a_video_a_panel_stays_until_the_face_is_under_it() -> None:
    style = replace(NOTHING, values=True)

    def stands(x: int, corners: dict[int, int] | None) -> int:
        one = face(HD, (x, 100), 12, expression=None)
        drawn = draw(grey(HD), seen(HD, one), style, corners=corners)
        return int(np.flatnonzero(changed(grey(HD), drawn).any(axis=0)).min())

    to_and_fro = [*range(640, 200, -20), *range(200, 640, 20)]
    alone = [stands(x, None) for x in to_and_fro]
    corners: dict[int, int] = {}
    kept = [stands(x, corners) for x in to_and_fro]
    moves = [sum(a != b for a, b in pairwise(places)) for places in (alone, kept)]
    assert moves == [2, 1], "away from the face once, and not back again"
    first, later = kept.index(max(kept)), alone.index(max(alone))
    assert first > later, "for longer than without"
    assert kept[-1] == max(kept)


@pytest.mark.parametrize("at", [(150, 150), (1130, 150), (150, 600), (1130, 600), (640, 360)])
def test_the_panel_leaves_the_face_free(at: tuple[float, float]) -> None:
    one = face(HD, at, 12)
    drawn = draw(grey(HD), seen(HD, one), replace(NOTHING, values=True))
    left, top, right, bottom = (int(v) for v in one.landmarks.box)
    cover = changed(grey(HD), drawn)
    assert cover.any()
    assert not cover[max(top + 20, 0) : bottom - 20, max(left + 20, 0) : right - 20].any()


def test_several_faces_have_numbers_and_do_not_share_a_panel() -> None:
    faces = [face(HD, (300 * i + 200, 420), 8, id=i + 1) for i in range(4)]
    style = replace(NOTHING, values=True)
    one = changed(grey(HD), draw(grey(HD), seen(HD, faces[0]), style))
    all_four = changed(grey(HD), draw(grey(HD), seen(HD, *faces), style))
    assert np.count_nonzero(all_four) > 3.9 * np.count_nonzero(one)
    for each in faces:
        left, top, right, _ = (int(v) for v in each.landmarks.box)
        assert all_four[max(top - 40, 0) : top, left:right].any()


def test_a_crowd_has_numbers_only() -> None:
    crowd = [face(HD, (120 * i + 60, 400), 5, id=i) for i in range(10)]
    drawn = changed(grey(HD), draw(grey(HD), seen(HD, *crowd), replace(NOTHING, values=True)))
    assert 10 * 200 < np.count_nonzero(drawn) < 10 * 1000


@pytest.mark.parametrize("size", [(1, 1), (8, 6), (48, 48), (256, 256), (3840, 2160), (900, 20)])
@pytest.mark.parametrize("share", [0.02, 0.5, 3.0])
def test_any_size_of_picture_and_face(size: tuple[int, int], share: float) -> None:
    scale = max(size) * share / 16
    one = face(size, (size[0] / 2, size[1] / 2), scale, angles=(20, 10, 30))
    drawn = draw(grey(size), seen(size, one, replace(one, id=2)))
    assert drawn.shape == (size[1], size[0], 3)


@pytest.mark.parametrize("at", [(-400.0, 300.0), (2000.0, 300.0), (640.0, -500.0), (0.0, 0.0)])
def test_faces_beyond_the_border(at: tuple[float, float]) -> None:
    drawn = draw(grey(HD), seen(HD, face(HD, at, 15)))
    assert drawn.shape == (720, 1280, 3)


def test_points_in_one_place() -> None:
    points = np.full((478, 3), 50, np.float32)
    draw(grey(HD), seen(HD, Face(1, 0.0, Landmarks(points, HD))))


def test_lines_grow_with_the_face() -> None:
    def width(scale: float) -> float:
        one = face((2000, 2000), (1000, 1000), scale)
        style = replace(NOTHING, contours=True)
        drawn = draw(grey((2000, 2000), 0), seen((2000, 2000), one), style)
        length = np.linalg.norm(
            np.diff(one.landmarks.points[list(REGIONS["face_oval"])], axis=0), axis=1
        )
        return float(drawn[..., 1].sum() / length.sum())

    assert 3 < width(100) / width(20) < 7


def test_the_wrong_picture(one: Face) -> None:
    with pytest.raises(ValueError, match="1280x720, got 1280x700"):
        draw(grey((1280, 700)), seen(HD, one))


Bad = Callable[[], OverlayStyle]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: OverlayStyle(accent=(0, 300, 0)), "accent"),
        (lambda: OverlayStyle(bars=-1), "bars"),
    ],
)
def test_styles_are_validated(make: Bad, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
