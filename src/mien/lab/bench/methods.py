"""What the bench can train and score: nets by their recipes, one folder of a run for each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time
from typing import Any, Protocol

import numpy as np
import torch

from ...errors import InputError
from ...topology import CANONICAL
from .. import checkpoint, export, material, nets, training
from ..augment import augment
from ..datasets.samples import Samples
from ..emotions import evaluate as classes
from ..losses import masked_loss
from ..material import Material
from ..nets.trained import runs_in
from ..processor import threads
from ..recipe import DataRecipe, Recipe, load
from ..tracking import Tracking, tracking
from ..training import Progress, Row

__all__ = ["Log", "Method", "NetMethod", "Pool", "emotions", "find"]

_SIDE = 48  # of the pictures that a trial of speed is made with
_STEPS = 3
_FACES = 32
_COSTS = ("minutes", "microseconds", "parameters")
_SCORES = (
    "accuracy", "accuracy_found", "balanced", "macro_f1", "macro_auc", "calibration_error", "found",
)  # fmt: skip
_SOLVED = 60 / 28_000  # seconds a sample of what has no epochs: a minute for FER-2013


class Pool:
    """Data that several methods share, read once; the last of each kind is kept.

    Attributes:
        folder: where data sets lie.
        faces: how many training samples were in what was read last; 0 before.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faces = 0
        self._kept: dict[str, tuple[str, Any]] = {}

    def material(self, recipe: Recipe) -> Material:
        """What the recipe learns from."""
        found: Material = self._last(
            "material", recipe.data, lambda: material.gather(recipe, self.folder)
        )
        self.faces = round(found.part("train").weight.sum())
        return found

    def everything(self, recipe: Recipe) -> Samples:
        """All pictures of its data, those too in which no face was found."""
        sources = tuple(replace(source, engines=()) for source in recipe.data.sources)
        found: Samples = self._last(
            "everything", DataRecipe(sources), lambda: classes.everything(recipe, self.folder)
        )
        return found

    def _last(self, kind: str, data: DataRecipe, read: Callable[[], Any]) -> Any:
        key = repr(data)
        if kind not in self._kept or self._kept[kind][0] != key:
            self._kept.pop(kind, None)  # before the next is read: together they may not fit
            self._kept[kind] = key, read()
        return self._kept[kind][1]


class Method(Protocol):
    """One row of the table: what is trained in a run, and scored into a file of results."""

    @property
    def name(self) -> str:
        """Of the run and of the results."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the methods that have to be trained before."""

    def cost(self, run: Path) -> float:
        """Seconds of training that are left, for each training sample; a guess."""

    def logging(self) -> AbstractContextManager[Log]:
        """Open as long as the method is trained and scored: one run of MLflow for both."""

    def train(
        self, pool: Pool, run: Path, tell: Callable[[str], None], progress: Progress, log: Log
    ) -> bool:
        """Train in a run, or go on there; False where there was nothing left to do.

        What it needs lies beside the run.
        """

    def evaluate(
        self, pool: Pool, run: Path, results: Path, splits: Sequence[str], log: Log
    ) -> bool:
        """Score what was trained, and write it; False where these scores are there."""


@dataclass(frozen=True)
class NetMethod:
    """A net of :mod:`mien.lab.nets`.

    Attributes:
        recipe: all about it.
        path: of the recipe.
        afresh: score again what has been scored.
        log: folder of MLflow's store; None for none.
    """

    recipe: Recipe
    path: Path
    afresh: bool = False
    log: Path | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        """What its net is made of or starts from: names of runs, which lie beside its own."""
        return tuple(Path(run).name for run in training.needs(self.recipe))

    @property
    def name(self) -> str:
        """That of the recipe."""
        return self.recipe.name

    def cost(self, run: Path) -> float:
        """By some steps on made faces; 0 where there is a net, and nothing seems to be left."""
        if self._net(run).is_file():
            return 0.0
        if nets.solved(self.recipe.net):
            return _SOLVED
        with threads(1):  # several would wait for each other, and that counts as work
            return _seconds_a_sample(self.recipe) * max(
                self.recipe.train.epochs - len(_history(run)), 0
            )

    @contextmanager
    def logging(self) -> Iterator[Log]:
        """See :meth:`Method.logging`."""
        with ExitStack() as stack:
            yield Log(stack, self.recipe, self.log)

    def train(
        self, pool: Pool, run: Path, tell: Callable[[str], None], progress: Progress, log: Log
    ) -> bool:
        """Train, or go on with a checkpoint of the same recipe and data, and export."""
        path, there = self._net(run), (run / "checkpoint.safetensors").is_file()
        whole = there and path.is_file()
        before = len(_history(run))
        faces = pool.material(self.recipe)

        def train(resume: bool) -> checkpoint.Checkpoint:
            return training.train(
                self.recipe, faces, run, resume=resume, progress=progress, on_epoch=log.epoch
            )

        with runs_in(run.parent):
            try:
                state = train(there)
            except checkpoint.OtherTrainingError as error:
                kept = checkpoint.set_aside(run)
                tell(f"trained afresh, and the run of before is now {kept}: {error.why}")
                whole, state = False, train(False)
            if whole and before == state.epoch and _newer(path, run / "checkpoint.safetensors"):
                return False
            export.head(self.recipe, state, faces, run, f"mien train {self.path.as_posix()}")
        return True

    def evaluate(
        self, pool: Pool, run: Path, results: Path, splits: Sequence[str], log: Log
    ) -> bool:
        """Score the exported net, unless these weights have been scored on these parts."""
        path = self._net(run)
        if not path.is_file():
            raise InputError(f"there is no net {path}; leave out --evaluate-only to train it")
        if not self.afresh and classes.scored(results, self.name, path, splits):
            return False
        # Without a training the recipe may say something else by now.
        taught = classes.taught_by(path, self.recipe)
        with runs_in(run.parent):
            table, said = classes.evaluate(taught, path, pool.everything(self.recipe), splits)
        classes.write(table, said, results, run)
        log.scores(table)
        return True

    def _net(self, run: Path) -> Path:
        return run / f"{self.name}.onnx"


class Log:
    """Tells MLflow of epochs and of scores, where there is a store; silent until there are any."""

    def __init__(self, stack: ExitStack, recipe: Recipe, store: Path | None) -> None:
        self._stack, self._recipe, self._store = stack, recipe, store
        self._told: Tracking | None = None

    def epoch(self, row: Row) -> None:
        """One row of the history; a solved net has one alone."""
        if told := self._open():
            told.epoch(row)

    def scores(self, table: Mapping[str, Any]) -> None:
        """What became of it, from its results; ``validation.mirror.accuracy`` for instance."""
        figures = {name: table[name] for name in _COSTS}
        for row in table["sets"]:
            where = row["split"] + (".mirror" if row["mirror"] else "")
            figures |= {f"{where}.{name}": row[name] for name in _SCORES}
        if told := self._open():
            told.figures({name: value for name, value in figures.items() if value is not None})

    def _open(self) -> Tracking | None:
        if self._store and not self._told:
            opened = tracking(self._recipe.name, self._recipe.as_dict(), self._store)
            self._told = self._stack.enter_context(opened)
        return self._told


def emotions(path: Path) -> Recipe:
    """Read a recipe of emotions.

    Raises:
        InputError: none, or one about something else.
    """
    recipe = load(path)
    nets.check(recipe.net)
    if recipe.output != "emotion":
        raise InputError(f"{path} is about {recipe.output}; this is for recipes of emotions")
    return recipe


def find(
    folder: Path, only: Sequence[str] = (), *, afresh: bool = False, log: Path | None = None
) -> list[Method]:
    """The methods that a folder of recipes describes, by name of the file.

    Args:
        folder: of TOML files.
        only: names of methods or stems of files; empty for all. What these need comes too.
        afresh: score again what has been scored.
        log: folder of MLflow's store; None for none.

    Raises:
        InputError: no recipes, a name that none has, two of one name, a need that nobody fulfils,
            or a recipe that cannot be used.
    """
    paths = sorted(folder.glob("*.toml"))
    if not paths:
        raise InputError(f"there are no recipes in {folder}; --recipes names a folder of them")
    methods: dict[str, Method] = {}
    stems = {}
    for path in paths:
        method = _read(path, afresh, log)
        if method.name in methods:
            raise InputError(f"{path}: there is another recipe with the name {method.name}")
        methods[method.name], stems[path.stem] = method, method.name
    for method in methods.values():
        if missing := set(method.needs) - set(methods):
            raise InputError(
                f"{method.name} needs {', '.join(sorted(missing))}, which no recipe in {folder} has"
            )
    if unknown := set(only) - set(methods) - set(stems):
        raise InputError(
            f"--only {', '.join(sorted(unknown))}: no recipe in {folder}; there are "
            f"{', '.join(stems)}"
        )
    chosen = [stems.get(name, name) for name in only] or list(methods)
    for name in chosen:  # grows while it is walked
        chosen += [need for need in methods[name].needs if need not in chosen]
    return [method for name, method in methods.items() if name in chosen]


def _read(path: Path, afresh: bool, log: Path | None) -> Method:
    return NetMethod(emotions(path), path, afresh, log)


def _history(run: Path) -> list[dict[str, float]]:
    try:
        rows: list[dict[str, float]] = json.loads((run / "history.json").read_text("utf-8"))
    except (OSError, ValueError):
        return []
    return rows


def _newer(path: Path, other: Path) -> bool:
    return path.stat().st_mtime_ns >= other.stat().st_mtime_ns


def _seconds_a_sample(recipe: Recipe) -> float:
    """What a step of training takes for each of its samples, tried on some made faces.

    By the time of the processors, for others may be at work on them too.
    """
    net, count = training.build(recipe), min(recipe.train.batch, _FACES)
    random = np.random.default_rng(0)
    points = (CANONICAL + random.normal(0, 0.1, (count, *CANONICAL.shape))).astype(np.float32)
    made = {
        "aligned": points,
        "pixels": points * np.float32(10) + np.float32(100),
        "rotation": np.repeat(np.eye(3, dtype=np.float32)[None], count, 0),
        "width": np.full(count, 100, np.float32),
        "unit": np.full(count, 10, np.float32),
        "image": random.integers(0, 255, (count, _SIDE, _SIDE)).astype(np.uint8),
    }
    if missing := set(net.inputs) - set(made):
        raise InputError(f"{recipe.name} wants {', '.join(missing)}, which no emotion recipe has")
    wanted = {*net.inputs, *(["width", "unit"] if "pixels" in net.inputs else [])}
    batch = {name: torch.from_numpy(made[name]) for name in sorted(wanted)}
    target = torch.eye(len(recipe.channels))[torch.arange(count) % len(recipe.channels)]
    scale = torch.ones_like(target)
    net.fit(batch)
    net.train()
    generator = torch.Generator().manual_seed(0)
    times = []
    for _ in range(_STEPS):
        began = process_time()
        seen, truth = augment(batch, target, recipe.augment, generator)
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.train.mixed_precision):
            said = net(seen)
        masked_loss(said.float(), truth, recipe.loss, scale).backward()  # type: ignore[no-untyped-call]
        times.append(process_time() - began)
    return min(times) / recipe.train.threads / count
