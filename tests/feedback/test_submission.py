"""What may be handed in, and that JSON keeps it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from mien.channels import EMOTIONS
from mien.errors import InputError
from mien.feedback import LABELS, Forget, Model, Withdraw, person_of
from mien.feedback.consent import CONSENTS, CURRENT
from mien.feedback.submission import record_of

from .conftest import PERSON, TOKEN, submission


def test_the_labels_are_the_emotions_and_none_of_them() -> None:
    assert (*EMOTIONS, "none") == LABELS


def test_consent_has_words() -> None:
    assert CURRENT in CONSENTS
    assert all(len(text) > 100 for text in CONSENTS.values())


@pytest.mark.parametrize(
    "record", [submission(1), submission(2), Withdraw(UUID(int=3), PERSON), Forget(PERSON)]
)
def test_json_keeps_it(record: Any) -> None:
    table = json.loads(json.dumps(record.as_dict()))
    assert record_of(table).as_dict() == record.as_dict()


def test_points_and_picture_come_back_to_the_bit() -> None:
    given = submission(1)
    back = record_of(given.as_dict())
    np.testing.assert_array_equal(back.landmarks.points, given.landmarks.points)
    np.testing.assert_array_equal(back.crop, given.crop)
    assert given.told == EMOTIONS[3]


@pytest.mark.parametrize(
    "token", ["", "short", "x" * 129, "has a space in it, which is bad", TOKEN + "\n"]
)
def test_tokens_that_are_none(token: str) -> None:
    with pytest.raises(InputError, match="deletion token"):
        person_of(token)


def points(value: float) -> str:
    return base64.b64encode(np.full(478 * 3, value, "<f4").tobytes()).decode()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": "hungry"}, "the label is one of"),
        ({"label": "None"}, "the label is one of"),
        ({"consent": ""}, "nothing is stored without it"),
        ({"consent": "0"}, "nothing is stored without it"),
        ({"consent": None}, "this is no feedback"),
        ({"engine": "../x"}, "engine is like"),
        ({"model": {"name": "a", "version": "1", "sha256": "zz"}}, "sha256 has 64"),
        ({"model": {"name": "<b>", "version": "1", "sha256": "ab" * 32}}, "name is like"),
        ({"model": {"name": "a", "version": "", "sha256": "ab" * 32}}, "version is like"),
        ({"model": {"name": "a"}}, "no feedback"),
        ({"model": None}, "no feedback"),
        ({"said": [1, 0, 0]}, "7 probabilities"),
        ({"said": [0.5] * 7}, "sum 1"),
        ({"said": [-1, 2, 0, 0, 0, 0, 0]}, "sum 1"),
        ({"said": [float("nan")] * 7}, "sum 1"),
        ({"said": "happy"}, "no feedback"),
        ({"landmarks": "!"}, "landmarks is no base64"),
        ({"landmarks": ""}, "has 5736 bytes in base64, got 0"),
        ({"landmarks": "AAAA"}, "has 5736 bytes"),
        ({"landmarks": points(float("nan"))}, "points of a picture"),
        ({"landmarks": points(float("inf"))}, "points of a picture"),
        ({"landmarks": points(1e9)}, "points of a picture"),
        ({"landmarks": points(7)}, "no face"),
        ({"crop": "AAAA"}, "crop has 2304 bytes"),
        ({"crop": 7}, "no feedback"),
        ({"size": [0, 480]}, "width and height"),
        ({"size": [640]}, "no feedback"),
        ({"size": [10**9, 480]}, "width and height"),
        ({"time": "yesterday"}, "no feedback"),
        ({"time": datetime(2026, 1, 1).isoformat()}, "time zone"),
        ({"id": "1"}, "no feedback"),
        ({"person": TOKEN}, "SHA-256 of a token"),
        ({"person": None}, "no feedback"),
        ({"do": "dance"}, "no feedback"),
        ({"more": 1}, "no feedback"),
    ],
)
def test_what_is_refused(change: dict[str, Any], message: str) -> None:
    table = {**submission(1).as_dict(), **change}
    if "do" in change:
        del table["landmarks"]
    with pytest.raises(InputError, match=message):
        record_of(table)


@pytest.mark.parametrize(
    "change",
    [
        lambda: submission(1, crop=np.zeros((48, 47), np.uint8)),
        lambda: submission(1, crop=np.zeros((48, 48), np.float32)),
        lambda: submission(1, person="ada"),
        lambda: Model("a" * 65, "1", "ab" * 32),
    ],
)
def test_what_cannot_be_built(change: Callable[[], object]) -> None:
    with pytest.raises(InputError):
        change()
