"""The built-in head: ``build()`` makes a :class:`mien.model.Model` that all 52 channels move.

The shapes come from ``assets/bust.npz``, which ``python -m mien.lab.bust`` writes; see
``docs/bust.md``. Colours and materials are chosen here.
"""

from __future__ import annotations

from .build import build
from .looks import EYES, HAIR, MATERIALS, SKIN, Style
from .presets import EXPRESSIONS, UNITS, Units, blend, settled

__all__ = [
    "EXPRESSIONS",
    "EYES",
    "HAIR",
    "MATERIALS",
    "SKIN",
    "UNITS",
    "Style",
    "Units",
    "blend",
    "build",
    "settled",
]
