"""The table of faces: ``faces.parquet`` always, CSV and JSON lines on wish.

A Parquet file is unreadable until its footer is written. So rows go into a journal first, an
Arrow stream that is whole after every batch, and become Parquet when the writer closes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import OutputError
from ..types import Observation
from .files import PartFile, output_error, part_path, replacing
from .rows import RowBuffer
from .schema import COLUMNS, faces_schema
from .text import csv_header, csv_rows, json_rows

__all__ = [
    "CSV",
    "FORMATS_KEY",
    "JOURNAL",
    "JSONL",
    "PARQUET",
    "TableWriter",
    "TextFile",
    "write_parquet",
]

PARQUET = "faces.parquet"
CSV = "faces.csv"
JSONL = "faces.jsonl"
JOURNAL = "faces.arrows"

_END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"
FORMATS_KEY = b"mien.formats"
"""Key in the journal's metadata: which text files belong to it."""

_ROW_GROUP = 1024
"""Rows of a row group, about 7 MB in memory: few enough to stay small, enough to compress."""

_FLOATS = [c.name for c in COLUMNS if c.type == "float"] + [
    f"{c.name}.list.element" for c in COLUMNS if c.type == "floats"
]


class TextFile:
    """One text format of the table, growing batch by batch.

    Args:
        path: final name; the suffix decides between CSV and JSON lines.
        landmarks: whether a CSV gets the 1,434 columns of the landmarks.
    """

    def __init__(self, path: Path, *, landmarks: bool = False) -> None:
        self._make: Callable[[pa.RecordBatch], bytes]
        self.file = PartFile(path)
        if path.suffix == ".csv":
            self._make = lambda batch: csv_rows(batch, landmarks=landmarks)
            self.file.append(csv_header(landmarks=landmarks))
        else:
            self._make = json_rows

    def append(self, batch: pa.RecordBatch) -> None:
        """Write the rows of a batch."""
        self.file.append(self._make(batch))


class TableWriter:
    """Writes observations into a folder as they come; memory does not grow with their number.

    While it is open, rows are in ``faces.arrows.part`` (and ``faces.csv.part``,
    ``faces.jsonl.part``), brought up to date every ``batch_rows`` rows or ``batch_seconds``. On
    closing, also after an exception such as Ctrl-C, they become ``faces.parquet``,
    ``faces.csv`` and ``faces.jsonl``. After a kill :func:`mien.outputs.recover` does the same.

    Args:
        folder: made when it is missing.
        csv: also write CSV, without the landmarks.
        csv_landmarks: also write CSV, with the landmarks.
        jsonl: also write JSON lines.
        overwrite: replace the results of an earlier capture instead of refusing.
        engine, heads, settings: what made the numbers; kept in the file's metadata.
        batch_rows: rows kept in memory at most.
        batch_seconds: age at which rows are written even when there are fewer; looked at whenever
            an observation comes.

    Raises:
        OutputError: the folder holds results already, is not writable, or is being written.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        csv: bool = False,
        csv_landmarks: bool = False,
        jsonl: bool = False,
        overwrite: bool = False,
        engine: str | None = None,
        heads: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
        batch_rows: int = 64,
        batch_seconds: float = 2.0,
    ) -> None:
        self.folder = Path(folder)
        self.path = self.folder / PARQUET
        names = [CSV] * (csv or csv_landmarks) + [JSONL] * jsonl
        if not overwrite:
            _refuse_existing(self.folder, [PARQUET, *names])
        created = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        self._schema = faces_schema(engine=engine, heads=heads, settings=settings, created=created)
        self._buffer = RowBuffer(batch_rows, self._schema)
        self._batch_seconds = batch_seconds
        self._closed = False
        self._done: tuple[int, list[int]] = (0, [])
        """Rows saved, and how long the files were then; one value, so that it changes at once."""
        self._journal = PartFile(self.folder / JOURNAL)
        self._texts: list[TextFile] = []
        try:
            with self._guarding():
                for name in names:
                    text = TextFile(self.folder / name, landmarks=csv_landmarks)
                    self._texts.append(text)
                formats = json.dumps({"names": names, "landmarks": csv_landmarks}).encode()
                about = {**self._buffer.schema.metadata, FORMATS_KEY: formats}
                schema = self._buffer.schema.with_metadata(about)
                self._journal.append(memoryview(schema.serialize()))
        except BaseException:
            for file in self._files():
                file.discard()
            raise
        self._done = (0, [file.size for file in self._files()])
        self._last = time.monotonic()

    @property
    def rows(self) -> int:
        """Rows taken so far."""
        return self._buffer.end

    @property
    def saved(self) -> int:
        """Rows that would survive a kill."""
        return self._done[0]

    def write(self, observation: Observation, source: str) -> None:
        """Add one row for each face of an observation; none when there is no face.

        Args:
            observation: what the tracker saw in one frame.
            source: name of the photo, video or camera.

        Raises:
            OutputError: the rows could not be written; those written before are safe, and the
                message says where.
        """
        if self._closed:
            raise OutputError(f"the table in {self.folder} is closed already; open a new writer")
        for face in observation.faces:
            if self._buffer.full:
                self.flush()
            self._buffer.add(observation, face, source)
        if self._buffer.full or time.monotonic() - self._last >= self._batch_seconds:
            self.flush()

    def flush(self) -> None:
        """Bring the files up to date.

        Raises:
            OutputError: the system refuses. Nothing is lost that was written before.
        """
        self._last = time.monotonic()
        saved, sizes = self._done
        if saved == self.rows:
            return
        batch = self._buffer.view(saved)
        with self._guarding():
            for file, size in zip(self._files(), sizes, strict=True):
                file.rewind(size)  # an interrupt may have come in the middle of the last flush
            self._journal.append(memoryview(batch.serialize()))
            for text in self._texts:
                text.append(batch)
        self._done = (saved + batch.num_rows, [file.size for file in self._files()])
        self._buffer.clear()

    def close(self) -> None:
        """Finish the files under their own names. Closing twice does nothing.

        Raises:
            OutputError: the system refuses; the journal stays and can be recovered.
        """
        if self._closed:
            return
        try:
            self.flush()
            with self._guarding():
                self._journal.append(_END_OF_STREAM)
                write_parquet(self.path, self._schema, _batches(self._journal.part))
                for text in self._texts:
                    text.file.commit()
        except BaseException:
            self._keep()
            raise
        self._closed = True
        self._journal.discard()

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _files(self) -> list[PartFile]:
        return [self._journal, *(text.file for text in self._texts)]

    def _keep(self) -> None:
        self._closed = True
        for file in self._files():
            file.keep()

    @contextmanager
    def _guarding(self) -> Iterator[None]:
        """Turn what the system says into an error that tells what is safe; then stop writing."""
        try:
            yield
        except (OSError, OutputError) as error:
            self._keep()
            if not self.saved:
                safe = "Nothing had been written yet."
            else:
                safe = (
                    f"{self.saved:,} of {self.rows:,} rows are safe in {self._journal.part}; "
                    f"'mien recover {self.folder}' turns them into {PARQUET}."
                )
            cause = error if isinstance(error, OSError) else error.__cause__
            if isinstance(cause, OSError):
                raise output_error(cause, self.folder, safe) from cause
            raise


def _refuse_existing(folder: Path, names: list[str]) -> None:
    if part_path(folder / JOURNAL).exists():
        raise OutputError(
            f"{folder} holds an unfinished capture. Finish it with 'mien recover {folder}', choose "
            "another folder, or overwrite it with --overwrite."
        )
    for name in names:
        if (folder / name).exists():
            raise OutputError(
                f"{folder / name} exists already. Choose another folder, or replace it with "
                "--overwrite."
            )


def _batches(journal: Path) -> Iterator[pa.RecordBatch]:
    with pa.OSFile(str(journal), "rb") as file, pa.ipc.open_stream(file) as stream:
        yield from stream


def write_parquet(path: Path, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
    """Write the batches of a journal as Parquet, a row group at a time.

    Args:
        path: final name.
        schema: of :func:`faces_schema`.
        batches: with sources as plain strings.

    Returns:
        the number of rows.

    Raises:
        OutputError: the system refuses; no half file remains.
    """
    rows = 0
    pending: list[pa.RecordBatch] = []

    def write_group() -> None:
        table = pa.Table.from_batches(pending)
        source = table.column(0).combine_chunks().dictionary_encode()
        arrays = [source, *table.columns[1:]]
        writer.write_table(pa.Table.from_arrays(arrays, schema=schema), row_group_size=_ROW_GROUP)
        pending.clear()

    with replacing(path) as part, pq.ParquetWriter(
        part, schema, compression="zstd", use_dictionary=["source"],
        use_byte_stream_split=_FLOATS,
    ) as writer:  # fmt: skip
        waiting = 0
        for batch in batches:
            pending.append(batch)
            waiting += batch.num_rows
            rows += batch.num_rows
            if waiting >= _ROW_GROUP:
                write_group()
                waiting = 0
        if pending:
            write_group()
    return rows
