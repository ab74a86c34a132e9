"""Private mode in a real Chromium: faces are found in the page, and no picture leaves it."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request, WebSocket, expect

from mien.server import wire

from .conftest import Open, Server
from .looks import inspector, open_in
from .test_studio import state, wait_for

pytestmark = pytest.mark.browser

# A header, and one face.
LARGEST = 32 + 478 * 3 * 4
RUNNING = "d.finder === 'running'"


def pull(server: Server, shared: Path) -> None:
    model = shared / "models" / "face_landmarker.task"
    if not model.exists():
        pytest.skip(f"the Face Landmarker is absent ({model})")
    command = [sys.executable, "-m", "mien", "pull", "face_landmarker", "--from", str(model)]
    subprocess.run(command, check=True, env={**os.environ, "MIEN_HOME": str(server.home)})


class Leaving:
    """All that leaves a page from its next load on; sockets are followed from their beginning."""

    def __init__(self, page: Page) -> None:
        self.frames: list[bytes] = []
        self.texts: list[str] = []
        self.requests: list[tuple[str, str, int]] = []
        page.on("websocket", self._follow)
        page.on("request", self._note)

    def _follow(self, socket: WebSocket) -> None:
        def sent(data: bytes | str) -> None:
            if isinstance(data, bytes):
                self.frames.append(data)
            else:
                self.texts.append(data)

        socket.on("framesent", sent)

    def _note(self, request: Request) -> None:
        size = len(request.post_data_buffer or b"")
        self.requests.append((request.method, request.url, size))

    def check(self, server: Server) -> None:
        """Nothing of it is a picture, and nothing of it goes elsewhere."""
        for frame in self.frames:
            assert len(frame) <= LARGEST
            _, _, encoding, *_ = struct.unpack_from("<IIII", frame)
            assert encoding == wire.Encoding.LANDMARKS
        kinds = {json.loads(text)["type"] for text in self.texts}
        assert kinds <= {"configure", "reset", "calibrate", "stream"}
        assert max(map(len, self.texts), default=0) < 1000
        for method, url, size in self.requests:
            where = urlsplit(url)
            # A blob is the page's own memory.
            assert where.scheme == "blob" or url.startswith(server.url), url
            assert (method, size) == ("GET", 0), url


def switch(page: Page) -> None:
    page.get_by_test_id("source-menu").click()
    page.get_by_test_id("private").click()


@pytest.fixture
def private_page(open_page: Open, server: Server, shared: Path, portrait_camera: Path) -> Page:
    """A page that is private, with the sample in it."""
    pull(server, shared)
    page = open_page(portrait_camera)
    wait_for(page, "d.connection === 'ready' && d.faces === '1'")
    switch(page)
    wait_for(page, f"{RUNNING} && d.source === 'sample' && d.phase === 'running'", 120_000)
    return page


@pytest.mark.shared
def test_a_missing_model_is_told_and_waited_for(
    open_page: Open, server: Server, shared: Path
) -> None:
    page = open_page(expected=("Failed to load resource",))
    wait_for(page, "d.faces === '1'")
    switch(page)
    notice = page.get_by_test_id("notice")
    expect(notice).to_have_attribute("data-notice", "private-missing")
    expect(notice).to_contain_text("mien pull face_landmarker")
    expect(page.get_by_test_id("notice-action")).to_have_text("Copy the command")
    expect(page.get_by_test_id("private-badge")).to_have_count(0)
    pull(server, shared)
    wait_for(page, f"{RUNNING} && d.phase === 'running' && d.faces === '1'", 120_000)
    expect(notice).to_have_count(0)


@pytest.mark.shared
def test_no_picture_leaves_the_page(private_page: Page, server: Server) -> None:
    page = private_page
    leaving = Leaving(page)
    # It is remembered, so that from its first moment on the page sends no picture.
    page.reload()
    wait_for(page, f"{RUNNING} && d.source === 'sample' && d.faces === '1'", 120_000)
    expect(page.get_by_test_id("privacy")).to_have_text("Pictures stay in this page.")
    page.get_by_test_id("use-camera").click()
    wait_for(page, "d.source === 'camera' && d.faces === '1' && Number(d.answers) > 30", 120_000)
    expect(page.get_by_test_id("private-badge")).to_be_visible()
    leaving.check(server)
    assert len(leaving.frames) > 30
    assert any(url.startswith(server.url + "models/") for _, url, _ in leaving.requests)
    # Faces are seen in most of what was sent, and the preview has its pictures.
    assert sum(len(frame) == LARGEST for frame in leaving.frames) > 25
    expect(page.get_by_test_id("preview")).to_be_visible()


@pytest.mark.shared
def test_the_mouth_opens_and_closes_with_the_clip(
    open_page: Open, server: Server, shared: Path, talking_camera: Path
) -> None:
    pull(server, shared)
    page = open_page(talking_camera)
    wait_for(page, "d.connection === 'ready' && d.faces === '1'")
    switch(page)
    wait_for(page, RUNNING, 120_000)
    page.get_by_test_id("use-camera").click()
    for condition in ("open", "closed", "open"):
        wait_for(page, f"d.source === 'camera' && d.mouth === '{condition}'", 120_000)
    page.get_by_role("tab", name="Session").click()
    expect(page.get_by_test_id("fact-landmarks")).to_have_text("facelandmarker")
    expect(page.get_by_test_id("fact-frames")).to_have_text("nobody: points do")


@pytest.mark.shared
def test_photos_stay_too(private_page: Page, server: Server, portrait_path: Path) -> None:
    page = private_page
    leaving = Leaving(page)
    page.reload()
    wait_for(page, f"{RUNNING} && d.source === 'sample' && d.faces === '1'", 120_000)
    before = int(state(page, "answers"))
    page.get_by_test_id("file-input").set_input_files(portrait_path)
    wait_for(page, f"d.source === 'photo' && d.faces === '1' && Number(d.answers) > {before}")
    leaving.check(server)
    assert [len(frame) for frame in leaving.frames] == [LARGEST, LARGEST], "sample and photo"


@pytest.mark.shared
def test_switched_off_the_server_looks_again(private_page: Page, server: Server) -> None:
    page = private_page
    leaving = Leaving(page)
    page.reload()
    wait_for(page, RUNNING, 120_000)
    page.get_by_test_id("use-camera").click()
    wait_for(page, "d.source === 'camera' && d.faces === '1' && Number(d.answers) > 5", 120_000)
    leaving.check(server)
    switch(page)
    wait_for(page, "d.finder === 'off'")
    before = int(state(page, "answers"))
    wait_for(page, f"d.faces === '1' && Number(d.answers) > {before + 5}", 120_000)
    page.get_by_role("tab", name="Session").click()
    expect(page.get_by_test_id("fact-landmarks")).to_have_text("facemesh")
    with pytest.raises(AssertionError):
        leaving.check(server)


@pytest.mark.shared
def test_a_page_that_cannot_find_faces_asks_before_it_sends_pictures(
    open_page: Open, server: Server, shared: Path, portrait_camera: Path
) -> None:
    pull(server, shared)
    page = open_page(portrait_camera, expected=("Failed to load resource", "net::ERR"))
    wait_for(page, "d.connection === 'ready' && d.faces === '1'")
    page.route("**/*.wasm", lambda route: route.abort())
    switch(page)
    leaving = Leaving(page)
    page.reload()
    notice = page.get_by_test_id("notice")
    expect(notice).to_have_attribute("data-notice", "private-failed", timeout=120_000)
    page.get_by_test_id("use-camera").click()
    wait_for(page, "d.source === 'camera' && d.phase === 'running'")
    expect(notice).to_contain_text("No picture has left it")
    leaving.check(server)
    page.get_by_test_id("notice-action").click()
    wait_for(page, "d.finder === 'off' && d.faces === '1' && d.sight === 'face'", 120_000)


@pytest.mark.shared
def test_everybody_can_reach_the_switch(
    open_page: Open, server: Server, shared: Path, axe: str
) -> None:
    pull(server, shared)
    page = open_in(open_page)
    inspect = inspector(page, axe)
    wait_for(page, "d.connection === 'ready' && d.faces === '1'")
    menu = page.get_by_test_id("source-menu")
    menu.press("Enter")
    item = page.get_by_test_id("private")
    page.keyboard.press("ArrowUp")
    expect(item).to_be_focused()
    expect(item).to_have_attribute("aria-checked", "false")
    inspect("menu")
    item.press("Enter")
    wait_for(page, RUNNING, 120_000)
    expect(page.get_by_test_id("private-badge")).to_be_in_viewport(ratio=1)
    menu.click()
    expect(item).to_have_attribute("aria-checked", "true")
    inspect("private")
