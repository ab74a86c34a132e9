from __future__ import annotations

import json
import os
from pathlib import Path

import platformdirs
import pytest

from mien.zoo import ModelSpec, cache, file, folder, problem

from .conftest import CONTENT


@pytest.fixture
def cached(model: ModelSpec) -> Path:
    """The model's file, in place as if somebody had copied it there."""
    path = file(model)
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files whose content was read."""
    read: list[Path] = []
    real = cache.digest

    def digest(path: Path) -> str:
        read.append(path)
        return real(path)

    monkeypatch.setattr(cache, "digest", digest)
    return read


def test_the_folder_is_the_users_cache_unless_mien_home_moves_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("MIEN_HOME", raising=False)
    assert folder() == platformdirs.user_cache_path("mien", False) / "models"
    monkeypatch.setenv("MIEN_HOME", "")
    assert folder() == platformdirs.user_cache_path("mien", False) / "models"
    monkeypatch.setenv("MIEN_HOME", str(tmp_path))
    assert folder() == tmp_path / "models"
    monkeypatch.setenv("MIEN_HOME", "relative")
    assert folder() == Path.cwd() / "relative" / "models"
    monkeypatch.setenv("MIEN_HOME", "~/mien")
    assert folder() == Path.home() / "mien" / "models"


def test_asking_creates_nothing(model: ModelSpec, home: Path) -> None:
    assert problem(model) == "is missing"
    assert not home.exists()


def test_a_good_file_is_hashed_once(model: ModelSpec, cached: Path, hashed: list[Path]) -> None:
    assert problem(model) is None
    assert problem(model) is None
    assert hashed == [cached]


def test_a_touched_file_is_hashed_again(model: ModelSpec, cached: Path, hashed: list[Path]) -> None:
    assert problem(model) is None
    os.utime(cached, ns=(1, 1))
    assert problem(model) is None
    assert len(hashed) == 2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is damaged: 0 bytes instead of 300,000"),
        (CONTENT[:-1], "is damaged: 299,999 bytes"),
        (CONTENT + b"x", "is damaged: 300,001 bytes"),
        (b"x" + CONTENT[1:], "is damaged: SHA-256"),
    ],
)
def test_a_damaged_file_is_noticed(
    model: ModelSpec, cached: Path, content: bytes, says: str
) -> None:
    assert problem(model) is None
    cached.write_bytes(content)
    # A change within the clock's grain must not hide behind the remembered time.
    os.utime(cached, ns=(2, 2))
    assert str(problem(model)).startswith(says)


def test_what_was_verified_for_one_hash_does_not_hold_for_another(
    model: ModelSpec, cached: Path
) -> None:
    assert problem(model) is None
    marks = json.loads((folder() / "verified.json").read_text())
    marks[model.file]["sha256"] = "0" * 64
    (folder() / "verified.json").write_text(json.dumps(marks))
    cached.write_bytes(b"x" + CONTENT[1:])
    assert str(problem(model)).startswith("is damaged")


@pytest.mark.parametrize("memory", ["", "{", "[]", '{"toy.bin": 3}'])
def test_a_broken_memory_only_costs_a_hash(model: ModelSpec, cached: Path, memory: str) -> None:
    (folder() / "verified.json").write_text(memory)
    assert problem(model) is None
    assert json.loads((folder() / "verified.json").read_text())[model.file]["size"] == len(CONTENT)


def test_a_cache_that_cannot_be_written_still_serves(
    model: ModelSpec, cached: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(cache, "remember", refuse)
    assert problem(model) is None


def test_a_folder_in_the_place_of_the_file_is_a_problem(model: ModelSpec) -> None:
    file(model).mkdir(parents=True)
    assert problem(model) is not None


def test_no_temporary_file_is_left(model: ModelSpec, cached: Path) -> None:
    assert problem(model) is None
    assert sorted(p.name for p in folder().iterdir()) == ["toy.bin", "verified.json"]
