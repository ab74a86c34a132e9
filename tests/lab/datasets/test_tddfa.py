"""Photographs with 3DDFA_V2 as the teacher: what is kept of its answers, and who is on them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")

from mien.lab import datasets
from mien.lab.datasets import photos, tddfa
from mien.lab.teachers import tddfa as teachers

from .test_photos import laid_out, seen


class _Teacher:
    """Stands for the net: says of each face where its first point lies."""

    calls = 0

    def __init__(self, folder: Path) -> None: ...

    def __call__(self, images: list[np.ndarray], start: np.ndarray) -> Any:
        type(self).calls += 1
        parameters = np.repeat(start[:, :1, 0], 62, axis=1)
        return SimpleNamespace(parameters=parameters, boxes=np.zeros((len(images), 4)))


@pytest.fixture(autouse=True)
def _fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(_Teacher, "calls", 0)
    monkeypatch.setattr(teachers, "Teacher", _Teacher)


def test_the_teacher_is_asked_once_and_again_after_damage(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    archive, found = photos.faces_archive(laid_out(tmp_path)), seen(3)
    found.facemesh[1] = found.facelandmarker[1] = np.nan
    first = tddfa.taught(archive, found, tmp_path)
    assert np.isfinite(first[:, 0]).tolist() == [True, False, True]
    assert _Teacher.calls == 1
    np.testing.assert_array_equal(tddfa.taught(archive, found, tmp_path), first)
    assert _Teacher.calls == 1
    (file,) = (tmp_path / "home").rglob("*.npz")
    file.write_bytes(file.read_bytes()[:-50])
    np.testing.assert_array_equal(tddfa.taught(archive, found, tmp_path), first)
    assert _Teacher.calls == 2
    assert f"{file} is damaged" in caplog.text
    found.facemesh[2] += 1  # its crop begins elsewhere
    assert tddfa.taught(archive, found, tmp_path)[2, 0] == first[2, 0] + 1


@pytest.mark.parametrize(
    ("changes", "changed"), [(0, set()), (2, {"images/a.jpg", "images/c.jpg"})]
)
def test_changed_pictures_are_for_training_only(
    changes: int, changed: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photos, "find", lambda *_: seen(3))
    for module in (photos, tddfa):
        monkeypatch.setattr(module, "split_of", lambda name: "train" if name == "Ada" else "test")
    monkeypatch.setattr(tddfa, "_teacher_in", lambda _: tmp_path)
    folder = laid_out(tmp_path)
    samples = datasets.read("faces-tddfa", folder, {"changes": changes})
    theirs = datasets.read("faces", folder, {"changes": changes})
    # The same people and the same pictures, whoever the teacher is.
    assert {*zip(samples.names, samples.subjects, strict=True)} == {
        *zip(theirs.names, theirs.subjects, strict=True)
    }
    assert {name.partition("#")[0] for name in samples.names if "#" in name} == changed
    assert samples.target.shape == (2 * (3 + len(changed) * changes), 10)


def test_pictures_in_capital_letters_count(tmp_path: Path) -> None:
    folder = tmp_path / "aflw2000"
    folder.mkdir()
    for name in ("image1.jpg", "image1.mat", "image2.JPG", "image2.mat", "other.jpg"):
        (folder / name).write_bytes(b"")
    assert tddfa.aflw2000_archive(tmp_path).members == ("image1.jpg", "image2.JPG")
