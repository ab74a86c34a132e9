"""iFacialMocap's text, both versions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mien.channels import ARKIT_52
from mien.geometry import euler_from_matrix
from mien.streams.ifacialmocap import Version, decode, encode, pose_of
from mien.streams.pose import MalformedError
from mien.types import RigPose

# In the form that the makers give as an example, with other numbers.
V1 = (
    b"mouthSmile_R-40|eyeLookOut_L-0|jawLeft-3|jawOpen-12|eyeBlink_L-100|"
    b"=head#-21.5,-6,-6.6,-0.03,-0.1,-0.66|rightEye#6.0,2.4,0.25|leftEye#6.0,-1.7,-0.2|"
)
V2 = V1.replace(b"-40", b"&40").replace(b"L-0", b"L&0").replace(b"t-3", b"t&-3")
V2 = V2.replace(b"n-12", b"n&12").replace(b"-100", b"&100")


@pytest.mark.parametrize(("data", "left"), [(V1, 0.03), (V2, -0.03)], ids=["v1", "v2"])
def test_both_versions_are_read(data: bytes, left: float) -> None:
    reading = decode(data)
    found = dict(zip(ARKIT_52, reading.weights.tolist(), strict=True))
    assert found["mouthSmileRight"] == pytest.approx(0.4)
    assert found["jawOpen"] == pytest.approx(0.12)
    assert found["eyeBlinkLeft"] == 1
    assert found["jawLeft"] == pytest.approx(left)
    assert reading.head == (-21.5, -6, -6.6)
    assert reading.position == (-0.03, -0.1, -0.66)
    assert (reading.left_eye, reading.right_eye) == ((6.0, -1.7, -0.2), (6.0, 2.4, 0.25))


def test_angles_turn_as_the_channels_of_the_example_say() -> None:
    pose = pose_of(decode(V1), 0.0)
    assert euler_from_matrix(pose.head) == pytest.approx((-6, 21.5, 6.6))
    yaw, pitch, _ = euler_from_matrix(pose.left_eye)
    assert yaw < 0  # a left eye that looks in looks to the right
    assert pitch < 0  # both look down
    assert euler_from_matrix(pose.right_eye)[0] > 0


@pytest.mark.parametrize("version", [1, 2])
def test_a_pose_comes_back(posed: Callable[..., RigPose], version: Version) -> None:
    pose = posed(1.0, jawOpen=0.5, mouthLeft=0.254, eyeBlinkRight=1.0)
    data = encode(pose, version)
    reading = decode(data)
    back = pose_of(reading, 1.0)
    np.testing.assert_allclose(back.weights, pose.weights, atol=0.005)
    for part in ("head", "left_eye", "right_eye"):
        np.testing.assert_allclose(getattr(back, part), getattr(pose, part), atol=1e-6)
    np.testing.assert_allclose(back.position, pose.position, atol=1e-3)
    assert encode(back, version) == data


@pytest.mark.parametrize(("version", "sign"), [(1, "-"), (2, "&")])
def test_the_text_is_what_receivers_split(
    posed: Callable[..., RigPose], version: Version, sign: str
) -> None:
    text = encode(posed(0.0, eyeBlinkLeft=0.5, mouthLeft=2.0), version).decode("ascii")
    weights, _, rest = text.partition("=")
    assert "=" not in rest
    assert text.endswith("|")
    pairs = dict(part.split(sign) for part in weights.strip("|").split("|"))
    assert len(pairs) == 52
    assert (pairs["eyeBlink_L"], pairs["mouthLeft"], pairs["jawOpen"]) == ("50", "100", "0")
    head, right, left = rest.strip("|").split("|")
    assert [part.count(",") for part in (head, right, left)] == [5, 2, 2]
    assert [part.partition("#")[0] for part in (head, right, left)] == [
        "head",
        "rightEye",
        "leftEye",
    ]


def test_the_position_is_relative_to_the_first() -> None:
    reading = decode(V1)
    pose = pose_of(reading, 0.0, origin=(-0.03, -0.1, -0.7))
    np.testing.assert_allclose(pose.position, [0, 0, 4], atol=1e-9)


def test_names_of_relatives_and_of_nobody() -> None:
    reading = decode(b"jawOpen&50|eyeBlinkLeft&25|FM_VF&7|hapihapi&3|___iFacialMocap")
    assert reading.weights.sum() == pytest.approx(0.75)
    assert (reading.head, reading.position, reading.left_eye) == (None, None, None)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "neither a channel nor the head"),
        (b"iFacialMocap_sahuasouryya9218sauhuiayeta91555dy3719", "neither"),
        (b"jawOpen-", "no number"),
        (b"jawOpen&nan", "a value of nan"),
        (b"jawOpen&1e300", "a value of 1e"),
        (b"=head#1,2,x|", "no number"),
        (b"=head#1,2|", "neither"),
        ("jawOpen&5|é&3".encode(), "no plain text"),
        (b"jawOpen&5|" * 300, "301 parts"),
        (b"a" * 20000, "20000 bytes"),
    ],
)
def test_what_is_no_packet_is_told(data: bytes, told: str) -> None:
    with pytest.raises(MalformedError, match=told):
        decode(data)
