"""From a tracked face to what drives an avatar, and poses between, after and beside others.

Eyes and jaw turn as their channels say, in the axes of the head frame:

* eyes, by ``GAZE`` degrees at 1: eyeLookOut and eyeLookIn about y, eyeLookUp and eyeLookDown
  about x. 35 is what ARKit's own eyes do: regressed over a live capture that has both, the angle
  is 34.7 to 35.1 times the channel (correlation 0.9996);
* jaw: jawOpen by ``JAW_OPEN`` degrees about x (the chin goes down and back), jawLeft and jawRight
  by ``JAW_ASIDE`` degrees about y. That is how ICT-FaceKit's lower teeth turn in the targets of
  these names. jawForward moves the jaw and does not turn it: it is left to the morph target.
"""

from __future__ import annotations

import dataclasses
import math
from functools import lru_cache
from typing import Any

import numpy as np

from ..arrays import Array, Float, Float32, Int
from ..channels import ARKIT_52
from ..geometry import matrix_from_euler, slerp
from ..types import Face, RigPose

__all__ = [
    "FIELD_OF_VIEW",
    "GAZE",
    "JAW_ASIDE",
    "JAW_OPEN",
    "Driver",
    "ease_to_rest",
    "eye_rotations",
    "interpolate",
    "jaw_rotation",
    "mirrored",
    "rig_pose",
    "turned",
]

GAZE = 35.0
JAW_OPEN = 25.0
JAW_ASIDE = 2.0

FIELD_OF_VIEW = 60.0
"""Degrees that the longer side of a picture is taken to show, as most webcams do.

Without it the head would only move across the picture: how far away it is cannot be seen, only
how its distance changes, and how many head units that is depends on the lens.
"""

_TURNING = (
    *("eyeLookOutLeft", "eyeLookInLeft", "eyeLookUpLeft", "eyeLookDownLeft"),
    *("eyeLookOutRight", "eyeLookInRight", "eyeLookUpRight", "eyeLookDownRight"),
    *("jawOpen", "jawLeft", "jawRight"),
)
_REST = np.eye(3)
_REST.flags.writeable = False


def rig_pose(face: Face, origin: Face | None = None) -> RigPose:
    """What a tracked face asks of an avatar, in ARKit's 52 channels.

    Args:
        face: a channel that no model produced asks for nothing: its weight is 0. Without a pose
            the head is at rest.
        origin: the same face where the source began; the position is relative to it, and None
            without it, or where one of the two has no pose.
    """
    weights = np.zeros(len(ARKIT_52), np.float32)
    if face.expression is not None:
        np.fmax(face.expression, weights, out=weights)  # fmax prefers any number to NaN
    position = None
    if origin is not None and origin.pose is not None and face.pose is not None:
        position = _place(face) - _place(origin)
    left, right = eye_rotations(ARKIT_52, weights)
    return RigPose(
        time=face.time,
        names=ARKIT_52,
        weights=weights,
        head=_REST if face.pose is None else face.pose.rotation,
        position=position,
        jaw=jaw_rotation(ARKIT_52, weights),
        left_eye=left,
        right_eye=right,
    )


def _place(face: Face) -> Float[Array, "3"]:
    """Where the head is in front of a camera with ``FIELD_OF_VIEW``: head units, camera axes."""
    assert face.pose is not None  # noqa: S101
    width, height = face.landmarks.size
    focal = max(width, height) / 2 / math.tan(math.radians(FIELD_OF_VIEW / 2))
    x, y, _ = face.pose.translation.tolist()
    return np.array([x - width / 2, height / 2 - y, -focal]) / face.pose.scale


@lru_cache(maxsize=64)
def _turning(names: tuple[str, ...]) -> Int[Array, "11"]:
    """Where the channels that turn something stand; past the end where there is none."""
    at = {name: i for i, name in enumerate(names)}
    return np.array([at.get(name, len(names)) for name in _TURNING])


def _asked(names: tuple[str, ...], weights: Float32[Array, "n"]) -> list[float]:
    asked: list[float] = np.append(weights, np.float32(0))[_turning(names)].tolist()
    return asked


def eye_rotations(
    names: tuple[str, ...], weights: Float32[Array, "n"]
) -> tuple[Float[Array, "3 3"], Float[Array, "3 3"]]:
    """How far ``eyeLook*`` turn the left and the right eye, relative to the head.

    Args:
        names: of the weights, ARKit's in camelCase; those that are not among them count as 0.
        weights: 1 turns by ``GAZE`` degrees.
    """
    outl, inl, upl, downl, outr, inr, upr, downr = _asked(names, weights)[:8]
    # Out is towards the left for the left eye; yaw is positive towards the left.
    left = matrix_from_euler(GAZE * (outl - inl), GAZE * (upl - downl), 0)
    return left, matrix_from_euler(GAZE * (inr - outr), GAZE * (upr - downr), 0)


def jaw_rotation(names: tuple[str, ...], weights: Float32[Array, "n"]) -> Float[Array, "3 3"]:
    """How far ``jawOpen``, ``jawLeft`` and ``jawRight`` turn the jaw; see :func:`eye_rotations`."""
    opened, left, right = _asked(names, weights)[8:]
    return matrix_from_euler(JAW_ASIDE * (left - right), -JAW_OPEN * opened, 0)


def turned(pose: RigPose, *, eyes: bool = True, jaw: bool = True) -> RigPose:
    """The same pose with eyes and jaw turned as its weights say (ARKit's names, camelCase)."""
    changed: dict[str, Any] = {}
    if jaw:
        changed["jaw"] = jaw_rotation(pose.names, pose.weights)
    if eyes:
        left, right = eye_rotations(pose.names, pose.weights)
        changed |= {"left_eye": left, "right_eye": right}
    return dataclasses.replace(pose, **changed) if changed else pose


def ease_to_rest(pose: RigPose, seconds: float, time_constant: float = 0.25) -> RigPose:
    """What remains of a pose when its face has been lost for some time.

    Everything goes to rest exponentially; to ease twice is to ease once for the sum of the times.

    Args:
        pose: the last one.
        seconds: since then, at least 0.
        time_constant: seconds after which 1/e is left.
    """
    left = math.exp(-seconds / time_constant)
    return dataclasses.replace(
        pose,
        time=pose.time + seconds,
        weights=pose.weights * np.float32(left),
        position=None if pose.position is None else pose.position * left,
        head=slerp(_REST, pose.head, left),
        jaw=slerp(_REST, pose.jaw, left),
        left_eye=slerp(_REST, pose.left_eye, left),
        right_eye=slerp(_REST, pose.right_eye, left),
        driven=False,
    )


def interpolate(before: RigPose, after: RigPose, time: float) -> RigPose:
    """The pose at a time between two; at or beyond an end, the pose of that end.

    Weights and position go straight, rotations on the shortest way (:func:`slerp`). The position
    is None where one of the two has none; ``driven`` is that of the nearer.

    Raises:
        ValueError: the two have other channels, or ``after`` is before.
    """
    if before.names != after.names:
        raise ValueError("poses between two need the same channels in both; map one of them first")
    if after.time < before.time:
        raise ValueError(f"the later pose is at {after.time} s, the earlier at {before.time} s")
    if time >= after.time:
        return dataclasses.replace(after, time=time)
    if time <= before.time:
        return dataclasses.replace(before, time=time)
    share = (time - before.time) / (after.time - before.time)
    position = None
    if before.position is not None and after.position is not None:
        position = before.position + share * (after.position - before.position)
    return RigPose(
        time=time,
        names=before.names,
        weights=before.weights + np.float32(share) * (after.weights - before.weights),
        head=slerp(before.head, after.head, share),
        position=position,
        jaw=slerp(before.jaw, after.jaw, share),
        left_eye=slerp(before.left_eye, after.left_eye, share),
        right_eye=slerp(before.right_eye, after.right_eye, share),
        driven=(before if share < 0.5 else after).driven,
    )


_MIRROR = np.outer([-1.0, 1, 1], [-1.0, 1, 1])


def mirrored(pose: RigPose) -> RigPose:
    """The same pose in a mirror: left and right exchanged, in any vocabulary. Its own inverse."""
    return dataclasses.replace(
        pose,
        weights=pose.weights[_opposites(pose.names)],
        head=pose.head * _MIRROR,  # diag(-1, 1, 1) on both sides, which undoes the reflection
        position=None if pose.position is None else pose.position * (-1.0, 1.0, 1.0),
        jaw=pose.jaw * _MIRROR,
        left_eye=pose.right_eye * _MIRROR,
        right_eye=pose.left_eye * _MIRROR,
    )


_SIDES = (("Left", "Right"), ("left", "right"), ("_L", "_R"), ("30L", "30R"), ("61", "62"))
"""How the vocabularies tell the sides apart; AU61 and AU62 are eyes to the left and right."""


@lru_cache(maxsize=64)
def _opposites(names: tuple[str, ...]) -> Int[Array, "n"]:
    """For each name the place of the one that is its mirror image, or its own."""
    at = {name: i for i, name in enumerate(names)}

    def opposite(name: str) -> str:
        for left, right in _SIDES:
            for this, that in ((left, right), (right, left)):
                if this in name and (other := name.replace(this, that)) in at:
                    return other
        return name

    return np.array([at[opposite(name)] for name in names], np.intp)


class Driver:
    """Poses for one avatar, frame by frame: remembers where a face began, and lets it go gently.

    Args:
        mirror: as in a mirror.
    """

    def __init__(self, *, mirror: bool = False) -> None:
        self._mirror = mirror
        self._origin: Face | None = None
        self._last: RigPose | None = None

    def __call__(self, face: Face | None, time: float) -> RigPose:
        """The pose at ``time`` seconds.

        Args:
            face: the one to follow, or None while it is lost, which eases to rest. A face with
                another id begins where it is.
            time: not before the last one.
        """
        if face is None:
            last = self._last or RigPose(time, ARKIT_52, np.zeros(len(ARKIT_52), np.float32))
            return ease_to_rest(last, max(0.0, time - last.time))
        if self._origin is None or self._origin.id != face.id:
            self._origin = face if face.pose is not None else None
        pose = rig_pose(face, self._origin)
        self._last = mirrored(pose) if self._mirror else pose
        return self._last
