"""An avatar: a model whose bones and morph targets are found, and what a face makes of them.

**Head.** The turn of the head is shared: the neck takes ``NECK`` of it, the head the rest, so that
the head ends up as turned as the face is. Without a neck bone the head takes all; without a head
bone everything that has morph targets is turned about its middle.

**Eyes.** Where there are eye bones, they turn, and the ``eyeLook*`` targets move what the bones do
not: lids. A mesh most of whose moving vertices hang on the bone (an eyeball) leaves these targets
at rest, or it would turn twice. Where the targets of one mesh move eyeballs and lids alike, they do
all, and the bone rests. In a VRM, the ranges of its gaze are honoured, for bones and expressions.

**Jaw.** Where ``jawOpen`` moves vertices that hang on the jaw bone, the target opens the mouth and
the bone rests; else the bone turns too (teeth on a jaw of their own). A bone of eye or jaw that
carries nothing is as good as none.

**Expressions of a VRM.** They are driven by name or by tables (:mod:`mien.retarget.rigs`), binary
ones and overrides as VRM says. Morph targets of a VRM are driven only where they are ARKit's and no
expression has that name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..arrays import Array, Float, Float32, Int
from ..channels import ARKIT_52
from ..errors import InputError
from ..geometry import euler_from_matrix, matrix_from_euler
from ..gltf import LookAt, Vrm, read
from ..model import Model, ModelPose
from ..types import RigPose
from . import rigs
from .arms import let_down
from .expressions import PROCEDURAL, Expression, Expressions, Kind
from .overrides import Overrides
from .skeleton import Bones, Turner, find_bones, held, power, product, quaternion, turn_of_all

__all__ = ["NECK", "Avatar"]

NECK = 0.4
"""The share of a turn of the head that the neck takes."""

_MOST_PLANS = 16
_LOOKS = {
    "left": tuple(f"eyeLook{way}Left" for way in ("Up", "Down", "In", "Out")),
    "right": tuple(f"eyeLook{way}Right" for way in ("Up", "Down", "In", "Out")),
}
_GAZE = {"lookUp": "up", "lookDown": "down", "lookLeft": "left", "lookRight": "right"}


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """The way of one vocabulary into the avatar.

    Attributes:
        mapping: to what the avatar has by name, morph targets first, expressions last.
        base: float32 (t,), weights of all targets of all meshes that nothing drives.
        slots, values: where in that what is driven by name goes, and from which of ``mapping``.
        gaze: place among the expressions and direction of those that follow the eyes' turn.
    """

    mapping: rigs.Mapping
    base: Float32[Array, "t"]
    slots: Int[Array, "k"]
    values: Int[Array, "k"]
    gaze: tuple[tuple[int, str], ...]


class Avatar:
    """A model that can be driven by any :class:`mien.types.RigPose`.

    Args:
        model: at rest, looking along +z.
        vrm: what a VRM file says of it.
        overrides: what the user wants otherwise.
        notes: of the reader; they come back in the report.
        settle: changes ARKit's 52 weights, float32 (52,), before they are shown: what this model
            needs so that its targets do not add up to too much.

    Attributes:
        model: as given, its arms let down (:mod:`mien.retarget.arms`).
        vrm, bones: as given and found.
        names: what can be driven by name: morph targets, then expressions, as the file spells them.
        shows: which of ARKit's 52 channels it shows, by whatever means.

    Raises:
        InputError: overrides that name what the avatar does not have.
    """

    def __init__(
        self,
        model: Model,
        vrm: Vrm | None = None,
        *,
        overrides: Overrides | None = None,
        notes: tuple[str, ...] = (),
        settle: Callable[[Float32[Array, "52"]], Float32[Array, "52"]] | None = None,
    ) -> None:
        self._settle = settle
        humanoid = vrm.bones if vrm is not None else {}
        model = let_down(model, humanoid)
        self.model, self.vrm, self.notes = model, vrm, notes
        self.bones: Bones = find_bones(model, humanoid)
        self._overrides = overrides or Overrides()
        self._meshes: list[tuple[int, int, int]] = []  # mesh, where its weights begin and end
        at = 0
        for i, mesh in enumerate(model.meshes):
            if mesh.targets:
                self._meshes.append((i, at, at + len(mesh.targets)))
                at += len(mesh.targets)
        self._rest = np.zeros(at, np.float32)
        for i, start, end in self._meshes:
            if (rest := model.meshes[i].rest) is not None:
                self._rest[start:end] = rest
        self._find_expressions()
        self._find_turns()
        self._find_targets()
        self.names: tuple[str, ...] = (*self._direct, *self._spoken)
        self._plans: dict[tuple[str, ...], _Plan] = {}
        self._arkit = self._plan(ARKIT_52).mapping
        turned = {name for side in self._eyes for name in _LOOKS[side]}
        turned |= {"jawOpen", "jawLeft", "jawRight"} if self._jaw is not None else set()
        self.shows: tuple[str, ...] = tuple(
            n for n in ARKIT_52 if n in turned or n not in self._arkit.missing
        )

    @classmethod
    def load(cls, path: Path | str, overrides: Overrides | None = None) -> Avatar:
        """The avatar of a .glb, .gltf or .vrm file.

        Raises:
            InputError: see :func:`mien.gltf.read`; or nothing in it can be seen.
        """
        file = read(path)
        if all(node.mesh is None for node in file.model.nodes):
            what = f"{Path(path).name}: it has no mesh"
            raise InputError(f"{what}; export it again with its meshes in the scene")
        return cls(file.model, file.vrm, overrides=overrides, notes=file.notes)

    # What a frame costs

    def pose(self, rig: RigPose) -> ModelPose:
        """The model as the face is now.

        The position of the head is not used: an avatar stays where it stands.

        Args:
            rig: in any vocabulary; weights of what the avatar lacks are dropped.
        """
        rig = self._overrides.apply(rig)
        plan = self._plans.get(rig.names) or self._plan(rig.names)
        weights = rig.weights
        if self._settle is not None and rig.names == ARKIT_52:
            weights = self._settle(weights)
        driven = plan.mapping.apply(weights)
        flat = plan.base.copy()
        flat[plan.slots] = driven[plan.values]
        gaze = 1.0
        if self._expressions is not None:
            asked = driven[len(self._direct) :]
            for place, way in plan.gaze:
                asked[place] = self._look(way, rig)
            gaze = self._expressions.gaze(asked)
            flat += self._binds @ self._expressions.apply(asked)
            flat[self._bound] = np.minimum(flat[self._bound], np.float32(1))
        rotations, translations = self._turns(rig, gaze)
        return ModelPose(
            {mesh: flat[start:end] for mesh, start, end in self._meshes}, rotations, translations
        )

    def _turns(
        self, rig: RigPose, gaze: float
    ) -> tuple[dict[int, Float[Array, "4"]], dict[int, Float[Array, "3"]]]:
        turns: dict[int, Float[Array, "4"]] = {}
        head = quaternion(rig.head)
        if self._whole is not None:
            turner, pivot, offset = self._whole
            turns[turner.node] = turner(head)
            return turns, {turner.node: pivot + rig.head @ offset}
        if self._neck is not None:
            x, y, z, w = part = power(head, NECK)
            turns[self._neck.node] = self._neck(part)
            head = product((-x, -y, -z, w), head)
        if self._head is not None:
            turns[self._head.node] = self._head(head)
        if self._jaw is not None:
            turns[self._jaw.node] = self._jaw(quaternion(rig.jaw))
        for side, eye in self._eyes.items():
            turn = rig.left_eye if side == "left" else rig.right_eye
            if self.vrm is not None:
                turn = _ranged(turn, self.vrm.look_at, gaze, left=side == "left")
            turns[eye.node] = eye(quaternion(turn))
        return turns, {}

    def _look(self, way: str, rig: RigPose) -> float:
        """Weight of an expression that looks somewhere, from the turn of both eyes."""
        assert self.vrm is not None  # noqa: S101
        look = self.vrm.look_at
        weight = 0.0
        for left, eye in ((True, rig.left_eye), (False, rig.right_eye)):
            yaw, pitch, _ = euler_from_matrix(eye)
            if way in ("up", "down"):
                most, scale = look.up if way == "up" else look.down
                angle = pitch if way == "up" else -pitch
            else:
                angle = yaw if way == "left" else -yaw
                most, scale = look.outer if left == (way == "left") else look.inner
            weight += min(max(angle, 0.0), most) / most * scale / 2
        return weight

    # What is found once

    def _find_expressions(self) -> None:
        found = [] if self.vrm is None else [e for e in self.vrm.expressions if e.binds]
        by_name = {e.name: e for e in reversed(found)}
        found = [e for e in found if by_name[e.name] is e]
        self._spoken = tuple(e.name for e in found)
        # What a preset means, its name need not say.
        self._presets = {e.name: e.preset for e in found if e.preset and rigs.meaning(e.preset)}
        kinds: dict[str, Kind] = {}
        for name in self._spoken:
            meant = rigs.meaning(self._presets.get(name, name))
            if meant is not None and meant.name in PROCEDURAL:
                kinds[name] = PROCEDURAL[meant.name]
        self._expressions: Expressions | None = None
        self._binds = np.zeros((len(self._rest), len(found)), np.float32)
        self._bound: Int[Array, "k"] = np.zeros(0, np.intp)
        if not found:
            return
        starts = {mesh: start for mesh, start, _ in self._meshes}
        for column, expression in enumerate(found):
            for bind in expression.binds:
                self._binds[starts[bind.mesh] + bind.target, column] += bind.weight
        self._bound = np.flatnonzero(self._binds.any(axis=1))
        self._expressions = Expressions(
            [Expression(e.name, e.binary, e.blink, e.look_at, e.mouth) for e in found], kinds
        )

    def _find_turns(self) -> None:
        bones = self.bones
        self._head, self._neck, jaw = (
            None if node is None else Turner(self.model, node)
            for node in (bones.head, bones.neck, bones.jaw)
        )
        self._whole = None if bones.head is not None else turn_of_all(self.model)
        self._still: set[int] = set()  # weights that a bone stands in for
        self._eyes: dict[str, Turner] = {}
        by_bone = self.vrm is None or self.vrm.look_at.kind == "bone"
        for side, node in (("left", bones.left_eye), ("right", bones.right_eye)):
            if node is None or not by_bone or not held(self.model, node):
                continue
            clashes = list(self._clashes(node, _LOOKS[side]))
            if all(share >= 0.5 for _, share in clashes):
                self._eyes[side] = Turner(self.model, node)
                self._still.update(slot for slots, _ in clashes for slot in slots)
        if bones.jaw is not None and (
            not held(self.model, bones.jaw) or any(self._clashes(bones.jaw, ("jawOpen",)))
        ):
            jaw = None
        self._jaw = jaw

    def _clashes(self, bone: int, channels: tuple[str, ...]) -> Iterator[tuple[list[int], float]]:
        """Weights of targets that move what a bone carries, and how much of what they move."""
        carried = held(self.model, bone)
        for mesh, start, _ in self._meshes:
            if mesh not in carried:
                continue
            slots = [
                i
                for i, name in enumerate(self.model.meshes[mesh].targets)
                if (m := rigs.meaning(name)) and m.vocabulary == "arkit52" and m.name in channels
            ]
            moving = np.zeros(len(carried[mesh]), bool)
            at = 0
            for primitive in self.model.meshes[mesh].primitives:
                for i in slots:
                    moving[primitive.targets[i].vertices + at] = True
                at += len(primitive.positions)
            both = int((moving & carried[mesh]).sum())
            if both:
                yield [start + i for i in slots], both / int(moving.sum())

    def _find_targets(self) -> None:
        """Which morph targets are driven by name."""
        self._direct: dict[str, list[int]] = {}
        spoken = {rigs.meaning(self._presets.get(name, name)) for name in self._spoken}
        for mesh, start, _ in self._meshes:
            for i, name in enumerate(self.model.meshes[mesh].targets):
                meant = rigs.meaning(name)
                arkit = meant is not None and meant.vocabulary == "arkit52"
                if self._spoken and (not arkit or meant in spoken or name in self._spoken):
                    continue
                slots = self._direct.setdefault(name, [])
                if start + i not in self._still:
                    slots.append(start + i)

    def _plan(self, names: tuple[str, ...]) -> _Plan:
        """The way from these names, made once."""
        wants = replace(self._overrides, rename={**self._presets, **self._overrides.rename})
        mapping = wants.mapping(names, self.names)
        on = (mapping.matrix != 0).any(axis=1)
        pairs = [
            (slot, i) for i, slots in enumerate(self._direct.values()) if on[i] for slot in slots
        ]
        slots, values = np.array(pairs, np.intp).reshape(-1, 2).T
        base = self._rest.copy()
        base[slots] = 0
        base[self._bound] = 0
        gaze = []
        if self.vrm is not None and any(name in names for name in _LOOKS["left"]):
            for i, name in enumerate(self._spoken):
                meant = rigs.meaning(self._presets.get(name, name))
                if meant and meant.name in _GAZE and on[len(self._direct) + i]:
                    gaze.append((i, _GAZE[meant.name]))
        if self._eyes and gaze:  # the bones do it
            mapping.matrix[[len(self._direct) + i for i, _ in gaze]] = 0
            gaze = []
        plan = _Plan(mapping, base, slots, values, tuple(gaze))
        if len(self._plans) >= _MOST_PLANS:  # a stream may send other names each time
            self._plans.clear()
        self._plans[names] = plan
        return plan

    # What is said of it

    @property
    def report(self) -> tuple[str, ...]:
        """What the avatar has, lacks and leaves idle, a sentence each."""
        return tuple(self._sentences())

    def _sentences(self) -> Iterator[str]:
        if self.vrm is not None:
            meta = ", ".join(f"{key}: {value}" for key, value in self.vrm.meta.items())
            yield f"It is a VRM {self.vrm.version} ({meta or 'without a word about its author'})."
        if self._head is not None:
            neck = self._neck is not None
            yield "Head and neck turn as bones." if neck else "The head turns as a bone."
        elif self._whole is not None:
            yield "It has no head bone; all of it turns about its middle."
        else:
            yield "It has no head bone and nothing else to turn; the head stays still."
        yield self._about_eyes()
        if self.bones.jaw is not None:
            if self._jaw is not None:
                yield "The jaw turns as a bone."
            else:
                yield "Its jaw bone rests, as jawOpen moves what it carries, or it carries nothing."
        lacks = [name for name in ARKIT_52 if name not in self.shows]
        shown = f"It shows {len(self.shows)} of ARKit's 52 channels"
        yield f"{shown}; it lacks {_listed(lacks)}." if lacks else f"{shown}."
        spoken, direct = (
            [name for name in names if name not in self._arkit.idle]
            for names in (self._spoken, self._direct)
        )
        if spoken and direct:
            yield f"{_counted(spoken, 'expression')} and {_counted(direct, 'target')} are driven."
        elif spoken:
            yield f"They are shown by its expressions: {_listed(spoken)}."
        if self._arkit.idle:
            yield f"A face leaves {len(self._arkit.idle)} idle: {_listed(self._arkit.idle)}."
        for note in self.notes:
            yield f"{note[0].upper()}{note[1:]}."

    def _about_eyes(self) -> str:
        if len(self._eyes) == 2:
            return "The eyes turn as bones."
        if self._eyes:
            return f"The {next(iter(self._eyes))} eye turns as a bone."
        followed = {n for side in _LOOKS.values() for n in side} - set(self._arkit.missing)
        if followed:
            return "The eyes follow by morph targets or expressions."
        return "The eyes stay still: it has neither eye bones nor targets for a gaze."


def _ranged(
    turn: Float[Array, "3 3"], look: LookAt, gaze: float, *, left: bool
) -> Float[Array, "3 3"]:
    """The turn of an eye within the ranges of a VRM."""
    yaw, pitch, _ = euler_from_matrix(turn)
    horizontal = look.outer if (yaw > 0) == left else look.inner
    vertical = look.up if pitch > 0 else look.down

    def within(angle: float, span: tuple[float, float]) -> float:
        most, scale = span
        return gaze * scale * min(max(angle / most, -1.0), 1.0)

    return matrix_from_euler(within(yaw, horizontal), within(pitch, vertical), 0.0)


def _counted(names: list[str], what: str) -> str:
    return f"{len(names)} {what}{'s' * (len(names) != 1)}"


def _listed(names: tuple[str, ...] | list[str], most: int = 12) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
