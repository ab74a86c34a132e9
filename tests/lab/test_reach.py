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


def measured(tables: list[dict[str, Any]], figure: str) -> tuple[str, bool | None]:
    found = [aim for aim in aims(tables) if figure in aim.figure]
    assert len(found) == 1
    return found[0].measured, found[0].reached


def test_everything_reached() -> None:
    found = aims(results())
    assert len(found) == 14
    assert missed(results()) == []
    assert {aim.row()[3] for aim in found} == {"yes"}


WELL = "smile L {0}, smile R {0}, blink L {0}, blink R {0}, jaw open {1}, inner brow {0}, " \
    "brow down L {0}, brow down R {0}"  # fmt: skip


@pytest.mark.parametrize(
    ("where", "changes", "told"),
    [
        ("faces", {"r": 0.83}, ["0.830", "0.830"]),
        ("faces", {"mae": 0.03}, ["0.0300"]),
        ("neutral-turned", {"pose_leak": {"largest": 0.2}}, ["facemesh 0.200"]),
        ("ict", {"r": 0.9}, ["0.900"]),
        ("asked", {"calibration": {"ratio": 1.01}}, ["facemesh 1.010"]),
        ("faces", {"channels": GOOD["channels"] | {"jawOpen": {"r": 0.95, "slope": 0.8}}},
         [WELL.format("1.000", "0.800")]),
    ],
)  # fmt: skip
def test_what_was_missed_is_told(where: str, changes: dict[str, Any], told: list[str]) -> None:
    found = missed(results(where, **changes))
    assert [aim.measured for aim in found] == told
    assert {aim.row()[3] for aim in found} == {"no"}


NOBODY = GOOD["channels"] | {"jawOpen": {"r": None, "slope": 1.0}}
STILL = GOOD["channels"] | {"jawOpen": {"r": None, "slope": 1.0, "count": 9, "std": 0.2}}


@pytest.mark.parametrize(
    ("where", "changes", "figure", "told", "reached"),
    [
        ("fer2013", {"r": None}, "`fer2013` (PublicTest): mean r", "not measured", None),
        ("eyes-shut", {"kept": {"least": None}}, "blink at 30", "facemesh not measured", None),
        ("eyes-shut", {"kept": {}}, "blink at 30", "facemesh not measured", None),
        ("asked", {"calibration": {"ratio": None}}, "calibration", "facemesh not measured", None),
        ("asked", {"calibration": None}, "calibration", "facemesh not measured", None),
        ("asked", {"split": "all"}, "calibration", "not measured", None),
        ("ict", {"engine": "other"}, "exact points", "not measured", None),
        ("ict-renders", {"channels": {}}, "dead in", "facemesh not measured", None),
        ("faces", {"channels": {}}, "r of smile", WELL.format(*["not measured"] * 2), None),
        ("faces", {"channels": NOBODY}, "r of smile", WELL.format("0.950", "not measured"), None),
        ("faces", {"channels": NOBODY | {"browInnerUp": {"r": 0.1}}}, "r of smile",
         WELL.format("0.950", "not measured").replace("brow 0.950", "brow 0.100"), False),
        # An answer that never moves was measured: it counts as 0, as in the mean.
        ("faces", {"channels": STILL}, "r of smile", WELL.format("0.950", "0.000"), False),
    ],
)  # fmt: skip
def test_what_was_not_measured_is_told_and_does_not_count_as_reached(
    where: str, changes: dict[str, Any], figure: str, told: str, reached: bool | None
) -> None:
    tables = results(where, **changes)
    assert measured(tables, figure) == (told, reached)
    assert len(aims(tables)) == 14


def test_a_calibration_stands_beside_that_of_the_baseline() -> None:
    row = GOOD | {"source": "asked", "calibration": {"ratio": 0.5}}
    other = row | {"engine": "facelandmarker", "calibration": {"ratio": None}}
    tables = [*results("asked"), {"head": "geometric", "sets": [row, other]}]
    told = "facemesh 0.700; geometric: facemesh 0.500, facelandmarker not measured"
    assert measured(tables, "calibration") == (told, True)


def test_one_head_of_two_is_no_comparison() -> None:
    told = "morphable10 0.800, seed10 not measured"
    assert measured(results()[:2], "morphable10 and of seed10") == (told, None)


def test_dead_channels_are_those_of_the_teacher() -> None:
    channels = {name: {"r": 0.3 if "nose" in name else 0.9, "slope": 1.0} for name in ARKIT_52}
    tables = results("ict-renders", channels=channels)
    assert measured(tables, "dead in the teacher") == ("facemesh 0.750", True)


def test_nothing_is_told_of_heads_without_results() -> None:
    assert aims([]) == []
    assert aims([{"head": "tiny", "sets": [GOOD | {"source": "faces"}]}]) == []
