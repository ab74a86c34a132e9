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


class _PauseError(StoreError):
    """The database was away a moment ago, and is not asked again yet."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """What a deletion did.

    Attributes:
        submissions: deleted from the store; None while it does not answer.
        queued: whether the store still has to do it.
        overwritten: whether no byte of them is left in the files of SQLite; while others read there
            that has to wait, and :meth:`Desk.drain` tries again.
    """

    submissions: int | None
    queued: bool
    overwritten: bool = True


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
        InputError: a URL that cannot be used, or whose driver is not installed.
    """

    def __init__(
        self,
        url: str | None = None,
        place: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = place or folder()
        self._text = url
        self._wiped = True
        if missing() is None:
            from .store import need_driver, url_of

            # Refused before anybody sends anything.
            address = url_of(url, self._folder)
            need_driver(address)
            # Who deleted last may have met a reader, and not have come back to it.
            if address.get_backend_name() == "sqlite" and Path(address.database or "").exists():
                self._wiped = False
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
            OutputError: neither store nor queue can be written; nothing was done, or not all of
                it, and it is to be asked for again.
        """
        return self._delete(Withdraw(number, person), str(number), person)

    def forget(self, person: str) -> Deleted:
        """Delete all that somebody has sent; nothing more is taken from them.

        Raises:
            OutputError: as :meth:`withdraw`.
        """
        return self._delete(Forget(person), person)

    def forget_all(self) -> int:
        """Delete everything; how many submissions.

        Raises:
            MienError: the store does not answer; nothing was done.
        """
        store = self.store()
        self._drain()  # so that the store remembers whose they were
        waited = self.queue.clear()
        deleted = store.delete_all()
        self._wipe()
        return deleted + waited

    def drain(self) -> int:
        """Bring what waits to the store; how many records. 0 while the store does not answer.

        What was deleted and could not be overwritten is tried again.
        """
        with suppress(MienError):
            return self._settle()
        return 0

    @property
    def overwritten(self) -> bool:
        """Whether no byte of what was deleted is left, as far as is known here."""
        return self._wiped

    def submissions(
        self, unread: Callable[[InputError], None] | None = None
    ) -> Iterator[Submission]:
        """All of them, the oldest first, with those that have waited.

        Args:
            unread: told of each that cannot be read, and is left out; the log is otherwise.

        Raises:
            MienError: the store does not answer.
        """
        store = self.store()
        self._settle()
        yield from store.submissions() if unread is None else store.submissions(unread)

    def status(self) -> Status:
        """How the desk is, after an attempt to drain the queue."""
        counts, problem, place = None, None, "the database"
        try:
            store = self.store()
            place = store.place
            self._settle()
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
                raise _PauseError(str(self._problem))
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
        except _PauseError:
            pass  # no failure of its own: it must not make the pause longer
        except StoreError as error:
            self._fail(error)
        self.queue.add(record)
        return None

    def _delete(self, record: Withdraw | Forget, *keys: str) -> Deleted:
        outcome = self._do(record)
        # It is done, or will be. So what waits may go, and goes at once, whether the store answers
        # or not.
        waited = self.queue.purge(*keys)
        if not isinstance(outcome, int):
            return Deleted(None, queued=True)
        return Deleted(outcome + waited, queued=False, overwritten=self._wipe())

    def _wipe(self) -> bool:
        """Free what was deleted, and remember to do it again if it cannot be done now."""
        before, self._wiped, place = self._wiped, False, "the database"
        with suppress(StoreError):  # it may have gone away since the deletion
            store = self.store()
            place = store.place
            self._wiped = store.wipe()
        if before and not self._wiped:
            _log.warning(
                "what was deleted from %s is not overwritten yet (others read it, or it is away); "
                "it is tried again",
                place,
            )
        return self._wiped

    def _settle(self) -> int:
        """What :meth:`drain` does; where the store does not answer, it raises."""
        done = self._drain()
        if not self._wiped:
            self._wipe()
        return done

    def _drain(self) -> int:
        if self.queue.empty:
            return 0
        store = self.store()

        def apply(records: Sequence[Record]) -> None:
            store.apply(records)

        done = self.queue.drain(apply)
        if done:
            self._wipe()
        return done
