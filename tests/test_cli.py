"""The command line as people use it: what it prints, and how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from mien import __version__
from mien.assets import sample_portrait
from mien.channels import ARKIT_52

COMMANDS = ("live", "capture", "recover", "calibrate", "pull", "doctor")


def mien(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    env = {"MIEN_HOME": str(cwd / "home"), "NO_COLOR": "1", "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, "-m", "mien", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "MIEN_HOME": str(cwd / "home"),
            "NO_COLOR": "1",
            "COLUMNS": "200",
            **env,
        },
        stdin=subprocess.DEVNULL,
        check=False,
    )


pytestmark = pytest.mark.usefixtures("facemesh")


def test_version(tmp_path: Path) -> None:
    assert mien("--version", cwd=tmp_path).stdout.strip() == __version__


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(tmp_path: Path, command: str) -> None:
    done = mien(command, "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert "Usage" in done.stdout


def test_capture_without_a_source_takes_the_sample(tmp_path: Path) -> None:
    done = mien("capture", "-o", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 rows in out/faces.parquet" in done.stdout.replace("\\", "/")
    assert (tmp_path / "out" / "overlay" / "grace_hopper.jpg").is_file()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["capture", "--expression", "arkit"], "there is no expression head 'arkit'"),
        (["capture", "--morphable", "ten.onnx"], "ten.json is missing"),
        (["capture", "--calibration", "Ada"], "there is no calibration of 'Ada'"),
        (["capture", "--calibration", "x.json"], "there is no calibration x.json"),
        (["live", "--no-browser", "--expression", "arkit"], "no expression head 'arkit'"),
        (["live", "--no-browser", "--calibration", "Ada"], "no calibration of 'Ada'"),
    ],
)
def test_a_head_or_a_person_that_is_not_there(
    tmp_path: Path, arguments: list[str], told: str
) -> None:
    done = mien(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert told in " ".join(done.stderr.split())
    assert not (tmp_path / "capture").exists()


def test_a_person_is_learnt_and_used(tmp_path: Path) -> None:
    portrait = str(sample_portrait())
    ruler = ("--expression", "geometric")
    learnt = mien("calibrate", portrait, "--name", "Grace", *ruler, cwd=tmp_path)
    assert learnt.returncode == 0, learnt.stderr
    done = mien("capture", "-o", "out", "--calibration", "Grace", *ruler, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    table = pd.read_parquet(tmp_path / "out" / "faces.parquet", columns=list(ARKIT_52))
    assert table.iloc[0].max() < 0.05


def make(folder: Path, name: str, content: bytes) -> str:
    (folder / name).write_bytes(content)
    return name


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["capture", "missing.mp4"], 2, "missing.mp4"),
        (["capture", "empty.jpg"], 2, "empty.jpg"),
        (["capture", "text.jpg"], 2, "text.jpg"),
        (["capture", "*.tiff"], 2, "tiff"),
        (["capture", "-"], 2, "standard input"),
        (["capture", "--faces", "0"], 2, "at least 1"),
        (["capture", "--min-cutoff", "-1"], 2, "min_cutoff"),
        (["capture", "--mouth-threshold", "0"], 2, "mouth"),
        (["capture", "--seconds", "-3"], 2, "seconds"),
        (["capture", "--engine", "facemsh"], 2, "facemesh"),
        (["capture", "--engine", "facelandmarker"], 4, "mien pull face_landmarker"),
        (["capture", "--crops"], 4, "mien pull face_landmarker"),
        (["capture", "camera:97", "-o", "cam"], 3, "camera"),
        (["capture", "-o", "text.jpg"], 6, "text.jpg"),
        (["pull", "nothing"], 2, "face_landmarker"),
        (["pull", "face_landmarker", "--offline"], 4, "--from"),
        (["pull", "face_landmarker", "--from", "text.jpg"], 2, "SHA-256"),
        (["recover", "."], 2, "nothing to recover"),
        (["recover", "nowhere"], 2, "nowhere: no such folder"),
        (["capture", "text.jpg", "camera:97"], 2, "none of the 2 sources"),
        (["live", "--engine", "facemsh", "--no-browser"], 2, "facemesh"),
        (["capture", "camera:x"], 2, "camera:x"),
        (["live", "--host", "0.0.0.0", "--no-browser"], 2, "token"),  # noqa: S104
    ],
)
def test_bad_input_names_itself_and_the_remedy(
    arguments: list[str], code: int, said: str, tmp_path: Path
) -> None:
    make(tmp_path, "empty.jpg", b"")
    make(tmp_path, "text.jpg", b"not a picture at all, just words")
    done = mien(*arguments, cwd=tmp_path)
    assert done.returncode == code, done.stdout + done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    left = {p.name for p in tmp_path.iterdir()} - {"empty.jpg", "text.jpg", "home"}
    assert not left, f"a refused command leaves nothing behind, found {left}"


def test_a_skipped_source_is_named_once(tmp_path: Path) -> None:
    bad = make(tmp_path, "bad\x1b[2J.jpg", b"not a picture")
    done = mien("capture", bad, str(sample_portrait()), "-o", "out", "--no-overlay", cwd=tmp_path)
    assert done.returncode == 2
    assert r"skipped: bad\x1b[2J.jpg: expected a picture" in done.stderr
    assert "\x1b" not in done.stderr + done.stdout


def test_results_in_a_folder_of_sources_are_no_sources(tmp_path: Path) -> None:
    picture = sample_portrait().read_bytes()
    (tmp_path / "a.jpg").write_bytes(picture)
    (tmp_path / "camera:0.jpg").write_bytes(picture)
    for more in ((), ("-f",)):
        done = mien("capture", ".", *more, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "2 rows in capture/faces.parquet" in done.stdout


def test_pull_lists_the_models(tmp_path: Path) -> None:
    done = mien("pull", cwd=tmp_path)
    assert done.returncode == 0
    assert "face_landmarker" in done.stdout
    assert "Apache-2.0" in done.stdout


@pytest.mark.shared
def test_pull_from_a_local_copy(tmp_path: Path, shared: Path) -> None:
    model = shared / "models" / "face_landmarker.task"
    done = mien("pull", "face_landmarker", "--from", str(model), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = mien("capture", "--engine", "facelandmarker", "-o", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_doctor_tells_about_everything(tmp_path: Path) -> None:
    done = mien("doctor", cwd=tmp_path)
    assert done.returncode in (0, 1)
    for topic in ("Python", "MediaPipe", "facemesh", "H.264"):
        assert topic.lower() in done.stdout.lower()


def test_progress_in_a_pipe_is_plain_lines(tmp_path: Path) -> None:
    done = mien("capture", "-o", "out", cwd=tmp_path)
    assert "\x1b" not in done.stderr + done.stdout
    assert "grace_hopper: frame 1/1" in done.stderr
