"""What has to hold however wide the screen is, and in both colour schemes.

One page is brought into every look, state by state: to open one for each takes far longer.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from playwright.sync_api import Page
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from .conftest import Open

Look: TypeAlias = tuple[tuple[int, int], str]
"""Width and height of the window, and the colour scheme that the system asks for."""

# Every width, and on wide screens both schemes: what is seen there alone has both, too.
LOOKS: tuple[Look, ...] = (
    ((1280, 800), "dark"),
    ((1280, 800), "light"),
    ((390, 844), "dark"),
    ((320, 568), "light"),
)
PHONE: Look = ((390, 844), "light")

AXE = """async () => (await axe.run()).violations.map(
    (v) => [v.id, v.help, v.nodes.length, v.nodes[0].html.slice(0, 200)])"""

# What a label belongs to is reached through the label, too.
SMALL = """() => [...document.querySelectorAll('button, label, [type=checkbox], [type=text]')]
    .map((e) => e.closest('label') ?? e)
    .filter((e) => e.checkVisibility())
    .map((e) => [e.getBoundingClientRect(), e.dataset.testid ?? e.textContent])
    .filter(([r]) => r.width && (r.height < 39 || r.width < 39))
    .map(([r, id]) => `${id}: ${r.width}x${r.height}`)"""

# In the colours of the other scheme, and laid out anew.
SETTLED = """(scheme) => document.documentElement.dataset.theme === scheme &&
    !document.getAnimations().some((a) => a instanceof CSSTransition)"""

# On a busy machine what was laid out for the width of before may stand for a moment.
FITS = "(width) => innerWidth === width && document.documentElement.scrollWidth <= width"

# A page does not get wider by what sticks out on its left.
CUT_OFF = """() => [...document.querySelectorAll('[role=menu]')]
    .map((e) => [e.getBoundingClientRect(), e.ariaLabel])
    .filter(([r]) => r.left < 0 || r.right > innerWidth)
    .map(([r, label]) => `${label}: ${r.left}..${r.right}`)"""

# The page is told of another size before it draws the next picture.
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"

Inspect: TypeAlias = Callable[[str], None]


def open_in(open_page: Open, camera: Path | None = None, look: Look = PHONE) -> Page:
    """The studio in a look; on a phone everything is hardest to reach."""
    (width, height), scheme = look
    viewport = {"width": width, "height": height}
    return open_page(camera, viewport=viewport, color_scheme=scheme)


def put(page: Page, look: Look) -> None:
    """Change the look of a page that is open."""
    (width, height), scheme = look
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.evaluate(DRAWN)
    page.wait_for_function(SETTLED, arg=scheme)


def inspector(page: Page, axe: str) -> Inspect:
    """What looks at a state of the page in every look, and then puts it back."""
    page.evaluate(axe)

    def inspect(what: str) -> None:
        before = (_size(page), page.locator("html").get_attribute("data-theme") or "")
        for look in LOOKS:
            put(page, look)
            where = f"{what} at {look[0][0]}, {look[1]}"
            with suppress(PlaywrightTimeoutError):
                page.wait_for_function(FITS, arg=look[0][0], timeout=10_000)
            assert page.evaluate("document.documentElement.scrollWidth") <= look[0][0], where
            assert page.evaluate(CUT_OFF) == [], where
            assert page.evaluate(SMALL) == [], f"targets below 40 pixels: {where}"
            assert page.evaluate(AXE) == [], where
        put(page, before)

    return inspect


def _size(page: Page) -> tuple[int, int]:
    size = page.viewport_size
    assert size is not None
    return size["width"], size["height"]
