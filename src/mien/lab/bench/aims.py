"""What was aimed at on PublicTest, beside what was reached."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..reach import NOT_MEASURED, Aim
from ..rows import stated
from . import families
from .families import Entry

__all__ = ["aims"]

_POINTS = (families.LANDMARKS, families.EDGES, families.VOXELS, families.MESH)


def aims(found: Sequence[Entry]) -> list[Aim]:
    """The figures that were aimed at, as far as the results tell of them.

    An accuracy is reached where the method reaches it on one look, or with the mirror image.

    Args:
        found: see :func:`mien.lab.bench.families.entries`.
    """

    def look(name: str) -> Callable[[Entry], bool]:
        return lambda entry: entry.looks_at == name

    single = [entry for entry in found if entry.looks_at != families.BOTH]
    return [
        _least(found, "pixels, best single model", 0.70, look(families.PIXELS), "0.73 with a GPU"),
        _least(found, "2D CNN of the study", 0.64, lambda e: e.name == "emotion-cnn"),
        _least(found, "landmarks alone, best", 0.60, look(families.LANDMARKS), "better 0.62"),
        _least(found, "edge lengths", 0.59, look(families.EDGES)),
        _least(found, "mesh network", 0.59, look(families.MESH)),
        _least(found, "voxels", 0.52, look(families.VOXELS)),
        _least(found, "HOG and SVM", 0.50, look(families.HOG)),
        _above([e for e in found if e.looks_at == families.BOTH], single),
        _minutes([e for e in found if e.looks_at in _POINTS]),
    ]


def _least(
    found: Sequence[Entry],
    figure: str,
    least: float,
    which: Callable[[Entry], bool],
    more: str = "",
) -> Aim:
    aim = f">= {least:.2f}" + (f"; {more}" if more else "")
    some = [entry for entry in found if which(entry)]
    if not some:
        return Aim(figure, aim, NOT_MEASURED, None)
    best = max(some, key=_reach)
    told = f"{best.name}: {best.accuracy:.3f}"
    if best.mirror:
        told += f", {best.mirror['accuracy']:.3f} with the mirror image"
    but = "with the mirror image" if best.accuracy < least else ""
    return Aim(figure, aim, told, _reach(best) >= least, but)


def _reach(entry: Entry) -> float:
    return max(entry.accuracy, entry.mirror["accuracy"] if entry.mirror else 0.0)


def _above(both: Sequence[Entry], single: Sequence[Entry]) -> Aim:
    figure, aim = "pixels and landmarks", "above the best single model"
    if not both or not single:
        return Aim(figure, aim, NOT_MEASURED, None)
    p = families.versus(both[0], single[0]).p
    told = (
        f"{both[0].name}: {both[0].accuracy:.3f}; {single[0].name}: {single[0].accuracy:.3f}; "
        f"{stated(p)}"
    )
    but = "but the two are not told apart" if p >= families.SAME else ""
    return Aim(figure, aim, told, both[0].accuracy > single[0].accuracy, but)


def _minutes(some: Sequence[Entry]) -> Aim:
    figure, aim = "training of any landmark model", "under 10 min on two cores"
    taken = [
        (entry.table["minutes"], entry.name)
        for entry in some
        if entry.table.get("minutes") and not entry.table.get("gpu")
    ]
    if not taken:
        return Aim(figure, aim, NOT_MEASURED, None)
    most, name = max(taken)
    but = "by the processor's time"
    return Aim(figure, aim, f"at most {most:.1f} min, {name}", most < 10, but)
