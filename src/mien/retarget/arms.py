"""Arms that are held out are let down: avatars rest as a T, which nobody does before a camera.

The page does the same (``web/src/avatar/figure.ts``), with the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ..arrays import Array, Float
from ..geometry import matrix_from_quaternion
from ..model import Model
from .skeleton import Turner, line, plain

__all__ = ["DOWN", "HANGING", "let_down"]

DOWN = 65.0
"""Degrees by which an arm is let down."""

HANGING = 0.5
"""How far down or up an arm of length 1 may point to be left as it is."""

_NAMES = {
    side: frozenset(
        {
            *(f"{side}{arm}" for arm in ("arm", "upperarm")),
            *(f"{arm}{side}" for arm in ("arm", "upperarm")),
            f"upperarm{side[0]}",
            f"arm{side[0]}",
            f"{side[0]}upperarm",
        }
    )
    for side in ("left", "right")
}


def let_down(model: Model, humanoid: Mapping[str, int]) -> Model:
    """The model with its arms at its sides, where it holds them out at rest.

    Args:
        model: at rest, looking along +z.
        humanoid: node by VRM's bone name; empty where the file is no VRM, whose arms are found by
            their names.
    """
    nodes = list(model.nodes)
    for side, sense in (("left", -1.0), ("right", 1.0)):
        arm, hand = _arm(model, humanoid, side)
        if arm is None or hand is None:
            continue
        with np.errstate(over="ignore", invalid="ignore"):
            along = _place(model, hand) - _place(model, arm)
            length = float(np.linalg.norm(along))
        if not 1e-9 < length < math.inf or abs(along[1]) > HANGING * length:
            continue
        half = math.radians(DOWN) * sense / 2
        x, y, z, w = Turner(model, arm)((0.0, 0.0, math.sin(half), math.cos(half))).tolist()
        nodes[arm] = replace(nodes[arm], rotation=(x, y, z, w))
    return replace(model, nodes=tuple(nodes)) if nodes != list(model.nodes) else model


def _arm(model: Model, humanoid: Mapping[str, int], side: str) -> tuple[int | None, int | None]:
    """The upper arm, and what hangs on it: where it points."""
    arm = humanoid.get(f"{side}UpperArm")
    if arm is None and not humanoid:
        joints = {joint for skin in model.skins for joint in skin.joints}
        fits = [i for i, node in enumerate(model.nodes) if plain(node.name) in _NAMES[side]]
        bones = [i for i in fits if model.nodes[i].mesh is None]
        arm = min(bones, key=lambda i: i not in joints, default=None)
    if arm is None:
        return None, None
    below = (i for i, node in enumerate(model.nodes) if node.parent == arm)
    hand = humanoid.get(f"{side}LowerArm", next(below, None))
    return arm, hand if hand is not None and arm in line(model, hand) else None


def _place(model: Model, node: int) -> Float[Array, "3"]:
    """Where a node is at rest, in the axes of the model."""
    place = np.zeros(3)
    for at in line(model, node):
        here = model.nodes[at]
        turn = matrix_from_quaternion(np.array(here.rotation))
        place = turn @ (place * here.scale) + here.translation
    return place
