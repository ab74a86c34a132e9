"""Fixtures for all tests."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

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
def portrait_path() -> Path:
    """The sample photo that everybody has: one face, 512x600, RGB JPEG."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"


@pytest.fixture(scope="session")
def portrait(portrait_path: Path) -> np.ndarray:
    """The sample photo, uint8 RGB (600, 512, 3)."""
    with Image.open(portrait_path) as image:
        return np.asarray(image.convert("RGB"))
