"""Feedback: people say where the emotion that was read is wrong, and can take it back.

A :class:`~.submission.Submission` is handed in at the :class:`~.desk.Desk`. The desk has a
:class:`~.store.Store`, which is SQLite or PostgreSQL, and a :class:`~.queue.Queue` on the disk for
the time in which the store does not answer. Nothing is stored without consent, and all that is
known of a sender is the hash of a random token, with which everything can be deleted.
"""

from __future__ import annotations

from .desk import Deleted, Desk, Receipt, Status, folder, missing
from .submission import (
    CROP_SIDE,
    LABELS,
    NONE,
    Forget,
    Model,
    StoreError,
    Submission,
    Withdraw,
    person_of,
)

__all__ = [
    "CROP_SIDE",
    "LABELS",
    "NONE",
    "Deleted",
    "Desk",
    "Forget",
    "Model",
    "Receipt",
    "Status",
    "StoreError",
    "Submission",
    "Withdraw",
    "folder",
    "missing",
    "person_of",
]
