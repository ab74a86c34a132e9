"""Calibration against a truth: a head with one person's habits, and what is left of them."""

from __future__ import annotations

import numpy as np
import pytest

from mien.channels import ARKIT_52, index_of
from mien.lab.calibrated import calibration_gain
from mien.lab.datasets.samples import ASKED, Samples
from mien.lab.synthetic import faces
from mien.topology import CANONICAL


@pytest.fixture
def asked() -> Samples:
    scenes = [faces.scene(p, n, "asked") for p in (3, 4) for n in range(faces.ASKED + 10)]
    count = len(scenes)
    return Samples(
        names=[s.name for s in scenes],
        subjects=[f"ict-{s.person}" for s in scenes],
        engine=["exact"] * count,
        source=[ASKED] * count,
        aligned=np.repeat(CANONICAL[None], count, axis=0),
        rotation=np.stack([s.shot.rotation for s in scenes]).astype(np.float32),
        pixels=np.stack([s.shot.project(CANONICAL) for s in scenes]),
        size=np.full((count, 2), faces.SIZE, np.int32),
        target=np.stack([s.expression for s in scenes]),
        channels=ARKIT_52,
    )


def test_the_scenes_are_those_of_the_guide(asked: Samples) -> None:
    named = [faces.Scene.named(name) for name in asked.names[: faces.ASKED + 1]]
    assert [s.phase for s in named[:3]] == ["neutral", "smile", "jaw_open"]
    assert named[1].expression[index_of("mouthSmileLeft")] == 1
    assert named[0].expression.max() == 0
    assert named[-1].phase is None


def test_habits_are_taken_off(asked: Samples) -> None:
    habits = np.zeros(52, np.float32)
    habits[[index_of("browDownLeft"), index_of("browDownRight")]] = 0.3
    said = np.clip(habits + 0.6 * (1 - habits) * asked.target, 0, 1).astype(np.float32)
    found = calibration_gain(asked, said)
    assert (found["people"], found["faces"], found["refused"]) == (2, 20, 0)
    expected = np.abs(said - asked.target)[[faces.Scene.named(n).phase is None
                                            for n in asked.names]].mean()  # fmt: skip
    assert found["before"] == pytest.approx(expected, abs=1e-5)
    assert found["ratio"] == pytest.approx(found["after"] / found["before"], abs=1e-4)
    assert found["ratio"] < 0.8


def test_a_head_that_is_right_stays_nearly_so(asked: Samples) -> None:
    found = calibration_gain(asked, asked.target)
    assert found["before"] == 0
    assert found["after"] < 0.002
    assert found["ratio"] is None


def test_an_open_mouth_is_no_neutral_face(asked: Samples) -> None:
    said = asked.target.copy()
    said[:, index_of("jawOpen")] = 0.9
    found = calibration_gain(asked, said)
    assert (found["people"], found["refused"], found["ratio"]) == (0, 2, None)
