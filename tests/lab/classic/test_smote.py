"""Rare classes become frequent, in the train part alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mien.errors import InputError
from mien.lab import training
from mien.lab.classic.smote import oversampled
from mien.lab.datasets.samples import Samples
from mien.lab.material import Material
from mien.lab.recipe import Recipe

Of = Callable[[Samples], Material]


def counts(samples: Samples) -> list[int]:
    return np.bincount(samples.target.argmax(1), minlength=7).tolist()


def rare(samples: Samples, keep: dict[int, int]) -> Samples:
    """So many of these classes, all of the others."""
    label = samples.target.argmax(1)
    gone = [i for k, n in keep.items() for i in np.flatnonzero(label == k)[n:]]
    return samples.select(np.setdiff1d(np.arange(len(samples)), gone))


@pytest.mark.parametrize(
    ("keep", "after"),
    [
        ({}, [32, 32, 31]),
        ({1: 7}, [32, 32, 32]),
        ({1: 2}, [32, 32, 32]),
        ({1: 1}, [32, 1, 32]),
        ({1: 0}, [32, 0, 32]),
    ],
    ids=["almost even", "seven", "two", "one", "none"],
)
def test_all_classes_become_as_frequent_as_the_largest(
    faces: Samples, material: Of, keep: dict[int, int], after: list[int]
) -> None:
    given = rare(faces.part("train"), keep)
    made = oversampled(material(given), 3)
    expected = after if keep else [32, 32, 32]
    assert counts(made.samples)[:3] == expected
    assert len(made.weight) == len(made.squared) == len(made.samples)
    same = made.samples.select(range(len(given)))
    assert same.fingerprint() == given.fingerprint()


def test_a_made_face_lies_between_two_of_its_class(faces: Samples, material: Of) -> None:
    given = rare(faces.part("train"), {1: 2})
    two = given.aligned[given.target.argmax(1) == 1]
    made = oversampled(material(given)).samples
    new = made.select(range(len(given), len(made)))
    new = new.aligned[new.target.argmax(1) == 1]
    assert len(new) == 30
    across = (two[1] - two[0]).ravel()
    share = (new - two[0]).reshape(30, -1) @ across / (across @ across)
    assert share.min() >= -1e-5
    assert share.max() <= 1 + 1e-5
    assert share.std() > 0.1
    np.testing.assert_allclose(new, two[0] + share[:, None, None] * (two[1] - two[0]), atol=1e-5)


def test_a_made_face_is_turned_by_a_rotation(faces: Samples, material: Of) -> None:
    train = rare(faces.part("train"), {2: 6})
    angle = np.linspace(-1, 1, len(train))
    turned = np.zeros((len(train), 3, 3), np.float32)
    turned[:, 1, 1] = 1
    turned[:, 0, 0] = turned[:, 2, 2] = np.cos(angle)
    turned[:, 0, 2], turned[:, 2, 0] = np.sin(angle), -np.sin(angle)
    made = oversampled(material(replace(train, rotation=turned))).samples.rotation
    product = made @ made.transpose(0, 2, 1)
    np.testing.assert_allclose(product, np.broadcast_to(np.eye(3), product.shape), atol=1e-5)
    np.testing.assert_allclose(np.linalg.det(made), 1, atol=1e-5)


def test_one_seed_makes_the_same_faces(faces: Samples, material: Of) -> None:
    given = material(rare(faces.part("train"), {1: 7}))
    prints = [oversampled(given, seed).samples.fingerprint() for seed in (1, 1, 2)]
    assert prints[0] == prints[1] != prints[2]


def test_only_the_train_part_is_given_more(
    faces: Samples,
    material: Of,
    recipe: Callable[..., Recipe],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []
    real = training._Part

    def watched(part: Material, *rest: object) -> object:
        seen.append(part.samples)
        return real(part, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(training, "_Part", watched)
    given = rare(faces, {1: 7})
    net = {"kind": "mlp", "hidden": 8, "depth": 0, "output": "softmax"}
    plan = recipe(net, augment={"smote": True}, train={"epochs": 1, "batch": 16})
    training.train(plan, material(given), tmp_path)
    learning, checking = seen
    assert counts(learning)[:3] == [32, 32, 32]
    assert checking.fingerprint() == given.part("validation").fingerprint()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: replace(s, aligned=s.aligned * np.float32(0)), "no face was found"),
        (lambda s: replace(s, target=s.target * np.float32("nan")), "have no truth"),
        (lambda s: replace(s, image=np.zeros((len(s), 4, 4), np.uint8)), "no pictures"),
    ],
    ids=["missed", "unknown", "pictures"],
)
def test_what_is_refused(
    faces: Samples, material: Of, change: Callable[[Samples], Samples], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        oversampled(material(change(faces.part("train"))))
