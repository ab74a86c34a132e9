"""Ids survive crossings, short losses and re-entries."""

from __future__ import annotations

import numpy as np
import pytest

from mien import topology
from mien.identity import Identities, Sighting, look_of

RATE = 30.0
ANNA, BERT, CLEO = (np.array([v, 0.0, 0.0]) for v in (0.0, 4.0, 8.0))


def sighting(x: float, y: float = 100.0, size: float = 80.0, look: np.ndarray = ANNA) -> Sighting:
    return Sighting((x, y), size, lambda: look)


def test_an_empty_frame_has_no_ids() -> None:
    assert Identities().assign([], 0.0) == []


def test_ids_count_from_one_and_are_never_reused() -> None:
    people = Identities()
    assert people.assign([sighting(100), sighting(400, look=BERT)], 0.0) == [1, 2]
    assert people.assign([sighting(100, look=CLEO)], 100.0) == [3]


def test_the_order_of_the_engine_does_not_matter() -> None:
    people = Identities()
    people.assign([sighting(100), sighting(400, look=BERT)], 0.0)
    assert people.assign([sighting(402, look=BERT), sighting(101)], 1 / RATE) == [2, 1]


def test_two_who_cross_keep_their_ids() -> None:
    people = Identities()
    people.assign([sighting(100), sighting(500, look=BERT)], 0.0)
    for i in range(1, 61):
        share = i / 60
        a, b = sighting(100 + 400 * share), sighting(500 - 400 * share, 110, look=BERT)
        order = [b, a] if i % 2 else [a, b]
        ids = people.assign(order, i / RATE)
        assert ids == ([2, 1] if i % 2 else [1, 2]), f"frame {i}"


def test_twins_who_cross_are_told_apart_by_their_motion() -> None:
    people = Identities()
    people.assign([sighting(100), sighting(500)], 0.0)
    for i in range(1, 61):
        share = i / 60
        ids = people.assign(
            [sighting(500 - 400 * share, 130), sighting(100 + 400 * share)], i / RATE
        )
        assert ids == [2, 1], f"frame {i}"


@pytest.mark.parametrize("gap", [0.1, 0.4, 1.0, 10.0, 50.0])
def test_a_face_that_comes_back_keeps_its_id(gap: float) -> None:
    people = Identities()
    people.assign([sighting(100)], 0.0)
    people.assign([], 0.05)
    assert people.assign([sighting(110)], gap) == [1]


def test_a_face_that_comes_back_elsewhere_is_known_by_its_looks() -> None:
    people = Identities()
    people.assign([sighting(100), sighting(500, look=BERT)], 0.0)
    assert people.assign([sighting(480, look=ANNA)], 5.0) == [1]


def test_a_stranger_in_the_same_place_is_noticed_within_a_glance() -> None:
    people = Identities()
    people.assign([sighting(100)], 0.0)
    ids = [people.assign([sighting(100, look=CLEO)], i / RATE)[0] for i in range(1, 6)]
    assert ids == [1, 1, 2, 2, 2]


def test_a_stranger_elsewhere_gets_a_new_id_at_once() -> None:
    people = Identities()
    people.assign([sighting(100)], 0.0)
    assert people.assign([sighting(160, look=CLEO)], 1 / RATE) == [2]


def test_somebody_long_gone_is_forgotten() -> None:
    people = Identities()
    people.assign([sighting(100)], 0.0)
    assert people.assign([sighting(100)], 1000.0) == [2]


def test_a_hand_over_the_face_does_not_change_the_id() -> None:
    people = Identities()
    for i in range(90):
        look = ANNA + (np.array([2.5, 0, 0]) if 30 <= i < 60 else 0)
        assert people.assign([sighting(100 + i % 3, look=look)], i / RATE) == [1]


def test_memory_is_bounded() -> None:
    people = Identities()
    for i in range(500):
        people.assign([sighting(100, look=np.array([10.0 * i, 0, 0]))], i / RATE)
    assert len(people._people) <= 64


def test_reset_counts_from_one() -> None:
    people = Identities()
    people.assign([sighting(100)], 0.0)
    people.reset()
    assert people.assign([sighting(300, look=BERT)], 0.0) == [1]


def test_looks_see_colour_and_shape() -> None:
    points = topology.CANONICAL * [10, -10, -10] + [100, 100, 0]
    points = points.astype(np.float32)
    pale, dark = (np.full((200, 200, 3), c, np.uint8) for c in ((220, 190, 170), (90, 60, 45)))
    aligned = topology.CANONICAL.astype(np.float64)
    here = look_of(points, aligned, pale)
    assert np.linalg.norm(here - look_of(points, aligned, dark)) > 2
    assert np.linalg.norm(here - look_of(points, aligned * [1.1, 1, 1], pale)) > 1
    # Points beyond the border are read at the border.
    np.testing.assert_array_equal(look_of(points + np.float32(500), aligned, pale), here)
