"""``.gesichter`` files: Live Link packets one after the other, as they came.

gzip of: ``u8 version | u32 count``, and for each packet ``u32 length | packet``, all big-endian.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from ..errors import InputError, OutputError

__all__ = ["Contents", "Recorder", "read"]

_HEAD = struct.Struct(">BI")
_SIZE = struct.Struct(">I")
_VERSION = 6  # of Live Link's packets
_MOST_BYTES = 64 * 1024  # of a packet; UDP carries no more
_MOST_PACKETS = 4_000_000  # 18 hours at 60 a second
_UNKNOWN = 0  # packets, while a file is being written
_FLUSH_EVERY = 60  # packets; a kill loses no more


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds.

    Attributes:
        packets: all that are whole, in order.
        notes: what is missing or odd, in words.
    """

    packets: tuple[bytes, ...]
    notes: tuple[str, ...] = ()


def read(path: Path) -> Contents:
    """Read a file; of one that was cut off, what is whole.

    Raises:
        InputError: it cannot be opened, or is no such file.
    """
    notes: list[str] = []
    packets: list[bytes] = []
    try:
        with gzip.open(path, "rb") as file:
            head = file.read(_HEAD.size)
            if len(head) < _HEAD.size:
                raise InputError(f"{path} holds no packets: it ends after {len(head)} bytes")
            version, count = _HEAD.unpack(head)
            if version != _VERSION:
                raise InputError(
                    f"{path} has version {version}, expected {_VERSION}; is it a capture of "
                    "Live Link packets?"
                )
            try:
                packets.extend(_packets(file, notes))
            except (EOFError, zlib.error, gzip.BadGzipFile):
                notes.append(f"the file is cut off or damaged after {len(packets)} packets")
    except gzip.BadGzipFile as error:
        raise InputError(f"{path} is no .gesichter file, which is packed with gzip") from error
    except (EOFError, zlib.error) as error:
        raise InputError(f"{path} is cut off or damaged before its first packet") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error})") from error
    if not notes and count not in (len(packets), _UNKNOWN):
        notes.append(f"the file says it holds {count} packets, there are {len(packets)}")
    return Contents(tuple(packets), tuple(notes))


def _packets(file: gzip.GzipFile, notes: list[str]) -> Iterator[bytes]:
    for number in range(_MOST_PACKETS):
        size = file.read(_SIZE.size)
        if not size:
            return
        length = _SIZE.unpack(size)[0] if len(size) == _SIZE.size else 0
        if not 0 < length <= _MOST_BYTES:
            notes.append(f"the file is damaged after {number} packets; the rest is left out")
            return
        packet = file.read(length)
        if len(packet) < length:
            notes.append(f"the file is cut off after {number} packets")
            return
        yield packet
    notes.append(f"only the first {_MOST_PACKETS} packets are read")


class Recorder:
    """Writes a file, under the name ``NAME.part`` until it is whole.

    After a kill the part can be read as a file that was cut off.

    Raises:
        OutputError: the system refuses.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._error: OSError | None = None
        self._part = path.with_name(path.name + ".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = gzip.open(self._part, "wb", compresslevel=3)  # noqa: SIM115
            self._file.write(_HEAD.pack(_VERSION, _UNKNOWN))
        except OSError as error:
            raise self._refused(error) from error

    def _refused(self, error: OSError) -> OutputError:
        return OutputError(
            f"cannot write {self.path}: {error.strerror or error}. Choose another file or disk."
        )

    def write(self, packet: bytes) -> None:
        """Append a packet. What the system refuses ends the recording, and :meth:`close` tells."""
        if self._error is not None:
            return
        try:
            self._file.write(_SIZE.pack(len(packet)) + packet)
            self.count += 1
            if self.count % _FLUSH_EVERY == 0:
                self._file.flush()
        except OSError as error:
            self._error = error

    def close(self) -> None:
        """Give the file its number of packets and its name; closing twice is allowed.

        Raises:
            OutputError: the system refuses; the part stays.
        """
        if self._file.closed:
            return
        if self._error is not None:
            with suppress(OSError):
                self._file.close()
            raise self._refused(self._error)
        whole = self.path.with_name(self.path.name + ".whole.part")
        try:
            self._file.close()
            # The number stands before the packets, and is known only now.
            with gzip.open(self._part, "rb") as part, gzip.open(whole, "wb") as file:
                part.read(_HEAD.size)
                file.write(_HEAD.pack(_VERSION, self.count))
                while piece := part.read(1 << 20):
                    file.write(piece)
            whole.replace(self.path)
            self._part.unlink()
        except OSError as error:
            raise self._refused(error) from error

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
