"""Photographs as data sets: what is expected where, what is masked, what is counted."""

from __future__ import annotations

import logging
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.channels import ARKIT_52, index_of
from mien.engines.base import Detection
from mien.errors import InputError
from mien.lab import datasets
from mien.lab.datasets import found, photos
from mien.lab.datasets.found import Found
from mien.lab.datasets.samples import split_of
from mien.topology import CANONICAL
from mien.types import Frame, Landmarks


def laid_out(folder: Path, legend: str = "image,subject\na.jpg,Ada\nb.jpg,Bo\nc.jpg,Ada\n") -> Path:
    """A data folder with three pictures in ``faces``."""
    images = folder / "faces" / "images"
    images.mkdir(parents=True)
    for name in "abc":
        cv2.imwrite(str(images / f"{name}.jpg"), np.full((40, 40, 3), 90, np.uint8))
    if legend:
        (folder / "faces" / "legend.csv").write_text(legend)
    return folder


def seen(count: int) -> Found:
    """The canonical face in every picture, with a smile."""
    points = CANONICAL * [4, -4, -4] + [60, 60, 0]
    both = np.repeat(points[None].astype(np.float32), count, axis=0)
    shapes = np.full((count, 52), 0.1, np.float32)
    shapes[:, index_of("mouthSmileLeft")] = np.linspace(0, 1, count)
    shapes[:, index_of("tongueOut")] = np.nan
    return Found(both, both.copy(), shapes, np.full((count, 2), 120, np.int32))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("faces", r"expected `faces\.zip` or a folder `faces`, with images/ and legend\.csv"),
        ("fer2013", r"expected `fer2013\.zip` or a folder `fer2013`, with train/<class>"),
    ],
)
def test_a_missing_data_set_says_what_was_expected_where(
    name: str, expected: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=expected) as error:
        datasets.read(name, tmp_path, {})
    assert str(tmp_path) in str(error.value)
    assert "--data" in str(error.value)


def test_another_layout_is_refused(tmp_path: Path) -> None:
    (tmp_path / "faces.zip").write_bytes(b"no zip")
    with pytest.raises(InputError, match="no whole zip file"):
        photos.faces_archive(tmp_path)
    with zipfile.ZipFile(tmp_path / "fer2013.zip", "w") as archive:
        archive.writestr("somewhere/a.jpg", b"")
    with pytest.raises(InputError, match="laid out otherwise than expected"):
        photos.fer2013_archive(tmp_path)


def test_a_picture_that_is_damaged_inside_its_zip_file_is_counted(tmp_path: Path) -> None:
    picture = cv2.imencode(".jpg", np.full((40, 40, 3), 90, np.uint8))[1].tobytes()
    path = tmp_path / "fer2013.zip"
    for kind in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        with zipfile.ZipFile(path, "w", kind) as opened:
            for name in "ab":
                opened.writestr(f"train/happy/{name}.jpg", picture)
            place = opened.infolist()[1].header_offset + 60
        data = bytearray(path.read_bytes())
        data[place] ^= 0xFF
        path.write_bytes(data)
        found._opened.cache_clear()
        photos._archive.cache_clear()
        archive = photos.fer2013_archive(tmp_path)
        assert [archive.raw(member) is None for member in archive.members] == [False, True]


@pytest.mark.parametrize(
    ("legend", "message"),
    [
        ("", r"expected legend\.csv beside images/"),
        ("picture,who\na.jpg,Ada\n", "needs the columns image and subject, has picture, who"),
        ("\n", "has nothing"),
        ("image,subject\n", r"titles alone; expected a row for each of the 3 pictures"),
        ("image,subject\na.jpg,Ada\nb.jpg\nc.jpg,Ada\n", r"has no subject for b\.jpg"),
        ("image,subject\na.jpg,Ada\nc.jpg,Ada\n", r"does not say who is on images/b\.jpg"),
    ],
)
def test_a_legend_has_to_say_who_is_who(legend: str, message: str, tmp_path: Path) -> None:
    archive = photos.faces_archive(laid_out(tmp_path, legend))
    with pytest.raises(InputError, match=message):
        photos.subjects_of(archive)


def test_a_damaged_legend_is_named(tmp_path: Path) -> None:
    path = tmp_path / "faces.zip"
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr("images/a.jpg", b"")
        opened.writestr("legend.csv", "image,subject\na.jpg,Ada\n")
    path.write_bytes(path.read_bytes().replace(b"a.jpg,Ada", b"a.jpg,Bob"))
    with pytest.raises(InputError, match=r"legend\.csv is damaged .*; fetch it again"):
        photos.subjects_of(photos.faces_archive(tmp_path))


def test_links_to_folders_are_followed(tmp_path: Path) -> None:
    laid_out(tmp_path / "elsewhere")
    faces = tmp_path / "faces"
    faces.mkdir()
    (faces / "images").symlink_to(tmp_path / "elsewhere/faces/images", target_is_directory=True)
    names = ("images/a.jpg", "images/b.jpg", "images/c.jpg")
    assert photos.faces_archive(tmp_path).members == names


@pytest.mark.parametrize("packed", [False, True])
def test_pictures_are_known_by_their_suffix_in_any_letters(packed: bool, tmp_path: Path) -> None:
    names = ["a.jpg", "b.JPG", "c.png", "d.Jpeg", "e.webp", "f.txt", "jpg"]
    for name in names:
        place = tmp_path / "fer2013" / "train" / "happy" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"")
    if packed:
        with zipfile.ZipFile(tmp_path / "fer2013.zip", "w") as opened:
            for name in names:
                opened.writestr(f"train/happy/{name}", b"")
    archive = photos.fer2013_archive(tmp_path)
    assert archive.path.is_dir() is not packed
    assert [member.removeprefix("train/happy/") for member in archive.members] == names[:5]


def test_what_was_found_becomes_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answer = seen(3)
    answer.facemesh[1] = np.nan  # one engine misses it
    answer.size[2] = 0  # a damaged picture
    answer.facemesh[2] = answer.facelandmarker[2] = answer.shapes[2] = np.nan
    monkeypatch.setattr(photos, "find", lambda *_: answer)
    with caplog.at_level(logging.WARNING):
        samples = datasets.read("faces", laid_out(tmp_path), {})
    assert samples.names == ["images/a.jpg", "images/a.jpg", "images/b.jpg"]
    assert samples.engine == ["facemesh", "facelandmarker", "facelandmarker"]
    assert samples.split == [split_of("Ada"), split_of("Ada"), split_of("Bo")]
    masked = {ARKIT_52[i] for i in np.flatnonzero(np.isnan(samples.target).all(axis=0))}
    assert masked == {*photos.DEAD, "tongueOut"}
    assert "1 of 3 pictures are damaged and left out" in caplog.text


def test_coverage_counts_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = seen(3)
    answer.facemesh[1] = np.nan
    answer.size[2] = 0
    monkeypatch.setattr(photos, "find", lambda *_: answer)
    counts = datasets.coverage("faces", laid_out(tmp_path), {})
    assert counts == {"pictures": 3, "damaged": 1, "facemesh": 2, "facelandmarker": 3}
    assert datasets.coverage("made", tmp_path, {}) == {}


def test_changed_pictures_are_for_training_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photos, "find", lambda *_: seen(3))
    monkeypatch.setattr(photos, "split_of", lambda name: "train" if name == "Ada" else "test")
    samples = datasets.read("faces", laid_out(tmp_path), {"changes": 2})
    changed = {name for name in samples.names if "#" in name}
    assert changed == {f"images/{n}.jpg#{i}" for n in "ac" for i in (1, 2)}
    assert {s for n, s in zip(samples.names, samples.split, strict=True) if "#" in n} == {"train"}


def test_calm_faces_say_what_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photos, "find", lambda *_: seen(3))  # smiles of 0, 0.5 and 1
    monkeypatch.setattr(photos, "split_of", lambda name: "train" if name == "Ada" else "test")
    samples = datasets.read("faces", laid_out(tmp_path), {"calm": True})
    dead = samples.target[:, index_of("cheekPuff")]
    assert dict(zip(samples.names, dead.tolist(), strict=True))["images/a.jpg"] == 0
    assert np.isfinite(dead).sum() == 2  # both engines' points of it
    alone = datasets.read("faces", laid_out(tmp_path / "other"), {})
    assert np.isnan(alone.target[:, index_of("cheekPuff")]).all()


def test_crops_are_further_inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photos, "find", lambda *_: seen(3))
    samples = datasets.read("faces", laid_out(tmp_path), {"crop": True})
    assert samples.extra is not None
    assert samples.extra.shape == (3, 112 * 112)
    assert set(samples.engine) == {"facemesh"}


@pytest.mark.parametrize(
    ("options", "message"),
    [({"changes": -1}, "0 or more"), ({"chnages": 1}, "did you mean changes")],
)
def test_options_are_checked(options: dict[str, int], message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        datasets.read("faces", laid_out(tmp_path), options)


class _Eye:
    """Stands for an engine: finds a face in every picture but those it is told to miss."""

    def __init__(self, missed: set[int]) -> None:
        self.missed, self.asked = missed, 0

    def reset(self) -> None: ...

    def detect(self, frame: Frame) -> list[Detection]:
        self.asked += 1
        if frame.image[0, 0, 0] in self.missed:
            return []
        return [Detection(Landmarks(np.full((478, 3), 20, np.float32), frame.size))]


def test_the_teacher_is_asked_only_where_facemesh_finds_a_face(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the coverage of the Face Landmarker is said to count."""
    images = laid_out(tmp_path) / "faces" / "images"
    for number, name in enumerate("abc"):
        cv2.imwrite(str(images / f"{name}.png"), np.full((40, 40, 3), 100 * number, np.uint8))
        (images / f"{name}.jpg").unlink()
    mesh, teacher = _Eye({0}), _Eye({100})
    monkeypatch.setattr(found, "_eyes", (mesh, teacher))
    seen = found._look(photos.faces_archive(tmp_path), range(3), 0)
    assert (mesh.asked, teacher.asked) == (3, 2)
    counts = seen.coverage()
    assert counts == {"pictures": 3, "damaged": 0, "facemesh": 2, "facelandmarker": 1}


@pytest.mark.shared
def test_the_engines_are_asked_once(
    shared: Path, portrait: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    (home / "models").mkdir(parents=True)
    (home / "models" / "face_landmarker.task").symlink_to(shared / "models/face_landmarker.task")
    monkeypatch.setenv("MIEN_HOME", str(home))
    images = laid_out(tmp_path / "data") / "faces" / "images"
    face = cv2.cvtColor(portrait[:300, 100:400], cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(images / "a.jpg"), face)
    (images / "c.jpg").write_bytes(b"damaged")
    archive = photos.faces_archive(tmp_path / "data")
    first = found.find(archive, 0, 1)
    assert first.damaged == 1
    assert np.isfinite(first.facemesh[:, 0, 0]).tolist() == [True, False, False]
    width = np.ptp(first.facemesh[0, :, 0])
    off = np.linalg.norm((first.facemesh - first.facelandmarker)[0, :, :2], axis=1)
    assert off.mean() < 0.03 * width
    assert np.nanmax(first.shapes[0]) > 0.2
    monkeypatch.setattr(found, "_look", None)  # from here on only the cache can answer
    again = found.find(archive, 0, 1)
    np.testing.assert_array_equal(first.facemesh, again.facemesh)
    kept = found._cache(archive, 0)
    kept.write_bytes(kept.read_bytes()[:-100])
    monkeypatch.undo()  # a damaged cache is looked for again
    monkeypatch.setenv("MIEN_HOME", str(home))
    np.testing.assert_array_equal(first.facemesh, found.find(archive, 0, 1).facemesh)
    (images / "b.jpg").write_bytes(b"changed")
    assert found._cache(archive, 0) != found._cache(archive, 1)
