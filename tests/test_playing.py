"""What is played: moments of captures, recordings and pictures, in their own time."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mien.channels import ARKIT_52
from mien.errors import InputError
from mien.playing import Moment, Performance, perform, steady
from mien.types import RigPose


def rig(time: float, weight: float = 0.0) -> RigPose:
    return RigPose(time, ARKIT_52, np.full(52, weight, np.float32))


def test_a_steady_rate_lies_between_the_moments() -> None:
    times = [0.0, 0.1, 0.4]
    images = [np.full((2, 2, 3), i, np.uint8) for i in range(3)]
    moments = [Moment(t, rig(t, t), None, image) for t, image in zip(times, images, strict=True)]
    played = steady(Performance("p", iter(moments), 0.1, 3, 0.4), 10)
    found = list(played.moments)
    assert [m.time for m in found] == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])
    assert [float(m.rig.weights[0]) for m in found] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert [int(m.image[0, 0, 0]) for m in found] == [0, 1, 1, 1, 2]
    assert (played.step, played.count, played.seconds) == (0.1, 5, 0.4)
    assert [played.expected(end) for end in (0.05, 0.1, 0.25, 9, np.inf)] == [1, 1, 3, 5, 5]


def test_how_many_there_will_be_is_said_only_where_it_is_known() -> None:
    nothing = Performance("p", iter(()), 0.1)
    assert steady(nothing, 10).count is None
    uneven = Performance("p", iter(()), 0.1, 7, 2.0)
    assert [uneven.expected(end) for end in (0.5, 2.5, np.inf)] == [None, 7, 7]


def test_a_recording_with_pauses_has_no_count(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for times, count in (((0, 0.1, 0.2), 3), ((0, 0.1, 0.2, 0.3, 5.0), None)):
        rows = "".join(f"me,{time},1,0.5\n" for time in times)
        path.write_text(f"source,time,face_id,jawOpen\n{rows}", "utf-8")
        with perform(str(path)) as performance:
            assert performance.count == count
            found = sum(1 for _ in performance.moments)
            assert count is None or found == count


@pytest.mark.parametrize("moments", [[], [Moment(0.0, rig(0.0))]])
def test_few_moments_at_a_steady_rate(moments: list[Moment]) -> None:
    assert len(list(steady(Performance("p", iter(moments)), 30).moments)) == len(moments)


@pytest.mark.parametrize("name", ["nothing-here", "faces.parquet", "a.gesichter", "a.csv"])
def test_what_is_not_there_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=name):
        perform(str(tmp_path / name))


def test_a_folder_without_a_capture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is no capture: it has no faces\.parquet"):
        perform(str(tmp_path))


def test_recordings_have_no_pictures(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.csv has no pictures"):
        perform(str(tmp_path / "a.csv"), pictures=True)


@pytest.fixture(scope="module")
def captured(facemesh: str, portrait_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from mien.batch import CaptureOptions, capture_to_files

    out = tmp_path_factory.mktemp("captured")
    capture_to_files([str(portrait_path)], CaptureOptions(out, engine=facemesh))
    return out


def test_a_photo_is_tracked_on_the_way(facemesh: str, portrait_path: Path) -> None:
    with perform(str(portrait_path), engine=facemesh) as performance:
        (moment,) = performance.moments
        assert performance.step is None
        assert performance.size == (512, 600)
    assert moment.image is not None
    assert moment.face is not None
    assert moment.rig.weights.max() > 0.1


@pytest.mark.parametrize("as_table", [False, True])
def test_a_capture_is_played_with_and_without_pictures(captured: Path, as_table: bool) -> None:
    spec = str(captured / "faces.parquet" if as_table else captured)
    with perform(spec) as without:
        (moment,) = without.moments
        assert moment.image is None
    with perform(spec, pictures=True) as performance:
        (seen,) = performance.moments
    assert seen.image is not None
    assert seen.face is not None
    assert seen.face.pose is not None
    assert seen.rig.weights == pytest.approx(moment.rig.weights, abs=1e-5)
    assert seen.rig.head == pytest.approx(moment.rig.head, abs=1e-5)


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("gone.jpg", "cannot be opened any more"),
        ("camera:0", "whose pictures were not kept"),
        (None, "does not say which video"),
    ],
)
def test_pictures_that_are_gone(captured: Path, tmp_path: Path, spec, why: str) -> None:
    (tmp_path / "faces.parquet").write_bytes((captured / "faces.parquet").read_bytes())
    if spec is not None:
        summary = json.loads((captured / "summary.json").read_text("utf-8"))
        summary["sources"][0]["spec"] = spec
        (tmp_path / "summary.json").write_text(json.dumps(summary), "utf-8")
    with pytest.raises(InputError, match=why):
        perform(str(tmp_path), pictures=True)


def test_no_face_is_a_note(facemesh: str, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (64, 64), (90, 90, 90)).save(tmp_path / "grey.png")
    with perform(str(tmp_path / "grey.png"), engine=facemesh) as performance:
        moment = next(performance.moments)  # and not on to the end
    assert moment.face is None
    assert not moment.rig.weights.any()
    assert performance.notes == ["no face was found"]
