"""The database: SQLite in a file of mien's folder, or PostgreSQL by URL.

Everything that writes is one transaction of whole records, and doing it again changes nothing: a
submission is known by its id, of two with one id that of the later time stays, and what was deleted
is remembered, so that a copy that is still on its way does not bring it back.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal, TypeAlias

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    IntegrityError,
    NoSuchModuleError,
    SQLAlchemyError,
)
from sqlalchemy.orm import Session

from ..errors import InputError
from . import migrations
from .submission import Record, StoreError, Submission, Withdraw
from .tables import Deletion, Row, row_of, submission_of

__all__ = ["Counts", "Outcome", "Store", "need_driver", "url_of"]

_log = logging.getLogger(__name__)

Outcome: TypeAlias = Literal["stored", "known", "refused"] | int
"""Of a submission: ``known`` when nothing is new, ``refused`` when its sender has deleted
everything, or its id is somebody else's. Of a deletion: how many submissions it deleted."""

_WAIT = 2.0  # seconds for a lock; a person waits, and there is the queue
_CONNECT = 5.0
_BATCH = 200
_MIGRATING = 0x6D69656E  # any number of our own; PostgreSQL locks are named by numbers


@dataclass(frozen=True, slots=True)
class Counts:
    """What is in the store.

    Attributes:
        total: submissions.
        people: who sent them.
        crops: those with a picture.
        labels: how many say what.
        models: how many are about which head, by name and version.
        first, last: when the oldest and the newest came; None without any.
    """

    total: int
    people: int
    crops: int
    labels: dict[str, int]
    models: dict[str, int]
    first: datetime | None
    last: datetime | None


def url_of(text: str | None, folder: Path) -> sa.URL:
    """What a user names, as SQLAlchemy wants it.

    Args:
        text: ``postgresql://user:password@host/name``, ``sqlite:////path``, or None.
        folder: where the SQLite file lies when nothing is named.

    Raises:
        InputError: no URL, or of another kind of database.
    """
    if not text:
        return sa.URL.create("sqlite", database=str(folder / "feedback.sqlite"))
    try:
        url = sa.make_url(text)
    except ArgumentError:
        # Its message holds the URL, which may hold a password.
        raise InputError(
            "the URL of the feedback database (MIEN_FEEDBACK_URL) cannot be read; it is like "
            "postgresql://user:password@host/name or sqlite:////folder/feedback.sqlite"
        ) from None
    kind, _, driver = url.drivername.partition("+")
    if kind in ("postgres", "postgresql"):
        return url.set(drivername=f"postgresql+{driver or 'pg8000'}")
    if kind == "sqlite" and url.database not in (None, "", ":memory:"):
        return url
    what = "memory" if kind == "sqlite" else kind
    raise InputError(
        f"feedback is kept in PostgreSQL or in a file of SQLite, not in {what}; name one with "
        "MIEN_FEEDBACK_URL, such as postgresql://user:password@host/name or sqlite:////folder/file"
    )


def need_driver(url: sa.URL) -> None:
    """Refuse a database that this Python cannot speak with.

    Raises:
        InputError: the driver that the URL names does not exist, or is not installed.
    """
    try:
        url.get_dialect().import_dbapi()
    except (ImportError, NoSuchModuleError) as error:
        name = getattr(error, "name", None) or url.drivername
        raise InputError(
            f"the driver of {url.render_as_string(hide_password=True)} is not installed ({name}); "
            "install it, or leave the driver out of the URL"
        ) from None


def _left_out(problem: InputError) -> None:
    _log.warning("%s; it is left out", problem)


class Store:
    """An open database, brought to the last migration.

    Args:
        url: see :func:`url_of`.

    Raises:
        StoreError: it cannot be reached, or was made by a newer mien.
        InputError: its driver is not installed.
    """

    def __init__(self, url: sa.URL, *, migrate: bool = True) -> None:
        need_driver(url)
        self.place = url.render_as_string(hide_password=True)
        self._sqlite = url.get_backend_name() == "sqlite"
        with self._told():
            if self._sqlite:
                Path(url.database or "").parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._engine = sa.create_engine(url)
                event.listen(self._engine, "connect", _of_sqlite)
                event.listen(self._engine, "begin", _begin)
            else:
                arguments = {"timeout": _CONNECT} if url.get_driver_name() == "pg8000" else {}
                self._engine = sa.create_engine(url, pool_pre_ping=True, connect_args=arguments)
                event.listen(self._engine, "connect", _of_postgres)
        if migrate:
            try:
                self.migrate()
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()

    def revision(self) -> str | None:
        """The migration that the database is at; None before the first."""
        with self._told(), self._engine.connect() as connection:
            return migrations.revision(connection)

    def migrate(self, target: str = "head", *, up: bool = True) -> tuple[str | None, str | None]:
        """Go to a migration, in one transaction; another mien that does the same is waited for.

        Returns:
            where it was and where it is.

        Raises:
            InputError: there is no such migration.
            StoreError: it cannot be reached, or is at a migration that is not known here.
        """
        known = migrations.revisions()
        if target not in (*known, "head", "base"):
            raise InputError(f"there is no migration {target!r}; there are {', '.join(known)}")
        goal = None if target == "base" else known[-1] if target == "head" else target
        before = self.revision()
        self._check(before, known)
        if before == goal:
            return before, before
        steps = [None, *known]
        if (steps.index(goal) > steps.index(before)) != up:
            way = "above" if up else "below"
            raise InputError(f"{target!r} is not {way} {before or 'base'}, where the database is")
        with self._told(), self._writing() as connection:
            if not self._sqlite:
                lock = sa.select(sa.func.pg_advisory_xact_lock(_MIGRATING))
                connection.execute(lock)
            before = migrations.revision(connection)
            self._check(before, known)
            if before != goal:
                migrations.migrate(connection, target, up=up)
            return before, migrations.revision(connection)

    def apply(self, records: Sequence[Record]) -> list[Outcome]:
        """Do all of it, or on an error nothing.

        Raises:
            StoreError: nothing was done.
        """
        with self._told(), self._writing() as connection:
            return [self._apply(connection, record) for record in records]

    def delete_all(self) -> int:
        """Delete every submission; how many there were. :meth:`wipe` is still to be called."""
        with self._told(), self._writing() as connection:
            for person in connection.scalars(sa.select(Row.person).distinct()).all():
                self._bury(connection, person)
            return connection.execute(sa.delete(Row)).rowcount

    def wipe(self) -> bool:
        """Free what deleted rows have left behind; False when that has to be tried again.

        SQLite overwrites deleted rows (``secure_delete``) once its journal is folded in, for which
        it waits until nobody reads; PostgreSQL frees their space.
        """
        with suppress(SQLAlchemyError, sqlite3.Error):
            if self._sqlite:
                with closing(self._engine.raw_connection()) as bare:  # in no transaction
                    cursor = bare.cursor()
                    cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                    ((busy, _, _),) = cursor.fetchall()
                return not busy
            with self._engine.connect() as connection:
                connection.connection.rollback()  # the pool's ping has begun a transaction
                plain = connection.execution_options(isolation_level="AUTOCOMMIT")
                plain.execute(sa.text("VACUUM submissions"))
            return True
        return False

    def submissions(self, unread: Callable[[InputError], None] = _left_out) -> Iterator[Submission]:
        """All of them, the oldest first, as they were when it began.

        Args:
            unread: told of each row that cannot be read, and is left out.

        Raises:
            StoreError: also in the middle.
        """
        with self._told(), Session(self._engine) as session:
            asked = sa.select(Row).order_by(Row.time, Row.id).execution_options(yield_per=_BATCH)
            for row in session.scalars(asked):
                try:
                    found = submission_of(row)
                except InputError as error:  # noqa: PERF203
                    unread(error)
                else:
                    yield found

    def counts(self) -> Counts:
        """What is there."""
        with self._told(), self._engine.connect() as connection:
            total, people, crops, first, last = connection.execute(
                sa.select(
                    sa.func.count(),
                    sa.func.count(Row.person.distinct()),
                    sa.func.count(Row.crop),
                    sa.func.min(Row.time),
                    sa.func.max(Row.time),
                )
            ).one()
            labels = connection.execute(sa.select(Row.label, sa.func.count()).group_by(Row.label))
            models = connection.execute(
                sa.select(Row.model, Row.version, sa.func.count()).group_by(Row.model, Row.version)
            )
            return Counts(
                total=total,
                people=people,
                crops=crops,
                labels=dict(sorted((label, count) for label, count in labels)),
                models=dict(sorted((f"{name} {version}", n) for name, version, n in models)),
                first=first,
                last=last,
            )

    def _apply(self, connection: sa.Connection, record: Record) -> Outcome:
        if isinstance(record, Submission):
            return self._add(connection, record)
        if isinstance(record, Withdraw):
            deleted = connection.execute(
                sa.delete(Row).where(Row.id == record.id, Row.person == record.person)
            ).rowcount
            if deleted or not self._has(connection, record):
                self._bury(connection, record.id.hex)
            return deleted
        deleted = connection.execute(sa.delete(Row).where(Row.person == record.person)).rowcount
        self._bury(connection, record.person)
        return deleted

    def _add(self, connection: sa.Connection, submission: Submission) -> Outcome:
        keys = (submission.person, submission.id.hex)
        if connection.scalars(sa.select(Deletion.key).where(Deletion.key.in_(keys))).first():
            return "refused"
        values = row_of(submission)
        if connection.execute(self._insert(Row, values)).rowcount:
            return "stored"
        asked = sa.select(Row.__table__).where(Row.id == submission.id)
        there = connection.execute(asked).mappings().first()
        if there is None or there["person"] != submission.person:
            return "refused"
        # Sent again, or changed by its sender, who may not know that the first one came; a copy of
        # that one may also come after the change, out of the queue of another server.
        same = all(there[name] == value for name, value in values.items() if name != "time")
        if same or there["time"] > submission.time:
            return "known"
        changed = sa.update(Row).where(Row.id == submission.id, Row.time <= submission.time)
        connection.execute(changed.values(values))
        return "stored"

    def _has(self, connection: sa.Connection, record: Withdraw) -> bool:
        found = connection.scalars(sa.select(Row.id).where(Row.id == record.id)).first()
        return found is not None

    def _bury(self, connection: sa.Connection, key: str) -> None:
        now = datetime.now(timezone.utc)
        connection.execute(self._insert(Deletion, {"key": key, "time": now}))

    def _insert(self, table: type[Row] | type[Deletion], values: dict[str, Any]) -> sa.Executable:
        """An insertion that does nothing where the key is there."""
        if self._sqlite:
            return sqlite.insert(table).values(values).on_conflict_do_nothing()
        return postgresql.insert(table).values(values).on_conflict_do_nothing()

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        engine = self._engine.execution_options(mien_writes=True)
        with engine.begin() as connection:
            yield connection

    def _check(self, revision: str | None, known: Sequence[str]) -> None:
        if revision is not None and revision not in known:
            raise StoreError(
                f"the feedback in {self.place} is at the migration {revision!r}, which this mien "
                "does not know; update mien"
            )

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (DataError, IntegrityError) as error:
            raise InputError(f"the database refuses this: {_line(error)}") from None
        except (SQLAlchemyError, OSError) as error:
            raise StoreError(
                f"the feedback in {self.place} cannot be reached ({_line(error)}); check that the "
                "database runs and may be used"
            ) from None


def _of_sqlite(connection: Any, _: object) -> None:
    # Transactions are ours to begin: Python's driver would leave DDL out of them.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_WAIT * 1000:.0f}")
    cursor.execute("PRAGMA database_list")
    _kept_to_ourselves(Path(cursor.fetchall()[0][2]))  # before anything is in it
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")  # what was acknowledged survives a power cut
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.close()


def _kept_to_ourselves(path: Path) -> None:
    """Let nobody else read the file; SQLite makes those beside it with the same permissions."""
    for suffix in ("", "-wal", "-shm"):
        with suppress(OSError):  # it is not there, or another user's, who has decided
            path.with_name(path.name + suffix).chmod(0o600)


def _begin(connection: sa.Connection) -> None:
    # A reader that begins to write later would be refused at once, without waiting.
    writes = connection.get_execution_options().get("mien_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _of_postgres(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"SET lock_timeout = '{_WAIT * 1000:.0f}ms'")
    cursor.execute("SET statement_timeout = '60s'")
    cursor.close()
    connection.commit()


def _line(error: BaseException) -> str:
    """What the driver said, in one line, without the statement and its values."""
    cause = getattr(error, "orig", None) or error
    if cause.args and isinstance(cause.args[0], dict):  # pg8000 hands on the server's fields
        return str(cause.args[0].get("M", cause))
    return " ".join(str(cause).split())[:200] or type(cause).__name__
