"""Made faces of three classes, which landmarks and pictures tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")

from mien.lab.datasets.samples import MISSED, Samples
from mien.lab.material import Material
from mien.lab.recipe import Recipe
from mien.lab.strict import typed
from mien.topology import CANONICAL

from ..made_faces import told

COUNT = 144
TRAINED = 96


def made(*, images: bool, missed: bool) -> Samples:
    """The last face of each part is missed, or left out."""
    random = np.random.default_rng(0)
    kind = np.arange(COUNT) % 3  # angry, disgust, fear
    aligned = CANONICAL + random.normal(0, 0.05, (COUNT, 478, 3))
    aligned[:, ::3, 1] += 0.3 * kind[:, None]
    image = random.integers(90, 110, (COUNT, 48, 48)).astype(np.uint8)
    for number in range(COUNT):
        image[number, 12 * kind[number] : 12 * kind[number] + 12, 10:38] += 90
    samples = told(kind, aligned, image if images else None, TRAINED)
    return samples if missed else samples.select(np.array(samples.engine) != MISSED)


def of(samples: Samples) -> Material:
    return Material(samples, np.ones(len(samples)), np.zeros(len(samples), bool))


@pytest.fixture(scope="session")
def pictures() -> Samples:
    """With images, in some of which no face was found."""
    return made(images=True, missed=True)


@pytest.fixture(scope="session")
def faces() -> Samples:
    """Landmarks alone, all found."""
    return made(images=False, missed=False)


@pytest.fixture(scope="session")
def recipe() -> Callable[..., Recipe]:
    """Of a net, with other tables beside it."""

    def build(net: dict[str, Any], name: str = "tiny", **tables: Any) -> Recipe:
        table: dict[str, Any] = {
            "name": name,
            "output": "emotion",
            "data": {"sources": [{"name": "fer2013-emotions"}]},
            "net": net,
            "loss": {"kind": "cross_entropy"},
            "train": {"epochs": 3, "batch": 16, "lr": 0.01},
        }
        return typed(Recipe, table | tables)

    return build


@pytest.fixture(scope="session")
def material() -> Callable[[Samples], Material]:
    return of
