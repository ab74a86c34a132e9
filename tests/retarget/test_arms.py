"""Arms that are held out at rest hang in films."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from mien.geometry import matrix_from_quaternion
from mien.gltf import read
from mien.model import Model, Node
from mien.retarget.arms import DOWN, HANGING, let_down
from mien.retarget.avatar import NECK, Avatar

FIGURE = Path(__file__).resolve().parents[2] / "web" / "src" / "avatar" / "figure.ts"
HUMANOID = {"leftUpperArm": 1, "leftLowerArm": 2, "rightUpperArm": 3, "rightLowerArm": 4}


def body(*, reach: tuple[float, float] = (0.3, 0.0), name: str = "bone") -> Model:
    """Hips that lean and turn, with two arms whose bones rest turned as well."""
    across, up = reach
    hips, bone = np.array([0.1, 0.3, -0.2, 0.9]), np.array([-0.4, 0.1, 0.5, 0.7])
    hips, bone = hips / np.linalg.norm(hips), bone / np.linalg.norm(bone)
    above = matrix_from_quaternion(hips)
    back = above.T, (above @ matrix_from_quaternion(bone)).T

    def node(name: str, parent: int, place: tuple[float, float, float]) -> Node:
        local = back[0 if parent == 0 else 1] @ np.array(place)
        return Node(name, parent, tuple(local.tolist()), tuple(bone.tolist()))

    return Model(
        (
            Node("hips", None, (0.0, 1.0, 0.0), tuple(hips.tolist())),
            node(f"{name}.L", 0, (0.1, 0.4, 0.0)),
            node("hand.L", 1, (across, up, 0.0)),
            node(f"{name}.R", 0, (-0.1, 0.4, 0.0)),
            node("hand.R", 3, (-across, up, 0.0)),
        )
    )


def arm(model: Model, upper: int, lower: int) -> np.ndarray:
    """From one node to the other, in the axes of the model."""
    places = []
    for end in (upper, lower):
        place, at = np.zeros(3), end
        while at is not None:
            node = model.nodes[at]
            place = matrix_from_quaternion(np.array(node.rotation)) @ place + node.translation
            at = node.parent
        places.append(place)
    return places[1] - places[0]


@pytest.mark.parametrize(("humanoid", "name"), [(HUMANOID, "bone"), ({}, "upper_arm"), ({}, "Arm")])
def test_a_t_lets_its_arms_down(humanoid: dict[str, int], name: str) -> None:
    before = body(name=name)
    after = let_down(before, humanoid)
    np.testing.assert_allclose(arm(before, 1, 2), (0.3, 0, 0), atol=1e-9)
    cosine, sine = np.cos(np.radians(DOWN)), np.sin(np.radians(DOWN))
    np.testing.assert_allclose(arm(after, 1, 2), (0.3 * cosine, -0.3 * sine, 0), atol=1e-9)
    np.testing.assert_allclose(arm(after, 3, 4), (-0.3 * cosine, -0.3 * sine, 0), atol=1e-9)


@pytest.mark.parametrize("reach", [(0.1, -0.3), (0.1, 0.3), (0.0, 0.0), (1e200, 1e200)])
def test_other_arms_stay(reach: tuple[float, float]) -> None:
    model = body(reach=reach)
    assert let_down(model, HUMANOID) is model


def test_without_arms_nothing_changes() -> None:
    model = Model((Node("LeftArm"),))
    assert let_down(model, {}) is model
    assert let_down(model, {"leftUpperArm": 0, "leftLowerArm": 0}).nodes == model.nodes


def test_the_page_has_the_same_numbers() -> None:
    text = FIGURE.read_text("utf-8")
    found = {
        name: float(re.search(pattern, text)[1])
        for name, pattern in {
            "down": r"const ARMS = MathUtils\.degToRad\(([\d.]+)\)",
            "hanging": r"Math\.abs\(tip\.y\) > ([\d.]+)",
            "neck": r"const NECK = ([\d.]+)",
        }.items()
    }
    assert found == {"down": DOWN, "hanging": HANGING, "neck": NECK}


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "upper", "lower"),
    [("vrm-no-expressions.vrm", 15, 16), ("vrm1-debug-robot.vrm", 28, 26)],
)
def test_real_avatars(shared: Path, name: str, upper: int, lower: int) -> None:
    """VRM 0.x and 1.0."""
    path = shared / "avatars" / name
    held, hanging = (arm(m, upper, lower) for m in (read(path).model, Avatar.load(path).model))
    assert abs(held[1]) < 0.1 * held[0]
    assert hanging[1] < -1.5 * hanging[0] < 0
