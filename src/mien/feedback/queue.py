"""Where feedback waits while the database is away: a file of JSON lines.

``queue.jsonl`` grows by whole lines, each on the disk before it is acknowledged. To be drained it
is renamed to ``queue.taken.jsonl``, so that others can go on adding, and removed once the database
has all of it. A crash in between means that lines are handed over twice, which the store does not
mind. A line that was cut off in the middle was never acknowledged; it is left out.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ..errors import InputError, OutputError
from ..outputs.files import output_error, replacing
from .submission import Forget, Record, Withdraw, record_of

__all__ = ["Queue"]

_log = logging.getLogger(__name__)

_MOST = 100_000_000  # bytes; about ten thousand submissions
_WAIT = 10.0  # seconds for another process, which holds the lock for the time of one write


class Queue:
    """The queue in a folder; any number of threads and processes may have it.

    Args:
        folder: it need not exist yet.
        most: bytes that may wait.
    """

    def __init__(self, folder: Path, most: int = _MOST) -> None:
        self.path = folder / "queue.jsonl"
        self.taken = folder / "queue.taken.jsonl"
        self.refused = folder / "queue.refused.jsonl"
        self._most = most
        self._folder = folder

    def __len__(self) -> int:
        """Records that wait."""
        return sum(len(_lines(path)) for path in (self.taken, self.path))

    @property
    def empty(self) -> bool:
        """Whether nothing waits; asked before every submission."""
        return not any(_size(path) for path in (self.taken, self.path))

    @property
    def put_aside(self) -> int:
        """Records that the store can never take, in ``queue.refused.jsonl``."""
        return len(_lines(self.refused))

    def add(self, record: Record) -> None:
        """Write a record to the disk.

        Raises:
            OutputError: it is not there; the disk is full, or too much waits already.
        """
        line = json.dumps(record.as_dict(), separators=(",", ":")).encode() + b"\n"
        try:
            with self._lock("queue"):
                size = _size(self.path)
                if size + len(line) > self._most:
                    raise OutputError(
                        f"{self.path} has {size:,} bytes, which is enough; bring the database "
                        "back, and it is emptied"
                    )
                with self.path.open("ab", buffering=0) as file:
                    if _torn(self.path):
                        line = b"\n" + line
                    before = file.tell()
                    try:
                        _write(file.fileno(), line)
                        os.fsync(file.fileno())
                    except OSError:
                        file.truncate(before)
                        raise
                self.path.chmod(0o600)
                if not size:
                    _sync_folder(self._folder)
        except OSError as error:
            raise output_error(error, self.path) from error

    def drain(self, apply: Callable[[Sequence[Record]], None]) -> int:
        """Hand everything that waits to ``apply``, in the order in which it came.

        Args:
            apply: raises where it cannot take the records now: all of them stay. One that it can
                never take (InputError) is put aside into ``queue.refused.jsonl``.

        Returns:
            how many records were taken; 0 also while another process drains.
        """
        if self.empty:
            return 0
        done = 0
        try:
            with self._lock("drain", wait=0):
                # First what an earlier one had taken and did not finish.
                while self._take():
                    done += self._hand_over(apply)
        except Timeout:
            return 0
        except OSError as error:
            raise output_error(error, self.path) from error
        return done

    def purge(self, *keys: str) -> int:
        """Remove every line that holds all of ``keys``; how many submissions there were.

        The text is searched, so that lines that are damaged are found too. Deletions stay: they
        hold nothing but a hash, and the store has not done them yet.
        """

        def goes(line: bytes) -> bool:
            return all(key.encode() in line for key in keys) and not _deletes(line)

        return self._remove(goes)

    def clear(self) -> int:
        """Remove everything, deletions too; how many submissions there were."""
        return self._remove(lambda _: True)

    def _remove(self, goes: Callable[[bytes], bool]) -> int:
        removed = 0
        try:
            with self._lock("drain"), self._lock("queue"):
                for path in (self.taken, self.path, self.refused):
                    lines = _lines(path)
                    kept = [line for line in lines if not goes(line)]
                    if len(kept) == len(lines):
                        continue
                    removed += sum(map(_adds, lines)) - sum(map(_adds, kept))
                    _rewrite(path, kept)
        except OSError as error:
            raise output_error(error, self.path) from error
        return removed

    def _take(self) -> bool:
        """Set aside what is to be drained; False when nothing is."""
        if _size(self.taken):
            return True
        with self._lock("queue"):
            if not _size(self.path):
                return False
            self.path.replace(self.taken)
            _sync_folder(self._folder)
        return True

    def _hand_over(self, apply: Callable[[Sequence[Record]], None]) -> int:
        records: list[Record] = []
        refused: list[bytes] = []
        for line in _lines(self.taken):
            try:
                records.append(_record(line))
            except InputError as error:  # noqa: PERF203
                _log.warning("a queued line cannot be read: %s", error)
                if line.endswith(b"}"):  # whole, so by another version; a torn one never counted
                    refused.append(line)
        try:
            apply(records)
        except InputError:
            for record in records:
                try:
                    apply([record])
                except InputError as error:  # noqa: PERF203
                    _log.warning("queued feedback is refused: %s", error)
                    refused.append(json.dumps(record.as_dict()).encode())
        if refused:
            _rewrite(self.refused, [*_lines(self.refused), *refused])
        self.taken.unlink()
        _sync_folder(self._folder)
        return len(records)

    def _lock(self, name: str, wait: float = _WAIT) -> FileLock:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return FileLock(self._folder / f"{name}.lock", timeout=wait)


def _record(line: bytes) -> Record:
    try:
        table: Any = json.loads(line)
    except ValueError:
        raise InputError(f"no JSON: {line[:40]!r}...") from None
    if not isinstance(table, dict):
        raise InputError(f"no table: {line[:40]!r}...")
    return record_of(table)


def _deletes(line: bytes) -> bool:
    try:
        return isinstance(_record(line), Forget | Withdraw)
    except InputError:
        return False


def _adds(line: bytes) -> bool:
    """Whether it is a whole submission, also one that only a newer mien can read."""
    try:
        table: Any = json.loads(line)
    except ValueError:
        return False
    return isinstance(table, dict) and table.get("do") == "add"


def _lines(path: Path) -> list[bytes]:
    try:
        return [line for line in path.read_bytes().split(b"\n") if line]
    except FileNotFoundError:
        return []


def _rewrite(path: Path, lines: list[bytes]) -> None:
    if not lines:
        path.unlink(missing_ok=True)
        return
    with replacing(path) as part:
        part.touch(mode=0o600)
        part.write_bytes(b"".join(line + b"\n" for line in lines))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _torn(path: Path) -> bool:
    """Whether the last line was cut off."""
    if not _size(path):
        return False
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def _write(number: int, data: bytes) -> None:
    while data:
        data = data[os.write(number, data) :]


def _sync_folder(folder: Path) -> None:
    """So that a new name survives a power cut; Windows has no such thing."""
    if os.name == "posix":
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
