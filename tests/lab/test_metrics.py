from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from mien.errors import InputError
from mien.geometry import matrix_from_euler
from mien.lab import metrics

NAMES = ("a", "b", "c")
RANDOM = np.random.default_rng(0)
TRUTH = RANDOM.uniform(0, 1, (60, 3))
SAID = 0.7 * TRUTH + 0.1 + RANDOM.normal(0, 0.1, TRUTH.shape)


def score(truth: Any = TRUTH, said: Any = SAID, **options: Any) -> metrics.Scores:
    truth, said = np.asarray(truth, float), np.asarray(said, float)
    names = [f"{i}.jpg" for i in range(len(truth))]
    people = [f"p{i // 6}" for i in range(len(truth))]
    given = {"channels": NAMES[: truth.shape[1]], "names": names, "subjects": people}
    return metrics.score(truth, said, **given | options)


def test_figures_are_those_of_others() -> None:
    sklearn = pytest.importorskip("sklearn.metrics", reason="in the lab extra")
    found = score()
    mse = sklearn.mean_squared_error(TRUTH, SAID)
    assert found.mse == pytest.approx(mse)
    assert found.mae == pytest.approx(sklearn.mean_absolute_error(TRUTH, SAID))
    assert found.rmse == pytest.approx(math.sqrt(mse))
    weighted = sklearn.r2_score(TRUTH, SAID, multioutput="variance_weighted")
    assert found.r2 == pytest.approx(weighted)
    assert found.r2_mean == pytest.approx(sklearn.r2_score(TRUTH, SAID))
    for i, name in enumerate(NAMES):
        channel = found.channels[name]
        line = stats.linregress(TRUTH[:, i], SAID[:, i])
        assert channel.r == pytest.approx(stats.pearsonr(TRUTH[:, i], SAID[:, i])[0])
        assert (channel.slope, channel.offset) == pytest.approx((line.slope, line.intercept))
        assert channel.r2 == pytest.approx(sklearn.r2_score(TRUTH[:, i], SAID[:, i]))
        assert channel.mse == pytest.approx(np.mean((TRUTH[:, i] - SAID[:, i]) ** 2))
        assert channel.std == pytest.approx(TRUTH[:, i].std())
        assert channel.count == 60
    assert (
        found.r == found.r_given == pytest.approx(np.mean([c.r for c in found.channels.values()]))
    )
    assert (found.varying, found.given, found.samples, found.subjects) == (3, 3, 60, 10)


def test_what_is_missing_is_left_out() -> None:
    truth = TRUTH.copy()
    truth[RANDOM.uniform(size=truth.shape) < 0.3] = np.nan
    known = ~np.isnan(truth[:, 0])
    found = score(truth).channels["a"]
    assert found.count == known.sum()
    assert found.r == pytest.approx(stats.pearsonr(truth[known, 0], SAID[known, 0])[0])
    assert found.slope == pytest.approx(stats.linregress(truth[known, 0], SAID[known, 0]).slope)
    whole = score(truth)
    assert whole.mse == pytest.approx(np.nanmean((truth - SAID) ** 2))


def test_a_channel_that_a_head_does_not_give_counts_as_no_correlation() -> None:
    said = SAID.copy()
    said[:, 1] = np.nan
    found = score(said=said)
    assert (found.varying, found.given) == (3, 2)
    assert found.r == pytest.approx(found.r_given * 2 / 3)  # type: ignore[operator]
    assert found.channels["b"].r is None
    assert found.channels["b"].std == pytest.approx(TRUTH[:, 1].std())


def test_an_output_that_never_moves_counts_as_no_correlation() -> None:
    said = SAID.copy()
    said[:, 1] = 0.3
    found = score(said=said)
    assert found.channels["b"].r is None
    assert found.channels["b"].slope == pytest.approx(0)
    assert found.r == pytest.approx(sum(found.channels[n].r for n in "ac") / 3)  # type: ignore[misc]


def test_channels_that_hardly_vary_are_no_part_of_the_mean() -> None:
    truth = TRUTH.copy()
    truth[:, 2] = 0.5 + 0.02 * (truth[:, 2] - 0.5)
    found = score(truth)
    assert found.varying == 2
    assert found.r == pytest.approx(np.mean([found.channels[n].r for n in "ab"]))


def test_the_worst_image_has_a_name() -> None:
    said = TRUTH.copy()
    said[7] += 0.5
    said[9, 0] += 0.2
    found = score(said=said)
    assert found.worst == "7.jpg"
    assert found.worst_mse == pytest.approx(0.25)
    assert found.image_mse == pytest.approx((0.25 + 0.04 / 3) / 60)


@pytest.mark.parametrize(
    ("truth", "said", "expected"),
    [
        (np.empty((0, 3)), np.empty((0, 3)), None),
        (np.full((4, 3), np.nan), np.zeros((4, 3)), None),
        (np.zeros((4, 3)), np.full((4, 3), np.nan), None),
        (np.zeros((4, 3)), np.zeros((4, 3)), 0.0),
        (np.zeros((1, 3)), np.ones((1, 3)), 1.0),
    ],
)
def test_where_there_is_nothing_there_is_no_number(truth: Any, said: Any, expected: Any) -> None:
    found = score(truth, said)
    assert found.mse == expected
    assert (found.r, found.r2, found.r_interval) == (None, None, None)
    json.dumps(found.as_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": ("a", "b")}, "with 2 channels each"),
        ({"names": ["x"] * 60}, "two samples have one name"),
        ({"names": ["x"]}, "are about 1 samples"),
    ],
)
def test_what_does_not_go_together(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        score(**options)


def test_the_interval_holds_the_mean_and_is_wider_for_few_people() -> None:
    people = [f"p{i // 6}" for i in range(60)]
    low, high = metrics.bootstrap(TRUTH, SAID, people) or (0, 0)
    assert low < score().r < high  # type: ignore[operator]
    assert metrics.bootstrap(TRUTH, SAID, people) == (low, high)  # one seed, one answer
    assert metrics.bootstrap(TRUTH, SAID, people, seed=1) != (low, high)
    few = metrics.bootstrap(TRUTH[:12], SAID[:12], people[:12]) or (0, 0)
    assert few[1] - few[0] > 0
    assert metrics.bootstrap(TRUTH, SAID, ["one"] * 60) is None


def test_the_interval_is_that_of_drawing_people() -> None:
    people = np.array([i // 6 for i in range(60)])
    random = np.random.default_rng(1)
    means = []
    for _ in range(1000):
        rows = np.concatenate([np.flatnonzero(people == p) for p in random.integers(0, 10, 10)])
        means.append(np.corrcoef(TRUTH[rows].T, SAID[rows].T)[:3, 3:].diagonal().mean())
    found = metrics.bootstrap(TRUTH, SAID, [str(p) for p in people])
    assert found == pytest.approx(tuple(np.percentile(means, [2.5, 97.5])), abs=0.006)


def test_pose_leak_is_found_within_people() -> None:
    yaws = np.tile(np.linspace(-30, 30, 21), 4)
    pitches = np.tile(np.cos(np.linspace(0, 4 * np.pi, 21)) * 10, 4)
    pairs = zip(yaws, pitches, strict=True)
    rotation = np.array([matrix_from_euler(y, p, 0) for y, p in pairs], np.float32)
    people = [f"p{i // 21}" for i in range(84)]
    apart = np.repeat([0.0, 1.0, 5.0, 2.0], 21)  # people differ by more than the turn does
    said = np.stack([0.01 * yaws + apart, apart, 0.1 * pitches], 1)
    found = metrics.pose_leak(said, rotation, NAMES, people)
    assert set(found["channels"]) == {"a", "c"}
    assert found["channels"]["a"] == pytest.approx([1, 0], abs=0.02)
    assert found["channels"]["c"] == pytest.approx([0, 1], abs=0.02)
    assert found["largest"] == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("count", [0, 5])
def test_what_does_not_move_leaks_nothing(count: int) -> None:
    rotation = np.array([matrix_from_euler(i, 0, 0) for i in range(count)]).reshape(-1, 3, 3)
    found = metrics.pose_leak(np.full((count, 3), 0.2), rotation, NAMES, ["p"] * count)
    assert found == {"largest": 0.0, "channel": None, "axis": None, "channels": {}}


def test_what_is_kept_of_a_blink_when_the_head_turns() -> None:
    yaws = [0, 2, -30, -25, 30, 35, 15]
    rotation = np.stack([matrix_from_euler(yaw, 0, 0) for yaw in yaws])
    prediction = np.zeros((7, 3))
    prediction[:, 1] = [0.8, 1.0, 0.5, 0.7, 0.45, 0.45, 9.0]  # 15 degrees is neither
    prediction[:, 2] = [0.5, 0.5, 0.5, 0.5, 0.4, 0.4, 9.0]
    found = metrics.kept_when_turned(prediction, rotation, ("a", "b", "c"), ("b", "c"))
    assert found["channels"]["b"] == {"frontal": 0.9, "sides": [0.6, 0.45], "kept": 0.5}
    assert found["channels"]["c"]["kept"] == pytest.approx(0.8)
    assert found["least"] == 0.5
    frontal = metrics.kept_when_turned(prediction[:2], rotation[:2], ("a", "b", "c"), ("b",))
    assert frontal == {
        "least": None,
        "channels": {"b": {"frontal": 0.9, "sides": [None, None], "kept": None}},
    }
