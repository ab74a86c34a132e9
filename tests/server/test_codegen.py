import json
import re
from pathlib import Path

import pytest

from mien.server import codegen, wire

ROOT = Path(__file__).parents[2]


def test_the_committed_files_are_up_to_date():
    folder = ROOT / "web" / "src" / "generated"
    told = "run `python -m mien.server.codegen` and commit what it writes"
    assert (folder / "wire.ts").read_text("utf-8") == codegen.wire_ts(), told
    assert json.loads((folder / "openapi.json").read_text("utf-8")) == json.loads(
        codegen.openapi_json()
    ), told


def numbers(name: str) -> dict[str, int]:
    body = re.search(rf"const {name} = {{(.*?)}} as const", codegen.wire_ts(), re.DOTALL)[1]
    return {key: int(value) for key, value in re.findall(r"(\w+): (\d+)", body)}


def test_offsets_are_those_of_the_packed_bytes(message):
    frame = numbers("FRAME")
    data = message(b"", 3, sequence=77, time=2.5, size=(640, 480))
    read = lambda name: int.from_bytes(data[frame[name] : frame[name] + 4], "little")  # noqa: E731
    assert [read(name) for name in ("magic", "encoding", "sequence", "width", "height")] == [
        wire.MAGIC, 3, 77, 640, 480
    ]  # fmt: skip
    assert list(numbers("FACE")) == [name for name, _ in wire.FACE_BLOCK]
    face, length = numbers("FACE"), numbers("FACE_LENGTH")
    ends = [face[name] + length[name] for name in face]
    assert [0, *ends[:-1]] == list(face.values())
    assert f"FACE_FLOATS = {ends[-1]};" in codegen.wire_ts()


def test_it_writes_checks_and_tells(tmp_path, capsys):
    arguments = ["--web", str(tmp_path)]
    assert codegen.main([*arguments, "--check"]) == 1
    assert not list(tmp_path.iterdir())
    assert codegen.main(arguments) == 0
    assert codegen.main([*arguments, "--check"]) == 0
    path = tmp_path / "src" / "generated" / "wire.ts"
    path.write_text(path.read_text("utf-8").replace("VERSION = 1", "VERSION = 7"), "utf-8")
    capsys.readouterr()
    assert codegen.main([*arguments, "--check"]) == 1
    assert "-export const WIRE_VERSION = 7;" in capsys.readouterr().out
    assert codegen.main(arguments) == 0
    assert codegen.main([*arguments, "--check"]) == 0


@pytest.mark.parametrize("variable", ["MIEN_MAX_FACES", "MIEN_PORT"])
def test_settings_do_not_get_into_the_schema(monkeypatch, variable):
    before = codegen.openapi_json()
    monkeypatch.setenv(variable, "3")
    assert codegen.openapi_json() == before
