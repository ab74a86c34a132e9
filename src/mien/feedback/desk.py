"""Where feedback is handed in: the store when it answers, the queue while it does not."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Literal, TypeAlias
from uuid import UUID

from ..errors import InputError, MienError
from ..zoo import cache
from .queue import Queue
from .submission import Forget, Record, StoreError, Submission, Withdraw

if TYPE_CHECKING:
    from .store import Counts, Outcome, Store

__all__ = ["Deleted", "Desk", "Receipt", "Status", "folder", "missing"]

_log = logging.getLogger(__name__)

Receipt: TypeAlias = Literal["stored", "known", "queued"]
"""``known``: it had been handed in before; ``queued``: it is on the disk, and will be stored."""

_PAUSE = 5.0  # seconds after a failure in which the database is not asked again


@dataclass(frozen=True, slots=True)
class Deleted:
    """What a deletion did.

    Attributes:
        submissions: deleted from the store; None while it does not answer.
        queued: whether the store still has to do it.
    """

    submissions: int | None
    queued: bool


@dataclass(frozen=True, slots=True)
class Status:
    """How the desk is.

    Attributes:
        place: of the database, without a password.
        counts: what is there; None when it does not answer.
        problem: why not.
        waiting: records in the queue.
        refused: records that were put aside.
    """

    place: str
    counts: Counts | None
    problem: str | None
    waiting: int
    refused: int


def folder() -> Path:
    """Where the queue and the SQLite file lie: ``feedback`` beside the models."""
    return cache.folder().parent / "feedback"


def missing() -> str | None:
    """Why feedback cannot be stored with what is installed, or None."""
    absent = [name for name in ("sqlalchemy", "alembic") if find_spec(name) is None]
    if not absent:
        return None
    return f"feedback needs {', '.join(absent)}, which is missing: pip install 'mien[feedback]'"


class Desk:
    """Takes feedback, and does not lose it.

    The store is opened when it is first needed, and again after it was away. All methods may be
    called from any thread.

    Args:
        url: of the database, see :func:`.store.url_of`; None for SQLite in the folder.
        place: the folder; ``None`` for :func:`folder`.
        clock: seconds from any fixed moment.

    Raises:
        InputError: a URL that cannot be used.
    """

    def __init__(
        self,
        url: str | None = None,
        place: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = place or folder()
        self._text = url
        if missing() is None:
            from .store import url_of

            url_of(url, self._folder)  # refuse it before anybody sends anything
        self._clock = clock
        self._store: Store | None = None
        self._opening = Lock()
        self._problem: MienError | None = None
        self._again = 0.0
        self.queue = Queue(self._folder)

    def close(self) -> None:
        """Let go of the database."""
        with self._opening:
            if self._store is not None:
                self._store.close()
            self._store = None

    def hand_in(self, submission: Submission) -> Receipt:
        """Keep a submission; when this returns, it is on the disk.

        Raises:
            InputError: its sender has had everything deleted, or the id is somebody else's.
            OutputError: neither store nor queue can be written.
        """
        outcome = self._do(submission)
        if outcome == "refused":
            raise InputError(
                "what this browser sent was deleted, or this id is somebody else's; reload the "
                "page, and send it again"
            )
        if outcome is None:
            return "queued"
        return "known" if outcome == "known" else "stored"

    def withdraw(self, number: UUID, person: str) -> Deleted:
        """Take back one submission.

        Raises:
            OutputError: neither store nor queue can be written; nothing was done.
        """
        return self._delete(Withdraw(number, person), str(number), person)

    def forget(self, person: str) -> Deleted:
        """Delete all that somebody has sent; nothing more is taken from them.

        Raises:
            OutputError: neither store nor queue can be written; nothing was done.
        """
        return self._delete(Forget(person), person)

    def forget_all(self) -> int:
        """Delete everything; how many submissions.

        Raises:
            MienError: the store does not answer; nothing was done.
        """
        deleted = self.store().delete_all()
        waiting = len(self.queue)
        self.queue.clear()
        return deleted + waiting

    def drain(self) -> int:
        """Bring what waits to the store; how many records. 0 while the store does not answer."""
        if self.queue.empty:
            return 0
        with suppress(MienError):
            return self._drain()
        return 0

    def submissions(self) -> Iterator[Submission]:
        """All of them, the oldest first, with those that have waited.

        Raises:
            MienError: the store does not answer.
        """
        store = self.store()
        self._drain()
        yield from store.submissions()

    def status(self) -> Status:
        """How the desk is, after an attempt to drain the queue."""
        counts, problem, place = None, None, "the database"
        try:
            store = self.store()
            place = store.place
            self._drain()
            counts = store.counts()
        except MienError as error:
            problem = str(error)
        return Status(place, counts, problem, len(self.queue), self.queue.put_aside)

    def store(self) -> Store:
        """The open store.

        Raises:
            MienError: it does not answer; that is not asked again for some seconds.
        """
        if reason := missing():
            raise InputError(reason)
        from .store import Store, url_of

        with self._opening:
            if self._store is not None and self._problem is None:
                return self._store
            if self._problem is not None and self._clock() < self._again:
                raise self._problem
            try:
                if self._store is None:
                    self._store = Store(url_of(self._text, self._folder))
                else:
                    self._store.migrate()
                self._problem = None
            except StoreError as error:
                self._fail(error)
                raise
            return self._store

    def _fail(self, error: MienError) -> None:
        if self._problem is None:
            _log.warning("%s", error)
        self._problem, self._again = error, self._clock() + _PAUSE

    def _do(self, record: Record) -> Outcome | None:
        """Have the store do it, after all that waits; None when it went into the queue."""
        try:
            store = self.store()
            self._drain()
            if self.queue.empty:
                return store.apply([record])[0]
        except StoreError as error:
            self._fail(error)
        self.queue.add(record)
        return None

    def _delete(self, record: Withdraw | Forget, *keys: str) -> Deleted:
        # What waits goes at once, whether the store answers or not.
        waited = self.queue.purge(*keys)
        outcome = self._do(record)
        if not isinstance(outcome, int):
            return Deleted(None, queued=True)
        self.store().wipe()
        return Deleted(outcome + waited, queued=False)

    def _drain(self) -> int:
        if self.queue.empty:
            return 0
        store = self.store()

        def apply(records: Sequence[Record]) -> None:
            store.apply(records)

        done = self.queue.drain(apply)
        if done:
            store.wipe()
        return done
