"""Streams switched in a real Chromium: its fake camera drives programs that the test plays."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import pytest
from playwright.sync_api import Page, expect

from mien.streams import livelink

from .conftest import Open, Server
from .looks import inspector, open_in
from .test_studio import HIDE, wait_for

pytestmark = pytest.mark.browser

APPLY = b"/VMC/Ext/Blend/Apply"
WEIGHT = b"/VMC/Ext/Blend/Val"


class Program:
    """A program that listens, as VSeeFace or Unreal do."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"

    def next(self, seconds: float = 30) -> bytes | None:
        """A packet, or None when none comes."""
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(65_536)
        except TimeoutError:
            return None

    def falls_silent(self, patience: float = 30) -> bool:
        """Whether a second passes without a packet before long."""
        end = monotonic() + patience
        while monotonic() < end:
            if self.next(1) is None:
                return True
        return False

    def drain(self) -> None:
        while self.next(1e-6) is not None:
            pass


@pytest.fixture
def program() -> Iterator[Callable[[], Program]]:
    opened: list[Program] = []

    def make() -> Program:
        opened.append(Program())
        return opened[-1]

    yield make
    for each in opened:
        each.socket.close()


def use_camera(page: Page) -> None:
    page.get_by_test_id("use-camera").click()
    wait_for(page, "d.source === 'camera' && d.faces === '1'")


def test_a_camera_drives_a_program_until_it_is_switched_off(
    open_page: Open, portrait_camera: Path, program: Callable[[], Program]
) -> None:
    avatar = program()
    page = open_page(portrait_camera)
    use_camera(page)
    light = page.get_by_test_id("streaming")
    expect(light).to_have_accessible_name("Streams: off")
    light.click()
    expect(page.get_by_test_id("tab-streams")).to_have_attribute("aria-selected", "true")
    switch, status = page.get_by_test_id("stream-vmc"), page.get_by_test_id("stream-vmc-status")
    address = page.get_by_test_id("stream-vmc-address")
    expect(address).to_have_value("127.0.0.1:39539")
    expect(switch).to_have_accessible_name("VMC")
    expect(switch).to_have_accessible_description("Off")
    address.fill(avatar.address)
    address.press("Enter")
    switch.press("Space")
    expect(switch).to_be_checked()
    expect(light).to_have_accessible_name("Streams: on")
    packets = b""
    while APPLY not in packets:
        packet = avatar.next()
        assert packet is not None, "nothing came"
        packets += packet
    assert packets.count(WEIGHT) >= 52
    expect(status).to_have_text(re.compile(r"^\d+ packets/s$"))
    expect(page.get_by_test_id("stream-latency")).to_have_text(re.compile(r"\d+ ms"))

    # Frames go on while nobody looks at the page.
    page.evaluate(HIDE, True)
    avatar.drain()
    assert avatar.next()
    before = int(page.locator("html").get_attribute("data-answers") or 0)
    wait_for(page, f"Number(d.answers) > {before + 5}")
    page.evaluate(HIDE, False)

    switch.press("Space")
    expect(light).to_have_accessible_name("Streams: off")
    expect(status).to_have_text("Off")
    assert avatar.falls_silent(), "packets go on"

    page.reload()
    page.get_by_test_id("streaming").click()
    expect(address).to_have_value(avatar.address)
    expect(switch).not_to_be_checked()


def test_two_programs_and_a_new_session(
    open_page: Open, server: Server, portrait_camera: Path, program: Callable[[], Program]
) -> None:
    avatar, unreal = program(), program()
    page = open_page(portrait_camera, expected=("WebSocket", "Failed to load resource"))
    page.get_by_test_id("tab-streams").click()
    for kind, to in (("vmc", avatar), ("livelink", unreal)):
        page.get_by_test_id(f"stream-{kind}-address").fill(to.address)
        page.get_by_test_id(f"stream-{kind}").click()
    page.get_by_test_id("stream-subject").fill("Ada")
    status = page.get_by_test_id("stream-livelink-status")
    expect(status).to_have_text("Waiting for a camera or a video")
    use_camera(page)
    assert avatar.next()
    packet = unreal.next()
    assert packet is not None
    assert livelink.decode(packet).subject == "Ada"
    server.stop()
    expect(status).to_have_text("Waiting for the server")
    server.start()
    expect(status).to_have_text(re.compile(r"^\d+ packets/s$"), timeout=60_000)


def test_what_is_wrong_is_told(
    open_page: Open, portrait_camera: Path, program: Callable[[], Program]
) -> None:
    gone = program()
    gone.socket.close()
    page = open_page(portrait_camera)
    use_camera(page)
    page.get_by_test_id("tab-streams").click()
    page.get_by_test_id("stream-vmc-address").fill(gone.address)
    page.get_by_test_id("stream-vmc").click()
    status = page.get_by_test_id("stream-vmc-status")
    expect(status).to_have_text(f"Nobody is listening at {gone.address}")
    page.get_by_test_id("stream-livelink-address").fill("8.8.8.8")
    page.get_by_test_id("stream-livelink").click()
    expect(page.get_by_test_id("stream-livelink-status")).to_contain_text("outside of the networks")
    expect(page.get_by_test_id("stream-livelink")).not_to_be_checked()
    expect(page.get_by_role("status").filter(has_text="outside")).to_have_count(1)


def test_nothing_stands_in_the_way_of_anybody(
    open_page: Open, portrait_camera: Path, axe: str
) -> None:
    page = open_in(open_page, portrait_camera)
    page.get_by_test_id("streaming").click()
    page.get_by_test_id("stream-vmc").click()
    expect(page.get_by_test_id("stream-vmc")).to_be_in_viewport()
    page.get_by_test_id("stream-livelink-address").fill("8.8.8.8")
    page.get_by_test_id("stream-livelink").click()
    expect(page.get_by_test_id("stream-livelink-status")).to_contain_text("outside of the networks")
    inspector(page, axe)("streams")
