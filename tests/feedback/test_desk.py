"""Nothing is lost and nothing is there twice, whatever happens to database, queue and process."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

import pytest

from mien.errors import InputError, OutputError
from mien.feedback import Desk, Forget, StoreError, Submission, Withdraw, person_of
from mien.feedback import desk as desks
from mien.feedback import store as stores
from mien.feedback.queue import Queue
from mien.feedback.store import Store, url_of

from .cluster import Cluster
from .conftest import OTHER, PERSON, submission
from .test_store import locked


class Clock:
    """Time passes when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(url: str, tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    opened = Desk(url, tmp_path / "desk", clock)
    yield opened
    opened.close()


def numbers(desk: Desk) -> list[int]:
    return sorted(s.id.int for s in desk.submissions())


def test_what_is_handed_in_is_stored_once(desk: Desk) -> None:
    assert [desk.hand_in(submission(1)) for _ in range(3)] == ["stored", "known", "known"]
    assert numbers(desk) == [1]
    with pytest.raises(InputError, match="reload the page"):
        desk.hand_in(submission(1, person=OTHER))


def test_a_locked_database_loses_nothing(desk: Desk, url: str, clock: Clock) -> None:
    assert desk.hand_in(submission(1)) == "stored"
    with locked(url):
        assert [desk.hand_in(submission(n)) for n in (2, 3, 2, 1)] == ["queued"] * 4
        assert len(desk.queue) == 4
        assert desk.drain() == 0
        assert desk.status().problem is not None
    assert desk.drain() == 0  # not asked again at once
    clock.now += 10
    assert desk.drain() == 4
    assert desk.queue.empty
    assert numbers(desk) == [1, 2, 3]
    assert desk.status().waiting == 0


def test_steady_feedback_does_not_keep_a_database_from_being_asked(
    desk: Desk, url: str, clock: Clock
) -> None:
    desk.hand_in(submission(1))
    with locked(url):
        for number in (2, 3):
            assert desk.hand_in(submission(number)) == "queued"
            clock.now += 1
    receipts = []
    for number in range(4, 10):
        receipts.append(desk.hand_in(submission(number)))
        clock.now += 1
    assert receipts[0] == "queued"
    assert receipts[-1] == "stored"
    assert numbers(desk) == list(range(1, 10))


def test_a_database_that_goes_away_after_a_deletion(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was deleted is deleted; overwriting it comes later."""
    desk.hand_in(submission(1))
    there = [desk.store()]

    def store() -> Store:
        if not there:
            raise StoreError("the database is away")
        return there.pop()

    with monkeypatch.context() as patch:
        patch.setattr(desk, "store", store)
        gone = desk.forget(PERSON)
        assert (gone.submissions, gone.queued, gone.overwritten) == (1, False, False)
        assert not desk.overwritten
    desk.drain()
    assert desk.overwritten


def test_a_deletion_while_the_database_is_locked(desk: Desk, url: str, clock: Clock) -> None:
    for n in (1, 2):
        desk.hand_in(submission(n))
    desk.hand_in(submission(3, person=OTHER))
    with locked(url):
        desk.hand_in(submission(4))
        desk.hand_in(submission(5, person=OTHER))
        assert desk.forget(PERSON) == desks.Deleted(None, queued=True)
        # What waited is off the disk at once.
        waiting = desk.queue.path.read_text()
        assert [json.loads(line)["do"] for line in waiting.splitlines()] == ["add", "forget"]
        desk.hand_in(submission(6))  # of somebody who is forgotten; nobody can know yet
    clock.now += 10
    assert numbers(desk) == [3, 5]
    assert desk.forget(OTHER) == desks.Deleted(2, queued=False)
    assert numbers(desk) == []


@pytest.mark.parametrize("away", [False, True], ids=["there", "away"])
def test_one_is_taken_back(desk: Desk, url: str, clock: Clock, away: bool) -> None:
    desk.hand_in(submission(1))
    desk.hand_in(submission(2))
    if away:
        with locked(url):
            desk.hand_in(submission(3))
            assert desk.withdraw(UUID(int=1), PERSON).queued
            assert desk.withdraw(UUID(int=3), PERSON).queued
            assert desk.withdraw(UUID(int=2), OTHER).queued
        clock.now += 10
        assert numbers(desk) == [2]
    else:
        assert desk.withdraw(UUID(int=1), PERSON).submissions == 1
        assert desk.withdraw(UUID(int=2), OTHER).submissions == 0
        assert numbers(desk) == [2]
        with pytest.raises(InputError):
            desk.hand_in(submission(1))


def test_a_deletion_that_cannot_be_kept_has_done_nothing(
    desk: Desk, url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits to be deleted waits still."""
    desk.hand_in(submission(1))

    def refuse(_: object) -> None:
        raise OutputError("the disk is full")

    with locked(url):
        desk.hand_in(submission(2))
        desk.withdraw(UUID(int=1), PERSON)
        before = desk.queue.path.read_bytes()
        with monkeypatch.context() as patch:
            patch.setattr(desk.queue, "add", refuse)
            for delete in (
                lambda: desk.forget(PERSON),
                lambda: desk.withdraw(UUID(int=2), PERSON),
            ):
                with pytest.raises(OutputError, match="disk is full"):
                    delete()
        assert desk.queue.path.read_bytes() == before
    clock.now += 10
    assert numbers(desk) == [2]


def test_submissions_are_counted_and_not_wishes(desk: Desk, url: str, clock: Clock) -> None:
    for n in (1, 2):
        desk.hand_in(submission(n))
    with locked(url):
        desk.withdraw(UUID(int=1), PERSON)
    clock.now += 10
    # One of the two had been taken back before.
    assert desk.forget(PERSON) == desks.Deleted(1, queued=False)
    desk.hand_in(submission(3, person=OTHER))
    desk.queue.add(submission(4, person=OTHER))
    desk.queue.add(Withdraw(UUID(int=3), OTHER))
    desk.queue.add(Forget(PERSON))
    assert desk.forget_all() == 1
    assert (
        desk.hand_in(submission(5, person=person_of("carol-has-a-token-that-is-long"))) == "stored"
    )
    for n in (3, 4):  # what another server may still have does not come back
        with pytest.raises(InputError):
            desk.hand_in(submission(n, person=OTHER))


def test_what_somebody_reads_is_overwritten_later(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "_WAIT", 0.1)
    gone = submission(1)

    def traces() -> int:
        data = gone.landmarks.points.tobytes()
        files = [p.read_bytes() for p in tmp_path.glob("feedback.sqlite*")]
        return sum(data[i : i + 64] in file for file in files for i in range(0, len(data), 64))

    desk = Desk(None, tmp_path, clock)
    desk.hand_in(gone)
    assert traces() > 0
    with sqlite3.connect(tmp_path / "feedback.sqlite", isolation_level=None) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM submissions").fetchall()
        assert desk.forget(PERSON) == desks.Deleted(1, queued=False, overwritten=False)
        assert desk.drain() == 0
        assert traces() > 0
        # Nor does it wait for the process that deleted.
        desk.close()
        reader.execute("COMMIT")
        again = Desk(None, tmp_path, clock)
        assert again.drain() == 0
        assert traces() == 0
        again.close()
    reader.close()


def test_postgresql_that_stops_and_comes_back(
    postgres: Cluster, empty_postgres: str, tmp_path: Path, clock: Clock
) -> None:
    desk = Desk(empty_postgres, tmp_path, clock)
    assert desk.hand_in(submission(1)) == "stored"
    postgres.stop()
    try:
        assert desk.hand_in(submission(2)) == "queued"
        assert desk.forget(OTHER).queued
        assert "cannot be reached" in str(desk.status().problem)
        assert "p@ss" not in str(desk.status())
        with pytest.raises(StoreError):
            list(desk.submissions())
        clock.now += 10
        assert desk.drain() == 0
    finally:
        postgres.start()
    clock.now += 10
    assert desk.hand_in(submission(3)) == "stored"
    assert numbers(desk) == [1, 2, 3]
    desk.close()


def test_tables_that_vanish_are_made_again(desk: Desk, url: str, clock: Clock) -> None:
    desk.hand_in(submission(1))
    other = Store(url_of(url, Path()))
    other.migrate("base", up=False)
    other.close()
    assert desk.hand_in(submission(2)) == "queued"
    clock.now += 10
    assert desk.hand_in(submission(3)) == "stored"
    assert numbers(desk) == [2, 3]


def test_all_of_it_is_deleted(desk: Desk) -> None:
    desk.hand_in(submission(1))
    desk.queue.add(submission(2, person=OTHER))
    assert desk.forget_all() == 2
    assert numbers(desk) == []
    assert desk.queue.empty


@pytest.mark.parametrize(
    ("cut", "left"),
    [(None, [1, 2, 3]), (-1, [1, 2, 3]), (-2, [1, 2]), (-700, [1, 2]), (40, [])],
    ids=["whole", "without its line feed", "without its end", "in the landmarks", "in the first"],
)
def test_a_queue_that_was_cut_off(
    tmp_path: Path, clock: Clock, cut: int | None, left: list[int]
) -> None:
    desk = Desk(None, tmp_path, clock)
    for n in (1, 2, 3):
        desk.queue.add(submission(n))
    data = desk.queue.path.read_bytes()
    desk.queue.path.write_bytes(data[:cut])
    # The next one is not glued to the rest of the torn line.
    desk.queue.add(submission(4))
    assert numbers(desk) == [*left, 4]
    assert desk.queue.empty
    assert desk.status().refused == 0
    desk.close()


def test_what_no_mien_wrote_is_put_aside(tmp_path: Path, clock: Clock) -> None:
    desk = Desk(None, tmp_path, clock)
    desk.queue.add(submission(1))
    with desk.queue.path.open("ab") as file:
        file.write(b'{"do":"add","new":"field","person":"%b"}\n' % PERSON.encode())
        file.write(b"\x00\xff garbage\n[1]\n")
    desk.queue.add(submission(2))
    assert numbers(desk) == [1, 2]
    assert desk.status().refused == 1
    assert "new" in desk.queue.refused.read_text()
    desk.forget(PERSON)
    assert desk.status().refused == 0
    assert not desk.queue.refused.exists()
    desk.close()


def test_a_crash_between_storing_and_emptying(tmp_path: Path) -> None:
    queue = Queue(tmp_path)
    queue.add(submission(1))
    queue.add(submission(2))
    got: list[int] = []

    def crash(records: Sequence[Submission]) -> None:
        got.extend(r.id.int for r in records)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        queue.drain(crash)
    queue.add(submission(3))
    assert len(queue) == 3
    assert queue.drain(lambda records: got.extend(r.id.int for r in records)) == 3
    assert got == [1, 2, 1, 2, 3]  # handed over again; the store knows them
    assert queue.empty


def test_one_that_can_never_be_taken_holds_nobody_up(tmp_path: Path) -> None:
    queue = Queue(tmp_path)
    for n in (1, 2, 3):
        queue.add(submission(n))
    got: list[int] = []

    def picky(records: Sequence[Submission]) -> None:
        if any(r.id.int == 2 for r in records):
            raise InputError("not this one")
        got.extend(r.id.int for r in records)

    assert queue.drain(picky) == 3
    assert (got, queue.put_aside) == ([1, 3], 1)


def test_a_killed_process_leaves_what_it_acknowledged(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from mien.feedback import Forget\n"
        "from mien.feedback.queue import Queue\n"
        "q = Queue(Path(sys.argv[1]))\n"
        "for n in range(100000): q.add(Forget(f'{n:064x}')); print(n, flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    acknowledged = [int(process.stdout.readline()) for _ in range(20)]
    process.kill()
    acknowledged += [int(line) for line in process.stdout.read().split()]
    process.stdout.close()
    process.wait()
    got: list[int] = []
    Queue(tmp_path).drain(lambda records: got.extend(int(r.person, 16) for r in records))
    assert got[: len(acknowledged)] == acknowledged


def test_many_at_once(tmp_path: Path) -> None:
    queue, got = Queue(tmp_path), []
    stop = threading.Event()

    def drain() -> None:
        while not stop.is_set():
            queue.drain(lambda records: got.extend(r.id.int for r in records))

    def add(first: int) -> None:
        for n in range(first, first + 15):
            queue.add(submission(n))

    drainer = threading.Thread(target=drain)
    adders = [threading.Thread(target=add, args=(100 * i,)) for i in (1, 2, 3)]
    for thread in (drainer, *adders):
        thread.start()
    for thread in adders:
        thread.join()
    stop.set()
    drainer.join()
    queue.drain(lambda records: got.extend(r.id.int for r in records))
    assert sorted(got) == [100 * i + n for i in (1, 2, 3) for n in range(15)]


def test_a_queue_that_is_full(tmp_path: Path) -> None:
    queue = Queue(tmp_path, most=10_000)
    queue.add(submission(1, crop=None))
    with pytest.raises(OutputError, match="bring the database back"):
        queue.add(submission(2))
    assert len(queue) == 1


@pytest.mark.parametrize("refusal", ["write", "fsync"])
def test_a_disk_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: str) -> None:
    queue = Queue(tmp_path)
    queue.add(submission(1))
    before = queue.path.read_bytes()

    def refuse(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, refusal, refuse)
        with pytest.raises(OutputError, match="disk is full"):
            queue.add(submission(2))
    assert queue.path.read_bytes() == before
    queue.add(submission(2))
    assert len(queue) == 2


def test_nobody_else_may_read_the_queue(tmp_path: Path) -> None:
    queue = Queue(tmp_path / "new")
    queue.add(submission(1))
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert queue.path.stat().st_mode & 0o777 == 0o600


def test_an_empty_queue(tmp_path: Path) -> None:
    queue = Queue(tmp_path / "nowhere")
    assert (len(queue), queue.empty, queue.put_aside) == (0, True, 0)
    assert queue.drain(lambda _: None) == 0
    assert not (tmp_path / "nowhere").exists()


def test_without_its_libraries_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desks, "find_spec", lambda name: None)
    desk = Desk(None, tmp_path)
    with pytest.raises(InputError, match=r"pip install 'mien\[feedback\]'"):
        desk.hand_in(submission(1))
    assert "sqlalchemy" in str(desk.status().problem)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("nonsense", "MIEN_FEEDBACK_URL"),
        ("postgresql+psycopg2cffi://u:secret@h/n", r"psycopg2cffi://u:\*\*\*@h/n .* install it"),
        ("postgresql+nonsense://u:secret@h/n", "leave the driver out of the URL"),
    ],
)
def test_a_wrong_address_is_refused_before_anybody_sends_anything(
    tmp_path: Path, address: str, message: str
) -> None:
    with pytest.raises(InputError, match=message) as refused:
        Desk(address, tmp_path)
    assert "secret" not in str(refused.value)
