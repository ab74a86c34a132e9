"""Small models to be drawn, and a renderer where there is something to draw with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from mien.errors import EngineError
from mien.model import Material, Mesh, Model, Node, Primitive
from mien.render.renderer import Renderer
from mien.render.scene import Actor, Camera, Scene


@pytest.fixture(scope="module")
def draw() -> Iterator[Callable[..., np.ndarray]]:
    """Draw actors before black, 64x64, a metre square around the origin; no perspective."""
    made: dict[tuple[Any, ...], Renderer] = {}

    def one(*actors: Actor | Model, samples: int = 1, morphing: Any = "auto", **more: Any):
        key = (samples, morphing)
        try:
            if key not in made:
                made[key] = Renderer(64, 64, samples, morphing=morphing)
        except EngineError as error:
            pytest.skip(str(error))
        cast = [a if isinstance(a, Actor) else Actor(a) for a in actors]
        flat = Camera((0, 0, 5), height=1.0, near=0.1, far=10)
        settings = {"camera": flat, "background": None} | more
        return made[key].draw(Scene(cast, **settings))

    yield one
    for renderer in made.values():
        renderer.close()


def square(
    left: float, bottom: float, right: float, top: float, z: float = 0.0, **more: Any
) -> Primitive:
    """Two triangles that face the viewer."""
    corners = [(left, bottom, z), (right, bottom, z), (right, top, z), (left, top, z)]
    return Primitive(
        np.array(corners, np.float32), np.array([[0, 1, 2], [0, 2, 3]]), **{"material": 0} | more
    )


def model(*primitives: Primitive, **material: Any) -> Model:
    """One node with one mesh; unlit red unless told otherwise."""
    look = {"shading": "unlit", "colour": (1.0, 0.0, 0.0, 1.0)} | material
    return Model((Node("here", mesh=0),), (Mesh("mesh", primitives),), (Material(**look),))
