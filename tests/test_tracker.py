"""The road from end to end, on the sample portrait and on made-up faces."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mien import geometry, heads, topology
from mien import tracker as tracker_module
from mien.capture import open_source
from mien.channels import mirror
from mien.engines import Detection, GivenFrame, GivenLandmarks
from mien.errors import InputError
from mien.heads.emotion import Follower
from mien.heads.regressor import Head
from mien.heads.spec import HeadSpec
from mien.retarget.calibrate import Calibration
from mien.retarget.smooth import FaceSmoother, Smoothing
from mien.tracker import STAGES, Tracker
from mien.types import Face, Frame, Landmarks

EMPTY = np.zeros((480, 640, 3), np.uint8)


@pytest.fixture(scope="module")
def still(facemesh: str) -> Iterator[Tracker]:
    with Tracker(facemesh, mode="still", expression="geometric") as tracker:
        yield tracker


def turned(image: np.ndarray, degrees: float) -> np.ndarray:
    """The picture turned clockwise around the face, its border repeated."""
    matrix = cv2.getRotationMatrix2D((265, 190), -degrees, 1.0)
    size = (image.shape[1], image.shape[0])
    return cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE)


def only(tracker: Tracker, image: np.ndarray, time: float = 0.0) -> Face:
    (face,) = tracker.process(Frame(np.ascontiguousarray(image), time)).faces
    return face


@pytest.mark.parametrize("degrees", [-40, -30, -20, -10, 10, 20, 30, 40])
def test_turning_the_picture_turns_roll_as_much(
    still: Tracker, portrait: np.ndarray, degrees: float
) -> None:
    upright, tilted = only(still, portrait).pose, only(still, turned(portrait, degrees)).pose
    assert upright is not None
    assert tilted is not None
    assert tilted.roll - upright.roll == pytest.approx(degrees, abs=2)
    # Yaw and pitch are about axes of the camera, so the turned picture turns them too; how far
    # the face looks away from the camera must stay.
    away = [math.degrees(math.acos(pose.rotation[2, 2])) for pose in (upright, tilted)]
    assert away[0] == pytest.approx(away[1], abs=3)


def test_the_mirrored_picture_is_the_mirrored_face(still: Tracker, portrait: np.ndarray) -> None:
    here, there = only(still, portrait), only(still, portrait[:, ::-1])
    assert here.pose is not None
    assert there.pose is not None
    assert there.pose.yaw == pytest.approx(-here.pose.yaw, abs=2)
    assert there.pose.pitch == pytest.approx(here.pose.pitch, abs=2)
    assert there.pose.roll == pytest.approx(-here.pose.roll, abs=2)
    flipped = topology.mirror_points(there.landmarks.points, 512)
    assert np.linalg.norm(flipped - here.landmarks.points, axis=1).mean() < 3
    assert here.expression is not None
    assert there.expression is not None
    np.testing.assert_allclose(mirror(there.expression), here.expression, atol=0.2)


def test_the_size_of_the_picture_does_not_change_the_expression(
    still: Tracker, portrait: np.ndarray
) -> None:
    small = cv2.resize(portrait, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    here, there = only(still, portrait), only(still, small)
    assert here.pose is not None
    assert there.pose is not None
    assert there.pose.scale / here.pose.scale == pytest.approx(0.6, rel=0.03)
    np.testing.assert_allclose(there.expression, here.expression, atol=0.15)  # type: ignore[arg-type]


def test_no_face_is_an_empty_observation(still: Tracker) -> None:
    seen = still.process(Frame(EMPTY, 1.5, 3))
    assert seen.faces == ()
    assert (seen.index, seen.time, seen.size) == (3, 1.5, (640, 480))
    assert list(seen.timings) == [*STAGES, "total"]
    assert sum(seen.timings[s] for s in STAGES) == pytest.approx(seen.timings["total"])


class Puppet:
    """An engine that shows the canonical face wherever a script says."""

    name = "puppet"

    def __init__(self, script: list[list[np.ndarray]]) -> None:
        self.script = script
        self.resets = 0
        self.closed = False

    def detect(self, frame: Frame) -> list[Detection]:
        faces = self.script[frame.index]
        return [Detection(Landmarks(points, frame.size)) for points in faces]

    def reset(self) -> None:
        self.resets += 1

    def close(self) -> None:
        self.closed = True


def puppet(
    x: float = 320, y: float = 240, yaw: float = 0, pitch: float = 0, roll: float = 0, s: float = 15
) -> np.ndarray:
    rotation = geometry.matrix_from_euler(yaw, pitch, roll)
    points = geometry.project(topology.CANONICAL.astype(float), rotation, np.array([x, y, 0.0]), s)
    return points.astype(np.float32)


def play(tracker: Tracker, count: int, rate: float = 30.0) -> list[tuple[Face, ...]]:
    return [tracker.process(Frame(EMPTY, i / rate, i)).faces for i in range(count)]


@pytest.mark.parametrize(
    ("yaw", "pitch", "roll"), [(0, 0, 0), (25, 0, 0), (0, -20, 0), (0, 0, 35), (-30, 15, -10)]
)
def test_pose_of_a_made_up_face_is_exact(yaw: float, pitch: float, roll: float) -> None:
    tracker = Tracker(Puppet([[puppet(200, 300, yaw, pitch, roll, 12)]]))
    pose = play(tracker, 1)[0][0].pose
    assert pose is not None
    assert (pose.yaw, pose.pitch, pose.roll) == pytest.approx((yaw, pitch, roll), abs=0.01)
    assert pose.scale == pytest.approx(12, rel=1e-3)
    np.testing.assert_allclose(pose.translation, [200, 300, 0], atol=0.05)


def test_expression_does_not_change_with_pose() -> None:
    poses = [(0, 0, 0), (30, 0, 0), (-30, 10, 20), (0, -25, -15)]
    tracker = Tracker(
        Puppet([[puppet(yaw=y, pitch=p, roll=r)] for y, p, r in poses]),
        smoothing=None,
        expression="geometric",
    )
    first, *others = (faces[0].expression for faces in play(tracker, len(poses)))
    for other in others:
        np.testing.assert_allclose(other, first, atol=1e-3)


def test_smoothing_calms_and_off_is_raw() -> None:
    rng = np.random.default_rng(1)
    script = [[puppet() + rng.normal(0, 0.5, (478, 3)).astype(np.float32)] for _ in range(60)]

    def jitter(smoothing: Smoothing | None) -> float:
        frames = play(Tracker(Puppet(script), smoothing=smoothing), 60)
        return float(np.stack([f[0].landmarks.points for f in frames])[30:].std(axis=0).mean())

    assert jitter(None) == pytest.approx(0.5, rel=0.1)
    assert jitter(Smoothing()) < 0.25
    raw = play(Tracker(Puppet(script), smoothing=None), 1)[0][0].landmarks.points
    np.testing.assert_array_equal(raw, script[0][0])


def test_smoothing_works_with_several_faces() -> None:
    rng = np.random.default_rng(1)

    def shaken(x: float) -> np.ndarray:
        return puppet(x, s=8) + rng.normal(0, 0.5, (478, 3)).astype(np.float32)

    script = [[shaken(120), shaken(450)] for _ in range(60)]
    frames = play(Tracker(Puppet(script), max_faces=2), 60)
    for i in range(2):
        points = np.stack([f[i].landmarks.points for f in frames])[30:]
        assert points.std(axis=0).mean() < 0.25


def test_configure_takes_effect_and_keeps_the_rest() -> None:
    tracker = Tracker(Puppet([[puppet()]] * 4))
    tracker.configure(mouth_threshold=0.001)
    assert tracker.smoothing == Smoothing()
    assert play(tracker, 1)[0][0].mouth_open is True
    tracker.configure(smoothing=None)
    assert tracker.smoothing is None
    with pytest.raises(InputError, match="mouth"):
        tracker.configure(mouth_threshold=-1)


def test_time_must_rise_until_reset() -> None:
    engine = Puppet([[puppet()], [puppet()]])
    tracker = Tracker(engine)
    tracker.process(Frame(EMPTY, 2.0, 0))
    with pytest.raises(InputError, match="reset"):
        tracker.process(Frame(EMPTY, 1.0, 1))
    tracker.reset()
    assert engine.resets == 1
    assert tracker.process(Frame(EMPTY, 1.0, 1)).faces[0].id == 1


def test_the_tracker_closes_its_engine() -> None:
    engine = Puppet([])
    with Tracker(engine):
        assert not engine.closed
    assert engine.closed


def test_faces_come_in_order_of_their_ids_and_no_more_than_asked() -> None:
    left, right = puppet(120, s=8), puppet(450, s=8)
    tracker = Tracker(Puppet([[left, right], [right, left], [right, left]]), max_faces=2)
    for faces in play(tracker, 3):
        assert [f.id for f in faces] == [1, 2]
        assert faces[0].landmarks.box[0] < faces[1].landmarks.box[0]
    crowd = Tracker(Puppet([[left, right]]), max_faces=1)
    assert len(play(crowd, 1)[0]) == 1


def test_one_head_is_one_face_and_a_curtain_is_none() -> None:
    head, again = puppet(200, s=10), puppet(210, s=9)
    curtain = puppet(500, s=10)
    curtain[::2, 1] += 60
    tracker = Tracker(Puppet([[again, curtain, head]]), max_faces=4, smoothing=None)
    (face,) = play(tracker, 1)[0]
    np.testing.assert_array_equal(face.landmarks.points, head)


def test_results_are_to_be_read_not_written() -> None:
    tracker = Tracker(Puppet([[puppet()]] * 2))
    for faces in play(tracker, 2):
        with pytest.raises(ValueError, match="read-only"):
            faces[0].landmarks.points[0] = 0


def portraits_that_cross(portrait: np.ndarray) -> list[np.ndarray]:
    """The portrait and its darker double walk through each other."""
    face = cv2.resize(portrait[30:350, 130:410], (210, 240), interpolation=cv2.INTER_AREA)
    other = (np.asarray(face[:, ::-1], np.float32) * [0.75, 0.55, 0.5]).astype(np.uint8)
    frames = []
    for i in range(60):
        canvas = np.full((360, 900, 3), 60, np.uint8)
        x = round(40 + i * 10)
        canvas[60:300, 690 - x + 0 : 690 - x + 210] = other
        canvas[60:300, x : x + 210] = face
        frames.append(canvas)
    return frames


def test_ids_survive_a_crossing_with_the_real_engine(facemesh: str, portrait: np.ndarray) -> None:
    frames = portraits_that_cross(portrait)
    with Tracker(facemesh, max_faces=2) as tracker:
        seen = [tracker.process(Frame(f, i / 30, i)).faces for i, f in enumerate(frames)]
    centre = {f.id: f.pose.translation[0] for f in seen[0] if f.pose}
    right_going = min(centre, key=lambda i: centre[i])
    for faces in (seen[0], seen[20], seen[-1]):
        assert {f.id for f in faces} == set(centre)
    end = {f.id: f.pose.translation[0] for f in seen[-1] if f.pose}
    assert end[right_going] == max(end.values())


@pytest.mark.shared
def test_the_id_holds_while_hands_cover_the_face(facemesh: str, shared: Path) -> None:
    ids = set()
    count = 0
    with (
        open_source(str(shared / "media" / "videos" / "emotions-occlusion.mp4")) as source,
        Tracker(facemesh, max_faces=2) as tracker,
    ):
        for seen in tracker.stream(source):
            ids |= {face.id for face in seen.faces}
            count += len(seen.faces)
    assert ids == {1}
    assert count > 450


def test_starting_an_engine_leaves_standard_error_alone(facemesh: str) -> None:
    code = (
        "import numpy as np; from mien.tracker import Tracker; from mien.types import Frame;"
        "from mien.capture import read_image; from mien.assets import sample_portrait;"
        f"t = Tracker({facemesh!r}); t.process(Frame(read_image(sample_portrait())))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_trained_heads_read_what_the_tracker_aligned(make_head: Callable[..., Path]) -> None:
    everything = ("aligned", "rotation", "pixels")
    faces = [puppet(120, s=8, yaw=10), puppet(450, s=8)]
    paths = {
        "expression": make_head("mine", inputs=everything, bias=0.3),
        "morphable": make_head("ten", inputs=everything, output="morphable", bias=-3.0),
    }
    given = {name: str(path) for name, path in paths.items()}
    tracker = Tracker(Puppet([[faces[0]], faces]), max_faces=2, smoothing=None, **given)
    alone, together = play(tracker, 2)
    for face in (*alone, *together):
        pose, points = face.pose, face.landmarks.points
        assert pose is not None
        camera = geometry.picture_to_camera(points)
        aligned = tracker_module._fit(points).invert(camera)
        for name, path in paths.items():
            expected = Head(path)(aligned, pose.rotation, points)
            np.testing.assert_allclose(getattr(face, name), expected, atol=1e-4)
    assert tracker.expression_head is not None
    assert (tracker.expression_head.name, tracker.morphable_head.name) == ("mine", "ten")


def emotions(path: Path, script: list[Any], **options: Any) -> list[np.ndarray | None]:
    """What a head of emotions says of the first face of each frame."""
    tracker = Tracker(Puppet(script), expression=None, morphable=None, emotion=str(path), **options)
    return [faces[0].emotion if faces else None for faces in play(tracker, len(script))]


@pytest.mark.parametrize("inputs", [("rotation",), ("image",), ("aligned", "image")])
def test_emotions_are_probabilities(
    make_head: Callable[..., Path], inputs: tuple[str, ...]
) -> None:
    path = make_head("mood", output="emotion", inputs=inputs, bias=np.arange(7.0))
    faces = [puppet(120, s=8, yaw=10), puppet(450, s=8)]
    tracker = Tracker(Puppet([faces]), max_faces=2, smoothing=None, emotion=str(path))
    expected = np.exp(np.arange(7.0))
    for face in play(tracker, 1)[0]:
        np.testing.assert_allclose(face.emotion, expected / expected.sum(), atol=1e-5)
        assert face.looks == "neutral"
    assert tracker.emotion_head == heads.identity(str(path), "emotion")


def test_emotions_are_smoothed_where_the_rest_is(make_head: Callable[..., Path]) -> None:
    path = make_head("mood", output="emotion", inputs=("rotation",))
    script = [[puppet(yaw=yaw)] for yaw in (0, 0, 60, 60)]
    follow = Follower()
    raw = emotions(path, script, smoothing=None)
    for i, (plain, steady) in enumerate(zip(raw, emotions(path, script), strict=True)):
        np.testing.assert_allclose(steady, follow(plain, i / 30), atol=1e-6)


def test_without_a_face_there_is_no_emotion(make_head: Callable[..., Path]) -> None:
    path = make_head("mood", output="emotion")
    assert emotions(path, [[], [puppet()], []])[::2] == [None, None]


@pytest.mark.parametrize(("inputs", "told"), [(("aligned",), True), (("image",), False)])
def test_where_no_picture_came_only_landmarks_are_read(
    make_head: Callable[..., Path], inputs: tuple[str, ...], told: bool
) -> None:
    path = make_head("mood", output="emotion", inputs=inputs)
    points = puppet()[None].astype(np.float32)
    with Tracker(GivenLandmarks(), morphable=None, emotion=str(path)) as tracker:
        seen = tracker.process(GivenFrame.of(points, (640, 480), 0.0, 0))
        (face,) = seen.faces
        assert (face.emotion is not None) == told
        assert (face.looks is not None) == told


def test_what_a_head_cannot_say_is_no_number(make_head: Callable[..., Path]) -> None:
    path = make_head("mood", output="emotion", bias=np.full(7, np.nan))
    assert emotions(path, [[puppet()]]) == [None]


def test_heads_can_be_left_out() -> None:
    tracker = Tracker(Puppet([[puppet()]]), expression=None, morphable=None, emotion=None)
    (face,) = play(tracker, 1)[0]
    assert face.expression is None
    assert face.morphable is None
    assert face.emotion is None
    assert face.looks is None
    assert tracker.emotion_head is None
    assert face.mouth_open is False
    assert tracker.reading(face.id) is None


def test_the_ruler_is_a_head_like_others() -> None:
    tracker = Tracker(Puppet([[puppet()]]), expression="geometric", morphable=None)
    (face,) = play(tracker, 1)[0]
    assert face.channel("jawOpen") is not None
    assert face.channel("cheekPuff") is None
    assert tracker.expression_head == heads.identity("geometric", "expression")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"expression": "arkit51"}, "no expression head 'arkit51'"),
        ({"morphable": "geometric"}, "no morphable head"),
        ({"emotion": "geometric"}, "no emotion head"),
        ({"expression": "missing.onnx"}, r"missing\.json is missing"),
    ],
)
def test_a_head_that_is_not_there_is_refused(options: dict[str, str], told: str) -> None:
    with pytest.raises(InputError, match=told):
        Tracker(Puppet([]), **options)


def calibration(path: Path, **more: str) -> Calibration:
    spec = HeadSpec.read(path.with_suffix(".json"))
    about = {"name": "Ada", "head": spec.name, "sha256": spec.sha256, "engine": "puppet"} | more
    neutral, scale = np.full(52, 0.2, np.float32), np.full(52, 1.2, np.float32)
    return Calibration(**about, neutral=neutral, scale=scale)


def test_calibration_corrects_the_reading_before_it_is_smoothed(
    make_head: Callable[..., Path],
) -> None:
    path = make_head("mine", inputs=("rotation",), bias=0.4)
    known = calibration(path)
    script = [[puppet(yaw=y)] for y in (0, 5, 10, 20)]
    raw = Tracker(Puppet(script), smoothing=None, expression=str(path))
    corrected = Tracker(Puppet(script), smoothing=None, expression=str(path), calibration=known)
    for (plain,), (better,) in zip(play(raw, 4), play(corrected, 4), strict=True):
        np.testing.assert_allclose(better.expression, known.apply(plain.expression), atol=1e-6)
    assert corrected.calibration is known
    smooth = Tracker(Puppet(script), expression=str(path), calibration=known)
    by_hand = FaceSmoother(Smoothing())
    for i in range(4):
        (face,) = smooth.process(Frame(EMPTY, i / 30, i)).faces
        reading = smooth.reading(face.id)
        assert reading is not None
        expected = by_hand.channels("expression", known.apply(reading), i / 30)
        np.testing.assert_allclose(face.expression, expected, atol=1e-6)


def test_calibration_is_changed_between_frames(make_head: Callable[..., Path]) -> None:
    path = make_head("mine", inputs=("rotation",), bias=0.4)
    script = [[puppet()]] * 3
    tracker = Tracker(Puppet(script), smoothing=None, expression=str(path))
    values = []
    for i, change in enumerate((None, calibration(path), None)):
        tracker.configure(calibration=change)
        values.append(tracker.process(Frame(EMPTY, i / 30, i)).faces[0].channel("jawOpen"))
    assert values[0] == values[2]
    assert values[1] == pytest.approx((values[0] - 0.2) / 0.8 * 1.2, abs=1e-5)


def test_calibration_is_for_one_person(make_head: Callable[..., Path]) -> None:
    path = make_head("mine", inputs=("rotation",), bias=0.4)
    faces = [puppet(120, s=8), puppet(450, s=8)]
    tracker = Tracker(
        Puppet([faces]), max_faces=2, expression=str(path), calibration=calibration(path)
    )
    first, second = play(tracker, 1)[0]
    assert first.channel("jawOpen") < second.channel("jawOpen")


@pytest.mark.parametrize("other", [{"head": "yours"}, {"sha256": "1" * 64}, {"engine": "facemesh"}])
def test_a_calibration_of_something_else_is_refused(
    make_head: Callable[..., Path], other: dict[str, str]
) -> None:
    path = make_head("mine")
    wrong = calibration(path, **other)
    with pytest.raises(InputError, match="was learnt with"):
        Tracker(Puppet([]), expression=str(path), calibration=wrong)
    with pytest.raises(InputError, match="was learnt with"):
        Tracker(Puppet([]), expression=None, calibration=wrong)
    tracker = Tracker(Puppet([]), expression=str(path))
    with pytest.raises(InputError, match="was learnt with"):
        tracker.configure(calibration=wrong, mouth_threshold=0.5)
    assert tracker.calibration is None
    assert tracker._mouth_threshold == 0.12
