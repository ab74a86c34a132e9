from __future__ import annotations

import numpy as np
import pytest

from mien.lab.datasets.duplicates import copies, in_later_parts

TRAIN, CHECK, TEST = "train", "validation", "test"


@pytest.mark.parametrize(
    ("pictures", "split", "classes", "counts", "dropped"),
    [
        ("", [], "", (0, 0, {}, 0), []),
        ("ab", [TRAIN, TRAIN], "00", (0, 0, {}, 0), []),
        ("aab", [TRAIN] * 3, "000", (1, 1, {}, 0), []),
        # Both copies of train are in the validation part too; one of them says otherwise.
        ("aaab", [TRAIN, TRAIN, CHECK, CHECK], "0100", (1, 2, {(TRAIN, CHECK): 2}, 1), [0, 1]),
        (
            "abcab",
            [TRAIN, TRAIN, TRAIN, CHECK, TEST],
            "00000",
            (2, 2, {(TRAIN, CHECK): 1, (TRAIN, TEST): 1, (CHECK, TEST): 0}, 0),
            [0, 1],
        ),
        ("aa", [CHECK, TEST], "01", (1, 1, {(CHECK, TEST): 1}, 1), []),
    ],
    ids=["nothing", "none", "in one part", "in two", "in three", "not of train"],
)
def test_copies_are_counted_and_found(
    pictures: str,
    split: list[str],
    classes: str,
    counts: tuple[int, int, dict[tuple[str, str], int], int],
    dropped: list[int],
) -> None:
    digest = np.array([[ord(c), 7] for c in pictures], np.uint8).reshape(-1, 2)
    found = copies(digest, split, np.array([int(c) for c in classes], int))
    assert (found.repeated, found.spare, dict(found.across), found.contradictory) == counts
    assert np.flatnonzero(in_later_parts(digest, split)).tolist() == dropped
    told = found.as_counts()
    assert told["more than once"] == counts[0]
    assert len(told) == 3 + len(counts[2])
