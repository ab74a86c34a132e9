"""Made data and tiny recipes; nothing here takes long, and nothing is downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mien.lab import material
from mien.lab.recipe import Recipe
from mien.lab.strict import typed

TINY: dict[str, Any] = {
    "name": "tiny",
    "seed": 7,
    "data": {"sources": [{"name": "made", "options": {"people": 16, "each": 6, "turned": 2}}]},
    "net": {"kind": "mlp", "hidden": 16, "depth": 1},
    "train": {"batch": 16, "epochs": 2, "lr": 0.003},
}


def recipe(**changes: Any) -> Recipe:
    """The tiny recipe with keys replaced: ``train__epochs=3`` is ``epochs`` of ``[train]``."""
    table = {k: dict(v) if isinstance(v, dict) else v for k, v in TINY.items()}
    for key, value in changes.items():
        section, _, name = key.partition("__")
        if name:
            table.setdefault(section, {})[name] = value
        else:
            table[section] = value
    return typed(Recipe, table)


@pytest.fixture(scope="session")
def made() -> material.Material:
    return material.gather(recipe(), Path("nowhere"))


@pytest.fixture(scope="session")
def tiny_toml() -> Path:
    return Path(__file__).parents[2] / "recipes" / "tiny.toml"
