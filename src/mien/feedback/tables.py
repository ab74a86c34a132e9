"""The tables of the store, as SQLAlchemy sees them; :mod:`.migrations` makes them."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import JSON, DateTime, Dialect, LargeBinary, String, TypeDecorator, Uuid
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from ..arrays import Array
from ..errors import InputError
from ..types import N_LANDMARKS, Landmarks
from .submission import CROP_SIDE, Model, Submission

__all__ = ["Base", "Deletion", "Row", "Utc", "row_of", "submission_of"]


class Utc(TypeDecorator[datetime]):
    """A moment, in UTC; SQLite has no time zones and would forget it."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC, without a zone where the database keeps none."""
        if value is None:
            return None
        moment = value.astimezone(timezone.utc)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """With its zone."""
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=timezone.utc)


class Base(DeclarativeBase):
    """What all tables have in common."""


class Row(Base):
    """A correction; see :class:`.submission.Submission`."""

    __tablename__ = "submissions"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    person: Mapped[str] = mapped_column(String(64), index=True)
    time: Mapped[datetime] = mapped_column(Utc, index=True)
    consent: Mapped[str] = mapped_column(String(16))
    model: Mapped[str] = mapped_column(String(64))
    version: Mapped[str] = mapped_column(String(64))
    sha256: Mapped[str] = mapped_column(String(64))
    engine: Mapped[str] = mapped_column(String(64))
    said: Mapped[list[float]] = mapped_column(JSON)
    label: Mapped[str] = mapped_column(String(16))
    width: Mapped[int]
    height: Mapped[int]
    landmarks: Mapped[bytes] = mapped_column(LargeBinary)
    crop: Mapped[bytes | None] = mapped_column(LargeBinary)


class Deletion(Base):
    """What was deleted stays so, though a copy of it may still be on its way.

    ``key`` is the SHA-256 of a deleted person's token or the id of a submission that was taken
    back; both are random and say nothing about anybody.
    """

    __tablename__ = "deletions"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    time: Mapped[datetime] = mapped_column(Utc)


def row_of(submission: Submission) -> dict[str, Any]:
    """The columns of a submission."""
    width, height = submission.landmarks.size
    return {
        "id": submission.id,
        "person": submission.person,
        "time": submission.time,
        "consent": submission.consent,
        "model": submission.model.name,
        "version": submission.model.version,
        "sha256": submission.model.sha256,
        "engine": submission.engine,
        "said": [float(p) for p in submission.said],
        "label": submission.label,
        "width": width,
        "height": height,
        "landmarks": submission.landmarks.points.astype("<f4").tobytes(),
        "crop": None if submission.crop is None else submission.crop.tobytes(),
    }


def submission_of(row: Row) -> Submission:
    """A row as it was handed in.

    Raises:
        InputError: others have written into the table, or a newer mien; the message has the id.
    """
    try:
        return _submission_of(row)
    except InputError as error:
        problem = str(error)
    except (TypeError, ValueError, AttributeError) as error:
        problem = f"this is no feedback: {error}"
    raise InputError(f"the row {row.id} of the feedback cannot be read ({problem})")


def _submission_of(row: Row) -> Submission:
    points = _array("landmarks", row.landmarks, "<f4", (N_LANDMARKS, 3)).astype(np.float32)
    crop = None
    if row.crop is not None:
        crop = _array("crop", row.crop, "u1", (CROP_SIDE, CROP_SIDE))
    return Submission(
        id=row.id,
        person=row.person,
        consent=row.consent,
        model=Model(row.model, row.version, row.sha256),
        engine=row.engine,
        said=np.array(row.said, np.float32),
        label=row.label,
        landmarks=Landmarks(points, (row.width, row.height)),
        crop=crop,
        time=row.time,
    )


def _array(what: str, data: bytes, dtype: str, shape: tuple[int, int]) -> Array:
    wanted = np.dtype(dtype).itemsize * shape[0] * shape[1]
    if len(data) != wanted:
        raise InputError(f"{what} has {wanted} bytes, got {len(data)}")
    return np.frombuffer(data, dtype).reshape(shape)
