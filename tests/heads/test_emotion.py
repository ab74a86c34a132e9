"""The picture that a head of emotions is shown, how sure it is, how its answers are steadied."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien import heads
from mien.channels import EMOTIONS
from mien.errors import InputError
from mien.geometry import matrix_from_euler, project
from mien.heads.emotion import BELOW, FILLS, MEMORY, SIDE, Follower, cut, tempered
from mien.heads.regressor import Head
from mien.topology import CANONICAL

Make = Callable[..., Path]
ANGLES = (0.0, 0.0, 0.0)


def face(
    at: tuple[float, float], scale: float, angles: tuple[float, float, float] = ANGLES
) -> tuple[np.ndarray, np.ndarray]:
    """Points of the mean face in pixels, and its rotation; it is some 17 units high."""
    rotation = matrix_from_euler(*angles)
    points = project(CANONICAL.astype(float), rotation, np.array([*at, 0.0]), scale)
    return points.astype(np.float32), rotation


@pytest.mark.parametrize("scale", [0.8, 2.0, 5.0, 12.0, 25.0])
@pytest.mark.parametrize("across", [True, False])
def test_the_face_lies_where_fer_2013_has_it(scale: float, across: bool) -> None:
    points, rotation = face((500, 400), scale)
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    side = float((high - low).max()) / FILLS
    middle = (low + high) / 2 - (0, BELOW * side)
    # Grey levels that rise by 3 for each pixel of what is cut out, and are 128 in its middle.
    y, x = np.indices((800, 1000)) + 0.5
    level = 128 + 3 * SIDE / side * (x - middle[0] if across else y - middle[1])
    image = np.repeat(level.clip(0, 255).round().astype(np.uint8)[:, :, None], 3, axis=2)
    seen = cut(image, points, rotation)
    assert (seen.shape, seen.dtype) == ((SIDE, SIDE), np.uint8)
    expected = 128 + 3 * (np.arange(SIDE) + 0.5 - SIDE / 2)
    # A few rounded greys come together; 1.5 is half a pixel.
    np.testing.assert_allclose(seen.mean(axis=0 if across else 1), expected, atol=1.5)
    assert abs(float(seen.mean()) - 128) < 0.8


@pytest.mark.parametrize("roll", [-170.0, -90.0, -30.0, 15.0, 60.0, 180.0])
@pytest.mark.parametrize("turn", [(0.0, 0.0), (35.0, 0.0), (0.0, -20.0)])
def test_a_tilted_head_is_brought_upright(roll: float, turn: tuple[float, float]) -> None:
    seen = []
    for angle in (0.0, roll):
        rotation = matrix_from_euler(0, 0, angle) @ matrix_from_euler(*turn, 0)
        points = project(CANONICAL.astype(float), rotation, np.array([300.0, 300.0, 0.0]), 10.0)
        image = np.full((600, 600, 3), 128, np.uint8)
        for point, level in ((10, 255), (152, 0), (234, 200)):  # forehead, chin, one temple
            x, y = points[point, :2].round().astype(int).tolist()
            cv2.circle(image, (x, y), 12, (level,) * 3, cv2.FILLED)
        seen.append(cut(image, points.astype(np.float32), rotation).astype(int))
    assert np.abs(seen[0] - 128).max() > 60
    assert np.abs(seen[0] - seen[1]).mean() < 1.5


def test_what_is_finer_than_a_pixel_is_averaged() -> None:
    checks = ((np.indices((900, 900)).sum(axis=0) % 2) * 255).astype(np.uint8)
    image = np.repeat(checks[:, :, None], 3, axis=2)
    points, rotation = face((450, 450), 40)
    np.testing.assert_allclose(cut(image, points, rotation), 127.5, atol=3)


@pytest.mark.parametrize(
    "at", [(0, 0), (200, 10), (-500, -500), (900, 300)], ids=lambda at: f"{at[0]},{at[1]}"
)
def test_beyond_the_picture_its_edge_repeats(at: tuple[float, float]) -> None:
    image = np.full((240, 320, 3), 90, np.uint8)
    assert (cut(image, *face(at, 8)) == 90).all()


def test_a_face_without_extent_is_still_cut() -> None:
    points = np.full((478, 3), 5, np.float32)
    assert cut(np.full((10, 10, 3), 7, np.uint8), points, np.eye(3)).shape == (SIDE, SIDE)
    backward = np.diag([-1.0, 1.0, -1.0])  # no turn is nearest
    assert cut(np.full((10, 10, 3), 7, np.uint8), *face((5, 5), 0.3)[:1], backward).max() == 7


def test_a_picture_without_colour_is_the_same_in_grey() -> None:
    rng = np.random.default_rng(1)
    grey = rng.integers(0, 256, (200, 200, 1), dtype=np.uint8)
    points, rotation = face((100, 100), 2.3)
    seen = cut(np.repeat(grey, 3, axis=2), points, rotation)
    assert 60 < seen.mean() < 195
    assert seen.std() > 5


@pytest.mark.parametrize(
    ("temperature", "first"),
    [(1.0, 0.6), (2.0, None), (0.5, None), (100.0, 1 / 7), (0.01, 1.0)],
)
def test_a_temperature_makes_surer_or_less_sure(temperature: float, first: float | None) -> None:
    given = np.array([0.6, 0.2, 0.1, 0.05, 0.03, 0.02, 0.0], np.float32)
    warm = tempered(given, temperature)
    assert warm.dtype == np.float32
    assert warm.sum() == pytest.approx(1, abs=1e-6)
    assert warm.argmax() == 0
    if first is None:
        assert (warm[0] < 0.6) == (temperature > 1)
        expected = given[:6] ** (1 / temperature)
        np.testing.assert_allclose(warm[:6], expected / expected.sum(), atol=1e-6)
    elif temperature <= 1:
        assert warm[0] == pytest.approx(first, abs=1e-5)
    assert warm[6] == 0
    np.testing.assert_allclose(tempered(np.stack([given, given]), temperature)[1], warm)


def one_hot(name: str) -> np.ndarray:
    return np.eye(len(EMOTIONS), dtype=np.float32)[EMOTIONS.index(name)]


def test_what_is_past_fades_away() -> None:
    follow = Follower()
    assert (follow(one_hot("sad"), 0.0) == one_hot("sad")).all(), "the first answer is the answer"
    at, sad = 0.0, []
    for _ in range(60):
        at += 1 / 30
        value = follow(one_hot("happy"), at)
        assert value.sum() == pytest.approx(1, abs=1e-5)
        assert value.min() >= 0
        sad.append(value[EMOTIONS.index("sad")])
    assert sad[round(30 * MEMORY) - 1] == pytest.approx(1 / np.e, abs=0.01)
    assert sad[-1] < 0.01


@pytest.mark.parametrize(
    ("step", "afresh"), [(0.0, False), (0.04, False), (0.49, False), (0.6, True), (20.0, True)]
)
def test_a_face_that_comes_back_starts_afresh(step: float, afresh: bool) -> None:
    follow = Follower()
    follow(one_hot("sad"), 1.0)
    value = follow(one_hot("happy"), 1.0 + step)
    assert bool((value == one_hot("happy")).all()) == afresh


def test_the_rate_of_frames_does_not_matter() -> None:
    values = []
    for rate in (10, 30, 60):
        follow = Follower()
        follow(one_hot("fear"), 0.0)
        for i in range(rate):
            value = follow(one_hot("neutral"), (i + 1) / rate)
        values.append(value)
    np.testing.assert_allclose(values[0], values[2], atol=1e-4)
    np.testing.assert_allclose(values[1], values[2], atol=1e-4)


def some(count: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(2)
    return {
        "aligned": rng.normal(size=(count, 478, 3)).astype(np.float32),
        "rotation": rng.normal(size=(count, 3, 3)).astype(np.float32),
        "pixels": rng.normal(size=(count, 478, 3)).astype(np.float32),
        "image": rng.integers(0, 256, (count, SIDE, SIDE), dtype=np.uint8),
    }


@pytest.mark.parametrize("inputs", [("aligned",), ("image",), ("image", "rotation")])
@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_a_head_of_emotions_gives_tempered_probabilities(
    make_head: Make, inputs: tuple[str, ...], temperature: float
) -> None:
    bias = np.arange(7.0)
    head = Head(make_head(output="emotion", inputs=inputs, bias=bias, temperature=temperature))
    assert head.spec.needs_picture == ("image" in inputs)
    said = head(**some(3))
    expected = np.exp(bias / temperature)
    np.testing.assert_allclose(said, np.tile(expected / expected.sum(), (3, 1)), atol=1e-5)
    alone = head(**{name: value[0] for name, value in some(3).items()})
    np.testing.assert_allclose(alone, said[0], atol=1e-6)
    assert head(**some(0)).shape == (0, 7)


def test_without_its_picture_a_head_refuses(make_head: Make) -> None:
    head = Head(make_head(output="emotion", inputs=("image",)))
    given = some(1)
    del given["image"]
    with pytest.raises(InputError, match="needs the picture"):
        head(**given)


@pytest.mark.parametrize(("inputs", "needs"), [(("aligned",), False), (("aligned", "image"), True)])
def test_whether_it_needs_a_picture_is_known_before_it_is_loaded(
    make_head: Make, inputs: tuple[str, ...], needs: bool
) -> None:
    path = make_head(output="emotion", inputs=inputs)
    assert heads.needs_picture(str(path), "emotion") == needs
    assert not heads.needs_picture(None, "emotion")
    assert not heads.needs_picture("geometric", "expression")
