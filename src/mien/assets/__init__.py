"""Tables: names, orders and topology as data. The web page reads the same files."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..errors import InputError

__all__ = ["load", "sample_portrait"]


@cache
def load(name: str) -> Any:
    """Parsed content of ``assets/<name>.json``; treat it as read-only."""
    text = resources.files(__name__).joinpath(f"{name}.json").read_text("utf-8")
    return json.loads(text)


def sample_portrait() -> Path:
    """The photo that everybody has: ``grace_hopper.jpg`` inside matplotlib's package data.

    It is found without importing matplotlib.

    Raises:
        InputError: matplotlib is not installed, or was installed without its sample data.
    """
    found = find_spec("matplotlib")
    folders = found.submodule_search_locations if found else None
    for folder in folders or ():
        path = Path(folder, "mpl-data", "sample_data", "grace_hopper.jpg")
        if path.is_file():
            return path
    raise InputError(
        "the sample portrait is matplotlib's grace_hopper.jpg, which is not installed; "
        "run `pip install matplotlib`, or name a photo of your own"
    )
