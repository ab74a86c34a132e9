"""The guided calibration in a real Chromium: learnt, kept, used again, forgotten."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, Route, expect

from mien.channels import ARKIT_52
from mien.heads.geometric import CHANNELS

from .conftest import Open, Server, write_camera
from .looks import inspector, open_in
from .test_studio import HIDE, wait_for

pytestmark = pytest.mark.browser

# The course takes as many frames as it needs, however slowly they come.
COURSE = 240_000
LIVE = "d.source === 'camera' && d.faces === '1'"


@pytest.fixture(scope="session")
def two_camera(portrait: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The portrait and its mirror image, side by side."""
    half = cv2.resize(portrait, (320, 375))
    image = np.full((480, 640, 3), (120, 130, 140), np.uint8)
    image[50:425] = np.concatenate([half, half[:, ::-1]], axis=1)
    return write_camera(tmp_path_factory.mktemp("camera") / "two.y4m", [image] * 10)


def begin(page: Page, name: str) -> None:
    """From the first second to getting ready, without a mouse."""
    wait_for(page, "d.connection === 'ready' && d.faces === '1'")
    page.keyboard.press("c")
    page.get_by_test_id("person-name").fill(name)
    start = page.get_by_test_id("calibration-start")
    expect(start).to_have_text("Use my camera")
    start.press("Enter")
    wait_for(page, "d.source === 'camera' && d.phase === 'running'")
    expect(start).to_have_text("Start")
    start.press("Enter")
    expect(page.get_by_test_id("calibration")).to_have_attribute("data-step", "ready")


def step(page: Page, name: str) -> None:
    expect(page.get_by_test_id("calibration")).to_have_attribute("data-step", name, timeout=COURSE)


def test_a_calibration_is_learnt_kept_used_after_a_restart_and_forgotten(
    open_page: Open, server: Server, portrait_camera: Path
) -> None:
    page = open_page(portrait_camera, expected=("WebSocket", "Failed to load resource"))
    begin(page, "Ada L.")
    step(page, "faces")
    expect(page.get_by_test_id("calibration-say")).to_contain_text("relax your face")
    expect(page.get_by_test_id("calibration-voice")).to_contain_text("relax your face")
    step(page, "review")
    file = server.home / "people" / "Ada-L.json"
    assert not file.exists(), "kept before it was saved"
    # A portrait makes no faces when it is asked.
    expect(page.get_by_test_id("unseen")).to_contain_text("jaw open")
    expect(page.get_by_test_id("compare")).to_be_visible()
    brow = page.get_by_role("meter", name="Brows: down, left")
    expect(brow).to_have_attribute("aria-valuetext", re.compile(r"0\.\d\d without, 0\.\d\d with"))
    page.get_by_test_id("compare-without").click()
    expect(page.get_by_test_id("compare-without")).to_have_attribute("aria-checked", "true")
    page.get_by_test_id("calibration-save").click()
    expect(page.get_by_test_id("calibration-note")).to_contain_text("Saved")
    kept = json.loads(file.read_text())
    assert kept["name"] == "Ada L."
    assert kept["channels"]["browDownLeft"]["neutral"] > 0
    page.keyboard.press("Escape")
    person = page.get_by_test_id("person")
    expect(person).to_have_text("Ada L.")

    # The next session begins with whom the page remembers.
    server.stop()
    wait_for(page, "d.connection === 'lost'")
    expect(person).to_have_text("none")
    server.start()
    wait_for(page, "d.connection === 'ready'", 60_000)
    expect(person).to_have_text("Ada L.")
    page.reload()
    expect(person).to_have_text("Ada L.")

    page.get_by_test_id("calibrate-here").click()
    known = page.get_by_test_id("known-person")
    expect(known).to_have_count(1)
    expect(known.get_by_role("radio")).to_be_checked()
    page.get_by_label("Nobody in particular").check()
    expect(known.get_by_role("radio")).not_to_be_checked()
    assert file.exists(), "forgotten without being asked to"
    known.get_by_role("radio").check()
    page.get_by_test_id("forget").click()
    page.get_by_test_id("forget-not").click()
    assert file.exists(), "forgotten though it was kept"
    page.get_by_test_id("forget").click()
    page.get_by_test_id("forget-sure").click()
    expect(page.get_by_test_id("calibration-note")).to_contain_text("forgotten")
    expect(known).to_have_count(0)
    assert not file.exists()
    page.get_by_test_id("calibration-close").click()
    expect(person).to_have_text("none")


def test_an_empty_chair_and_a_missing_camera_are_waited_for(
    open_page: Open, empty_camera: Path
) -> None:
    page = open_page(empty_camera)
    begin(page, "Ada")
    wait = page.get_by_test_id("calibration-wait")
    expect(wait).to_have_attribute("data-hindrance", "nobody")
    expect(page.get_by_test_id("calibration-voice")).to_contain_text("No face is seen")
    expect(page.get_by_test_id("notice")).to_have_count(0)
    page.get_by_test_id("source-menu").click()
    page.get_by_test_id("source-sample").click()
    expect(wait).to_have_attribute("data-hindrance", "camera")
    page.get_by_test_id("calibration-camera").click()
    expect(wait).to_have_attribute("data-hindrance", "nobody")
    page.keyboard.press("Escape")
    step(page, "people")
    expect(page.get_by_test_id("calibration-note")).to_contain_text("Nothing was saved")


def test_two_faces_are_one_too_many(open_page: Open, two_camera: Path) -> None:
    page = open_page(two_camera)
    begin(page, "Ada")
    expect(page.get_by_test_id("calibration-wait")).to_contain_text("Two faces are seen")
    # One face is looked for otherwise.
    page.keyboard.press("Escape")
    step(page, "people")
    wait_for(page, "d.faces === '1'")


def test_a_connection_that_breaks_off_is_told_and_it_can_be_tried_again(
    open_page: Open, server: Server, portrait_camera: Path
) -> None:
    page = open_page(portrait_camera, expected=("WebSocket", "Failed to load resource"))
    begin(page, "Ada")
    step(page, "faces")
    server.stop()
    step(page, "failed")
    expect(page.get_by_test_id("calibration-problem")).to_contain_text("connection broke off")
    again = page.get_by_test_id("calibration-redo")
    expect(again).to_be_disabled()
    server.start()
    expect(again).to_have_text("Try again", timeout=60_000)
    again.click()
    step(page, "faces")
    page.get_by_test_id("calibration-cancel").click()
    step(page, "people")
    assert not (server.home / "people" / "Ada.json").exists()


def test_what_the_server_refuses_is_told(open_page: Open, portrait_camera: Path) -> None:
    page = open_page(portrait_camera)
    begin(page, "***")
    step(page, "failed")
    expect(page.get_by_test_id("calibration-problem")).to_contain_text("letters or digits")
    page.get_by_test_id("calibration-cancel").click()
    step(page, "people")


def test_nothing_stands_in_the_way_of_anybody(
    open_page: Open, portrait_camera: Path, axe: str
) -> None:
    page = open_in(open_page, portrait_camera)
    inspect = inspector(page, axe)
    begin(page, "Ada")
    inspect("ready")
    expect(page.get_by_test_id("calibration-cancel")).to_be_in_viewport()
    page.get_by_test_id("calibration-skip").wait_for(timeout=COURSE)
    page.evaluate(HIDE, True)  # no frames, and the course waits until it has been looked at
    inspect("faces")
    page.evaluate(HIDE, False)
    page.get_by_test_id("calibration-finish").press("Enter")
    step(page, "review")
    inspect("review")
    expect(page.get_by_test_id("calibration-save")).to_be_in_viewport()
    page.get_by_test_id("calibration-save").press("Enter")
    step(page, "people")
    inspect("people")
    page.get_by_test_id("forget").click()
    expect(page.get_by_test_id("forget-not")).to_be_focused()
    inspect("forget")


def read_by(coefficients: Sequence[float] | None, channels: Mapping[str, float]) -> object:
    """What `/infer` would answer with other heads."""

    def answer(route: Route) -> None:
        reply = route.fetch()
        body = reply.json()
        for face in body["faces"]:
            face["morphable"] = None if coefficients is None else list(coefficients)
            face["channels"] = {name: channels.get(name) for name in face["channels"]}
        route.fulfill(response=reply, json=body)

    return answer


def test_the_face_model_has_meters_about_zero(open_page: Open) -> None:
    page = open_page()
    wait_for(page, "d.faces === '1'")
    modes = page.locator("[data-mode]")
    unmeasured = page.get_by_test_id("meters").locator("[data-unmeasured]")

    def see_sample(answer: object) -> None:
        page.unroute("**/infer*")
        page.route("**/infer*", answer)  # type: ignore[arg-type]
        page.get_by_test_id("source-menu").click()
        page.get_by_test_id("source-sample").click()

    see_sample(read_by(None, dict.fromkeys(CHANNELS, 0.25)))
    expect(page.get_by_test_id("no-modes")).to_be_visible()
    expect(modes).to_have_count(0)
    expect(unmeasured).to_have_count(52 - len(CHANNELS))
    values = [1.59, -1.51, 0, 5.9, -2.1, 0, 0, 0, 0, 0]
    see_sample(read_by(values, dict.fromkeys(ARKIT_52, 0.25)))
    expect(modes).to_have_count(10)
    for mode, told in enumerate(("+1.0", "−1.0", "0.0", "+10.0", "−10.0")):
        expect(modes.nth(mode)).to_have_attribute("aria-valuetext", f"{told} standard deviations")
    expect(modes.nth(3)).to_have_attribute("aria-valuenow", "3.0")
    boxes = [modes.nth(i).locator("[data-bar]").bounding_box() for i in (0, 1)]
    assert boxes[0]
    assert boxes[1]
    assert boxes[1]["x"] + boxes[1]["width"] == pytest.approx(boxes[0]["x"], abs=1)
    expect(page.get_by_test_id("meters").locator("[data-channel]")).to_have_count(52)
    expect(unmeasured).to_have_count(0)
