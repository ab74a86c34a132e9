"""FER-2013 with its classes: which part is which, and what becomes of a face that nobody found."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.channels import EMOTIONS
from mien.errors import InputError
from mien.lab import datasets
from mien.lab.datasets import emotions
from mien.lab.datasets.found import Archive, Found
from mien.topology import CANONICAL

MEMBERS = (
    "test/fear/PrivateTest_3.jpg",
    "test/happy/PublicTest_2.jpg",
    "train/angry/Training_0.jpg",
    "train/neutral/Training_1.jpg",
)


def laid_out(folder: Path, members: tuple[str, ...] = MEMBERS) -> Path:
    for shade, member in enumerate(members):
        path = folder / "fer2013" / member
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.full((48, 48), 40 * (shade + 1), np.uint8))
    return folder


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


def test_parts_classes_and_pictures(tmp_path: Path) -> None:
    samples = datasets.read("fer2013-emotions", laid_out(tmp_path), {"images": True})
    assert samples.split == ["test", "validation", "train", "train"]
    told = [EMOTIONS[i] for i in samples.target.argmax(1)]
    assert told == ["fear", "happy", "angry", "neutral"]
    assert (samples.target.sum(1) == 1).all()
    assert samples.image is not None
    np.testing.assert_allclose(samples.image.mean((1, 2)), [40, 80, 120, 160], atol=2)


def test_a_face_that_was_not_found_is_a_sample_without_landmarks(tmp_path: Path) -> None:
    samples = datasets.read("fer2013-emotions", laid_out(tmp_path), {})
    assert samples.engine == ["facemesh"] * 3 + ["none"]
    assert samples.image is None
    assert not samples.aligned[-1].any()
    np.testing.assert_allclose(samples.aligned[0], CANONICAL, atol=1e-3)


@pytest.mark.parametrize(
    ("member", "message"),
    [
        ("train/bored/Training_0.jpg", "'bored' is none of the classes angry, disgust"),
        ("train/happy/mine.jpg", "begins with none of Training, PublicTest"),
    ],
)
def test_another_layout_is_refused(member: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        datasets.read("fer2013-emotions", laid_out(tmp_path, (member,)), {})
