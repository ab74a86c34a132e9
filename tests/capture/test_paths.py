from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mien.capture import PICTURES, VIDEOS, expand, open_source
from mien.errors import InputError


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (
        "take10.jpg", "take2.JPG", "take1.png", "notes.txt", ".hidden.jpg", "Zoo/a.mp4",
        "Zoo/deep/b10.webm", "Zoo/deep/b9.webm", "Zoo/deep/readme.md", ".git/c.jpg",
        "texts/one.txt", "empty/.keep", "[odd] name.jpg",
    ):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ([], []),
        (["take10.jpg", "take2.JPG"], ["take10.jpg", "take2.JPG"]),
        (["notes.txt"], ["notes.txt"]),
        (["take*"], ["take1.png", "take2.JPG", "take10.jpg"]),
        (["*.jpg"], ["[odd] name.jpg", "take10.jpg"]),
        (["[odd] name.jpg"], ["[odd] name.jpg"]),
        (["Zoo"], ["Zoo/a.mp4", "Zoo/deep/b9.webm", "Zoo/deep/b10.webm"]),
        (["Zoo/**/*.webm"], ["Zoo/deep/b9.webm", "Zoo/deep/b10.webm"]),
        (["Zoo/**"], ["Zoo/a.mp4", "Zoo/deep/b9.webm", "Zoo/deep/b10.webm"]),
        (["Zo?"], ["Zoo/a.mp4", "Zoo/deep/b9.webm", "Zoo/deep/b10.webm"]),
        (["take1.png", "take*"], ["take1.png", "take2.JPG", "take10.jpg"]),
        (["./take1.png", "take1.png"], ["./take1.png"]),
        (["-", "-"], ["-"]),
        (["camera:0", "take1.png"], ["camera:0", "take1.png"]),
        (["camera:1?size=640x480"], ["camera:1?size=640x480"]),
        (["0"], ["camera:0"]),
        (["*.jpg", "-", "Zoo/a.mp4"], ["[odd] name.jpg", "take10.jpg", "-", "Zoo/a.mp4"]),
    ],
)
def test_expansion(args: list[str], expected: list[str], tree: Path):
    assert expand(args) == [part if part[0] == "." else str(Path(part)) for part in expected]


def test_paths_are_taken_too(tree: Path):
    assert expand([tree / "take1.png"]) == [str(tree / "take1.png")]


def test_a_folder_in_natural_order_without_hidden_and_foreign_files(tree: Path):
    skipped: list[str] = []
    found = expand(["."], on_skip=skipped.append)
    assert found == [
        str(Path(name))
        for name in (
            "[odd] name.jpg", "take1.png", "take2.JPG", "take10.jpg", "Zoo/a.mp4",
            "Zoo/deep/b9.webm", "Zoo/deep/b10.webm",
        )
    ]  # fmt: skip
    assert sorted(skipped) == ["Zoo/deep/readme.md", "notes.txt", "texts/one.txt"]


def test_a_file_with_a_number_for_a_name_is_a_file(tree: Path):
    (tree / "0").touch()
    assert expand(["0"]) == ["0"]


@pytest.mark.parametrize(
    ("arg", "message"),
    [
        ("empty", r"empty: the folder holds no pictures or videos; name a file"),
        ("texts", r"texts: the folder holds no pictures or videos, only 1 of other types"),
        ("*.gif", r"\*\.gif: no file matches"),
        ("*.txt", r"\*\.txt: the pattern holds no pictures or videos, only 1 of other types"),
        ("nowhere/*.jpg", r"no file matches"),
        ("take3.jpg", r"take3\.jpg: no such file or folder; did you mean take"),
        ("xylophone", r"xylophone: no such file or folder; .* has \d+ others"),
        ("nowhere/a.jpg", r"no such file, and no folder nowhere either"),
        ("", r"an empty name: expected a file"),
        ("https://example.org/a.mp4", r"addresses are not opened, .* pipe it"),
        ("rtsp://10.0.0.1/stream", r"addresses are not opened"),
        ("v4l2:/dev/video0", r"addresses are not opened"),
        ("/dev/video7", r"is a camera; name it camera:7"),
        ("camera:0?size=big", r"is not an option"),
    ],
)
def test_what_cannot_be_expanded(arg: str, message: str, tree: Path):
    with pytest.raises(InputError, match=message):
        expand([arg])


@pytest.mark.skipif(os.name == "nt", reason="Windows needs a privilege for links")
def test_links_that_go_round_end(tree: Path):
    (tree / "Zoo" / "round").symlink_to(tree / "Zoo")
    assert len(expand(["Zoo"])) == 3


@pytest.mark.skipif(os.name == "nt", reason="Windows needs a privilege for links")
@pytest.mark.parametrize("opener", [open_source, lambda path: expand([path])])
def test_a_link_that_leads_nowhere(opener: Callable[[Path], object], tree: Path):
    (tree / "link.jpg").symlink_to(tree / "gone.jpg")
    with pytest.raises(InputError, match=r"link\.jpg: is a link to .*gone\.jpg, which does not"):
        opener(tree / "link.jpg")


def test_a_folder_that_cannot_be_read(tree: Path, monkeypatch: pytest.MonkeyPatch):
    original = os.scandir

    def forbidden(path: str) -> object:
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", str(path))
        return original(path)

    monkeypatch.setattr(os, "scandir", forbidden)
    with pytest.raises(InputError, match=r"deep: the folder cannot be read \(Permission denied\)"):
        expand(["Zoo"])


def test_types_are_lower_case_and_apart():
    assert not PICTURES & VIDEOS
    assert all(end == end.lower() and end.startswith(".") for end in PICTURES | VIDEOS)


def test_all_media_are_found_and_open(shared: Path):
    found = expand([shared / "media"])
    assert len(found) == 31
    for path in found:
        with open_source(path) as source:
            assert source.kind == ("still" if path.endswith(".jpg") else "video")
