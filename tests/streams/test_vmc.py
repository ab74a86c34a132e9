"""VMC packets, looked at with readers that have not made them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pythonosc.osc_packet import OscPacket

from mien.channels import ARKIT_52
from mien.geometry import matrix_from_euler
from mien.streams import osc
from mien.streams.pose import MalformedError
from mien.streams.vmc import BONES, REST, Assembler, Encoder, our_turn, unity_turn
from mien.types import RigPose

Reader = Callable[[bytes], Any]


def test_messages_come_in_order_with_apply_last(
    posed: Callable[..., RigPose], osc_reader: Reader
) -> None:
    packets = Encoder()(posed(2.5, jawOpen=0.5))
    messages = [message for packet in packets for message in osc_reader(packet)]
    addresses = [address for address, _ in messages]
    assert addresses[:3] == ["/VMC/Ext/OK", "/VMC/Ext/T", "/VMC/Ext/Root/Pos"]
    assert addresses[3:7] == ["/VMC/Ext/Bone/Pos"] * 4
    assert addresses[7:-1] == ["/VMC/Ext/Blend/Val"] * 52
    assert messages[-1] == ("/VMC/Ext/Blend/Apply", [])
    assert messages[0][1] == [1]
    assert messages[1][1] == [2.5]
    assert messages[2][1] == ["root", 0, 0, 0, 0, 0, 0, 1]
    assert [arguments[0] for _, arguments in messages[7:-1]] == list(ARKIT_52)
    assert dict(arguments for _, arguments in messages[7:-1])["jawOpen"] == 0.5


def test_python_osc_reads_the_same(posed: Callable[..., RigPose], osc_reader: Reader) -> None:
    for packet in Encoder()(posed(2.5, jawOpen=0.5)):
        theirs = [(m.message.address, m.message.params) for m in OscPacket(packet).messages]
        assert theirs == list(osc_reader(packet))
        assert [(address, list(arguments)) for address, arguments in osc.read(packet)] == theirs


def test_packets_are_small_enough_to_travel_whole(posed: Callable[..., RigPose]) -> None:
    names = tuple(f"expression number {i}" for i in range(200))
    pose = RigPose(0.0, names, np.linspace(0, 1, 200, dtype=np.float32))
    packets = Encoder()(pose)
    assert len(packets) > 5
    assert max(map(len, packets)) <= 1400
    assembler = Assembler()
    (back,) = [each for packet in packets for each in assembler.feed(packet, 0.0)]
    np.testing.assert_allclose(back.weights, pose.weights)


# The axes of Unity: x to the avatar's right, y up, z out of the face; left-handed, so that a turn
# about y is positive from z to x, that is to the right.
@pytest.mark.parametrize(
    ("angles", "forward", "up"),
    [
        ((30, 0, 0), (-0.5, 0, 0.866), (0, 1, 0)),  # to the left
        ((0, 30, 0), (0, 0.5, 0.866), (0, 0.866, -0.5)),  # up
        ((0, 0, 30), (0, 0, 1), (-0.5, 0.866, 0)),  # to the left shoulder
    ],
)
def test_bones_turn_in_unitys_axes(
    angles: tuple[float, float, float], forward: Any, up: Any
) -> None:
    quaternion = unity_turn(matrix_from_euler(*angles))

    def turned(vector: Any) -> np.ndarray:
        # v + 2 w (u x v) + 2 u x (u x v): the formula is the same in both kinds of axes.
        u, w, v = quaternion[:3], quaternion[3], np.array(vector, float)
        return v + 2 * w * np.cross(u, v) + 2 * np.cross(u, np.cross(u, v))

    np.testing.assert_allclose(turned((0, 0, 1)), forward, atol=1e-3)
    np.testing.assert_allclose(turned((0, 1, 0)), up, atol=1e-3)
    np.testing.assert_allclose(our_turn(quaternion), matrix_from_euler(*angles), atol=1e-12)


def bones_of(packets: list[bytes], reader: Reader) -> dict[str, list[float]]:
    messages = [message for packet in packets for message in reader(packet)]
    return {args[0]: args[1:] for address, args in messages if address == "/VMC/Ext/Bone/Pos"}


@pytest.mark.parametrize("jaw", [False, True])
def test_bones_lie_where_a_body_has_them(
    posed: Callable[..., RigPose], osc_reader: Reader, jaw: bool
) -> None:
    bones = bones_of(Encoder(jaw=jaw)(posed()), osc_reader)
    assert tuple(bones) == (BONES if jaw else BONES[:-1])
    for name, numbers in bones.items():
        assert numbers[:3] == pytest.approx(REST[name])
        assert any(numbers[:3])
    assert bones["LeftEye"][0] < 0 < bones["RightEye"][0]  # x is to the right


def test_neck_and_head_make_the_turn_together(
    posed: Callable[..., RigPose], osc_reader: Reader
) -> None:
    pose = posed()
    bones = bones_of(Encoder()(pose), osc_reader)
    neck, head = (our_turn(np.array(bones[name][3:])) for name in ("Neck", "Head"))
    np.testing.assert_allclose(neck @ head, pose.head, atol=1e-6)
    assert 0.2 < np.arccos((np.trace(neck) - 1) / 2) / np.arccos((np.trace(pose.head) - 1) / 2) < 1


def test_a_pose_comes_back(posed: Callable[..., RigPose]) -> None:
    pose = posed(2.0, jawOpen=0.5, tongueOut=1.0)
    assembler = Assembler()
    (back,) = [p for packet in Encoder(jaw=True)(pose) for p in assembler.feed(packet, 2.0)]
    assert (back.names, back.time, assembler.time) == (ARKIT_52, 2.0, 2.0)
    np.testing.assert_array_equal(back.weights, pose.weights)
    for part in ("head", "jaw", "left_eye", "right_eye"):
        np.testing.assert_allclose(getattr(back, part), getattr(pose, part), atol=1e-6)


def test_another_set_of_names_makes_other_packets(posed: Callable[..., RigPose]) -> None:
    encoder, assembler = Encoder(), Assembler()
    encoder(posed())
    pose = RigPose(0.0, ("Joy", "A"), np.array([0.25, 1], np.float32))
    (back,) = [p for packet in encoder(pose) for p in assembler.feed(packet, 0.0)]
    assert dict(zip(back.names, back.weights.tolist(), strict=True)) == {"Joy": 0.25, "A": 1}


def message(address: str, kinds: str = "", *arguments: Any) -> bytes:
    def text(t: str) -> bytes:
        return t.encode() + b"\0" * (4 - len(t) % 4)

    data = text(address) + text("," + kinds)
    for kind, argument in zip(kinds, arguments, strict=True):
        data += (
            text(argument) if kind == "s" else struct.pack({"f": ">f", "i": ">i"}[kind], argument)
        )
    return data


def test_other_senders_spell_otherwise_and_send_bare_messages() -> None:
    assembler = Assembler()
    for data in (
        message("/VMC/Ext/Blend/Val", "sf", "JawOpen", 0.5),
        message("/VMC/Ext/Blend/Val", "si", "eyeBlinkLeft", 1),
        message("/VMC/Ext/Blend/Val", "sfs", "Joy", 1.0, "more than there was"),
        message("/VMC/Ext/Hmd/Pos", "s", "unknown addresses are passed over"),
        message("/VMC/Ext/Bone/Pos", "sfffffff", "Hips", *[0.0] * 7),
    ):
        assert assembler.feed(data, 0.0) == []
    (pose,) = assembler.feed(message("/VMC/Ext/Blend/Apply"), 3.0)
    assert pose.names == ARKIT_52
    assert (pose.weights[17], pose.weights[0], pose.weights.sum()) == (0.5, 1, 1.5)
    # What is not sent again stays as it is.
    (pose,) = assembler.feed(message("/VMC/Ext/Blend/Apply"), 4.0)
    assert pose.weights[17] == 0.5


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "neither a message nor a bundle"),
        (b"hello", "neither"),
        (b"/no end", "without an end"),
        (b"/VMC\0\0\0\0nope\0\0\0\0", "without types"),
        (message("/x", "f", 1.0)[:-2], "within a number"),
        (message("/x", "i", 1).replace(b",i", b",z"), "of type 'z'"),
        (b"#bundle\0" + bytes(4), "within its time"),
        (b"#bundle\0" + bytes(8) + b"\0\0", "within a size"),
        (b"#bundle\0" + bytes(8) + struct.pack(">i", 400), "an element of 400"),
        (b"#bundle\0" + bytes(8) + struct.pack(">i", -4), "an element of -4"),
        (message("/VMC/Ext/Blend/Val", "sf", "Joy", float("nan")), "expected 1 numbers"),
        (message("/VMC/Ext/Blend/Val", "f", 1.0), "without a name"),
        (message("/VMC/Ext/Bone/Pos", "sf", "Head", 1.0), "expected 7 numbers"),
        (message("/VMC/Ext/Bone/Pos", "sfffffff", "Head", *[0.0] * 7), "turned by nothing"),
        (message("/VMC/Ext/Bone/Pos"), "without a name"),
    ],
)
def test_what_is_no_vmc_is_told(data: bytes, told: str) -> None:
    with pytest.raises(MalformedError, match=told):
        Assembler().feed(data, 0.0)


def test_bundles_are_not_followed_down_for_ever() -> None:
    data = message("/x")
    for _ in range(8):
        data = b"#bundle\0" + bytes(8) + struct.pack(">i", len(data)) + data
    with pytest.raises(MalformedError, match="bundles 4 deep"):
        osc.read(data)


def test_a_sender_cannot_fill_the_memory() -> None:
    assembler = Assembler()
    for i in range(1024):
        assembler.feed(message("/VMC/Ext/Blend/Val", "sf", f"name {i}", 1.0), 0.0)
    with pytest.raises(MalformedError, match="more than 1024 weights"):
        assembler.feed(message("/VMC/Ext/Blend/Val", "sf", "one more", 1.0), 0.0)
