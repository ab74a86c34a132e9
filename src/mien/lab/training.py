"""The training loop, from top to bottom.

A run is a folder: ``checkpoint.safetensors`` after every epoch, ``history.json`` beside it, and
``<name>.safetensors``, the best weights, when it has ended. What an epoch draws at random follows
from the seed and the number of the epoch alone. Hence two runs with one seed give the same weights
to the last bit on a CPU, and so does a run that was interrupted wherever and resumed.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call

from ..arrays import Array
from ..errors import InputError, MienError
from ..outputs.files import replacing, write_json_atomic
from . import checkpoint, nets
from .augment import augment
from .checkpoint import Checkpoint, Weights
from .classic.smote import oversampled
from .classic.solving import solve
from .datasets.samples import NEUTRAL_TURNED
from .losses import channel_scales, correlation_penalty, masked_loss
from .material import Material
from .nets import trained
from .processor import memory_kept, threads
from .recipe import Recipe, TrainRecipe
from .stopwatch import Stopwatch

__all__ = ["Progress", "Row", "TrainingError", "build", "needs", "train"]

Row: TypeAlias = dict[str, float]
"""An epoch: its number, training and validation loss, learning rate, and how long it took."""

Progress: TypeAlias = Callable[[int, int, str], None]
"""Called with the samples seen, how many there will be at most, and how it goes."""

_MANY = 4096  # samples at once where no gradient is kept


class TrainingError(MienError):
    """A training that cannot go on; what it had learnt before is kept."""


def train(
    recipe: Recipe,
    material: Material,
    folder: Path,
    *,
    resume: bool = False,
    progress: Progress = lambda *_: None,
    on_epoch: Callable[[Row], None] = lambda _: None,
    device: str | None = None,
) -> Checkpoint:
    """Train what the recipe says, or go on with it.

    Args:
        recipe: everything that matters.
        material: see :func:`mien.lab.material.gather`; only its train and validation parts are
            looked at.
        folder: of this run.
        resume: go on from the checkpoint there.
        progress: told of every batch.
        on_epoch: told of every epoch.
        device: of torch; a GPU where there is one.

    Returns:
        the state at the end; ``best`` holds the weights to use.

    Raises:
        InputError: data or a checkpoint of something else, or another training in the folder.
        TrainingError: the loss is no number any more. The batch is in ``bad-batch.npz``.
        KeyboardInterrupt: whenever it comes; the last whole epoch is saved, ``resume`` goes on.
    """
    with threads(recipe.train.threads), memory_kept(), checkpoint.alone(folder):
        quick = torch.cuda.is_available() and not nets.solved(recipe.net)
        place = torch.device(device or ("cuda" if quick else "cpu"))
        net = build(recipe, material).to(place)
        parts = material.part("train"), material.part("validation")
        if recipe.augment.smote:
            parts = oversampled(parts[0], recipe.seed), parts[1]
        sources = sorted({*parts[0].samples.source, *parts[1].samples.source})
        learning, checking = (_Part(p, recipe, net.inputs, sources, place) for p in parts)
        if learning.expected < 1:
            raise InputError(
                f"an epoch would have {learning.expected:.2g} samples; "
                "raise the weights of the sources"
            )
        learning.expect_truth("train")
        checking.expect_truth("validation")
        if recipe.train.start:
            _start(net, recipe)
        else:
            net.fit(learning.inputs)
        net.live.copy_((~learning.target.isnan()).any(0))
        data = _digest(learning.data, checking.data, net)
        if isinstance(net, nets.Solved):
            one, other = (nets.Given(p.inputs, p.target) for p in (learning, checking))

            def tell(doing: str) -> None:
                progress(0, len(one.target), doing)

            state = solve(recipe, net, one, other, folder, data, resume=resume, tell=tell)
            on_epoch(state.history[-1])
            return state

        optimizer = _optimizer(recipe.train, net)
        path = folder / "checkpoint.safetensors"
        if resume:
            state = checkpoint.load(path, recipe.as_dict(), data)
            net.load_state_dict(state.weights)
            _restore(optimizer, state.optimizer)
        else:
            state = Checkpoint(recipe.as_dict(), data, _copy(net.state_dict()))
            checkpoint.save(path, state)
        average = _copy(state.average or net.state_dict(), place)
        scales = channel_scales(
            learning.target, recipe.loss.channels, learning.source, len(sources)
        )
        brief = recipe.train.mixed_precision
        whole = round(learning.expected * recipe.train.epochs)

        while not state.ended:
            watch = Stopwatch(recipe.train.threads, elsewhere=place.type != "cpu")
            total, seen = 0.0, 0
            seed = _seed(recipe.seed, state.epoch)
            torch.manual_seed(seed)  # dropout
            random = torch.Generator(place).manual_seed(seed + 1)  # order and augmentation
            order = learning.order(random)
            batches = order.tensor_split(max(math.ceil(len(order) / recipe.train.batch), 1))
            net.train()
            for number, index in enumerate(batches):
                for group in optimizer.param_groups:
                    group["lr"] = _rate(recipe.train, state.epoch + number / len(batches))
                batch, target = augment(*learning.take(index), recipe.augment, random)
                with torch.autocast(place.type, torch.bfloat16, enabled=brief):
                    prediction = net(batch)
                prediction = prediction.float()
                scale = scales[learning.source[index]]
                squared = learning.squared[index]
                loss = masked_loss(prediction, target, recipe.loss, scale, squared=squared)
                if recipe.loss.decorrelate:
                    turned = learning.turned[index]
                    penalty = correlation_penalty(prediction[turned], batch["rotation"][turned])
                    loss = loss + recipe.loss.decorrelate * penalty
                value = loss.item()
                if not math.isfinite(value):
                    names = [learning.names[i] for i in index.tolist()]
                    where = f"epoch {state.epoch + 1}, batch {number + 1} of {len(batches)}"
                    _give_up(folder / "bad-batch.npz", names, batch, target, value, where)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                if recipe.train.clip:
                    torch.nn.utils.clip_grad_norm_(net.parameters(), recipe.train.clip)
                optimizer.step()
                state.steps += 1
                if recipe.train.ema:
                    _follow(average, net.state_dict(), recipe.train.ema, state.steps)
                total, seen = total + value * len(index), seen + len(index)
                done = round(learning.expected * state.epoch) + seen
                progress(min(done, whole), whole, _saying(state, recipe.train))

            current = average if recipe.train.ema else net.state_dict()
            checked = _validate(net, current, checking, recipe, scales)
            if not math.isfinite(checked):
                raise TrainingError(
                    f"the validation loss is {checked} in epoch {state.epoch + 1}: look for "
                    "strange targets there. The checkpoint is of the epoch before."
                )
            row: Row = {
                "epoch": state.epoch + 1,
                "train": total / seen,
                "validation": checked,
                "lr": _rate(recipe.train, state.epoch + 1 - 1 / len(batches)),
                **watch.read(),
            }
            state.epoch += 1
            state.history.append(row)
            if state.best_loss is None or checked < state.best_loss:
                state.best_loss, state.best_epoch, state.best = checked, state.epoch, _copy(current)
            waited = state.epoch - state.best_epoch
            bored = 0 < recipe.train.patience <= waited
            state.ended = bored or state.epoch >= recipe.train.epochs
            state.weights = _copy(net.state_dict())
            state.average = _copy(average) if recipe.train.ema else {}
            state.optimizer = _tensors(optimizer)
            checkpoint.save(path, state)
            write_json_atomic(folder / "history.json", state.history)
            on_epoch(row)
        # Once more, for one that was cut off between its last checkpoint and these.
        write_json_atomic(folder / "history.json", state.history)
        checkpoint.save_weights(folder / f"{recipe.name}.safetensors", state.best, state.recipe)
        return state


def build(recipe: Recipe, material: Material | None = None) -> nets.Net:
    """The recipe's net with the weights that its seed gives.

    Args:
        recipe: what to build.
        material: only asked how many extra inputs there are.
    """
    extra = None if material is None else material.samples.extra
    task = nets.Task(recipe.output, recipe.channels, 0 if extra is None else extra.shape[1])
    torch.manual_seed(recipe.seed)
    return nets.create(recipe.net, task)


class _Part:
    """A part of the split as tensors on the device; all of it, since it fits."""

    def __init__(
        self,
        material: Material,
        recipe: Recipe,
        inputs: tuple[str, ...],
        sources: Sequence[str],
        device: torch.device,
    ) -> None:
        samples = material.samples
        self.names = samples.names
        self.data = samples.fingerprint()
        self.expected = float(material.weight.sum())  # samples in an epoch
        wanted = {*inputs, *(["rotation"] if recipe.loss.decorrelate else [])}
        arrays = {name: getattr(samples, name) for name in sorted(wanted)}
        if "pixels" in wanted:  # what augmentation has to know
            arrays["width"] = samples.size[:, 0].astype(np.float32)
            arrays["unit"] = _extent(samples.pixels) / _extent(samples.aligned)
        self.inputs = {k: torch.from_numpy(v).to(device) for k, v in arrays.items()}
        self.target = torch.from_numpy(samples.target).to(device)
        self.weight = torch.from_numpy(material.weight).to(device)
        self.squared = torch.from_numpy(material.squared)[:, None].to(device)
        self.source = torch.tensor([sources.index(s) for s in samples.source], device=device)
        turned = np.array([source == NEUTRAL_TURNED for source in samples.source], bool)
        self.turned = torch.from_numpy(turned).to(device)

    def expect_truth(self, split: str) -> None:
        if self.target.isnan().all():
            raise InputError(f"no sample of the {split} part has a target, so nothing can be said")

    def order(self, random: torch.Generator) -> Tensor:
        """The samples of an epoch, shuffled; each as often as its weight says, on average."""
        luck = torch.rand(len(self.weight), generator=random, device=random.device)
        times = (self.weight + luck).floor().long()
        chosen = torch.arange(len(times), device=times.device).repeat_interleave(times)
        return chosen[torch.randperm(len(chosen), generator=random, device=random.device)]

    def take(self, index: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        return {k: v[index] for k, v in self.inputs.items()}, self.target[index]


def _extent(points: Array) -> Array:
    """Root mean square distance of the points from their mean (n,)."""
    centred = points - points.mean(1, keepdims=True)
    size: Array = np.sqrt(np.einsum("npd,npd->n", centred, centred) / points.shape[1])
    return size


def _validate(
    net: nets.Net, weights: Weights, part: _Part, recipe: Recipe, scales: Tensor
) -> float:
    """Loss of these weights, without dropout, augmentation and penalty; sources by weight."""
    net.eval()
    many = _MANY if "image" not in part.inputs else _MANY // 16
    place, brief = part.target.device, recipe.train.mixed_precision
    with torch.no_grad(), torch.autocast(place.type, torch.bfloat16, enabled=brief):
        answers = [
            functional_call(
                net, weights, ({k: v[i : i + many] for k, v in part.inputs.items()},)
            ).float()
            for i in range(0, len(part.target), many)
        ]
        counted = part.weight[:, None].to(scales.dtype)
        scale = scales[part.source]
        answer = torch.cat(answers)
        return masked_loss(answer, part.target, recipe.loss, scale, counted, part.squared).item()


def needs(recipe: Recipe) -> tuple[str, ...]:
    """Folders of the runs that have to have ended before: parts of the net, and where it starts."""
    start = Path(recipe.train.start)
    return (*nets.needs(recipe.net), *([str(start.parent)] if _of_a_run(start) else []))


def _of_a_run(weights: Path) -> bool:
    return weights.name == f"{weights.parent.name}.safetensors"


def _start(net: nets.Net, recipe: Recipe) -> None:
    """Take the weights of an earlier run."""
    path = Path(recipe.train.start)
    if _of_a_run(path):
        path = trained.place(str(path.parent)) / path.name
    try:
        weights, _ = checkpoint.load_weights(path)
        net.load_state_dict(weights)
    except InputError as error:
        raise InputError(f"[train] start: {error}") from None
    except RuntimeError as error:  # the message lists every tensor that does not fit
        told = f"{path} holds the weights of another net: {error}"
        raise InputError(f"[train] start: {told}") from None


def _digest(learning: str, checking: str, net: nets.Net) -> str:
    """What a training starts with: its data, and its weights where they are not random."""
    sha = hashlib.sha256(f"{learning} {checking}".encode())
    for name, value in sorted(net.state_dict().items()):
        sha.update(name.encode() + value.cpu().contiguous().numpy().tobytes())
    return sha.hexdigest()


def _rate(train: TrainRecipe, done: float) -> float:
    """The learning rate after so many epochs: a straight rise, then constant or half a cosine."""
    if done < train.warmup:
        return train.lr * (done + 1e-3) / train.warmup
    if train.schedule == "constant":
        return train.lr
    left = (train.epochs - done) / max(train.epochs - train.warmup, 1e-9)
    return train.lr * 0.5 * (1 - math.cos(math.pi * left))


def _optimizer(train: TrainRecipe, net: nets.Net) -> torch.optim.Optimizer:
    kind = torch.optim.Adam if train.optimizer == "adam" else torch.optim.AdamW
    return kind(net.parameters(), lr=train.lr, weight_decay=train.weight_decay)


def _tensors(optimizer: torch.optim.Optimizer) -> Weights:
    """The state of an optimizer by ``<number of the parameter>.<name>``."""
    state = optimizer.state_dict()["state"]
    return {f"{i}.{name}": value.clone() for i, s in state.items() for name, value in s.items()}


def _restore(optimizer: torch.optim.Optimizer, tensors: Weights) -> None:
    state: dict[int, Weights] = {}
    for key, value in tensors.items():
        number, _, name = key.partition(".")
        state.setdefault(int(number), {})[name] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _follow(average: Weights, weights: Weights, decay: float, steps: int) -> None:
    """Move the average towards the weights; faster at first, when it still is a random start."""
    decay = min(decay, (1 + steps) / (10 + steps))
    with torch.no_grad():
        for name, value in weights.items():
            if value.is_floating_point():
                average[name].lerp_(value, 1 - decay)
            else:
                average[name].copy_(value)


def _copy(weights: Weights, device: torch.device | None = None) -> Weights:
    return {name: value.detach().to(device, copy=True) for name, value in weights.items()}


def _seed(seed: int, epoch: int) -> int:
    """A seed of its own for each epoch."""
    return int(hashlib.sha256(f"{seed}:{epoch}".encode()).hexdigest()[:12], 16)


def _saying(state: Checkpoint, train: TrainRecipe) -> str:
    epoch = min(state.epoch + 1, train.epochs) if not state.ended else state.epoch
    text = f"epoch {epoch}/{train.epochs}"
    if state.best_loss is not None:
        last = state.history[-1]["validation"]
        text += f", validation {last:.5f} (best {state.best_loss:.5f} in {state.best_epoch})"
    return text


def _give_up(
    path: Path, names: list[str], batch: dict[str, Tensor], target: Tensor, value: float, where: str
) -> None:
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in batch.items()}
    with replacing(path) as part, part.open("wb") as file:
        np.savez(file, names=np.array(names), target=target.cpu().numpy(), **arrays)
    raise TrainingError(
        f"the loss is {value} in {where}, which begins with {names[0]}. The batch, as the net saw "
        f"it, is in {path}; the checkpoint beside it is of the last whole epoch. Look for strange "
        "targets, or train afresh with a lower lr or with clip."
    )
