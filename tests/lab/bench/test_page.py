"""Tables, aims, answers and plots from results that are made here, with known winners."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")

from mien.channels import EMOTIONS
from mien.errors import InputError
from mien.lab.bench import families, page, pictures
from mien.lab.bench.aims import aims
from mien.lab.bench.answers import answers
from mien.lab.bench.families import Entry, entries
from mien.lab.emotions.scores import score_classes
from mien.lab.reach import NOT_MEASURED

COUNT = 1000


def said(accuracy: float, found: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Truth, and answers that are right so often, over all; the last pictures were not found."""
    truth = np.arange(COUNT) % 7
    random = np.random.default_rng(seed)
    seen = round(found * COUNT)
    right = np.zeros(COUNT, bool)
    right[random.permutation(seen)[: round(accuracy * COUNT)]] = True
    told = np.where(right, truth, (truth + 1 + random.integers(0, 6, COUNT)) % 7)
    probabilities = np.full((COUNT, 7), 0.05)
    probabilities[np.arange(COUNT), told] = 0.7
    probabilities[seen:] = np.nan
    return truth, probabilities


def table(
    kind: str,
    accuracy: float,
    found: float = 0.9,
    name: str = "",
    *,
    split: str = "validation",
    seed: int = 0,
    **changes: Any,
) -> dict[str, Any]:
    """Results of a method, as the evaluation writes them."""
    sets = [
        {
            "split": split,
            "mirror": mirror,
            "asked": "these",
            **score_classes(*said(accuracy + 0.01 * mirror, found, seed), EMOTIONS).as_dict(),
        }
        for mirror in (False, True)
    ]
    return {
        "method": f"emotion-{name or kind}",
        "recipe": {"name": f"emotion-{name or kind}", "net": {"kind": kind}},
        "sha256": "0" * 64,
        "bytes": 1000,
        "parameters": 1234,
        "microseconds": 80.0,
        "minutes": 9.0,
        "classes": list(EMOTIONS),
        "sets": sets,
    } | changes


def several() -> list[dict[str, Any]]:
    slow = {"microseconds": 900.0, "minutes": 95.0}
    return [
        table("residual", 0.71, 1.0, seed=1, **slow),
        table("cnn", 0.63, 1.0, seed=2),
        table("mlp", 0.60, name="landmark-mlp", seed=3, minutes=4.0, microseconds=40.0),
        table("edge-mlp", 0.597, seed=4),
        table("voxel-cnn", 0.45, seed=5),
        table("mesh", 0.59, seed=6),
        table("svm", 0.5, 1.0, name="hog-svm", seed=7),
        table("fusion", 0.74, 1.0, seed=8),
    ]


def found(tables: list[dict[str, Any]]) -> list[Entry]:
    return entries(tables)


def test_the_best_comes_first_and_each_kind_is_known() -> None:
    rows = found(several())
    assert [(entry.name, entry.looks_at) for entry in rows] == [
        ("emotion-fusion", "pixels + landmarks"),
        ("emotion-residual", "pixels"),
        ("emotion-cnn", "pixels"),
        ("emotion-landmark-mlp", "landmarks"),
        ("emotion-edge-mlp", "edge lengths"),
        ("emotion-mesh", "mesh"),
        ("emotion-hog-svm", "HOG"),
        ("emotion-voxel-cnn", "voxels"),
    ]


@pytest.mark.parametrize(
    ("run", "share", "looks_at"),
    [
        ("emotion-residual", 1.0, "pixels"),
        ("emotion-landmark-mlp", 0.9, "landmarks"),
        ("emotion-mesh", 0.9, "mesh"),
        ("of nobody", 1.0, "pixels"),
        ("of nobody", 0.9, "landmarks"),
        ("emotion-deep", 1.0, "pixels"),
    ],
)
def test_a_machine_looks_at_what_its_net_looks_at(run: str, share: float, looks_at: str) -> None:
    deep = table("svm", 0.5, share, name="deep")
    deep["recipe"]["net"]["runs"] = [f"runs/{run}"]
    rows = {entry.name: entry.looks_at for entry in found([deep, *several()])}
    assert rows["emotion-deep"] == looks_at


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ([0.5, 0, 0.25, 0], ["0", "0.25", "0.5"]),
        ([True, False, True], ["False", "True"]),
        (["b", "a"], ["a", "b"]),
        ([[60, 15], [30, 10], [60, 15]], ["[30, 10]", "[60, 15]"]),
        ([[60], "a", 2], ["2", "[60]", "a"]),
    ],
)
def test_trials_of_anything_are_drawn(values: list[Any], written: list[str]) -> None:
    assert pictures._choices(values) == written
    trials = [{"settings": {"x": value}, "accuracy": 0.5} for value in values]
    drawn = pictures.trials({"space": {"x": values}, "trials": trials})
    assert drawn.startswith(b"\x89PNG")


@pytest.mark.parametrize("change", ["no bits", "test only", "other pictures"])
def test_what_does_not_compare_is_left_out(change: str) -> None:
    tables = several()
    odd = tables[0]
    for row in odd["sets"]:
        if change == "no bits":
            del row["right"]
        elif change == "test only":
            row["split"] = "test"
        else:
            row["asked"] = "others"
    assert [entry.name for entry in found(tables)] == [e.name for e in found(tables[1:])]
    assert found([]) == []


def test_aims_are_met_or_not_or_not_measured() -> None:
    by_figure = {aim.figure: aim for aim in aims(found(several()))}
    reached = {figure: aim.reached for figure, aim in by_figure.items()}
    assert reached == {
        "pixels, best single model": True,
        "2D CNN of the study": True,  # with the mirror image
        "landmarks alone, best": True,
        "edge lengths": True,
        "mesh network": True,
        "voxels": False,
        "HOG and SVM": True,
        "pixels and landmarks": True,
        "training of any landmark model": True,
    }
    assert by_figure["2D CNN of the study"].row()[-1] == "yes, with the mirror image"
    assert by_figure["mesh network"].row()[-1] == "yes"
    time = by_figure["training of any landmark model"]
    assert time.row()[-1] == "yes, by the processor's time"
    told = by_figure["2D CNN of the study"]
    assert told.measured == "emotion-cnn: 0.630, 0.640 with the mirror image"
    assert (
        by_figure["training of any landmark model"].measured == "at most 9.0 min, emotion-voxel-cnn"
    )
    assert {aim.measured for aim in aims([])} == {NOT_MEASURED}
    assert {aim.reached for aim in aims([])} == {None}


def test_minutes_on_a_gpu_are_marked_and_meet_no_aim_of_two_cores(tmp_path: Path) -> None:
    tables = several()
    for one in tables:
        one["gpu"] = one["method"] in ("emotion-voxel-cnn", "emotion-landmark-mlp")
        if one["method"] == "emotion-voxel-cnn":
            one["minutes"] = 12.5
    aim = {aim.figure: aim for aim in aims(found(tables))}["training of any landmark model"]
    assert (aim.measured, aim.reached) == ("at most 9.0 min, emotion-mesh", True)
    told = "\n".join(path.read_text("utf-8") for path in page.write(tables, [], tmp_path)
                     if path.suffix == ".md")  # fmt: skip
    assert "| 12.5 (GPU) |" in told
    assert told.count("(GPU) |") == 2
    cost = page.section(tables)
    assert "was trained soonest, in 9.0 min" in "\n".join(cost)


def test_a_clear_difference_is_said_and_an_unclear_one_is_not() -> None:
    told = dict(answers(found(several())))
    first, which, cost = told.values()
    assert "best method on pictures is emotion-residual with 0.710 (" in first
    assert "best on reconstructions emotion-landmark-mlp with 0.600 (" in first
    assert "do not overlap, and on the same pictures emotion-residual is better" in first
    assert "Where a face was found, in 90.0% of the pictures" in first
    assert "those of landmarks, edge lengths and mesh are not told apart" in which
    assert "that of voxels is worse than that of landmarks" in which
    assert "emotion-landmark-mlp (0.600) answers soonest, in 40 µs on one thread, and was" in cost
    assert "The most accurate, emotion-fusion (0.740)" in cost

    close = [table("residual", 0.61, 1.0, seed=1), table("mlp", 0.60, seed=2)]
    told = dict(answers(found(close)))
    first, which, _ = told.values()
    assert re.search(
        r"intervals overlap, and McNemar's test does not tell them apart \(p = 0", first
    )
    assert "better" not in first
    assert which == "Fewer than two reconstructions were measured."


def test_overlapping_intervals_of_methods_that_err_alike() -> None:
    """On the same pictures a small difference can be certain; the sentence says both."""
    one, other = table("residual", 0.62, 1.0), table("mlp", 0.60, 1.0)
    first = answers(found([one, other]))[0][1]  # with one seed all that the other tells
    assert "Their intervals overlap, but on the same pictures emotion-residual is better" in first


def test_answers_without_results() -> None:
    told = [answer for _, answer in answers([])]
    assert told == [
        "No method on pictures was measured.",
        "Fewer than two reconstructions were measured.",
        "Times were not measured.",
    ]


def test_the_section_of_the_results() -> None:
    told = "\n".join(page.section(several()))
    assert told.startswith("\n## Emotions\n")
    assert "on 1,000 pictures of FER-2013's PublicTest" in told
    assert "| emotion-residual | pixels | 0.710 (0." in told
    assert "| 2D CNN | 48 x 48 | 0.62 | < 10 min | emotion-cnn | 0.630 | 0.630 | 9.0 |" in told
    assert "| emotion-resnet50 | not measured | not measured | - |" in told
    assert "PrivateTest" not in told
    assert page.section([]) == []


def test_looks_at_the_private_part_are_told() -> None:
    tables = several()
    tables[0]["sets"] += table("residual", 0.7, 1.0, split="test")["sets"]
    tables[0]["private"] = ["a" * 16]
    assert re.search(r"### PrivateTest\n.*\| emotion-residual \| 0.700 .* \| one \|",
                     "\n".join(page.section(tables)), re.DOTALL)  # fmt: skip
    tables[0]["private"].append("b" * 16)
    assert "2: other weights were scored on it before" in "\n".join(page.section(tables))


SEARCH = {
    "name": "emotion-mlp-study",
    "recipe": "emotion-mlp",
    "method": "grid",
    "space": {"train.lr": [0.001, 0.1], "net.rotation": [True, False]},
    "wanted": 4,
    "trials": [
        {"number": 0, "settings": {"train.lr": 0.1, "net.rotation": True}, "accuracy": 0.4,
         "minutes": 1.5, "error": ""},
        {"number": 1, "settings": {"train.lr": 0.001, "net.rotation": False}, "accuracy": 0.5,
         "minutes": 1.0, "error": ""},
        {"number": 2, "settings": {"train.lr": 0.1, "net.rotation": False}, "accuracy": None,
         "minutes": None, "error": "the loss is nan"},
    ],
}  # fmt: skip


def test_the_page_of_all_methods() -> None:
    told = page.details(several(), [SEARCH])
    for name in EMOTIONS:
        assert f" {name} |" in told
    heading = "## What a change brings"
    assert heading not in told
    pair = [table("point-cnn", 0.55, seed=1), table("point-cnn", 0.5, name="point-cnn-scrambled")]
    assert heading in (more := page.details([*several(), *pair], []))
    assert "| emotion-point-cnn | emotion-point-cnn-scrambled | 0.550 | 0.500 | +0.050 |" in more
    pair[0]["recipe"] = {"net": {"kind": "point-cnn", "width": 8}, "train": {"epochs": 3}}
    pair[1]["recipe"] = {"net": {"kind": "point-cnn"}, "name": "other", "train": {"epochs": 4}}
    assert "| net.width, train.epochs |" in page.details([*several(), *pair], [])
    assert told.index("| 1 | 0.001 | False | 0.500 | 1.0 |") < told.index("| 2 | 0.1 | False | - |")


def test_scores_on_another_set_stand_apart() -> None:
    other = table("residual", 0.8, 1.0, split="all", on="ck")
    assert "On other sets" not in page.details(several(), [])
    told = page.details([*several(), other], [])
    assert "| emotion-residual | ck | 1,000 | 0.800 (" in told
    assert told.count("0.800") == 4  # nowhere else: accuracy, of found, balanced, F1
    other["sha256"] = "of weights that were trained anew since"
    assert "On other sets" not in page.details([*several(), other], [])


def test_written_twice_it_is_the_same(tmp_path: Path) -> None:
    paths = page.write(several(), [SEARCH], tmp_path)
    assert {p.name for p in paths} == {
        "emotions.md", "emotions-time.png", "emotions-found.png", "emotions-confusion.png",
        "emotions-reliability.png", "emotions-classes.png", "emotions-search-emotion-mlp-study.png",
    }  # fmt: skip
    before = [path.read_bytes() for path in paths]
    page.write(several(), [SEARCH], tmp_path)
    assert [path.read_bytes() for path in paths] == before
    shown = re.findall(r"\]\((plots/\S+\.png)\)", paths[-1].read_text("utf-8"))
    assert all((tmp_path / name).is_file() for name in shown)
    assert page.write([], [], tmp_path / "empty") == []


def test_plots_of_one_method_that_misses_nothing() -> None:
    bare = table("residual", 0.7, 1.0, microseconds=None, minutes=None)
    drawn = pictures.drawn(found([bare]))
    assert all(data.startswith(b"\x89PNG") for data in drawn.values())
    untried = copy.deepcopy(SEARCH) | {"trials": []}
    assert pictures.trials(untried).startswith(b"\x89PNG")


def test_files_that_hold_no_results(tmp_path: Path) -> None:
    assert families.read(tmp_path / "nowhere") == []
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(InputError, match=r"a\.json holds no results; evaluate again, or remove"):
        families.read(tmp_path)
    with pytest.raises(InputError, match=r"a\.json holds no search"):
        families.searches(tmp_path)
    (tmp_path / "a.json").write_text("[")
    with pytest.raises(InputError, match=r"a\.json is no JSON"):
        families.read(tmp_path)
    (tmp_path / "a.json").write_text(json.dumps(several()[0]))
    assert len(families.read(tmp_path)) == 1
