"""Corrections from a real Chromium into SQLite and into PostgreSQL, and their deletion."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sqlalchemy", reason="feedback: pip install 'mien[feedback]'")

import sqlalchemy as sa
from playwright.sync_api import Page, Playwright, Route, expect

from mien.feedback import Desk, Submission, person_of
from mien.feedback.store import url_of
from mien.geometry import Template, picture_to_camera
from mien.heads.emotion import cut
from mien.topology import CANONICAL, RIGID

from ..feedback.cluster import Cluster, binaries, cluster
from .conftest import Open, Server
from .test_studio import wait_for

pytestmark = pytest.mark.browser

# A face, and a server that answers.
SEEN = "d.faces === '1' && d.connection === 'ready'"


@pytest.fixture(scope="module")
def postgres() -> Iterator[Cluster]:
    if binaries() is None:
        pytest.skip("no PostgreSQL on this machine (Debian: apt-get install postgresql)")
    with cluster() as running:
        yield running


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(
    request: pytest.FixtureRequest,
    playwright: Playwright,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """A server on either database."""
    running = Server(tmp_path_factory.mktemp("home"))
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "postgresql":
            patch.setenv("MIEN_FEEDBACK_URL", request.getfixturevalue("postgres").url())
        else:
            patch.delenv("MIEN_FEEDBACK_URL", raising=False)
        running.start()
    yield running
    running.stop()


@pytest.fixture
def url(request: pytest.FixtureRequest, server: Server) -> str:
    """Of the database that the server writes into."""
    if request.node.callspec.params.get("server") == "postgresql":
        found: str = request.getfixturevalue("postgres").url()
        return found
    return f"sqlite:///{server.home}/feedback/feedback.sqlite"


def rows(url: str, table: str = "submissions") -> list[dict[str, object]]:
    """What the database itself holds."""
    if url.startswith("sqlite") and not Path(url.removeprefix("sqlite:///")).exists():
        return []  # nobody has sent anything yet
    engine = sa.create_engine(url_of(url, Path()))
    try:
        with engine.connect() as connection:
            if not sa.inspect(connection).has_table(table):
                return []
            found = connection.execute(sa.text(f"SELECT * FROM {table}"))  # noqa: S608
            return [dict(row) for row in found.mappings()]
    finally:
        engine.dispose()


def stored(url: str, place: Path) -> list[Submission]:
    desk = Desk(url, place)
    found = list(desk.submissions())
    desk.close()
    return found


def open_sheet(page: Page) -> None:
    wait_for(page, SEEN, 60_000)
    page.get_by_test_id("tab-emotion").click()
    expect(page.get_by_test_id("looks")).not_to_have_attribute("data-looks", "none")
    page.get_by_test_id("feedback-open").click()
    expect(page.get_by_test_id("feedback-words")).to_contain_text("I agree")


def correct(page: Page, label: str) -> None:
    open_sheet(page)
    page.get_by_test_id(f"feedback-{label}").check()
    page.get_by_test_id("feedback-consent").check()
    page.get_by_test_id("feedback-send").click()
    expect(page.get_by_test_id("feedback")).to_have_attribute("data-state", "stored")


def delete(page: Page) -> None:
    page.get_by_test_id("tab-session").click()
    page.get_by_test_id("feedback-delete").click()
    expect(page.get_by_test_id("feedback-delete-not")).to_be_focused()
    page.get_by_test_id("feedback-delete-sure").click()


def test_a_correction_is_stored_taken_back_and_all_is_deleted(
    open_page: Open, server: Server, url: str, tmp_path: Path, portrait: np.ndarray
) -> None:
    page = open_page()
    page.get_by_test_id("tab-session").click()
    expect(page.get_by_test_id("feedback-none")).to_be_visible()
    open_sheet(page)
    send = page.get_by_test_id("feedback-send")
    expect(send).to_be_disabled()
    page.get_by_test_id("feedback-sad").check()
    expect(send).to_be_disabled()
    assert rows(url) == [], "nothing without consent"
    page.get_by_test_id("feedback-consent").check()
    expect(page.get_by_test_id("feedback-crop")).not_to_be_checked()
    send.click()
    expect(page.get_by_test_id("feedback-note")).to_contain_text("It is stored")
    (first,) = stored(url, tmp_path)
    assert (first.label, first.crop, first.model.name) == ("sad", None, "emotion")
    assert first.landmarks.size == (512, 600)
    token = page.evaluate("localStorage.getItem('mien.feedback.token')")
    assert first.person == person_of(token)

    page.get_by_test_id("feedback-undo").click()
    expect(page.get_by_test_id("feedback-note")).to_contain_text("deleted")
    assert rows(url) == []
    page.get_by_test_id("feedback-done").click()

    correct(page, "none")
    page.get_by_test_id("feedback-done").click()
    open_sheet(page)
    page.get_by_test_id("feedback-crop").check()
    page.get_by_test_id("feedback-happy").check()
    page.get_by_test_id("feedback-consent").check()
    send.click()
    expect(page.get_by_test_id("feedback")).to_have_attribute("data-state", "stored")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("feedback")).to_have_count(0)
    both = {s.label: s for s in stored(url, tmp_path)}
    assert set(both) == {"none", "happy"}
    # The picture is cut as the heads want it.
    crop = both["happy"].crop
    assert crop is not None
    points = both["happy"].landmarks.points
    camera = picture_to_camera(points.astype(np.float64))
    rotation = Template(CANONICAL[RIGID].astype(np.float64)).fit(camera[RIGID]).rotation
    expected = cut(portrait, points, rotation)
    assert np.abs(crop.astype(int) - expected.astype(int)).mean() < 4

    delete(page)
    expect(page.get_by_test_id("feedback-delete-note")).to_have_text("2 corrections are deleted.")
    assert rows(url) == []
    assert person_of(token) in {row["key"] for row in rows(url, "deletions")}
    assert page.evaluate("localStorage.getItem('mien.feedback.token')") is None
    # Whoever deletes may send again, as somebody else.
    correct(page, "fear")
    (last,) = stored(url, tmp_path)
    assert last.person != first.person
    page.get_by_test_id("feedback-done").click()
    delete(page)
    expect(page.get_by_test_id("feedback-delete-note")).to_have_text("1 correction is deleted.")
    assert rows(url) == []


def test_an_answer_that_gets_lost_is_stored_once(open_page: Open, url: str, tmp_path: Path) -> None:
    page = open_page(expected=("Failed to load resource", "net::ERR"))
    lost = []

    def lose(route: Route) -> None:
        if route.request.method == "POST" and not lost:
            lost.append(route.fetch().status)  # it gets there, the answer does not come back
            route.abort()
        else:
            route.continue_()

    page.route("**/feedback", lose)
    open_sheet(page)
    page.get_by_test_id("feedback-surprise").check()
    page.get_by_test_id("feedback-consent").check()
    page.get_by_test_id("feedback-send").click()
    expect(page.get_by_test_id("feedback-problem")).to_contain_text("does not answer")
    assert lost == [200]
    page.get_by_test_id("feedback-send").click()
    expect(page.get_by_test_id("feedback")).to_have_attribute("data-state", "known")
    assert [row["label"] for row in rows(url)] == ["surprise"]
    page.get_by_test_id("feedback-done").click()
    delete(page)
    expect(page.get_by_test_id("feedback-delete-note")).to_have_text("1 correction is deleted.")
    assert rows(url) == []


def test_a_database_that_is_away_loses_nothing(
    open_page: Open, request: pytest.FixtureRequest, url: str, tmp_path: Path
) -> None:
    page = open_page()
    correct(page, "sad")  # a database of which nothing was asked yet cannot be held
    page.get_by_test_id("feedback-done").click()
    open_sheet(page)
    page.get_by_test_id("feedback-angry").check()
    page.get_by_test_id("feedback-consent").check()
    engine = sa.create_engine(url_of(url, Path()))
    stopped: Cluster | None = None
    if url.startswith("sqlite"):
        holder = engine.connect()
        holder.exec_driver_sql("BEGIN EXCLUSIVE")
    else:
        stopped = request.getfixturevalue("postgres")
        stopped.stop()
    try:
        page.get_by_test_id("feedback-send").click()
        expect(page.get_by_test_id("feedback")).to_have_attribute("data-state", "queued")
        expect(page.get_by_test_id("feedback-note")).to_contain_text("It is kept")
        page.get_by_test_id("feedback-done").click()
        open_sheet(page)
        page.get_by_test_id("feedback-fear").check()
        page.get_by_test_id("feedback-consent").check()
        page.get_by_test_id("feedback-send").click()
        expect(page.get_by_test_id("feedback")).to_have_attribute("data-state", "queued")
        page.get_by_test_id("feedback-undo").click()
        expect(page.get_by_test_id("feedback")).to_have_attribute("data-state", "leaving")
        expect(page.get_by_test_id("feedback-note")).to_contain_text("as soon as that is back")
    finally:
        if stopped is None:
            holder.rollback()
            holder.close()
        else:
            stopped.start()
        engine.dispose()
    # The server brings it by itself.
    for _ in range(300):
        if len(rows(url)) == 2:
            break
        page.wait_for_timeout(200)
    assert sorted(str(row["label"]) for row in rows(url)) == ["angry", "sad"]
    page.get_by_test_id("feedback-done").click()
    delete(page)
    expect(page.get_by_test_id("feedback-delete-note")).to_have_text("2 corrections are deleted.")
    assert rows(url) == []


def test_two_tabs_know_of_one_another(open_page: Open, url: str) -> None:
    first = open_page()
    correct(first, "sad")
    second = first.context.new_page()
    second.goto(first.url)
    delete(second)
    expect(second.get_by_test_id("feedback-delete-note")).to_have_text("1 correction is deleted.")
    # What was sent is gone already, and taking it back is no error.
    first.get_by_test_id("feedback-undo").click()
    expect(first.get_by_test_id("feedback")).to_have_attribute("data-state", "withdrawn")
    first.get_by_test_id("feedback-done").click()
    # The next correction has a token of its own, of which the other tab hears.
    expect(second.get_by_test_id("feedback-none")).to_be_visible()
    correct(first, "fear")
    assert [row["label"] for row in rows(url)] == ["fear"]
    delete(second)
    expect(second.get_by_test_id("feedback-none")).to_be_visible()
    assert rows(url) == []
    assert first.evaluate("() => localStorage.getItem('mien.feedback.token')") is None
