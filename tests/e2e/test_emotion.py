"""The emotions in a real Chromium: seven bars, a strip on the timeline, what is said of them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page, Playwright, expect

from mien.channels import EMOTIONS

from .conftest import RATE, Open, Server, write_camera
from .looks import LOOKS, PHONE, inspector, open_in, put
from .test_private import pull, switch
from .test_studio import wait_for

pytestmark = pytest.mark.browser

LIVE = "d.source === 'camera' && d.faces === '1' && d.looks !== 'none'"


@pytest.fixture(scope="session")
def smiling_camera(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A person who looks happy, then surprised, each for two seconds."""
    images = []
    for name in ("happy", "surprised"):
        picture = cv2.cvtColor(
            cv2.imread(str(shared / "media" / "stills" / f"{name}.jpg")), cv2.COLOR_BGR2RGB
        )
        height, width = picture.shape[:2]
        scale = min(640 / width, 480 / height)
        sized = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        down, across = 480 - sized.shape[0], 640 - sized.shape[1]
        sides = (down // 2, down - down // 2, across // 2, across - across // 2)
        images += [cv2.copyMakeBorder(sized, *sides, cv2.BORDER_REPLICATE)] * 2 * RATE
    return write_camera(tmp_path_factory.mktemp("camera") / "smiling.y4m", images)


def watch(page: Page) -> None:
    page.get_by_test_id("use-camera").click()
    wait_for(page, LIVE, 60_000)
    page.get_by_test_id("tab-emotion").click()


def shares(page: Page) -> list[float]:
    texts = page.get_by_test_id("emotion-bars").locator("[data-share]").all_inner_texts()
    return [float(text.removesuffix(" %")) for text in texts]


def test_the_tab_names_what_the_face_shows(open_page: Open, portrait_camera: Path) -> None:
    page = open_page(portrait_camera)
    watch(page)
    bars = page.get_by_test_id("emotion-bars")
    expect(bars.get_by_role("meter")).to_have_count(len(EMOTIONS))
    expect(page.get_by_test_id("looks")).not_to_have_attribute("data-looks", "none")
    expect(bars.locator("[data-leads]")).to_have_count(1)
    page.wait_for_function(
        "() => document.querySelector('[data-leads] [data-emotion]')?.dataset.emotion"
        " === document.querySelector('[data-testid=looks]').dataset.looks"
    )
    # Bars ease one after the other, and each share is rounded.
    assert sum(shares(page)) == pytest.approx(100, abs=8)
    expect(page.get_by_test_id("emotion-caution")).to_contain_text("A face is not a feeling")
    expect(page.get_by_test_id("emotion-silence")).to_have_count(0)
    page.get_by_test_id("emotion-reader").locator("summary").click()
    expect(page.get_by_test_id("emotion-reader")).to_contain_text("PublicTest")
    page.get_by_test_id("tab-session").click()
    expect(page.get_by_test_id("fact-emotions")).to_have_text("emotion")


def test_a_photo_that_cannot_be_looked_at_does_not_keep_the_words_of_another(
    open_page: Open, portrait_path: Path
) -> None:
    page = open_page(expected=("Failed to load resource", "503"))
    wait_for(page, "d.faces === '1'", 60_000)
    page.get_by_test_id("tab-emotion").click()
    looks = page.get_by_test_id("looks")
    expect(looks).not_to_have_attribute("data-looks", "none")
    problem = {"error": {"code": "sessions_full", "message": "too many wait", "hint": "try later"}}
    page.route("**/infer*", lambda route: route.fulfill(status=503, json=problem))
    page.get_by_test_id("file-input").set_input_files(portrait_path)
    expect(looks).to_have_attribute("data-looks", "none")
    wait_for(page, "d.faces === '0'")


def test_without_a_face_nothing_is_said(open_page: Open, empty_camera: Path) -> None:
    page = open_page(empty_camera)
    page.get_by_test_id("use-camera").click()
    wait_for(page, "d.source === 'camera' && d.sight === 'none'")
    page.get_by_test_id("tab-emotion").click()
    expect(page.get_by_test_id("looks")).to_have_text("no face")
    expect(page.get_by_test_id("looks-share")).to_be_empty()


@pytest.mark.shared
def test_a_take_has_a_strip_and_columns(
    open_page: Open, smiling_camera: Path, tmp_path: Path
) -> None:
    page = open_page(smiling_camera)
    watch(page)
    looks = page.get_by_test_id("looks")
    for name in ("happy", "surprise"):
        expect(looks).to_have_attribute("data-looks", name)
    page.get_by_test_id("record").click()
    for name in ("happy", "surprise"):
        expect(looks).to_have_attribute("data-looks", name)
    page.get_by_test_id("record").click()
    strip = page.get_by_test_id("emotion-strip")
    expect(strip).to_be_visible()
    expect(strip).to_have_attribute("aria-label", re.compile(r"over time: \w+ \d+ %"))
    for name in ("happy", "surprise"):
        assert strip.locator(f"[data-emotion={name}]").count() > 0
    page.get_by_test_id("export-menu").click()
    with page.expect_download() as download:
        page.get_by_test_id("download-csv").click()
    download.value.save_as(tmp_path / "take.csv")
    table = pd.read_csv(tmp_path / "take.csv")
    told = table[[f"emotion_{name}" for name in EMOTIONS]].dropna()
    np.testing.assert_allclose(told.sum(axis=1), 1, atol=1e-3)
    assert {"emotion_happy", "emotion_surprise"} <= set(told.idxmax(axis=1))


@pytest.fixture
def server_that_looks_at_pictures(
    playwright: Playwright, tmp_path: Path, make_head: object, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Server]:
    """A server whose head of emotions wants the picture."""
    path = make_head("looker", output="emotion", inputs=("image",))  # type: ignore[operator]
    monkeypatch.setitem(os.environ, "MIEN_EMOTION", str(path))
    running = Server(tmp_path / "home")
    running.start()
    yield running
    running.stop()


@pytest.mark.shared
def test_where_pictures_stay_in_the_page_landmarks_must_do(
    open_page: Open,
    server: Server,
    server_that_looks_at_pictures: Server,
    shared: Path,
    portrait_camera: Path,
) -> None:
    pull(server_that_looks_at_pictures, shared)
    page = open_page(portrait_camera)
    page.goto(page.url.replace(server.url, server_that_looks_at_pictures.url))
    watch(page)
    expect(page.get_by_test_id("emotion-silence")).to_have_count(0)
    switch(page)
    wait_for(page, "d.finder === 'running'", 120_000)
    silence = page.get_by_test_id("emotion-silence")
    expect(silence).to_contain_text("in private mode pictures stay in this page")
    wait_for(page, "d.faces === '1' && d.looks === 'none'", 60_000)
    expect(page.get_by_test_id("looks")).to_have_text("not read")


def test_everybody_can_read_it(open_page: Open, portrait_camera: Path, axe: str) -> None:
    page = open_in(open_page, portrait_camera)
    watch(page)
    tab = page.get_by_test_id("tab-emotion")
    for look in (*LOOKS[:3], PHONE):
        put(page, look)
        expect(tab).to_be_in_viewport(ratio=1)
    tab.press("ArrowLeft")
    expect(page.get_by_test_id("tab-expression")).to_be_focused()
    page.get_by_test_id("tab-expression").press("ArrowRight")
    expect(page.get_by_test_id("looks")).not_to_have_attribute("data-looks", "none")
    inspector(page, axe)("emotion")
