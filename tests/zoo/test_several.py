"""A model of several files: one folder, whole only when all of them are."""

from __future__ import annotations

import hashlib
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

from mien.errors import InputError, ModelMissing, OutputError
from mien.zoo import ModelSpec, cache, file, path, problem, pull
from mien.zoo.spec import several

from .conftest import Publisher

FILES = {
    "LICENSE": b"do what you like\n",
    "folder/big.obj": np.random.default_rng(8).bytes(200_000),
    "folder/small.obj": b"v 0 0 0\n",
}
TOTAL = sum(map(len, FILES.values()))


@pytest.fixture
def kit(publisher: Publisher, home: Path, monkeypatch: pytest.MonkeyPatch) -> ModelSpec:
    """The published model, known to the zoo by the name ``toy-kit``."""
    publisher.others = {f"/kit/{place}": content for place, content in FILES.items()}
    table = {
        "url": f"http://127.0.0.1:{publisher.port}/kit/",
        "licence": "CC0-1.0",
        "files": {p: [len(c), hashlib.sha256(c).hexdigest()] for p, c in FILES.items()},
    }
    kit = several("toy-kit", table, "three files")
    monkeypatch.setattr("mien.zoo.spec.SPECS", MappingProxyType({"toy-kit": kit}))
    return kit


def lying(kit: ModelSpec) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in file(kit).iterdir()} if file(kit).exists() else {}


WHOLE = {place.rpartition("/")[2]: content for place, content in FILES.items()}


def asked(publisher: Publisher) -> list[str]:
    return [a["path"].removeprefix("/kit/") for a in publisher.asked]


def test_every_file_comes_and_the_bytes_count_up_to_all(
    kit: ModelSpec, publisher: Publisher
) -> None:
    seen: list[tuple[int, int]] = []
    assert pull("toy-kit", progress=lambda done, total: seen.append((done, total))) == file(kit)
    assert path("toy-kit") == file(kit)
    assert lying(kit) == WHOLE
    assert asked(publisher) == list(FILES)
    assert seen[-1] == (TOTAL, TOTAL)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})


def test_what_is_there_is_not_fetched_again(kit: ModelSpec, publisher: Publisher) -> None:
    pull("toy-kit")
    pull("toy-kit", offline=True)
    (file(kit) / "small.obj").unlink()
    pull("toy-kit")
    assert asked(publisher) == [*FILES, "folder/small.obj"]


def test_a_pull_that_gave_up_goes_on_within_the_file(
    kit: ModelSpec, publisher: Publisher, waits: list[float]
) -> None:
    publisher.cuts = [len(FILES["LICENSE"]), 70_000, *[0] * 5]
    with pytest.raises(ModelMissing, match=r"70,000 of 200,000 .*mien pull toy-kit --from PATH"):
        pull("toy-kit")
    assert problem(kit) == "is not whole: 2 of 3 files are missing (big.obj, small.obj)"
    seen: list[int] = []
    pull("toy-kit", progress=lambda done, _: seen.append(done))
    assert publisher.offsets[-2:] == [70_000, 0]
    assert min(seen) > len(FILES["LICENSE"]) + 70_000
    assert lying(kit) == WHOLE


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (None, "is missing"),
        ({}, "is missing"),
        ({"LICENSE": b"other"}, "is not whole: 2 of 3 files are missing"),
        ({**WHOLE, "small.obj": b"v"}, "has small.obj, which is damaged: 1 bytes instead of 8"),
        ({**WHOLE, "small.obj": b"v 0 0 1\n"}, "has small.obj, which is damaged: SHA-256"),
        (WHOLE, None),
    ],
)
def test_the_folder_is_whole_or_says_what_is_wrong(
    kit: ModelSpec, publisher: Publisher, change: dict[str, bytes] | None, says: str | None
) -> None:
    if change is not None:
        file(kit).mkdir(parents=True)
    for name, content in (change or {}).items():
        (file(kit) / name).write_bytes(content)
    if says is None:
        assert problem(kit) is None
        return
    assert str(problem(kit)).startswith(says)
    with pytest.raises(ModelMissing, match="run `mien pull toy-kit`"):
        path("toy-kit")
    pull("toy-kit")
    assert lying(kit) == WHOLE


def test_good_files_are_hashed_once(kit: ModelSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    file(kit).mkdir(parents=True)
    for name, content in WHOLE.items():
        (file(kit) / name).write_bytes(content)
    read: list[str] = []
    real = cache.digest
    monkeypatch.setattr(cache, "digest", lambda p: (read.append(p.name), real(p))[1])
    assert problem(kit) is None
    assert problem(kit) is None
    assert read == list(WHOLE)


def test_wrong_content_of_one_is_not_kept(kit: ModelSpec, publisher: Publisher) -> None:
    publisher.others["/kit/folder/small.obj"] = b"v 1 1 1\n"
    with pytest.raises(ModelMissing, match=r"small\.obj is not the expected file"):
        pull("toy-kit")
    assert set(lying(kit)) == {"LICENSE", "big.obj"}


def test_a_file_that_is_gone_names_its_address(kit: ModelSpec, publisher: Publisher) -> None:
    publisher.statuses = [200, 404]
    with pytest.raises(ModelMissing, match=r"folder/big\.obj answers 404 .*--from PATH"):
        pull("toy-kit")


def test_offline_says_what_is_missing_and_where_it_goes(
    kit: ModelSpec, publisher: Publisher
) -> None:
    file(kit).mkdir(parents=True)
    (file(kit) / "LICENSE").write_bytes(FILES["LICENSE"])
    with pytest.raises(ModelMissing) as caught:
        pull("toy-kit", offline=True)
    wanted = ("2 of 3 files", "big.obj", kit.url, str(file(kit)), "mien pull toy-kit --from PATH")
    for needed in wanted:
        assert needed in str(caught.value)
    assert not publisher.asked


def test_a_full_disk_is_said_before_the_first_file(
    kit: ModelSpec, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        free = TOTAL - 1

    monkeypatch.setattr("shutil.disk_usage", lambda _: Full)
    with pytest.raises(OutputError, match=rf"disk is full \({TOTAL:,} bytes"):
        pull("toy-kit")
    assert not publisher.asked


def checkout(folder: Path, files: dict[str, bytes] = FILES) -> Path:
    """A copy in the layout of the makers."""
    for place, content in files.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_bytes(content)
    (folder / "README").write_text("not asked for")
    return folder


def tarred(kind: str) -> Callable[[Path], Path]:
    def pack(source: Path) -> Path:
        target = source.parent / f"copy.tar{kind and '.'}{kind}"
        with tarfile.open(target, f"w:{kind}") as archive:  # type: ignore[call-overload]
            archive.add(source, "kit-master")
        return target

    return pack


def zipped(source: Path) -> Path:
    target = source.parent / "copy.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for place in (*FILES, "README"):
            archive.write(source / place, f"kit-master/{place}")
    return target


def flat(source: Path) -> Path:
    target = source.parent / "flat"
    target.mkdir()
    for name, content in WHOLE.items():
        (target / name).write_bytes(content)
    return target


WAYS: dict[str, Callable[[Path], Path]] = {
    "the folder above": lambda source: source,
    "the folder of most files": lambda source: source / "folder",
    "a cache": flat,
    "tar": tarred(""),
    "tar.gz": tarred("gz"),
    "tar.xz": tarred("xz"),
    "zip": zipped,
}


@pytest.mark.parametrize("offline", [True, False])
@pytest.mark.parametrize("way", WAYS)
def test_from_a_copy(
    kit: ModelSpec, publisher: Publisher, tmp_path: Path, way: str, offline: bool
) -> None:
    source = WAYS[way](checkout(tmp_path / "copy"))
    assert pull("toy-kit", source=source, offline=offline) == file(kit)
    assert lying(kit) == WHOLE
    assert problem(kit) is None
    assert not publisher.asked


@pytest.mark.parametrize("way", ["the folder above", "tar.gz", "zip"])
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"folder/small.obj": b"v 1 1 1\n"}, r"small\.obj is not the expected one: SHA-256"),
        ({"folder/small.obj": b"v"}, r"lacks 1 of the 3 files of toy-kit.*folder/small\.obj"),
    ],
)
def test_from_a_copy_with_a_wrong_file(
    kit: ModelSpec, tmp_path: Path, way: str, change: dict[str, bytes], says: str
) -> None:
    source = WAYS[way](checkout(tmp_path / "copy", FILES | change))
    with pytest.raises(InputError, match=says):
        pull("toy-kit", source=source)
    # What was right stays; nothing else does.
    assert {name: c for name, c in WHOLE.items() if name != "small.obj"} == lying(kit)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, r"cannot be read \(No such file"),
        (b"", "cannot be read"),
        (b"not an archive", "cannot be read"),
        ("cut", "cannot be read to its end|cannot be read"),
    ],
)
def test_from_what_is_no_copy(
    kit: ModelSpec, tmp_path: Path, content: bytes | str | None, says: str
) -> None:
    source = tmp_path / "copy.tar.gz"
    if content == "cut":
        made = tarred("gz")(checkout(tmp_path / "copy"))
        made.write_bytes(made.read_bytes()[:100_000])
    elif isinstance(content, bytes):
        source.write_bytes(content)
    with pytest.raises(InputError, match=says):
        pull("toy-kit", source=source)
    assert not [name for name in lying(kit) if name.endswith(".part")]


def test_from_an_empty_folder(kit: ModelSpec, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"lacks 3 of the 3 files .*expected a folder or an arch"):
        pull("toy-kit", source=tmp_path / "empty")


def test_no_name_in_an_archive_leads_elsewhere(kit: ModelSpec, tmp_path: Path) -> None:
    source = tmp_path / "in" / "copy.zip"
    source.parent.mkdir()
    with zipfile.ZipFile(source, "w") as archive:
        for place, content in FILES.items():
            archive.writestr(f"../../{place}", content)
    pull("toy-kit", source=source)
    assert lying(kit) == WHOLE
    outside = {p.name for p in tmp_path.rglob("*") if p.is_file() and p.parent != file(kit)}
    assert outside == {"copy.zip", "verified.json", "toy-kit.lock"}


def test_from_itself_mends_nothing_and_breaks_nothing(kit: ModelSpec, publisher: Publisher) -> None:
    pull("toy-kit")
    pull("toy-kit", source=file(kit))
    assert lying(kit) == WHOLE


@pytest.mark.shared
def test_ict_facekit_is_what_its_table_says(shared: Path, home: Path) -> None:
    source = shared / "data" / "ict-facekit.tar.xz"
    folder = pull("ict-facekit", source=source)
    assert path("ict-facekit") == folder
    assert len(list(folder.iterdir())) == 56
