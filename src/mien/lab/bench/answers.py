"""The study's three questions, answered in sentences that follow from the figures.

Where two methods are not told apart, the sentence says so instead of naming a winner.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..rows import stated
from . import families
from .families import Entry

__all__ = ["answers"]


def answers(found: Sequence[Entry]) -> list[tuple[str, str]]:
    """Questions and answers.

    Args:
        found: see :func:`mien.lab.bench.families.entries`.
    """
    return [
        ("Pictures, or reconstructions in 3D?", _pictures_or_points(found)),
        ("Which reconstruction?", _which(found)),
        ("At what cost?", _cost(found)),
    ]


def _pictures_or_points(found: Sequence[Entry]) -> str:
    flat = families.best_of_each(found, families.PICTURES)
    deep = families.best_of_each(found, families.RECONSTRUCTED)
    if not flat or not deep:
        kind = "pictures" if not flat else "reconstructions"
        return f"No method on {kind} was measured."
    one, other = flat[0], deep[0]
    told = (
        f"The best method on pictures is {_told(one)}; the best on reconstructions {_told(other)}. "
        f"{_verdict(one, other)}"
    )
    seen = families.found_faces(found)
    if seen is not None and seen.any():
        shares = [entry.bits("right")[seen].mean() for entry in (one, other)]
        told += (
            f" Where a face was found, in {seen.mean():.1%} of the pictures, it is {shares[0]:.3f} "
            f"against {shares[1]:.3f}."
        )
        if not seen.all():
            missed = one.bits("right")[~seen].mean()
            told += f" Where none was found, {one.name} is right in {missed:.3f}."
    return told


def _which(found: Sequence[Entry]) -> str:
    best = families.best_of_each(found, families.RECONSTRUCTED)
    if len(best) < 2:
        return "Fewer than two reconstructions were measured."
    told = "; ".join(f"{entry.looks_at}: {_told(entry)}" for entry in best)
    first, others = best[0], best[1:]
    same = [e.looks_at for e in others if families.versus(first, e).p >= families.SAME]
    worse = [e.looks_at for e in others if e.looks_at not in same]
    if same:
        parts = [f"those of {_listed([first.looks_at, *same])} are not told apart"]
        if worse:
            parts.append(f"{_those(worse)} worse than that of {first.looks_at}")
    else:
        parts = [f"{_those(worse)} worse than that of {first.looks_at}"]
    return (
        f"The best of each, by accuracy over all pictures: {told}. By McNemar's test "
        f"{', and '.join(parts)}."
    )


def _cost(found: Sequence[Entry]) -> str:
    best = families.best_of_each(found)
    timed = [entry for entry in best if entry.table.get("microseconds")]
    taught = [e for e in best if e.table.get("minutes") and not e.table.get("gpu")]
    if not timed or not taught:
        return "Times were not measured."
    quick = min(timed, key=lambda entry: entry.table["microseconds"])
    brief = min(taught, key=lambda entry: entry.table["minutes"])
    top = best[0]
    told = (
        f"Of the best of each kind, {quick.name} ({quick.accuracy:.3f}) answers soonest, in "
        f"{quick.table['microseconds']:.0f} µs on one thread, and "
        f"{'' if brief is quick else f'{brief.name} ({brief.accuracy:.3f}) '}was trained soonest, "
        f"in {brief.table['minutes']:.1f} min."
    )
    if top is not quick and top in timed and top in taught:
        ratio = top.table["microseconds"] / quick.table["microseconds"]
        told += (
            f" The most accurate, {top.name} ({top.accuracy:.3f}), takes "
            f"{top.table['microseconds']:.0f} µs, {ratio:.1f} times the least, and "
            f"{top.table['minutes']:.1f} min of training."
        )
    return told + " What needs landmarks has to wait for the landmark engine first, too."


def _verdict(one: Entry, other: Entry) -> str:
    """Who is better, where the figures allow to say so."""
    (low, high), (least, most) = (e.row["accuracy_interval"] for e in (one, other))
    apart = low > most or least > high
    p = families.versus(one, other).p
    said = stated(p)
    better, worse = sorted((one, other), key=lambda entry: -entry.accuracy)
    intervals = "Their intervals do not overlap" if apart else "Their intervals overlap"
    if p >= families.SAME:
        return f"{intervals}, and McNemar's test does not tell them apart ({said})."
    but = "and" if apart else "but"
    return (
        f"{intervals}, {but} on the same pictures {better.name} is better than {worse.name} "
        f"({said})."
    )


def _told(entry: Entry) -> str:
    low, high = entry.row["accuracy_interval"]
    return f"{entry.name} with {entry.accuracy:.3f} ({low:.3f}-{high:.3f})"


def _those(words: Sequence[str]) -> str:
    return f"{'that' if len(words) == 1 else 'those'} of {_listed(words)} " + (
        "is" if len(words) == 1 else "are"
    )


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
