"""What an avatar is made of refuses what cannot be."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from mien.model import (
    Animation,
    Material,
    Mesh,
    Model,
    ModelPose,
    Node,
    Primitive,
    Skin,
    Target,
)

POINTS = np.zeros((3, 3), np.float32)
TRIANGLE = np.array([[0, 1, 2]])


def target(name: str = "jawOpen", vertices: tuple[int, ...] = (1,)) -> Target:
    return Target(name, np.array(vertices, int), np.zeros((len(vertices), 3), np.float32))


def primitive(*targets: Target, **fields: Any) -> Primitive:
    return Primitive(POINTS, TRIANGLE, targets=targets, **fields)


def test_the_least_that_there_can_be() -> None:
    assert Model(()).meshes == ()
    model = Model((Node(mesh=0),), (Mesh("face", (primitive(),)),))
    assert model.meshes[0].targets == ()
    empty = Primitive(np.zeros((0, 3), np.float32), np.zeros((0, 3), int))
    assert Mesh("nothing", (empty,)).targets == ()


def test_a_mesh_names_the_targets_that_its_primitives_share() -> None:
    both = (primitive(target("a"), target("b")), primitive(target("a", ()), target("b", (0, 2))))
    mesh = Mesh("face", both, np.zeros(2, np.float32))
    assert mesh.targets == ("a", "b")


@pytest.mark.usefixtures("unchecked")
def test_a_target_moves_as_many_vertices_as_it_names() -> None:
    with pytest.raises(ValueError, match=r"'jawOpen' moves 2 vertices, its positions are \(1, 3\)"):
        Target("jawOpen", np.array([0, 1]), np.zeros((1, 3), np.float32))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"triangles": np.array([[0, 1, 3]])}, r"vertices 0\.\.3 of 3"),
        ({"triangles": np.array([[-1, 1, 2]])}, r"vertices -1\.\.2 of 3"),
        ({"normals": np.zeros((2, 3), np.float32)}, "normals: 2 for 3"),
        ({"uv": np.zeros((4, 2), np.float32)}, "uv: 4 for 3"),
        ({"joints": np.zeros((3, 4), int)}, "come together"),
        ({"weights": np.zeros((3, 4), np.float32)}, "come together"),
        ({"targets": (target(vertices=(3,)),)}, "a vertex that is none of 3"),
        ({"targets": (target(vertices=(-1,)),)}, "a vertex that is none of 3"),
    ],
)
def test_a_primitive_is_validated(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Primitive(**({"positions": POINTS, "triangles": TRIANGLE} | fields))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"primitives": ()}, "'face' has no primitive"),
        ({"primitives": (primitive(target("a")), primitive())}, "differ in their targets"),
        ({"primitives": (primitive(target("a")), primitive(target("b")))}, "differ"),
        ({"rest": np.zeros(1, np.float32)}, "1 weights at rest"),
    ],
)
def test_a_mesh_is_validated(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Mesh(**({"name": "face", "primitives": (primitive(),)} | fields))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"nodes": (Node(parent=1),)}, "has parent 1 of 1"),
        ({"nodes": (Node(parent=-1),)}, "has parent -1"),
        ({"nodes": (Node("head", mesh=1),)}, r"node 0 \('head'\) has mesh 1 of 1"),
        ({"nodes": (Node(skin=0),)}, "has skin 0 of 0"),
        ({"nodes": (Node("self", parent=0),)}, r"\('self'\) is its own ancestor"),
        ({"nodes": (Node(parent=1), Node(parent=0))}, "its own ancestor"),
        ({"nodes": (Node(parent=1), Node(parent=2), Node(parent=1))}, "its own ancestor"),
        ({"meshes": (Mesh("face", (primitive(material=0),)),)}, "'face' has material 0"),
        ({"skins": (Skin((0, 5), np.zeros((2, 4, 4), np.float32)),)}, r"joints \(0, 5\) of 1"),
    ],
)
def test_a_model_is_validated(fields: dict[str, Any], says: str) -> None:
    good = {"nodes": (Node(),), "meshes": (Mesh("face", (primitive(),)),)}
    with pytest.raises(ValueError, match=says):
        Model(**(good | fields))


def test_a_tree_may_be_deep_and_in_any_order() -> None:
    chain = tuple(Node(parent=i + 1 if i < 99 else None) for i in range(100))
    assert len(Model(chain).nodes) == 100


def test_an_animation_goes_forward() -> None:
    pose = ModelPose()
    assert len(Animation(np.array([0.0, 0.1, 0.5]), (pose,) * 3).poses) == 3
    assert Animation(np.zeros(0), ()).poses == ()
    with pytest.raises(ValueError, match="2 times for 1 poses"):
        Animation(np.array([0.0, 1.0]), (pose,))
    for times in ([0.0, 0.0], [1.0, 0.5]):
        with pytest.raises(ValueError, match="ascend"):
            Animation(np.array(times), (pose, pose))


@pytest.mark.parametrize(
    "record", [Material(), target(), primitive(), Node(), Model(()), ModelPose()]
)
def test_parts_are_frozen(record: Any) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(record, dataclasses.fields(record)[0].name, None)
