"""Both databases do the same; what is deleted is gone."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
import sqlalchemy as sa

from mien.errors import InputError
from mien.feedback import Forget, StoreError, Withdraw, migrations
from mien.feedback import store as stores
from mien.feedback.store import Store, url_of
from mien.feedback.tables import Base

from .conftest import OTHER, PERSON, submission

LATER = datetime(2100, 1, 1, tzinfo=timezone.utc)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store(url_of(url, Path()))
    yield opened
    opened.close()


def look(url: str, question: str) -> list[tuple[object, ...]]:
    """What the database itself says, past the store."""
    engine = sa.create_engine(url_of(url, Path()))
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(sa.text(question))]
    engine.dispose()
    return found


def test_what_is_put_in_comes_out(store: Store) -> None:
    zone = timezone(timedelta(hours=9))
    given = [
        submission(1),
        submission(2, label="none", time=datetime(2026, 3, 1, 4, tzinfo=zone)),
    ]
    assert store.apply(given) == ["stored", "stored"]
    second, first = store.submissions()  # by time
    for put, got in ((given[0], first), (given[1], second)):
        assert got.as_dict()["landmarks"] == put.as_dict()["landmarks"]
        assert (got.id, got.person, got.consent, got.model) == (
            put.id, put.person, put.consent, put.model
        )  # fmt: skip
        assert (got.label, got.engine, got.landmarks.size) == (put.label, put.engine, (640, 480))
        np.testing.assert_allclose(got.said, put.said)
        assert abs(got.time - put.time) < timedelta(milliseconds=1)
        assert (got.crop is None) == (put.crop is None)
    np.testing.assert_array_equal(first.crop, given[0].crop)


def test_an_empty_store(store: Store) -> None:
    counts = store.counts()
    assert (counts.total, counts.people, counts.labels, counts.first) == (0, 0, {}, None)
    assert list(store.submissions()) == []
    assert store.apply([]) == []
    assert store.delete_all() == 0


def test_it_is_counted(store: Store) -> None:
    store.apply([submission(1), submission(2, person=OTHER, label="fear"), submission(3)])
    counts = store.counts()
    assert (counts.total, counts.people, counts.crops) == (3, 2, 2)
    assert counts.labels == {"fear": 1, "sad": 2}
    assert counts.models == {"emotion 1.0": 3}
    assert counts.first is not None
    assert counts.last is not None
    assert counts.first.tzinfo is not None
    assert counts.first <= counts.last


@pytest.mark.parametrize(
    ("records", "outcomes", "left"),
    [
        ([submission(1), submission(1)], ["stored", "known"], {1}),
        ([submission(1), submission(1, label="fear", time=LATER)], ["stored", "stored"], {1}),
        ([submission(1, time=LATER), submission(1, label="fear")], ["stored", "known"], {1}),
        ([submission(1), submission(1, person=OTHER)], ["stored", "refused"], {1}),
        ([submission(1), Withdraw(UUID(int=1), PERSON)], ["stored", 1], set()),
        ([submission(1), Withdraw(UUID(int=1), OTHER)], ["stored", 0], {1}),
        ([Withdraw(UUID(int=1), PERSON), submission(1)], [0, "refused"], set()),
        ([submission(1), submission(2), Forget(PERSON)], ["stored", "stored", 2], set()),
        ([submission(1, person=OTHER), Forget(PERSON)], ["stored", 0], {1}),
        ([Forget(PERSON), submission(1)], [0, "refused"], set()),
        ([Forget(PERSON), Forget(PERSON)], [0, 0], set()),
    ],
    ids=[
        "twice", "with another label", "an earlier label that comes late", "an id of another",
        "taken back", "taken back by another",
        "taken back before it came", "forgotten", "another is forgotten",
        "forgotten before it came", "forgotten twice",
    ],
)  # fmt: skip
def test_records(store: Store, records: list, outcomes: list, left: set[int]) -> None:
    assert store.apply(records) == outcomes
    assert {s.id.int for s in store.submissions()} == left
    # Again, one by one: nothing changes.
    for record in records:
        store.apply([record])
    kept = {s.id.int for s in store.submissions()}
    assert kept == left


def test_who_changes_a_correction_has_said_the_last_of_it(store: Store) -> None:
    """Whether it comes again from a page, or late from the queue of another server."""
    first = submission(1, label="sad")
    last = submission(1, label="fear", crop=None, time=LATER)
    assert store.apply([first, last]) == ["stored", "stored"]
    assert store.apply([submission(1, person=OTHER, label="happy", time=LATER)]) == ["refused"]
    assert store.apply([first, last]) == ["known", "known"]
    (found,) = store.submissions()
    assert (found.label, found.crop, found.person) == ("fear", None, PERSON)
    assert found.time == LATER


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("landmarks = landmarks_of_nobody", "5736 bytes"),
        ("crop = landmarks_of_nobody", "2304 bytes"),
        ("consent = '99'", "consent is '99'"),
        ("label = 'hungry'", "the label is one of"),
        ("said = '[1, 2]'", "7 probabilities"),
        ("said = '{}'", "this is no feedback"),
        ("said = '[[1], [2, 3]]'", "this is no feedback"),
    ],
)
def test_a_row_that_cannot_be_read_is_left_out(
    store: Store, url: str, change: str, message: str
) -> None:
    store.apply([submission(1), submission(2), submission(3)])
    short = "x'00ff'" if url.startswith("sqlite") else r"'\x00ff'::bytea"
    engine = sa.create_engine(url_of(url, Path()))
    with engine.begin() as connection:
        done = connection.execute(
            sa.text(
                f"UPDATE submissions SET {change.replace('landmarks_of_nobody', short)} "  # noqa: S608
                "WHERE width = 640 AND id = (SELECT id FROM submissions ORDER BY id LIMIT 1)"
            )
        )
        assert done.rowcount == 1
    engine.dispose()
    problems: list[InputError] = []
    assert [s.id.int for s in store.submissions(problems.append)] == [2, 3]
    (problem,) = problems
    assert str(UUID(int=1)) in str(problem)
    assert message in str(problem)
    assert store.counts().total == 3


def test_a_deletion_leaves_nothing_in_the_database(store: Store, url: str) -> None:
    store.apply([submission(n) for n in (1, 2, 3)] + [submission(4, person=OTHER)])
    assert look(url, "SELECT count(*) FROM submissions") == [(4,)]
    assert store.apply([Forget(PERSON)]) == [3]
    assert store.wipe()
    assert look(url, "SELECT DISTINCT person FROM submissions") == [(OTHER,)]
    for table in Base.metadata.tables:
        text = str(look(url, f"SELECT * FROM {table}"))  # noqa: S608
        for number in (1, 2, 3):
            assert UUID(int=number).hex not in text.replace("-", "")
    assert look(url, "SELECT key FROM deletions") == [(PERSON,)]


def test_the_file_of_sqlite_holds_no_byte_of_what_was_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "_WAIT", 0.1)
    path = tmp_path / "feedback.sqlite"
    store = Store(url_of(None, tmp_path))
    gone = submission(1)
    store.apply([gone, submission(2, person=OTHER)])

    def traces() -> int:
        assert gone.crop is not None
        pieces = (gone.landmarks.points.tobytes()[:400], gone.crop.tobytes()[:400])
        files = [p.read_bytes() for p in tmp_path.iterdir() if p.name.startswith(path.name)]
        return sum(piece in data for piece in pieces for data in files)

    assert traces() > 0
    with sqlite3.connect(path, isolation_level=None) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM submissions").fetchall()
        store.apply([Forget(PERSON)])
        assert not store.wipe()
        assert traces() > 0, "what is read cannot be overwritten"
        reader.execute("COMMIT")
    reader.close()
    assert store.wipe()
    assert traces() == 0
    assert store.counts().total == 1
    store.close()


@pytest.mark.skipif(os.name != "posix", reason="no such permissions")
def test_nobody_else_may_read_the_file_of_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "anywhere.sqlite"
    tmp_path.chmod(0o755)
    for before in (None, 0o644):  # a new one, and that of an older mien
        if before is not None:
            path.chmod(before)
        store = Store(url_of(f"sqlite:///{path}", tmp_path))
        store.apply([submission(1)])
        files = {p.name: p.stat().st_mode & 0o777 for p in tmp_path.iterdir()}
        assert set(files) == {path.name, f"{path.name}-wal", f"{path.name}-shm"}
        assert set(files.values()) == {0o600}
        store.close()


def test_all_of_it_is_deleted(store: Store, url: str) -> None:
    store.apply([submission(1), submission(2, person=OTHER)])
    assert store.delete_all() == 2
    assert look(url, "SELECT count(*) FROM submissions") == [(0,)]
    # What another server may still have in its queue does not come back.
    assert store.apply([submission(1), submission(3)]) == ["refused", "refused"]


def test_migrations_go_up_and_down(url: str) -> None:
    address = url_of(url, Path())
    store = Store(address, migrate=False)
    assert store.revision() is None
    steps = migrations.revisions()
    assert len(steps) >= 2
    seen = []
    for step in steps:
        assert store.migrate(step)[1] == step
        seen.append(tables(address))
    assert store.apply([submission(1)]) == ["stored"]
    for step, there in zip(["base", *steps][::-1][1:], [set(), *seen][::-1][1:], strict=True):
        assert store.migrate(step, up=False)[1] == (None if step == "base" else step)
        assert tables(address) - {"alembic_version"} == there - {"alembic_version"}
    # And up again, all at once, as whoever opens it does.
    again = Store(address)
    assert again.revision() == steps[-1] == migrations.head()
    assert again.counts().total == 0
    again.close()
    store.close()


def tables(address: sa.URL) -> set[str]:
    engine = sa.create_engine(address)
    names = set(sa.inspect(engine).get_table_names())
    engine.dispose()
    return names


def test_the_migrations_make_the_tables_that_the_code_has(store: Store, url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    engine = sa.create_engine(url_of(url, Path()))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, Base.metadata)
    engine.dispose()
    assert differences == []


@pytest.mark.parametrize(
    ("target", "up", "message"),
    [
        ("nowhere", True, "there is no migration 'nowhere'"),
        ("submissions", True, "'submissions' is not above deletions"),
        ("base", True, "'base' is not above deletions"),
    ],
)
def test_migrations_that_cannot_be(store: Store, target: str, up: bool, message: str) -> None:
    with pytest.raises(InputError, match=message):
        store.migrate(target, up=up)


def test_a_database_of_a_newer_mien_is_left_alone(store: Store, url: str) -> None:
    engine = sa.create_engine(url_of(url, Path()))
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = 'tomorrow'"))
    engine.dispose()
    with pytest.raises(StoreError, match="'tomorrow', which this mien does not know; update mien"):
        Store(url_of(url, Path()))


def test_two_that_open_it_at_once_both_find_it_whole(url: str) -> None:
    address, found, start = url_of(url, Path()), [], threading.Barrier(4)

    def open_it() -> None:
        start.wait()
        store = Store(address)
        found.append(store.apply([submission(1)])[0])
        store.close()

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, found)) == ["known"] * 3 + ["stored"]


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Somebody else writes and does not finish."""
    if url.startswith("sqlite"):
        path = url.removeprefix("sqlite:///")
        with sqlite3.connect(path, isolation_level=None) as other:
            other.execute("BEGIN EXCLUSIVE")
            yield
            other.execute("ROLLBACK")
        other.close()
        return
    engine = sa.create_engine(url_of(url, Path()))
    with engine.begin() as connection:
        connection.execute(sa.text("LOCK TABLE submissions IN ACCESS EXCLUSIVE MODE"))
        yield
    engine.dispose()


def test_a_locked_database(store: Store, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with locked(url), pytest.raises(StoreError, match=r"cannot be reached .*lock"):
        store.apply([submission(1)])
    assert store.apply([submission(1)]) == ["stored"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "sqlite:///folder/feedback.sqlite"),
        ("", "sqlite:///folder/feedback.sqlite"),
        ("sqlite:////data/f.db", "sqlite:////data/f.db"),
        ("postgresql://u:p@h/n", "postgresql+pg8000://u:***@h/n"),
        ("postgres://u:p@h/n", "postgresql+pg8000://u:***@h/n"),
        ("postgresql+psycopg://u@h/n", "postgresql+psycopg://u@h/n"),
    ],
)
def test_addresses(text: str | None, expected: str) -> None:
    assert url_of(text, Path("folder")).render_as_string() == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("secret words", "MIEN_FEEDBACK_URL"),
        ("mysql://u:secret@h/n", "not in mysql"),
        ("sqlite://", "file of SQLite, not in memory"),
        ("sqlite:///:memory:", "file of SQLite"),
    ],
)
def test_addresses_that_cannot_be(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as refused:
        url_of(text, Path())
    assert "secret" not in str(refused.value)


def test_databases_that_are_not_there(tmp_path: Path, make_port: Callable[[], int]) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "noise.sqlite").write_bytes(b"this is no database " * 1000)
    for text in (
        f"postgresql://u:secret@127.0.0.1:{make_port()}/n",
        f"sqlite:///{tmp_path}/file/feedback.sqlite",
        f"sqlite:///{tmp_path}/noise.sqlite",
    ):
        with pytest.raises(StoreError, match="cannot be reached") as refused:
            Store(url_of(text, Path()))
        assert "secret" not in str(refused.value)


def test_a_wrong_password(empty_postgres: str) -> None:
    with pytest.raises(StoreError, match="password authentication failed"):
        Store(url_of(empty_postgres.replace("p%40ss", "other"), Path()))


@pytest.fixture
def make_port() -> Callable[[], int]:
    import socket

    def make() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    return make
