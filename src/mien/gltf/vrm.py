"""What a VRM says beside its model: humanoid bones, expressions with their binds, gaze, licence.

VRM 0.x (``VRM``: blend shape groups, weights 0..100, meshes by index) and VRM 1.0 (``VRMC_vrm``:
expressions, weights 0..1, meshes by node) become one vocabulary here; names of bones and
expressions stay those of the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from .document import Item

__all__ = ["Bind", "Expression", "LookAt", "Override", "Vrm", "read_vrm"]

Override = Literal["none", "block", "blend"]
"""What an expression does to blinking, gaze or mouth: nothing, stop it, or fade it out."""

_MOST_NAMED = 12  # expressions in one note


@dataclass(frozen=True, slots=True)
class Bind:
    """A morph target that an expression moves.

    Attributes:
        mesh, target: indices in the model.
        weight: of the target when the expression is at 1.
    """

    mesh: int
    target: int
    weight: float


@dataclass(frozen=True, slots=True)
class Expression:
    """A named look.

    Attributes:
        name: in the file.
        preset: VRM's own name for it (``joy``, ``blink_l`` in 0.x; ``happy``, ``blinkLeft`` in
            1.0), or "" for one of the author's.
        binds: what it moves; may be empty, as an expression may only change colours.
        binary: it is on above 0.5 and otherwise off.
        blink, look_at, mouth: what it does to the presets of these parts.
    """

    name: str
    preset: str
    binds: tuple[Bind, ...] = ()
    binary: bool = False
    blink: Override = "none"
    look_at: Override = "none"
    mouth: Override = "none"


@dataclass(frozen=True, slots=True)
class LookAt:
    """How the eyes follow a gaze.

    Attributes:
        kind: they are turned as bones, or the ``look...`` expressions are used.
        inner, outer, down, up: the largest angle of a gaze in degrees and what it becomes:
            degrees of the bone, or the weight of the expression. Linear in between.
    """

    kind: Literal["bone", "expression"] = "bone"
    inner: tuple[float, float] = (90.0, 10.0)
    outer: tuple[float, float] = (90.0, 10.0)
    down: tuple[float, float] = (90.0, 10.0)
    up: tuple[float, float] = (90.0, 10.0)


@dataclass(frozen=True, slots=True)
class Vrm:
    """What a VRM file says of its avatar.

    Attributes:
        version: ``0.x`` or ``1.0``.
        bones: node by VRM's name of a bone, such as ``leftEye``.
        expressions: in the order of the file.
        look_at: how the eyes follow.
        meta: title, authors, licence and the like, as texts.
    """

    version: Literal["0.x", "1.0"]
    bones: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    expressions: tuple[Expression, ...] = ()
    look_at: LookAt = LookAt()
    meta: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def read_vrm(
    root: Item,
    meshes: Mapping[int, int],
    targets: Sequence[int],
    node_meshes: Sequence[int | None],
    notes: list[str],
) -> Vrm | None:
    """What the file says as a VRM, or None where it is none.

    What leads nowhere (a bone on a node that does not exist, a bind to a target that the mesh does
    not have) is passed over with a note, since the rest of the avatar works.

    Args:
        root: JSON of the file.
        meshes: index in the model by index in the file.
        targets: number of morph targets by index in the model.
        node_meshes: mesh of each node, as index in the model.
        notes: gets a sentence for each thing passed over.

    Raises:
        InputError: values of another kind than VRM prescribes.
    """
    if (vrm := root.extension("VRMC_vrm")) is not None:
        binds = _Binds(meshes, targets, node_meshes, notes)
        _note_hidden(_coloured_1(vrm.item("expressions")), notes)
        return Vrm(
            "1.0",
            _bones_1(vrm, len(node_meshes), notes),
            tuple(_expressions_1(vrm.item("expressions"), binds)),
            _look_at_1(vrm.item("lookAt")),
            _meta(vrm.item("meta"), _META_1),
        )
    if (vrm := root.extension("VRM")) is not None:
        binds = _Binds(meshes, targets, node_meshes, notes)
        groups = vrm.item("blendShapeMaster").items("blendShapeGroups")
        _note_hidden([_name_0(g) for g in groups if g.value.get("materialValues")], notes)
        return Vrm(
            "0.x",
            _bones_0(vrm, len(node_meshes), notes),
            tuple(_expressions_0(vrm.item("blendShapeMaster"), binds)),
            _look_at_0(vrm.item("firstPerson")),
            _meta(vrm.item("meta"), _META_0),
        )
    return None


@dataclass(frozen=True, slots=True)
class _Binds:
    meshes: Mapping[int, int]
    targets: Sequence[int]
    node_meshes: Sequence[int | None]
    notes: list[str]

    def bind(self, name: str, bind: Item, *, by_node: bool) -> Bind | None:
        """A bind, or None with a note where it leads nowhere."""
        given, index = bind.value.get("node" if by_node else "mesh"), bind.value.get("index")
        mesh: int | None = None
        if type(given) is int and given >= 0:
            if not by_node:
                mesh = self.meshes.get(given)
            elif given < len(self.node_meshes):
                mesh = self.node_meshes[given]
        where = f"{'node' if by_node else 'mesh'} {str(given)[:20]}"
        if mesh is None:
            self.notes.append(f"expression {name!r} moves {where}, which has no mesh: passed over")
            return None
        if type(index) is not int or not 0 <= index < self.targets[mesh]:
            self.notes.append(
                f"expression {name!r} moves target {str(index)[:20]} of {where}, which has "
                f"{self.targets[mesh]}: passed over"
            )
            return None
        weight = bind.number("weight", 1.0 if by_node else 100.0)
        weight = weight if by_node else weight / 100.0
        return Bind(mesh, index, min(max(weight, 0.0), 1.0))

    def all(self, name: str, binds: list[Item], *, by_node: bool) -> tuple[Bind, ...]:
        found = [self.bind(name, bind, by_node=by_node) for bind in binds]
        return tuple(bind for bind in found if bind is not None)


def _bone(bones: dict[str, int], name: str, item: Item, nodes: int, notes: list[str]) -> None:
    node = item.value.get("node")
    if type(node) is int and 0 <= node < nodes:
        bones[name] = node
    elif node not in (None, -1):  # some exporters write -1 for none
        notes.append(f"the bone {name!r} is node {str(node)[:20]} of {nodes}: passed over")


def _bones_0(vrm: Item, nodes: int, notes: list[str]) -> Mapping[str, int]:
    bones: dict[str, int] = {}
    for item in vrm.item("humanoid").items("humanBones"):
        _bone(bones, item.text("bone"), item, nodes, notes)
    return MappingProxyType(bones)


def _bones_1(vrm: Item, nodes: int, notes: list[str]) -> Mapping[str, int]:
    bones: dict[str, int] = {}
    for name, item in vrm.item("humanoid").named("humanBones"):
        _bone(bones, name, item, nodes, notes)
    return MappingProxyType(bones)


def _expressions_0(master: Item, binds: _Binds) -> list[Expression]:
    found = []
    for group in master.items("blendShapeGroups"):
        preset = _preset_0(group)
        name = _name_0(group)
        moved = binds.all(name, group.items("binds"), by_node=False)
        found.append(Expression(name, preset, moved, group.flag("isBinary")))
    return found


def _preset_0(group: Item) -> str:
    preset = group.text("presetName").lower()
    return "" if preset == "unknown" else preset


def _name_0(group: Item) -> str:
    return group.text("name") or _preset_0(group)


def _expressions_1(expressions: Item, binds: _Binds) -> list[Expression]:
    found = []
    for kind in ("preset", "custom"):
        for name, item in expressions.named(kind):
            found.append(
                Expression(
                    name,
                    name if kind == "preset" else "",
                    binds.all(name, item.items("morphTargetBinds"), by_node=True),
                    item.flag("isBinary"),
                    _override(item, "overrideBlink"),
                    _override(item, "overrideLookAt"),
                    _override(item, "overrideMouth"),
                )
            )
    return found


def _coloured_1(expressions: Item) -> list[str]:
    kinds = ("materialColorBinds", "textureTransformBinds")
    named = [*expressions.named("preset"), *expressions.named("custom")]
    return [name for name, item in named if any(map(item.value.get, kinds))]


def _note_hidden(names: list[str], notes: list[str]) -> None:
    """Say which expressions change colours or shift textures, which nothing here shows."""
    if names:
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        notes.append(
            "colours and moving textures of expressions are left out, of "
            f"{', '.join(names[:_MOST_NAMED])}{more}"
        )


def _override(item: Item, key: str) -> Override:
    value = item.text(key, "none")
    return "block" if value == "block" else "blend" if value == "blend" else "none"


def _look_at_0(first: Item) -> LookAt:
    expression = first.text("lookAtTypeName") == "BlendShape"
    return _look_at(first, "lookAt", expression, "xRange", "yRange")


def _look_at_1(look: Item) -> LookAt:
    expression = look.text("type") == "expression"
    return _look_at(look, "rangeMap", expression, "inputMaxValue", "outputScale")


def _look_at(table: Item, stem: str, expression: bool, given: str, made: str) -> LookAt:
    """The four ranges, which both versions have under other names."""

    def span(name: str) -> tuple[float, float]:
        item = table.item(stem + name)
        return max(item.number(given, 90.0), 1.0), item.number(made, 1.0 if expression else 10.0)

    return LookAt(
        "expression" if expression else "bone",
        span("HorizontalInner"),
        span("HorizontalOuter"),
        span("VerticalDown"),
        span("VerticalUp"),
    )


_META_0 = {
    "title": "title",
    "version": "version",
    "author": "authors",
    "allowedUserName": "may be used by",
    "commercialUssageName": "commercial use",
    "licenseName": "licence",
    "otherLicenseUrl": "licence text",
}
_META_1 = {
    "name": "title",
    "version": "version",
    "authors": "authors",
    "avatarPermission": "may be used by",
    "commercialUsage": "commercial use",
    "modification": "modification",
    "licenseUrl": "licence text",
}


def _meta(meta: Item, names: Mapping[str, str]) -> Mapping[str, str]:
    found = {}
    for key, name in names.items():
        value = meta.value.get(key)
        text = ", ".join(map(str, value)) if isinstance(value, list) else value
        if isinstance(text, str) and text:
            found[name] = text[:300]
    return MappingProxyType(found)
