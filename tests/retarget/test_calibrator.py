"""Learning from a person: what counts, what is refused, and what to do about it."""

from __future__ import annotations

import numpy as np
import pytest

from mien.channels import ARKIT_52, index_of
from mien.errors import InputError
from mien.retarget.calibrator import PHASES, Calibrator, StreamCalibrator, trouble_with
from mien.types import Face, Landmarks, Pose

POINTS = Landmarks(np.zeros((478, 3), np.float32), (640, 480))
WHO = {"head": "head", "sha256": "0" * 64, "engine": "facemesh"}
RATE = 30


def face(
    time: float = 0.0, *, yaw: float = 0, roll: float = 0, mouth: bool | None = False,
    read: bool = True, **channels: float,
) -> Face:  # fmt: skip
    values = np.zeros(len(ARKIT_52), np.float32)
    for name, value in channels.items():
        values[index_of(name)] = value
    return Face(
        id=1, time=time, landmarks=POINTS, pose=Pose.from_euler(yaw, 0, roll),
        expression=values if read else None, mouth_open=mouth,
    )  # fmt: skip


def both(name: str, value: float) -> dict[str, float]:
    return {f"{name}Left": value, f"{name}Right": value}


@pytest.mark.parametrize(
    ("given", "phase", "trouble"),
    [
        ({}, "neutral", None),
        ({"roll": 80}, "neutral", None),
        ({"yaw": 26}, "neutral", "away"),
        ({"yaw": -26}, "smile", "away"),
        ({"yaw": 24}, "neutral", None),
        (both("eyeBlink", 0.7), "neutral", "eyes"),
        ({"eyeBlinkLeft": 0.7}, "neutral", None),
        (both("eyeBlink", 0.7), "blink", None),
        ({"mouth": True}, "neutral", "mouth"),
        ({"mouth": True}, "jaw_open", None),
        ({"mouth": None, "jawOpen": 0.4}, "neutral", "mouth"),
        ({"mouth": None}, "neutral", None),
        ({"read": False}, "neutral", "unread"),
    ],
)
def test_what_a_frame_is_good_for(given: dict[str, float], phase: str, trouble: str | None) -> None:
    assert trouble_with(face(**given), phase) == trouble


def calibrator(neutral: list[Face | None], **more: int) -> Calibrator:
    made = Calibrator("Ada", **WHO, **more)
    for one in neutral:
        made.add(one)
    return made


def test_a_guided_calibration() -> None:
    made = calibrator([face(browDownLeft=0.2, **both("eyeBlink", 0.25))] * 60)
    full = {
        "smile": both("mouthSmile", 0.6), "jaw_open": {"jawOpen": 0.75},
        "pucker": {"mouthPucker": 0.95}, "brows_up": {}, "blink": both("eyeBlink", 0.7),
    }  # fmt: skip
    for phase, channels in full.items():
        made.begin(phase)
        for i in range(40):
            made.add(face(**({n: v * min(1, i / 20) for n, v in channels.items()})))
    assert made.unseen() == ("brows_up",)
    calibration = made.finish()
    assert (calibration.name, calibration.head, calibration.engine) == ("Ada", "head", "facemesh")
    rest = face(browDownLeft=0.2, **both("eyeBlink", 0.25)).expression
    busy = face(jawOpen=0.75, **both("mouthSmile", 0.6), **both("eyeBlink", 0.7)).expression
    out = calibration.apply(np.stack([rest, busy]))
    assert np.all(out[0] < 1e-6)
    at = [index_of(n) for n in ("mouthSmileLeft", "mouthSmileRight", "jawOpen")]
    np.testing.assert_allclose(out[1, at], 0.9, atol=0.01)
    assert out[1, index_of("eyeBlinkLeft")] == 1
    assert calibration.scale[index_of("mouthPucker")] == 1
    assert calibration.scale[index_of("browInnerUp")] == 1


def test_the_guided_phases_take_about_ten_seconds() -> None:
    assert sum(phase.seconds for phase in PHASES) == pytest.approx(10, abs=1)
    assert PHASES[0].name == "neutral"
    for phase in PHASES[1:]:
        for channel in phase.channels:
            index_of(channel)


def test_a_blink_in_the_neutral_second_does_not_count() -> None:
    frames = [face(**both("eyeBlink", 0.1))] * 26 + [face(**both("eyeBlink", 0.9))] * 4
    calibration = calibrator(frames).finish()
    assert calibration.neutral[index_of("eyeBlinkLeft")] == pytest.approx(0.1, abs=1e-3)


@pytest.mark.parametrize(
    ("frames", "told"),
    [
        ([], "keep your face in the picture"),
        ([None] * 30, "0 of 30 frames can be used, no face was seen"),
        ([face(**both("eyeBlink", 0.8))] * 30, "open your eyes"),
        ([face(mouth=True)] * 30, "close your mouth"),
        ([face(yaw=40)] * 30, "look straight at the camera"),
        ([face(read=False)] * 30, "choose an expression head"),
        ([face()] * 9, "9 of 9 frames can be used, 10 are needed; hold still"),
        ([face()] * 12 + [face(yaw=40)] * 14, "12 of 26 frames can be used, the head was turned"),
    ],
)
def test_what_cannot_be_learnt_from_says_what_to_do(frames: list[Face | None], told: str) -> None:
    made = calibrator(frames)
    with pytest.raises(InputError, match="neutral face") as raised:
        made.finish()
    assert told in str(raised.value)
    assert made.unseen() == ()


def test_one_photo_is_enough_where_that_is_said() -> None:
    made = calibrator([face(jawOpen=0.1)], least=1)
    assert made.finish().neutral[index_of("jawOpen")] == pytest.approx(0.1)


def test_what_to_do_is_told_while_it_lasts() -> None:
    made = calibrator([face()] * 5)
    assert (made.learnt().good, made.learnt().trouble) == (5, None)
    for _ in range(8):
        made.add(face(mouth=True))
    assert made.learnt().trouble == "close your mouth"
    for _ in range(8):
        made.add(None)
    assert made.learnt().trouble == "come into the picture"
    for _ in range(8):
        made.add(face())
    assert made.learnt().trouble is None
    assert made.learnt().frames == 29
    made.begin("smile")
    assert (made.learnt().phase, made.learnt().frames) == ("smile", 0)
    assert made.learnt("neutral").good == 13
    assert "13 of 29 frames can be used" in (made.learnt("neutral").trouble or "")


def test_a_phase_that_is_begun_again_starts_afresh() -> None:
    made = calibrator([face(jawOpen=0.2)] * 30)
    made.begin("neutral")
    for _ in range(30):
        made.add(face(jawOpen=0.1))
    assert made.finish().neutral[index_of("jawOpen")] == pytest.approx(0.1)


def test_an_unknown_phase_is_refused() -> None:
    with pytest.raises(InputError, match="brows_up"):
        calibrator([]).begin("wink")


def test_memory_does_not_grow() -> None:
    made = calibrator([face()] * 2000)
    assert made.learnt().frames == 2000
    assert len(made._phases["neutral"].values()) <= 600


def chatter(seconds: float, seed: int = 0) -> list[Face]:
    """Somebody who talks, blinks, smiles a third of the time, and has a low left brow."""
    rng = np.random.default_rng(seed)
    frames = []
    for i in range(round(seconds * RATE)):
        time = i / RATE
        jaw = 0.08 + 0.4 * abs(np.sin(7 * time)) * (np.sin(0.7 * time) > 0)
        smile = 0.1 + (0.6 if np.sin(0.9 * time) > 0.5 else 0)
        blink = 0.9 if i % 90 < 5 else 0.2
        values = {
            "jawOpen": jaw, **both("mouthSmile", smile), **both("eyeBlink", blink),
            "browDownLeft": 0.15,
        }  # fmt: skip
        noisy = {n: float(np.clip(v + rng.normal(0, 0.012), 0, 1)) for n, v in values.items()}
        frames.append(face(time, **noisy))
    return frames


def test_a_stream_is_learnt_from_without_asking() -> None:
    made = StreamCalibrator("Ada", **WHO)
    for one in chatter(20):
        made.add(one)
    assert made.seconds == pytest.approx(20, abs=0.1)
    calibration = made.finish()
    expected = {
        "jawOpen": 0.08, "mouthSmileLeft": 0.1, "eyeBlinkLeft": 0.2, "browDownLeft": 0.15,
        "browDownRight": 0.0, "noseSneerLeft": 0.0,
    }  # fmt: skip
    for name, value in expected.items():
        assert calibration.neutral[index_of(name)] == pytest.approx(value, abs=0.03), name
    blink = calibration.apply(face(**both("eyeBlink", 0.9)).expression)
    assert blink[index_of("eyeBlinkLeft")] > 0.9
    assert calibration.scale[index_of("mouthSmileLeft")] > 1
    assert calibration.scale[index_of("browDownLeft")] == 1


def test_a_stream_forgets_what_is_long_ago() -> None:
    made = StreamCalibrator("Ada", **WHO, half_life=2.0)
    for i in range(300):
        made.add(face(i / RATE, browInnerUp=0.4))
    for i in range(300, 900):
        made.add(face(i / RATE, browInnerUp=0.1))
    assert made.finish().neutral[index_of("browInnerUp")] == pytest.approx(0.1, abs=0.03)


def test_too_short_a_stream_is_refused() -> None:
    made = StreamCalibrator("Ada", **WHO)
    for one in chatter(4):
        made.add(one)
    for i in range(300):
        made.add(face(5 + i / RATE, yaw=50))
    with pytest.raises(InputError, match=r"4\.\d s .* go on for a while"):
        made.finish()


def test_a_half_life_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="half-life"):
        StreamCalibrator("Ada", **WHO, half_life=0)
