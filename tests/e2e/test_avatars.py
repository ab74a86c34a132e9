"""Avatars on the stage of the page, in a real Chromium."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from mien import gltf
from mien.channels import ARKIT_52
from mien.model import Mesh, Model, Node, Primitive, Target
from mien.render.particles import EFFECTS

from .conftest import Open
from .test_studio import stage_pixels, state, wait_for

pytestmark = pytest.mark.browser


def simple_head() -> Model:
    """A sheet on a head bone: jawOpen pulls it far down, one side of a smile far up."""
    corners = np.float32([[-0.1, 0, 0.1], [0.1, 0, 0.1], [0.1, 0.25, 0.1], [-0.1, 0.25, 0.1]])
    targets = (
        Target("jawOpen", np.array([0, 1]), np.float32([[0, -0.2, 0]] * 2)),
        Target("mouthSmile_L", np.array([2]), np.float32([[0, 0.2, 0]])),
    )
    sheet = Primitive(corners, np.array([[0, 1, 2], [0, 2, 3]]), targets=targets)
    nodes = (Node("neck"), Node("head", parent=0), Node("sheet", parent=1, mesh=0))
    return Model(nodes, (Mesh("sheet", (sheet,)),))


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    path = tmp_path / "my_sheet.glb"
    path.write_bytes(gltf.encode(simple_head()))
    return path


DROP = """([name, text]) => {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], name));
    for (const kind of ["dragover", "drop"])
        window.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true }));
}"""


def drop(page: Page, path: Path, name: str | None = None) -> None:
    """Drop a file on the page."""
    import base64

    page.evaluate(DROP, [name or path.name, base64.b64encode(path.read_bytes()).decode()])


def still_pixels(page: Page) -> np.ndarray:
    """The stage once nothing eases any more."""
    page.wait_for_timeout(1500)
    return stage_pixels(page)


def test_the_gallery_changes_who_is_on_the_stage_and_remembers(open_page: Open) -> None:
    page = open_page()
    wait_for(page, "d.faces === '1'")
    mask = still_pixels(page)
    page.get_by_test_id("avatar-menu").click()
    page.get_by_test_id("avatar-bust").click()
    wait_for(page, "d.avatar === 'bust'")
    expect(page.get_by_test_id("avatar-menu")).to_have_accessible_name("Avatar: Bust")
    bust = still_pixels(page)
    assert np.abs(bust - mask).mean() > 5
    page.keyboard.press("1")
    wait_for(page, "d.avatar === 'mask'")
    # The stage has the keys after a choice, and a ring around it that says so.
    inside = np.s_[8:-8, 8:-8]
    assert np.abs(still_pixels(page)[inside] - mask[inside]).mean() < 1
    page.keyboard.press("2")
    wait_for(page, "d.avatar === 'bust'")
    page.reload()
    wait_for(page, "d.avatar === 'bust'")


def test_a_dropped_avatar_is_worn_driven_by_hand_and_not_remembered(
    open_page: Open, sheet: Path
) -> None:
    page = open_page()
    wait_for(page, "d.faces === '1'")
    drop(page, sheet)
    wait_for(page, "d.avatar === 'file'")
    page.get_by_test_id("tab-rig").click()
    expect(page.get_by_test_id("rig-missing")).to_contain_text("50 of 52")
    page.get_by_test_id("face-doze").click()
    before = still_pixels(page)
    page.get_by_test_id("slide-jawOpen").fill("1")
    assert np.abs(still_pixels(page) - before).mean() > 1, "the slider moves nothing"
    expect(page.get_by_test_id("slide-mouthSmileLeft")).to_be_enabled()
    expect(page.get_by_test_id("slide-mouthSmileRight")).to_be_disabled()
    page.get_by_test_id("slide-jawOpen").press("Delete")
    page.get_by_test_id("rig-reset").click()
    expect(page.get_by_test_id("rig-reset")).to_be_disabled()
    page.get_by_test_id("avatar-menu").click()
    page.get_by_label("Take my sheet off the list").click()
    wait_for(page, "d.avatar === 'mask'")
    page.reload()
    wait_for(page, "d.faces === '1' && d.avatar === 'mask'")


def test_gains_are_kept(open_page: Open, sheet: Path) -> None:
    page = open_page()
    wait_for(page, "d.faces === '1'")
    for _ in range(2):
        page.get_by_test_id("avatar-input").set_input_files(sheet)
        wait_for(page, "d.avatar === 'file'")
        page.get_by_test_id("tab-rig").click()
        page.get_by_test_id("rig-gain").click()
        slider = page.get_by_test_id("slide-jawOpen")
        if _ == 0:
            slider.fill("1.5")
            page.reload()
            wait_for(page, "d.faces === '1'")
    expect(slider).to_have_value("1.5")


def broken(kind: str, sheet: Path) -> bytes:
    data = sheet.read_bytes()
    if kind == "cut":
        return data[: len(data) // 2]
    if kind == "words":
        return b"just words"
    length = struct.unpack_from("<I", data, 12)[0]
    told = json.loads(data[20 : 20 + length])
    told["extensionsRequired"] = ["KHR_draco_mesh_compression"]
    return json.dumps({**told, "buffers": []}).encode()


@pytest.mark.parametrize(
    ("kind", "why"), [("cut", "cut short"), ("words", "not a glTF"), ("draco", "Draco")]
)
def test_what_is_no_avatar_is_refused_with_a_sentence(
    open_page: Open, sheet: Path, kind: str, why: str
) -> None:
    page = open_page()
    wait_for(page, "d.faces === '1'")
    sheet.write_bytes(broken(kind, sheet))
    drop(page, sheet)
    expect(page.get_by_test_id("notice-text")).to_contain_text(why)
    expect(page.get_by_test_id("notice-text")).to_contain_text("my_sheet.glb cannot be used")
    assert state(page, "avatar") == "mask"
    page.get_by_test_id("notice-close").click()
    expect(page.get_by_test_id("notice")).to_have_count(0)
    page.get_by_test_id("avatar-menu").click()
    expect(page.get_by_test_id("avatar-file")).to_have_count(0)


def test_a_take_is_exported_with_the_avatar(
    open_page: Open, portrait_camera: Path, sheet: Path, tmp_path: Path
) -> None:
    page = open_page(portrait_camera)
    page.get_by_test_id("use-camera").click()
    wait_for(page, "d.source === 'camera' && d.faces === '1'")
    drop(page, sheet)
    wait_for(page, "d.avatar === 'file'")
    page.get_by_test_id("record").click()
    before = int(state(page, "answers"))
    wait_for(page, f"Number(d.answers) > {before + 10}")
    page.get_by_test_id("record").click()
    with page.expect_download() as download:
        page.get_by_test_id("export-menu").click()
        page.get_by_test_id("download-glb").click()
    made = tmp_path / "take.glb"
    download.value.save_as(made)
    import pygltflib

    motion = pygltflib.GLTF2().load(str(made)).animations[0]
    assert {(c.target.node, c.target.path) for c in motion.channels} == {
        (2, "weights"),
        (0, "rotation"),
        (1, "rotation"),
    }
    # What was there is there still, and the reader of the package takes it.
    assert gltf.read(made).model.meshes[0].targets == ("jawOpen", "mouthSmile_L")


def test_a_face_held_by_hand_gives_way_to_another_source(
    open_page: Open, clip: Path, portrait_path: Path
) -> None:
    page = open_page()
    wait_for(page, "d.connection === 'ready' && d.faces === '1'")
    page.keyboard.press("2")
    wait_for(page, "d.avatar === 'bust'")
    page.get_by_test_id("tab-rig").click()
    kiss, sign = page.get_by_test_id("face-kiss"), page.get_by_test_id("held")
    kiss.click()
    expect(sign).to_have_count(0)  # nobody is seen whom it would stand in for
    page.get_by_test_id("file-input").set_input_files(clip)
    wait_for(page, "d.source === 'video' && d.faces === '1'")
    expect(kiss).to_have_attribute("aria-pressed", "false")
    expect(page.get_by_test_id("rig-reset")).to_be_disabled()
    expect(sign).to_have_text("The face held by hand was let go")
    expect(sign).to_have_count(0)
    # Held while somebody is seen it is told on the stage, whatever the inspector shows.
    kiss.click()
    page.get_by_test_id("tab-pose").click()
    expect(sign).to_contain_text("Kiss, held by hand")
    page.get_by_test_id("held-release").click()
    expect(sign).to_have_count(0)
    page.get_by_test_id("tab-rig").click()
    expect(kiss).to_have_attribute("aria-pressed", "false")
    # The slider too, and for a photo.
    page.get_by_test_id("slide-jawOpen").fill("1")
    expect(sign).to_contain_text("Held by hand")
    page.get_by_test_id("file-input").set_input_files(portrait_path)
    wait_for(page, "d.source === 'photo' && d.phase === 'running'")
    expect(page.get_by_test_id("rig-reset")).to_be_disabled()


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("arkit52-visemes15.glb", None),
        ("vrm-no-expressions.vrm", "no expressions"),
        ("vrm0-simple-morph.vrm", "51 of 52"),
        ("vrm1-expressions.vrm", "of 52"),
        ("vrm1-binary-overrides.vrm", "of 52"),
        ("vrm1-debug-robot.vrm", "of 52"),
    ],
)
def test_real_avatars_are_worn(
    open_page: Open, shared: Path, name: str, missing: str | None
) -> None:
    page = open_page()
    warnings: list[str] = []
    page.on("console", lambda m: warnings.append(m.text) if m.type == "warning" else None)
    wait_for(page, "d.faces === '1'")
    page.get_by_test_id("avatar-input").set_input_files(shared / "avatars" / name)
    wait_for(page, "d.avatar === 'file'")
    assert not [text for text in warnings if "LookAt" in text]
    assert still_pixels(page).std() > 5, "the stage is empty"
    page.get_by_test_id("tab-rig").click()
    lacks = page.get_by_test_id("rig-missing")
    if missing is None:
        expect(lacks).to_have_count(0)
    else:
        expect(lacks).to_contain_text(missing)


@pytest.mark.shared
def test_a_capture_of_a_phone_plays_on_the_bust(open_page: Open, shared: Path) -> None:
    page = open_page()
    wait_for(page, "d.connection === 'ready' && d.faces === '1'")
    capture = shared / "captures" / "arkit-live-180.gesichter"
    page.get_by_test_id("file-input").set_input_files(capture)
    wait_for(page, "d.avatar === 'bust'")
    expect(page.get_by_test_id("timeline")).to_be_visible()
    page.get_by_test_id("play").click()
    moments = []
    for second in ("0.5", "2.5"):
        page.get_by_test_id("scrub").fill(second)
        moments.append(still_pixels(page))
    assert np.abs(moments[1] - moments[0]).mean() > 0.3, "the face does not move"


def test_background_light_and_effects_are_chosen_and_kept(open_page: Open) -> None:
    page = open_page(viewport={"width": 800, "height": 600})
    wait_for(page, "d.faces === '1'")
    page.get_by_test_id("scene-menu").click()
    effects = [page.get_by_test_id(f"effect-{name}") for name in EFFECTS]
    for effect in effects:
        expect(effect).to_have_attribute("aria-checked", "false")
    effects[0].click()
    effects[2].click()
    page.get_by_test_id("backdrop-key").click()
    page.get_by_test_id("light-evening").click()
    page.keyboard.press("Escape")
    corner = still_pixels(page)[5, 5]
    assert np.abs(corner - [0, 177, 64]).max() < 12, corner
    page.reload()
    wait_for(page, "d.faces === '1'")
    page.get_by_test_id("scene-menu").click()
    expect(page.get_by_test_id("backdrop-key")).to_have_attribute("aria-checked", "true")
    expect(page.get_by_test_id("light-evening")).to_have_attribute("aria-checked", "true")
    for effect, kept in zip(effects, ("true", "false", "true"), strict=True):
        expect(effect).to_have_attribute("aria-checked", kept)


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_effects_fly_where_they_are_wanted(open_page: Open, motion: str) -> None:
    page = open_page(reduced_motion=motion)
    wait_for(page, "d.connection === 'ready' && d.faces === '1'")
    page.keyboard.press("2")
    wait_for(page, "d.avatar === 'bust'")
    page.get_by_test_id("tab-rig").click()
    page.get_by_test_id("face-surprise").click()

    def restless() -> bool:
        """Whether pictures are drawn on and on of a face that does not move."""
        for _ in range(5):  # until the stage has turned to where the pointer went
            before = int(state(page, "drawn"))
            page.wait_for_timeout(1500)
            if int(state(page, "drawn")) == before:
                return False
        return True

    assert not restless()
    page.get_by_test_id("scene-menu").click()
    page.get_by_test_id("effect-sparkle").click()
    page.keyboard.press("Escape")
    assert restless() == (motion == "no-preference")
    page.get_by_test_id("face-kiss").click()
    assert not restless()


def test_all_channels_have_a_slider(open_page: Open) -> None:
    page = open_page()
    wait_for(page, "d.faces === '1'")
    page.get_by_test_id("tab-rig").click()
    page.get_by_test_id("rig-choose").click()
    wait_for(page, "d.avatar === 'bust'")
    for name in ARKIT_52:
        expect(page.get_by_test_id(f"slide-{name}")).to_be_enabled()
    expect(page.get_by_test_id("rig-missing")).to_have_count(0)
