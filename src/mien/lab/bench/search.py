"""Settings of a recipe, tried out: a grid, or what Optuna's sampler proposes.

Every trial is a training of its own, in a folder of its own, and is judged by its accuracy over all
pictures of the validation part alone. Optuna's storage is a file of SQLite beside them, so the same
command goes on after an interruption: with the trial that was under way, from its last whole epoch.
Trials that failed are tried again by the same command, with the same settings, from the beginning.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Literal, TypeAlias

import optuna
from optuna.samplers import BaseSampler, GridSampler, TPESampler
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from ...errors import InputError, MienError
from ...outputs.files import write_json_atomic
from .. import checkpoint, export, nets, training
from ..emotions import evaluate as classes
from ..emotions.scores import score_classes
from ..recipe import Recipe, difference, read_toml
from ..strict import typed
from ..tracking import tracking
from ..training import Progress
from .methods import Pool

__all__ = ["Range", "Search", "Space", "changed", "read_space", "write"]


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``, both included.

    Attributes:
        low: the least.
        high: the most; whole numbers where both are.
        log: as many between 1 and 10 as between 10 and 100.
    """

    low: float | int
    high: float | int
    log: bool = False


Space: TypeAlias = Mapping[str, "list[Any] | Range"]
"""Values to choose among, or a range, by the key of a recipe: ``train.lr``."""

Method = Literal["grid", "optuna"]

_AGAIN = "again"  # of a trial: the number of the one that failed with its settings


def read_space(path: Path, recipe: Recipe, method: Method) -> Space:
    """Read what is tried out: ``"train.lr" = [1e-4, 1e-3]``, or a table with low, high and log.

    Raises:
        InputError: no such file, no TOML, a key or a value that the recipe does not take, or a
            range in a grid.
    """
    space: dict[str, Any] = {}
    for key, value in _flat(read_toml(path, "space")).items():
        if isinstance(value, Mapping):
            value = typed(Range, value, key)
            if method == "grid":
                raise InputError(f"{path}: {key} is a range; a grid wants a list of values")
            if value.low >= value.high or (value.log and value.low <= 0):
                raise InputError(f"{path}: {key} wants low below high, and above 0 for log")
        elif not isinstance(value, list) or not value or len(set(map(repr, value))) < len(value):
            raise InputError(f"{path}: {key} is a list of different values, got {value!r}")
        space[key] = value
        for tried in value if isinstance(value, list) else (value.low, value.high):
            _check(recipe, key, tried, path)
    if not space:
        raise InputError(f'{path} names nothing to try; for instance "train.lr" = [1e-4, 1e-3]')
    return space


def _flat(table: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """``[train]`` with ``lr`` and ``"train.lr"`` are the same; a range is no table of keys."""
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, Mapping) and not {"low", "high"} <= set(value):
            flat |= _flat(value, f"{where}{key}.")
        else:
            flat[f"{where}{key}"] = value
    return flat


def _check(recipe: Recipe, key: str, value: Any, path: Path) -> None:
    if key == "name" or key.partition(".")[0] == "data":
        raise InputError(f"{path}: trials differ in how they learn, not in {key}")
    try:
        nets.check(changed(recipe, {key: value}).net)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def changed(recipe: Recipe, settings: Mapping[str, Any]) -> Recipe:
    """The recipe with other values at some keys, ``train.lr`` for instance.

    Raises:
        InputError: a key that it does not have, or a value that it does not take.
    """
    table = recipe.as_dict()
    for key, value in settings.items():
        *above, last = key.split(".")
        place = table
        for part in above:
            place = place.get(part)  # type: ignore[assignment]
            if not isinstance(place, dict):
                raise InputError(f"{key}: a recipe has no table [{part}]")
        place[last] = value
    return typed(Recipe, table)


class Search:
    """A search in a folder: ``trials.db``, and ``0``, ``1``, ... with the runs of the trials."""

    def __init__(
        self, recipe: Recipe, space: Space, method: Method, wanted: int, folder: Path
    ) -> None:
        if method == "optuna" and wanted < 1:
            raise InputError("--trials says how many trials there are to be; a grid knows itself")
        self._recipe, self._space, self._method = recipe, space, method
        self._folder = folder
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        folder.mkdir(parents=True, exist_ok=True)
        self._study = optuna.create_study(
            storage=f"sqlite:///{(folder / 'trials.db').absolute()}",
            study_name="search",
            direction="maximize",
            load_if_exists=True,
        )
        self._same(self._study.user_attrs)
        self._study.sampler = self._sampler()
        if method == "grid":
            size = math.prod(len(v) for v in space.values() if isinstance(v, list))
            wanted = min(wanted, size) if wanted else size
        self.wanted = wanted

    def run(
        self,
        pool: Pool,
        *,
        log: Path | None = None,
        tell: Callable[[str], None] = lambda _: None,
        show: Callable[[int], Progress] = lambda _: lambda *_: None,
    ) -> dict[str, Any]:
        """Go on until there are as many trials as wanted.

        Args:
            pool: the data.
            log: folder of MLflow's store, to which every trial is told; None for none.
            tell: told a line for each trial.
            show: progress of a trial by its number.

        Returns:
            what ``results/emotions/search/<name>.json`` holds, but for its name.

        Raises:
            InputError: there are no data, and so nothing to try anything on; or another search is
                at work in the folder.
            KeyboardInterrupt: whenever it comes; the same search goes on.
        """
        with checkpoint.alone(self._folder):
            self._go_on(pool, log, tell, show)
        return self.table()

    def _go_on(
        self,
        pool: Pool,
        log: Path | None,
        tell: Callable[[str], None],
        show: Callable[[int], Progress],
    ) -> None:
        self._again()
        if len(self._ended) < self.wanted:
            pool.material(self._recipe)  # what no trial can do without is said once, and now
        waiting = self._study.get_trials(states=(TrialState.RUNNING,))
        while len(self._ended) < self.wanted:
            old = waiting.pop(0) if waiting else None
            trial = Trial(self._study, old._trial_id) if old else self._study.ask()
            settings = {key: _asked(trial, key, among) for key, among in self._space.items()}
            said = ", ".join(f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
                             for key, value in settings.items())  # fmt: skip
            began = monotonic()
            try:
                accuracy = self._try(trial.number, settings, pool, log, show(trial.number))
            except MienError as error:
                trial.set_user_attr("error", str(error))
                self._study.tell(trial, state=TrialState.FAIL)
                tell(f"trial {trial.number} ({said}) failed: {error}")
                continue
            trial.set_user_attr("minutes", round((monotonic() - began) / 60, 2))
            self._study.tell(trial, accuracy)
            tell(f"trial {trial.number} ({said}): accuracy {accuracy:.3f}")

    def table(self) -> dict[str, Any]:
        """What is known of the trials that have ended."""
        return {
            "recipe": self._recipe.name,
            "method": self._method,
            "space": _plain(self._space),
            "wanted": self.wanted,
            "trials": [
                {
                    "number": trial.number,
                    "settings": {
                        key: _meant(value, self._space[key]) for key, value in trial.params.items()
                    },
                    "accuracy": None if trial.value is None else round(trial.value, 6),
                    "minutes": trial.user_attrs.get("minutes"),
                    "error": trial.user_attrs.get("error", ""),
                }
                for trial in self._ended
            ],
        }

    @property
    def _ended(self) -> list[FrozenTrial]:
        """But for those that failed and have been put in the queue again."""
        every = self._study.get_trials()
        again = {trial.user_attrs.get(_AGAIN) for trial in every}
        ended = TrialState.COMPLETE, TrialState.FAIL
        return [trial for trial in every if trial.state in ended and trial.number not in again]

    def _again(self) -> None:
        """Put the settings of trials that failed in the queue: what was in the way may be gone."""
        for trial in self._ended:
            if trial.state == TrialState.FAIL:
                self._study.add_trial(
                    create_trial(
                        state=TrialState.WAITING,
                        params=trial.params,
                        distributions=trial.distributions,
                        user_attrs={_AGAIN: trial.number},
                        system_attrs=trial.system_attrs,  # its place in the grid
                    )
                )

    def _try(
        self,
        number: int,
        settings: Mapping[str, Any],
        pool: Pool,
        log: Path | None,
        progress: Progress,
    ) -> float:
        recipe, run = changed(self._recipe, settings), self._folder / str(number)
        faces = pool.material(recipe)
        with ExitStack() as stack:
            told = None
            if log:
                name = f"search-{self._folder.name}"
                told = stack.enter_context(tracking(name, recipe.as_dict(), log))
            state = training.train(
                recipe, faces, run, resume=(run / "checkpoint.safetensors").is_file(),
                progress=progress, on_epoch=told.epoch if told else lambda _: None,
            )  # fmt: skip
            accuracy = self._accuracy(recipe, state, pool, run)
            if told:
                told.figures({"accuracy": accuracy})
        return accuracy

    def _accuracy(
        self, recipe: Recipe, state: checkpoint.Checkpoint, pool: Pool, run: Path
    ) -> float:
        path = export.head(recipe, state, pool.material(recipe), run)
        part = pool.everything(recipe).part("validation")
        said = classes.say(path, part)
        return score_classes(said.truth, said.probabilities, recipe.channels).accuracy

    def _same(self, known: Mapping[str, Any]) -> None:
        now = {
            "recipe": self._recipe.as_dict(), "space": _plain(self._space), "method": self._method,
        }  # fmt: skip
        if not known:
            for key, value in now.items():
                self._study.set_user_attr(key, value)
        elif lines := difference(dict(known), now):
            listed = "\n  ".join(lines)
            raise InputError(
                f"{self._folder} holds another search:\n  {listed}\n"
                "Search in another folder (--out), or remove that one."
            )

    def _sampler(self) -> BaseSampler:
        if self._method == "grid":
            grid = {k: _written(v) for k, v in self._space.items() if isinstance(v, list)}
            return _Grid(grid, seed=0)
        # Another seed after each trial, or a search that goes on would begin with the same again.
        return TPESampler(seed=self._recipe.seed + len(self._study.trials))


class _Grid(GridSampler):
    """Optuna's grid; how many trials there are is up to :class:`Search`."""

    def after_trial(self, *_: Any) -> None:
        """Stop nothing."""


def _asked(trial: Trial, key: str, among: list[Any] | Range) -> Any:
    if isinstance(among, list):
        return _meant(trial.suggest_categorical(key, _written(among)), among)
    if isinstance(among.low, int) and isinstance(among.high, int):
        return trial.suggest_int(key, among.low, among.high, log=among.log)
    return trial.suggest_float(key, among.low, among.high, log=among.log)


def _written(among: list[Any]) -> list[Any]:
    """As Optuna takes them: it knows numbers and words, and no lists."""
    return [json.dumps(value) if isinstance(value, list | dict) else value for value in among]


def _meant(value: Any, among: list[Any] | Range) -> Any:
    """The other way round."""
    return among[_written(among).index(value)] if isinstance(among, list) else value


def _plain(space: Space) -> dict[str, Any]:
    return {
        key: value if isinstance(value, list)
        else {"low": value.low, "high": value.high, "log": value.log}
        for key, value in space.items()
    }  # fmt: skip


def write(table: Mapping[str, Any], name: str, folder: Path) -> Path:
    """Write ``<name>.json``.

    Raises:
        OutputError: when the system refuses.
    """
    path = folder / f"{name}.json"
    write_json_atomic(path, {"name": name, **table})
    return path
