"""Tables: names, orders and topology as data. The web page reads the same files."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

__all__ = ["load"]


@cache
def load(name: str) -> Any:
    """Parsed content of ``assets/<name>.json``; treat it as read-only."""
    text = resources.files(__name__).joinpath(f"{name}.json").read_text("utf-8")
    return json.loads(text)
