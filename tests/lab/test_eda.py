"""Numbers and pictures of a data set."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mien.lab import eda
from mien.lab.datasets.made import Options, make
from mien.lab.datasets.samples import Samples


@pytest.fixture(scope="module")
def samples() -> Samples:
    return make(Options(people=4, each=30, turned=2, turn=20.0))


def test_numbers_are_those_of_the_samples(samples: Samples) -> None:
    numbers = eda.summary(samples)
    assert (numbers["faces"], numbers["subjects"]) == (128, 4)
    assert numbers["sources"] == {"made": 120, "neutral-turned": 8}
    assert sum(numbers["split"].values()) == 128
    assert -20.5 < numbers["pose"]["yaw"]["p1"] < numbers["pose"]["yaw"]["p99"] < 20.5
    jaw = samples.channels.index("jawOpen")
    values = samples.target[:, jaw]
    values = values[np.isfinite(values)]
    told = numbers["channels"]["jawOpen"]
    assert told["known"] == pytest.approx(120 / 128, abs=1e-3)
    assert told["mean"] == pytest.approx(values.mean(), abs=1e-3)
    assert told["std"] == pytest.approx(values.std(), abs=1e-3)
    assert told["active"] == pytest.approx((values > 0.1).mean(), abs=1e-3)


def test_what_nobody_knows_is_none(samples: Samples) -> None:
    told = eda.summary(samples)["channels"]["tongueOut"]
    assert told == {"known": 0.0, "mean": None, "std": None, "active": None, "range": None}


def test_one_sample(samples: Samples) -> None:
    numbers, pictures = eda.look(samples.select([0]))
    assert numbers["faces"] == 1
    assert all(content.startswith(b"\x89PNG") for content in pictures.values())


def test_without_a_truth_there_is_no_picture_of_the_channels(samples: Samples) -> None:
    neutral = [i for i, source in enumerate(samples.source) if source == "neutral-turned"]
    _, pictures = eda.look(samples.select(neutral))
    assert set(pictures) == {"pose", "landmarks"}
    _, pictures = eda.look(samples)
    assert set(pictures) == {"pose", "channels", "landmarks"}


def test_no_samples(samples: Samples) -> None:
    with pytest.raises(ValueError, match="nothing to look at"):
        eda.look(samples.select([]))


def test_files(samples: Samples, tmp_path: Path) -> None:
    numbers = eda.write(samples, tmp_path / "new" / "eda")
    names = sorted(p.name for p in (tmp_path / "new" / "eda").iterdir())
    assert names == ["channels.png", "landmarks.png", "pose.png", "summary.json"]
    assert json.loads((tmp_path / "new" / "eda" / "summary.json").read_text()) == numbers
