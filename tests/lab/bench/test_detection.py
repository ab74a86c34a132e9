"""Frames that are missed or seen wrongly: how they are counted, and what is written of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("torch", reason="the workshop: pip install 'mien[lab]'")

from mien.errors import InputError
from mien.lab.bench import detection, detection_page
from mien.lab.bench.command import bench
from mien.lab.bench.detection import Box, Score
from mien.outputs.video import VideoWriter
from mien.types import Frame

FACE: Box = (10, 10, 50, 60)
NEAR: Box = (14, 12, 52, 64)
OTHER: Box = (100, 10, 140, 60)


@pytest.mark.parametrize(
    ("found", "there", "possible", "amiss"),
    [
        ([], [], [], None),
        ([FACE], [NEAR], [NEAR], None),
        ([], [FACE], [FACE], "missing"),
        ([FACE], [], [], "wrong"),
        ([FACE], [], [NEAR], None),  # one detector alone sees it
        ([], [], [FACE], None),
        ([OTHER], [FACE], [FACE], "wrong"),  # found, but elsewhere
        ([FACE], [NEAR, OTHER], [NEAR, OTHER], "missing"),
        ([FACE, OTHER], [NEAR], [NEAR], "wrong"),
    ],
)
def test_frames(found: list[Box], there: list[Box], possible: list[Box], amiss: str | None) -> None:
    assert detection.count(found, there, possible) == amiss


@pytest.mark.parametrize(
    ("other", "share"),
    [(FACE, 1.0), (OTHER, 0.0), ((10, 10, 30, 60), 0.5), ((30, 10, 70, 60), 1 / 3)],
)
def test_overlap(other: Box, share: float) -> None:
    assert detection.overlap(FACE, other) == pytest.approx(share)


class _Engine:
    """Sees a face in every frame but those named."""

    name = "made"
    resets = 0

    def __init__(self, misses: set[int]) -> None:
        self.misses = misses

    def detect(self, frame: Frame) -> list[Any]:
        face = SimpleNamespace(landmarks=SimpleNamespace(box=FACE))
        return [] if frame.index in self.misses else [face]

    def reset(self) -> None:
        self.resets += 1

    def close(self) -> None: ...


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    with VideoWriter(path, (64, 64), fps=25) as writer:
        for i in range(10):
            writer.write(np.full((64, 64, 3), 10 * i, np.uint8), i / 25)
    return path


HEAD = "frame,left,top,right,bottom\n"


@pytest.mark.parametrize(
    ("rows", "missing", "wrong"),
    [
        ([*range(10)], 2, 0),  # a face everywhere
        ([*range(5)], 2, 5),  # nobody from the sixth frame on
        ([], 0, 8),
    ],
)
def test_a_video_with_annotations(clip: Path, rows: list[int], missing: int, wrong: int) -> None:
    text = HEAD + "".join(f"{row},{','.join(str(x) for x in NEAR)}\n" for row in rows)
    clip.with_suffix(".faces.csv").write_text(text)
    engine: Any = _Engine({1, 3})

    def nobody(_: Frame) -> tuple[list[Box], list[Box]]:
        raise AssertionError("asked, though it is written down")

    told = detection.score(clip, engine, nobody)
    assert (told.frames, told.missing, told.wrong) == (10, missing, wrong)
    assert told.truth == detection.ANNOTATED
    assert told.accuracy == pytest.approx(1 - (missing + wrong) / 10)
    assert engine.resets == 1


def test_a_video_without_annotations_is_put_to_the_vote(clip: Path) -> None:
    engine: Any = _Engine({1, 3})
    steps: list[tuple[int, int]] = []
    told = detection.score(
        clip, engine, lambda _: ([NEAR], [NEAR]), lambda done, total, _: steps.append((done, total))
    )
    assert (told.missing, told.wrong, told.truth) == (2, 0, detection.VOTED)
    assert steps[-1] == (10, 10)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the first line has to be frame,left,top,right,bottom; got nothing"),
        ("frame,x,y,w,h\n1,2,3,4,5\n", "got frame,x,y,w,h"),
        (HEAD + "1,2,3\n", "cannot read"),
        (HEAD + "1,2,3,4,five\n", "could not convert"),
        (HEAD + "one,2,3,4,5\n", "invalid literal"),
        (HEAD + "7,5,3,4,5\n", "frame 7 has a box without area"),
        (HEAD + "999,5,3,9,9\n", "names frame 999, and clip.mp4 has 10, counted from 0"),
    ],
)
def test_annotations_that_cannot_be_read(clip: Path, text: str, told: str) -> None:
    clip.with_suffix(".faces.csv").write_text(text)
    engine: Any = _Engine(set())
    with pytest.raises(InputError, match=told):
        detection.score(clip, engine, lambda _: ([], []))


def test_the_voters_agree_on_a_portrait(facemesh: str, portrait: np.ndarray) -> None:
    with detection.Voters(2) as voters:
        assert facemesh in voters.names
        there, every = voters(Frame(portrait))
        assert len(there) == 1
        assert len(every) >= 2
        assert voters(Frame(np.full((200, 200, 3), 90, np.uint8))) == ([], [])


def test_from_the_command_to_the_page(
    facemesh: str, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    clip.with_suffix(".faces.csv").write_text(HEAD)
    done = CliRunner().invoke(bench, ["detection", str(clip)])
    assert done.exit_code == 0, done.output
    assert "clip.mp4: 10 frames, 0 missing, 0 wrong, 100.0% right" in done.output
    table = json.loads((tmp_path / "results/detection" / f"{facemesh}.json").read_text())
    assert [row["video"] for row in table["videos"]] == ["clip.mp4"]
    page = (tmp_path / "docs/detection.md").read_text()
    assert "| clip.mp4 | 10 | 0 | 0 | 100.0% |" in page
    assert "| total | 9,951 | 235 | 124 | 96.4% |" in page
    plot = (tmp_path / f"docs/plots/detection-{facemesh}.png").read_bytes()
    assert plot.startswith(b"\x89PNG")


def test_videos_of_earlier_runs_stay(tmp_path: Path) -> None:
    def score(video: str, missing: int) -> Score:
        return Score(video, 10, missing, 0, 1.0, detection.VOTED)

    detection_page.save([score("a.mp4", 1), score("b.mp4", 2)], "made", tmp_path)
    detection_page.save([score("c.mp4", 3), score("a.mp4", 4)], "made", tmp_path)
    detection_page.save([score("d.mp4", 5)], "other", tmp_path)
    made, other = detection_page.read(tmp_path)
    assert [(row["video"], row["missing"]) for row in made["videos"]] == [
        ("b.mp4", 2), ("c.mp4", 3), ("a.mp4", 4),
    ]  # fmt: skip
    assert [row["video"] for row in other["videos"]] == ["d.mp4"]


def test_another_video_of_the_same_name_has_a_row_of_its_own(tmp_path: Path) -> None:
    def score(folder: str, digest: str, missing: int) -> Score:
        return Score("b.mp4", 10, missing, 0, 1.0, detection.VOTED, folder, digest)

    for one in (score("one", "1", 1), score("other", "2", 2), score("one", "1", 3)):
        detection_page.save([one], "made", tmp_path)
    detection_page.save([score("other", "2", 4)], "made", tmp_path)
    rows = detection_page.read(tmp_path)[0]["videos"]
    assert [(row["video"], row["missing"]) for row in rows] == [("b.mp4", 3), ("other/b.mp4", 4)]


@pytest.mark.usefixtures("facemesh")
def test_what_was_counted_stays_and_what_is_no_video_is_refused_at_once(
    clip: Path, tmp_path: Path, portrait_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    clip.with_suffix(".faces.csv").write_text(HEAD)
    done = CliRunner().invoke(bench, ["detection", str(clip), str(portrait_path)])
    assert "is a still; name videos" in str(done.exception)
    assert not list(tmp_path.rglob("*.json"))
    later = tmp_path / "later.mp4"
    shutil.copy(clip, later)
    later.with_suffix(".faces.csv").write_text(HEAD + "10,1,1,2,2\n")
    done = CliRunner().invoke(bench, ["detection", str(clip), str(later)])
    assert "names frame 10" in str(done.exception)
    rows = json.loads(next(tmp_path.rglob("*.json")).read_text())["videos"]
    assert [row["video"] for row in rows] == ["clip.mp4"]


def test_results_that_are_none(tmp_path: Path) -> None:
    assert detection_page.write(detection_page.read(tmp_path), tmp_path) == []
    path = detection_page.save([Score("a.mp4", 0, 0, 0, 0.0, detection.VOTED)], "made", tmp_path)
    assert "| a.mp4 | 0 | 0 | 0 | - |" in detection_page.page(detection_page.read(tmp_path))
    path.write_text("{}")
    with pytest.raises(InputError, match="holds no results of detection"):
        detection_page.read(tmp_path)
    with pytest.raises(InputError, match="holds no results of detection"):
        detection_page.save([], "made", tmp_path)
