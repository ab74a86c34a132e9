from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from mien.errors import InputError
from mien.zoo import SPECS, ModelSpec, find

GOOD = ModelSpec(
    name="toy",
    file="toy.bin",
    url="https://example.org/toy.bin",
    sha256="0" * 64,
    size=1,
    licence="MIT",
    summary="nothing",
)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": ""}, "lower case"),
        ({"name": "Toy"}, "lower case"),
        ({"file": ""}, "plain file name"),
        ({"file": "../toy.bin"}, "plain file name"),
        ({"file": "a/b"}, "plain file name"),
        ({"file": ".."}, "plain file name"),
        ({"url": ""}, "https"),
        ({"url": "http://example.org/toy.bin"}, "https"),
        ({"url": "http://localhost.example.org/toy.bin"}, "https"),
        ({"url": "file:///etc/passwd"}, "https"),
        ({"sha256": "0" * 63}, "64 hex"),
        ({"sha256": "G" * 64}, "64 hex"),
        ({"size": 0}, "positive"),
    ],
)
def test_a_spec_that_cannot_be_true_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        dataclasses.replace(GOOD, **change)


@pytest.mark.parametrize("url", ["http://localhost:1/m", "http://127.0.0.1/m", "http://[::1]/m"])
def test_plain_http_is_allowed_within_this_machine(url: str) -> None:
    assert dataclasses.replace(GOOD, url=url).url == url


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("face_landmarks", "did you mean face_landmarker"),
        ("FaceLandmarker", "did you mean face_landmarker"),
        ("xyz", "known are: face_landmarker"),
        ("", "known are: face_landmarker"),
    ],
)
def test_an_unknown_name_lists_the_near_ones(name: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        find(name)


def test_specs_are_found_by_their_name_and_do_not_share_a_file() -> None:
    assert all(find(name).name == name for name in SPECS)
    assert len({model.file for model in SPECS.values()}) == len(SPECS)
    assert "face_landmarker" in SPECS
