from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import pytest

from mien.errors import InputError
from mien.morphable import ict
from mien.zoo import SPECS, ModelSpec, find, listing
from mien.zoo.spec import several

GOOD = ModelSpec(
    name="toy",
    file="toy.bin",
    url="https://example.org/toy.bin",
    sha256="0" * 64,
    size=1,
    licence="MIT",
    summary="nothing",
)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": ""}, "lower case"),
        ({"name": "Toy"}, "lower case"),
        ({"name": "-toy"}, "lower case"),
        ({"file": ""}, "plain file name"),
        ({"file": "../toy.bin"}, "plain file name"),
        ({"file": "a/b"}, "plain file name"),
        ({"file": ".."}, "plain file name"),
        ({"url": ""}, "https"),
        ({"url": "http://example.org/toy.bin"}, "https"),
        ({"url": "http://localhost.example.org/toy.bin"}, "https"),
        ({"url": "file:///etc/passwd"}, "https"),
        ({"sha256": "0" * 63}, "64 hex"),
        ({"sha256": "G" * 64}, "64 hex"),
        ({"size": 0}, "positive"),
    ],
)
def test_a_spec_that_cannot_be_true_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        dataclasses.replace(GOOD, **change)


TABLE = {
    "url": "https://example.org/kit/",
    "licence": "MIT",
    "files": {"LICENSE": [3, "0" * 64], "folder/a.obj": [5, "1" * 64]},
}


def test_a_model_of_several_files_is_told_by_their_table() -> None:
    kit = several("kit-1", TABLE, "two files")
    assert (kit.name, kit.file, kit.url) == ("kit-1", "kit-1", "https://example.org/kit/")
    assert (kit.size, kit.licence, kit.summary) == (8, "MIT", "two files")
    assert [part.file for part in kit.parts] == ["LICENSE", "a.obj"]
    assert kit.parts[1].url == "https://example.org/kit/folder/a.obj"
    listed = f"{'0' * 64}  LICENSE\n{'1' * 64}  a.obj\n"
    assert kit.sha256 == hashlib.sha256(listed.encode()).hexdigest()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"size": 9}, "all parts together"),
        ({"sha256": "0" * 64}, "list of its parts"),
        ({"url": "https://example.org/other/"}, "no part of it"),
        ({"name": "other"}, "no part of it"),
    ],
)
def test_parts_that_are_not_of_the_whole_are_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        dataclasses.replace(several("kit", TABLE, ""), **change)


def test_two_parts_may_not_share_a_name() -> None:
    files = {"one/a.obj": [3, "0" * 64], "two/a.obj": [5, "1" * 64]}
    with pytest.raises(ValueError, match="share a file name"):
        several("kit", TABLE | {"files": files}, "")


def test_the_listed_files_are_those_that_the_reader_needs() -> None:
    kit = find("ict-facekit")
    shapes = [name for parts in ict.shapes().values() for name in parts]
    needed = {f"{shape}.obj" for shape in shapes}
    needed |= {"generic_neutral_mesh.obj", "vertex_indices.json"}
    assert {part.file for part in kit.parts} == needed | {"LICENSE"}


def test_the_listing_writes_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "FaceXModel").mkdir()
    texts = {
        "LICENSE": "MIT",
        "FaceXModel/vertex_indices.json": '{"expressions": ["jawOpen"]}',
        "FaceXModel/generic_neutral_mesh.obj": "v 0 0 0",
        "FaceXModel/jawOpen.obj": "v 0 1 0",
    }
    for place, text in {**texts, "FaceXModel/identity000.obj": "not listed"}.items():
        (tmp_path / place).write_text(text)
    found = listing.table(tmp_path)
    assert found["files"] == {
        place: [len(text), hashlib.sha256(text.encode()).hexdigest()]
        for place, text in texts.items()
    }


@pytest.mark.parametrize("url", ["http://localhost:1/m", "http://127.0.0.1/m", "http://[::1]/m"])
def test_plain_http_is_allowed_within_this_machine(url: str) -> None:
    assert dataclasses.replace(GOOD, url=url).url == url


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("face_landmarks", "did you mean face_landmarker"),
        ("FaceLandmarker", "did you mean face_landmarker"),
        ("xyz", "known are: face_landmarker"),
        ("", "known are: face_landmarker"),
    ],
)
def test_an_unknown_name_lists_the_near_ones(name: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        find(name)


def test_specs_are_found_by_their_name_and_do_not_share_a_file() -> None:
    assert all(find(name).name == name for name in SPECS)
    assert len({model.file for model in SPECS.values()}) == len(SPECS)
    assert "face_landmarker" in SPECS
