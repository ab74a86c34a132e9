"""Sources in, files out: what is written, what is skipped, what survives an interruption."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import trimesh
from PIL import Image

from mien import batch, capture, engines
from mien.batch import CaptureOptions, Progress, capture_to_files
from mien.errors import CameraError, InputError, OutputError
from mien.heads.spec import HeadSpec
from mien.outputs import recover
from mien.overlap import ReadAhead, WriteBehind
from mien.retarget.calibrate import Calibration
from mien.types import Frame, Observation

FRAMES = 40
NO_HEADS = {"expression": None, "morphable": None, "emotion": None}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The portrait moving for 40 frames, and away for the last ten."""
    from mien.outputs import VideoWriter

    with Image.open(capture_sample()) as image:
        portrait = np.asarray(image.convert("RGB").resize((256, 300)))
    path = tmp_path_factory.mktemp("clip") / "moving.mp4"
    with VideoWriter(path, (256, 300), fps=25) as video:
        for i in range(FRAMES):
            seen = np.roll(portrait, i, axis=1) if i < 30 else np.full_like(portrait, 80)
            video.write(np.ascontiguousarray(seen), i / 25)
    return path


def capture_sample() -> Path:
    from mien.assets import sample_portrait

    return sample_portrait()


def options(out: Path, engine: str = "facemesh", **more: object) -> CaptureOptions:
    return CaptureOptions(out=out, engine=engine, **more)  # type: ignore[arg-type]


def test_a_photo_gives_table_summary_overlay_and_mesh(facemesh: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    report = capture_to_files(
        [str(capture_sample())],
        options(out, overlay=True, csv=True, jsonl=True, mesh="ply", expression="geometric"),
    )
    assert (report.frames, report.faces, report.interrupted) == (1, 1, False)
    table = pd.read_parquet(out / "faces.parquet")
    assert len(table) == 1
    assert np.asarray(table["landmarks"][0]).reshape(478, 3)[1, 0] > 200
    assert np.isnan(table["cheekPuff"][0])
    assert len(pd.read_csv(out / "faces.csv")) == 1
    assert json.loads((out / "faces.jsonl").read_text())["mouth_open"] is False
    with Image.open(out / "overlay" / "grace_hopper.jpg") as picture:
        assert picture.size == (512, 600)
    (mesh,) = (out / "mesh").iterdir()
    assert len(trimesh.load(mesh, process=False).faces) == 852
    summary = json.loads((out / "summary.json").read_text())
    assert summary["engine"] == facemesh
    assert summary["sources"][0]["frames_with_faces"] == 1
    assert summary["heads"]["expression"].startswith("geometric 1 sha256:")


def test_heads_and_calibration_are_used_and_named(
    facemesh: str, tmp_path: Path, make_head: Callable[..., Path]
) -> None:
    path = make_head("mine", inputs=("rotation",), bias=0.4)
    spec = HeadSpec.read(path.with_suffix(".json"))
    neutral, scale = np.full(52, 0.2, np.float32), np.full(52, 1.2, np.float32)
    known = Calibration("Ada", spec.name, spec.sha256, facemesh, neutral, scale)
    given = {
        "expression": str(path),
        "morphable": str(make_head("ten", output="morphable", bias=np.arange(10.0) + 90)),
        "emotion": str(make_head("mood", output="emotion", bias=np.arange(7.0), inputs=("image",))),
    }
    rows = []
    for name, calibration in (("raw", None), ("known", known)):
        out = tmp_path / name
        capture_to_files([str(capture_sample())], options(out, calibration=calibration, **given))
        about = pq.read_schema(out / "faces.parquet").metadata
        assert (
            f"expression=mine 1 sha256:{spec.sha256},morphable=ten 1".encode()
            in (about[b"mien.heads"])
        )
        kept = json.loads(about[b"mien.calibration"])
        assert kept == (calibration and calibration.as_dict())
        summary = json.loads((out / "summary.json").read_text())
        assert summary["calibration"] == (calibration and "Ada")
        assert set(summary["heads"]) == {"expression", "morphable", "emotion"}
        assert summary["sources"][0]["emotions_by_id"] == {"1": {"neutral": 1.0}}
        rows.append(pd.read_parquet(out / "faces.parquet").iloc[0])
    raw, better = rows
    assert better["cheekPuff"] == pytest.approx((raw["cheekPuff"] - 0.2) / 0.8 * 1.2, abs=1e-5)
    np.testing.assert_allclose(np.diff(raw["morphable"]), 1, atol=1e-4)
    expected = np.exp(np.arange(7.0))
    np.testing.assert_allclose(raw["emotion"], expected / expected.sum(), atol=1e-5)


def test_heads_can_be_left_out_of_a_capture(facemesh: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    capture_to_files([str(capture_sample())], options(out, **NO_HEADS))
    table = pd.read_parquet(out / "faces.parquet")
    assert np.isnan(table["jawOpen"][0])
    assert np.isnan(table["morphable"][0]).all()
    assert np.isnan(table["emotion"][0]).all()
    summary = json.loads((out / "summary.json").read_text())
    assert summary["sources"][0]["emotions_by_id"] == {}
    assert pq.read_schema(out / "faces.parquet").metadata[b"mien.heads"] == b""
    assert not list(out.rglob("*.part*"))


def test_a_video_keeps_its_times_and_its_gaps(facemesh: str, clip: Path, tmp_path: Path) -> None:
    seen: list[Progress] = []
    report = capture_to_files(
        [str(clip)], options(tmp_path, max_faces=1, overlay=True), on_progress=seen.append
    )
    (source,) = report.sources
    assert source.frames == FRAMES
    assert 28 <= source.frames_with_faces <= 31
    assert list(source.ids) == [1]
    table = pd.read_parquet(tmp_path / "faces.parquet")
    np.testing.assert_allclose(table["time"], table["frame"] / 25, atol=1e-3)
    with capture.open_source(str(tmp_path / "overlay" / "moving.mp4")) as overlay:
        assert sum(1 for _ in overlay) == FRAMES
    assert [p.frame for p in seen] == list(range(1, FRAMES + 1))


def test_without_any_face_the_table_is_empty_but_there(facemesh: str, tmp_path: Path) -> None:
    Image.new("RGB", (200, 200), (90, 90, 90)).save(tmp_path / "grey.png")
    report = capture_to_files([str(tmp_path / "grey.png")], options(tmp_path / "out"))
    assert report.faces == 0
    assert not report.failed
    table = pd.read_parquet(tmp_path / "out" / "faces.parquet")
    assert len(table) == 0
    assert "jawOpen" in table.columns


def test_a_bad_source_is_skipped_by_name_and_the_others_are_done(
    facemesh: str, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_text("this is no picture")
    report = capture_to_files([str(bad), str(capture_sample())], options(tmp_path / "out"))
    assert [bool(s.error) for s in report.sources] == [True, False]
    assert "bad.jpg" in str(report.failed[0].error)
    assert report.faces == 1
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["sources"][0]["error"] == report.failed[0].error


def test_without_any_usable_source_nothing_is_left(facemesh: str, tmp_path: Path) -> None:
    specs = [str(tmp_path / name) for name in ("a.jpg", "b.jpg")]
    for spec in specs:
        Path(spec).write_text("this is no picture")
    with pytest.raises(InputError, match=r"none of the 2 sources (?s:.)*a\.jpg: .*\n.*b\.jpg: "):
        capture_to_files(specs, options(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
    with pytest.raises(CameraError, match="none of the 2"):
        capture_to_files(["camera:97", "camera:98"], options(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("others", "code"),
    [([], 0), (["camera:97"], 3), (["bad.jpg"], 2), (["camera:97", "bad.jpg"], 2)],
)
def test_what_is_skipped_decides_on_the_exit_code(
    facemesh: str, tmp_path: Path, others: list[str], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.jpg").write_text("this is no picture")
    report = capture_to_files([*others, str(capture_sample())], options(tmp_path / "out"))
    assert report.exit_code == code
    assert [s.error is None for s in report.sources] == [False] * len(others) + [True]


def test_the_table_tells_what_made_the_numbers(facemesh: str, tmp_path: Path) -> None:
    capture_to_files([str(capture_sample())], options(tmp_path, mouth_threshold=0.2))
    about = pq.read_schema(tmp_path / "faces.parquet").metadata
    assert about[b"mien.engine_model"].startswith(b"mediapipe 0.")
    assert json.loads(about[b"mien.smoothing"])["min_cutoff"] == 1.5
    assert about[b"mien.mouth_threshold"] == b"0.2"
    assert engines.model("facelandmarker").startswith("face_landmarker.task sha256:64184e")


def test_sources_of_one_name_do_not_overwrite_each_other(facemesh: str, tmp_path: Path) -> None:
    specs = []
    for folder in ("a", "b", "c"):
        (tmp_path / folder).mkdir()
        target = tmp_path / folder / ("FACE.jpg" if folder == "c" else "face.jpg")
        target.write_bytes(capture_sample().read_bytes())
        specs.append(str(target))
    report = capture_to_files(specs, options(tmp_path / "out", overlay=True))
    names = [s.name for s in report.sources]
    assert len({n.lower() for n in names}) == 3
    assert len(list((tmp_path / "out" / "overlay").iterdir())) == 3
    assert set(pd.read_parquet(tmp_path / "out" / "faces.parquet")["source"]) == set(names)


def test_each_source_counts_its_ids_from_one(facemesh: str, clip: Path, tmp_path: Path) -> None:
    report = capture_to_files([str(clip), str(clip)], options(tmp_path, max_faces=1))
    assert [list(s.ids) for s in report.sources] == [[1], [1]]


def test_seconds_ends_a_source_early(facemesh: str, clip: Path, tmp_path: Path) -> None:
    report = capture_to_files([str(clip)], options(tmp_path, seconds=0.4))
    assert report.frames == 10


def test_stop_ends_in_good_order(facemesh: str, clip: Path, tmp_path: Path) -> None:
    stop = threading.Event()

    def after_ten(progress: Progress) -> None:
        if progress.frame == 10:
            stop.set()

    report = capture_to_files(
        [str(clip), str(clip)],
        options(tmp_path, overlay=True),
        on_progress=after_ten,
        stop=stop,
    )
    assert report.interrupted
    assert [s.frames for s in report.sources] == [10]
    assert len(pd.read_parquet(tmp_path / "faces.parquet")) == report.faces
    with capture.open_source(str(tmp_path / "overlay" / "moving.mp4")) as overlay:
        assert sum(1 for _ in overlay) == 10


def test_results_are_never_replaced_unasked(facemesh: str, tmp_path: Path) -> None:
    capture_to_files([str(capture_sample())], options(tmp_path))
    with pytest.raises(OutputError, match="overwrite"):
        capture_to_files([str(capture_sample())], options(tmp_path))
    assert capture_to_files([str(capture_sample())], options(tmp_path, overwrite=True)).faces == 1


def test_replacing_leaves_nothing_of_the_earlier_results(facemesh: str, tmp_path: Path) -> None:
    first = options(tmp_path, overlay=True, csv=True, jsonl=True, mesh="obj")
    capture_to_files([str(capture_sample())], first)
    Image.new("RGB", (99, 99)).save(tmp_path / "grey.png")
    capture_to_files([str(tmp_path / "grey.png")], options(tmp_path, overwrite=True))
    left = {p.name for p in tmp_path.rglob("*") if p.is_file()}
    assert left == {"faces.parquet", "summary.json", "grey.png"}


def test_pictures_of_an_earlier_capture_are_not_replaced_unasked(
    facemesh: str, tmp_path: Path
) -> None:
    (tmp_path / "overlay").mkdir()
    (tmp_path / "overlay" / "mine.jpg").write_text("mine")
    with pytest.raises(OutputError, match=r"mine\.jpg"):
        capture_to_files([str(capture_sample())], options(tmp_path, overlay=True))
    assert (tmp_path / "overlay" / "mine.jpg").read_text() == "mine"
    assert not (tmp_path / "faces.parquet").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_is_no_text_is_reported(facemesh: str, tmp_path: Path) -> None:
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/x\xff.jpg")
    Path(odd).write_bytes(capture_sample().read_bytes())
    Path(odd + ".png").write_text("this is no picture")
    capture_to_files([odd, odd + ".png"], options(tmp_path / "out"))
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["sources"][0]["spec"].endswith("x\\xff.jpg")
    assert "x\\xff.jpg.png: " in summary["sources"][1]["error"]


def test_a_failing_writer_stops_the_work_and_keeps_what_is_there(
    facemesh: str, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    def full(*_: object) -> None:
        nonlocal calls
        calls += 1
        if calls > 5:
            raise OutputError("no space left")

    monkeypatch.setattr(batch, "write_mesh", full)
    with pytest.raises(OutputError, match="no space"):
        capture_to_files([str(clip)], options(tmp_path, mesh="obj", max_faces=1))
    assert len(pd.read_parquet(tmp_path / "faces.parquet")) >= 5


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_leave_readable_files(facemesh: str, tmp_path: Path, number: int) -> None:
    out = tmp_path / "out"
    with endless(out) as process:
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    table = pd.read_parquet(out / "faces.parquet")
    assert len(table) > 10
    assert json.loads((out / "summary.json").read_text())["interrupted"]


def test_a_kill_is_recovered(facemesh: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with endless(out) as process:
        process.kill()
        process.communicate(timeout=60)
    assert not (out / "faces.parquet").exists()
    assert recover(out).rows > 10
    assert len(pd.read_parquet(out / "faces.parquet")) > 10


@contextmanager
def endless(out: Path) -> Iterator[subprocess.Popen[str]]:
    """`mien capture` of a video that comes through a pipe and never ends, some frames in."""
    script = (
        "import sys, numpy as np, av\n"
        "from mien.capture import read_image\n"
        "from mien.assets import sample_portrait\n"
        "image = read_image(sample_portrait())\n"
        "with av.open(sys.stdout.buffer, 'w', format='matroska') as f:\n"
        "    s = f.add_stream('mpeg4', rate=25); s.width, s.height = 512, 600\n"
        "    s.pix_fmt = 'yuv420p'\n"
        "    while True:\n"
        "        f.mux(s.encode(av.VideoFrame.from_ndarray(image, format='rgb24')))\n"
    )
    feed = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert feed.stdout is not None
    command = ["capture", "-", "-o", str(out), "--faces", "1", "--csv", "--no-overlay"]
    process = subprocess.Popen(
        [sys.executable, "-m", "mien", *command],
        stdin=feed.stdout,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    feed.stdout.close()
    csv = out / "faces.csv.part"
    waiting = threading.Event()
    try:
        for _ in range(600):
            if csv.exists() and csv.read_bytes().count(b"\n") > 60:
                break
            assert process.poll() is None, process.communicate()
            waiting.wait(0.1)
        else:
            raise AssertionError("the capture did not begin")
        yield process
    finally:
        for child in (process, feed):
            child.kill()
            child.wait(30)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"max_faces": 0}, "at least 1"),
        ({"mesh": "stl"}, "obj or ply"),
        ({"crops": True, "max_faces": 3}, "one face"),
        ({"crops": True, "engine": "facemesh"}, "engine of their own"),
        ({"seconds": 0.0}, "above 0"),
        ({"seconds": float("nan")}, "above 0"),
    ],
)
def test_bad_options(values: dict[str, object], message: str, unchecked: None) -> None:
    with pytest.raises(InputError, match=message):
        CaptureOptions(out=Path(os.devnull), **values)  # type: ignore[arg-type]


class Film:
    """A source without pixels to speak of."""

    name, kind, fps, size, frames = "film", "video", 25.0, (2, 2), None

    def __init__(self, count: int, kind: str = "video", error: Exception | None = None) -> None:
        self.count, self.kind, self.error = count, kind, error
        self.notes: list[str] = []
        self.made = 0

    def __iter__(self) -> object:
        for i in range(self.count):
            self.made += 1
            yield Frame(np.zeros((2, 2, 3), np.uint8), i / 25, i)
        if self.error:
            raise self.error


def test_reading_ahead_keeps_order_and_raises_at_the_end(unchecked: None) -> None:
    got = []
    source = Film(20, error=InputError("cut off"))
    with pytest.raises(InputError, match="cut off"), ReadAhead(source, threading.Event()) as frames:  # type: ignore[arg-type]
        got.extend(frame.index for frame in frames)
    assert got == list(range(20))


def test_reading_ahead_is_bounded(unchecked: None) -> None:
    source = Film(1000)
    with ReadAhead(source, threading.Event()) as frames:  # type: ignore[arg-type]
        next(iter(frames))
    assert source.made < 20


def test_a_camera_drops_the_oldest_frames(unchecked: None) -> None:
    source = Film(50, kind="camera")
    with ReadAhead(source, threading.Event()) as frames:  # type: ignore[arg-type]
        frames._thread.join(0.5)  # nobody takes frames while the camera runs
        indices = []
        for frame in frames:
            indices.append(frame.index)
            if frame.index == 49:
                break
    assert frames.dropped == 50 - len(indices) > 0
    assert indices == sorted(indices)


def put_forever(behind: WriteBehind, frame: Frame) -> None:
    while True:
        behind.put(frame, Observation(0, 0.0, (2, 2), ()))


def test_writing_behind_hands_the_error_over_and_closes() -> None:
    closed = []

    def fail(frame: Frame, _: Observation) -> None:
        raise OutputError(f"frame {frame.index}")

    frame = Frame(np.zeros((2, 2, 3), np.uint8))
    with (
        pytest.raises(OutputError, match="frame 0"),
        WriteBehind(fail, lambda: closed.append(True)) as behind,
    ):
        put_forever(behind, frame)
    assert closed == [True]
