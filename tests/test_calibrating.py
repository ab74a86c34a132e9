"""``mien calibrate``: a source in, what is known of a person out."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from mien import people
from mien.calibrating import How, learn
from mien.channels import ARKIT_52, index_of
from mien.cli import app
from mien.errors import InputError
from mien.heads import HeadId
from mien.retarget.calibrator import PHASES
from mien.types import Face, Landmarks, Observation, Pose

POINTS = Landmarks(np.zeros((478, 3), np.float32), (64, 48))
RATE = 10


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What the source is and what is read off it: ``script`` says it for a time in seconds."""
    stage = SimpleNamespace(kind="video", seconds=20.0, script=lambda time: {}, faces=1)
    stage.head = HeadId("made", "1", "0" * 64)

    class Source:
        kind = property(lambda self: stage.kind)

        def __enter__(self) -> Source:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    class Tracker:
        engine_name = "puppet"
        expression_head = property(lambda self: stage.head)

        def __init__(self, engine: str, **options: Any) -> None:
            stage.options = options

        def __enter__(self) -> Tracker:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def stream(self, frames: object) -> Iterator[Observation]:
            count = 1 if stage.kind == "still" else round(stage.seconds * RATE)
            for i in range(count):
                values = np.zeros(len(ARKIT_52), np.float32)
                for name, value in stage.script(i / RATE).items():
                    values[index_of(name)] = value
                one = Face(1, i / RATE, POINTS, Pose.from_euler(0, 0, 0), values, False)
                yield Observation(i, i / RATE, (64, 48), (one,) * stage.faces)

    monkeypatch.setattr("mien.capture.open_source", lambda spec: Source())
    monkeypatch.setattr("mien.tracker.Tracker", Tracker)
    return stage


def test_a_photo_of_the_neutral_face_is_enough(stage: SimpleNamespace) -> None:
    stage.kind, stage.script = "still", lambda time: {"browInnerUp": 0.2}
    calibration, unseen = learn("ada.jpg", "Ada")
    assert calibration.neutral[index_of("browInnerUp")] == pytest.approx(0.2)
    assert (calibration.head, calibration.engine, unseen) == ("made", "puppet", ())
    assert stage.options["mode"] == "still"
    assert stage.options["smoothing"] is None


def test_only_the_wanted_seconds_are_looked_at(stage: SimpleNamespace) -> None:
    stage.script = lambda time: {"browInnerUp": 0.2 if time < 2 else 0.45}
    calibration, _ = learn("ada.mp4", "Ada", seconds=2)
    assert calibration.neutral[index_of("browInnerUp")] == pytest.approx(0.2)


def test_a_camera_is_guided_face_by_face(stage: SimpleNamespace) -> None:
    begins = np.cumsum([0, *(phase.seconds for phase in PHASES)])

    def obedient(time: float) -> dict[str, float]:
        phase = PHASES[min(int(np.searchsorted(begins, time + 1e-6)) - 1, len(PHASES) - 1)]
        if phase.name == "brows_up":
            return {}
        return {"jawOpen": 0.05} | dict.fromkeys(phase.channels, 0.7)

    stage.kind, stage.script = "camera", obedient
    said: list[str] = []
    calibration, unseen = learn("camera:0", "Ada", say=said.append)
    assert said == [phase.say for phase in PHASES]
    assert unseen == ("brows_up",)
    assert calibration.scale[index_of("mouthPucker")] > 1.2
    assert calibration.scale[index_of("browInnerUp")] == 1


def test_a_video_of_anything_is_learnt_from_freely(stage: SimpleNamespace) -> None:
    stage.script = lambda time: {"jawOpen": 0.1 + 0.3 * (time % 2 > 1)}
    calibration, _ = learn("ada.mp4", "Ada", how=How.free)
    assert calibration.neutral[index_of("jawOpen")] == pytest.approx(0.1, abs=0.03)


def test_it_can_be_stopped(stage: SimpleNamespace) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(InputError, match="keep your face in the picture"):
        learn("ada.mp4", "Ada", stop=stop)


@pytest.mark.parametrize(
    ("changes", "how", "told"),
    [
        ({"faces": 2}, None, "more than one face"),
        ({"faces": 0}, None, "no face was seen"),
        ({"head": None}, None, "choose one with --expression"),
        ({"seconds": 0.5}, None, "5 of 5 frames can be used, 10 are needed"),
        ({"seconds": 3}, How.free, "go on for a while"),
    ],
)
def test_what_cannot_be_learnt_from_is_told(
    stage: SimpleNamespace, changes: dict[str, Any], how: How | None, told: str
) -> None:
    vars(stage).update(changes)
    with pytest.raises(InputError, match=told):
        learn("ada.mp4", "Ada", how=how)


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["calibrate", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_command_learns_lists_and_forgets(stage: SimpleNamespace, home: Path) -> None:
    assert "nobody yet" in run()
    stage.script = lambda time: {"browInnerUp": 0.2}
    told = run("ada.mp4", "--name", "Ada L.")
    assert "browInnerUp" in told
    assert "0.20" in told
    assert str(home / "people" / "Ada-L.json") in told.replace("\n", "")
    listed = run()
    assert "Ada-L" in listed
    assert "made" in listed
    people.file("Bob").write_text("{")
    assert "no calibration" in run().replace("\n", " ")
    run("--delete", "Ada L.")
    run("--delete", "Bob")
    assert "nobody yet" in run()


def test_a_face_that_reads_as_nothing_is_told(stage: SimpleNamespace) -> None:
    assert "nothing is read off this face at rest" in run("ada.mp4", "--name", "Ada")


def test_what_was_hardly_seen_is_told(stage: SimpleNamespace) -> None:
    assert "brows up was hardly seen" in run("ada.mp4", "--name", "Ada", "--how", "guided")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["ada.mp4"], "--name"),
        (["ada.mp4", "--name", "///"], "letters or digits"),
        (["--delete", "Ada"], "no calibration of 'Ada'"),
    ],
)
def test_what_the_command_cannot_do(
    stage: SimpleNamespace, arguments: list[str], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        run(*arguments)


def test_the_portrait_can_be_learnt_from(facemesh: str, portrait_path: Path) -> None:
    calibration, _ = learn(str(portrait_path), "Grace", engine=facemesh, expression="geometric")
    assert calibration.head == "geometric"
    assert calibration.neutral.max() > 0.05
