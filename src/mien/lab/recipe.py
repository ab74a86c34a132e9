"""Recipes: everything that a training depends on, as TOML.

A recipe becomes frozen dataclasses. What it does not say has the default that stands here; what it
says and nobody knows is an error, for a misspelt key would silently train something else. The
checkpoint and the model card hold the whole of it.
"""

from __future__ import annotations

import difflib
import importlib
import itertools
import re
import sys
import typing
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..errors import InputError
from .datasets.samples import CHANNELS_OF
from .strict import typed

__all__ = [
    "AugmentRecipe",
    "DataRecipe",
    "ExportRecipe",
    "LossRecipe",
    "NetRecipe",
    "Recipe",
    "SourceRecipe",
    "TrainRecipe",
    "difference",
    "load",
    "read_toml",
]


def _check(good: bool, what: str) -> None:
    if not good:
        raise InputError(what)


_MOST_THREADS = 1024


@dataclass(frozen=True)
class SourceRecipe:
    """One data set, ``[[data.sources]]``.

    Attributes:
        name: as registered in :mod:`mien.lab.datasets`.
        weight: how often each of its training samples is seen in an epoch: 0.5 is a random half of
            them, 2 is each of them twice. It counts as much in the validation loss. 0 is for tests
            only: neither trained nor selected on.
        engines: landmark engines to take; empty for all.
        targets: channels that it teaches; empty for all that it knows. The others are masked.
        squared: errors on it are squared whatever ``[loss] kind`` says. A cost that forgives large
            errors forgets channels that move seldom, which an exact truth does not deserve.
        options: for the reader of the data set.
    """

    name: str
    weight: float = 1.0
    engines: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    squared: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check(self.weight >= 0, f"weight of {self.name} is 0 or more, got {self.weight}")


@dataclass(frozen=True)
class DataRecipe:
    """``[data]``.

    Attributes:
        sources: the data sets, one after the other.
    """

    sources: tuple[SourceRecipe, ...]

    def __post_init__(self) -> None:
        _check(
            any(source.weight > 0 for source in self.sources),
            "sources: nothing to train on; add a [[data.sources]] with a weight above 0",
        )
        for one, other in itertools.combinations(self.sources, 2):
            both = set(one.engines or other.engines) & set(other.engines or one.engines)
            apart = not both and one.engines  # no engine stands for all of them
            _check(
                bool(apart) or (one.name, one.options) != (other.name, other.options),
                f"sources: {one.name} is listed twice with the same options"
                f"{' and engine ' if both else ''}{', '.join(sorted(both))}; list it once, with a "
                "weight that stands for both, for a face is scored once",
            )


@dataclass(frozen=True)
class AugmentRecipe:
    """``[augment]``: what is done to the points of a training batch, anew each time it is seen.

    Attributes:
        mirror: probability of the mirrored face (with left and right channels exchanged).
        noise: standard deviation of noise on every point, centimetres on a face of average size.
        turn: rotation out of the plane, degrees to either side about the vertical and as much about
            the horizontal axis. It turns ``pixels`` and ``rotation``; ``aligned`` stays, because a
            turned face that is aligned again is the same.
        roll: rotation in the plane, degrees to either side; of ``pixels``, ``rotation`` and
            pictures.
        residual: standard deviation of a rotation of ``aligned``, degrees about each axis: what
            alignment leaves.
        mixup: at most this share of another sample is mixed in, inputs and targets.
        shift: of pictures, at most this share of their side, each way.
        zoom: of pictures, at most this share larger or smaller.
        light: of pictures, contrast and brightness change by about this share of their range.
        erase: probability that a square of a picture is greyed (cutout), a quarter to a half of
            its side.
        smote: before all else, and once for the whole training, make landmarks of rare classes
            until all are as frequent as the most frequent one; see :mod:`mien.lab.classic.smote`.
    """

    mirror: float = 0.0
    noise: float = 0.0
    turn: float = 0.0
    roll: float = 0.0
    residual: float = 0.0
    mixup: float = 0.0
    shift: float = 0.0
    zoom: float = 0.0
    light: float = 0.0
    erase: float = 0.0
    smote: bool = False

    def __post_init__(self) -> None:
        _check(0 <= self.mirror <= 1, f"mirror is a probability, got {self.mirror}")
        for name in ("mixup", "shift", "zoom", "light"):
            _check(
                0 <= getattr(self, name) <= 0.5, f"{name} is in 0..0.5, got {getattr(self, name)}"
            )
        _check(0 <= self.erase <= 1, f"erase is a probability, got {self.erase}")
        for name in ("noise", "turn", "roll", "residual"):
            _check(getattr(self, name) >= 0, f"{name} is 0 or more, got {getattr(self, name)}")


@dataclass(frozen=True)
class NetRecipe:
    """``[net]``: a kind from :mod:`mien.lab.nets`, and all its options beside it."""

    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @staticmethod
    def arranged(table: Mapping[str, Any]) -> dict[str, Any]:
        """The table of a recipe as these fields."""
        options = {k: v for k, v in table.items() if k != "kind"}
        return {k: v for k, v in table.items() if k == "kind"} | {"options": options}


@dataclass(frozen=True)
class LossRecipe:
    """``[loss]``; formulas are in :mod:`mien.lab.losses`.

    Attributes:
        kind: of the error of each channel.
        width: where huber and wing change their form, in units of the error.
        curvature: of the wing near 0, in units of the error.
        channels: ``standardised`` measures errors in standard deviations of the channel in its
            data set, so that channels that move little count as much as the others (and mse is
            what R2 counts); ``none`` leaves them in units of the target; ``balanced``, for
            cross_entropy, weighs each class by one over the root of its share.
        decorrelate: weight of the penalty on outputs that follow yaw or pitch on the samples whose
            source is ``neutral-turned``.
        smoothing: share of the truth that is spread over all classes, for cross_entropy.
    """

    kind: Literal["mse", "l1", "huber", "wing", "cross_entropy"] = "mse"
    width: float = 0.1
    curvature: float = 0.02
    channels: Literal["none", "standardised", "balanced"] = "none"
    decorrelate: float = 0.0
    smoothing: float = 0.0

    def __post_init__(self) -> None:
        for name in ("width", "curvature"):
            _check(getattr(self, name) > 0, f"{name} is above 0, got {getattr(self, name)}")
        _check(0 <= self.smoothing < 1, f"smoothing is in 0..1, 1 excluded, got {self.smoothing}")
        _check(self.decorrelate >= 0, f"decorrelate is 0 or more, got {self.decorrelate}")


@dataclass(frozen=True)
class TrainRecipe:
    """``[train]``.

    Attributes:
        optimizer: adam adds weight decay to the gradient, adamw takes it off the weights.
        lr: highest learning rate.
        weight_decay: see above.
        batch: samples in a batch.
        epochs: the most passes over the data.
        schedule: of the learning rate after the warm-up; cosine ends at 0.
        warmup: epochs in which the learning rate rises from 0.
        ema: decay of a moving average of the weights, which is then what is scored and exported;
            0 for none.
        patience: epochs without a better validation loss after which it ends; 0 for never.
        clip: largest norm of the gradient; 0 for any.
        start: weights to start from, ``<name>.safetensors`` of an earlier run of the same net, with
            the statistics of its inputs; empty for random ones.
        mixed_precision: bfloat16 where multiplying is most of the work.
        threads: of torch. Sums depend on it in the last digit, hence it belongs to the recipe.
    """

    optimizer: Literal["adam", "adamw"] = "adamw"
    lr: float = 1e-3
    weight_decay: float = 0.0
    batch: int = 128
    epochs: int = 100
    schedule: Literal["constant", "cosine"] = "constant"
    warmup: float = 0.0
    ema: float = 0.0
    patience: int = 0
    clip: float = 0.0
    start: str = ""
    mixed_precision: bool = False
    threads: int = 1

    def __post_init__(self) -> None:
        for name in ("batch", "epochs", "threads"):
            _check(getattr(self, name) >= 1, f"{name} is 1 or more, got {getattr(self, name)}")
        # More than any processor has: torch ends the process where it cannot make so many.
        _check(self.threads <= _MOST_THREADS, f"threads is 1..{_MOST_THREADS}, got {self.threads}")
        for name in ("weight_decay", "warmup", "patience", "clip"):
            _check(getattr(self, name) >= 0, f"{name} is 0 or more, got {getattr(self, name)}")
        _check(self.lr > 0, f"lr is above 0, got {self.lr}")
        _check(0 <= self.ema < 1, f"ema is in 0..1, 1 excluded, got {self.ema}")


@dataclass(frozen=True)
class ExportRecipe:
    """``[export]``: what stands beside the weights.

    Attributes:
        version: of the head.
        licence: of the weights.
        dead: channels that the teacher leaves dead, learnt from another truth.
        about: a sentence for the model card.
        notes: more of them: what the data's licences ask for, what not to use it for.
        stretch: 0..1, how much of the shrinking towards the mean is undone in each channel; see
            :mod:`mien.lab.stretch`.
        opset: ONNX operator set; 17 is the first with layer normalisation.
    """

    version: str = "0"
    licence: str = "Apache-2.0"
    dead: tuple[str, ...] = ()
    about: str = ""
    notes: tuple[str, ...] = ()
    stretch: float = 0.0
    opset: int = 17

    def __post_init__(self) -> None:
        _check(0 <= self.stretch <= 1, f"stretch is in 0..1, got {self.stretch}")
        _check(17 <= self.opset <= 20, f"opset is in 17..20, got {self.opset}")


@dataclass(frozen=True)
class Recipe:
    """A whole recipe.

    Attributes:
        name: of the head, and of the folder of its run.
        data: what it learns from.
        net: what learns.
        output: ``expression`` (ARKit's 52, 0..1), ``morphable`` (10 coefficients) or ``emotion``
            (7 probabilities).
        seed: of weights, order, dropout and augmentation.
        augment: changes to the training samples.
        loss: what is minimised.
        train: how.
        export: what stands beside the weights.
    """

    name: str
    data: DataRecipe
    net: NetRecipe
    output: Literal["expression", "morphable", "emotion"] = "expression"
    seed: int = 0
    augment: AugmentRecipe = field(default_factory=AugmentRecipe)
    loss: LossRecipe = field(default_factory=LossRecipe)
    train: TrainRecipe = field(default_factory=TrainRecipe)
    export: ExportRecipe = field(default_factory=ExportRecipe)

    def __post_init__(self) -> None:
        _check(0 <= self.seed < 2**63, f"seed is in 0..{2**63 - 1}, got {self.seed}")
        _check(
            re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", self.name) is not None,
            f"name becomes the name of files: letters, digits, . _ -; got {self.name!r}",
        )
        named = {f"targets of {source.name}": source.targets for source in self.data.sources}
        for where, channels in (named | {"[export] dead": self.export.dead}).items():
            for channel in channels:
                near = difflib.get_close_matches(channel, self.channels, n=3)
                hint = f"; did you mean {', '.join(near)}?" if near else ""
                _check(
                    channel in self.channels,
                    f"{where}: {channel!r} is no channel of {self.output}{hint}",
                )
        _check(
            (self.loss.kind == "cross_entropy") == (self.output == "emotion"),
            "[loss] kind = 'cross_entropy' is for output = 'emotion', and no other is; "
            f"got {self.loss.kind!r} for {self.output}",
        )
        _check(
            self.output != "morphable" or not self.augment.mirror,
            "[augment] mirror: the modes of a morphable model have no left and right to exchange; "
            "leave it at 0",
        )

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the outputs."""
        return CHANNELS_OF[self.output]

    def as_dict(self) -> dict[str, Any]:
        """The recipe as plain values, defaults included; :func:`typed` reads it again."""
        table = _plain(asdict(self))
        table["net"] = {"kind": self.net.kind, **table["net"]["options"]}
        return typing.cast("dict[str, Any]", table)


def load(path: Path) -> Recipe:
    """Read a recipe.

    Raises:
        InputError: no such file, no TOML, an unknown key, a value of the wrong type or out of
            range. The message names the file and the key.
    """
    table = read_toml(path, "recipe")
    try:
        return typed(Recipe, table)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """Read a TOML file.

    Args:
        path: of the file.
        what: it is, for messages.

    Raises:
        InputError: no such file, or no TOML.
    """
    # In the standard library from Python 3.11 on; the same code under its first name before.
    toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        table: dict[str, Any] = toml.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        found = ", ".join(sorted(p.name for p in path.parent.glob("*.toml")))
        beside = f"; beside it: {found}" if found else ""
        raise InputError(f"there is no {what} {path}{beside}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the {what} {path}: {error}") from error
    except toml.TOMLDecodeError as error:
        raise InputError(f"{path} is no TOML: {error}") from None
    return table


def _plain(value: Any) -> Any:
    """Lists for tuples, all the way down: what JSON gives back."""
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value


def difference(old: Mapping[str, Any], new: Mapping[str, Any], where: str = "") -> list[str]:
    """What differs between two recipes (see :meth:`Recipe.as_dict`), a line for each key."""
    lines: list[str] = []
    for key in sorted({*old, *new}):
        before, now = old.get(key), new.get(key)
        path = f"{where}{key}"
        if isinstance(before, Mapping) and isinstance(now, Mapping):
            lines += difference(before, now, f"{path}.")
        elif before != now:
            lines.append(f"{path}: {before!r} there, {now!r} here")
    return lines
