"""A head learns from corrections, and is kept only if it has not become worse.

It always starts from the head that was there first, never from one that has learnt from corrections
before, and learns from all corrections that there are. So small losses do not add up, and what has
been deleted is gone from the next head.

**Rehearsal.** A net that sees corrections alone forgets the rest (French, "Catastrophic forgetting
in connectionist networks", Trends in Cognitive Sciences 3, 1999). Every epoch therefore shows a
random share of the original training samples too.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import torch

from ... import heads
from ...arrays import Array, Bool
from ...channels import EMOTIONS
from ...errors import InputError, MienError
from ...feedback import NONE, Submission
from ...heads.spec import HeadSpec
from ...outputs.files import replacing
from .. import checkpoint, export, nets, training
from ..datasets.samples import Samples, aligned_of
from ..emotions.evaluate import everything
from ..material import Material, gather
from ..recipe import DataRecipe, Recipe, SourceRecipe
from ..runtime import runtime
from ..strict import typed
from .judging import Judgement, check_enough, judge

__all__ = [
    "FeedbackRecipe",
    "WorseHeadError",
    "corrections",
    "held_back",
    "keep",
    "learn",
    "root_of",
    "train",
]

_COMPARED = 32  # faces on which the net has to answer as the head does
_APART = 1e-3

SOURCE = "feedback"
"""Name of the data set that corrections are."""


class WorseHeadError(MienError):
    """What was learnt made the head worse; the one that was there stays."""

    exit_code = 7


@dataclass(frozen=True)
class FeedbackRecipe:
    """How a head learns from corrections; a TOML file holds these keys.

    Attributes:
        rehearsal: share of the original training samples that every epoch shows again.
        weight: how often every epoch shows a correction.
        epochs: passes.
        lr: highest learning rate; it falls to 0 over the epochs.
        held: share of the corrections that are kept for the evaluation, see :func:`held_back`.
        least: corrections below which nothing is learnt.
        noise: probability of McNemar's test below which a loss is no accident.
        seed: of the order, and of whatever the net draws.
    """

    rehearsal: float = 0.25
    weight: float = 2.0
    epochs: int = 4
    lr: float = 1e-4
    held: float = 0.2
    least: int = 20
    noise: float = 0.05
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("rehearsal", "held", "noise"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise InputError(f"{name} is in 0..1, 1 excluded, got {value}")
        for name in ("weight", "lr"):
            if getattr(self, name) <= 0:
                raise InputError(f"{name} is above 0, got {getattr(self, name)}")
        for name in ("epochs", "least"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is 1 or more, got {getattr(self, name)}")
        if self.rehearsal == 0:
            raise InputError("rehearsal is above 0, or the head forgets what it knew")


def corrections(submissions: Iterable[Submission], *, pictures: bool) -> tuple[Samples, int]:
    """Corrections as samples of one class each, and how many were left out.

    Args:
        submissions: whatever people have sent.
        pictures: take those with a picture only, and give it; for heads that look at it.

    Returns:
        samples, and how many could not be used: "none of these" names no class, and a head that
        looks at pictures learns nothing from landmarks alone.

    Raises:
        InputError: nothing is left.
    """
    everything_ = list(submissions)
    some = [s for s in everything_ if s.label != NONE and not (pictures and s.crop is None)]
    if not some:
        what = " with a picture" if pictures else ""
        instead = ""
        if any(s.label != NONE for s in everything_):
            instead = (
                "; people send landmarks alone unless they tick more, and --head emotion-landmarks "
                "learns from these"
            )
        raise InputError(
            f"there is no correction{what} to learn from, among {len(everything_)} submissions"
            f"{instead}"
        )
    points = np.stack([s.landmarks.points for s in some])
    aligned, rotation = aligned_of(points)
    target = np.zeros((len(some), len(EMOTIONS)), np.float32)
    target[np.arange(len(some)), [EMOTIONS.index(s.label) for s in some]] = 1
    samples = Samples(
        names=[str(s.id) for s in some],
        subjects=[s.person for s in some],
        engine=[s.engine for s in some],
        source=[SOURCE] * len(some),
        aligned=aligned,
        rotation=rotation,
        pixels=points,
        size=np.array([s.landmarks.size for s in some], np.int32),
        target=target,
        channels=EMOTIONS,
        split=["train"] * len(some),
        image=np.stack([s.crop for s in some if s.crop is not None]) if pictures else None,
    )
    return samples, len(everything_) - len(some)


def held_back(corrected: Samples, share: float) -> Bool[Array, "n"]:
    """Which corrections are for the evaluation: ``share`` of them or a little less.

    They are all those of some people, by the hash of the token, so that nobody is on both sides;
    who would take more than is left of the share is passed over. Where everybody would (one person
    at a machine of their own), they are single corrections, by the hash of the id.
    """
    several = round(share * len(corrected))
    kept: set[str] = set()
    sent, left = Counter(corrected.subjects), several
    for person in sorted(sent, key=_lot):
        if sent[person] <= left:
            kept.add(person)
            left -= sent[person]
    if not kept:
        kept.update(sorted(corrected.names, key=_lot)[:several])
        return np.array([name in kept for name in corrected.names], bool)
    return np.array([person in kept for person in corrected.subjects], bool)


def root_of(name: str) -> tuple[Path, HeadSpec, Recipe]:
    """The head to start from: its file, its description, and what it was trained by.

    Raises:
        InputError: no such head, none that tells emotions, or one that cannot learn.
    """
    head = heads.load(name, "emotion")
    path = heads.path(heads.resolve(name, "emotion") or "")
    settings = head.spec.recipe.get("settings")
    if head.spec.recipe.get(SOURCE):
        raise InputError(
            f"{name} has learnt from feedback already; name the head that it came from "
            f"({head.spec.name.removesuffix('-feedback')}), which learns from all of it anew"
        )
    if not settings:
        raise InputError(f"{path} does not say by which recipe it was trained; name another head")
    return path, head.spec, typed(Recipe, settings)


def learn(
    root: Path,
    recipe: Recipe,
    how: FeedbackRecipe,
    known: Material,
    taught: Samples,
    folder: Path,
    weights: Path | None = None,
    progress: training.Progress = lambda *_: None,
) -> Path:
    """Train the head of ``root`` further.

    Args:
        root: its ONNX file.
        recipe: that it was trained by.
        how: see :class:`FeedbackRecipe`.
        known: what it was trained on, see :func:`mien.lab.material.gather`.
        taught: corrections to learn from, see :func:`corrections` and :func:`held_back`.
        folder: for what the training writes.
        weights: of its training, where they cannot be read out of the ONNX file.
        progress: told of every batch.

    Returns:
        the ONNX file of the new head, its description beside it.

    Raises:
        InputError: a net that cannot learn further.
    """
    net = _restored(root, recipe, weights, known.part("validation").samples)
    start = folder / "start.safetensors"
    checkpoint.save_weights(start, net.state_dict(), recipe.as_dict())
    sources = tuple(
        replace(source, weight=source.weight * how.rehearsal) for source in recipe.data.sources
    )
    plan = replace(
        recipe,
        name=f"{recipe.name}-feedback",
        seed=how.seed,
        data=DataRecipe((*sources, SourceRecipe(SOURCE, weight=how.weight))),
        train=replace(
            recipe.train,
            start=str(start),
            epochs=how.epochs,
            lr=how.lr,
            schedule="cosine",
            warmup=0.0,
            ema=0.0,
            patience=0,
        ),
    )
    material = _together(known, taught, how)
    state = training.train(plan, material, folder, progress=progress, device="cpu")
    # The last weights, not those with the best loss on PublicTest: that part is the judge.
    state.best = state.weights
    said = replace(plan, train=replace(plan.train, start=""))
    return export.head(said, state, material, folder)


def keep(made: Path, root: HeadSpec, judgement: Judgement, taught: int, folder: Path) -> Path:
    """Put an accepted head where heads of this machine are, under the name of its root.

    Args:
        made: its ONNX file, with its description.
        root: what it came from.
        judgement: goes into the description.
        taught: how many corrections it has learnt from.
        folder: of heads; see :func:`mien.heads.folder`.

    Returns:
        its ONNX file.

    Raises:
        OutputError: it cannot be written; an earlier one is as it was, file and description.
    """
    spec = HeadSpec.read(made.with_suffix(".json"))
    now = datetime.now(timezone.utc)
    spec = replace(
        spec,
        name=f"{root.name}-feedback",
        version=f"{root.version}-{now:%Y%m%d%H%M%S}",
        engines=root.engines,
        licence=root.licence,
        temperature=judgement.temperature,
        calibrated_on=f"FER-2013 PublicTest, the {judgement.after.found:,} pictures it answers",
        recipe={
            **spec.recipe,
            "command": "mien feedback train",
            SOURCE: {"root": root.sha256, "corrections": taught, **judgement.as_dict()},
        },
        about=root.about,
        notes=(*root.notes, f"It has learnt from {taught} corrections of people who used it."),
        scores={},
    )
    path = folder / f"{spec.name}.onnx"
    described = json.dumps(spec.as_dict(), indent=2, ensure_ascii=False, allow_nan=False)
    # Both are whole on the disk before either gets its name. A head whose description is of another
    # one is refused wherever it is loaded, should the power fail in between.
    with replacing(path) as part, replacing(path.with_suffix(".json")) as words:
        part.write_bytes(made.read_bytes())
        words.write_text(described + "\n", encoding="utf-8")
    return path


def train(
    name: str,
    submissions: Callable[[], Iterable[Submission]],
    data: Path,
    how: FeedbackRecipe,
    folder: Path,
    *,
    weights: Path | None = None,
    progress: training.Progress = lambda *_: None,
    tell: Callable[[str], None] = lambda _: None,
) -> tuple[Path, Judgement]:
    """All of it: gather, learn, judge, keep.

    Args:
        name: of the head to start from.
        submissions: gives what people have sent.
        data: folder of the data sets that the head was trained on.
        how: see :class:`FeedbackRecipe`.
        folder: empty, for what is in between.
        weights: see :func:`learn`.
        progress: told of every batch.
        tell: told what is going on.

    Raises:
        WorseHeadError: the new head is refused; nothing has changed.
        InputError: there is nothing to start from, or to learn from.
    """
    root, spec, recipe = root_of(name)
    corrected, unused = corrections(submissions(), pictures=spec.needs_picture)
    tell(f"{len(corrected)} corrections, {unused} more that cannot be used")
    chosen = held_back(corrected, how.held)
    held, taught = corrected.select(chosen), corrected.select(~chosen)
    if len(taught) < how.least:
        raise InputError(
            f"there are {len(taught)} corrections to learn from, {len(held)} more are held back, "
            f"and at least {how.least} are needed; collect more, or lower `least` or `held` in a "
            "recipe"
        )
    same = bool(set(held.subjects) & set(taught.subjects))
    tell(f"{len(held)} of them are held back, of {'the same' if same else 'other'} people")
    known = gather(recipe, data)
    check_enough(spec, known.samples)
    made = learn(root, recipe, how, known, taught, folder, weights, progress)
    judgement = judge(root, made, everything(recipe, data).part("validation"), held, how.noise)
    if judgement.problem is not None:
        raise WorseHeadError(
            f"the new head is refused: {judgement.problem}; {spec.name} stays as it is"
        )
    return keep(made, spec, judgement, len(taught), heads.folder()), judgement


def _restored(root: Path, recipe: Recipe, weights: Path | None, samples: Samples) -> nets.Net:
    """The net of a head with its weights, which has to answer as the head does."""
    if weights is None:
        try:
            net = export.restored(root)
        except export.ExportError:  # another exporter named or merged them otherwise
            raise InputError(
                f"the weights of {root.name} cannot be read out of it; name those of its training "
                f"with --weights, for instance runs/{recipe.name}/{recipe.name}.safetensors"
            ) from None
    else:
        net = training.build(recipe)
        try:
            net.load_state_dict(checkpoint.load_weights(weights)[0])
        except RuntimeError:  # its message lists every tensor
            raise InputError(f"{weights} holds the weights of another net than {root}") from None
        net.eval()
    if isinstance(net, nets.Solved):
        raise InputError(
            f"{root} is solved in one go and cannot learn further; choose another head with --head"
        )
    some = samples.select(range(min(_COMPARED, len(samples))))
    given = {name: torch.from_numpy(getattr(some, name)) for name in net.inputs}
    with torch.no_grad():
        apart = np.abs(net(given).numpy() - runtime(root)(some)).max()
    if not apart < _APART:
        raise InputError(f"{weights or root} answers otherwise than {root} by {apart:.2g}")
    return net


def _together(known: Material, taught: Samples, how: FeedbackRecipe) -> Material:
    """Original samples at their share, and corrections at their weight."""
    train, validation = known.part("train"), known.part("validation")
    if known.samples.image is None:
        taught = replace(taught, image=None)
    samples = Samples.concat([train.samples, taught, validation.samples])
    weights: Sequence[Array] = (
        train.weight * how.rehearsal,
        np.full(len(taught), how.weight),
        validation.weight,
    )
    plain = np.zeros(len(taught), bool)
    squared = np.concatenate([train.squared, plain, validation.squared])
    return Material(samples, np.concatenate(weights), squared)


def _lot(name: str) -> str:
    """What decides whose turn it is, or which correction's; it depends on the name alone."""
    return hashlib.sha256(f"held:{name}".encode()).hexdigest()
