"""What mien's own heads were to reach, beside what they reach; made of their results alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .datasets.photos import DEAD
from .datasets.samples import ASKED, EYES_SHUT, NEUTRAL_TURNED
from .metrics import VARIES

__all__ = ["NOT_MEASURED", "TITLES", "Aim", "aims"]

TITLES = ("figure", "aim", "measured", "reached")

NOT_MEASURED = "not measured"
"""In the place of a number that the results of a head do not hold."""

Results = Mapping[str, Mapping[str, Any]]
_Row = Mapping[str, Any]
_Value = tuple[str, float | None]  # what it is of, empty where there is but one; the number
_Judge = Callable[[float], bool]

_WELL = {
    "mouthSmileLeft": "smile L", "mouthSmileRight": "smile R", "eyeBlinkLeft": "blink L",
    "eyeBlinkRight": "blink R", "jawOpen": "jaw open", "browInnerUp": "inner brow",
    "browDownLeft": "brow down L", "browDownRight": "brow down R",
}  # fmt: skip
_HARD = {
    "mouthPucker": "pucker", "mouthFunnel": "funnel", "mouthFrownLeft": "frown L",
    "mouthFrownRight": "frown R",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Aim:
    """One figure.

    Attributes:
        figure: what is measured, on the test part.
        aim: what was aimed at.
        measured: the numbers, each with what it is of where there are more than one.
        reached: whether all of them are as aimed at; None when one was not measured and no other
            misses.
        but: a reservation, where it is reached.
    """

    figure: str
    aim: str
    measured: str
    reached: bool | None
    but: str = ""

    def row(self) -> tuple[str, str, str, str]:
        """For a table with :data:`TITLES`."""
        said = {True: "yes", False: "no", None: "-"}[self.reached]
        but = f", {self.but}" if self.reached and self.but else ""
        return self.figure, self.aim, self.measured, said + but


def aims(results: Sequence[Mapping[str, Any]]) -> list[Aim]:
    """The figures of the heads that the results at hand tell of."""
    by_name = {table["head"]: table for table in results}
    return [*_arkit52(by_name), *_morphable10(by_name)]


def _arkit52(results: Results) -> list[Aim]:
    if "arkit52" not in results:
        return []

    def rows(source: str, engine: str = "", head: str = "arkit52") -> list[_Row]:
        return _rows(results, head, source, engine)

    photos, fer = rows("faces", "facemesh"), rows("fer2013", "facemesh")
    both = "Google's shapes on `faces`, FaceMesh"
    dead: list[_Value] = [
        (row["engine"], _mean([_channel(row, name, "r") for name in DEAD]))
        for row in rows("ict-renders")
    ]
    calibration = _aim(
        "calibration, drawn ICT heads: MAE after / before", *_most(0.75, 2),
        _by_engine(rows(ASKED), "calibration", "ratio"),
    )  # fmt: skip
    baseline = _by_engine(rows(ASKED, head="geometric"), "calibration", "ratio")
    if baseline:
        beside = f"{calibration.measured}; geometric: {_told(baseline, 3)}"
        calibration = Aim(calibration.figure, calibration.aim, beside, calibration.reached)
    return [
        _aim(f"{both}: mean r", *_least(0.84), _one(photos, "r")),
        _aim(f"{both}: MAE over the channels that it gives", *_most(0.028, 3),
             _one(photos, "mae"), 4),
        _aim("the same on `fer2013` (PublicTest): mean r", *_least(0.80), _one(fer, "r")),
        _aim("the same on `fer2013`: MAE", *_most(0.038, 3), _one(fer, "mae"), 4),
        _aim(f"{both}: r of smile, blink, jaw, brows", *_least(0.90),
             _by_channel(photos, _WELL, "r")),
        _aim(f"{both}: slope of these", "0.85-1.15", lambda v: 0.85 <= v <= 1.15,
             _by_channel(photos, _WELL, "slope")),
        _aim(f"{both}: r of pucker, funnel, frown", *_least(0.72),
             _by_channel(photos, _HARD, "r")),
        _aim("Google's shapes on `faces`, Face Landmarker: mean r", *_least(0.92),
             _one(rows("faces", "facelandmarker"), "r")),
        _aim("pose leak, neutral heads turned to 35 degrees", *_most(0.15, 2),
             _by_engine(rows(NEUTRAL_TURNED), "pose_leak", "largest")),
        _aim("blink at 30 degrees of yaw, over its frontal value", "> 0.5", lambda v: v > 0.5,
             _by_engine(rows(EYES_SHUT), "kept", "least")),
        _aim("exact points of unseen ICT heads: mean r", *_least(0.95),
             _one(rows("ict", "exact"), "r")),
        _aim("channels dead in the teacher, drawn ICT heads: mean r", *_least(0.40), dead),
        calibration,
    ]  # fmt: skip


def _morphable10(results: Results) -> list[Aim]:
    if "morphable10" not in results:
        return []
    rows = [_rows(results, head, "faces-tddfa", "facemesh") for head in ("morphable10", "seed10")]
    ours, seed = (_one(each, "r2_mean")[0][1] for each in rows)
    return [
        Aim(
            "3DDFA_V2's ten coefficients on `faces`: mean R2 of morphable10 and of seed10",
            "0.10 apart",
            _told([("morphable10", ours), ("seed10", seed)], 3),
            None if ours is None or seed is None else ours - seed >= 0.10,
        )
    ]


def _rows(results: Results, head: str, source: str, engine: str) -> list[_Row]:
    return [
        row
        for row in results.get(head, {"sets": []})["sets"]
        if (row["source"], row["split"]) == (source, "test") and engine in ("", row["engine"])
    ]


def _number(row: _Row, *keys: str) -> float | None:
    """What lies under the keys, None where one of them is missing or leads to nothing."""
    found: Any = row
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return None if found is None else float(found)


def _one(rows: Sequence[_Row], key: str) -> list[_Value]:
    return [("", _number(row, key)) for row in rows[:1]] or [("", None)]


def _by_engine(rows: Sequence[_Row], *keys: str) -> list[_Value]:
    return [(row["engine"], _number(row, *keys)) for row in rows]


def _by_channel(rows: Sequence[_Row], names: Mapping[str, str], key: str) -> list[_Value]:
    row: _Row = rows[0] if rows else {}
    return [(short, _channel(row, name, key)) for name, short in names.items()]


def _channel(row: _Row, name: str, key: str) -> float | None:
    value = _number(row, "channels", name, key)
    if value is None and key == "r" and _number(row, "channels", name, "count"):
        # Both are there: what has no correlation is a truth or an answer that never moves.
        return 0.0 if (_number(row, "channels", name, "std") or 0.0) > VARIES else None
    return value


def _mean(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return sum(known) / len(values) if len(known) == len(values) else None


def _least(least: float) -> tuple[str, _Judge]:
    return f">= {least:.2f}", lambda v: v >= least


def _most(most: float, digits: int) -> tuple[str, _Judge]:
    return f"<= {most:.{digits}f}", lambda v: v <= most


def _aim(figure: str, aim: str, good: _Judge, values: Sequence[_Value], digits: int = 3) -> Aim:
    known = [value for _, value in values if value is not None]
    reached: bool | None = all(good(v) for v in known)
    if reached and (not known or len(known) < len(values)):
        reached = None
    return Aim(figure, aim, _told(values, digits), reached)


def _told(values: Sequence[_Value], digits: int) -> str:
    told = [
        f"{name} {NOT_MEASURED if value is None else f'{value:.{digits}f}'}".strip()
        for name, value in values
    ]
    return ", ".join(told) or NOT_MEASURED
