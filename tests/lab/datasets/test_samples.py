from __future__ import annotations

from collections import Counter
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from mien.errors import InputError
from mien.geometry import matrix_from_euler, project
from mien.lab.datasets.samples import CHANNELS_OF, Samples, aligned_of, split_of
from mien.topology import CANONICAL
from mien.types import N_MORPHABLE


def samples(count: int = 4, **changes: Any) -> Samples:
    values: dict[str, Any] = {
        "names": [f"{i}.jpg" for i in range(count)],
        "subjects": [f"person {i // 2}" for i in range(count)],
        "engine": ["facemesh"] * count,
        "source": ["made"] * count,
        "aligned": np.zeros((count, 478, 3), np.float32),
        "rotation": np.zeros((count, 3, 3), np.float32),
        "pixels": np.arange(count, dtype=np.float32)[:, None, None] * np.ones((478, 3), "f4"),
        "size": np.full((count, 2), 100, np.int32),
        "target": np.arange(count * 2, dtype=np.float32).reshape(count, 2),
        "channels": ("a", "b"),
    }
    return Samples(**values | changes)


@pytest.mark.parametrize(
    ("subject", "split"),
    # The first 8 digits of the SHA-256, modulo 100: 10, 42, 69, 70, 71, 84, 85, 90, 95.
    [
        ("", "train"),
        ("person 1", "train"),
        ("person 21", "train"),
        ("person 45", "validation"),
        ("person 0", "validation"),
        ("person 4", "validation"),
        ("person 229", "test"),
        ("person 5", "test"),
        ("person 8", "test"),
    ],
)
def test_split_of_is_the_hash_of_the_name(subject: str, split: str) -> None:
    assert split_of(subject) == split


def test_parts_have_their_share_of_many_people() -> None:
    found = Counter(split_of(f"person {i}") for i in range(4000))
    assert found["train"] / 4000 == pytest.approx(0.70, abs=0.03)
    assert found["validation"] / 4000 == pytest.approx(0.15, abs=0.03)


def test_a_split_that_the_data_set_brings_is_kept() -> None:
    some = samples(split=["test", "test", "train", "train"])
    assert some.part("test").names == ["0.jpg", "1.jpg"]
    assert len(some.part("validation")) == 0


def test_split_by_subject_keeps_people_whole_and_asks_nobody_else() -> None:
    many = samples(400)
    parts = many.split_by_subject(3, (0.5, 0.25, 0.25))
    people = [set(p.subjects) for p in parts]
    assert sum(map(len, parts)) == 400
    assert len(people[0] | people[1] | people[2]) == sum(map(len, people)) == 200
    assert 60 < len(people[0]) < 140
    # Without half of the people, in another order: the others stay where they were.
    fewer = many.select(range(399, 200, -1)).split_by_subject(3, (0.5, 0.25, 0.25))
    assert all(set(f.subjects) <= p for f, p in zip(fewer, people, strict=True))
    assert set(many.split_by_subject(4, (0.5, 0.5))[0].subjects) != people[0]


@pytest.mark.parametrize("fractions", [(), (0.5,), (0.5, 0.6), (1.5, -0.5)])
def test_fractions_add_up_to_one(fractions: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="add up to 1"):
        samples().split_by_subject(0, fractions)


@pytest.mark.parametrize(
    ("index", "names"),
    [
        ([], []),
        ([2, 0], ["2.jpg", "0.jpg"]),
        (np.array([False, True, False, True]), ["1.jpg", "3.jpg"]),
        (np.zeros(4, bool), []),
        (np.array([], np.intp), []),
    ],
)
def test_select(index: Any, names: list[str]) -> None:
    some = samples(extra=np.ones((4, 5), np.float32)).select(index)
    assert some.names == names
    assert some.pixels[:, 0, 0].tolist() == [float(n[0]) for n in names]
    assert len(some) == len(some.split) == len(some.target) == len(some.extra) == len(names)  # type: ignore[arg-type]


def test_concat() -> None:
    whole = Samples.concat([samples(2), samples(3)])
    assert len(whole) == 5
    assert whole.names == ["0.jpg", "1.jpg", "0.jpg", "1.jpg", "2.jpg"]
    assert whole.fingerprint() == Samples.concat([whole]).fingerprint()


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([], "no samples to put together"),
        ([samples(2), samples(2, channels=("b", "a"))], "different channels"),
        ([samples(2), samples(2, extra=np.zeros((2, 1), np.float32))], "extra"),
    ],
)
def test_what_does_not_go_together(parts: list[Samples], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Samples.concat(parts)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"subjects": ["one"]}, "1 subjects for 4 names"),
        ({"split": ["train"] * 3 + ["tset"]}, "tset"),
        ({"aligned": np.zeros((4, 468, 3), np.float32)}, "aligned has to be float32"),
        ({"pixels": np.zeros((4, 478, 3))}, "pixels has to be float32"),
        ({"size": np.zeros((4, 3), np.int32)}, "size has to be"),
        ({"target": np.zeros((4, 3), np.float32)}, "target has to be"),
        ({"target": np.full((4, 2), np.inf, np.float32)}, "target of 0.jpg holds NaN or infinity"),
        ({"rotation": np.full((4, 3, 3), np.nan, np.float32)}, "rotation of 0.jpg holds NaN"),
        ({"extra": np.zeros((3, 1), np.float32)}, "extra has to be"),
    ],
)
def test_samples_are_validated(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        samples(**change)


def test_no_truth_is_a_value() -> None:
    assert np.isnan(samples(target=np.full((4, 2), np.nan, np.float32)).target).all()


def test_channels_can_be_brought_into_another_order_and_hidden() -> None:
    some = samples(1).with_channels(("b", "c", "a"))
    assert some.channels == ("b", "c", "a")
    np.testing.assert_array_equal(some.target, [[1, np.nan, 0]])
    np.testing.assert_array_equal(some.only(["a"]).target, [[np.nan, np.nan, 0]])


def test_images_go_with_the_names() -> None:
    with pytest.raises(InputError, match="3 images for 4 names"):
        samples(image=np.zeros((3, 2, 2), np.uint8))
    some = samples(image=np.arange(4, dtype=np.uint8)[:, None, None] * np.ones((2, 2), np.uint8))
    assert some.select([3, 1]).image[:, 0, 0].tolist() == [3, 1]
    with pytest.raises(InputError, match="with and without images"):
        Samples.concat([some, samples()])


@pytest.mark.parametrize("name", [f.name for f in fields(Samples)])
def test_the_fingerprint_sees_every_field(name: str) -> None:
    some = samples(extra=np.zeros((4, 3), "f4"), image=np.zeros((4, 2, 2), np.uint8))
    value = getattr(some, name)
    if name == "channels":
        changed: Any = ("a", "c")
    elif isinstance(value, list):
        changed = ["test" if name == "split" else "other", *value[1:]]
    else:
        changed = value.copy()
        changed.flat[0] += 1
    if name == "split" and value[0] == "test":
        changed = ["train", *value[1:]]
    kept = {f.name: getattr(some, f.name) for f in fields(Samples)}
    assert Samples(**kept | {name: changed}).fingerprint() != some.fingerprint()
    assert Samples(**kept).fingerprint() == some.fingerprint()


@pytest.mark.parametrize("angles", [(0, 0, 0), (30, 0, 0), (-20, 15, 40)])
def test_aligned_of_undoes_the_projection(angles: tuple[float, float, float]) -> None:
    turn = matrix_from_euler(*angles)
    seen = project(CANONICAL.astype(np.float64), turn, np.array([300.0, 200, 5]), 12.0)
    aligned, rotation = aligned_of(seen[None].astype(np.float32))
    np.testing.assert_allclose(aligned[0], CANONICAL, atol=1e-4)
    np.testing.assert_allclose(rotation[0], turn, atol=1e-5)
    assert aligned.dtype == rotation.dtype == np.float32


def test_aligned_of_nobody() -> None:
    aligned, rotation = aligned_of(np.empty((0, 478, 3), np.float32))
    assert aligned.shape == (0, 478, 3)
    assert rotation.shape == (0, 3, 3)


def test_aligned_of_is_what_the_tracker_does() -> None:
    from mien.engines import Detection
    from mien.tracker import _Aligned
    from mien.types import Landmarks

    points = project(CANONICAL, matrix_from_euler(20, 5, -9), np.array([300.0, 200, 5]), 12.0)
    points = points.astype(np.float32)
    tracked = _Aligned(Detection(Landmarks(points, (640, 480), 1.0)))
    aligned, rotation = aligned_of(points[None])
    np.testing.assert_allclose(aligned[0], tracked.points, atol=1e-5)
    np.testing.assert_allclose(rotation[0], tracked.fit.rotation, atol=1e-6)


def test_columns_have_names() -> None:
    assert len(CHANNELS_OF["expression"]) == 52
    assert len(set(CHANNELS_OF["morphable"])) == N_MORPHABLE
