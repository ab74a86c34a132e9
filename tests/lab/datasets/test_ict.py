"""ICT-FaceKit as data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.errors import InputError
from mien.lab import datasets
from mien.lab.datasets import ict
from mien.lab.datasets.samples import split_of


def test_recipes_can_name_them() -> None:
    assert {"ict", "ict-renders", "neutral-turned"} <= set(datasets.names())


@pytest.mark.parametrize("name", ["ict", "ict-renders", "neutral-turned"])
def test_a_missing_model_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected .*ict-facekit\.tar\.xz, or its FaceXModel in"):
        datasets.read(name, tmp_path, {})


@pytest.mark.parametrize(
    ("name", "options", "match"),
    [
        ("ict", {"peopel": 3}, "did you mean people"),
        ("ict", {"people": 0}, "people is 1 or more, got 0"),
        ("ict", {"engines": ["dlib"]}, "engines are some of exact, facemesh, facelandmarker"),
        ("ict", {"engines": []}, "engines are some of"),
        ("ict-renders", {"engines": ["exact"]}, "engines are some of facemesh, facelandmarker"),
        ("ict-renders", {"first": -1}, "first is 0 or more, got -1"),
        ("neutral-turned", {"each": 0}, "each is 1 or more, got 0"),
        ("ict", {"repeat": -1}, "repeat is 0 or more, got -1"),
        ("eyes-shut", {"engines": ["facemesh", "facemesh"]}, "each once; got"),
        ("asked", {"engines": ["exact"]}, "engines are some of facemesh, facelandmarker"),
        ("asked", {"peopel": 3}, r"\[options of asked\] peopel .*did you mean people"),
        ("asked", {"people": 1}, "none of the 1 people is of the test part"),
    ],
)
def test_options_are_checked_first(
    name: str, options: dict[str, Any], match: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=match):
        datasets.read(name, tmp_path, options)


@pytest.mark.parametrize("first", [0, 300])
def test_calibrations_are_of_people_of_the_test_part(
    first: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(ict, "model_in", lambda _: None)
    monkeypatch.setattr(
        ict.landmarks, "rendered", lambda _, people, *__, **___: asked.extend(people)
    )
    for name in ("asked", "eyes-shut"):
        asked.clear()
        datasets.read(name, tmp_path, {"people": 40, "first": first})
        everybody = range(first, first + 40)
        tested = [p for p in everybody if split_of(f"ict-{p}") == "test"]
        assert asked == (tested if name == "asked" else list(everybody))
        assert 0 < len(tested) < 40


@pytest.mark.shared
def test_made_landmarks(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    ict.model_in.cache_clear()
    engines = ["exact", "facemesh", "facelandmarker"]
    options = {"people": 20, "each": 5, "engines": engines}
    made = datasets.read("ict", shared / "data", options)
    assert len(made) == 300
    assert [made.engine.count(name) for name in engines] == [100] * 3
    gap = np.linalg.norm(made.aligned[:100, 13] - made.aligned[:100, 14], axis=1)
    jaw = made.target[:100, made.channels.index("jawOpen")]
    closed = made.target[:100, made.channels.index("mouthClose")]
    assert np.corrcoef(gap, jaw - closed)[0, 1] > 0.7
    # The three are the same faces; what differs is what an engine gets wrong.
    np.testing.assert_array_equal(made.target[:100], made.target[100:200])
    off = np.linalg.norm(made.aligned[:100] - made.aligned[100:200], axis=2)
    assert 0.05 < off.mean() < 1
    # One person's neutral face is the same from every side.
    still = datasets.read("ict", shared / "data", options | {"neutral": True, "engines": ["exact"]})
    spread = still.aligned.reshape(20, 5, 478, 3).std(axis=1)
    assert np.median(spread) < 0.1
