"""From what is asked to what is told: pictures of a data set, or one's own, in one way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...arrays import RGBImage
from ...errors import InputError
from .. import datasets
from ..emotions.evaluate import everything
from ..recipe import Recipe
from . import explaining, landmarks
from .explaining import Case, Mean, Progress, Show
from .landmarks import Baseline, baseline, canonical, sees_points
from .loading import Loaded
from .own import read
from .page import Story

__all__ = ["Choice", "Told", "of_set", "of_yours"]


@dataclass(frozen=True)
class Choice:
    """Which pictures of a data set.

    Attributes:
        split: ``validation`` or ``train``.
        show: ``errors``, or what was told ``right``.
        truth: only pictures of this class.
        count: the most of them.
    """

    split: str = "validation"
    show: Show = "errors"
    truth: str | None = None
    count: int = 24


@dataclass(frozen=True, eq=False)
class Told:
    """All that is written.

    Attributes:
        story: in words.
        cases: pictures with their maps.
        means: the same on average; empty for pictures of one's own, whose truth nobody knows.
    """

    story: Story
    cases: Sequence[Case]
    means: Sequence[Mean] = ()


def of_set(
    loaded: Loaded,
    plan: Recipe,
    data: Path,
    choice: Choice,
    towards: str | None,
    progress: Progress,
) -> Told:
    """The surest pictures of the recipe's data.

    Raises:
        InputError: a data set that is not there, one without what the net looks at, or nothing to
            show.
    """
    samples = everything(plan, data)
    part = samples.part(choice.split)
    if not len(part):
        raise InputError(f"there are no pictures of the {choice.split} part in {data}")
    if "image" in loaded.net.inputs and part.image is None:
        raise InputError(
            f"{loaded.name} looks at pictures, and the recipe's sources give none; give them the "
            "option images = true"
        )
    told = explaining.answers(loaded, part)
    every = explaining.chosen(told, part, choice.show, len(part), choice.truth)
    what = "errors" if choice.show == "errors" else "pictures that were told rightly"
    what += f" of {choice.truth}" if choice.truth else ""
    if not len(every):
        raise InputError(f"there is nothing to show: the {choice.split} part has no {what}")
    begin = baseline(samples)

    def picture(place: int) -> RGBImage | None:
        """A net on pictures saw the crop, which is shown as it is; landmarks want what is finer."""
        if not sees_points(loaded.net):
            return None
        return datasets.picture(part.source[place], data, part.names[place])

    cases = explaining.explain(
        loaded, part, every[: choice.count], told, begin, picture,
        towards=towards, progress=progress,
    )  # fmt: skip
    means = explaining.averages(loaded, part, told, begin, progress=progress)
    said = f"The {len(cases)} surest of {len(every):,} {what}, among {len(part):,} pictures"
    if unseen := int((~np.isfinite(told).all(1)).sum()):
        said += f"; in {unseen:,} of them no face was found, and nothing was said"
    facts = {"data": ", ".join(sorted(set(part.source))), "part": choice.split}
    kind = "errors" if choice.show == "errors" else "told rightly"
    story = Story(
        f"{loaded.name}: {kind}", f"{said}.", _facts(loaded, begin, facts), _notes(loaded)
    )
    return Told(story, cases, means)


def of_yours(
    loaded: Loaded,
    plan: Recipe,
    images: Sequence[str],
    data: Path | None,
    engine: str,
    towards: str | None,
    progress: Progress,
) -> Told:
    """Every face in pictures of one's own; with ``data`` the baseline is the mean of its faces.

    Raises:
        InputError: no picture, or none with a face.
    """
    found = read(images, engine, progress)
    begin = canonical()
    if data is not None and sees_points(loaded.net):
        begin = baseline(everything(plan, data))
    samples = found.samples
    cases = explaining.explain(
        loaded, samples, range(len(samples)), explaining.answers(loaded, samples), begin,
        lambda place: found.pictures[samples.names[place]],
        towards=towards, progress=progress,
    )  # fmt: skip
    notes = [*_notes(loaded), *(f"No face was found in {name}." for name in found.missed)]
    faces = "1 face" if len(cases) == 1 else f"{len(cases)} faces"
    pictures = len({id(picture) for picture in found.pictures.values()})
    of = "a picture" if pictures == 1 else f"{pictures} pictures"
    facts = _facts(loaded, begin, {"landmarks": samples.engine[0]})
    story = Story(
        f"{loaded.name}: your pictures",
        f"{faces} in {of} of yours.",
        facts,
        notes + list(found.unread),
    )
    return Told(story, cases)


def _facts(loaded: Loaded, begin: Baseline, more: Mapping[str, str]) -> dict[str, str]:
    weights = f"{loaded.path.name}, SHA-256 {loaded.sha256[:16]}"
    facts = {"net": loaded.name, "weights": weights, **more}
    if not sees_points(loaded.net):
        return facts
    facts["baseline"] = begin.told
    said = landmarks.told(loaded.net, begin)
    if said is not None:
        best = int(said.argmax())
        facts["baseline"] += f", called {loaded.net.task.channels[best]} with {said[best]:.0%}"
    return facts


def _notes(loaded: Loaded) -> list[str]:
    return [loaded.note] if loaded.note else []
