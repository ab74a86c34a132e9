"""The studio in a real Chromium, state by state."""

from __future__ import annotations

import json
import re
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from .conftest import Open, Server
from .looks import LOOKS, inspector, open_in, put

pytestmark = pytest.mark.browser


# Waits until the browser has drawn so many pictures.
PICTURES = """(count) => new Promise((done) => {
    const next = () => count-- > 0 ? requestAnimationFrame(next) : done(true);
    next();
})"""
# A browser without windows hides no page; this is what it would tell one.
HIDE = """(hidden) => {
    const put = (name, value) =>
        Object.defineProperty(document, name, { configurable: true, get: () => value });
    put("hidden", hidden);
    put("visibilityState", hidden ? "hidden" : "visible");
    document.dispatchEvent(new Event("visibilitychange"));
}"""


def state(page: Page, name: str) -> str:
    return page.locator("html").get_attribute(f"data-{name}") or ""


def wait_for(page: Page, condition: str, timeout: float = 30_000) -> None:
    """Wait for a condition on ``d``, the data attributes of the page."""
    script = f"() => {{ const d = document.documentElement.dataset; return {condition}; }}"
    page.wait_for_function(script, timeout=timeout)


def stage_pixels(page: Page) -> np.ndarray:
    import io

    png = page.get_by_test_id("stage").screenshot()
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def test_the_first_second_shows_the_sample(open_page: Open) -> None:
    page = open_page()
    wait_for(page, "d.source === 'sample' && d.faces === '1'")
    expect(page.get_by_test_id("use-camera")).to_be_visible()
    expect(page.get_by_test_id("privacy")).to_contain_text("stay on this machine")
    pixels = stage_pixels(page)
    assert pixels.std() > 10, "the stage is empty"


def test_the_camera_drives_the_stage(open_page: Open, portrait_camera: Path) -> None:
    page = open_page(portrait_camera)
    page.get_by_test_id("use-camera").click()
    wait_for(page, "d.source === 'camera' && d.faces === '1' && Number(d.answers) > 30")
    first = stage_pixels(page)
    before = int(state(page, "answers"))
    wait_for(page, f"Number(d.answers) > {before + 20}")
    assert np.abs(stage_pixels(page) - first).mean() > 0.2, "the face does not move"
    expect(page.get_by_test_id("preview")).to_be_visible()


@pytest.mark.shared
def test_the_mouth_opens_and_closes_with_the_clip(open_page: Open, talking_camera: Path) -> None:
    page = open_page(talking_camera)
    page.get_by_test_id("use-camera").click()
    for condition in ("open", "closed", "open", "closed"):
        wait_for(page, f"d.mouth === '{condition}'")
    expect(page.get_by_test_id("mouth")).to_be_visible()


def test_meters_show_what_the_heads_read(open_page: Open, portrait_camera: Path) -> None:
    page = open_page(portrait_camera)
    page.get_by_test_id("use-camera").click()
    wait_for(page, "d.source === 'camera' && d.faces === '1'")
    meters = page.get_by_test_id("meters")
    expect(meters).to_contain_text("smile", ignore_case=True)
    expect(page.locator("[data-mode]")).to_have_count(10)
    assert page.get_by_role("meter").count() == 52 + 10
    expect(meters.locator("[data-unmeasured]")).to_have_count(0)
    measured = page.get_by_role("meter", name="blink").first
    expect(measured).to_have_attribute("aria-valuenow", re.compile(r"[01](\.\d+)?"))


def test_a_photo_can_be_opened(open_page: Open, portrait_path: Path) -> None:
    page = open_page()
    page.get_by_test_id("file-input").set_input_files(portrait_path)
    wait_for(page, "d.source === 'photo' && d.faces === '1'")


def test_a_photo_without_a_face_says_so(open_page: Open, tmp_path: Path) -> None:
    Image.new("RGB", (320, 240), (100, 120, 140)).save(tmp_path / "wall.png")
    page = open_page()
    page.get_by_test_id("file-input").set_input_files(tmp_path / "wall.png")
    wait_for(page, "d.source === 'photo' && d.faces === '0'")
    expect(page.get_by_test_id("notice-text")).to_contain_text("No face was found")


def test_a_file_that_is_no_picture_says_so(open_page: Open, tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("just words")
    page = open_page(expected=("Failed to load resource",))
    page.get_by_test_id("file-input").set_input_files(tmp_path / "notes.jpg")
    expect(page.get_by_test_id("notice-text")).to_contain_text("cannot read notes.jpg")
    expect(page.get_by_test_id("notice-action")).to_be_visible()


def test_a_video_can_be_opened_and_paused(open_page: Open, clip: Path) -> None:
    page = open_page()
    page.get_by_test_id("file-input").set_input_files(clip)
    wait_for(page, "d.source === 'video' && d.faces === '1' && Number(d.answers) > 20")
    expect(page.get_by_test_id("seek")).to_be_visible()
    page.get_by_test_id("play").click()
    expect(page.get_by_test_id("play")).to_have_accessible_name("Play")
    for position in ("0.2", "1.6"):
        page.get_by_test_id("seek").fill(position)
        before = int(state(page, "answers"))
        wait_for(page, f"Number(d.answers) > {before} && d.faces === '1'")


def test_an_empty_chair_asks_for_a_face(open_page: Open, empty_camera: Path) -> None:
    page = open_page(empty_camera)
    page.get_by_test_id("use-camera").click()
    expect(page.get_by_test_id("notice-text")).to_contain_text("No face yet")


def test_a_blocked_camera_says_how_to_allow_it(open_page: Open, portrait_camera: Path) -> None:
    page = open_page(portrait_camera, ask=True)
    # Headless Chromium answers the question that nobody sees with no.
    page.get_by_test_id("use-camera").click()
    expect(page.get_by_test_id("notice-text")).to_contain_text("blocked")
    expect(page.get_by_test_id("notice-action")).to_have_text("Try again")


def test_no_camera_offers_a_file(open_page: Open) -> None:
    page = open_page()
    page.get_by_test_id("use-camera").click()
    expect(page.get_by_test_id("notice-text")).to_contain_text("No camera was found")
    expect(page.get_by_test_id("notice-action")).to_be_visible()


def test_the_page_survives_a_restart_of_the_server(
    open_page: Open, server: Server, portrait_camera: Path
) -> None:
    page = open_page(portrait_camera, expected=("WebSocket", "Failed to load resource"))
    page.get_by_test_id("use-camera").click()
    wait_for(page, "d.source === 'camera' && d.faces === '1'")
    server.stop()
    wait_for(page, "d.connection === 'lost'")
    expect(page.get_by_test_id("notice-text")).to_contain_text("server is gone")
    expect(page.get_by_test_id("faces")).to_have_text("0 faces")
    server.start()
    wait_for(page, "d.connection === 'ready'", 60_000)
    before = int(state(page, "answers"))
    wait_for(page, f"Number(d.answers) > {before + 10} && d.faces === '1'")


def test_a_take_is_recorded_and_downloaded(
    open_page: Open, portrait_camera: Path, tmp_path: Path
) -> None:
    page = open_page(portrait_camera)
    page.get_by_test_id("use-camera").click()
    wait_for(page, "d.source === 'camera' && d.faces === '1'")
    page.get_by_test_id("record").click()
    wait_for(page, "d.recording === 'true'")
    before = int(state(page, "answers"))
    wait_for(page, f"Number(d.answers) > {before + 20}")
    page.keyboard.press("Space")
    wait_for(page, "d.recording === 'false'")
    expect(page.get_by_test_id("timeline")).to_be_visible()
    with page.expect_download() as download:
        page.keyboard.press("e")
        page.get_by_test_id("download-csv").click()
    expect(page.get_by_test_id("exported")).to_contain_text("Saved")
    download.value.save_as(tmp_path / "take.csv")
    table = pd.read_csv(tmp_path / "take.csv")
    assert len(table) > 10
    assert table["time"].is_monotonic_increasing
    assert table["jawOpen"].between(0, 1).all()
    with page.expect_download() as download:
        page.get_by_test_id("export-menu").click()
        page.get_by_test_id("download-json").click()
    download.value.save_as(tmp_path / "take.json")
    assert json.loads((tmp_path / "take.json").read_text())
    # Half of it, from the middle on.
    page.get_by_test_id("play").click()
    length = table["time"].iloc[-1]
    page.get_by_test_id("scrub").fill(f"{length / 2:.3f}")
    said = page.get_by_test_id("scrub").get_attribute("aria-valuetext") or ""
    assert re.fullmatch(r"0:\d\d\.\d of 0:\d\d\.\d", said), said
    page.get_by_test_id("timeline").press("[")
    with page.expect_download() as download:
        page.get_by_test_id("export-menu").click()
        page.get_by_test_id("download-csv").click()
    download.value.save_as(tmp_path / "half.csv")
    half = pd.read_csv(tmp_path / "half.csv")
    assert 0 < len(half) < len(table)
    assert half["time"].iloc[0] == 0
    # The mask is the person's own face, and has no motion to be taken along.
    page.get_by_test_id("export-menu").click()
    expect(page.get_by_test_id("download-glb")).to_be_disabled()


@pytest.mark.parametrize("mode", ["surface", "wireframe", "points"])
def test_three_ways_to_see_the_face(open_page: Open, mode: str) -> None:
    page = open_page()
    wait_for(page, "d.faces === '1'")
    page.get_by_test_id("avatar-menu").click()
    page.get_by_test_id(f"mode-{mode}").click()
    expect(page.get_by_test_id(f"mode-{mode}")).to_have_attribute("aria-checked", "true")
    page.keyboard.press("Escape")
    assert stage_pixels(page).std() > 3


def test_everything_is_reached_with_the_keyboard(open_page: Open) -> None:
    page = open_page()
    wait_for(page, "d.faces === '1'")
    reached = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement?.getAttribute('data-testid') ?? ''"))
    assert {
        "use-camera",
        "open-file",
        "source-menu",
        "avatar-menu",
        "scene-menu",
        "help",
        "theme",
        "stage",
        "status",
    } <= reached
    page.keyboard.press("?")
    expect(page.get_by_test_id("help-dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("help-dialog")).to_be_hidden()


def test_every_control_has_a_name(open_page: Open) -> None:
    page = open_page()
    wait_for(page, "d.faces === '1'")
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, a, [role=button]')]
            .filter((e) => e.checkVisibility() && !(e.getAttribute('aria-label') || e.title ||
                e.textContent.trim() || e.labels?.length))
            .map((e) => e.outerHTML)"""
    )
    assert nameless == []


def test_the_height_of_the_window_is_enough(open_page: Open) -> None:
    page = open_in(open_page)
    wait_for(page, "d.faces === '1'")
    for look in LOOKS:
        put(page, look)
        expect(page.get_by_test_id("use-camera")).to_be_in_viewport()
        for tab in ("streams", "session"):
            page.get_by_test_id(f"tab-{tab}").click()
            # Once it stands: on a busy machine it can be seen half laid out.
            page.wait_for_function(
                "(height) => document.documentElement.scrollHeight <= height", arg=look[0][1]
            )


def test_nothing_stands_in_the_way_of_anybody(
    open_page: Open, portrait_camera: Path, axe: str
) -> None:
    page = open_in(open_page, portrait_camera)
    inspect = inspector(page, axe)
    wait_for(page, "d.faces === '1'")
    inspect("sample")
    page.get_by_test_id("source-menu").click()
    inspect("menu")
    page.keyboard.press("Escape")
    for menu in ("avatar-menu", "scene-menu"):
        page.get_by_test_id(menu).click()
        inspect(menu)
        page.keyboard.press("Escape")
    page.get_by_test_id("use-camera").click()
    wait_for(page, "d.source === 'camera' && d.faces === '1'")
    page.keyboard.press("2")
    wait_for(page, "d.avatar === 'bust'")
    # On a phone the first of them pulls up the sheet.
    for tab in ("pose", "rig", "streams", "session", "expression"):
        page.get_by_test_id(f"tab-{tab}").click()
        inspect(tab)
    before = int(state(page, "answers"))
    page.get_by_test_id("record").click()
    wait_for(page, f"Number(d.answers) > {before + 5}")
    inspect("recording")
    page.get_by_test_id("record").click()
    expect(page.get_by_test_id("timeline")).to_be_visible()
    inspect("take")
    page.get_by_test_id("export-menu").click()
    inspect("export")
    page.keyboard.press("Escape")
    page.get_by_test_id("help").click()
    inspect("help")


@pytest.mark.shared
def test_the_lead_is_marked_and_can_be_chosen(open_page: Open, shared: Path) -> None:
    page = open_page()
    page.get_by_test_id("file-input").set_input_files(
        shared / "media" / "stills" / "group-bbt1.jpg"
    )
    wait_for(page, "d.source === 'photo' && d.faces === '4'")
    lead, choices = page.get_by_test_id("lead-plate"), page.get_by_test_id("choose-face")
    marked = page.get_by_role("status").filter(has_text=re.compile(r"^Face \d"))
    for number, choose in (
        ("1", lambda: choices.first.click()),
        ("2", lambda: page.keyboard.press("f")),
        ("1", lambda: page.keyboard.press("Shift+F")),
        ("4", lambda: page.keyboard.press("Shift+F")),
    ):
        choose()
        expect(lead).to_have_text(number)
        expect(marked).to_have_text(f"Face {number} of 4 drives the meters.")
        expect(choices.nth(int(number) - 1)).to_have_attribute("aria-checked", "true")
    # The plate stands below the face that bears it; a click on that face means it.
    choices.nth(1).click()
    expect(lead).to_have_text("2")
    page.mouse.move(0, 0)
    box = lead.bounding_box()
    assert box is not None
    choices.nth(3).click()
    expect(lead).to_have_text("4")
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] - 60)
    expect(lead).to_have_text("2")


def test_one_face_bears_no_number(open_page: Open) -> None:
    page = open_page()
    wait_for(page, "d.faces === '1'")
    expect(page.get_by_test_id("lead-plate")).to_have_count(0)


def test_a_hidden_page_sends_nothing_and_goes_on_when_shown(
    open_page: Open, portrait_camera: Path
) -> None:
    page = open_page(portrait_camera)
    page.get_by_test_id("use-camera").click()
    wait_for(page, "d.source === 'camera' && d.faces === '1' && Number(d.answers) > 5")
    page.evaluate(HIDE, True)
    # What was on its way is still answered; after that the page is silent.
    page.evaluate(PICTURES, 240)
    silent = state(page, "answers")
    page.evaluate(PICTURES, 120)
    assert state(page, "answers") == silent
    page.evaluate(HIDE, False)
    wait_for(page, f"Number(d.answers) > {int(silent) + 10} && d.faces === '1'")
    assert state(page, "connection") == "ready"
    assert state(page, "sight") == "face"


def turned_by_pointer(page: Page) -> float:
    """Mean change of the stage, of 255, when the pointer goes from the middle to a corner."""
    page.mouse.move(640, 400)
    page.evaluate(PICTURES, 90)
    before = stage_pixels(page)
    page.mouse.move(20, 100)
    page.evaluate(PICTURES, 90)
    return float(np.abs(stage_pixels(page) - before).mean())


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_less_motion_is_respected(open_page: Open, portrait_camera: Path, motion: str) -> None:
    page = open_page(portrait_camera, reduced_motion=motion)
    lively = motion == "no-preference"
    wait_for(page, "d.faces === '1'")
    assert (turned_by_pointer(page) > 1) == lively
    # A change of mind is followed while the page is open.
    page.emulate_media(reduced_motion="reduce" if lively else "no-preference")
    assert (turned_by_pointer(page) > 1) != lively
    page.emulate_media(reduced_motion=motion)

    page.get_by_test_id("use-camera").click()
    wait_for(page, "d.source === 'camera' && d.faces === '1'")
    page.get_by_test_id("record").click()
    expect(page.locator(".pulsing").first).to_have_css(
        "animation-name", "pulse" if lively else "none"
    )
    moves = page.get_by_test_id("inspector").evaluate("e => getComputedStyle(e).transitionProperty")
    assert ("height" in moves) == lively


def test_a_dark_room_asks_for_light(open_page: Open, dark_camera: Path) -> None:
    page = open_page(dark_camera)
    page.get_by_test_id("use-camera").click()
    expect(page.get_by_test_id("notice-text")).to_contain_text("too dark")


@pytest.mark.parametrize("how", ["mouse", "keys"])
def test_space_records_what_was_just_opened(open_page: Open, clip: Path, how: str) -> None:
    page = open_page()
    wait_for(page, "d.faces === '1'")
    menu = page.get_by_test_id("source-menu")
    with page.expect_file_chooser() as chooser:
        if how == "mouse":
            menu.click()
            page.get_by_test_id("source-file").click()
        else:
            menu.press("Enter")
            page.get_by_test_id("source-file").press("Enter")
    chooser.value.set_files(clip)
    wait_for(page, "d.source === 'video' && d.faces === '1' && Number(d.answers) > 2")
    expect(page.get_by_test_id("stage")).to_be_focused()
    page.keyboard.press("Space")
    wait_for(page, "d.recording === 'true'")
    page.keyboard.press("Space")
    wait_for(page, "d.recording === 'false'")
    assert state(page, "source") == "video"


def test_menus_are_walked_by_keys_and_left_where_they_were_opened(open_page: Open) -> None:
    page = open_page()
    wait_for(page, "d.connection === 'ready' && d.faces === '1'")
    menu = page.get_by_test_id("avatar-menu")
    menu.press("Enter")
    page.keyboard.press("End")
    last = page.locator("[role^=menuitem]:not(:disabled)").last
    expect(last).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_test_id("avatar-mask")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(last).to_be_focused()
    page.keyboard.press("Home")
    expect(page.get_by_test_id("avatar-mask")).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).to_be_focused()


def test_a_take_is_filmed(open_page: Open, portrait_camera: Path, tmp_path: Path) -> None:
    page = open_page(portrait_camera)
    page.get_by_test_id("use-camera").click()
    wait_for(page, "d.source === 'camera' && d.faces === '1'")
    page.get_by_test_id("record").click()
    before = int(state(page, "answers"))
    wait_for(page, f"Number(d.answers) > {before + 10}")
    page.get_by_test_id("record").click()
    page.get_by_test_id("export-menu").click()
    expect(page.get_by_test_id("download-webm")).to_be_enabled()
    offered = [name for name in ("mp4", "webm") if page.get_by_test_id(f"download-{name}").count()]
    records = page.evaluate("MediaRecorder.isTypeSupported('video/mp4;codecs=avc1.42E01E')")
    assert ("mp4" in offered) == records
    page.keyboard.press("Escape")
    for name in offered:
        page.get_by_test_id("export-menu").click()
        with page.expect_download() as download:
            page.get_by_test_id(f"download-{name}").click()
        film = tmp_path / f"take.{name}"
        download.value.save_as(film)
        assert download.value.suggested_filename.endswith(film.suffix)
        with av.open(str(film)) as container:
            assert name in container.format.name
            (stream,) = container.streams.video
            assert stream.codec_context.name == {"mp4": "h264", "webm": "vp9"}[name]
            pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        assert len(pictures) > 3
        assert min(picture.std() for picture in pictures) > 3, "the stage is empty"
