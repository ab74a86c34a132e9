"""What mien's own heads were to reach, beside what they reach; made of their results alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .datasets.photos import DEAD
from .datasets.samples import ASKED, EYES_SHUT, NEUTRAL_TURNED

__all__ = ["TITLES", "Aim", "aims"]

TITLES = ("figure", "aim", "measured", "reached")

Results = Mapping[str, Mapping[str, Any]]
_Row = Mapping[str, Any]

_WELL = (
    "mouthSmileLeft", "mouthSmileRight", "eyeBlinkLeft", "eyeBlinkRight", "jawOpen", "browInnerUp",
    "browDownLeft", "browDownRight",
)  # fmt: skip
_HARD = ("mouthPucker", "mouthFunnel", "mouthFrownLeft", "mouthFrownRight")


@dataclass(frozen=True, slots=True)
class Aim:
    """One figure.

    Attributes:
        figure: what is measured, on the test part.
        aim: what was aimed at.
        measured: the numbers.
        reached: whether all of them are as aimed at.
    """

    figure: str
    aim: str
    measured: str
    reached: bool

    def row(self) -> tuple[str, str, str, str]:
        """For a table with :data:`TITLES`."""
        return self.figure, self.aim, self.measured, "yes" if self.reached else "no"


def aims(results: Sequence[Mapping[str, Any]]) -> list[Aim]:
    """The figures that the results at hand tell of."""
    by_name = {table["head"]: table for table in results}
    found: list[Aim | None] = [*_arkit52(by_name), *_morphable10(by_name)]
    return [aim for aim in found if aim is not None]


def _arkit52(results: Results) -> list[Aim | None]:
    def rows(source: str, engine: str = "") -> list[_Row]:
        return _rows(results, "arkit52", source, engine)

    photos, other, fer = (
        rows("faces", "facemesh"),
        rows("faces", "facelandmarker"),
        rows("fer2013", "facemesh"),
    )
    both = "Google's shapes on `faces`, FaceMesh"
    found = [
        _least(f"{both}: mean r", photos, "r", 0.84),
        _most(f"{both}: MAE over the channels that it gives", photos, "mae", 0.028, 4),
        _least("the same on `fer2013` (PublicTest): mean r", fer, "r", 0.80),
        _most("the same on `fer2013`: MAE", fer, "mae", 0.038, 4),
        _channels(f"{both}: r of smile, blink, jaw, brows", photos, _WELL, "r", 0.90, 1.0),
        _channels(f"{both}: slope of these", photos, _WELL, "slope", 0.85, 1.15),
        _channels(f"{both}: r of pucker, funnel, frown", photos, _HARD, "r", 0.72, 1.0),
        _least("Google's shapes on `faces`, Face Landmarker: mean r", other, "r", 0.92),
    ]
    leaks = [row["pose_leak"]["largest"] for row in rows(NEUTRAL_TURNED)]
    found.append(_judge("pose leak, neutral heads turned to 35 degrees", "<= 0.15",
                        [max(leaks)] if leaks else [], leaks and max(leaks) <= 0.15))  # fmt: skip
    kept = [row["kept"]["least"] or 0.0 for row in rows(EYES_SHUT)]
    found.append(_judge("blink at 30 degrees of yaw, over its frontal value", "> 0.5",
                        [min(kept)] if kept else [], kept and min(kept) > 0.5))  # fmt: skip
    found.append(
        _least("exact points of unseen ICT heads: mean r", rows("ict", "exact"), "r", 0.95)
    )
    dead = [
        sum(row["channels"][name]["r"] or 0.0 for name in DEAD) / len(DEAD)
        for row in rows("ict-renders")
    ]
    found.append(_judge("channels dead in the teacher, drawn ICT heads: mean r", ">= 0.40",
                        [min(dead)] if dead else [], dead and min(dead) >= 0.40))  # fmt: skip
    ratios = [row["calibration"]["ratio"] for row in rows(ASKED) if row["calibration"]["ratio"]]
    worst = [max(ratios)] if ratios else []
    figure = "calibration, drawn ICT heads: MAE after / before"
    found.append(_judge(figure, "<= 0.75", worst, worst and worst[0] <= 0.75))
    return found


def _morphable10(results: Results) -> list[Aim | None]:
    source = "faces-tddfa"
    ours, theirs = (_rows(results, head, source, "facemesh") for head in ("morphable10", "seed10"))
    if not ours or not theirs:
        return []
    mine, before = float(ours[0]["r2_mean"]), float(theirs[0]["r2_mean"])
    measured = f"{mine:.3f} and {before:.3f}"
    figure = "3DDFA_V2's ten coefficients on `faces`: mean R2 of morphable10 and of seed10"
    return [Aim(figure, "0.10 apart", measured, mine - before >= 0.10)]


def _rows(results: Results, head: str, source: str, engine: str) -> list[_Row]:
    return [
        row
        for row in results.get(head, {"sets": []})["sets"]
        if (row["source"], row["split"]) == (source, "test") and engine in ("", row["engine"])
    ]


def _least(figure: str, rows: Sequence[_Row], key: str, least: float) -> Aim | None:
    values = [float(row[key] or 0.0) for row in rows]
    return _judge(figure, f">= {least:.2f}", values, all(v >= least for v in values))


def _most(figure: str, rows: Sequence[_Row], key: str, most: float, digits: int) -> Aim | None:
    values = [float(row[key]) for row in rows]
    return _judge(figure, f"<= {most:.3f}", values, all(v <= most for v in values), digits)


def _channels(
    figure: str, rows: Sequence[_Row], names: Sequence[str], key: str, least: float, most: float
) -> Aim | None:
    values = [float(row["channels"][name][key] or 0.0) for row in rows for name in names]
    aim = f">= {least:.2f}" if key == "r" else f"{least:.2f}-{most:.2f}"
    return _judge(figure, aim, values, all(least <= v <= most for v in values))


def _judge(
    figure: str, aim: str, values: Sequence[float], reached: Any, digits: int = 3
) -> Aim | None:
    if not values:
        return None
    return Aim(figure, aim, ", ".join(f"{v:.{digits}f}" for v in values), bool(reached))
