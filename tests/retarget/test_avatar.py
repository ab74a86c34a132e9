"""Bones and targets are found, and turn as the face does, whatever their axes are."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.channels import ARKIT_52
from mien.errors import InputError
from mien.geometry import matrix_from_euler, matrix_from_quaternion, quaternion_from_matrix
from mien.gltf import Bind, Expression, LookAt, Vrm, encode
from mien.model import Mesh, Model, ModelPose, Node, Primitive, Skin, Target
from mien.retarget.avatar import NECK, Avatar
from mien.retarget.overrides import parse
from mien.retarget.skeleton import find_bones, power, product, quaternion
from mien.types import RigPose

TURN = matrix_from_euler(30, -12, 8)
SMALL = matrix_from_euler(9, -4, 0)
angles = st.floats(-80, 80)


def rig(head: Any = None, **fields: Any) -> RigPose:
    names = fields.pop("names", ARKIT_52)
    weights = fields.pop("weights", {})
    values = np.array([weights.get(name, 0.0) for name in names], np.float32)
    return RigPose(0.0, names, values, head=np.eye(3) if head is None else head, **fields)


def target(name: str, vertices: list[int]) -> Target:
    return Target(name, np.array(vertices, np.int32), np.ones((len(vertices), 3), np.float32))


def part(targets: dict[str, list[int]], joint: int | None = None, n: int = 8) -> Primitive:
    positions = np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)
    return Primitive(
        positions,
        np.int32([[0, 1, 2]]),
        joints=None if joint is None else np.full((n, 4), joint, np.int32),
        weights=None if joint is None else np.tile(np.float32([1, 0, 0, 0]), (n, 1)),
        targets=tuple(target(name, vertices) for name, vertices in targets.items()),
    )


def tilted(name: str, parent: int | None, seed: int, **more: Any) -> Node:
    """A node that rests in some orientation."""
    q = np.random.default_rng(seed).normal(size=4)
    x, y, z, w = (q / np.linalg.norm(q)).tolist()
    return Node(name, parent, (0, 0.1, 0), (x, y, z, w), **more)


def skeleton(*meshes: Mesh, skins: tuple[Skin, ...] = ()) -> Model:
    """hips > spine > neck > head > jaw, eyes; all tilted; node 7 + i carries mesh i.

    On jaw and eyes hangs something without targets.
    """
    nodes = [
        tilted("Hips", None, 1),
        tilted("Spine", 0, 2),
        tilted("Neck", 1, 3),
        tilted("Head", 2, 4),
        tilted("Jaw", 3, 5),
        tilted("LeftEye", 3, 6),
        tilted("RightEye", 3, 7),
    ]
    skin = 0 if skins else None
    nodes += [Node(f"mesh{i}", mesh=i, skin=skin) for i in range(len(meshes))]
    nodes += [Node("carried", parent, mesh=len(meshes)) for parent in (4, 5, 6)]
    return Model(tuple(nodes), (*meshes, Mesh("ball", (part({}),))), skins=skins)


def world(model: Model, node: int, pose: ModelPose | None = None) -> np.ndarray:
    """Rotation of a node in the axes of the model."""
    turn = np.eye(3)
    at: int | None = node
    while at is not None:
        own = None if pose is None else pose.rotations.get(at)
        turn = (
            matrix_from_quaternion(np.array(model.nodes[at].rotation if own is None else own))
            @ turn
        )
        at = model.nodes[at].parent
    return turn


def turned(model: Model, node: int, pose: ModelPose) -> np.ndarray:
    """How a node is turned beside its rest, in the axes of the model."""
    return world(model, node, pose) @ world(model, node).T


@given(yaw=angles, pitch=angles, roll=angles)
def test_the_head_ends_up_as_turned_as_the_face(yaw: float, pitch: float, roll: float) -> None:
    model = skeleton()
    head = matrix_from_euler(yaw, pitch, roll)
    pose = Avatar(model).pose(rig(head))
    np.testing.assert_allclose(turned(model, 3, pose), head, atol=1e-6)
    # The neck does its share about the same axis, and what is below stays.
    neck = turned(model, 2, pose)
    wanted = matrix_from_quaternion(np.array(power(quaternion(head), NECK)))
    np.testing.assert_allclose(neck, wanted, atol=1e-6)
    np.testing.assert_allclose(turned(model, 1, pose), np.eye(3), atol=1e-9)


def test_at_rest_everything_is_at_rest() -> None:
    model = skeleton(Mesh("face", (part({"jawOpen": [0]}),), np.float32([0.25])))
    pose = Avatar(model).pose(rig())
    for node, turn in pose.rotations.items():
        np.testing.assert_allclose(turned(model, node, pose), np.eye(3), atol=1e-9)
        assert math.isclose(float(np.linalg.norm(turn)), 1)
    np.testing.assert_array_equal(pose.weights[0], [0])


def test_eyes_and_jaw_turn_relative_to_the_head() -> None:
    model = skeleton()
    other = matrix_from_euler(-5, 20, 0)
    pose = Avatar(model).pose(
        rig(TURN, jaw=matrix_from_euler(0, -20, 0), left_eye=SMALL, right_eye=other)
    )
    for node, turn in ((4, matrix_from_euler(0, -20, 0)), (5, SMALL), (6, other)):
        np.testing.assert_allclose(turned(model, node, pose), TURN @ turn, atol=1e-6)


def test_without_a_neck_the_head_does_it_all() -> None:
    model = skeleton()
    nodes = [replace(n, name="C7" if n.name == "Neck" else n.name) for n in model.nodes]
    model = replace(model, nodes=tuple(nodes))
    pose = Avatar(model).pose(rig(TURN))
    assert set(pose.rotations) == {3, 4, 5, 6}
    np.testing.assert_allclose(turned(model, 3, pose), TURN, atol=1e-6)


def test_without_a_head_bone_all_of_it_turns_about_its_middle() -> None:
    mesh = Mesh("face", (part({"jawOpen": [0]}),))
    model = Model(
        (Node("a", translation=(1, 2, 3)), Node("b", 0, scale=(2, 2, 2), mesh=0)), (mesh,)
    )
    avatar = Avatar(model)
    assert "all of it turns" in avatar.report[0]
    pose = avatar.pose(rig(TURN))
    assert set(pose.rotations) == {0}
    points = mesh.primitives[0].positions * 2.0
    middle = (points.min(0) + points.max(0)) / 2
    got = matrix_from_quaternion(pose.rotations[0]) @ middle + pose.translations[0]
    np.testing.assert_allclose(got, middle + np.array([1, 2, 3]), atol=1e-6)
    np.testing.assert_allclose(turned(model, 1, pose), TURN, atol=1e-6)


def test_with_nothing_to_turn_nothing_turns() -> None:
    avatar = Avatar(Model((Node("thing"),)))
    assert avatar.pose(rig(TURN)) is not None
    assert not avatar.pose(rig(TURN)).rotations
    assert "stays still" in avatar.report[0]


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["Neck", "Head", "LeftEye", "RightEye"], "1 0 - 2 3"),
        (["mixamorig:Neck", "mixamorig:Head", "mixamorig:LeftEye", "x"], "1 0 - 2 -"),
        (["J_Bip_C_Neck", "J_Bip_C_Head", "J_Adj_L_FaceEye", "J_Adj_R_FaceEye"], "1 0 - 2 3"),
        (["neck_01", "head", "eye.L", "eye.R"], "1 0 - 2 3"),
        (["DEF-neck", "DEF-head", "DEF-jaw", "L_Eye"], "1 0 2 3 -"),
        (["CC_Base_NeckTwist01", "CC_Base_Head", "CC_Base_JawRoot", "CC_Base_R_Eye"], "1 0 2 - 3"),
        (["Bip01 Neck", "Bip01 Head", "x", "y"], "1 0 - - -"),
        (["Armature|Neck", "Armature|Head", "eye_l", "EyeRight"], "1 0 - 2 3"),
        (["ValveBiped.Bip01_Neck1", "ValveBiped.Bip01_Head", "x", "y"], "1 0 - - -"),
        (["Headphones", "Ahead", "Jawbreaker", "Eyelid_L"], "- - - - -"),
        (["", "   ", ":", "|"], "- - - - -"),
    ],
)
def test_bones_by_name(names: list[str], found: str) -> None:
    nodes = (Node(names[0]), Node(names[1], 0), Node(names[2], 1), Node(names[3], 1))
    bones = find_bones(Model(nodes), {})
    got = [bones.head, bones.neck, bones.jaw, bones.left_eye, bones.right_eye]
    wanted = [None if w == "-" else int(w) for w in found.split()]
    assert got == wanted


def test_joints_are_preferred_to_meshes_of_the_same_name() -> None:
    mesh = Mesh("m", (part({}, joint=0),))
    nodes = (
        Node("Head", mesh=0, skin=0),
        Node("head", mesh=0),
        Node("Armature"),
        Node("Head", 2),
        Node("neck", 3),  # no neck: it is not above the head
    )
    skin = Skin((3,), np.eye(4, dtype=np.float32)[None])
    bones = find_bones(Model(nodes, (mesh,), skins=(skin,)), {})
    assert (bones.head, bones.neck) == (3, None)
    assert find_bones(Model(nodes[:3], (mesh,), skins=(replace(skin, joints=(2,)),)), {}).head == 1


def test_what_a_vrm_names_comes_first() -> None:
    nodes = (Node("Head"), Node("kubi"), Node("atama", 1), Node("me", 2))
    bones = find_bones(Model(nodes), {"head": 2, "neck": 1, "leftEye": 3})
    assert (bones.head, bones.neck, bones.left_eye) == (2, 1, 3)


# Targets


@pytest.mark.parametrize("spell", [str, str.upper, lambda n: n[0].upper() + n[1:], "m.{}".format])
def test_targets_in_any_spelling(spell: Callable[[str], str]) -> None:
    names = [spell(name) for name in ARKIT_52]
    model = skeleton(
        Mesh("face", (part({name: [0] for name in names}),)),
        Mesh("teeth", (part({names[17]: [1], "else": [0]}),), np.float32([0, 0.5])),
    )
    avatar = Avatar(model)
    weights = {name: i / 64 for i, name in enumerate(ARKIT_52)}
    pose = avatar.pose(rig(weights=weights))
    np.testing.assert_allclose(pose.weights[0], np.arange(52) / 64)
    np.testing.assert_allclose(pose.weights[1], [17 / 64, 0.5])  # what nothing drives is at rest
    assert avatar.shows == ARKIT_52
    assert "It shows 52 of ARKit's 52 channels." in avatar.report
    assert "A face leaves 1 idle: else." in avatar.report


def test_poses_in_other_vocabularies() -> None:
    model = skeleton(Mesh("face", (part({"jawOpen": [0], "mouthFunnel": [1]}),)))
    pose = Avatar(model).pose(rig(names=("oh", "JawOpen", "unheard"), weights={"JawOpen": 0.5}))
    np.testing.assert_allclose(pose.weights[0], [0.5, 0])


def test_a_stream_with_ever_new_names_is_not_remembered_for_ever() -> None:
    avatar = Avatar(skeleton(Mesh("face", (part({"jawOpen": [0]}),))))
    for i in range(100):
        avatar.pose(rig(names=("jawOpen", f"x{i}")))
    assert len(avatar._plans) <= 16


def test_500_targets() -> None:
    model = skeleton(
        Mesh("face", (part({f"shape{i}": [0] for i in range(500)} | {"jawOpen": [1]}),))
    )
    avatar = Avatar(model)
    assert avatar.pose(rig(weights={"jawOpen": 1})).weights[0].tolist() == [0] * 500 + [1]
    assert any(line.endswith("and 488 more.") for line in avatar.report)


def test_bones_that_carry_nothing_are_none() -> None:
    model = skeleton()
    avatar = Avatar(replace(model, nodes=model.nodes[:7]))
    assert set(avatar.pose(rig(TURN)).rotations) == {2, 3}
    assert avatar.shows == ()


def test_overrides() -> None:
    model = skeleton(Mesh("face", (part({"Mund_auf": [0], "mouthSmileLeft": [1]}),)))
    wants = parse('[rename]\nMund_auf = "jawOpen"\n[channels.mouthSmileLeft]\ngain = 0.5')
    pose = Avatar(model, overrides=wants).pose(rig(weights={"jawOpen": 0.75, "mouthSmileLeft": 1}))
    np.testing.assert_allclose(pose.weights[0], [0.75, 0.5])
    with pytest.raises(InputError, match="the avatar has no target 'Mond'"):
        Avatar(model, overrides=parse('[rename]\nMond = "jawOpen"'))


# Nothing turns twice

LOOKS = ("eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft", "eyeLookDownLeft")
ASKED = dict.fromkeys(LOOKS, 0.5) | {"jawOpen": 0.5}
SKIN = Skin(tuple(range(7)), np.tile(np.eye(4, dtype=np.float32), (7, 1, 1)))


def test_an_eyeball_on_a_bone_leaves_its_targets_at_rest_and_lids_follow() -> None:
    ball = Mesh("ball", (part({name: list(range(8)) for name in LOOKS}, joint=5),))
    lids = Mesh("lids", (part({name: [1, 2] for name in LOOKS}, joint=3),))
    avatar = Avatar(skeleton(ball, lids, skins=(SKIN,)))
    pose = avatar.pose(rig(weights=ASKED, left_eye=SMALL, right_eye=SMALL))
    assert pose.weights[0].tolist() == [0] * 4
    assert pose.weights[1].tolist() == [0.5] * 4
    assert {5, 6} <= set(pose.rotations)
    assert "The eyes turn as bones." in avatar.report
    assert set(LOOKS) <= set(avatar.shows)


def test_targets_that_move_eyeballs_and_lids_alike_do_it_all() -> None:
    face = part({name: list(range(8)) for name in LOOKS}, joint=3)
    assert face.joints is not None
    face.joints[:2] = 5
    avatar = Avatar(skeleton(Mesh("face", (face,)), skins=(SKIN,)))
    pose = avatar.pose(rig(weights=ASKED, left_eye=SMALL, right_eye=SMALL))
    assert pose.weights[0].tolist() == [0.5] * 4
    assert 5 not in pose.rotations
    assert 6 in pose.rotations
    assert "The right eye turns as a bone." in avatar.report


@pytest.mark.parametrize("how", ["skin", "child"])
def test_a_jaw_bone_rests_where_jaw_open_moves_the_same(how: str) -> None:
    face = Mesh("face", (part({"jawOpen": [0, 1]}, joint=4 if how == "skin" else None),))
    model = skeleton(face, skins=(SKIN,) if how == "skin" else ())
    if how == "child":
        model = replace(model, nodes=(*model.nodes[:7], replace(model.nodes[7], parent=4)))
    avatar = Avatar(model)
    pose = avatar.pose(rig(weights=ASKED, jaw=SMALL))
    assert 4 not in pose.rotations
    assert pose.weights[0].tolist() == [0.5]
    assert (
        "Its jaw bone rests, as jawOpen moves what it carries, or it carries nothing."
        in avatar.report
    )


def test_teeth_on_a_jaw_of_their_own_turn_while_the_face_morphs() -> None:
    face, teeth = Mesh("face", (part({"jawOpen": [0, 1]}),)), Mesh("teeth", (part({}),))
    model = skeleton(face, teeth)
    model = replace(model, nodes=(*model.nodes[:8], replace(model.nodes[8], parent=4)))
    pose = Avatar(model).pose(rig(weights=ASKED, jaw=SMALL))
    np.testing.assert_allclose(turned(model, 8, pose), SMALL, atol=1e-6)
    assert pose.weights[0].tolist() == [0.5]


# VRM


def vrm(*expressions: Expression, **fields: Any) -> Vrm:
    return Vrm(fields.pop("version", "1.0"), {"head": 3, "neck": 2}, expressions, **fields)


FACE = {"a": [0], "b": [1], "c": [2]}


def test_expressions_move_what_they_bind() -> None:
    model = skeleton(Mesh("face", (part(FACE),)))
    both = Expression("Aa", "aa", (Bind(0, 0, 0.5), Bind(0, 1, 1.0)))
    blink = Expression("まばたき", "blink", (Bind(0, 1, 0.5), Bind(0, 2, 1.0)))
    avatar = Avatar(model, vrm(both, blink, Expression("happy", "happy"), version="0.x"))
    assert avatar.names == ("Aa", "まばたき")
    names = ("aa", "blink")
    pose = avatar.pose(rig(names=names, weights={"aa": 0.5, "blink": 0.25}))
    np.testing.assert_allclose(pose.weights[0], [0.25, 0.625, 0.25])
    # Together they would leave 0..1.
    pose = avatar.pose(rig(names=names, weights={"aa": 1, "blink": 1}))
    np.testing.assert_allclose(pose.weights[0], [0.5, 1, 1])
    # ARKit's channels reach them by tables.
    pose = avatar.pose(rig(weights={"eyeBlinkLeft": 1, "eyeBlinkRight": 1}))
    np.testing.assert_allclose(pose.weights[0], [0, 0.5, 1])


def test_what_rests_is_not_said_to_be_driven() -> None:
    model = skeleton(Mesh("face", (part({**FACE, "jawOpen": [3]}),)))
    happy = Expression("happy", "happy", (Bind(0, 0, 1.0),))
    mine = Expression("my_own", "", (Bind(0, 1, 1.0),))
    report = Avatar(model, vrm(happy, mine)).report
    assert "1 expression and 1 target are driven." in report
    assert "A face leaves 1 idle: my_own." in report
    plain = skeleton(Mesh("face", (part(FACE),)))
    assert "They are shown by its expressions: happy." in Avatar(plain, vrm(happy, mine)).report


def test_a_file_without_a_mesh_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.glb").write_bytes(encode(Model((Node("head"), Node("eye", 0)))))
    with pytest.raises(InputError, match=r"empty\.glb: it has no mesh"):
        Avatar.load(tmp_path / "empty.glb")


def test_binary_expressions_and_overrides() -> None:
    model = skeleton(Mesh("face", (part(FACE),)))
    happy = Expression("happy", "happy", (Bind(0, 0, 1.0),), True, mouth="block", blink="blend")
    aa = Expression("aa", "aa", (Bind(0, 1, 1.0),))
    blink = Expression("blink", "blink", (Bind(0, 2, 1.0),))
    avatar = Avatar(model, vrm(happy, aa, blink))
    names = ("happy", "aa", "blink")

    def shown(*weights: float) -> list[float]:
        pose = avatar.pose(rig(names=names, weights=dict(zip(names, weights, strict=True))))
        return pose.weights[0].tolist()

    assert shown(0.4, 0.5, 0.5) == [0, 0.5, 0.5]
    assert shown(0.6, 0.5, 0.5) == [1, 0, 0]


def test_arkit_targets_of_a_vrm_without_an_expression_of_that_name() -> None:
    targets = {"jawOpen": [0], "eyeBlinkLeft": [1], "A": [2]}
    model = skeleton(Mesh("face", (part(targets),)))
    own = Expression("EyeBlinkLeft", "", (Bind(0, 1, 1.0),))
    aa = Expression("A", "a", (Bind(0, 2, 1.0),))
    avatar = Avatar(model, vrm(own, aa, version="0.x"))
    assert avatar.names == ("jawOpen", "EyeBlinkLeft", "A")
    pose = avatar.pose(rig(weights={"eyeBlinkLeft": 0.5, "jawOpen": 0.5}))
    # A is not on top: jawOpen opens the mouth already.
    np.testing.assert_allclose(pose.weights[0], [0.5, 0.5, 0])


@pytest.mark.parametrize(
    ("yaw", "pitch", "left", "right"),
    [
        (30, 0, (6, 0), (4, 0)),  # to the left: out for the left eye, in for the right
        (-30, 0, (-4, 0), (-6, 0)),
        (90, 0, (12, 0), (8, 0)),
        (0, 30, (0, 5), (0, 5)),
        (0, -30, (0, -10), (0, -10)),
    ],
)
def test_the_ranges_of_a_gaze_with_bones(
    yaw: float, pitch: float, left: tuple[float, float], right: tuple[float, float]
) -> None:
    model = skeleton()
    look = LookAt("bone", inner=(60, 8), outer=(60, 12), down=(30, 10), up=(60, 10))
    eye = matrix_from_euler(yaw, pitch, 0)
    pose = Avatar(model, vrm(look_at=look)).pose(rig(left_eye=eye, right_eye=eye))
    for node, (y, p) in ((5, left), (6, right)):
        np.testing.assert_allclose(turned(model, node, pose), matrix_from_euler(y, p, 0), atol=1e-6)


def test_a_gaze_with_expressions() -> None:
    model = skeleton(Mesh("face", (part(FACE),)))
    look = LookAt("expression", inner=(60, 1), outer=(60, 0.5), up=(20, 1))
    looks = [
        Expression(name, name, (Bind(0, i, 1.0),))
        for i, name in enumerate(("lookLeft", "lookUp", "lookRight"))
    ]
    avatar = Avatar(model, vrm(*looks, look_at=look))
    eye = matrix_from_euler(30, 10, 0)
    weights = {"eyeLookUpLeft": 1, "eyeLookOutLeft": 1}
    pose = avatar.pose(rig(weights=weights, left_eye=eye, right_eye=eye))
    np.testing.assert_allclose(pose.weights[0], [(0.25 + 0.5) / 2, 0.5, 0], atol=1e-6)
    assert not {5, 6} & set(pose.rotations)
    # Whoever sends lookLeft himself gets it.
    pose = avatar.pose(rig(names=("lookLeft",), weights={"lookLeft": 0.75}))
    np.testing.assert_allclose(pose.weights[0], [0.75, 0, 0])


def test_an_expression_that_stops_the_gaze_stops_the_bones() -> None:
    model = skeleton(Mesh("face", (part(FACE),)))
    happy = Expression("happy", "happy", (Bind(0, 0, 1.0),), look_at="block")
    avatar = Avatar(model, vrm(happy, look_at=LookAt("bone", outer=(60, 60))))
    pose = avatar.pose(rig(names=("happy",), weights={"happy": 1}, left_eye=SMALL))
    np.testing.assert_allclose(turned(model, 5, pose), np.eye(3), atol=1e-9)


# Quaternions


@given(yaw=st.floats(-180, 180), pitch=st.floats(-89, 89), roll=st.floats(-180, 180))
def test_quaternions(yaw: float, pitch: float, roll: float) -> None:
    turn = matrix_from_euler(yaw, pitch, roll)
    q = quaternion(turn)
    np.testing.assert_allclose(matrix_from_quaternion(np.array(q)), turn, atol=1e-9)
    assert q[3] >= 0
    np.testing.assert_allclose(np.abs(np.array(q) @ quaternion_from_matrix(turn)), 1, atol=1e-9)
    third = power(q, 1 / 3)
    again = product(product(third, third), third)
    np.testing.assert_allclose(np.abs(np.dot(again, q)), 1, atol=1e-9)


# Files


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "shows", "says"),
    [
        ("arkit52-visemes15.glb", 52, "Head and neck turn as bones."),
        ("vrm-no-expressions.vrm", 0, "It has no morph targets, so the face cannot move."),
        ("vrm0-simple-morph.vrm", 1, "They are shown by its expressions: A."),
        ("vrm1-binary-overrides.vrm", 0, "It has no morph targets, so the face cannot move."),
        ("vrm1-debug-robot.vrm", 8, "The eyes turn as bones."),
        ("vrm1-expressions.vrm", 4, "The head turns as a bone."),
    ],
)
def test_real_avatars(shared: Path, name: str, shows: int, says: str) -> None:
    avatar = Avatar.load(shared / "avatars" / name)
    assert len(avatar.shows) == shows
    assert says in avatar.report
    weights = dict.fromkeys(ARKIT_52, 0.5)
    pose = avatar.pose(rig(TURN, weights=weights, left_eye=SMALL, right_eye=SMALL))
    head = avatar.bones.head
    assert head is not None
    np.testing.assert_allclose(turned(avatar.model, head, pose), TURN, atol=1e-6)
    for mesh, values in pose.weights.items():
        assert values.shape == (len(avatar.model.meshes[mesh].targets),)
        assert np.isfinite(values).all()


@pytest.mark.shared
def test_the_eyes_of_a_real_avatar_turn_once(shared: Path) -> None:
    avatar = Avatar.load(shared / "avatars" / "arkit52-visemes15.glb")
    pose = avatar.pose(rig(weights=dict.fromkeys(ARKIT_52, 1.0), left_eye=SMALL))
    by_name = {
        mesh.name: dict(zip(mesh.targets, pose.weights[i].tolist(), strict=True))
        for i, mesh in enumerate(avatar.model.meshes)
        if mesh.targets
    }
    assert by_name["EyeLeft"]["eyeLookInLeft"] == 0
    assert by_name["Wolf3D_Head"]["eyeLookInLeft"] == 1
    assert by_name["Wolf3D_Teeth"]["jawOpen"] == 1
    assert by_name["Wolf3D_Head"]["viseme_aa"] == 0


def test_a_model_may_settle_what_it_is_asked_for() -> None:
    targets = (target("jawOpen", [0]), target("mouthClose", [1]))
    shape = Primitive(np.zeros((2, 3), np.float32), np.zeros((0, 3), int), targets=targets)
    mesh = Mesh("face", (shape,))
    model = Model((Node("face", mesh=0),), (mesh,))

    def calmer(weights: Any) -> Any:
        return weights * np.float32(0.5)

    asked = rig(weights={"jawOpen": 0.8, "mouthClose": 0.4})
    np.testing.assert_allclose(Avatar(model).pose(asked).weights[0], [0.8, 0.4], atol=1e-6)
    calm = Avatar(model, settle=calmer)
    np.testing.assert_allclose(calm.pose(asked).weights[0], [0.4, 0.2], atol=1e-6)
    # What speaks of others than ARKit's 52 is not for it.
    other = rig(names=("jawOpen",), weights={"jawOpen": 0.8})
    np.testing.assert_allclose(calm.pose(other).weights[0], [0.8, 0.0], atol=1e-6)
