"""Folders named after classes: what is understood, and what is refused with which words."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mien.channels import EMOTIONS
from mien.errors import InputError
from mien.lab.datasets.folders import Crops, Labelled, in_folders, layout
from mien.lab.datasets.found import SUFFIXES
from mien.lab.datasets.samples import split_of


def laid_out(place: Path, files: Mapping[str, bytes] | list[str]) -> Path:
    """A folder, or a zip file where the name ends so; the pictures themselves are never looked at.

    Names that end in ``/`` are empty folders.
    """
    contents = files if isinstance(files, Mapping) else dict.fromkeys(files, b"")
    if place.suffix == ".zip":
        with zipfile.ZipFile(place, "w") as opened:
            for name, data in contents.items():
                opened.writestr(name, data)
        return place
    for name, data in contents.items():
        path = place / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.write_bytes(data)
    return place


def told(found: Labelled) -> dict[str, tuple[str, str]]:
    """Class and part of every picture that is read."""
    names = [found.archive.members[row] for row in found.rows]
    classes = [EMOTIONS[i] for i in found.target.argmax(1)]
    return dict(zip(names, zip(classes, found.split, strict=True), strict=True))


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("anger", "angry"),
        ("Angry", "angry"),
        ("0_angry", "angry"),
        ("disgusted", "disgust"),
        ("FEAR", "fear"),
        ("fearful", "fear"),
        ("happiness", "happy"),
        ("sadness", "sad"),
        ("surprised", "surprise"),
        ("06 - Neutral", "neutral"),
    ],
)
def test_names_of_classes_are_taken_leniently(folder: str, name: str, tmp_path: Path) -> None:
    found = in_folders(laid_out(tmp_path / "set", [f"{folder}/1.png"]))
    assert told(found)[f"{folder}/1.png"][0] == name
    assert found.left_out == {}


@pytest.mark.parametrize("name", ["set", "set.zip"])
@pytest.mark.parametrize("above", ["", "data/", "a/b/"])
def test_a_zip_file_and_a_folder_hold_the_same_at_any_depth(
    name: str, above: str, tmp_path: Path
) -> None:
    files = [f"{above}{c}/{i}.PNG" for c in ("happy", "sad", "contempt") for i in range(3)]
    others = [f"{above}readme.txt", f"__MACOSX/{above}happy/._0.PNG", ".DS_Store"]
    found = in_folders(laid_out(tmp_path / name, files + others))
    assert list(told(found)) == sorted(files)[3:]
    assert found.left_out == {"contempt": 3}
    # Every picture is a person of its own, also where files of two classes share a name.
    assert len(set(found.subjects)) == 6
    assert list(found.split) == [split_of(who) for who in found.subjects]


def test_folders_below_a_class_belong_to_it(tmp_path: Path) -> None:
    found = in_folders(laid_out(tmp_path / "set", ["fear/S005/1.png", "happy/sad/2.png"]))
    assert {name: c for name, (c, _) in told(found).items()} == {
        "fear/S005/1.png": "fear",
        "happy/sad/2.png": "sad",
    }


@pytest.mark.parametrize(
    "files",
    [
        ["Train/happy/1.png", "val/happy/2.png", "testing/happy/3.png"],
        ["train_set/happy/1.png", "Validation Set/happy/2.png", "TEST/happy/3.png"],
        ["FER2013Train/happy/1.png", "FER2013Valid/happy/2.png", "FER2013Test/happy/3.png"],
        ["TRAINSET/happy/1.png", "val_data/happy/2.png", "test images/happy/3.png"],
        ["Training/happy/1.png", "PublicTest/happy/2.png", "PrivateTest/happy/3.png"],
        ["happy/train/1.png", "happy/val/2.png", "happy/test/3.png"],
        ["train/happy/test/1.png", "val/happy/Train/2.png", "test/happy/Val_Kilmer/3.png"],
    ],
)
def test_parts_are_those_that_folders_name(files: list[str], tmp_path: Path) -> None:
    found = in_folders(laid_out(tmp_path / "set", files))
    assert [told(found)[name][1] for name in files] == ["train", "validation", "test"]


@pytest.mark.parametrize(
    "name",
    ["train-and-test/happy", "emotion test data/happy", "happy/Val_Kilmer", "happy/Test Pilot"],
)
def test_names_that_only_hold_the_word_name_no_part(name: str, tmp_path: Path) -> None:
    files = [f"{name}/{i}.png" for i in range(60)]
    found = in_folders(laid_out(tmp_path / "set", [*files, "training_logs/log.txt"]))
    assert set(found.split) == {"train", "validation", "test"}


def test_without_a_validation_part_some_of_train_is_that(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = [f"{part}/happy/{i}.png" for part in ("train", "test") for i in range(60)]
    found = in_folders(laid_out(tmp_path / "set", files))
    split = list(found.split)
    assert split[:60] == ["test"] * 60
    assert 2 < split[60:].count("validation") < 20
    assert split[60:].count("train") + split[60:].count("validation") == 60
    assert "names no validation part" in caplog.text


def test_a_whole_set_is_one_part(tmp_path: Path) -> None:
    place = laid_out(tmp_path / "set", ["train/happy/1.png", "sad/2.png", "test/"])
    assert list(in_folders(place, whole=True).split) == ["test", "test"]


def test_people_stay_in_one_part(tmp_path: Path) -> None:
    files = [f"{c}/S{i:03}_{k}.png" for c in ("happy", "sad") for i in range(20) for k in (1, 2)]
    found = in_folders(laid_out(tmp_path / "CK+48", files), subjects=r"^S\d+")
    where = dict(zip(found.subjects, found.split, strict=True))
    assert len(where) == 20
    assert all(where[who] == part for who, part in zip(found.subjects, found.split, strict=True))
    grouped = in_folders(tmp_path / "CK+48", subjects=r"^S(\d+)_")
    assert set(grouped.subjects) == {f"{i:03}" for i in range(20)}


def test_further_names(tmp_path: Path) -> None:
    place = laid_out(tmp_path / "set", ["1/a.png", "Joy/b.png", "bored/c.png", "sad/d.png"])
    found = in_folders(place, names={"1": "surprise", "joy": "happy", "Bored": "", "sad": ""})
    assert {c for c, _ in told(found).values()} == {"surprise", "happy"}
    assert found.left_out == {"Bored": 1, "sad": 1}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_kind_of_picture_is_read(suffix: str, tmp_path: Path) -> None:
    picture = np.full((9, 8) if suffix == ".pgm" else (9, 8, 3), 200, np.uint8)
    data = cv2.imencode(suffix, picture)[1].tobytes()
    found = in_folders(laid_out(tmp_path / "set", {f"happy/1{suffix.upper()}": data}))
    read = found.archive.raw(found.archive.members[0])
    assert read is not None
    assert np.abs(read.astype(int) - 200).max() < 5


def test_pictures_that_are_not_read_are_counted(tmp_path: Path) -> None:
    files = ["happy/1.png", "happy/2.gif", "sad/3.HEIC", "sad/4.svg", "sad/list.txt"]
    found = in_folders(laid_out(tmp_path / "set", files))
    assert found.left_out == {"files of a kind that is not read": 3}


def test_links_are_followed_and_lead_nobody_in_circles(tmp_path: Path) -> None:
    laid_out(tmp_path / "elsewhere", ["joyful/1.png", "joyful/more/2.png"])
    laid_out(tmp_path / "set", ["sad/3.png"])
    (tmp_path / "set/happy").symlink_to(tmp_path / "elsewhere/joyful", target_is_directory=True)
    (tmp_path / "set/surprise").symlink_to(tmp_path / "elsewhere/joyful/more")
    (tmp_path / "elsewhere/joyful/back").symlink_to(tmp_path / "set", target_is_directory=True)
    (tmp_path / "set/sad/self").symlink_to(tmp_path / "set/sad", target_is_directory=True)
    names = layout(tmp_path / "set").pictures
    assert names == ("happy/1.png", "happy/more/2.png", "sad/3.png", "surprise/2.png")


@pytest.mark.parametrize(
    ("files", "options", "message"),
    [
        ([], {}, "in it. Found: nothing. Expected: a folder for each class"),
        (["happy/a.gif"], {}, "there are no pictures (.jpg, .jpeg, .png, .webp, .bmp, .tif, .tiff, "
            ".pgm, .ppm) in it. Found: happy/a.gif"),
        (["readme.txt", "happy/"], {}, "in it. Found: readme.txt. Expected"),
        (["happy/", "sad/"], {}, "in it. Found: happy/, sad/. Expected"),
        (["1.png", "happy/2.png"], {}, "1.png lies beside the folders, in no class"),
        (
            ["bored/1.png", "bored/2.png", "tired/3.png", "happy/4.png"],
            {},
            "folders that name no class: 'bored' (2), 'tired' (1) (how many pictures). Classes are "
            'angry, disgust, fear, happy, sad, surprise, neutral. Say what such a folder holds, '
            'for instance --names bored=happy, in a recipe names = { "bored" = "happy" }, or leave '
            'it out: --names bored=, in a recipe names = { "bored" = "" }',
        ),
        ([f"class{i}x/1.png" for i in range(9)], {}, "and 3 more"),
        (["contempt/1.png"], {}, "no picture has one of our classes"),
        (["train/happy/1.png", "sad/2.png"], {}, "train/happy/1.png is in a part and sad/2.png in"),
        (["train/happy/1.png", "test/"], {}, "the test part is empty, there are no pictures below"),
        (["train/happy/1.png", "val/contempt/2.png"], {}, "the validation part is empty"),
        (["joy/1.png"], {"names": {"joy": "glad"}}, "'joy' is to be 'glad', which is none of"),
        (["happy/me.png"], {"subjects": r"^S\d+"}, "happy/me.png does not tell who is on it"),
        (["happy/me.png"], {"subjects": "("}, "'(' is no regular expression"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["set", "set.zip"])
def test_what_is_refused(
    name: str, files: list[str], options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    place = tmp_path / name
    if not files and place.suffix != ".zip":
        place.mkdir()
    with pytest.raises(InputError) as error:
        in_folders(laid_out(place, files), **options)
    assert message in str(error.value)
    assert (
        options.get("subjects") == "("
        or "names: " in str(error.value)
        or str(place) in str(error.value)
    )


def test_what_is_no_place(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no zip file or folder"):
        layout(tmp_path / "nowhere")
    (tmp_path / "bad.zip").write_bytes(b"PK no more")
    with pytest.raises(InputError, match="no whole zip file"):
        layout(tmp_path / "bad.zip")
    locked = laid_out(tmp_path / "locked.zip", ["happy/1.png"])
    data = bytearray(locked.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1  # the flag in the directory
    locked.write_bytes(data)
    with pytest.raises(InputError, match="locked by a password"):
        layout(locked)


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((48, 48), (192, 192)),
        ((480, 640), (192, 256)),
        ((30, 10), (576, 192)),
        ((5, 400), (10, 768)),
    ],
)
def test_engines_see_crops_of_one_size(
    shape: tuple[int, int], size: tuple[int, int], tmp_path: Path
) -> None:
    cv2.imwrite(str(tmp_path / "1.png"), np.full(shape, 90, np.uint8))
    seen = Crops(tmp_path, ("1.png",)).read("1.png")
    assert seen is not None
    assert seen.shape == (size[0] + 80, size[1] + 80, 3)  # with the border
    (tmp_path / "2.png").write_bytes(b"no picture")
    assert Crops(tmp_path, ("2.png",)).read("2.png") is None


def test_what_is_found_belongs_to_the_pictures_that_were_named(tmp_path: Path) -> None:
    place = laid_out(tmp_path / "set.zip", ["happy/1.png", "sad/2.png"])
    keys = {Crops(place, members).fingerprint() for members in (("a",), ("b",), ("a", "b"))}
    assert len(keys) == 3
