"""One picture of all 52 targets: ``python -m mien.lab.bust --gallery docs/bust.png``."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ...arrays import Array, Float
from ...channels import ARKIT_52
from ...geometry import quaternion_from_matrix
from ...model import Model, ModelPose
from ...render.background import Colour
from ...render.renderer import Renderer
from ...render.scene import Actor, Camera, Scene
from ...retarget import bust
from ...retarget.pose import eye_rotations

__all__ = ["draw", "posed", "write"]

_CELL, _LABEL, _COLUMNS = 176, 20, 9
_GREY = (222, 226, 230)
_TURN = 16.0  # degrees that the head is seen from its left, where the left targets move


def posed(model: Model, weights: dict[str, float]) -> ModelPose:
    """The bust with these channels, eyes turned as they say."""
    values = np.array([weights.get(name, 0.0) for name in ARKIT_52], np.float32)
    eyes = dict(zip(("leftEye", "rightEye"), eye_rotations(ARKIT_52, values), strict=True))
    turns = {
        i: quaternion_from_matrix(eyes[node.name])
        for i, node in enumerate(model.nodes)
        if node.name in eyes
    }
    return ModelPose({0: values}, turns)


def draw(
    renderer: Renderer,
    model: Model,
    weights: dict[str, float],
    turn: float = _TURN,
    middle: tuple[float, float, float] = (0.0, 0.236, 0.0),
    height: float = 0.262,
) -> Float[Array, "h w 3"]:
    """A picture of the bust, uint8 RGB; ``turn`` in degrees, the rest in metres."""
    angle, far = math.radians(turn), 1.2
    x, y, z = middle
    eye = (x + far * math.sin(angle), y + 0.03, z + far * math.cos(angle))
    camera = Camera(eye, middle, fov=math.degrees(2 * math.atan(height / 2 / far)))
    scene = Scene([Actor(model, posed(model, weights))], camera, background=Colour(_GREY))
    picture: Array = renderer.draw(scene)[..., :3]
    return picture


def write(file: Path) -> None:
    """Draw the neutral face and the 52 targets at weight 1 into a PNG file.

    mouthClose is drawn with the open jaw to which it belongs; targets of the right from the right.
    """
    model = bust.build(skin="light", eyes="blue", hair="brown")
    shown: list[tuple[str, dict[str, float]]] = [("neutral", {})] + [
        (name, {name: 1.0} | ({"jawOpen": 1.0} if name == "mouthClose" else {}))
        for name in ARKIT_52
    ]
    rows = -(-len(shown) // _COLUMNS)
    sheet = Image.new("RGB", (_COLUMNS * _CELL, rows * (_CELL + _LABEL)), _GREY)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    with Renderer(_CELL, _CELL) as renderer:
        for i, (name, weights) in enumerate(shown):
            turn = -_TURN if name.endswith("Right") else _TURN
            at = (i % _COLUMNS * _CELL, i // _COLUMNS * (_CELL + _LABEL))
            sheet.paste(Image.fromarray(draw(renderer, model, weights, turn)), at)
            label = name if name != "mouthClose" else "mouthClose + jawOpen"
            place = (at[0] + _CELL / 2, at[1] + _CELL + 2)
            pen.text(place, label, fill=(40, 44, 50), font=font, anchor="ma")
    temporary = file.with_suffix(".part.png")
    sheet.save(temporary, optimize=True)
    temporary.replace(file)
