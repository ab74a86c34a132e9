"""What a person agrees to before anything is stored; the words are kept by version.

A submission names the version that was read. Words are never changed: other words are a new
version, and the old one stays, so that what an old submission agreed to can still be read.
"""

from __future__ import annotations

from types import MappingProxyType

__all__ = ["CONSENTS", "CURRENT"]

CONSENTS = MappingProxyType(
    {
        "1": "I agree that whoever runs this server stores this correction: what the model said, "
        "what I say, and the 478 points of my face; the small grey picture of my face only if I "
        "have ticked it. It is used to check and to improve the model. I can delete what I sent "
        "from this browser at any time; a model that has learnt from it forgets it when it is "
        "trained the next time.",
    }
)
"""Version -> text."""

CURRENT = "1"
"""What new submissions have to agree to."""
