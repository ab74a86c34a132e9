"""Live Link packets: bytes as the app sends them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from mien.channels import ARKIT_52
from mien.geometry import euler_from_matrix
from mien.streams import gesichter
from mien.streams.livelink import COLUMNS, Packet, decode, encode, pose_of, values_of
from mien.streams.pose import MalformedError
from mien.types import RigPose

VALUES = np.linspace(-1, 1, 61, dtype=np.float32)


def test_the_columns_are_those_of_the_app() -> None:
    assert len(COLUMNS) == 61
    assert COLUMNS[:2] == ("EyeBlinkLeft", "EyeLookDownLeft")
    assert (COLUMNS[17], COLUMNS[51]) == ("JawOpen", "TongueOut")
    assert COLUMNS[52:56] == ("HeadYaw", "HeadPitch", "HeadRoll", "LeftEyeYaw")


@pytest.mark.parametrize("name", ["arkit-live-180", "ramp-all-blendshapes"])
def test_real_packets_come_out_byte_by_byte(shared: Path, name: str) -> None:
    packets = gesichter.read(shared / "captures" / f"{name}.gesichter").packets
    assert len(packets) >= 180
    assert [encode(decode(data)) for data in packets] == list(packets)


@pytest.mark.parametrize("values", [VALUES, None], ids=["a face", "no face"])
def test_a_packet_made_by_hand(live_link: Callable[..., bytes], values: np.ndarray | None) -> None:
    data = live_link(values, frame=120, subframe=0.5, subject="Zoë")
    packet = decode(data)
    assert (packet.device, packet.subject, packet.rate) == ("dev1", "Zoë", (60, 1))
    assert packet.time == pytest.approx(120.5 / 60)
    assert (packet.values is None) == (values is None)
    if values is not None:
        np.testing.assert_array_equal(packet.values, values)
    assert encode(packet) == data


def good(subject: bytes = b"Ada") -> bytes:
    head = b"\x06" + struct.pack(">i", 1) + b"d" + struct.pack(">i", len(subject)) + subject
    return head + struct.pack(">ifii", 1, 0.0, 60, 1) + struct.pack(">B61f", 61, *VALUES)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "empty"),
        (b"\x05" + good()[1:], "version 5"),
        (good()[:4], "within a length"),
        (good()[:20], "within the time"),
        (good()[:-1], "61 values in"),
        (good() + b"\0", "61 values in"),
        (good()[:-245] + b"\x34" + good()[-244:], "52 values in"),
        (good()[:-4] + struct.pack(">f", float("nan")), "not finite"),
        (good(b"\xff\xfe"), "no UTF-8"),
        (b"\x06\x7f\xff\xff\xff" + good()[5:], "a name of"),
        (b"\x06\xff\xff\xff\xff" + good()[5:], "a name of -1"),
        (good().replace(struct.pack(">ii", 60, 1), struct.pack(">ii", 0, 1)), "rate of 0/1"),
    ],
)
def test_what_is_no_packet_is_told(data: bytes, told: str) -> None:
    with pytest.raises(MalformedError, match=told):
        decode(data)


@pytest.mark.parametrize(
    ("time", "rate", "frame", "subframe"),
    [
        (0.0, Fraction(60), 0, 0.0),
        (1.5, Fraction(60), 90, 0.0),
        (1 / 120, Fraction(60), 0, 0.5),
        (1001 / 30000, Fraction(30000, 1001), 1, 0.0),
        (2 - 1e-12, Fraction(60), 120, 0.0),
    ],
)
def test_seconds_become_frames(time: float, rate: Fraction, frame: int, subframe: float) -> None:
    packet = Packet.at(time, None, subject="Ada", rate=rate)
    assert (packet.frame, packet.subframe) == (frame, pytest.approx(subframe, abs=1e-6))
    assert packet.time == pytest.approx(time, abs=1e-9)


@pytest.mark.parametrize(
    ("column", "value", "part", "angles"),
    [
        ("HeadYaw", 0.3, "head", (17.2, 0, 0)),
        ("HeadPitch", 0.3, "head", (0, 17.2, 0)),
        ("HeadRoll", 0.3, "head", (0, 0, -17.2)),
        ("LeftEyeYaw", 0.3, "left_eye", (-17.2, 0, 0)),
        ("RightEyePitch", 0.3, "right_eye", (0, -17.2, 0)),
    ],
)
def test_angles_are_radians_with_signs_of_their_own(
    column: str, value: float, part: str, angles: tuple[float, float, float]
) -> None:
    values = np.zeros(61, np.float32)
    values[COLUMNS.index(column)] = value
    pose = pose_of(values, 0.0)
    assert euler_from_matrix(getattr(pose, part)) == pytest.approx(angles, abs=0.05)
    np.testing.assert_allclose(values_of(pose), values, atol=1e-6)


def test_in_a_real_capture_the_eyes_look_where_their_channels_say(shared: Path) -> None:
    contents = gesichter.read(shared / "captures" / "arkit-live-180.gesichter")
    poses = [pose_of(decode(data).values, 0.0) for data in contents.packets]
    angles = np.array([euler_from_matrix(pose.left_eye) for pose in poses])
    of = {name: np.array([pose.weights[i] for pose in poses]) for i, name in enumerate(ARKIT_52)}
    assert np.corrcoef(angles[:, 0], of["eyeLookOutLeft"] - of["eyeLookInLeft"])[0, 1] > 0.99
    assert np.corrcoef(angles[:, 1], -of["eyeLookDownLeft"])[0, 1] > 0.99


def test_a_pose_comes_back(posed: Callable[..., RigPose]) -> None:
    pose = posed(1.0, jawOpen=0.5)
    back = pose_of(values_of(pose), 1.0)
    np.testing.assert_array_equal(back.weights, pose.weights)
    for part in ("head", "left_eye", "right_eye"):
        np.testing.assert_allclose(getattr(back, part), getattr(pose, part), atol=1e-6)


def test_weights_are_found_by_name_in_any_spelling() -> None:
    pose = RigPose(0.0, ("JawOpen", "eyeBlink_L", "Joy"), np.array([0.5, 1, 1], np.float32))
    values = values_of(pose)
    assert values[COLUMNS.index("JawOpen")] == 0.5
    assert values[COLUMNS.index("EyeBlinkLeft")] == 1
    assert values.sum() == 1.5
