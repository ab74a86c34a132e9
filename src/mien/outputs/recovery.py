"""What an interrupted capture left in a folder, made whole again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..channels import EMOTIONS, shares
from ..errors import InputError, OutputError
from .files import is_locked, output_error, part_path, write_json_atomic
from .schema import faces_schema
from .table import FORMATS_KEY, JOURNAL, PARQUET, TextFile, write_parquet

__all__ = ["Recovered", "recover"]

SUMMARY = "summary.json"
"""As a capture that ends well writes it; see :func:`mien.job.summary`."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """What :func:`recover` made.

    Attributes:
        files: whole files under their own names.
        rows: rows in the table.
        dropped_bytes: length of the end of the journal that could not be read: a batch that was
            being written when the capture broke off. 0 when nothing was lost.
    """

    files: tuple[Path, ...]
    rows: int
    dropped_bytes: int


class _Journal:
    """Reads the whole batches of a journal that may break off anywhere."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._good = 0
        self._size = path.stat().st_size
        try:
            with pa.OSFile(str(path), "rb") as file, pa.ipc.open_stream(file) as stream:
                self.schema: pa.Schema = stream.schema
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(
                f"{path} ({self._size:,} bytes) breaks off before its first row, or is no journal "
                "of mien: there is nothing to recover. Remove it to use the folder again."
            ) from error

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The batches in order, up to the first that is not whole."""
        with pa.OSFile(str(self.path), "rb") as file, pa.ipc.open_stream(file) as stream:
            self._good = file.tell()
            while True:
                try:
                    batch = stream.read_next_batch()
                    batch.validate()
                except StopIteration:
                    self._good = self._size
                    return
                except (pa.ArrowInvalid, OSError):
                    return
                self._good = file.tell()
                yield batch

    @property
    def dropped_bytes(self) -> int:
        """Bytes after the last whole batch, once the batches have been read."""
        return self._size - self._good


def recover(folder: Path | str, *, overwrite: bool = False) -> Recovered:
    """Finish what a killed capture, a crash or a full disk left unfinished.

    The journal ``faces.arrows.part`` becomes ``faces.parquet``, and the CSV and JSON lines that
    the capture was writing are written anew from it; then it is removed. ``summary.json`` gets what
    the rows tell. Videos (``*.mp4.part``, also one folder down) can be played as they are and get
    their own name.

    Args:
        folder: output folder of the capture.
        overwrite: replace files that have the names already.

    Raises:
        InputError: there is nothing to recover, or nothing that can be read.
        OutputError: the capture still runs, a file exists already, or the system refuses. The
            journal then stays.
    """
    folder = Path(folder)
    if not folder.is_dir():
        what = "is a file, expected a folder" if folder.exists() else "no such folder"
        raise InputError(f"{folder}: {what}; name the folder that was given to capture with -o")
    journal_path = part_path(folder / JOURNAL)
    videos = sorted({*folder.glob("*.mp4.part"), *folder.glob("*/*.mp4.part")})
    if not journal_path.exists() and not videos:
        raise InputError(
            f"{folder} holds no unfinished capture (no {journal_path.name}, no *.mp4.part): "
            "there is nothing to recover; name the folder that was given to capture with -o"
        )
    files: list[Path] = []
    rows = dropped = 0
    if journal_path.exists():
        files, rows, dropped = _recover_table(folder, journal_path, overwrite)
    for part in videos:
        target = part.with_suffix("")
        _check_free(target, overwrite)
        part.replace(target)
        files.append(target)
    return Recovered(tuple(files), rows, dropped)


def _check_idle(folder: Path, journal: Path) -> None:
    if is_locked(journal):
        raise OutputError(f"{folder} is still being written. Wait until the capture has ended.")


def _check_free(path: Path, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise OutputError(
            f"{path} exists already. Move it away, or replace it with --overwrite; the unfinished "
            "capture is kept."
        )


def _recover_table(folder: Path, path: Path, overwrite: bool) -> tuple[list[Path], int, int]:
    try:
        _check_idle(folder, path)
        journal = _Journal(path)
        about = dict(journal.schema.metadata or {})
        formats = json.loads(about.pop(FORMATS_KEY, b"{}"))
        targets = [folder / PARQUET, *(folder / name for name in formats.get("names", ()))]
        tally = _Tally()
        made = _made_from(targets[0], about)
        texts = [target for target in targets[1:] if not (made and target.exists())]
        for target in texts if made else targets:
            _check_free(target, overwrite)
        if made:  # killed between the renaming of the table and the removal of its journal
            rows = sum(batch.num_rows for batch in tally.of(journal.batches()))
        else:
            schema = faces_schema().with_metadata(about)
            rows = write_parquet(targets[0], schema, tally.of(journal.batches()))
        for target in texts:
            _write_text(TextFile(target, landmarks=formats["landmarks"]), journal)
        if overwrite or not (folder / SUMMARY).exists():
            write_json_atomic(folder / SUMMARY, tally.summary(about, journal.dropped_bytes))
            targets.append(folder / SUMMARY)
        path.unlink()
    except (OSError, OutputError) as error:
        cause = error.__cause__ if isinstance(error, OutputError) else error
        if not isinstance(cause, OSError):
            raise
        raise output_error(cause, folder, f"The capture is still safe in {path}.") from cause
    return targets, rows, journal.dropped_bytes


class _Tally:
    """What the rows of a journal tell about the capture."""

    def __init__(self) -> None:
        self._ids: dict[str, Counter[int]] = {}
        self._looks: dict[str, dict[int, Counter[str]]] = {}
        self._frames: Counter[str] = Counter()

    def of(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The same batches, looked at on their way."""
        before = None
        for batch in batches:
            columns = (batch.column(name).to_pylist() for name in ("source", "frame", "face_id"))
            for source, frame, face, looks in zip(*columns, _looks(batch), strict=True):
                self._ids.setdefault(source, Counter())[face] += 1
                if looks is not None:
                    known = self._looks.setdefault(source, {})
                    known.setdefault(face, Counter())[looks] += 1
                self._frames[source] += (source, frame) != before
                before = (source, frame)
            yield batch

    def summary(self, about: Mapping[bytes, bytes], dropped: int) -> dict[str, Any]:
        """What a capture writes at its end, with null for what the rows do not tell.

        Args:
            about: metadata of the table.
            dropped: bytes of the journal that could not be read.
        """
        notes = ["sources and frames without a face are not known after a recovery"]
        if dropped:
            notes.append(f"the last {dropped} bytes of the journal were cut off and are lost")
        known = {key.decode(): value.decode() for key, value in about.items()}
        threshold = known.get("mien.mouth_threshold")
        heads = [part.split("=", 1) for part in known.get("mien.heads", "").split(",") if part]
        calibration = json.loads(known.get("mien.calibration", "null"))
        return {
            "mien": known.get("mien.version"),
            "engine": known.get("mien.engine"),
            "heads": dict(heads),
            "calibration": calibration and calibration["name"],
            "smoothing": json.loads(known.get("mien.smoothing", "null")),
            "mouth_threshold": None if threshold is None else float(threshold),
            "interrupted": True,
            "recovered": True,
            "notes": notes,
            "seconds": None,
            "frames": None,
            "faces": sum(sum(ids.values()) for ids in self._ids.values()),
            "sources": [
                {
                    "name": name,
                    "spec": None,
                    "kind": None,
                    "frames": None,
                    "frames_with_faces": self._frames[name],
                    "faces": sum(ids.values()),
                    "frames_by_id": dict(ids),
                    "emotions_by_id": {
                        face: shares(counts) for face, counts in self._looks.get(name, {}).items()
                    },
                    "milliseconds": {},
                    "notes": [],
                    "error": None,
                }
                for name, ids in self._ids.items()
            ],
        }


def _looks(batch: pa.RecordBatch) -> list[str | None]:
    """The likeliest emotion of each row, or None."""
    column = batch.column(batch.schema.get_field_index("emotion"))
    values = column.flatten().to_numpy(zero_copy_only=False).reshape(-1, len(EMOTIONS))
    known = ~np.isnan(values).any(axis=1)
    best = np.nan_to_num(values).argmax(axis=1)
    return [EMOTIONS[i] if there else None for i, there in zip(best, known, strict=True)]


def _write_text(text: TextFile, journal: _Journal) -> None:
    try:
        for batch in journal.batches():
            text.append(batch)
        text.file.commit()
    except BaseException:
        text.file.discard()
        raise


def _made_from(parquet: Path, about: dict[bytes, bytes]) -> bool:
    """Whether this table was made from the journal with this metadata."""
    if not parquet.exists():
        return False
    try:
        made: dict[bytes, bytes] = pq.read_schema(parquet).metadata or {}
    except (pa.ArrowInvalid, OSError):
        return False
    created = b"mien.created"
    return created in about and made.get(created) == about[created]
