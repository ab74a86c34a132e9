"""The sheet of corrections for everybody: narrow screens, no mouse, a reader of the screen.

How the page looks does not depend on the database; one is enough.
"""

from __future__ import annotations

import pytest

pytest.importorskip("sqlalchemy", reason="feedback: pip install 'mien[feedback]'")

from playwright.sync_api import expect

from .conftest import Open
from .looks import inspector, open_in
from .test_feedback import SEEN
from .test_studio import wait_for

pytestmark = pytest.mark.browser


def test_nothing_stands_in_the_way_of_anybody(open_page: Open, axe: str) -> None:
    page = open_in(open_page)
    inspect = inspector(page, axe)
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
