"""What heads see in photographs that are named after what they show.

    python -m mien.lab.emotions.stills FOLDER [HEAD ...]

The pictures are ``angry.jpg``, ``disgusted.jpg`` and so on, one for each class; each head is asked
through the tracker, as a capture asks it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ...arrays import Array, Float32
from ...capture import read_image
from ...channels import EMOTIONS
from ...errors import InputError
from ...tracker import Tracker
from ...types import Frame

__all__ = ["PICTURES", "Sight", "look", "table"]

PICTURES = {
    "angry": "angry", "disgusted": "disgust", "fearful": "fear", "happy": "happy",
    "neutral": "neutral", "sad": "sad", "surprised": "surprise",
}  # fmt: skip
"""Names of the pictures, and the class that each is named after."""


@dataclass(frozen=True, eq=False)
class Sight:
    """What was seen in one picture.

    Attributes:
        name: of the picture.
        told: its probabilities, or None without a face.
    """

    name: str
    told: Float32[Array, "7"] | None

    @property
    def looks(self) -> str | None:
        """The likeliest class."""
        return None if self.told is None else EMOTIONS[int(self.told.argmax())]

    @property
    def right(self) -> bool:
        """Whether it is the one that the picture is named after."""
        return self.looks == PICTURES[self.name]


def look(folder: Path, head: str = "auto", engine: str = "auto") -> list[Sight]:
    """What a head sees in each picture; in one of several people, in the largest face.

    Raises:
        InputError: a picture is missing, or there is no such head.
    """
    sights = []
    options = {"mode": "still", "expression": None, "morphable": None, "emotion": head}
    with Tracker(engine, **options) as tracker:  # type: ignore[arg-type]
        if tracker.emotion_head is None:
            raise InputError(f"{head!r} is no head that tells emotions")
        for name in PICTURES:
            seen = tracker.process(Frame(read_image(folder / f"{name}.jpg")))
            sights.append(Sight(name, seen.faces[0].emotion if seen.faces else None))
    return sights


def table(columns: dict[str, Sequence[Sight]]) -> Table:
    """Pictures down, heads across."""
    shown = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("picture", *columns):
        shown.add_column(title)
    for row, name in enumerate(PICTURES):
        shown.add_row(name, *(_cell(sights[row]) for sights in columns.values()))
    right = (f"{sum(s.right for s in sights)} of {len(sights)}" for sights in columns.values())
    shown.add_row("as named", *right)
    return shown


def _cell(sight: Sight) -> str:
    if sight.told is None:
        return "no face"
    sure = f"{sight.looks} {100 * float(sight.told.max()):.0f} %"
    if sight.right:
        return f"{sure} +"
    named = EMOTIONS.index(PICTURES[sight.name])
    return f"{sure} ({EMOTIONS[named]} {100 * float(sight.told[named]):.0f} %)"


def main(
    folder: Annotated[Path, typer.Argument(help="Folder of the pictures.")],
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[HEAD]...", help="Names or ONNX files.")
    ] = None,
) -> None:
    """Say what heads see in pictures that are named after what they show."""
    Console().print(table({Path(name).stem: look(folder, name) for name in names or ["auto"]}))


if __name__ == "__main__":
    typer.run(main)
