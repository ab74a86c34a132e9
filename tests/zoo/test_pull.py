from __future__ import annotations

import dataclasses
import errno
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from mien.errors import InputError, ModelMissing, OutputError
from mien.zoo import SPECS, ModelSpec, file, path, problem, pull

from .conftest import CONTENT, Publisher

# ``mien.zoo.pull`` is the function; this is its module.
pull_module = sys.modules["mien.zoo.pull"]


def part_of(model: ModelSpec) -> Path:
    return file(model).with_name(f"{model.file}.{model.sha256[:8]}.part")


def left(model: ModelSpec) -> set[str]:
    """What lies in the cache, without the lock and the memory of hashes."""
    if not file(model).parent.exists():
        return set()
    names = {p.name for p in file(model).parent.iterdir()}
    return names - {"verified.json", f"{model.file}.lock"}


def test_path_of_a_missing_model_names_the_line_to_run(model: ModelSpec) -> None:
    with pytest.raises(ModelMissing, match="is missing; run `mien pull toy`"):
        path("toy")


def test_pull_then_path(model: ModelSpec, publisher: Publisher) -> None:
    seen: list[tuple[int, int]] = []
    target = pull("toy", progress=lambda done, total: seen.append((done, total)))
    assert target == path("toy") == file(model)
    assert target.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert left(model) == {"toy.bin"}


def test_what_is_there_is_not_fetched_again(model: ModelSpec, publisher: Publisher) -> None:
    pull("toy")
    pull("toy")
    assert len(publisher.asked) == 1


@pytest.mark.parametrize("offline", [True, False])
def test_what_is_there_needs_no_network(
    model: ModelSpec, publisher: Publisher, offline: bool
) -> None:
    pull("toy")
    publisher.statuses = [404]
    assert pull("toy", offline=offline).read_bytes() == CONTENT


def test_a_damaged_file_is_refused_by_path_and_replaced_by_pull(
    model: ModelSpec, publisher: Publisher
) -> None:
    pull("toy")
    file(model).write_bytes(b"x" * 10)
    with pytest.raises(ModelMissing, match=r"is damaged.*run `mien pull toy`"):
        path("toy")
    assert pull("toy").read_bytes() == CONTENT
    assert problem(model) is None


@pytest.mark.parametrize("etag", ['"one"', 'W/"weak"', None])
def test_a_cut_download_goes_on_where_it_ended(
    model: ModelSpec, publisher: Publisher, waits: list[float], etag: str | None
) -> None:
    publisher.etag = etag
    publisher.cuts = [100_000, 50_000]
    assert pull("toy").read_bytes() == CONTENT
    assert publisher.offsets == [0, 100_000, 150_000]
    if_range = [asked.get("if-range") for asked in publisher.asked]
    assert if_range == [None, *[etag if etag == '"one"' else None] * 2]
    assert left(model) == {"toy.bin"}


def test_the_next_call_goes_on_where_the_last_gave_up(
    model: ModelSpec, publisher: Publisher, waits: list[float]
) -> None:
    publisher.cuts = [100_000, *[0] * 5]
    with pytest.raises(ModelMissing, match=r"after 5 attempts \(100,000 of 300,000 bytes"):
        pull("toy")
    assert left(model) == {part_of(model).name, part_of(model).with_suffix(".etag").name}
    assert pull("toy").read_bytes() == CONTENT
    assert publisher.offsets == [0, *[100_000] * 6]


def test_a_file_that_changed_in_between_is_fetched_whole(
    model: ModelSpec, publisher: Publisher, waits: list[float]
) -> None:
    part_of(model).parent.mkdir(parents=True)
    part_of(model).write_bytes(b"old" * 100)
    part_of(model).with_suffix(".etag").write_text('"older"')
    assert pull("toy").read_bytes() == CONTENT
    assert publisher.offsets == [300]
    assert publisher.asked[0]["if-range"] == '"older"'


def test_a_server_without_ranges_sends_the_whole_again(
    model: ModelSpec, publisher: Publisher, waits: list[float]
) -> None:
    publisher.ranges = False
    publisher.cuts = [100_000]
    assert pull("toy").read_bytes() == CONTENT
    assert publisher.offsets == [0, 100_000]


@pytest.mark.parametrize("size", [len(CONTENT), len(CONTENT) + 5])
def test_a_piece_as_long_as_the_file_starts_over(
    model: ModelSpec, publisher: Publisher, size: int
) -> None:
    part_of(model).parent.mkdir(parents=True)
    part_of(model).write_bytes(b"x" * size)
    assert pull("toy").read_bytes() == CONTENT
    assert publisher.offsets == [0]


def test_a_wrong_piece_without_etag_is_noticed_and_fetched_anew(
    model: ModelSpec, publisher: Publisher
) -> None:
    part_of(model).parent.mkdir(parents=True)
    part_of(model).write_bytes(b"x" * 1000)
    assert pull("toy").read_bytes() == CONTENT
    assert publisher.offsets == [1000, 0]


def test_wrong_content_is_never_kept(model: ModelSpec, publisher: Publisher) -> None:
    publisher.content = b"x" + CONTENT[1:]
    with pytest.raises(ModelMissing, match=r"not the expected file.*--from PATH"):
        pull("toy")
    assert left(model) == set()


def test_wrong_content_in_pieces_ends_too(
    model: ModelSpec, publisher: Publisher, waits: list[float]
) -> None:
    publisher.content = b"x" + CONTENT[1:]
    publisher.cuts = [10, 10, 10, len(CONTENT), 10, 10]
    with pytest.raises(ModelMissing, match="not the expected file"):
        pull("toy")
    assert left(model) == set()


@pytest.mark.parametrize("content", [b"", b"an error page", CONTENT + b"x"])
def test_another_length_is_refused_before_anything_is_written(
    model: ModelSpec, publisher: Publisher, content: bytes
) -> None:
    publisher.content = content
    with pytest.raises(ModelMissing, match=rf"offers {len(content):,} bytes, expected 300,000"):
        pull("toy")
    assert left(model) == set()


def test_a_file_that_shrank_at_its_address(
    model: ModelSpec, publisher: Publisher, waits: list[float]
) -> None:
    part_of(model).parent.mkdir(parents=True)
    part_of(model).write_bytes(CONTENT[:1000])
    publisher.content = CONTENT[:500]
    with pytest.raises(ModelMissing, match="offers 500 bytes"):
        pull("toy")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_final_refusal_is_not_repeated(
    model: ModelSpec, publisher: Publisher, waits: list[float], status: int
) -> None:
    publisher.statuses = [status]
    with pytest.raises(ModelMissing, match=rf"answers {status} .*mien pull toy --from PATH"):
        pull("toy")
    assert len(publisher.asked) == 1
    assert not waits


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_passing_refusal_is_waited_out(
    model: ModelSpec, publisher: Publisher, waits: list[float], status: int
) -> None:
    publisher.statuses = [status] * 4
    assert pull("toy").read_bytes() == CONTENT
    assert waits == sorted(waits)
    assert len(waits) == 4


def test_a_server_that_is_not_there(
    model: ModelSpec, publisher: Publisher, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Port 1 of loopback is refused at once.
    away = dataclasses.replace(model, url="http://127.0.0.1:1/model.bin")
    monkeypatch.setattr("mien.zoo.spec.SPECS", {"toy": away})
    with pytest.raises(ModelMissing, match=r"could not be fetched.*after 5 attempts"):
        pull("toy")
    assert len(waits) == 4


@pytest.mark.parametrize(
    ("code", "attempts"), [(socket.EAI_NONAME, 1), (socket.EAI_AGAIN, 5)], ids=["offline", "busy"]
)
def test_a_name_that_does_not_resolve(
    model: ModelSpec,
    waits: list[float],
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    attempts: int,
) -> None:
    tried = []

    def resolve(*words: object, **named: object) -> None:
        tried.append(words)
        raise socket.gaierror(code, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(ModelMissing, match=r"no such name.*mien pull toy --from PATH"):
        pull("toy")
    assert len(tried) == attempts


def test_a_redirect_away_from_https_is_refused(model: ModelSpec, publisher: Publisher) -> None:
    publisher.redirect = "http://example.org/model.bin"
    with pytest.raises(ModelMissing, match="not https; refused"):
        pull("toy")


def test_the_proxy_of_the_system_is_used(
    model: ModelSpec, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{publisher.port}")
    assert pull("toy").read_bytes() == CONTENT
    # A proxy is asked for the whole address, a server for the path.
    assert publisher.asked[0]["path"] == model.url


def test_offline_says_where_the_file_goes(model: ModelSpec, publisher: Publisher) -> None:
    with pytest.raises(ModelMissing) as caught:
        pull("toy", offline=True)
    for needed in (model.url, model.sha256, str(file(model)), "mien pull toy --from PATH"):
        assert needed in str(caught.value)
    assert not publisher.asked


@pytest.mark.parametrize("offline", [True, False])
@pytest.mark.parametrize("as_folder", [True, False])
def test_from_a_local_copy(
    model: ModelSpec, publisher: Publisher, tmp_path: Path, offline: bool, as_folder: bool
) -> None:
    copy = tmp_path / (model.file if as_folder else "named otherwise")
    copy.write_bytes(CONTENT)
    source = tmp_path if as_folder else str(copy)
    assert pull("toy", source=source, offline=offline).read_bytes() == CONTENT
    assert path("toy") == file(model)
    assert not publisher.asked
    assert copy.exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read"),
        (b"", "is not toy.bin.*0 bytes"),
        (b"something else", "is not toy.bin"),
        (b"x" + CONTENT[1:], "is not toy.bin: SHA-256"),
    ],
)
def test_from_a_wrong_file(
    model: ModelSpec, tmp_path: Path, content: bytes | None, says: str
) -> None:
    copy = tmp_path / "copy.bin"
    if content is not None:
        copy.write_bytes(content)
    with pytest.raises(InputError, match=says):
        pull("toy", source=copy)
    assert left(model) == set()


def test_from_a_wrong_file_keeps_the_good_one(
    model: ModelSpec, publisher: Publisher, tmp_path: Path
) -> None:
    pull("toy")
    (tmp_path / "copy.bin").write_bytes(b"something else")
    with pytest.raises(InputError):
        pull("toy", source=tmp_path / "copy.bin")
    assert path("toy").read_bytes() == CONTENT


def test_from_replaces_a_damaged_file_by_itself_mended(
    model: ModelSpec, publisher: Publisher
) -> None:
    pull("toy")
    assert pull("toy", source=file(model)).read_bytes() == CONTENT


def test_pulls_at_the_same_time_fetch_once(model: ModelSpec, publisher: Publisher) -> None:
    publisher.gate.clear()
    started = threading.Barrier(5)

    def one() -> bytes:
        started.wait(10)
        return pull("toy").read_bytes()

    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(one) for _ in range(4)]
        started.wait(10)
        publisher.gate.set()
        assert [answer.result(10) for answer in answers] == [CONTENT] * 4
    assert len(publisher.asked) == 1


def test_a_lock_that_never_opens_is_named(
    model: ModelSpec, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = file(model).with_name("toy.bin.lock")
    lock.parent.mkdir(parents=True)
    monkeypatch.setattr(pull_module, "_PATIENCE", 0.0)
    with pull_module.FileLock(lock), pytest.raises(ModelMissing, match="another process"):
        pull("toy")
    assert not publisher.asked


def test_a_full_disk_is_said_before_the_download(
    model: ModelSpec, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = SimpleNamespace(disk_usage=lambda _: SimpleNamespace(free=1000))
    monkeypatch.setattr(pull_module, "shutil", usage)
    with pytest.raises(OutputError, match=r"disk is full \(300,000 bytes.*MIEN_HOME"):
        pull("toy")
    assert not publisher.asked


def test_a_disk_that_fills_up_while_copying(
    model: ModelSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(_: Path, part: Path) -> None:
        part.write_bytes(b"a beginning")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pull_module, "shutil", SimpleNamespace(copyfile=fill))
    (tmp_path / "copy.bin").write_bytes(CONTENT)
    with pytest.raises(OutputError, match="disk is full"):
        pull("toy", source=tmp_path / "copy.bin")
    assert left(model) == set()


@pytest.mark.parametrize("obstacle", ["file", "folder"])
def test_a_cache_that_cannot_be_written(model: ModelSpec, home: Path, obstacle: str) -> None:
    # Root may write anywhere, so the obstacle is one of kind rather than of permission.
    if obstacle == "file":
        home.write_text("in the way")
    else:
        file(model).mkdir(parents=True)
    with pytest.raises(OutputError, match=r"cannot write .*toy\.bin.*MIEN_HOME"):
        pull("toy")


def test_an_unknown_name_is_an_input_error(model: ModelSpec) -> None:
    for ask in (path, pull):
        with pytest.raises(InputError, match="did you mean toy"):
            ask("toys")


@pytest.mark.shared
def test_the_face_landmarker_is_the_file_of_its_spec(shared: Path, home: Path) -> None:
    pull("face_landmarker", source=shared / "models")
    assert path("face_landmarker").stat().st_size == SPECS["face_landmarker"].size
