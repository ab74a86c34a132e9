"""A SQLite and a PostgreSQL for every test, and submissions to put into them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest

pytest.importorskip("sqlalchemy", reason="feedback: pip install 'mien[feedback]'")

import sqlalchemy as sa

from mien.feedback import Model, Submission, person_of
from mien.feedback.store import url_of
from mien.topology import CANONICAL
from mien.types import Landmarks

from .cluster import Cluster, binaries, cluster

TOKEN = "ada-has-a-token-that-is-long"  # noqa: S105
PERSON = person_of(TOKEN)
OTHER = person_of("bob-has-another-one-as-long")


def submission(number: int = 1, **changes: Any) -> Submission:
    """A correction; its landmarks and its crop tell its number."""
    random = np.random.default_rng(number)
    points = (CANONICAL * np.float32(20) + 300 + random.normal(0, 1, (478, 3))).astype(np.float32)
    values: dict[str, Any] = {
        "id": UUID(int=number),
        "person": PERSON,
        "consent": "1",
        "model": Model("emotion", "1.0", "ab" * 32),
        "engine": "facemesh",
        "said": np.array([0.1, 0.1, 0.1, 0.4, 0.1, 0.1, 0.1], np.float32),
        "label": "sad",
        "landmarks": Landmarks(points, (640, 480)),
        "crop": random.integers(0, 255, (48, 48)).astype(np.uint8) if number % 2 else None,
    }
    return Submission(**(values | changes))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    if binaries() is None:
        pytest.skip("no PostgreSQL on this machine (Debian: apt-get install postgresql)")
    with cluster() as running:
        yield running


@pytest.fixture
def empty_postgres(postgres: Cluster) -> str:
    """The URL of a database without tables."""
    engine = sa.create_engine(url_of(postgres.url(), Path()))
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE IF EXISTS submissions, deletions, alembic_version"))
    engine.dispose()
    return postgres.url()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/feedback/feedback.sqlite"
    made: str = request.getfixturevalue("empty_postgres")
    return made
