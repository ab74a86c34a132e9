"""The renderer: the head is where the shot says, in the look's colours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from mien.errors import EngineError
from mien.lab.synthetic import render
from mien.lab.synthetic.faces import SIZE, Shot
from mien.lab.synthetic.paint import Look, Paint
from mien.lab.synthetic.render import Renderer
from mien.morphable import LinearFaceModel


@pytest.fixture(scope="module")
def renderer(head: LinearFaceModel) -> Iterator[Renderer]:
    try:
        with Renderer(head) as made:
            yield made
    except EngineError as error:
        pytest.skip(str(error))


def look(**changes: object) -> Look:
    plain = np.zeros((SIZE, SIZE, 3), np.uint8) + np.array([0, 0, 255], np.uint8)
    even = {
        "skin": np.array([0.5, 0.4, 0.3]), "lips": np.array([0.8, 0.1, 0.1]), "hairline": 0.0,
        "gloss": 0.0, "mottle": np.zeros(24), "folds": 0.0, "stubble": 0.0, "blush": 0.0,
        "ambient": np.ones(3),
        "tints": np.zeros((3, 3)), "background": plain,
    }  # fmt: skip
    return replace(Look.sample(np.random.default_rng(0)), **(even | changes))


@pytest.mark.parametrize(("yaw", "roll"), [(0, 0), (30, 0), (-20, 25)])
def test_the_head_is_where_the_projection_puts_it(
    renderer: Renderer, head: LinearFaceModel, yaw: float, roll: float
) -> None:
    shot = Shot(yaw, 5, roll, centre=(150.0, 180.0), distance=60.0, focal=420.0)
    image = renderer.render(head.mean, shot, look())
    assert image.shape == (SIZE, SIZE, 3)
    drawn = np.argwhere((image != [0, 0, 255]).any(axis=2))
    points = shot.project(head.mean[:468])[:, 1::-1]
    np.testing.assert_allclose(drawn.min(axis=0), points.min(axis=0), atol=2)
    np.testing.assert_allclose(drawn.max(axis=0), points.max(axis=0), atol=2)


def test_lips_and_skin_have_their_colours(renderer: Renderer, head: LinearFaceModel) -> None:
    shot = Shot(0, 0, 0, distance=60.0, focal=600.0)
    image = renderer.render(head.mean, shot, look())

    def at(point: int) -> np.ndarray:
        x, y = shot.project(head.mean[point])[:2].round().astype(int)
        return image[y, x] / 255

    np.testing.assert_allclose(at(50), [0.5, 0.4, 0.3], atol=0.03)  # a cheek
    assert at(17)[0] > 2 * at(17)[1]  # the lower lip


def test_light_comes_from_its_side(renderer: Renderer, head: LinearFaceModel) -> None:
    lights = np.array([[1.0, 0, 0], [0, 0, 1], [0, 0, 1]])
    tints = np.array([[1.0, 1, 1], [0, 0, 0], [0, 0, 0]])
    lit = look(lights=lights, tints=tints, ambient=np.full(3, 0.1))
    image = renderer.render(head.mean, Shot(0, 0, 0), lit).astype(float)
    skin = (image != [0, 0, 255]).any(axis=2)
    half = SIZE // 2
    right, left = image[:, half:][skin[:, half:]].mean(), image[:, :half][skin[:, :half]].mean()
    assert right > 1.5 * left


def test_pictures_are_the_same_each_time(renderer: Renderer, head: LinearFaceModel) -> None:
    looks = [Look.sample(np.random.default_rng(4)) for _ in range(2)]
    one, two = (renderer.render(head.mean, Shot(3, 2, 1), each) for each in looks)
    np.testing.assert_array_equal(one, two)


def test_without_egl_it_says_what_to_install(
    head: LinearFaceModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    moderngl = pytest.importorskip("moderngl")

    def refuse(**_: object) -> None:
        raise RuntimeError("libEGL.so not loaded")

    monkeypatch.setattr(moderngl, "create_standalone_context", refuse)
    with pytest.raises(EngineError, match=r"no EGL to draw with .*apt install libegl1"):
        Renderer(head)


def test_camera_faults_leave_a_picture() -> None:
    image = np.full((16, 16, 3), 128, np.uint8)
    for seed in range(8):
        faulty = render.camera_faults(image, np.random.default_rng(seed))
        assert faulty.shape == image.shape
        assert faulty.dtype == np.uint8


def test_folds_darken_hollows_and_nothing_else(head: LinearFaceModel) -> None:
    paint = Paint(head)
    normals = np.zeros_like(head.mean)
    normals[:, 2] = 1
    flat = paint.colours(look(), head.mean, normals)
    pit = head.mean.copy()
    away = np.linalg.norm(pit - pit[151], axis=1)  # the middle of the forehead
    pit[:, 2] -= 2 * np.exp(-((away / 2) ** 2))
    folded = paint.colours(look(folds=5.0), pit, normals)
    even = paint.colours(look(folds=5.0), head.mean, normals)
    assert folded[151].mean() < 0.9 * even[151].mean()
    np.testing.assert_allclose(folded[152], even[152])  # the chin
    eyes = head.regions["sclera_left"]
    np.testing.assert_allclose(folded[eyes], flat[eyes])
