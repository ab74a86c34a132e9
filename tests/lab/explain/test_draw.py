"""What is drawn lies where the face is, and no word is cut off without a sign."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")

from mien.channels import EMOTIONS
from mien.geometry import camera_to_picture
from mien.lab.explain import draw
from mien.lab.explain.explaining import Case, Map, Mean
from mien.lab.explain.landmarks import Moved
from mien.topology import CANONICAL, REGIONS

POINTS = camera_to_picture(CANONICAL) * np.float32(10) + np.float32([150, 120, 0])


def case(values: np.ndarray | None = None, heat: np.ndarray | None = None, **more: object) -> Case:
    moved = None if values is None else Moved(values.astype(np.float32), 0.0, 0.0, 0.0)
    given = {
        "name": "folder/face.jpg",
        "truth": "sad",
        "told": "happy",
        "probabilities": dict.fromkeys(EMOTIONS, 1 / 7),
        "picture": np.full((240, 300, 3), 200, np.uint8),
        "image": None if heat is None else np.full((48, 48), 128, np.uint8),
        "points": None if values is None else POINTS,
        "maps": (Map("happy", heat, moved),),
    }
    return Case(**(given | more))  # type: ignore[arg-type]


def test_a_view_keeps_points_and_picture_together() -> None:
    """A dot painted at a landmark is found where the view says that the landmark is."""
    for scale in (1.0, 6.0, 0.1):  # shown larger than it is, smaller, and a great deal smaller
        points = POINTS * np.float32([1 / scale] * 3)
        size = np.rint(np.array([240, 300]) / scale).astype(int)
        picture = np.zeros((*size, 3), np.uint8)
        for index in (1, 33, 291):
            x, y = points[index, :2]
            reach = max(2, round(2 / scale))
            picture[:] = 0
            grid = np.mgrid[: size[0], : size[1]] + 0.5
            picture[np.hypot(grid[1] - x, grid[0] - y) < reach] = 255
            shown, place = draw._view(picture, points)
            weight = shown[..., 0].astype(float)
            down, across = np.mgrid[: draw.SIDE, : draw.SIDE] + 0.5
            found = np.array([(across * weight).sum(), (down * weight).sum()]) / weight.sum()
            np.testing.assert_allclose(found, place[index, :2], atol=1.5)


def test_values_lie_at_their_landmarks() -> None:
    _, place = draw._view(None, POINTS)
    for region in ("lips_outer", "left_brow_upper", "nose_base", "right_iris"):
        values = np.zeros(478)
        index = list(REGIONS[region])
        values[index] = 1
        field = draw.spread(place, values)
        assert field.max() > 0.5, region
        down, across = np.argwhere(field > 0.5 * field.max()).T + 0.5
        near = np.hypot(across[:, None] - place[index, 0], down[:, None] - place[index, 1]).min(1)
        assert near.max() < 16, region  # the side of a triangle


def test_left_is_left() -> None:
    """A value on the subject's left is drawn on the right of the picture, as it is seen."""
    _, place = draw._view(None, POINTS)
    values = (CANONICAL[:, 0] > 1).astype(float)
    field = draw.spread(place, values)
    half = draw.SIDE // 2
    assert field[:, half:].sum() > 20 * field[:, :half].sum()


def test_colours_say_for_and_against() -> None:
    values = np.where(CANONICAL[:, 1] > 0, 1.0, -1.0)
    red, _, blue = draw.row(case(values))[:, draw.SIDE + 4 :].astype(int).transpose(2, 0, 1)
    warm = red - blue
    assert warm[: draw.SIDE // 2].max() > 60
    assert warm[draw.SIDE // 2 :].min() < -60
    assert abs(warm[:3]).max() == 0  # beyond the face there is nothing


@pytest.mark.parametrize(
    ("made", "panels"),
    [
        (case(np.ones(478)), 2),
        (case(heat=np.ones((6, 6), np.float32)), 2),
        (case(np.ones(478), np.ones((6, 6), np.float32)), 3),
        (case(np.zeros(478)), 2),
        (case(np.ones(478), picture=None), 2),
        (case(heat=np.zeros((2, 2), np.float32), picture=None), 2),
    ],
)
def test_rows_of_all_kinds(made: Case, panels: int) -> None:
    row = draw.row(made)
    assert row.shape == (draw.SIDE, panels * draw.SIDE + (panels - 1) * 4, 3)
    assert row.dtype == np.uint8


def test_a_sheet_holds_every_case() -> None:
    cases = [case(np.ones(478), name="x" * 200) for _ in range(7)]
    mean = Mean("happy", 3, None, None, np.ones(478, np.float32), 0.0)
    assert (mean.of, replace(mean, pictures=1).of) == ("3 pictures", "1 picture")
    alone = draw.sheet("title", "told", cases[:1], [])
    assert alone.shape[1] >= 520
    few = draw.sheet("title", "told", cases, [])
    more = draw.sheet("title " * 60, "told", cases, [mean] * 7)
    assert few.shape[1] == more.shape[1]
    assert alone.shape[0] < few.shape[0] < more.shape[0]


@pytest.mark.parametrize(
    ("text", "width", "wanted"),
    [("happy", 500, "happy"), ("", 10, ""), ("Training_12345678.jpg", 90, "…"), ("wide", 1, "…")],
)
def test_words_fit(text: str, width: int, wanted: str) -> None:
    font = draw._font(15)
    short = draw._fit(text, font, width)
    assert wanted in short
    assert font.getlength(short) <= max(width, font.getlength("…"))
