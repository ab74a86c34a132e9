"""The table of aims: made of results alone, and able to say no."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from mien.channels import ARKIT_52
from mien.lab.reach import Aim, aims

GOOD: dict[str, Any] = {
    "r": 0.95, "mae": 0.02, "r2_mean": 0.9, "split": "test", "engine": "facemesh",
    "channels": {name: {"r": 0.95, "slope": 1.0} for name in ARKIT_52},
}  # fmt: skip
SETS: list[dict[str, Any]] = [
    {"source": "faces"},
    {"source": "faces", "engine": "facelandmarker"},
    {"source": "faces", "split": "all", "r": 0.1},  # not the test part
    {"source": "fer2013"},
    {"source": "ict", "engine": "exact", "r": 0.97},
    {"source": "ict-renders"},
    {"source": "neutral-turned", "pose_leak": {"largest": 0.1}},
    {"source": "eyes-shut", "kept": {"least": 0.6}},
    {"source": "asked", "calibration": {"ratio": 0.7}},
]


def results(where: str = "", **changes: Any) -> list[dict[str, Any]]:
    arkit = [copy.deepcopy(GOOD) | row for row in SETS]
    for row in arkit:
        if row["source"] == where and row["split"] == "test":
            row.update(changes)
    seed = GOOD | {"source": "faces-tddfa"}
    return [
        {"head": "arkit52", "sets": arkit},
        {"head": "morphable10", "sets": [seed | {"r2_mean": 0.8}]},
        {"head": "seed10", "sets": [seed | {"r2_mean": 0.65}]},
    ]


def missed(tables: list[dict[str, Any]]) -> list[Aim]:
    return [aim for aim in aims(tables) if not aim.reached]


def test_everything_reached() -> None:
    found = aims(results())
    assert len(found) == 14
    assert missed(results()) == []


@pytest.mark.parametrize(
    ("where", "changes", "told"),
    [
        ("faces", {"r": 0.83}, ["0.830", "0.830"]),
        ("faces", {"mae": 0.03}, ["0.0300"]),
        ("fer2013", {"r": None}, ["0.000"]),
        ("neutral-turned", {"pose_leak": {"largest": 0.2}}, ["0.200"]),
        ("eyes-shut", {"kept": {"least": None}}, ["0.000"]),
        ("ict", {"r": 0.9}, ["0.900"]),
        ("asked", {"calibration": {"ratio": 1.01}}, ["1.010"]),
        ("faces", {"channels": GOOD["channels"] | {"jawOpen": {"r": 0.95, "slope": 0.8}}},
         ["1.000, 1.000, 1.000, 1.000, 0.800, 1.000, 1.000, 1.000"]),
    ],
)  # fmt: skip
def test_what_was_missed_is_told(where: str, changes: dict[str, Any], told: list[str]) -> None:
    assert [aim.measured for aim in missed(results(where, **changes))] == told


def test_dead_channels_are_those_of_the_teacher() -> None:
    channels = {name: {"r": 0.3 if "nose" in name else 0.9, "slope": 1.0} for name in ARKIT_52}
    found = {aim.figure: aim for aim in aims(results("ict-renders", channels=channels))}
    dead = next(aim for figure, aim in found.items() if "dead in the teacher" in figure)
    assert dead.measured == "0.750"


def test_nothing_is_told_of_what_was_not_scored() -> None:
    assert aims([]) == []
    assert aims([{"head": "tiny", "sets": [GOOD | {"source": "faces"}]}]) == []
