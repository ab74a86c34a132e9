"""What VRM 0.x and 1.0 say becomes one vocabulary; what leads nowhere is a note by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.errors import InputError
from mien.gltf import Bind, Expression, LookAt, read
from mien.gltf.read import _turned
from mien.model import Node

Spoil = Callable[..., Path]
Json = dict[str, Any]


def vrm0(root: Json, **more: Any) -> None:
    groups = [
        {"name": "A", "presetName": "a", "binds": [{"mesh": 0, "index": 0, "weight": 80}]},
        {"name": "Wink", "presetName": "unknown", "isBinary": True, "binds": []},
        {"presetName": "Blink", "binds": [{"mesh": 0, "index": 1}]},
    ]
    root["extensions"] = {
        "VRM": {
            "humanoid": {"humanBones": [{"bone": "head", "node": 2}, {"bone": "jaw", "node": -1}]},
            "blendShapeMaster": {"blendShapeGroups": groups},
            "firstPerson": {
                "lookAtTypeName": "Bone",
                "lookAtVerticalUp": {"xRange": 60, "yRange": 12},
            },
            "materialProperties": [{"shader": "VRM/MToon"}, {"shader": "Standard"}],
            "meta": {"title": "Ada", "author": "Bo", "licenseName": "CC0", "texture": 3},
        }
        | more
    }


def vrm1(root: Json, **more: Any) -> None:
    happy = {
        "isBinary": True,
        "overrideBlink": "block",
        "overrideMouth": "blend",
        "overrideLookAt": "whatever",
        "morphTargetBinds": [{"node": 3, "index": 2, "weight": 0.5}],
    }
    root["extensions"] = {
        "VRMC_vrm": {
            "specVersion": "1.0",
            "humanoid": {"humanBones": {"head": {"node": 2}, "leftEye": {"node": 1}}},
            "expressions": {"preset": {"happy": happy, "aa": {}}, "custom": {"smirk": {}}},
            "lookAt": {
                "type": "expression",
                "rangeMapVerticalUp": {"inputMaxValue": 30, "outputScale": 0.8},
            },
            "meta": {"name": "Ada", "authors": ["Bo", "Cy"], "licenseUrl": "https://a.b"},
        }
        | more
    }


def test_vrm_0(spoil: Spoil) -> None:
    file = read(spoil(vrm0, "a.vrm"))
    assert file.vrm is not None
    assert file.vrm.version == "0.x"
    assert file.vrm.bones == {"head": 2}
    assert file.vrm.expressions == (
        Expression("A", "a", (Bind(0, 0, 0.8),)),
        Expression("Wink", "", (), True),
        Expression("blink", "blink", (Bind(0, 1, 1.0),)),
    )
    assert file.vrm.look_at == LookAt("bone", up=(60, 12))
    assert file.vrm.meta == {"title": "Ada", "authors": "Bo", "licence": "CC0"}
    assert [m.shading for m in file.model.materials] == ["unlit", "unlit", "skin"]
    assert file.notes == ()


def test_vrm_1(spoil: Spoil) -> None:
    file = read(spoil(vrm1, "a.vrm"))
    assert file.vrm is not None
    assert file.vrm.version == "1.0"
    assert file.vrm.bones == {"head": 2, "leftEye": 1}
    assert file.vrm.expressions == (
        Expression("happy", "happy", (Bind(0, 2, 0.5),), True, "block", "none", "blend"),
        Expression("aa", "aa"),
        Expression("smirk", ""),
    )
    wide = (90.0, 1.0)
    assert file.vrm.look_at == LookAt("expression", wide, wide, wide, (30, 0.8))
    assert file.vrm.meta == {"title": "Ada", "authors": "Bo, Cy", "licence text": "https://a.b"}


def test_what_changes_colours_is_noted(spoil: Spoil) -> None:
    many = [
        {"name": f"E{i}", "presetName": "unknown", "materialValues": [{"propertyName": "_Color"}]}
        for i in range(14)
    ]
    coloured = {"materialColorBinds": [{"material": 0}]}
    shifted = {"textureTransformBinds": [{"material": 0}]}
    both = {"preset": {"happy": coloured, "aa": {}}, "custom": {"smirk": shifted}}
    for change, names in (
        (lambda root: vrm0(root, blendShapeMaster={"blendShapeGroups": many}),
         ", ".join(f"E{i}" for i in range(12)) + " and 2 more"),
        (lambda root: vrm1(root, expressions=both), "happy, smirk"),
    ):  # fmt: skip
        (note,) = read(spoil(change)).notes
        assert note == f"colours and moving textures of expressions are left out, of {names}"


def test_vrm_0_is_turned_to_look_along_z(spoil: Spoil) -> None:
    turned, straight = (read(spoil(v, "a.vrm")).model.nodes for v in (vrm0, vrm1))
    assert turned[0].rotation == (0, 1, 0, 0)
    assert straight[0].rotation == (0, 0, 0, 1)
    assert [n.rotation for n in turned[1:]] == [n.rotation for n in straight[1:]]


def test_a_turned_root_is_turned_about_the_origin() -> None:
    node = _turned(Node(translation=(1, 2, 3), rotation=(0.5, 0.5, 0.5, 0.5)))
    assert node.translation == (-1, 2, -3)
    # (0, 1, 0, 0) * (.5, .5, .5, .5)
    np.testing.assert_allclose(node.rotation, (0.5, 0.5, -0.5, -0.5))


@pytest.mark.parametrize(
    ("bind", "says"),
    [
        ({"mesh": 9, "index": 0}, "expression 'A' moves mesh 9, which has no mesh"),
        ({"mesh": -1, "index": 0}, "mesh -1"),
        ({"index": 0}, "mesh None"),
        ({"mesh": "0", "index": 0}, "which has no mesh"),
        ({"mesh": 0, "index": 3}, "moves target 3 of mesh 0, which has 3"),
        ({"mesh": 0, "index": -1}, "moves target -1 of mesh 0"),
        ({"mesh": 1, "index": 0}, "moves target 0 of mesh 1, which has 0"),
        ({"mesh": 0}, "moves target None"),
    ],
)
def test_binds_that_lead_nowhere(spoil: Spoil, bind: Json, says: str) -> None:
    def change(root: Json) -> None:
        good = {"mesh": 0, "index": 1, "weight": 100}
        vrm0(root, blendShapeMaster={"blendShapeGroups": [{"name": "A", "binds": [bind, good]}]})

    file = read(spoil(change, "a.vrm"))
    assert file.vrm is not None
    assert file.vrm.expressions[0].binds == (Bind(0, 1, 1.0),)
    assert len(file.notes) == 1
    assert says in file.notes[0]


@pytest.mark.parametrize("node", [9, "2", 2.0])
def test_bones_that_lead_nowhere(spoil: Spoil, node: Any) -> None:
    def change(root: Json) -> None:
        vrm1(root, humanoid={"humanBones": {"head": {"node": node}}})

    file = read(spoil(change, "a.vrm"))
    assert file.vrm is not None
    assert file.vrm.bones == {}
    assert file.notes == (f"the bone 'head' is node {node} of 5: passed over",)


@pytest.mark.parametrize(("given", "wanted"), [(250, 1.0), (-3, 0.0)])
def test_weights_are_kept_in_range(spoil: Spoil, given: float, wanted: float) -> None:
    def change(root: Json) -> None:
        binds = [{"mesh": 0, "index": 0, "weight": given}]
        vrm0(root, blendShapeMaster={"blendShapeGroups": [{"name": "A", "binds": binds}]})

    file = read(spoil(change, "a.vrm"))
    assert file.vrm is not None
    assert file.vrm.expressions[0].binds == (Bind(0, 0, wanted),)


@pytest.mark.parametrize(
    "change",
    [
        lambda r: vrm0(r, blendShapeMaster={"blendShapeGroups": 3}),
        lambda r: vrm0(r, humanoid=[]),
        lambda r: vrm1(r, lookAt={"rangeMapVerticalUp": {"inputMaxValue": "wide"}}),
        lambda r: r.update(extensions={"VRM": 1}),
        lambda r: r.update(extensions=[]),
    ],
)
def test_what_is_no_vrm_is_refused(spoil: Spoil, change: Callable[[Json], None]) -> None:
    with pytest.raises(InputError, match=r"a\.vrm: extensions.* expected"):
        read(spoil(change, "a.vrm"))


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "left_out"),
    [
        ("vrm0-simple-morph.vrm", None),
        ("vrm1-expressions.vrm", "sad, relaxed, surprised, custom_c"),
        ("vrm1-binary-overrides.vrm", "happy, blink"),
    ],
)
def test_colours_of_real_expressions(shared: Path, name: str, left_out: str | None) -> None:
    said = [n for n in read(shared / "avatars" / name).notes if n.startswith("colours")]
    stem = "colours and moving textures of expressions are left out, of "
    assert said == ([] if left_out is None else [stem + left_out])


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "version", "bound"),
    [
        ("vrm0-simple-morph.vrm", "0.x", ["A"]),
        ("vrm-no-expressions.vrm", "0.x", []),
        (
            "vrm1-expressions.vrm",
            "1.0",
            ["happy", "angry", "custom_a", "custom_e", "custom_f"],
        ),
        ("vrm1-binary-overrides.vrm", "1.0", []),
        ("vrm1-debug-robot.vrm", "1.0", []),
    ],
)
def test_real_files(shared: Path, name: str, version: str, bound: list[str]) -> None:
    file = read(shared / "avatars" / name)
    assert file.vrm is not None
    assert file.vrm.version == version
    assert [e.name for e in file.vrm.expressions if e.binds] == bound
    assert "head" in file.vrm.bones
    if not file.model.meshes[0].targets and name != "vrm1-expressions.vrm":
        assert "it has no morph targets, so the face cannot move" in file.notes
