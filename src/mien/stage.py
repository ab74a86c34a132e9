"""The stage of ``mien render``: an avatar, its camera, what is behind it and what flies about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np

from . import wardrobe
from .arrays import Array, Float, RGBImage, UInt8
from .model import Model, ModelPose
from .playing import Moment
from .render.background import Background, Picture, blurred, kept
from .render.mask import Mask
from .render.particles import Particles
from .render.renderer import Renderer
from .render.scene import Actor, Camera, Scene, Sprites
from .render.skeleton import Skeleton, framed, rest_parts
from .retarget.avatar import Avatar
from .topology import CANONICAL, IRIS_CENTRES

__all__ = ["AVATARS", "Character", "Stage", "character"]

AVATARS = (wardrobe.NAMES[0], "mask", *wardrobe.NAMES[1:])
"""Those that have a name."""

_METRES = 0.01  # a head unit
_BEHIND_IRIS = 1.2  # head units from an iris back to the middle of its eye


class Character(Protocol):
    """Who is on the stage."""

    actor: Actor

    def follow(self, moment: Moment) -> bool:
        """Take the expression of a moment; False when there is nothing to show."""

    def head(self) -> Float[Array, "4 4"]:
        """Head frame (head units) -> world, as it is now."""

    def lay(self, face: Float[Array, "4 4"]) -> None:
        """Place it so that its face lies on another: head frame (head units) -> world."""

    def camera(self, aspect: float) -> Camera:
        """Where to look from."""


def character(name: str) -> Character:
    """The avatar of a name or a file.

    Raises:
        InputError: neither; near names are listed. Or a file that cannot be used.
        ModelMissing: ``ict`` before it was pulled.
    """
    if name == "mask":
        return _Masked()
    return _Driven(wardrobe.find(name, names=AVATARS))


class _Driven:
    """A model that a rig drives."""

    def __init__(self, avatar: Avatar) -> None:
        self.avatar = avatar
        self.actor = Actor(avatar.model)
        self._skeleton = Skeleton(avatar.model)
        rest = self._skeleton.world(ModelPose())
        bone = avatar.bones.head
        self._bone = bone
        self._undo = np.eye(4) if bone is None else np.linalg.inv(rest[bone])
        self._fit = _face_of(avatar, rest)

    def follow(self, moment: Moment) -> bool:
        self.actor.pose = self.avatar.pose(moment.rig)
        return True

    def head(self) -> Float[Array, "4 4"]:
        matrix: Array = self.actor.placement @ self._turned() @ self._fit
        return matrix

    def _turned(self) -> Float[Array, "4 4"]:
        """How the pose moves what hangs on the head."""
        if self._bone is None:
            return np.eye(4)
        moved: Array = self._skeleton.world(self.actor.pose)[self._bone] @ self._undo
        return moved

    def lay(self, face: Float[Array, "4 4"]) -> None:
        self.actor.placement = face @ np.linalg.inv(self._turned() @ self._fit)

    def camera(self, aspect: float) -> Camera:
        return framed(self.avatar.model, head=self._bone, aspect=aspect)


class _Masked:
    """The person's own face."""

    def __init__(self) -> None:
        self._mask = Mask()
        self.actor = self._mask.actor

    def follow(self, moment: Moment) -> bool:
        if moment.face is not None and moment.image is not None:
            self._mask.show(moment.face, moment.image)
        elif self._mask.worn:  # it keeps its last look, and comes to rest
            self.actor.placement = np.eye(4)
            self.actor.placement[:3, :3] = moment.rig.head
        return self._mask.worn

    def head(self) -> Float[Array, "4 4"]:
        matrix: Array = self.actor.placement @ np.diag([_METRES, _METRES, _METRES, 1.0])
        return matrix

    def lay(self, face: Float[Array, "4 4"]) -> None:
        self.actor.placement = face @ np.diag([1 / _METRES, 1 / _METRES, 1 / _METRES, 1.0])

    def camera(self, aspect: float) -> Camera:
        return self._mask.camera(aspect)


def _face_of(avatar: Avatar, rest: Float[Array, "nodes 4 4"]) -> Float[Array, "4 4"]:
    """Head frame (head units) -> model at rest: by the eyes, or by what the targets move."""
    matrix = np.eye(4)
    eyes = CANONICAL[[IRIS_CENTRES["left"], IRIS_CENTRES["right"]]].astype(np.float64)
    middle = eyes.mean(axis=0) - (0.0, 0.0, _BEHIND_IRIS)
    left, right = avatar.bones.left_eye, avatar.bones.right_eye
    if left is not None and right is not None:
        places = rest[[left, right], :3, 3]
        scale = float(np.linalg.norm(places[0] - places[1]) / np.linalg.norm(eyes[0] - eyes[1]))
        if scale > 1e-6:
            matrix[:3, :3] *= scale
            matrix[:3, 3] = places.mean(axis=0) - scale * middle
            return matrix
    low, high = _front(avatar.model)
    size = CANONICAL.max(axis=0) - CANONICAL.min(axis=0)
    scale = max(float((high[1] - low[1]) / size[1]), 1e-6)
    matrix[:3, :3] *= scale
    centre = (CANONICAL.max(axis=0) + CANONICAL.min(axis=0)) / 2
    matrix[:2, 3] = ((low + high) / 2 - scale * centre)[:2]
    matrix[2, 3] = high[2] - scale * float(CANONICAL[:, 2].max())
    return matrix


def _front(model: Model) -> tuple[Float[Array, "3"], Float[Array, "3"]]:
    """The box of what morph targets move, where that is a face's worth, or of everything."""
    moved, everything = [np.empty((0, 3))], [np.empty((0, 3))]
    for _, mesh, number, placed, _ in rest_parts(model):
        everything.append(placed)
        targets = model.meshes[mesh].primitives[number].targets
        if targets:
            moved.append(placed[np.unique(np.concatenate([t.vertices for t in targets]))])
    for points in (np.concatenate(moved), np.concatenate(everything)):
        if len(points):
            low, high = points.min(axis=0), points.max(axis=0)
            if high[1] - low[1] > 0.3 * (high[0] - low[0]):
                return low, high
    return np.full(3, -0.1), np.full(3, 0.1)


class Stage:
    """Draws moments.

    Args:
        avatar: who is on it.
        size: (width, height) of the avatar's picture.
        background: what is behind; ``blur`` is the source's picture, far out of focus.
        effects: names of :data:`mien.render.particles.EFFECTS`.
        layout: the avatar ``alone``; ``beside`` the source; ``over`` the source, on the face.
        mirrored: as in a mirror.

    Raises:
        InputError: an effect or a size that cannot be.
        EngineError: there is nothing to draw with.
    """

    def __init__(
        self,
        avatar: Character,
        size: tuple[int, int],
        *,
        background: Background | Literal["blur"] | None = None,
        effects: Sequence[str] = (),
        layout: Literal["alone", "beside", "over"] = "alone",
        mirrored: bool = False,
    ) -> None:
        self._avatar, self._layout, self._mirrored = avatar, layout, mirrored
        self._blur = background == "blur"
        self._particles = Particles(effects) if effects else None
        self._scene = Scene(
            [], avatar.camera(size[0] / size[1]),
            background=None if background == "blur" else background, mirrored=mirrored,
        )  # fmt: skip
        if layout == "over":
            self._scene.camera = Camera.of_picture(*size)
        self._renderer = Renderer(*size)
        self.size = size

    def draw(self, moment: Moment) -> UInt8[Array, "h w c"]:
        """The picture of a moment, RGB, or RGB with alpha where there is no background."""
        scene, avatar, image = self._scene, self._avatar, moment.image
        shown = avatar.follow(moment)
        if self._layout == "over":
            shown = shown and self._cover(moment)
            if image is not None:
                scene.background = Picture(image)
        elif self._blur and image is not None:
            scene.background = blurred(image)
        scene.actors = [avatar.actor] if shown else []
        scene.sprites = self._flying(moment) if shown else None
        picture = self._renderer.draw(scene)
        if self._layout == "beside" and image is not None:
            return np.concatenate([self._beside(image), picture[..., :3]], axis=1)
        return picture

    def pass_by(self, moment: Moment) -> None:
        """Let a moment pass undrawn, so that what it sends flying is there in those that follow."""
        if self._particles is None or not self._avatar.follow(moment):
            return
        if self._layout != "over" or self._cover(moment):
            self._flying(moment)

    def _flying(self, moment: Moment) -> Sprites | None:
        if self._particles is None:
            return None
        weights = dict(zip(moment.rig.names, moment.rig.weights.tolist(), strict=True))
        return self._particles.update(moment.time, weights, self._avatar.head())

    def _cover(self, moment: Moment) -> bool:
        """Lay the avatar on the face; False where there is none."""
        if moment.face is None or moment.face.pose is None:
            return False
        pose, (width, height) = moment.face.pose, self.size
        left, top, wide, _ = kept(*moment.face.landmarks.size, width, height)
        scale = width / wide
        face = np.eye(4)
        face[:3, :3] = pose.rotation * pose.scale * scale
        x, y = (pose.translation[:2] - (left, top)) * scale
        face[:3, 3] = (x, height - y, 0.0)
        self._avatar.lay(face)
        return True

    def _beside(self, image: RGBImage) -> RGBImage:
        import cv2

        rows, columns = image.shape[:2]
        height = self.size[1]
        width = max(2, 2 * round(columns * height / rows / 2))
        how = cv2.INTER_AREA if height < rows else cv2.INTER_LINEAR
        small = np.asarray(cv2.resize(image, (width, height), interpolation=how), np.uint8)
        return small[:, ::-1] if self._mirrored else small

    def close(self) -> None:
        """Free the renderer."""
        self._renderer.close()

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
