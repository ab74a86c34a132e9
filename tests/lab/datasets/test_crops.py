"""Aligned crops: a face lies in one place, however it lay in the picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mien.errors import InputError
from mien.lab.datasets.crops import SIDE, crop, crops
from mien.topology import CANONICAL, RIGID


def drawn(scale: float, degrees: float, at: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """A picture with a white dot on the tip of the nose, and the face's points."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    flat = CANONICAL[:, :2] * [1, -1] * scale
    points = np.zeros((478, 3), np.float32)
    points[:, :2] = flat @ turn.T + at
    image = np.zeros((400, 500, 3), np.uint8)
    cv2.circle(image, tuple(int(v) for v in points[1, :2].round()), 6, (255, 255, 255), -1)
    return image, points


@pytest.mark.parametrize(
    ("scale", "degrees", "at"), [(10, 0, (250, 200)), (15, 30, (220, 180)), (8, -90, (300, 210))]
)
def test_a_face_is_upright_and_of_one_size(
    scale: float, degrees: float, at: tuple[float, float]
) -> None:
    cut = crop(*drawn(scale, degrees, at))
    assert cut.shape == (SIDE, SIDE)
    assert cut.dtype == np.uint8
    rows, columns = np.nonzero(cut > 128)
    assert (rows.mean(), columns.mean()) == pytest.approx(NOSE, abs=1)


NOSE = tuple(float(v.mean()) for v in np.nonzero(crop(*drawn(12, 0, (250, 200))) > 128))


def test_left_stays_left() -> None:
    image, points = drawn(12, 0, (250, 200))
    image[:, 251:] = 255
    cut = crop(image, points)
    assert cut[:, SIDE * 3 // 4 :].min() == 255
    assert cut[: SIDE // 4, : SIDE // 4].max() == 0


def plain(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The crop by bilinear sampling alone, by the similarity that OpenCV fits."""
    matrix, _ = cv2.estimateAffinePartial2D(points[RIGID, :2], GOAL, method=cv2.LMEDS)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return cv2.warpAffine(grey, matrix, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)


_PER_CM = SIDE / 19
GOAL = (CANONICAL[RIGID, :2] * [1, -1] + [0, -0.5]) * _PER_CM + SIDE / 2


@pytest.mark.parametrize("scale", [2.0, 5.0, 11.0])
def test_faces_that_are_no_larger_than_twice_the_crop_are_only_sampled(scale: float) -> None:
    _, points = drawn(scale, 20, (250, 200))
    image = np.random.default_rng(0).integers(0, 256, (400, 500, 3), np.uint8)
    np.testing.assert_array_equal(crop(image, points), plain(image, points))


@pytest.mark.parametrize("scale", [13.0, 30.0, 90.0])
def test_large_faces_are_shrunk_without_patterns_in_the_same_place(scale: float) -> None:
    _, points = drawn(scale, 20, (750, 600))
    noise = np.random.default_rng(0).integers(0, 256, (1200, 1500, 1), np.uint8)
    cut = crop(np.repeat(noise, 3, axis=2), points)
    # The mean of n pixels deviates by one over the root of n.
    assert cut.std() < 1.3 * noise.std() * _PER_CM / scale
    steps = np.linspace(0, 255, 1500)[None, :] * np.linspace(0.2, 1, 1200)[:, None]
    smooth = np.repeat(steps.astype(np.uint8)[..., None], 3, axis=2)
    assert np.abs(crop(smooth, points).astype(int) - plain(smooth, points)).max() <= 2


def test_rows_for_a_net() -> None:
    image, points = drawn(12, 0, (250, 200))
    rows = crops("made", ["a", "b"], np.stack([points, points]), {"a": image, "b": image}.get)
    assert rows.shape == (2, SIDE * SIDE)
    assert rows.dtype == np.float32
    assert (rows.min(), rows.max()) == (0, 1)
    with pytest.raises(InputError, match=r"gone\.jpg cannot be read any more"):
        crops("made", ["gone.jpg"], points[None], lambda _: None)
