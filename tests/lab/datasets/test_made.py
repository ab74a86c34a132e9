from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.channels import ARKIT_52
from mien.errors import InputError
from mien.lab import datasets
from mien.lab.datasets.made import Options, make
from mien.lab.datasets.samples import NEUTRAL_TURNED


def test_the_same_options_give_the_same_faces() -> None:
    one, other = make(Options(people=2, each=3)), make(Options(people=2, each=3))
    assert one.fingerprint() == other.fingerprint()
    assert make(Options(people=2, each=3, seed=1)).fingerprint() != one.fingerprint()


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        (Options(people=1, each=1), 1),
        (Options(people=2, each=3), 6),
        (Options(people=2, each=3, engines=("a", "b"), turned=2), 20),
        (Options(people=2, each=3, output="morphable", extra=52), 6),
    ],
)
def test_sizes(options: Options, rows: int) -> None:
    some = make(options)
    assert len(some) == rows
    assert len({*zip(some.names, some.engine, strict=True)}) == rows
    assert len(set(some.subjects)) == options.people
    assert some.target.shape[1] == (52 if options.output == "expression" else 10)
    assert (some.extra is None) == (options.extra == 0)
    assert ((some.pixels[..., :2] >= 0) & (some.pixels[..., :2] < some.size[:, None])).all()


def test_two_engines_see_one_face_with_other_errors() -> None:
    some = make(Options(people=1, each=1, engines=("a", "b"), noise=0.05))
    assert some.names[0] == some.names[1]
    np.testing.assert_array_equal(some.target[0], some.target[1])
    apart = np.linalg.norm(some.aligned[0] - some.aligned[1], axis=1)
    assert 0.02 < apart.mean() < 0.3


def test_what_is_not_known_is_nan() -> None:
    some = make(Options(people=2, each=3, turned=1))
    neutral = np.array([source == NEUTRAL_TURNED for source in some.source])
    assert np.isnan(some.target[neutral]).all()
    unknown = {c for c, v in zip(ARKIT_52, some.target[~neutral].T, strict=True) if v[0] != v[0]}
    assert unknown == {"tongueOut"}


def test_a_straight_line_finds_the_truth() -> None:
    """The expressions are linear in the points: otherwise a net that fails would prove nothing."""
    some = make(Options(people=30, each=20, noise=0.0))
    points = some.aligned.reshape(len(some), -1).astype(np.float64)
    points = np.column_stack([points, np.ones(len(points))])
    truth = some.target[:, ARKIT_52.index("jawOpen")]
    weights = np.linalg.lstsq(points[:400], truth[:400], rcond=1e-6)[0]
    assert np.corrcoef(points[400:] @ weights, truth[400:])[0, 1] > 0.9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"peple": 3}, r"\[options of made\] peple is not a key.*people"),
        ({"people": 0}, "people is 1 or more"),
        ({"engines": []}, "engines are at least one"),
        ({"engines": ["a", "a"]}, "each once; got"),
        ({"seed": -1}, "seed is 0 or more, got -1"),
        ({"noise": float("inf")}, r"made\.noise is a finite number, got inf"),
        ({"noise": -0.1}, "noise is 0 or more"),
        ({"extra": -1}, "extra is 0 or more"),
        ({"output": "units"}, "one of expression, morphable"),
    ],
)
def test_bad_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        datasets.read("made", Path("nowhere"), options)


def test_unknown_data_sets_list_the_near_ones() -> None:
    with pytest.raises(InputError, match=r"no data set 'maed'; did you mean .*made"):
        datasets.read("maed", Path("nowhere"), {})
    with pytest.raises(InputError, match=r"no data set 'qqqq'; there are .*made"):
        datasets.read("qqqq", Path("nowhere"), {})
    assert "made" in datasets.names()


def test_pictures_are_optional() -> None:
    image = datasets.picture("made", Path("nowhere"), "made-0-000/00001")
    assert image is not None
    assert image.shape == (480, 640, 3)
    assert datasets.picture("nothing", Path("nowhere"), "x") is None
