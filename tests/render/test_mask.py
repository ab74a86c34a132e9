"""The mirror mask: a face's own picture on its own surface."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mien.geometry import project
from mien.render.mask import Mask
from mien.render.scene import Camera
from mien.topology import CANONICAL, REGIONS, TRIANGLES
from mien.types import Face, Landmarks, Pose

SIZE = (320, 240)
HALVES = np.zeros((240, 320, 3), np.uint8)
HALVES[:, :160] = (200, 0, 0)
HALVES[:, 160:] = (0, 0, 200)


def face(yaw: float = 0.0, middle: float = 160.0) -> Face:
    pose = Pose.from_euler(yaw, 0, 0, (middle, 120.0, 0.0), 10.0)
    points = project(CANONICAL.astype(float), pose.rotation, pose.translation, pose.scale)
    return Face(1, 0.0, Landmarks(points.astype(np.float32), SIZE), pose)


def test_the_surface_is_closed_but_for_its_border() -> None:
    triangles = Mask().model.meshes[0].primitives[0].triangles
    assert len(triangles) > len(TRIANGLES)
    edges = np.sort(
        np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    )
    unique, count = np.unique(edges, axis=0, return_counts=True)
    border = set(np.unique(unique[count == 1]).tolist())
    assert border == set(REGIONS["face_oval"])
    a, b, c = (CANONICAL[triangles[len(TRIANGLES) :, k]] for k in range(3))
    assert np.cross(b - a, c - a)[:, 2].sum() > 0


def test_the_picture_is_where_it_was_on_the_face(draw: Callable[..., np.ndarray]) -> None:
    mask = Mask()
    assert not mask.worn
    mask.show(face(), HALVES)
    assert mask.worn
    front = Camera((0, 0, 1), height=0.25, near=0.1, far=3)
    seen = draw(mask.actor, camera=front)
    assert tuple(seen[32, 26, :3]) == (200, 0, 0)
    assert tuple(seen[32, 38, :3]) == (0, 0, 200)
    behind = draw(mask.actor, camera=Camera((0, 0, -1), height=0.25, near=0.1, far=3))
    assert behind[32, 32, 3] == 255
    assert np.ptp(behind[32, 32, :3].astype(int)) < 20


@pytest.mark.parametrize("yaw", [-25.0, 25.0])
def test_it_turns_with_the_head_and_keeps_its_shape(yaw: float) -> None:
    mask = Mask()
    mask.show(face(yaw), HALVES)
    placed = mask.actor.vertices[0, 0].positions
    assert placed == pytest.approx(CANONICAL * 0.01, abs=1e-4)
    assert mask.actor.placement[0, 2] * yaw > 0


def test_without_a_pose_or_outside_of_the_picture_nothing_changes() -> None:
    mask = Mask()
    flat = face()
    mask.show(Face(1, 0.0, flat.landmarks), HALVES)
    mask.show(face(middle=-500.0), HALVES)
    assert not mask.worn


def test_at_the_border_of_the_picture_it_is_still_drawn(draw: Callable[..., np.ndarray]) -> None:
    mask = Mask()
    mask.show(face(middle=10.0), HALVES)
    front = Camera((0, 0, 1), height=0.25, near=0.1, far=3)
    assert draw(mask.actor, camera=front)[32, 32, 3] == 255
