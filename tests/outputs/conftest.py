"""Made-up observations, so that the writers are tested without a landmark engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mien.geometry import camera_to_picture
from mien.topology import CANONICAL
from mien.types import Face, Landmarks, Observation, Pose

SIZE = (320, 240)


@pytest.fixture
def make_face() -> Callable[..., Face]:
    """A face of the mean shape in the middle of a 320x240 picture; every field can be replaced."""

    def make(id: int = 1, time: float = 0.0, **fields: Any) -> Face:  # noqa: A002
        points = camera_to_picture(CANONICAL * 9.0) + np.array([160, 120, 0], np.float32)
        fields.setdefault("landmarks", Landmarks(points.astype(np.float32), SIZE, 0.9))
        return Face(id, time, **fields)

    return make


@pytest.fixture
def full_face(make_face: Callable[..., Face]) -> Callable[..., Face]:
    """A face for which every model has produced something; numbers depend on ``seed``."""

    def make(id: int = 1, time: float = 0.0, seed: int = 0) -> Face:  # noqa: A002
        rng = np.random.default_rng(seed)
        expression = rng.random(52, np.float32)
        expression[7] = np.nan
        return make_face(
            id, time,
            pose=Pose.from_euler(12.5, -3.25, 7.0, (160.0, 120.0, 4.0), 9.0),
            expression=expression,
            mouth_open=bool(seed % 2),
            engine_shapes=rng.random(52, np.float32),
            morphable=rng.normal(size=10).astype(np.float32),
            action_units=rng.random(27, np.float32),
            emotion=np.full(7, 1 / 7, np.float32),
        )  # fmt: skip

    return make


@pytest.fixture
def observe() -> Callable[..., Observation]:
    """What a tracker would hand over."""

    def make(index: int, *faces: Face, fps: float = 30.0) -> Observation:
        return Observation(index, index / fps, SIZE, faces)

    return make
