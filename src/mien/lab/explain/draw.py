"""Maps drawn on faces: panels of one size, the row of a case, the contact sheet, the legend.

A panel is grey, so that every colour in it is the map's. Heat goes from dark red over orange to
yellow; what landmarks brought is orange where it spoke for the class and blue where against. The
weaker it is, the more the face shows through.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ...arrays import Array, Float, Float32, Points, RGBImage, UInt8
from ...geometry import camera_to_picture
from ...render.strokes import facing
from ...topology import CANONICAL, IRIS_CENTRES, REGIONS, TRIANGLES
from .explaining import Case, Map, Mean

__all__ = [
    "SIDE",
    "headline",
    "kinds",
    "legend",
    "mean_row",
    "png",
    "row",
    "sheet",
    "signed",
    "spread",
]

SIDE = 216
"""Width and height of a panel, pixels."""

_GAP = 4  # between panels
_MARGIN = 1.15  # side of a view of landmarks, over the larger side of their box
_BACK = 60  # grey where there is no picture
_FINER = 2  # pixels that triangles are drawn in, per pixel
_PIECES = 3  # into which each side of a triangle is cut
_SHIFT = 4  # OpenCV takes coordinates as whole sixteenths of a pixel
_STRENGTH = 0.85  # opacity of the strongest colour
_FOR, _AGAINST = np.array([255, 140, 26]), np.array([56, 139, 253])
_INK, _SOFT, _PAPER = "#1f2328", "#656d76", "#ffffff"
_WIDE = 1408  # of a sheet, about
_TITLE, _TEXT, _SMALL = 24, 15, 13  # sizes of letters


def row(case: Case) -> RGBImage:
    """The panels of a case beside each other: its picture, then the maps, on one scale."""
    heat = max((float(m.heat.max()) for m in case.maps if m.heat is not None), default=0.0)
    point = max((_top(m.moved.points) for m in case.maps if m.moved is not None), default=0.0)
    panels = [_plain(case)]
    for found in case.maps:
        panels += _panels(case, found, heat, point)
    return _beside(panels)


def mean_row(mean: Mean) -> RGBImage:
    """The panels of a mean: over the mean picture, and over the canonical face."""
    panels = []
    if mean.heat is not None and mean.image is not None:
        panels.append(_heated(mean.image, mean.heat, float(mean.heat.max()), mean.offset))
    if mean.points is not None:
        place = camera_to_picture(CANONICAL)
        panels.append(_meshed(*_view(None, place), mean.points, _top(mean.points)))
    return _beside([_labelled(panel, mean.towards) for panel in panels])


def headline(case: Case) -> str:
    """What was said of a picture, and what it is."""
    told = f"said {case.told} {_percent(case.probabilities[case.told])}"
    if case.truth is None:
        return told
    if case.truth == case.told:
        return f"{told}, rightly"
    return f"{told}, is {case.truth} ({_percent(case.probabilities[case.truth])})"


def legend(points: bool, ink: str = _INK, width: int = 440) -> Image.Image:
    """A scale of colours with its ends named, transparent.

    Args:
        points: what landmarks brought; heat if not.
        ink: colour of the words.
        width: pixels.
    """
    ends = ("spoke against", "spoke for") if points else ("nothing", "spoke for")
    place = Image.new("RGBA", (width, 24), (0, 0, 0, 0))
    pen, font = ImageDraw.Draw(place), _font(_SMALL)
    pen.text((0, 12), ends[0], ink, font, "lm")
    pen.text((width - 1, 12), ends[1], ink, font, "rm")
    left = round(font.getlength(ends[0])) + 8
    bar = width - left - round(font.getlength(ends[1])) - 8
    values = np.linspace(-1 if points else 0, 1, bar, dtype=np.float32)[None].repeat(14, 0)
    grey = np.full((14, bar, 3), 128, np.uint8)
    scale = _signed(grey, values) if points else _hot(grey, values)
    place.paste(Image.fromarray(scale), (left, 5))
    return place


def sheet(title: str, told: str, cases: Sequence[Case], means: Sequence[Mean]) -> RGBImage:
    """All cases on one sheet, with title, legend and what has to be minded.

    Args:
        title: above.
        told: below the title.
        cases: in the order to show them.
        means: below them; empty for none.
    """
    rows = [(row(case), headline(case), case.name) for case in cases]
    tile = max(panels.shape[1] for panels, _, _ in rows)
    columns = max(1, min(_WIDE // (tile + 24), len(rows)))
    width = max(columns * (tile + 24) + 24, 520)
    height = SIDE + 62
    averages = [mean_row(mean) for mean in means]
    wide = max((panels.shape[1] for panels in averages), default=1)
    across = max(1, (width - 24) // (wide + 12))
    low = 128 + -(-len(rows) // columns) * height
    below = (44 + -(-len(averages) // across) * (SIDE + 36)) if averages else 0
    canvas = Image.new("RGB", (width, low + below + 44), _PAPER)
    pen = ImageDraw.Draw(canvas)
    pen.text((24, 20), _fit(title, _font(_TITLE), width - 48), _INK, _font(_TITLE))
    pen.text((24, 56), _fit(told, _font(_TEXT), width - 48), _SOFT, _font(_TEXT))
    right = 24
    shown = kinds(cases)
    for points in shown:
        scale = legend(points, width=min(440, (width - 48) // len(shown) - 24))
        canvas.paste(scale, (right, 86), scale)
        right += scale.width + 24
    for number, (panels, said, name) in enumerate(rows):
        x = 24 + number % columns * (tile + 24)
        y = 128 + number // columns * height
        canvas.paste(Image.fromarray(panels), (x, y))
        pen.text((x, y + SIDE + 6), _fit(said, _font(_TEXT), tile), _INK, _font(_TEXT))
        short = _fit(Path(name).name, _font(_SMALL), tile)
        pen.text((x, y + SIDE + 27), short, _SOFT, _font(_SMALL))
    if averages:
        pen.text((24, low + 8), MEANS, _INK, _font(_TEXT))
    for number, (panels, mean) in enumerate(zip(averages, means, strict=True)):
        x = 24 + number % across * (wide + 12)
        y = low + 36 + number // across * (SIDE + 36)
        canvas.paste(Image.fromarray(panels), (x, y))
        pen.text((x, y + SIDE + 5), mean.of, _SOFT, _font(_SMALL))
    pen.text((24, low + below + 14), _fit(MIND, _font(_SMALL), width - 48), _SOFT, _font(_SMALL))
    return np.asarray(canvas)


MEANS = "On average, in pictures of a class that were told rightly"
MIND = "What moved a number is not a reason, and a face is not a feeling."


def kinds(cases: Sequence[Case]) -> list[bool]:
    """Which legends there have to be: False for heat, True for landmarks."""
    maps = [one for case in cases for one in case.maps]
    heat = any(one.heat is not None for one in maps)
    points = any(one.moved is not None for one in maps)
    return [False] * heat + [True] * points


def png(picture: RGBImage | Image.Image) -> bytes:
    """A picture as the bytes of a file."""
    buffer = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _plain(case: Case) -> RGBImage:
    """The picture itself: around the landmarks where there are any, else what the net saw."""
    if case.points is not None and case.picture is not None:
        return _view(case.picture, case.points)[0]
    if case.image is not None:
        return _enlarged(case.image)
    return np.full((SIDE, SIDE, 3), _BACK, np.uint8)


def _panels(case: Case, found: Map, heat: float, point: float) -> list[RGBImage]:
    """With landmarks the label also says what all of them brought, the turn of the head too."""
    panels, label = [], f"for {found.towards}"
    if found.heat is not None and case.image is not None:
        panels.append(_labelled(_heated(case.image, found.heat, heat, found.offset), label))
    if found.moved is not None and case.points is not None:
        shown = _meshed(*_view(case.picture, case.points), found.moved.points, point)
        panels.append(_labelled(shown, f"{label} {signed(found.moved.change)}"))
    return panels


def _view(picture: RGBImage | None, points: Points) -> tuple[RGBImage, Float32[Array, "478 3"]]:
    """The square around a face as a panel, and its points there."""
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    side = max(_MARGIN * float((high - low).max()), 1e-6)
    corner, scale = (low + high) / 2 - side / 2, SIDE / side
    place = points.astype(np.float32) * np.float32(scale)
    place[:, :2] -= (corner * scale).astype(np.float32)
    if picture is None:
        return np.full((SIDE, SIDE, 3), _BACK, np.uint8), place
    each = np.array([scale, scale])
    if scale < 1:  # shrunk by area first, or what is finer than a pixel would turn into noise
        before = np.array(picture.shape[1::-1])
        after = np.maximum(np.rint(before * scale), 1).astype(int)
        picture = cv2.resize(picture, tuple(after.tolist()), interpolation=cv2.INTER_AREA)
        each = each * before / after
    # OpenCV counts from the middle of the first pixel.
    offset = -corner * scale + 0.5 * each - 0.5
    shown = cv2.warpAffine(
        picture, np.column_stack([np.diag(each), offset]), (SIDE, SIDE), flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_CONSTANT, borderValue=(_BACK, _BACK, _BACK),
    )  # fmt: skip
    return np.asarray(shown), place


def _enlarged(image: UInt8[Array, "h w"]) -> RGBImage:
    large = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    return np.repeat(large[..., None], 3, 2)


def _heated(
    image: UInt8[Array, "h w"],
    heat: Float32[Array, "y x"],
    top: float,
    offset: tuple[float, float] = (0.0, 0.0),
) -> RGBImage:
    share = heat.astype(np.float32) / max(top, 1e-9)
    wide = cv2.resize(share, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    move = np.array([[1, 0, offset[1] * SIDE], [0, 1, offset[0] * SIDE]])
    wide = cv2.warpAffine(wide, move, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)
    return _hot(_enlarged(image), np.clip(wide, 0, 1))


def _meshed(
    picture: RGBImage, place: Float32[Array, "478 3"], values: Float32[Array, "478"], top: float
) -> RGBImage:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None].repeat(3, 2)
    field = spread(place, values / max(top, 1e-9))
    return _signed(grey, np.clip(field, -1, 1))


def spread(place: Float32[Array, "478 3"], values: Float[Array, "478"]) -> Float32[Array, "s s"]:
    """Values of landmarks over the triangles between them that face the camera; 0 elsewhere.

    Args:
        place: of the landmarks, in pixels of a panel.
        values: of each.
    """
    eyes = []
    for name, centre in IRIS_CENTRES.items():
        ring = REGIONS[f"{name}_iris"]
        eyes += [(centre, a, b) for a, b in zip(ring, (*ring[1:], ring[0]), strict=True)]
    mesh = TRIANGLES[facing(place)]
    far = np.argsort(-place[mesh, 2].mean(1), kind="stable")
    # Irises first: lids lie over them.
    corners = np.concatenate([np.array(eyes, np.int64), mesh[far].astype(np.int64)])
    pieces = _pieces()
    shapes = np.einsum("pck,tkd->tpcd", pieces, place[corners, :2]).reshape(-1, 3, 2)
    mean = np.einsum("pk,tk->tp", pieces.mean(1), values[corners]).reshape(-1)
    fixed = np.rint((shapes * _FINER - 0.5) * (1 << _SHIFT)).astype(np.int32)
    field = np.zeros((SIDE * _FINER, SIDE * _FINER), np.float32)
    for shape, value in zip(fixed, mean.tolist(), strict=True):
        cv2.fillConvexPoly(field, shape, value, cv2.LINE_8, _SHIFT)
    return np.asarray(cv2.resize(field, (SIDE, SIDE), interpolation=cv2.INTER_AREA))


@cache
def _pieces() -> Float32[Array, "p 3 3"]:
    """The small triangles of a triangle, each corner as shares of the large one's."""
    n = _PIECES
    found = []
    for i in range(n):
        for j in range(n - i):
            found.append([(i, j), (i + 1, j), (i, j + 1)])
            if i + j < n - 1:
                found.append([(i + 1, j), (i + 1, j + 1), (i, j + 1)])
    shares = np.array(found, np.float32) / n
    return np.concatenate([shares, 1 - shares.sum(2, keepdims=True)], 2)


def _top(values: Float[Array, "478"]) -> float:
    """What the strongest colour stands for; two landmarks in a hundred may be stronger."""
    return float(np.quantile(np.abs(values), 0.98))


def _signed(grey: RGBImage, values: Float32[Array, "h w"]) -> RGBImage:
    colour = np.where(values[..., None] > 0, _FOR, _AGAINST)
    return _mixed(grey, colour, np.abs(values) ** 0.7)


def _hot(grey: RGBImage, values: Float32[Array, "h w"]) -> RGBImage:
    colour = mpl.colormaps["inferno"](0.35 + 0.55 * values)[..., :3].astype(np.float32) * 255
    return _mixed(grey, colour, values**0.8)


def _mixed(
    grey: RGBImage, colour: Float32[Array, "h w 3"], share: Float32[Array, "h w"]
) -> RGBImage:
    opacity = _STRENGTH * share[..., None]
    mixed = grey * (1 - opacity) + colour * opacity
    return np.asarray(np.rint(np.clip(mixed, 0, 255)), np.uint8)


def _labelled(panel: RGBImage, text: str) -> RGBImage:
    """A word in the lower left corner, which reads on dark and on bright."""
    image = Image.fromarray(panel)
    pen, font = ImageDraw.Draw(image, "RGBA"), _font(_TEXT)
    text = _fit(text, font, SIDE - 16)
    pen.rectangle((0, SIDE - 24, round(font.getlength(text)) + 14, SIDE), fill=(0, 0, 0, 170))
    pen.text((7, SIDE - 12), text, "#ffffff", font, "lm")
    return np.asarray(image)


def _beside(panels: Sequence[RGBImage]) -> RGBImage:
    gap = np.full((SIDE, _GAP, 3), 255, np.uint8)
    parts: list[RGBImage] = []
    for panel in panels:
        parts += [gap, panel] if parts else [panel]
    return np.concatenate(parts, 1)


def signed(value: float, digits: int = 1) -> str:
    """A number with its sign; what rounds to 0 is not below it."""
    return f"{round(value, digits) + 0.0:+.{digits}f}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _fit(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    """A text that is not wider than so many pixels, with dots in its middle where it was."""
    if font.getlength(text) <= width:
        return text
    kept = len(text)
    while kept > 1:
        kept -= 1
        short = text[: (kept + 1) // 2] + "…" + text[len(text) - kept // 2 :]
        if font.getlength(short) <= width:
            return short
    return "…"


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), size)
