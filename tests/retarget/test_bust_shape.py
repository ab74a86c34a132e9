"""The bust's shape under its targets: what touches, what crosses, what tears. Millimetres.

Lids and lips are measured along their refined edges, which lie opposite each other; eyeballs are
the spheres that the model has.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from mien.channels import ARKIT_52
from mien.retarget import bust
from mien.retarget.bust import data

EYES = ("left", "right")
UNIT = 1000.0


def skin(weights: Mapping[str, float]) -> np.ndarray:
    """Positions of the skin, millimetres."""
    return posed("skin", weights)


def posed(part: str, weights: Mapping[str, float]) -> np.ndarray:
    loaded = data.load(part)
    points = loaded.points.astype(np.float64)
    for name, weight in weights.items():
        vertices, moves = loaded.moved[name]
        points[vertices] += weight * moves
    return points * UNIT


def gaps(points: np.ndarray, opening: str) -> np.ndarray:
    """How far the upper edge lies above the lower, seen from in front; negative where they cross.

    Both edges are read at the same places across, so that sliding sideways does not count.
    """
    upper, lower = (points[data.contour(f"{opening}_{side}")] for side in ("upper", "lower"))
    order = np.argsort(lower[:, 0])
    inside = (upper[:, 0] > lower[:, 0].min()) & (upper[:, 0] < lower[:, 0].max())
    below = np.interp(upper[inside, 0], lower[order, 0], lower[order, 1])
    return upper[inside, 1] - below


def apart(points: np.ndarray, opening: str) -> float:
    """The largest distance from a point of the upper edge to the lower edge."""
    upper, lower = (points[data.contour(f"{opening}_{side}")] for side in ("upper", "lower"))
    return float(max(distance_to_line(p, lower) for p in upper))


def distance_to_line(p: np.ndarray, line: np.ndarray) -> float:
    a, b = line[:-1], line[1:]
    along = b - a
    t = np.clip(((p - a) * along).sum(axis=1) / np.maximum((along**2).sum(axis=1), 1e-12), 0, 1)
    return float(np.linalg.norm(p - a - t[:, None] * along, axis=1).min())


def above_eyeball(points: np.ndarray, side: str) -> float:
    """Least height of the skin above the eyeball; the inner side of the lids does not count."""
    middle = np.array(data.JOINTS[f"{side}Eye"]) * UNIT
    away = np.linalg.norm(points - middle, axis=1) - data.EYE_RADIUS * UNIT
    return float(away[outside()].min())


def outside() -> np.ndarray:
    """Vertices that are not on the inner side of a lid: at rest these lie within an eyeball."""
    points = data.load("skin").points * UNIT
    keep = np.ones(len(points), bool)
    for side in EYES:
        middle = np.array(data.JOINTS[f"{side}Eye"]) * UNIT
        keep &= np.linalg.norm(points - middle, axis=1) > data.EYE_RADIUS * UNIT + 0.5
    return keep


def in_front(hidden: np.ndarray, points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """For each hidden point how far before it (z) the nearest skin lies; NaN where there is none.

    Negative: the skin that faces forward there lies behind the point, which pokes through it.
    """
    box = hidden[:, :2].min(axis=0) - 5, hidden[:, :2].max(axis=0) + 5
    inside = ((points[:, :2] > box[0]) & (points[:, :2] < box[1])).all(axis=1) & (points[:, 2] > 0)
    triangles = triangles[inside[triangles].any(axis=1)]
    a, b, c = (points[triangles[:, i]] for i in range(3))
    area = cross(b - a, c - a)
    near = area > 1e-6  # faces forward
    a, b, c, area = a[near], b[near], c[near], area[near]
    found = np.full(len(hidden), np.nan)
    low = np.minimum(np.minimum(a, b), c)[:, :2]
    high = np.maximum(np.maximum(a, b), c)[:, :2]
    for i, p in enumerate(hidden):
        close = np.flatnonzero(((low <= p[:2]) & (p[:2] <= high)).all(axis=1))
        q = p - a[close]
        v = cross(q, (c - a)[close]) / area[close]
        w = cross((b - a)[close], q) / area[close]
        hit = (v >= 0) & (w >= 0) & (v + w <= 1)
        if hit.any():
            at = close[hit]
            z = a[at, 2] + v[hit] * (b - a)[at, 2] + w[hit] * (c - a)[at, 2]
            found[i] = z.max() - p[2]
    return found


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def stretch(points: np.ndarray, part: str = "skin") -> tuple[float, float]:
    """Largest growth of an edge in millimetres beyond its rest, and as a factor of long edges."""
    loaded = data.load(part)
    rest = loaded.points * UNIT
    pairs = np.concatenate([loaded.triangles[:, [i, (i + 1) % 3]] for i in range(3)])
    before = np.linalg.norm(rest[pairs[:, 0]] - rest[pairs[:, 1]], axis=1)
    after = np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)
    return float((after - before).max()), float((after / np.maximum(before, 0.5)).max())


def turned(points: np.ndarray, part: str = "skin") -> np.ndarray:
    """Cosine between each triangle's normal and the mean normal around it."""
    triangles = data.load(part).triangles
    a, b, c = (points[triangles[:, i]] for i in range(3))
    normal = np.cross(b - a, c - a)
    total = np.zeros_like(points)
    for i in range(3):
        np.add.at(total, triangles[:, i], normal)
    smooth = total[triangles].sum(axis=1)
    size = np.linalg.norm(normal, axis=1) * np.linalg.norm(smooth, axis=1)
    return (normal * smooth).sum(axis=1) / np.maximum(size, 1e-9)


def weights(**given: float) -> dict[str, float]:
    """``mouthSmile_`` is both sides."""
    return {
        name.removesuffix("_") + side: value
        for name, value in given.items()
        for side in (("Left", "Right") if name.endswith("_") else ("",))
    }


COMBINATIONS: dict[str, dict[str, float]] = {
    **{name: dict(expression) for name, expression in bust.EXPRESSIONS.items()},
    "eyes shut tight": weights(eyeBlink_=1, eyeSquint_=1, cheekSquint_=1, browDown_=0.6),
    "drowsy look down": weights(eyeLookDown_=0.8, eyeBlink_=0.4),
    "laughing tears": weights(mouthSmile_=1, eyeBlink_=1, jawOpen=0.7, cheekSquint_=1),
    "wink at the sun": weights(eyeBlinkRight=0.85, eyeSquint_=0.8, cheekSquint_=0.7,
                               eyeLookDown_=0.4, mouthSmile_=0.6),
    "chewing": weights(jawOpen=0.35, mouthClose=0.35, jawLeft=0.5, mouthPress_=0.4),
    "cheeks full": weights(cheekPuff=1, mouthPucker=0.4, eyeWide_=0.4, mouthClose=0.1),
    "ooh": weights(mouthFunnel=0.9, mouthPucker=0.4, jawOpen=0.3),
    "eee": weights(mouthStretch_=0.8, mouthSmile_=0.5, jawOpen=0.12, mouthLowerDown_=0.5,
                   mouthUpperUp_=0.5),
    "mmm": weights(mouthRollLower=0.6, mouthRollUpper=0.6, mouthPress_=0.8, mouthClose=0.15),
    "pout": weights(mouthShrugLower=1, mouthPucker=0.5, browInnerUp=0.6, mouthFrown_=0.6),
    "snarl": weights(noseSneer_=1, mouthUpperUp_=1, browDown_=1, jawOpen=0.2,
                     mouthLowerDown_=0.6),
    "crooked": weights(mouthLeft=0.8, jawRight=0.6, mouthSmileLeft=0.5, mouthFrownRight=0.5,
                       browOuterUpRight=1, browDownLeft=0.7),
}  # fmt: skip


def single() -> list[tuple[str, dict[str, float]]]:
    """Each target at half and at full weight; mouthClose with the jaw that it closes."""
    return [
        (f"{name} {weight}", weights(**{name: weight}) | (
            {"jawOpen": weight} if name == "mouthClose" else {}
        ))
        for name in ARKIT_52
        for weight in (0.5, 1.0)
    ]  # fmt: skip


def combined() -> list[tuple[str, dict[str, float]]]:
    """The combinations as a driven bust shows them, see ``bust.settled``."""
    found = []
    for name, given in COMBINATIONS.items():
        asked = np.array([given.get(channel, 0) for channel in ARKIT_52], np.float32)
        shown = zip(ARKIT_52, bust.settled(asked).tolist(), strict=True)
        found.append((name, {channel: weight for channel, weight in shown if weight}))
    return found


EVERY = [("rest", {}), *single(), *combined()]
every = pytest.mark.parametrize("given", [w for _, w in EVERY], ids=[n for n, _ in EVERY])


def test_at_least_twenty_combinations() -> None:
    assert len(COMBINATIONS) >= 20


@every
def test_lids_and_lips_do_not_cross(given: dict[str, float]) -> None:
    points = skin(given)
    for opening in ("left", "right", "lips"):
        assert gaps(points, opening).min() > -0.5


@every
def test_lids_lie_on_the_eyeballs(given: dict[str, float]) -> None:
    points = skin(given)
    for side in EYES:
        assert above_eyeball(points, side) > -0.3


@every
def test_skin_neither_tears_nor_folds(given: dict[str, float]) -> None:
    points = skin(given)
    longer, factor = stretch(points)
    assert longer < 6.0
    assert factor < 5.0
    # The few at the very corners of the mouth and eyes that fold are smaller than a millimetre.
    assert (turned(points) < 0).sum() <= 12


@pytest.mark.parametrize(
    "given",
    [w for _, w in EVERY if not w or any(n.startswith(("mouth", "jaw", "tongue")) for n in w)],
    ids=[n for n, w in EVERY if not w or any(n.startswith(("mouth", "jaw", "tongue")) for n in w)],
)
def test_teeth_stay_behind_the_lips(given: dict[str, float]) -> None:
    points, triangles = skin(given), data.load("skin").triangles
    hidden = np.concatenate([posed("teeth", given)[::2], posed("gums", given)[::3]])
    found = in_front(hidden, points, triangles)
    near = found[found < 15]  # what is farther in front is not the lips
    assert np.nanmin(near) > -0.5


@pytest.mark.parametrize("part", ["teeth", "gums", "tongue"])
def test_the_shut_mouth_hides_what_is_in_it(part: str) -> None:
    found = in_front(posed(part, {}), skin({}), data.load("skin").triangles)
    assert not np.isnan(found).any()
    assert found.min() > 1.0


@pytest.mark.parametrize(
    ("channel", "side"), [("eyeBlinkLeft", "left"), ("eyeBlinkRight", "right")]
)
def test_closed_eyes_are_closed(channel: str, side: str) -> None:
    shut = skin({channel: 1.0})
    assert np.abs(gaps(shut, side)).max() < 0.3
    assert apart(shut, side) < 1.0
    other = "right" if side == "left" else "left"
    np.testing.assert_allclose(gaps(shut, other), gaps(skin({}), other), atol=1e-6)


def test_open_eyes_are_open() -> None:
    assert gaps(skin({}), "left").max() > 15


def test_lips_touch_at_rest_and_over_the_open_jaw() -> None:
    for given in ({}, {"jawOpen": 1.0, "mouthClose": 1.0}, {"jawOpen": 0.5, "mouthClose": 0.5}):
        points = skin(given)
        assert np.abs(gaps(points, "lips")).max() < 0.1
        assert apart(points, "lips") < 0.3


@pytest.mark.parametrize("weight", [0.25, 0.5])
def test_the_tongue_on_its_way_stays_behind_the_lower_lip(weight: float) -> None:
    given = {"tongueOut": weight}
    found = in_front(posed("tongue", given), skin(given), data.load("skin").triangles)
    assert np.nanmin(found) > -0.5


@pytest.mark.parametrize("opened", [0.0, 0.3, 0.6])
def test_the_tongue_goes_between_the_lips(opened: float) -> None:
    given = {"tongueOut": 1.0, "jawOpen": opened}
    points, tongue = skin(given), posed("tongue", given)
    upper, lower = (points[data.contour(f"lips_{side}")] for side in ("upper", "lower"))
    for line, sign in ((upper, 1), (lower, -1)):
        order = np.argsort(line[:, 0])
        y, z = (np.interp(tongue[:, 0], line[order, 0], line[order, i]) for i in (1, 2))
        there = np.abs(tongue[:, 2] - z) < 2
        assert there.any()
        assert (sign * (tongue[there, 1] - y[there])).max() < 1.0


def test_no_sum_of_targets_crosses_the_lips() -> None:
    """What the upper lip rises less than the lower is never negative, so neither are sums."""
    part = data.load("skin")
    upper, lower = data.contour("lips_upper"), data.contour("lips_lower")
    for name in ARKIT_52:
        full = np.zeros_like(part.points)
        vertices, moves = part.moved[name]
        full[vertices] = moves
        opened = (full[upper] - full[lower])[:, 1] * UNIT
        if name == "mouthClose":
            opened += gaps_by_pairs({"jawOpen": 1.0})
        assert opened.min() > -0.1, name


def gaps_by_pairs(given: Mapping[str, float]) -> np.ndarray:
    points = skin(given)
    return (points[data.contour("lips_upper")] - points[data.contour("lips_lower")])[:, 1]


@pytest.mark.parametrize(
    ("channel", "part", "along", "least"),
    [
        ("jawOpen", "teeth", (0, -1, 0), 15.0),
        ("jawForward", "teeth", (0, 0, 1), 4.0),
        ("jawLeft", "teeth", (1, 0, 0), 4.0),
        ("jawRight", "teeth", (-1, 0, 0), 4.0),
        ("tongueOut", "tongue", (0, 0, 1), 25.0),
        ("mouthSmileLeft", "skin", (1, 0, 0), 5.0),
        ("mouthSmileLeft", "skin", (0, 1, 0), 8.0),
        ("mouthFrownRight", "skin", (0, -1, 0), 5.0),
        ("mouthPucker", "skin", (0, 0, 1), 5.0),
        ("cheekPuff", "skin", (1, 0, 0), 4.0),
        ("browInnerUp", "brows", (0, 1, 0), 5.0),
        ("browDownLeft", "brows", (0, -1, 0), 4.0),
        ("browOuterUpRight", "brows", (0, 1, 0), 5.0),
        ("noseSneerLeft", "skin", (0, 1, 0), 5.0),
        ("eyeBlinkLeft", "lashes", (0, -1, 0), 8.0),
    ],
)
def test_a_target_goes_where_its_name_says(
    channel: str, part: str, along: tuple[int, int, int], least: float
) -> None:
    _, moves = data.load(part).moved[channel]
    assert (moves @ np.array(along) * UNIT).max() > least


@pytest.mark.parametrize("channel", [n for n in ARKIT_52 if n.startswith("eye")])
def test_eye_targets_leave_the_mouth_alone(channel: str) -> None:
    part = data.load("skin")
    vertices, _ = part.moved[channel]
    assert part.points[vertices, 1].min() * UNIT > skin({})[data.contour("lips_upper"), 1].max()
