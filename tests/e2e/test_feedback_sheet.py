"""The sheet of corrections for everybody: narrow screens, no mouse, a reader of the screen.

How the page looks does not depend on the database; one is enough.
"""

from __future__ import annotations

import pytest

pytest.importorskip("sqlalchemy", reason="feedback: pip install 'mien[feedback]'")

from playwright.sync_api import expect

from .conftest import LOOKS, Open
from .test_feedback import SEEN
from .test_studio import AXE, wait_for

pytestmark = pytest.mark.browser


@LOOKS
def test_nothing_stands_in_the_way_of_anybody(
    open_page: Open, axe: str, size: tuple[int, int], scheme: str
) -> None:
    width, height = size
    page = open_page(viewport={"width": width, "height": height}, color_scheme=scheme)

    def inspect(what: str) -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= width, what
        small = page.evaluate(
            """() => [...document.querySelectorAll('button, label')]
                .filter((e) => e.checkVisibility())
                .map((e) => [e.getBoundingClientRect(), e.dataset.testid ?? e.textContent])
                .filter(([r]) => r.width && (r.height < 39 || r.width < 39))
                .map(([r, id]) => `${id}: ${r.width}x${r.height}`)"""
        )
        assert small == [], what
        page.evaluate(axe)
        assert page.evaluate(AXE) == [], what

    # Without a mouse.
    wait_for(page, SEEN, 60_000)
    page.get_by_test_id("tab-emotion").click()
    expect(page.get_by_test_id("looks")).not_to_have_attribute("data-looks", "none")
    page.get_by_test_id("feedback-open").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("feedback-words")).to_be_visible()
    inspect("asking")
    page.get_by_test_id("feedback-angry").focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_test_id("feedback-disgust")).to_be_checked()
    page.get_by_test_id("feedback-consent").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    expect(page.get_by_test_id("feedback-send")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("feedback")).to_have_attribute("data-state", "stored")
    inspect("sent")
    page.get_by_test_id("feedback-undo").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("feedback")).to_have_attribute("data-state", "withdrawn")
    page.keyboard.press("Escape")
    page.get_by_test_id("tab-session").click()
    page.get_by_test_id("feedback-delete").focus()
    inspect("session")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("feedback-delete-not")).to_be_focused()
    inspect("deleting")
    page.get_by_test_id("feedback-delete-sure").press("Enter")
    expect(page.get_by_test_id("feedback-delete-note")).to_have_text("0 corrections are deleted.")
