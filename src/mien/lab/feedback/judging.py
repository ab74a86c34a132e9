"""The gate: whether a head that has learnt from corrections may take the place of the one before.

Both heads tell all pictures of the validation part (PublicTest), a missed one being wrong. The new
one is refused when it tells fewer rightly, and McNemar's exact test says that such a difference
comes about between equals less often than one time in twenty; or when it tells fewer of the
corrections rightly that it has not learnt from; see :func:`.learning.held_back`.

A net that has learnt further is more sure of itself, or less; how much it should be is fitted anew
on the pictures that it is judged on, one number, which changes no answer.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...arrays import Array, Bool
from ...errors import InputError
from ...heads.spec import HeadSpec
from .. import export
from ..datasets.samples import Samples
from ..emotions.evaluate import Said, say
from ..emotions.scores import ClassScores, Comparison, compare, score_classes
from ..emotions.ship import fitted

__all__ = ["Judgement", "check_enough", "judge"]


@dataclass(frozen=True)
class Judgement:
    """The head before and after, on the same pictures.

    Attributes:
        before, after: on all pictures of the validation part.
        comparison: of the two there; ``only_first`` are those that only the old one tells rightly.
        held: corrections that were not learnt from.
        held_before, held_after: how many of them each tells rightly.
        temperature: at which the new one is as sure as it should be on the validation part.
        problem: why the new head is refused; None when it is not.
    """

    before: ClassScores
    after: ClassScores
    comparison: Comparison
    held: int
    held_before: int
    held_after: int
    temperature: float
    problem: str | None

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self) | {"before": self.before.as_dict(), "after": self.after.as_dict()}


def judge(before: Path, after: Path, everyone: Samples, held: Samples, noise: float) -> Judgement:
    """Set two heads side by side.

    Args:
        before: ONNX file.
        after: ONNX file of what has learnt from corrections.
        everyone: all pictures of the validation part, found or not.
        held: corrections that it has not learnt from.
        noise: probability below which a loss is no accident.
    """
    old, new = (say(path, everyone) for path in (before, after))
    comparison = compare(old.truth, old.probabilities, new.probabilities)
    scores = [score_classes(s.truth, s.probabilities, everyone.channels) for s in (old, new)]
    right = [0, 0]
    if len(held):
        answers = (say(path, held) for path in (before, after))
        right = [int(_right(s).sum()) for s in answers]
    lost, won = comparison.only_first, comparison.only_second
    problem = None
    if lost > won and comparison.p < noise:
        problem = (
            f"it is worse on PublicTest: accuracy {scores[0].accuracy:.4f} before, "
            f"{scores[1].accuracy:.4f} after; {lost} pictures lost, {won} won, p = "
            f"{comparison.p:.2g}"
        )
    elif right[1] < right[0]:
        problem = (
            f"it tells {right[1]} of the {len(held)} corrections that were held back rightly, "
            f"{right[0]} before"
        )
    found = np.isfinite(new.probabilities[:, 0])
    temperature = round(fitted(new.probabilities[found], new.truth[found]), 4)
    return Judgement(
        before=scores[0],
        after=scores[1],
        comparison=comparison,
        held=len(held),
        held_before=right[0],
        held_after=right[1],
        temperature=temperature,
        problem=problem,
    )


def _right(said: Said) -> Bool[Array, "n"]:
    found = np.isfinite(said.probabilities[:, 0])  # where there was no face, nothing is said
    right: Array = found & (said.probabilities.argmax(1) == said.truth)
    return right


def check_enough(spec: HeadSpec, known: Samples) -> None:
    """Refuse data of which so little is left that a head which forgot would not be caught.

    Args:
        spec: of the head that is to learn.
        known: what it was trained on, as it lies here.

    Raises:
        InputError: fewer than half of the faces that it was once judged by.
    """
    then, now = (
        sum(of.get("validation", {}).get("faces", 0) for of in data.values())
        for data in (spec.data, export.counts(known))
    )
    if 2 * now < then:
        raise InputError(
            f"the validation part has {now:,} faces here, and had {then:,} when {spec.name} was "
            "trained: too few to tell whether it forgets; name that data set with --data"
        )
