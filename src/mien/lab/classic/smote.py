"""Rare classes made as frequent as the most frequent one, by SMOTE on landmarks.

Chawla et al., "SMOTE: synthetic minority over-sampling technique" (JAIR 2002), by imbalanced-learn,
on the flattened points as in the study: a new face lies between one and one of its five nearest
neighbours of the same class. Only training samples are given to it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...arrays import Array, Float
from ...errors import InputError
from ..datasets.samples import Samples
from ..material import Material

__all__ = ["oversampled"]

_NEIGHBOURS = 5
_FEWEST = 2  # faces of a class that something can lie between


def oversampled(material: Material, seed: int = 0) -> Material:
    """With made faces, after the others, until all classes are as frequent as the largest.

    A class with one face stays as it is, and so does one without any.

    Args:
        material: the train part of classes, all faces found.
        seed: of what is drawn.

    Raises:
        InputError: samples whose targets are no classes, or in which no face was found, or that
            look at pictures, between which there is nothing to see.
    """
    samples = material.samples
    if samples.image is not None or samples.extra is not None:
        raise InputError("[augment] smote makes landmarks, no pictures: leave it out for such nets")
    if not (samples.aligned.any((1, 2))).all():
        raise InputError(
            "[augment] smote: in some pictures no face was found; give the source an engine, as in "
            'engines = ["facemesh"]'
        )
    if np.isnan(samples.target).any():
        raise InputError("[augment] smote is for classes; some samples have no truth")
    # Loaded here, since it takes a second and few recipes ask for it.
    from imblearn.over_sampling import SMOTE

    labels = samples.target.argmax(1)
    names, counts = np.unique(labels, return_counts=True)
    most = counts.max()
    wanted = {int(n): int(most) for n, c in zip(names, counts, strict=True) if _FEWEST <= c < most}
    if not wanted:
        return material
    near = min(_NEIGHBOURS, *(int(counts[names == name][0]) - 1 for name in wanted))
    # The turn of the head goes along; its nine numbers weigh nothing among 1,434.
    count, points = len(samples), samples.aligned[0].size
    flat = np.concatenate(
        [samples.aligned.reshape(count, -1), samples.rotation.reshape(count, -1)], 1
    )
    made, told = SMOTE(sampling_strategy=wanted, k_neighbors=near, random_state=seed).fit_resample(
        flat, labels
    )
    made, told = made[count:].astype(np.float32), told[count:]
    new = len(made)
    added = Samples(
        names=[f"smote-{number}" for number in range(new)],
        subjects=[f"smote-{number}" for number in range(new)],
        engine=[samples.engine[0]] * new,
        source=[samples.source[0]] * new,
        aligned=made[:, :points].reshape(new, -1, 3),
        rotation=_rotations(made[:, points:].reshape(new, 3, 3)),
        pixels=np.zeros((new, *samples.pixels.shape[1:]), np.float32),  # they are in no picture
        size=np.repeat(samples.size[:1], new, 0),
        target=np.eye(len(samples.channels), dtype=np.float32)[told],
        channels=samples.channels,
        split=["train"] * new,
    )
    return replace(
        material,
        samples=Samples.concat([samples, added]),
        weight=np.concatenate([material.weight, np.full(new, material.weight.mean())]),
        squared=np.concatenate([material.squared, np.zeros(new, bool)]),
    )


def _rotations(matrices: Float[Array, "n 3 3"]) -> Float[Array, "n 3 3"]:
    """The nearest rotations: what lies between two of them is none."""
    left, _, right = np.linalg.svd(matrices)
    left[:, :, 2] *= np.sign(np.linalg.det(left @ right))[:, None]
    turned: Array = (left @ right).astype(np.float32)
    return turned
