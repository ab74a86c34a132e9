"""What is read, and what is refused: the message names the file, the place and the remedy."""

from __future__ import annotations

import base64
import json
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mien.errors import InputError
from mien.gltf import encode, read
from mien.gltf.images import LARGEST_TEXTURE
from mien.model import Model

Spoil = Callable[..., Path]
Json = dict[str, Any]


def chain(root: Json, length: int) -> None:
    root["nodes"] = [{"children": [i + 1]} for i in range(length - 1)] + [{}]
    root["scenes"] = [{"nodes": [0]}]


def face(root: Json) -> Json:
    return root["meshes"][0]["primitives"][0]


def positions(root: Json) -> Json:
    return root["accessors"][face(root)["attributes"]["POSITION"]]


def target(root: Json, i: int = 0) -> Json:
    return root["accessors"][face(root)["targets"][i]["POSITION"]]


REFUSED: list[tuple[str, Callable[[Json], object], str]] = [
    ("no asset", lambda r: r.pop("asset"), "not glTF"),
    ("glTF 1", lambda r: r["asset"].update(version="1.0"), "expected 2.0"),
    ("draco", lambda r: r.update(extensionsRequired=["KHR_draco_mesh_compression"]), "npx @gltf"),
    ("meshopt", lambda r: r.update(extensionsRequired=["EXT_meshopt_compression"]), "npx @gltf"),
    ("unknown extension", lambda r: r.update(extensionsRequired=["ACME_x"]), "needs ACME_x"),
    ("extension of no list", lambda r: r.update(extensionsRequired=7), "a list of names"),
    ("no such buffer", lambda r: r["buffers"][0].update(uri="gone.bin"), "put it beside"),
    ("an address", lambda r: r["buffers"][0].update(uri="http://a.b/c"), "nothing is fetched"),
    ("a way out", lambda r: r["buffers"][0].update(uri="../../x.bin"), "outside of the file"),
    ("a coded way out", lambda r: r["buffers"][0].update(uri="%2e%2e/x"), "outside of the file"),
    ("another way out", lambda r: r["buffers"][0].update(uri="..\\x"), "outside of the file"),
    ("an absolute way out", lambda r: r["buffers"][0].update(uri="/etc/passwd"), "outside"),
    ("bad base64", lambda r: r["buffers"][0].update(uri="data:;base64,!"), "cannot be decoded"),
    ("no data", lambda r: r["buffers"][0].update(uri="data:nothing"), "without data"),
    ("a short buffer", lambda r: r["buffers"][0].update(byteLength=10**6), "bytes of 1000000"),
    ("a view too long", lambda r: r["bufferViews"][0].update(byteLength=10**9), "ends at byte"),
    ("count", lambda r: positions(r).update(count=10**4), "needs 120000 bytes"),
    ("gigabytes of nothing", lambda r: target(r, 1).update(count=10**12), "for 64 vertices"),
    (
        "gigabytes of zeros",
        lambda r: (positions(r).pop("bufferView"), positions(r).update(count=10**11)),
        "bytes when unpacked",
    ),
    ("a negative count", lambda r: positions(r).update(count=-1), "a count below"),
    ("a count of text", lambda r: positions(r).update(count="9"), "expected a count"),
    ("a true count", lambda r: positions(r).update(count=True), "expected a count"),
    ("componentType", lambda r: positions(r).update(componentType=1), "one of 5120"),
    ("type", lambda r: positions(r).update(type="VEC9"), "expected VEC3"),
    ("a list for a type", lambda r: positions(r).update(componentType=[]), "one of 5120"),
    ("a stride", lambda r: r["bufferViews"][0].update(byteStride=4), "at least 12"),
    ("indices", lambda r: face(r).update(indices=99), "indices is 99, expected an index below"),
    ("an accessor of floats", lambda r: face(r).update(indices=0), "type is 'VEC3'"),
    ("material", lambda r: face(r).update(material=3), "material is 3"),
    ("mode", lambda r: face(r).update(mode=7), "a mode below 7"),
    ("vertices", lambda r: face(r)["attributes"].update(POSITION=77), "an index below"),
    ("sparse beyond", lambda r: target(r, 1)["sparse"].update(count=50), "needs 50 bytes"),
    (
        "sparse indices as floats",
        lambda r: target(r, 1)["sparse"]["indices"].update(componentType=5126),
        "unsigned",
    ),
    ("a cycle", lambda r: r["nodes"][2].update(children=[4, 1]), "more than one node"),
    ("its own child", lambda r: r["nodes"][4].update(children=[4]), "more than one node"),
    (
        "an island that is a cycle",
        lambda r: r["nodes"].extend([{"children": [6]}, {"children": [5]}]),
        "its own ancestor",
    ),
    ("children of text", lambda r: r["nodes"][0].update(children="12"), "a list of nodes"),
    ("no such child", lambda r: r["nodes"][0].update(children=[9]), "a list of nodes below 5"),
    ("no such mesh", lambda r: r["nodes"][0].update(mesh=9), "mesh is 9"),
    ("no such skin", lambda r: r["nodes"][3].update(skin=9), "skin is 9"),
    ("too many nodes", lambda r: chain(r, 20_001), "20000 are the most"),
    ("joints", lambda r: r["skins"][0].update(joints=[1]), "joint 1 of a skin of 1"),
    ("matrices", lambda r: r["skins"][0].update(joints=[0, 1, 2, 3]), "2 matrices for 4"),
    ("a rotation", lambda r: r["nodes"][2].update(rotation=[0, 1]), "4 numbers"),
    ("a huge number", lambda r: r["nodes"][2].update(scale=[10**400, 1, 1]), "3 numbers"),
    ("a node of text", lambda r: r.update(nodes=["head"]), "a list of objects"),
    ("rest weights", lambda r: r["meshes"][0].update(weights=[1]), "3 numbers"),
    ("a texture", lambda r: r["materials"][1]["pbrMetallicRoughness"]["baseColorTexture"]
     .update(index=4), "an index below 3"),
    ("a picture from afar", lambda r: r["images"].__setitem__(0, {"uri": "ftp://a/b.png"}),
     "nothing is fetched"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "says"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_it_refuses(spoil: Spoil, change: Callable[[Json], object], says: str) -> None:
    path = spoil(change)
    with pytest.raises(InputError) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith("a.glb: ")
    assert says in message
    assert "; " in message  # what to do


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "it is not glTF; expected a .glb, .gltf or .vrm file"),
        (b"not a gltf", "it is not glTF"),
        (b"Kaydara FBX Binary  \0", "it is an FBX file"),
        (b"PK\x03\x04...", "unpack it"),
        (b"[]", "not glTF"),
        (b"{}", "not glTF"),
        (b'{"asset": {"version": "2.0"', "its JSON cannot be read"),
        (b'{"asset": {"version": "2.0"}, "scene": NaN}', "NaN is not a number"),
        (b'{"asset": ' + b"[" * 100_000, "its JSON cannot be read"),
        (b'{"asset": {"version": 2}}', "expected a text"),
        (b"glTF", "cut off after 4 bytes"),
        (b"glTF" + struct.pack("<II", 1, 20) + b"\0" * 8, "expected 2.0"),
        (b"glTF" + struct.pack("<II", 2, 20) + struct.pack("<I4s", 0, b"BIN\0"), "not JSON"),
        (b"glTF" + struct.pack("<II", 2, 20) + struct.pack("<I4s", 99, b"JSON"), "ends behind"),
        (b"glTF" + struct.pack("<II", 2, 900) + b"\0" * 8, "should have 900 bytes and has 20"),
        (b"glTF" + struct.pack("<II", 2, 24) + struct.pack("<I4s", 4, b"JSON") + b"\xff" * 4,
         "JSON cannot be read"),
    ],
)  # fmt: skip
def test_it_refuses_what_is_no_gltf(spoil: Spoil, data: bytes, says: str) -> None:
    with pytest.raises(InputError) as caught:
        read(spoil(data))
    assert says in str(caught.value)


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read(tmp_path / "none.glb")
    with pytest.raises(InputError, match=r"name a \.glb"):
        read(tmp_path)


@pytest.mark.parametrize("offset", [0, 64])
def test_nan_is_refused(tmp_path: Path, model: Model, split: Any, join: Any, offset: int) -> None:
    root, blob = split(encode(model))
    view = root["bufferViews"][positions(root)["bufferView"]]
    spoilt = bytearray(blob)
    struct.pack_into("<f", spoilt, view["byteOffset"] + offset, float("nan"))
    (tmp_path / "a.glb").write_bytes(join(root, bytes(spoilt)))
    with pytest.raises(InputError, match=r"accessors\[0\] holds NaN"):
        read(tmp_path / "a.glb")


def test_a_gltf_with_its_buffer_beside_it(tmp_path: Path, model: Model, split: Any) -> None:
    root, blob = split(encode(model))
    root["buffers"][0]["uri"] = "parts/my%20face.bin"
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "my face.bin").write_bytes(blob)
    (tmp_path / "a.gltf").write_text("\ufeff" + json.dumps(root), "utf-8")
    assert read(tmp_path / "a.gltf").model.meshes[0].targets == model.meshes[0].targets


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path, model: Model, split: Any) -> None:
    root, blob = split(encode(model))
    root["buffers"][0]["uri"] = "face.bin"
    (tmp_path / "secret").write_bytes(blob)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "face.bin").symlink_to(tmp_path / "secret")
    (tmp_path / "in" / "a.gltf").write_text(json.dumps(root))
    with pytest.raises(InputError, match="outside of the file's folder"):
        read(tmp_path / "in" / "a.gltf")


def test_a_gltf_with_a_data_uri(tmp_path: Path, model: Model, split: Any) -> None:
    root, blob = split(encode(model))
    data = base64.b64encode(blob).decode()
    root["buffers"][0]["uri"] = f"data:application/octet-stream;base64,{data}"
    (tmp_path / "a.gltf").write_text(json.dumps(root))
    again = read(tmp_path / "a.gltf").model
    np.testing.assert_array_equal(
        again.meshes[0].primitives[0].positions, model.meshes[0].primitives[0].positions
    )


def raw(root: Json, data: bytes, **accessor: Any) -> int:
    """Append an accessor on bytes of its own, in a data URI."""
    root["buffers"].append(
        {
            "byteLength": len(data),
            "uri": "data:application/gltf-buffer;base64," + base64.b64encode(data).decode(),
        }
    )
    view = {"buffer": len(root["buffers"]) - 1, "byteLength": len(data)}
    if "byteStride" in accessor:
        view["byteStride"] = accessor.pop("byteStride")
    root["bufferViews"].append(view)
    root["accessors"].append({"bufferView": len(root["bufferViews"]) - 1} | accessor)
    return len(root["accessors"]) - 1


@pytest.mark.parametrize(
    ("dtype", "kind", "scale"),
    [("<i1", 5120, 127), ("<u1", 5121, 255), ("<i2", 5122, 32767), ("<u2", 5123, 65535)],
)
@pytest.mark.parametrize("normalised", [True, False])
def test_quantised_and_strided(
    spoil: Spoil, dtype: str, kind: int, scale: int, normalised: bool
) -> None:
    low = 0 if "u" in dtype else -scale - 1
    values = np.random.default_rng(3).integers(low, scale + 1, (64, 3)).astype(dtype)
    values[0] = low
    padded = np.zeros((64, 4), dtype)
    padded[:, :3] = values

    def change(root: Json) -> None:
        face(root)["attributes"]["POSITION"] = raw(
            root,
            padded.tobytes(),
            byteStride=padded.itemsize * 4,
            componentType=kind,
            normalized=normalised,
            count=64,
            type="VEC3",
        )
        root["extensionsRequired"] = ["KHR_mesh_quantization"]

    got = read(spoil(change)).model.meshes[0].primitives[0].positions
    wanted = np.maximum(values / scale, -1) if normalised else values
    np.testing.assert_allclose(got, wanted, atol=1e-6)


@pytest.mark.parametrize(
    ("mode", "triangles"),
    [
        (4, [[0, 1, 2]]),
        (5, [[0, 1, 2], [2, 1, 3], [2, 3, 4]]),
        (6, [[0, 1, 2], [0, 2, 3], [0, 3, 4]]),
    ],
)
def test_strips_and_fans(spoil: Spoil, mode: int, triangles: list[list[int]]) -> None:
    def change(root: Json) -> None:
        face(root)["mode"] = mode
        face(root)["indices"] = raw(
            root, bytes(range(5)), componentType=5121, count=5, type="SCALAR"
        )

    got = read(spoil(change)).model.meshes[0].primitives[0].triangles
    np.testing.assert_array_equal(got, triangles)


def test_triangles_without_indices_and_lines(spoil: Spoil) -> None:
    def change(root: Json) -> None:
        face(root).pop("indices")
        root["meshes"].insert(0, {"name": "wire", "primitives": [{"mode": 1, "attributes": {}}]})
        for node in root["nodes"]:
            if "mesh" in node:
                node["mesh"] += 1
        root["nodes"][4]["mesh"] = 0

    got = read(spoil(change))
    assert got.model.meshes[0].primitives[0].triangles.shape == (21, 3)
    assert [node.mesh for node in got.model.nodes] == [None, None, None, 0, None]
    assert "the mesh 'wire' has no triangles" in got.notes


@pytest.mark.parametrize("place", ["mesh", "primitive", "nowhere", "too few"])
def test_names_of_targets(spoil: Spoil, place: str) -> None:
    def change(root: Json) -> None:
        names = root["meshes"][0].pop("extras")
        if place == "mesh":
            root["meshes"][0]["extras"] = names
        if place == "primitive":
            face(root)["extras"] = names
        if place == "too few":
            root["meshes"][0]["extras"] = {"targetNames": ["jawOpen"]}

    got = read(spoil(change))
    wanted = {
        "nowhere": ("target0", "target1", "target2"),
        "too few": ("jawOpen", "target1", "target2"),
    }.get(place, ("jawOpen", "eyeBlinkLeft", "nothing"))
    assert got.model.meshes[0].targets == wanted
    assert any("have no names" in note for note in got.notes) == (place == "nowhere")


def test_500_targets(tmp_path: Path, make_model: Callable[..., Model]) -> None:
    names = tuple(f"shape{i}" for i in range(500))
    (tmp_path / "many.glb").write_bytes(encode(make_model(names)))
    assert read(tmp_path / "many.glb").model.meshes[0].targets == names


def test_no_targets_is_a_note(spoil: Spoil) -> None:
    def change(root: Json) -> None:
        face(root).pop("targets")
        root["meshes"][0].pop("weights")

    got = read(spoil(change))
    assert got.notes == ("it has no morph targets, so the face cannot move",)


def test_primitives_that_differ_in_targets(spoil: Spoil) -> None:
    def change(root: Json) -> None:
        root["meshes"][0]["primitives"].append({"attributes": dict(face(root)["attributes"])})

    mesh = read(spoil(change)).model.meshes[0]
    assert [len(p.targets) for p in mesh.primitives] == [3, 3]
    assert not len(mesh.primitives[1].targets[0].vertices)


def test_a_matrix_becomes_a_placement(spoil: Spoil) -> None:
    # Half a metre up, a quarter turn about y, twice as wide.
    matrix = [0, 0, -2, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0.5, 0, 1]

    def change(root: Json) -> None:
        root["nodes"][1] = {"matrix": matrix, "children": [2]}

    node = read(spoil(change)).model.nodes[1]
    assert node.translation == (0, 0.5, 0)
    np.testing.assert_allclose(node.scale, (2, 1, 1))
    np.testing.assert_allclose(node.rotation, (0, 0.5**0.5, 0, 0.5**0.5))


def test_a_long_chain_of_nodes(spoil: Spoil) -> None:
    begun = time.perf_counter()
    got = read(spoil(lambda root: chain(root, 20_000)))
    assert len(got.model.nodes) == 20_000
    assert time.perf_counter() - begun < 10  # once it was quadratic: minutes


def test_meshes_outside_of_the_scene(spoil: Spoil) -> None:
    got = read(spoil(lambda root: root["scenes"].__setitem__(0, {"nodes": [1]})))
    assert [node.mesh for node in got.model.nodes] == [None, None, None, None, 1]
    assert got.notes == ("1 mesh outside of the scene left out",)


def test_normals_and_weights_are_mended(spoil: Spoil) -> None:
    def change(root: Json) -> None:
        attributes = face(root)["attributes"]
        normals = np.zeros((64, 3), "<f4")
        normals[1] = 0, 3, 4
        weights = np.zeros((64, 4), "<f4")
        weights[1] = 2, 0.5, 0, 0
        attributes["NORMAL"] = raw(
            root, normals.tobytes(), componentType=5126, count=64, type="VEC3"
        )
        attributes["WEIGHTS_0"] = raw(
            root, weights.tobytes(), componentType=5126, count=64, type="VEC4"
        )

    primitive = read(spoil(change)).model.meshes[0].primitives[0]
    assert primitive.normals is not None
    assert primitive.weights is not None
    np.testing.assert_allclose(primitive.normals[:2], [[0, 0, 1], [0, 0.6, 0.8]], atol=1e-6)
    np.testing.assert_allclose(primitive.weights[:2], [[1, 0, 0, 0], [2 / 3, 1 / 3, 0, 0]])


def test_gigantic_and_broken_textures(tmp_path: Path, model: Model, split: Any) -> None:
    root, blob = split(encode(model))
    root["buffers"][0]["uri"] = "a.bin"
    (tmp_path / "a.bin").write_bytes(blob)

    def notes(data: bytes | None) -> tuple[tuple[str, ...], np.ndarray | None]:
        root["images"][0] = {"uri": "a.png", "name": "skin"}
        if data is not None:
            (tmp_path / "a.png").write_bytes(data)
        (tmp_path / "a.gltf").write_text(json.dumps(root))
        got = read(tmp_path / "a.gltf")
        return got.notes, got.model.materials[1].texture

    with pytest.raises(InputError, match="put it beside"):
        notes(None)
    Image.new("L", (3 * LARGEST_TEXTURE, 30), 7).save(tmp_path / "a.png")
    said, texture = notes(None)
    assert "was made 2048x10" in said[0]
    assert texture is not None
    assert texture.shape == (10, LARGEST_TEXTURE, 4)
    whole = (tmp_path / "a.png").read_bytes()
    for data in (b"", b"GIF89a", whole[:60], whole[:-40]):
        said, texture = notes(data)
        assert texture is None, len(data)
        assert "cannot be decoded" in said[0]
    # A picture that says it is gigantic is not unpacked.
    for size in (13_000, 40_000):
        said, texture = notes(whole[:16] + struct.pack(">II", size, size) + whole[24:])
        assert texture is None
        assert "150 megapixels" in said[0] or "decoded" in said[0]


@pytest.mark.parametrize("turn", [0, 1.5])
def test_textures_that_are_moved_are_moved_in_the_mesh(
    spoil: Spoil, model: Model, turn: float
) -> None:
    def change(root: Json) -> None:
        moved = {"scale": [0.5, 2], "offset": [0.25, 0], "rotation": turn}
        texture = root["materials"][1]["pbrMetallicRoughness"]["baseColorTexture"]
        texture["extensions"] = {"KHR_texture_transform": moved}

    got = read(spoil(change))
    before = model.meshes[0].primitives[0].uv
    assert before is not None
    np.testing.assert_allclose(got.model.meshes[0].primitives[0].uv, before * [0.5, 2] + [0.25, 0])
    assert got.notes == (
        ("the texture of materials[1] is not turned as it should be",) if turn else ()
    )


def test_the_second_texture_coordinates(spoil: Spoil) -> None:
    def change(root: Json) -> None:
        root["materials"][1]["pbrMetallicRoughness"]["baseColorTexture"]["texCoord"] = 1
        face(root)["attributes"]["TEXCOORD_1"] = raw(
            root, bytes(64 * 2), componentType=5121, count=64, type="VEC2", normalized=True
        )

    assert not read(spoil(change)).model.meshes[0].primitives[0].uv.any()


@pytest.mark.parametrize("how", ["alike", "otherwise", "lost"])
def test_roughness_and_metal_of_a_texture(spoil: Spoil, model: Model, how: str) -> None:
    """The factors are 1 where a file does not say; with a texture that does not mean metal."""

    def change(root: Json) -> None:
        look = root["materials"][2]["pbrMetallicRoughness"]
        look["metallicFactor"], look["roughnessFactor"] = 0.5, 1.0
        if how == "otherwise":
            look["metallicRoughnessTexture"]["texCoord"] = 1
            look["baseColorTexture"] = root["materials"][1]["pbrMetallicRoughness"][
                "baseColorTexture"
            ]
        elif how == "lost":
            index = look["metallicRoughnessTexture"]["index"]
            root["textures"][index] = {"extensions": {"KHR_texture_basisu": {"source": 0}}}

    got = read(spoil(change))
    look = got.model.materials[2]
    wanted = model.materials[2].surface_texture
    assert wanted is not None
    if how == "alike":
        np.testing.assert_array_equal(look.surface_texture, wanted)
        assert (look.roughness, look.metallic, got.notes) == (1.0, 0.5, ())
        return
    assert look.surface_texture is None
    _, green, blue = wanted.reshape(-1, 3).mean(axis=0) / 255
    made = (green, blue / 2) if how == "otherwise" else (1.0, 0.0)
    assert (look.roughness, look.metallic) == pytest.approx(made)
    assert any("are the means of" in n or "is left out" in n for n in got.notes)


def test_a_texture_of_an_unknown_kind(spoil: Spoil) -> None:
    def change(root: Json) -> None:
        root["textures"][0] = {"extensions": {"KHR_texture_basisu": {"source": 0}}}

    assert "KHR_texture_basisu" in read(spoil(change)).notes[0]


@given(data=st.data())
def test_whatever_is_damaged_is_refused_or_read(
    data: st.DataObject, model: Model, tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole = bytearray(encode(model))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)) | st.none())
    path = tmp_path_factory.getbasetemp() / "fuzz.glb"
    path.write_bytes(bytes(whole[:cut]))
    try:
        read(path)
    except InputError as error:
        assert str(error).startswith("fuzz.glb: ")  # noqa: PT017


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 300) | st.floats(allow_nan=False,
    allow_infinity=False) | st.sampled_from(["", "VEC3", "data:,x", "head", "a" * 50]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(["node", "index", "count", "name"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@given(data=st.data())
def test_whatever_its_json_says_is_refused_or_read(
    data: st.DataObject,
    model: Model,
    split: Any,
    join: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    root, blob = split(encode(model))
    root["extensions"] = {
        "VRMC_vrm": {
            "humanoid": {"humanBones": {"head": {"node": 2}}},
            "expressions": {
                "preset": {"aa": {"morphTargetBinds": [{"node": 3, "index": 0, "weight": 1}]}}
            },
            "lookAt": {"type": "bone", "rangeMapVerticalUp": {"inputMaxValue": 90}},
            "meta": {"name": "a", "authors": ["b"]},
        }
    }
    for _ in range(data.draw(st.integers(1, 3))):
        place: Any = root
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = data.draw(st.sampled_from(keys))
            inner = place[key]
            if not isinstance(inner, dict | list) or not inner or data.draw(st.integers(0, 5)) == 0:
                place[key] = data.draw(JUNK)
                break
            place = inner
    path = tmp_path_factory.getbasetemp() / "junk.glb"
    path.write_bytes(join(root, blob))
    try:
        read(path)
    except InputError as error:
        assert str(error).startswith("junk.glb: ")  # noqa: PT017
