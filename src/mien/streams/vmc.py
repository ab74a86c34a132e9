"""The Virtual Motion Capture protocol: OSC over UDP, port 39539 to the program that draws.

A moment is ``/VMC/Ext/OK``, ``/VMC/Ext/T``, ``/VMC/Ext/Root/Pos``, a ``/VMC/Ext/Bone/Pos`` for each
bone, a ``/VMC/Ext/Blend/Val`` for each weight, and ``/VMC/Ext/Blend/Apply`` as the very last. It is
cut into bundles that fit into one packet of the net each: a packet that is cut on its way is lost
whole, while of several small ones only what was in the lost one stays as it was.

**Axes.** Unity is left-handed: x to the avatar's *right*, y up, z out of its face. Ours are
right-handed, x to the left. Hence positions change the sign of x, and quaternions (x, y, z, w)
those of y and z: a turn keeps its component about the axis that is flipped.

**Bones** are relative to their parents. The turn of the head is shared by ``Neck`` and ``Head``;
``LeftEye`` and ``RightEye`` are relative to the head. ``Jaw`` as well, and only on request: the
weights open the mouth already, and in many an avatar something else is tied to that name. Their
positions are those of a body at rest (:data:`REST`): some receivers take a position of zero at its
word and push the head into the neck. Where the head is in the room is not sent; the root stays at
rest.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from ..arrays import Array, Float
from ..channels import ARKIT_52
from ..geometry import matrix_from_quaternion, quaternion_from_matrix, slerp
from ..types import RigPose
from . import osc
from .pose import MalformedError, arkit_weights, named

__all__ = ["BONES", "PORT", "PORT_TO_PERFORMER", "REST", "Assembler", "Encoder"]

PORT = 39539
"""Of a program that draws (a marionette)."""

PORT_TO_PERFORMER = 39540
"""Of a program that passes a body on and takes a face besides (a performer)."""

BONES = ("Neck", "Head", "LeftEye", "RightEye", "Jaw")
"""Names of Unity's HumanBodyBones, in the order in which they are sent."""

REST: Mapping[str, tuple[float, float, float]] = MappingProxyType(
    {
        "Neck": (0.0, 0.13, -0.01),
        "Head": (0.0, 0.09, 0.01),
        "Jaw": (0.0, 0.02, 0.02),
        "LeftEye": (-0.03, 0.06, 0.03),
        "RightEye": (0.03, 0.06, 0.03),
    }
)
"""Where the bones of a grown person lie relative to their parents: metres, Unity's axes."""

NECK_SHARE = 0.4
"""Of a turn of the head, what the neck does; the head does the rest."""

_MOST_BYTES = 1400  # what Ethernet carries in one piece, less the headers of IPv6 and UDP
_MOST_NAMES = 1024  # of weights that a sender may have
_TRANSFORM = struct.Struct(">7f")
_FLOAT = struct.Struct(">f")
_STILL = np.eye(3)
_FLIP_TURN = np.array([1.0, -1.0, -1.0, 1.0])


def unity_turn(rotation: Float[Array, "3 3"]) -> Float[Array, "4"]:
    """A rotation in our axes as Unity's quaternion (x, y, z, w)."""
    turn: Array = quaternion_from_matrix(rotation) * _FLIP_TURN
    return turn


def our_turn(quaternion: Float[Array, "4"]) -> Float[Array, "3 3"]:
    """Unity's quaternion (x, y, z, w) as a rotation in our axes.

    Raises:
        ValueError: it is zero or not finite.
    """
    return matrix_from_quaternion(np.asarray(quaternion) * _FLIP_TURN)


def _turns(pose: RigPose) -> dict[str, Float[Array, "4"]]:
    neck = slerp(_STILL, pose.head, NECK_SHARE)
    return {
        "Neck": unity_turn(neck),
        "Head": unity_turn(neck.T @ pose.head),
        "Jaw": unity_turn(pose.jaw),
        "LeftEye": unity_turn(pose.left_eye),
        "RightEye": unity_turn(pose.right_eye),
    }


class Encoder:
    """Poses to packets.

    The bytes of a moment differ from those of another only in their numbers, so they are built
    once for each set of names, by python-osc, and the numbers are laid over them.

    Args:
        rest: positions of the bones, metres in Unity's axes; take those of the avatar where they
            are known.
        jaw: send the turn of the jaw.
    """

    def __init__(
        self, rest: Mapping[str, tuple[float, float, float]] = REST, *, jaw: bool = False
    ) -> None:
        self._rest = rest
        self._bones = BONES if jaw else BONES[:-1]
        self._names: tuple[str, ...] | None = None
        self._packets: list[bytearray] = []
        self._places: dict[str, tuple[int, int]] = {}
        self._weights: list[tuple[int, int]] = []

    def __call__(self, pose: RigPose) -> list[bytes]:
        """The packets of a pose, to be sent in order. Weights go out under the pose's own names."""
        if pose.names != self._names:
            self._build(pose.names)
        self._lay(_FLOAT, self._places["T"], max(pose.time, 0.0))
        turns = _turns(pose)
        for bone in self._bones:
            self._lay(_TRANSFORM, self._places[bone], *self._rest[bone], *turns[bone].tolist())
        for place, weight in zip(self._weights, pose.weights.tolist(), strict=True):
            self._lay(_FLOAT, place, weight)
        return [bytes(packet) for packet in self._packets]

    def _lay(self, form: struct.Struct, place: tuple[int, int], *numbers: float) -> None:
        packet, at = place
        form.pack_into(self._packets[packet], at, *numbers)

    def _build(self, names: tuple[str, ...]) -> None:
        """The packets with zeros in them, and where the numbers stand."""
        messages = [_built("/VMC/Ext/OK", 1), _built("/VMC/Ext/T", 0.0)]
        messages.append(_built("/VMC/Ext/Root/Pos", "root", *[0.0] * 6, 1.0))
        messages += [_built("/VMC/Ext/Bone/Pos", bone, *[0.0] * 7) for bone in self._bones]
        messages += [_built("/VMC/Ext/Blend/Val", name, 0.0) for name in names]
        messages.append(_built("/VMC/Ext/Blend/Apply"))
        packets: list[list[bytes]] = [[]]
        ends = []  # of each message: its packet, and the byte behind it
        size = head = len(_bundle([]))
        for message in messages:
            if size + 4 + len(message) > _MOST_BYTES:
                packets.append([])
                size = head
            packets[-1].append(message)
            size += 4 + len(message)
            ends.append((len(packets) - 1, size))
        self._packets = [bytearray(_bundle(each)) for each in packets]
        # The numbers are the last in their message.
        self._places = {"T": (ends[1][0], ends[1][1] - 4)}
        for bone, (packet, end) in zip(self._bones, ends[3:], strict=False):
            self._places[bone] = (packet, end - _TRANSFORM.size)
        values = ends[3 + len(self._bones) : -1]
        self._weights = [(packet, end - _FLOAT.size) for packet, end in values]
        self._names = names


def _built(address: str, *arguments: str | float) -> bytes:
    builder = OscMessageBuilder(address)
    for argument in arguments:
        builder.add_arg(argument)
    return builder.build().dgram


def _bundle(messages: Sequence[bytes]) -> bytes:
    head = OscBundleBuilder(IMMEDIATELY).build().dgram
    return head + b"".join(struct.pack(">i", len(each)) + each for each in messages)


class Assembler:
    """Packets to poses: what came in since the last ``Apply`` counts from the next one on.

    ARKit's channels are taken in any spelling, and then other names are left out: senders give
    VRM's expressions besides, which were made of them. Without any of ARKit's, the names stay as
    they were sent.
    """

    def __init__(self) -> None:
        self._weights: dict[str, float] = {}
        self._turns: dict[str, Array] = {}
        self.time: float | None = None
        """The sender's own clock in seconds, None when it tells none."""

    def feed(self, data: bytes, time: float) -> list[RigPose]:
        """The poses that a packet completes, mostly none or one.

        Args:
            data: a packet.
            time: of the poses, seconds.

        Raises:
            MalformedError: no OSC, or VMC's addresses with other arguments than it says. What stood
                before in the same packet holds.
        """
        poses = []
        for address, arguments in osc.read(data):
            if address == "/VMC/Ext/Blend/Val":
                self._weight(arguments)
            elif address == "/VMC/Ext/Bone/Pos":
                self._bone(arguments)
            elif address == "/VMC/Ext/T":
                self.time = _floats(arguments[:1], 1)[0]
            elif address == "/VMC/Ext/Blend/Apply":
                poses.append(self._pose(time))
        return poses

    def _weight(self, arguments: tuple[osc.Argument, ...]) -> None:
        name = arguments[0] if arguments else None
        if not isinstance(name, str) or not name:
            raise MalformedError("a weight without a name")
        (value,) = _floats(arguments[1:2], 1)
        if name not in self._weights and len(self._weights) >= _MOST_NAMES:
            raise MalformedError(f"more than {_MOST_NAMES} weights")
        self._weights[name] = value

    def _bone(self, arguments: tuple[osc.Argument, ...]) -> None:
        if not arguments or not isinstance(arguments[0], str):
            raise MalformedError("a bone without a name")
        numbers = _floats(arguments[1:8], 7)
        if arguments[0] in BONES:
            try:
                self._turns[arguments[0]] = our_turn(np.array(numbers[3:]))
            except ValueError as error:
                raise MalformedError("a bone that is turned by nothing") from error

    def _pose(self, time: float) -> RigPose:
        turns, still = self._turns, _STILL
        names = tuple(self._weights)
        weights = np.fromiter(self._weights.values(), np.float32, len(names))
        pose = RigPose(
            time,
            names,
            weights,
            head=turns.get("Neck", still) @ turns.get("Head", still),
            jaw=turns.get("Jaw", still),
            left_eye=turns.get("LeftEye", still),
            right_eye=turns.get("RightEye", still),
        )
        if any(named(name) is not None for name in names):
            return _in_arkit(pose)
        return pose


def _in_arkit(pose: RigPose) -> RigPose:
    return RigPose(
        pose.time,
        ARKIT_52,
        arkit_weights(pose),
        head=pose.head,
        jaw=pose.jaw,
        left_eye=pose.left_eye,
        right_eye=pose.right_eye,
    )


def _floats(arguments: tuple[osc.Argument, ...], count: int) -> list[float]:
    values = [v for v in arguments if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(values) != count or not all(abs(v) < 1e9 for v in values):  # false for NaN as well
        raise MalformedError(f"expected {count} numbers, got {arguments!r:.80}")
    return [float(v) for v in values]
