"""Errors that a user can act on: each message says what was given, what was expected, what to do.

``MienError.exit_code`` is what the command line exits with (see ``docs/guide.md``).
"""

from __future__ import annotations

__all__ = [
    "CameraError",
    "EngineError",
    "InputError",
    "MienError",
    "ModelMissing",
    "OutputError",
]


class MienError(Exception):
    """Base of every error that mien raises on purpose."""

    exit_code = 1


class InputError(MienError):
    """A source or a value that cannot be used: missing, unreadable, or out of range."""

    exit_code = 2


class CameraError(MienError):
    """The camera is missing, busy, forbidden, or was unplugged."""

    exit_code = 3


class ModelMissing(MienError):
    """A model that has to be pulled first, or whose file is damaged."""

    exit_code = 4


class EngineError(MienError):
    """A landmark engine does not exist on this Python, or failed to start."""

    exit_code = 5


class OutputError(MienError):
    """Results could not be written (disk full, no permission, target exists)."""

    exit_code = 6
