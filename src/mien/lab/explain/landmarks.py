"""Integrated gradients: which landmarks moved a decision, and which way.

Sundararajan et al., "Axiomatic attribution for deep networks" (ICML 2017). A face is led in a
straight line from a baseline, the mean neutral face of the training data, to what it is; the
gradient of the class's score along the way, times how far each coordinate went, is what the
coordinate brought:

    brought_i = (x_i - b_i) * integral over t in 0..1 of d score(b + t (x - b)) / d x_i

All of it adds up to score(x) - score(b) (completeness), and what is left over is reported. The
three coordinates of a landmark are added up; above 0 it spoke for the class, below 0 against it.
The mean of all classes would be a face that nobody makes: a perceptron on FER-2013 calls it
surprise, so that nothing in a surprised face would speak for that.

What stands between landmarks and net, alignment, edge lengths, shared voxels, regions, the answers
of other heads, is torch and differentiated through: an edge's share goes to its two ends. Counted
voxels are not, for a count has no slope. There the way is led through the cubes, and what a voxel
brought is shared equally among the landmarks that stand in it, in the face or in the baseline.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy.special
import torch
from torch import Tensor

from ...arrays import Array, Float32
from ...errors import InputError
from ...topology import CANONICAL, REGIONS
from .. import nets
from ..datasets.samples import MISSED, Samples
from ..nets.voxels import VoxelCnn
from ..representations.voxels import occupancy, places
from .scoring import scores

__all__ = [
    "PARTS",
    "Baseline",
    "Moved",
    "baseline",
    "by_part",
    "canonical",
    "moved",
    "sees_points",
    "told",
]

STEPS = 32
"""Points on the way, those of Gauss and Legendre."""

_LED = ("aligned", "rotation", "pixels")  # inputs that are led from the baseline; others stay
_CONTOURS = {
    "brows": ("left_brow_upper", "left_brow_lower", "right_brow_upper", "right_brow_lower"),
    "eyes": ("left_eye", "right_eye", "left_iris", "right_iris"),
    "nose": ("nose_bridge", "nose_base"),
    "mouth": ("lips_outer", "lips_inner"),
    "outline": ("face_oval",),
}
_NEUTRAL = "neutral"
_NEAR = 1.2  # centimetres on the canonical face, from a contour to what still belongs to it


@dataclass(frozen=True, eq=False)
class Baseline:
    """Where the way begins.

    Attributes:
        inputs: by name, each (1, ...).
        told: which face that is.
    """

    inputs: Mapping[str, Tensor]
    told: str


@dataclass(frozen=True, eq=False)
class Moved:
    """What each landmark brought to the score of a class.

    Attributes:
        points: float32 (478,), above 0 for the class and below 0 against it.
        turn: what the rotation of the head brought, for nets that see it.
        change: score of the face less that of the baseline.
        gap: what is left of that once all has been added up; 0 but for rounding and too few steps.
    """

    points: Float32[Array, "478"]
    turn: float
    change: float
    gap: float


def sees_points(net: nets.Net) -> bool:
    """Whether a net looks at aligned landmarks."""
    return "aligned" in net.inputs


def canonical() -> Baseline:
    """The mean neutral face of the canonical model, from the front."""
    points = torch.from_numpy(CANONICAL.copy())[None]
    inputs = {"aligned": points, "rotation": torch.eye(3)[None], "pixels": points}
    return Baseline(inputs, "the canonical neutral face")


def baseline(samples: Samples) -> Baseline:
    """The mean of the neutral faces found in the train part; the canonical one without any."""
    train = zip(samples.split, samples.engine, strict=True)
    some = np.array([split == "train" and engine != MISSED for split, engine in train], bool)
    some &= samples.target.argmax(1) == samples.channels.index(_NEUTRAL)
    if not some.any():
        return canonical()
    inputs = {}
    for name in _LED:
        mean = getattr(samples, name)[some].mean(0, dtype=np.float64)
        inputs[name] = torch.from_numpy(mean.astype(np.float32))[None]
    return Baseline(inputs, f"the mean of {int(some.sum()):,} neutral training faces")


def told(net: nets.Net, begin: Baseline) -> Tensor | None:
    """(classes,), what a net says of a baseline; None for one that wants a picture, too."""
    if not set(net.inputs) <= set(begin.inputs):
        return None
    with torch.no_grad():
        said: Tensor = net(begin.inputs)[0]
    return said


def moved(
    net: nets.Net,
    sample: Mapping[str, Tensor],
    towards: int,
    begin: Baseline,
    steps: int = STEPS,
) -> Moved:
    """What the landmarks of one face brought to the score of a class.

    Args:
        net: trained, in evaluation mode.
        sample: its inputs, each (1, ...).
        towards: index of the class.
        begin: see :func:`baseline`.
        steps: points on the way.

    Raises:
        InputError: the net does not see aligned landmarks.
    """
    if not sees_points(net):
        raise InputError(f"{type(net).__name__} does not look at landmarks")
    ends = {name: (begin.inputs[name], sample[name]) for name in _LED if name in net.inputs}
    counting = [m for m in net.modules() if isinstance(m, VoxelCnn) and m.cube is occupancy]
    faces = torch.cat([begin.inputs["aligned"], sample["aligned"]])
    if counting:
        cubes = occupancy(faces)
        ends = {"cube": (cubes[:1], cubes[1:])}
    nodes, weights = scipy.special.roots_legendre(steps)
    # The two ends are looked at, too, and weigh nothing.
    way = torch.tensor([0.0, *(nodes + 1) / 2, 1.0], dtype=torch.float32)
    weight = torch.tensor([0.0, *weights / 2, 0.0], dtype=torch.float32)
    led = {}
    for name, (start, end) in ends.items():
        share = way.reshape(-1, *[1] * (start.ndim - 1))
        led[name] = (start + share * (end - start)).requires_grad_()

    def led_cube(_points: Tensor, _side: int = 0) -> Tensor:
        return led["cube"]

    still = {k: v.expand(len(way), *v.shape[1:]) for k, v in sample.items() if k not in led}
    try:
        for module in counting:
            module.cube = led_cube  # type: ignore[assignment]
        with torch.enable_grad():
            said = scores(net, still | led)[:, towards]
            slopes = torch.autograd.grad((said * weight).sum(), list(led.values()))
    finally:
        for module in counting:
            module.cube = occupancy
    brought = {
        name: (slope.sum(0) * (ends[name][1] - ends[name][0])[0]).detach()
        for name, slope in zip(led, slopes, strict=True)
    }
    first, *_, last = said.tolist()
    whole = sum(float(values.double().sum()) for values in brought.values())
    if counting:
        points = _shared(brought["cube"].flatten(), faces)
    else:
        points = brought["aligned"].sum(1)
        if "pixels" in brought:
            points = points + brought["pixels"].sum(1)
    turn = float(brought["rotation"].sum()) if "rotation" in brought else 0.0
    return Moved(points.numpy(), turn, last - first, last - first - whole)


def _shared(voxels: Tensor, faces: Tensor) -> Tensor:
    """(478,), what voxels brought, in equal parts to the landmarks that stand in them."""
    place = places(faces)
    count = torch.zeros_like(voxels).index_add(0, place.flatten(), torch.ones(place.numel()))
    return (voxels / count.clamp_min(1))[place].sum(0)


def _parts() -> dict[str, Array]:
    """Landmarks by part of the face: the nearest contour's, or else forehead and cheeks."""
    names = list(_CONTOURS)
    corners = [[i for c in _CONTOURS[n] for i in REGIONS[c]] for n in names]
    apart = np.stack(
        [
            np.linalg.norm(CANONICAL[:, None] - CANONICAL[chosen][None], axis=2).min(1)
            for chosen in corners
        ]
    )
    nearest, near = apart.argmin(0), apart.min(0) <= _NEAR
    parts = {name: np.flatnonzero(near & (nearest == i)) for i, name in enumerate(names)}
    above = CANONICAL[:, 1] > CANONICAL[corners[0], 1].min()
    parts["forehead"] = np.flatnonzero(~near & above)
    parts["cheeks"] = np.flatnonzero(~near & ~above)
    return parts


PARTS: Mapping[str, Array] = _parts()
"""Indices of the landmarks of each part of the face; each landmark is in one of them."""


def by_part(points: Float32[Array, "478"]) -> dict[str, float]:
    """What the parts of the face brought."""
    return {name: float(points[index].sum()) for name, index in PARTS.items()}
