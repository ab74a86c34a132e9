"""``/avatars``: heads that the page can wear."""

import numpy as np
import pytest
from fastapi import FastAPI

from mien import gltf
from mien.channels import ARKIT_52
from mien.model import Mesh, Model, Node, Primitive, Target
from mien.server.avatars import Head, router
from mien.server.problems import RequestError

from .conftest import TestClient


def triangle() -> Model:
    """One triangle that can open its jaw."""
    corners = np.eye(3, dtype=np.float32)
    opened = Target("jawOpen", np.array([0]), np.float32([[0, -1, 0]]))
    surface = Primitive(corners, np.array([[0, 1, 2]]), targets=(opened,))
    return Model((Node("head", mesh=0),), (Mesh("face", (surface,)),))


@pytest.fixture
def built() -> list[str]:
    return []


@pytest.fixture
def gallery(built):
    def glb() -> bytes:
        built.append("triangle")
        return gltf.encode(triangle())

    app = FastAPI()
    heads = {"triangle": Head("Triangle", glb), "absent": Head("Not pulled", glb, lambda: False)}
    app.include_router(router(heads))
    return TestClient(app)


def test_heads_are_listed_and_not_built_for_that(gallery, built):
    assert gallery.get("/avatars").json() == {
        "avatars": [{"name": "triangle", "title": "Triangle"}]
    }
    with pytest.raises(RequestError, match="there is no avatar 'absent'"):
        gallery.get("/avatars/absent.glb")
    assert built == []


def test_a_head_is_built_once_and_comes_as_glb(gallery, built, tmp_path):
    first, second = (gallery.get("/avatars/triangle.glb") for _ in range(2))
    assert first.headers["content-type"] == "model/gltf-binary"
    assert first.content == second.content
    assert built == ["triangle"]
    (tmp_path / "triangle.glb").write_bytes(first.content)
    model = gltf.read(tmp_path / "triangle.glb").model
    assert [target.name for target in model.meshes[0].primitives[0].targets] == ["jawOpen"]


def test_what_the_page_has_already_is_not_sent_again(gallery):
    tag = gallery.get("/avatars/triangle.glb").headers["etag"]
    again = gallery.get("/avatars/triangle.glb", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    other = gallery.get("/avatars/triangle.glb", headers={"If-None-Match": '"other"'})
    assert other.status_code == 200


def test_the_bust_is_there_with_all_channels(client, tmp_path):
    assert {"name": "bust", "title": "Bust"} in client.get("/avatars").json()["avatars"]
    (tmp_path / "bust.glb").write_bytes(client.get("/avatars/bust.glb").content)
    names = gltf.read(tmp_path / "bust.glb").model.meshes[0].targets
    assert set(ARKIT_52) <= set(names)


@pytest.mark.parametrize("name", ["nobody", "..%2F..%2Fsecret", "a" * 80])
def test_an_unknown_head_is_refused(client, name):
    assert client.get(f"/avatars/{name}.glb").status_code in (404, 422)
