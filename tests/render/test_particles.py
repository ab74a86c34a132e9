"""Effects: which expression calls for which, where it flies, and that it is the same each time."""

from __future__ import annotations

import numpy as np
import pytest

from mien.errors import InputError
from mien.render.particles import EFFECTS, Particles, strength

HEAD = np.diag([0.01, 0.01, 0.01, 1.0])
SMILE = {"mouthSmileLeft": 0.9, "mouthSmileRight": 0.8}
WORRY = {"mouthFrownLeft": 0.7, "mouthFrownRight": 0.7, "browInnerUp": 0.6}
WIDE = {"eyeWideLeft": 0.8, "eyeWideRight": 0.8}


def play(effects, weights, seconds: float, head=HEAD) -> list:
    particles = Particles(effects)
    return [particles.update(i / 30, weights, head) for i in range(round(30 * seconds))]


@pytest.mark.parametrize(
    ("effect", "weights"), [("hearts", SMILE), ("sweat", WORRY), ("sparkle", WIDE)]
)
def test_each_effect_has_its_expression(effect: str, weights: dict[str, float]) -> None:
    for name in EFFECTS:
        assert (strength(name, weights) > 0.5) == (name == effect)
    assert strength(effect, {}) == 0
    shown = [s for s in play([effect], weights, 2) if s is not None]
    assert shown
    assert {int(k) for s in shown for k in s.kinds} == {EFFECTS[effect].shape}
    assert play([effect], {}, 2) == [None] * 60


@pytest.mark.parametrize(  # as in web/src/stage/effects.test.ts
    ("effect", "weights", "expected"),
    [
        ("hearts", SMILE, 1.0),
        ("hearts", {"mouthSmileLeft": 0.7, "mouthSmileRight": 0.55}, 0.5),
        ("hearts", {"mouthPucker": 1.0}, 0.0),
        ("sweat", WORRY, 1.0),
        (
            "sweat",
            {"mouthStretchLeft": 0.6, "mouthStretchRight": 0.5, "browInnerUp": 0.2},
            0.486,
        ),
        ("sparkle", WIDE, 1.0),
        ("sparkle", {"browOuterUpLeft": 0.5, "browOuterUpRight": 0.6, "jawOpen": 1.0}, 0.429),
    ],
)
def test_the_page_and_the_film_agree(
    effect: str, weights: dict[str, float], expected: float
) -> None:
    assert strength(effect, weights) == pytest.approx(expected, abs=0.005)


def test_surprise_sparkles_too() -> None:
    assert strength("sparkle", {"browInnerUp": 1.0, "jawOpen": 0.5}) == 1
    assert strength("sparkle", {"browInnerUp": 1.0}) == 0


def test_the_air_clears_after_the_smile_and_after_a_cut() -> None:
    particles = Particles(["hearts"])
    for i in range(60):
        last = particles.update(i / 30, SMILE, HEAD)
    assert last is not None
    assert particles.update(0.0, {}, HEAD) is None
    for i in range(60):
        particles.update(i / 30, SMILE, HEAD)
    calm = [particles.update(2 + i / 30, {}, HEAD) for i in range(90)]
    assert calm[0] is not None
    assert calm[-1] is None


def test_hearts_rise_and_drops_fall_in_the_size_of_the_head() -> None:
    for effect, weights, sign in (("hearts", SMILE, 1), ("sweat", WORRY, -1)):
        shown = [s for s in play([effect], weights, 1.9) if s is not None]
        alone = [s.positions[0, 1] for s in shown if len(s) == 1]
        assert sign * (alone[-1] - alone[0]) > 0.003
        large = [s for s in play([effect], weights, 1.9, 10 * HEAD + 0.0) if s is not None]
        assert large[0].sizes == pytest.approx(10 * shown[0].sizes, rel=1e-4)


def test_the_same_again() -> None:
    one, other = (play(["hearts", "sparkle"], SMILE | WIDE, 3) for _ in range(2))
    for a, b in zip(one, other, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            assert np.array_equal(a.positions, b.positions)
            assert ((a.colours >= 0) & (a.colours <= 1)).all()


def test_unknown_effects_are_refused() -> None:
    with pytest.raises(InputError, match="no effect 'snow'; there are hearts, sweat, sparkle"):
        Particles(["hearts", "snow"])
