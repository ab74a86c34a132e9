"""``mien feedback`` on the command line."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import numpy as np
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from mien.channels import EMOTIONS
from mien.errors import InputError, MienError, OutputError
from mien.feedback import Desk, StoreError, migrations
from mien.feedback import store as stores
from mien.feedback.command import app
from mien.feedback.export import SCHEMA
from mien.feedback.store import url_of

from .conftest import OTHER, TOKEN, submission

Run = Callable[..., str]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MIEN_FEEDBACK_URL", url)
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def run() -> Run:
    def command(*words: str) -> str:
        done = CliRunner().invoke(app, words)
        if isinstance(done.exception, MienError):
            raise done.exception
        assert done.exit_code == 0, done.output
        return " ".join(done.output.split())

    return command


def fill(url: str) -> None:
    desk = Desk(url)
    for made in (submission(1), submission(2, label="none"), submission(3, person=OTHER)):
        desk.hand_in(made)
    desk.queue.add(submission(4))
    desk.close()


def test_an_empty_store(run: Run, tmp_path: Path) -> None:
    assert "submissions 0 of 0 browsers" in run("status")
    assert "0 submissions" in run("export", "-o", str(tmp_path / "f.parquet"))
    assert pq.read_table(tmp_path / "f.parquet").num_rows == 0
    assert "0 submissions deleted" in run("delete", "--token", TOKEN)


def test_it_is_counted_exported_and_deleted(run: Run, tmp_path: Path, url: str) -> None:
    fill(url)
    said = run("status")
    assert "submissions 4 of 2 browsers" in said
    assert "with a picture 2" in said
    assert "none 1, sad 3" in said
    assert "emotion 1.0 4" in said
    assert "waiting in the queue 0" in said
    assert f"migration {migrations.head()}" in said
    assert "p@ss" not in said
    assert "p%40ss" not in said
    out = tmp_path / "f.parquet"
    assert "4 submissions in" in run("export", "-o", str(out))
    table = pq.read_table(out)
    assert table.schema.equals(SCHEMA)
    rows = {row["id"][-1]: row for row in table.to_pylist()}
    assert sorted(rows) == ["1", "2", "3", "4"]
    first = submission(1)
    np.testing.assert_array_equal(
        np.float32(rows["1"]["landmarks"]).reshape(478, 3), first.landmarks.points
    )
    assert rows["1"]["crop"] == first.crop.tobytes()
    assert rows["2"]["crop"] is None
    assert (rows["2"]["label"], rows["2"]["told"]) == ("none", "happy")
    assert sum(rows["1"][f"p_{name}"] for name in EMOTIONS) == pytest.approx(1)
    with pytest.raises(OutputError, match="exists already"):
        run("export", "-o", str(out))
    run("export", "-f", "-o", str(out))
    assert "3 submissions deleted" in run("delete", "--token", TOKEN)
    assert "submissions 1 of 1 browsers" in run("status")
    assert "1 submissions deleted" in run("delete", "--all", "--yes")
    assert "submissions 0 of 0 browsers" in run("status")


def test_what_is_left_out_and_what_waits_is_said(
    run: Run, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(url)
    engine = sa.create_engine(url_of(url, Path()))
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE submissions SET consent = '99' WHERE label = 'none'"))
    said = run("export", "-o", str(tmp_path / "f.parquet"))
    assert "3 submissions in" in said
    assert f"1 were left out; of the first: the row {UUID(int=2)}" in said
    engine.dispose()
    if not url.startswith("sqlite"):
        return
    monkeypatch.setattr(stores, "_WAIT", 0.1)
    with sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM submissions").fetchall()
        assert "still in its journal" in run("delete", "--token", TOKEN)
    reader.close()
    assert "still in its journal" not in run("delete", "--token", TOKEN)


def test_everybody_is_deleted_only_after_a_yes(url: str) -> None:
    fill(url)
    refused = CliRunner().invoke(app, ["delete", "--all"], input="n\n")
    assert refused.exit_code == 1
    desk = Desk(url)
    assert len(list(desk.submissions())) == 4
    desk.close()
    agreed = CliRunner().invoke(app, ["delete", "--all"], input="y\n")
    assert "4 submissions deleted" in agreed.output


def test_it_goes_down_and_up(run: Run, url: str) -> None:
    fill(url)
    steps = ["base", *migrations.revisions()]
    assert f"{steps[-1]} -> {steps[-2]}" in run("migrate", "down", "--yes")
    assert f"{steps[-2]} -> {steps[-1]}" in run("migrate", "up")
    assert f"{steps[-1]} -> base" in run("migrate", "down", "--to", "base", "--yes")
    assert "base -> base" in run("migrate", "down", "--yes")
    assert f"base -> {steps[1]}" in run("migrate", "up", "--to", steps[1])
    assert f"{steps[1]} -> {steps[-1]}" in run("migrate", "up")
    assert f"{steps[-1]} -> {steps[-1]}" in run("migrate", "up")
    kept = CliRunner().invoke(app, ["migrate", "down"], input="n\n")
    assert kept.exit_code == 1
    assert steps[-1] in run("status")


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (["delete"], InputError, "--token, or everybody with --all"),
        (["delete", "--token", TOKEN, "--all"], InputError, "--token, or everybody with --all"),
        (["delete", "--token", "short"], InputError, "22 to 128"),
        (["export", "-o", "f.csv"], InputError, r"\.parquet"),
        (["export", "-o", "/dev/null/f.parquet"], OutputError, "cannot write"),
        (["migrate", "down", "--to", "nowhere", "--yes"], InputError, "no migration"),
        (["status", "--url", "nonsense"], InputError, "MIEN_FEEDBACK_URL"),
        (["status", "--url", "sqlite:////dev/null/f.sqlite"], StoreError, "the queue is safe"),
    ],
)
def test_what_is_refused(run: Run, words: list[str], error: type[MienError], message: str) -> None:
    with pytest.raises(error, match=message):
        run(*words)
