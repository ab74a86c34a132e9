"""Tables that both the report of a run and the page about all heads show: words, titles, rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .datasets.photos import DEAD
from .datasets.samples import ASKED, EYES_SHUT, NEUTRAL_TURNED
from .metrics import VARIES

__all__ = [
    "CALIBRATED",
    "CHANNEL",
    "COVERED",
    "FEW",
    "KEPT",
    "LEAK",
    "READING",
    "Rows",
    "calibrated",
    "channels",
    "counted",
    "coverage",
    "faces",
    "interval",
    "kept",
    "leaks",
    "markdown",
    "missing",
    "number",
    "probability",
    "stated",
]

Rows = list[tuple[str, ...]]
_Results = Sequence[Mapping[str, Any]]

FEW = 50
"""Faces below which a row is marked."""

LEAK = (
    f"Largest correlation of any channel with yaw or pitch, on neutral heads that turn "
    f"(`{NEUTRAL_TURNED}`): how much of a turn a head takes for an expression."
)
_LEAK_TITLES = ("head", "landmarks", "part", "people", "largest r", "channel", "axis")

COVERED = (
    "Pictures in which FaceMesh finds a face, and those of them in which the Face Landmarker, the "
    "teacher, finds one too. Only the latter are scored."
)
_COVERED_TITLES = ("data", "pictures", "damaged", "FaceMesh", "both")

KEPT = (
    f"Both eyes shut on made heads (`{EYES_SHUT}`): what is said of heads turned 30 degrees to a "
    "side, as a share of what it says from the front; the smaller of both sides."
)
_KEPT_TITLES = ("head", "landmarks", "part", "people", "channel", "frontal", "kept")

CALIBRATED = (
    f"Made people whom the head has not seen (`{ASKED}`) are calibrated by the faces that the "
    "studio asks for, as the engine sees them drawn; then they make others. MAE against the truth "
    "of those; a ratio above 1 means that calibrating did harm."
)
_CALIBRATED_TITLES = ("head", "landmarks", "people", "faces", "before", "after", "after / before")

CHANNEL = ("std", "r", "slope", "offset", "mae", "rmse", "r2")
"""Figures of a channel, as the results call them."""

READING: Mapping[str, str] = {
    "r": (
        "the mean correlation over the channels that vary (standard deviation of the truth above "
        f"{VARIES}), with the 95 % interval of a bootstrap by person. A channel that varies and "
        "that the head does not give counts as 0."
    ),
    "channels": (
        "how many MAE, RMSE and R2 are over: those that the head gives and the truth knows. On "
        f"photographs 43 of ARKit's 52 have a truth: the teacher leaves {len(DEAD)} dead and has "
        "no tongueOut. Rows of heads with different numbers here do not compare by MAE."
    ),
    "R2": (
        "over all numbers at once: 1 less all squared errors over all squared deviations from the "
        "channels' means; below 0 these means would have been the better answer. Mean R2 is the "
        "mean over the channels that vary."
    ),
    "slope, offset": (
        "of the straight line through what a head says over the truth: said = slope x truth + "
        "offset. 1 and 0 are true to scale; a slope of 0.8 shows four fifths of every movement, "
        "and the offset is what is said of a channel at rest."
    ),
    "(few)": f"fewer than {FEW} faces. Look at the interval before you conclude anything.",
    "-": "there is no such number, for instance a correlation where no channel varies.",
}
"""What the titles mean."""


def leaks(results: _Results) -> Rows:
    """Pose leak, titles first; empty where nothing was measured."""
    rows: Rows = []
    for result in results:
        for row in result["sets"]:
            if leak := row.get("pose_leak"):
                found = number(leak["largest"]), leak["channel"] or "-", leak["axis"] or "-"
                people = f"{row['subjects']:,}"
                rows.append((result["head"], row["engine"], row["split"], people, *found))
    return [_LEAK_TITLES, *rows] if rows else []


def coverage(results: _Results) -> Rows:
    """In how many pictures a face was found, titles first; empty without pictures."""
    counts = {name: c for result in results for name, c in result.get("coverage", {}).items()}

    def share(of: Mapping[str, int], engine: str) -> str:
        return f"{of[engine]:,} ({of[engine] / of['pictures']:.1%})"

    rows: Rows = [
        (name, f"{c['pictures']:,}", f"{c['damaged']:,}", share(c, "facemesh"),
         share(c, "facelandmarker"))
        for name, c in sorted(counts.items())
    ]  # fmt: skip
    return [_COVERED_TITLES, *rows] if rows else []


def kept(results: _Results) -> Rows:
    """What is left of a blink when the head turns, titles first; empty where unmeasured."""
    rows: Rows = [
        (result["head"], row["engine"], row["split"], f"{row['subjects']:,}", channel,
         number(found["frontal"]), number(found["kept"]))
        for result in results
        for row in result["sets"] if "kept" in row
        for channel, found in row["kept"]["channels"].items()
    ]  # fmt: skip
    return [_KEPT_TITLES, *rows] if rows else []


def calibrated(results: _Results) -> Rows:
    """What a guided calibration gains, titles first; empty where unmeasured."""
    rows: Rows = [
        (result["head"], row["engine"], str(gain["people"]), str(gain["faces"]),
         number(gain["before"], 4), number(gain["after"], 4), number(gain["ratio"]))
        for result in results
        for row in result["sets"] if (gain := row.get("calibration"))
    ]  # fmt: skip
    return [_CALIBRATED_TITLES, *rows] if rows else []


def channels(row: Mapping[str, Any]) -> Rows:
    """Channels that were scored in a data set, titles first."""
    scored = [(name, c) for name, c in row["channels"].items() if c["count"]]
    return [("channel", *CHANNEL), *((n, *(number(c[k]) for k in CHANNEL)) for n, c in scored)]


def missing(row: Mapping[str, Any]) -> list[str]:
    """Channels with a truth in a data set that the head does not give."""
    return [n for n, c in row["channels"].items() if not c["count"] and c["std"] is not None]


def counted(row: Mapping[str, Any]) -> str:
    """How many channels have a truth and an answer."""
    return str(sum(c["count"] > 0 for c in row["channels"].values()))


def faces(row: Mapping[str, Any]) -> str:
    """How many faces were scored, marked where they are few."""
    return f"{row['samples']:,}" + (" (few)" if row["samples"] < FEW else "")


def interval(row: Mapping[str, Any]) -> str:
    """The mean correlation with its interval."""
    if row["r_interval"] is None:
        return number(row["r"])
    low, high = row["r_interval"]
    return f"{number(row['r'])} ({low:.3f}-{high:.3f})"


def probability(p: float) -> str:
    """Of a test, as tables have it."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def stated(p: float) -> str:
    """Likewise, in a sentence: ``p = 0.042``."""
    return f"p {probability(p)}" if p < 0.001 else f"p = {probability(p)}"


def number(value: float | None, digits: int = 3) -> str:
    """A number, or a dash for none."""
    return "-" if value is None else f"{value:.{digits}f}"


def markdown(titles: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    """A table as lines of Markdown."""
    # Names of files may hold what a table is made of.
    cells = [[str(cell).replace("|", "\\|") for cell in row] for row in [titles, *body]]
    lines = ["| " + " | ".join(row) + " |" for row in cells]
    return [lines[0], "|" + "---|" * len(titles), *lines[1:]]
