"""Fixtures for all tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import hypothesis
import jaxtyping
import numpy as np
import pytest
from beartype import BeartypeConf, beartype
from PIL import Image

# The shapes and dtypes of signatures are checked while the tests run: said before the first import
# of mien, for the parts that arrays pass through. The hook wants a name that can be imported. An
# int is good where a float is.
_checker = ModuleType("_mien_checker")
_checker.check = beartype(conf=BeartypeConf(is_pep484_tower=True))  # type: ignore[attr-defined]
sys.modules[_checker.__name__] = _checker
_CHECKED = (
    "arrays", "channels", "engines", "geometry", "heads", "identity", "morphable", "outputs",
    "render", "retarget", "server.wire", "topology", "tracker", "types",
)  # fmt: skip
jaxtyping.install_import_hook([f"mien.{part}" for part in _CHECKED], f"{_checker.__name__}.check")

# The same examples every time, and no deadline: a busy machine is not a failure.
hypothesis.settings.register_profile("mien", derandomize=True, deadline=None)
hypothesis.settings.load_profile("mien")

ROOT = Path(__file__).resolve().parent.parent


def _shared_folder() -> Path | None:
    named = os.environ.get("MIEN_SHARED")
    folder = Path(named) if named else ROOT.parent / "shared"
    return folder if (folder / "media").is_dir() else None


@pytest.fixture(scope="session")
def shared() -> Path:
    """Photos, videos and models that are not in the repository."""
    folder = _shared_folder()
    if folder is None:
        pytest.skip("the shared media folder is absent (set MIEN_SHARED to its path)")
    return folder


@pytest.fixture(scope="session")
def facemesh() -> str:
    """The name of the engine that needs no download; skips where it does not exist."""
    from mien import engines

    if reason := engines.available()["facemesh"]:
        pytest.skip(reason)
    return "facemesh"


@pytest.fixture
def unchecked() -> Iterator[None]:
    """Wrong shapes reach the code itself, as they do outside of the tests."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(scope="session")
def portrait_path() -> Path:
    """The sample photo that everybody has: one face, 512x600, RGB JPEG."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"


@pytest.fixture(scope="session")
def portrait(portrait_path: Path) -> np.ndarray:
    """The sample photo, uint8 RGB (600, 512, 3)."""
    with Image.open(portrait_path) as image:
        return np.asarray(image.convert("RGB"))
