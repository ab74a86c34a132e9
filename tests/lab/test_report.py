"""The page of a run and the page about all heads, of heads that need no training."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.errors import InputError
from mien.heads import geometric
from mien.lab import evaluate, plots, report, rows
from mien.lab.bench import detection_page, families
from mien.lab.bench import page as emotions_page
from mien.lab.evaluate import Answers
from mien.lab.material import Material, gather

from .conftest import recipe

TWO = {"people": 16, "each": 6, "turned": 2, "engines": ["one", "other"]}
PLAN = recipe(data={"sources": [{"name": "made", "options": TWO}]})
HISTORY = [
    {"epoch": 1, "train": 0.9, "validation": 0.8, "seconds": 0.4},
    {"epoch": 2, "train": 0.5, "validation": 0.6, "seconds": 0.4},
]
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def material() -> Material:
    return gather(PLAN, Path("nowhere"))


@pytest.fixture(scope="module")
def scored(material: Material) -> tuple[dict[str, Any], Answers]:
    return evaluate.evaluate("geometric", PLAN, material)


@pytest.fixture
def results(scored: tuple[dict[str, Any], Answers]) -> dict[str, Any]:
    return copy.deepcopy(scored[0])


def page_of(scored: tuple[dict[str, Any], Answers]) -> str:
    results, answers = scored
    facts = {"odd <name>": "a & b"}
    return report.run_page(PLAN, results, answers, HISTORY, Path("nowhere"), facts)


def test_the_report_of_a_run_holds_everything_itself(
    scored: tuple[dict[str, Any], Answers],
) -> None:
    page = page_of(scored)
    squares = page.count('<div class="squares">')
    assert squares == 2
    # Curves; for each engine bars, errors, the worst face, and a square for each given channel.
    assert page.count("<img ") == 1 + 2 * (3 + len(geometric.CHANNELS))
    assert "<script" not in page
    assert not [part for part in page.split('"') if part.startswith(("http", "//"))]
    assert "odd &lt;name&gt;" in page
    assert "a &amp; b" in page
    assert "prefers-color-scheme: dark" in page
    worst = next(row["worst"] for row in scored[0]["sets"] if row["worst"])
    assert (
        f"The worst image, {worst} (its picture cannot be shown): mean squared error" in page
        or (f"The worst image, {worst}: mean squared error" in page)
    )
    assert page == page_of(scored)


def test_the_report_fits_a_phone(scored: tuple[dict[str, Any], Answers]) -> None:
    page = page_of(scored)
    assert 'name="viewport"' in page
    assert "@media (max-width" in page
    titles = set(re.findall(r"<th>(.*?)</th>", page))
    # Where titles are hidden each number brings its own.
    assert titles == set(re.findall(r'<td data-title="(.*?)">', page))
    assert {"data", "r", "MAE", "channels", "slope"} <= titles


def test_data_sets_stand_in_the_order_of_the_results(
    scored: tuple[dict[str, Any], Answers],
) -> None:
    results, answers = copy.deepcopy(scored[0]), scored[1]
    results["sets"] = results["sets"][::-1]
    page = page_of((results, answers))
    assert re.findall(r"<h2>made, landmarks of (\w+)</h2>", page) == ["other", "one"]


def test_only_the_split_that_was_kept_is_drawn(
    material: Material, scored: tuple[dict[str, Any], Answers]
) -> None:
    splits = ("by-position", "test", "all")
    page = page_of(evaluate.evaluate("geometric", PLAN, material, splits=splits))
    assert page.count("landmarks of one</h2>") == 1
    assert page.count("<img ") == page_of(scored).count("<img ")


def test_the_page_about_all_heads_follows_from_the_results(
    results: dict[str, Any], tmp_path: Path
) -> None:
    tables = [results | {"head": "tiny"}, results]
    paths = report.write_results_page(tables, tmp_path)
    page = paths[-1].read_text()
    assert {p.relative_to(tmp_path).as_posix() for p in paths} == {
        "results.md", "plots/geometric.png", "plots/tiny.png",
    }  # fmt: skip
    assert "![Correlation and slope of each channel of tiny](plots/tiny.png)" in page
    row = results["sets"][0]
    cells = ["[tiny](#tiny)", "made", "one", "test", rows.faces(row), f"{row['subjects']:,}"]
    assert "| " + " | ".join(cells) + " |" in page
    assert f"{row['r']:.3f} (" in page
    assert "## Pose leak" in page
    before = [p.read_bytes() for p in paths]
    report.write_results_page(tables, tmp_path)
    assert [p.read_bytes() for p in paths] == before
    assert (tmp_path / "plots" / "tiny.png").read_bytes().startswith(b"\x89PNG")


def test_heads_that_ship_come_first_and_experiments_last(results: dict[str, Any]) -> None:
    names = ("arkit52-crop", "geometric", "arkit52", "seed10")
    page = report.results_page([results | {"head": name} for name in names])
    headings = re.findall(r"^## (.*)$", page, re.M)
    assert headings[:3] == ["Heads", "Baseline", "Experiments"]
    assert headings[-4:] == ["arkit52", "seed10", "geometric", "arkit52-crop"]
    assert page.count("An experiment; it does not ship.") == 1
    assert "## arkit52-crop\n\nAn experiment" in page


def test_what_the_numbers_are_over_is_told(results: dict[str, Any]) -> None:
    row = results["sets"][0]
    page = report.results_page([results])
    given, absent = len(geometric.CHANNELS), rows.missing(row)
    assert rows.counted(row) == str(given)
    assert f" | {given} | {row['mae']:.4f} |" in page
    known = {name for name, c in row["channels"].items() if c["std"] is not None}
    assert set(absent) == known - set(geometric.CHANNELS)
    assert absent
    assert f"Not given: {', '.join(absent)}." in page
    for word in (*rows.READING, "part `test`"):
        assert f"\n- **{word}**: " in page


@pytest.mark.parametrize(
    ("count", "told"), [(15, "15 (few)"), (49, "49 (few)"), (50, "50"), (3250, "3,250")]
)
def test_few_faces_carry_a_caution(results: dict[str, Any], count: int, told: str) -> None:
    results["sets"][0]["samples"] = count
    assert f"| test | {told} |" in report.results_page([results])


@pytest.mark.parametrize("part", ["all", "by-position"])
def test_parts_are_explained_where_they_stand(results: dict[str, Any], part: str) -> None:
    assert f"part `{part}`" not in report.results_page([results])
    results["sets"][0]["split"] = part
    assert f"\n- **part `{part}`**: " in report.results_page([results])


def test_the_page_of_nothing() -> None:
    page = report.results_page([{"head": "x", "sets": []}])
    assert "## x\n\nAn experiment; it does not ship.\n\nNothing was scored." in page


def test_coverage_is_told_with_its_share() -> None:
    counts = {"pictures": 2000, "damaged": 1, "facemesh": 1900, "facelandmarker": 1800}
    page = report.results_page([{"head": "x", "sets": [], "coverage": {"faces": counts}}])
    assert "| faces | 2,000 | 1 | 1,900 (95.0%) | 1,800 (90.0%) |" in page


def test_a_name_cannot_break_the_table() -> None:
    assert rows.markdown(("a",), [("x|y",)])[-1] == "| x\\|y |"


def test_a_channel_that_is_not_given_does_not_look_like_nought() -> None:
    given = {"count": 9, "std": 0.2, "r": 0.0, "slope": 0.0}
    absent = {"count": 0, "std": 0.2, "r": None, "slope": None}
    drawn = [plots.channel_bars({"a": given, "b": other}, "x") for other in (given, absent)]
    assert drawn[0] != drawn[1]
    assert plots.channel_bars({"a": absent}, "x") != plots.channel_bars({"a": given}, "x")
    # Nothing to draw, and what does not vary, is no error.
    assert plots.channel_bars({}, "x").startswith(b"\x89PNG")
    assert plots.channel_bars({"a": absent | {"std": None}}, "x").startswith(b"\x89PNG")


def test_squares_show_what_was_said_of_what_varies() -> None:
    truth = np.array([[0.0, 0.5, 0.0, np.nan], [1.0, 0.5, 1.0, np.nan]], np.float32)
    said = np.array([[0.0, 0.1, np.nan, 0.0], [2.0, 0.2, np.nan, 1.0]], np.float32)
    found = plots.squares(truth, said, ("moves", "still", "not given", "unknown"))
    assert [(s.channel, s.low, s.high) for s in found] == [("moves", 0.0, 2.0)]


def test_the_committed_page_is_that_of_the_committed_results() -> None:
    page = ROOT / "docs" / "results.md"
    try:
        tables = evaluate.read_results(ROOT / "results")
    except InputError:
        assert not page.exists()
        return
    emotions = families.read(ROOT / "results" / "emotions")
    assert page.read_text("utf-8") == report.results_page(tables, emotions), "run `mien report`"
    searches = families.searches(ROOT / "results" / "emotions" / "search")
    if emotions:
        told = (page.parent / "emotions.md").read_text("utf-8")
        assert told == emotions_page.details(emotions, searches), "run `mien report`"
        for name in re.findall(r"\]\((plots/\S+\.png)\)", told):
            assert (page.parent / name).is_file()
    if counted := detection_page.read(ROOT / "results"):
        told = (page.parent / "detection.md").read_text("utf-8")
        assert told == detection_page.page(counted), "run `mien report`"
    ours = next(table for table in tables if table["head"] == "arkit52")
    photographs = [row for row in ours["sets"] if row["source"] in ("faces", "fer2013")]
    assert {rows.counted(row) for row in photographs} == {"43"}, "READING says so"
    for table in tables:
        assert (
            not report._first_scored(table)
            or (page.parent / f"plots/{table['head']}.png").is_file()
        )
