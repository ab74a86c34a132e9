"""Sets with classes as samples: parts, pictures, missed faces, copies, and what is told of them."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mien.arrays import Array
from mien.channels import EMOTIONS
from mien.errors import InputError
from mien.lab import datasets
from mien.lab.datasets import emotions
from mien.lab.datasets.emotions import read_at
from mien.lab.datasets.found import Archive, Found
from mien.topology import CANONICAL

FER = "fer2013-emotions"
MEMBERS = (
    "test/fear/PrivateTest_3.jpg",
    "test/happy/PublicTest_2.jpg",
    "train/angry/Training_0.jpg",
    "train/neutral/Training_1.jpg",
)


def laid_out(folder: Path, members: tuple[str, ...] = MEMBERS, name: str = "fer2013") -> Path:
    for shade, member in enumerate(members):
        written(folder / name / member, 40 * (shade + 1))
    return folder


def written(path: Path, shade: int, shape: tuple[int, ...] = (48, 48)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full(shape, shade % 256, np.uint8))


@pytest.fixture(autouse=True)
def engines_that_miss_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(archive: Archive, variant: int = 0, workers: int | None = None) -> Found:
        count = len(archive.members)
        points = np.repeat((CANONICAL * [4, -4, -4] + [60, 60, 0])[None], count, 0)
        points = points.astype(np.float32)
        points[-1] = np.nan
        size = np.full((count, 2), 232, np.int32)
        return Found(points, points.copy(), np.full((count, 52), np.nan, np.float32), size)

    monkeypatch.setattr(emotions, "find", find)


def told(target: Array) -> list[str]:
    return [EMOTIONS[i] for i in target.argmax(1)]


def test_parts_classes_and_pictures(tmp_path: Path) -> None:
    samples = datasets.read(FER, laid_out(tmp_path), {"images": True})
    assert samples.split == ["test", "validation", "train", "train"]
    assert told(samples.target) == ["fear", "happy", "angry", "neutral"]
    assert (samples.target.sum(1) == 1).all()
    assert samples.subjects[0] == "PrivateTest_3.jpg"
    assert samples.image is not None
    np.testing.assert_allclose(samples.image.mean((1, 2)), [40, 80, 120, 160], atol=2)


def test_a_face_that_was_not_found_is_a_sample_without_landmarks(tmp_path: Path) -> None:
    samples = datasets.read(FER, laid_out(tmp_path), {})
    assert samples.engine == ["facemesh"] * 3 + ["none"]
    assert samples.image is None
    assert not samples.aligned[-1].any()
    np.testing.assert_allclose(samples.aligned[0], CANONICAL, atol=1e-3)


def test_pixels_do_without_landmarks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(emotions, "find")
    options = {"images": True, "landmarks": False}
    samples = datasets.read(FER, laid_out(tmp_path), options)
    assert samples.engine == ["none"] * 4
    assert "facemesh" not in datasets.coverage(FER, tmp_path, options)


def test_the_table_and_the_folders_hold_the_same(tmp_path: Path) -> None:
    for name, quality in (("csv", 0), ("folders", 1)):
        (tmp_path / name).mkdir()
        if quality:
            laid_out(tmp_path / name, tuple(m.replace(".jpg", ".png") for m in MEMBERS))
    lines = [
        f"{emotion},{' '.join([str(level)] * 2304)},{usage}"
        for emotion, level, usage in (
            (2, 40, "PrivateTest"), (3, 80, "PublicTest"), (0, 120, "Training"),
            (6, 160, "Training"),
        )
    ]  # fmt: skip
    (tmp_path / "csv" / "fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *lines]))
    one, other = (
        datasets.read(FER, tmp_path / name, {"images": True}) for name in ("csv", "folders")
    )
    assert one.split == other.split
    np.testing.assert_array_equal(one.target, other.target)
    assert one.image is not None
    assert other.image is not None
    np.testing.assert_array_equal(one.image, other.image)


def test_folders_without_official_names(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    members = ("test/happy/0.jpg", "train/angry/0.jpg", "train/happy/0.jpg")
    samples = datasets.read(FER, laid_out(tmp_path, members), {})
    assert samples.split == ["validation", "train", "train"]
    assert "test/ is taken as the validation part" in caplog.text
    assert len(set(samples.subjects)) == 3
    three = (*members, "validation/sad/1.jpg")
    samples = datasets.read(FER, laid_out(tmp_path / "three", three), {})
    assert samples.split == ["test", "train", "train", "validation"]


def test_votes_are_the_truth_of_all_parts(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pixels = [" ".join([str(level)] * 2304) for level in range(4)]
    parts = ("Training", "Training", "PublicTest", "Training")
    rows = [f"0,{p},{u}" for p, u in zip(pixels, parts, strict=True)]
    (tmp_path / "fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *rows]))
    titles = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear"
    said = (
        "5,0,0,5,0,0,0,0,0,0",
        "0,0,0,0,0,0,0,9,1,0",
        "0,9,0,0,1,0,0,0,0,0",
        "0" + ",0" * 8 + ",9",
    )
    votes = [f"{u},fer.png,{v}" for u, v in zip(parts, said, strict=True)]
    (tmp_path / "fer2013new.csv").write_text("\n".join([f"{titles},contempt,unknown,NF", *votes]))
    samples = datasets.read(FER, tmp_path, {"votes": True, "images": True})
    assert samples.names == ["Training_00000", "PublicTest_00002"]
    assert samples.target[0, [EMOTIONS.index("neutral"), EMOTIONS.index("sad")]].tolist() == [
        0.5,
        0.5,
    ]
    assert told(samples.target)[1] == "happy"
    assert samples.image is not None
    assert samples.image[:, 0, 0].tolist() == [0, 2]
    for line in ("1 pictures are left out: contempt", "1 pictures are left out: no face"):
        assert line in caplog.text
    counts = datasets.coverage(FER, tmp_path, {"votes": True})
    assert (counts["left out: contempt"], counts["left out: no face"]) == (1, 1)
    assert told(datasets.read(FER, tmp_path, {}).target) == ["angry"] * 4


def test_people_of_ck_stay_in_one_part(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for person in range(30):
        for i, name in enumerate(("anger", "happy", "contempt")):
            written(tmp_path / "CK+48" / name / f"S{person:03}_00{i}_00000011.png", 3 * person + i)
    samples = datasets.read("ckplus", tmp_path, {"images": True})
    assert len(samples) == 60
    parts = {who: set() for who in samples.subjects}  # type: dict[str, set[str]]
    for who, part in zip(samples.subjects, samples.split, strict=True):
        parts[who].add(part)
    assert len(parts) == 30
    assert {len(part) for part in parts.values()} == {1}
    assert set(samples.split) == {"train", "validation", "test"}
    assert "30 pictures are left out: contempt" in caplog.text
    assert "there are no pictures of disgust, fear, sad, surprise, neutral" in caplog.text
    assert datasets.coverage("ckplus", tmp_path, {})["left out: contempt"] == 30


def test_any_folders(tmp_path: Path) -> None:
    options = {"path": "mine", "names": {"joy": "happy"}, "landmarks": False, "images": True}
    for i in range(40):
        written(tmp_path / "mine" / "joy" / f"{i}.png", i, (64, 80, 3))
    samples = datasets.read("emotion-folders", tmp_path, options)
    assert set(told(samples.target)) == {"happy"}
    assert samples.names[0] == "mine/joy/0.png"
    picture = datasets.picture("emotion-folders", tmp_path, samples.names[0])
    assert picture is not None
    assert picture.shape == (192 + 80, 240 + 80, 3)
    assert datasets.coverage("emotion-folders", tmp_path, options)["pictures"] == 40


@pytest.mark.parametrize("duplicates", ["keep", "drop"])
def test_copies_across_parts(
    duplicates: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = laid_out(tmp_path)
    written(folder / "fer2013/train/sad/Training_7.jpg", 80)  # as PublicTest_2
    written(folder / "fer2013/train/angry/Training_8.jpg", 120)  # as Training_0
    samples = datasets.read(FER, folder, {"duplicates": duplicates, "landmarks": False})
    assert ("train/sad/Training_7.jpg" in samples.names) == (duplicates == "keep")
    assert "train/angry/Training_8.jpg" in samples.names
    assert "1 pictures of the train part are in the validation part too" in caplog.text
    assert ("are dropped" in caplog.text) == (duplicates == "drop")
    assert "with two classes or more: 1" in caplog.text
    counts = datasets.coverage(FER, folder, {"duplicates": duplicates, "landmarks": False})
    assert counts == {
        "pictures": 6, "damaged": 0, "more than once": 2, "copies to spare": 2,
        "train in validation too": 1, "train in test too": 0, "validation in test too": 0,
        "with copies of another class": 1,
    }  # fmt: skip


def test_damaged_pictures_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (laid_out(tmp_path) / "fer2013" / MEMBERS[2]).write_bytes(b"no picture")
    samples = datasets.read(FER, tmp_path, {"landmarks": False})
    assert len(samples) == 3
    assert "1 of 4 pictures are damaged and left out" in caplog.text
    assert "there are no pictures of angry, disgust, sad, surprise" in caplog.text
    for member in MEMBERS:
        (tmp_path / "fer2013" / member).write_bytes(b"")
    with pytest.raises(InputError, match="none of its 4 pictures decodes"):
        datasets.read(FER, tmp_path, {"landmarks": False})


def test_a_class_that_train_lacks_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    members = tuple(f"test/{name}/PublicTest_{i}.jpg" for i, name in enumerate(EMOTIONS))
    datasets.read(FER, laid_out(tmp_path, (*members, *MEMBERS[2:])), {"landmarks": False})
    assert "the train part has no pictures of disgust, fear, happy, sad, surprise" in caplog.text


@pytest.mark.parametrize(
    ("member", "message"),
    [
        ("train/bored/Training_0.jpg", r"folders that name no class: 'bored' \(1\)"),
        (
            "train/happy/mine.jpg",
            "begins with none of Training, PublicTest, .*, and others",
        ),
        ("happy.jpg", "happy.jpg lies beside the folders"),
    ],
)
def test_another_layout_is_refused(member: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        datasets.read(FER, laid_out(tmp_path, (*MEMBERS, member)), {})


def test_unofficial_names_in_no_part_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"happy/1.jpg is in no part: expected train/<class>/"):
        datasets.read(FER, laid_out(tmp_path, ("happy/1.jpg",)), {})


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (FER, {}, r"not in .*: expected fer2013\.csv .*train/<class>/.*--data"),
        (FER, {"votes": True}, "votes need fer2013.csv"),
        (FER, {"vote": True}, "did you mean votes"),
        (FER, {"duplicates": "remove"}, "duplicates is one of keep, drop"),
        (FER, {"workers": -1}, "workers is 0 or more"),
        ("ckplus", {}, r"not in .*: expected `CK\+48.zip` or a folder"),
        ("ckplus", {"votes": True}, "votes is not a key"),
        ("emotion-folders", {}, "path is the name of a zip file or folder"),
        ("emotion-folders", {"path": "../a"}, "path is the name of a zip file or folder"),
        ("emotion-folders", {"path": "mine"}, "not in .*: expected `mine`, a zip file or folder"),
    ],
)
def test_what_is_not_there_or_not_known(
    name: str, options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        datasets.read(name, tmp_path, options)


def test_a_set_anywhere_is_read_whole(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    members = ("train/happy/1.png", "train/sad/2.png", "contempt/3.png")
    place = laid_out(tmp_path, members, "set") / "set"
    samples, counts = read_at(place)
    assert Counter(samples.split) == {"test": 2}
    assert samples.image is not None
    assert (counts["pictures"], counts["left out: contempt"]) == (3, 1)
    assert "too" not in caplog.text


@pytest.mark.parametrize("name", ["fer2013.zip"])
def test_the_real_one_is_that_of_the_landmarks(name: str, shared: Path) -> None:
    if not (shared / "data" / name).is_file():
        pytest.skip(f"needs {name}")
    labelled = emotions._fer(shared / "data", emotions.FerOptions())
    from mien.lab.datasets.photos import fer2013_archive

    assert labelled.archive == fer2013_archive(shared / "data")  # so that they share a cache
    assert Counter(labelled.split) == {"train": 28709, "validation": 3589}
