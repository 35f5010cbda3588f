"""The page of a stream in a real browser: it fits the window, has two languages, marks surges, and updates itself."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from examples.opinion_monitoring.stream import Count, TopicAssessment
from examples.opinion_monitoring.stream.live import serving
from examples.opinion_monitoring.stream.page import Board
from satiety.core.errors import SetupError
from satiety.report.render import LANGUAGES, texts
from tests.patience import PATIENCE, wait_until
from tests.pipeline.server import CHROMIUM, FLAGS
from tests.unit.examples.stream.simulated import MONDAY, params

TOPICS = ("t0", "<script>alert(1)</script>", "酒店")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


def build_assessment(place: int, topic: str, negative: int, verdict: Any, begins: bool = False) -> TopicAssessment:
    return TopicAssessment(
        MONDAY + timedelta(hours=place), topic, Count(negative, negative + 9), 4.2, 14, 0.3, 1.0, 0.4, verdict, begins
    )


def board(windows: int = 30) -> Board:
    """Return a board whose first topic surged ten windows ago, and whose second has more traffic now."""
    stream_board = Board(params(3), max_windows=20, seconds=0.1)
    for i in range(windows):
        surge = windows - 10 <= i < windows - 7
        stream_board.add(
            (
                build_assessment(
                    i, TOPICS[0], 40 if surge else 5, "surge" if surge else "as expected", i == windows - 10
                ),
                build_assessment(i, TOPICS[1], 3, "more traffic" if i == windows - 1 else "as expected"),
                build_assessment(i, TOPICS[2], 0, "as expected"),
            )
        )
    return stream_board


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield launched
        launched.close()


@pytest.fixture
def show(browser: Any) -> Iterator[Any]:
    """Return a function that opens an address; the page must not log anything during the test."""
    messages: list[str] = []

    def show(address: str, width: int = 1600, scheme: str = "light") -> Any:
        tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        tab.set_default_timeout(1000 * PATIENCE)
        tab.on("console", lambda message: messages.append(message.text))
        tab.on("pageerror", lambda error: messages.append(str(error)))
        tab.goto(address)
        return tab

    yield show
    for context in browser.contexts:
        context.close()
    assert not messages


@needs_chromium
@pytest.mark.slow
@pytest.mark.xdist_group("services")
class TestPage:
    @pytest.mark.parametrize("language", LANGUAGES)
    @pytest.mark.parametrize(("width", "scheme"), [(400, "dark"), (1600, "light")])
    def test_the_page_fits_the_window_and_marks_surges(
        self, show: Any, tmp_path: Path, width: int, scheme: str, language: Any
    ) -> None:
        file = tmp_path / "page.html"
        file.write_text(board().page(language), encoding="utf-8")
        tab = show(file.as_uri(), width, scheme)
        assert tab.evaluate("document.documentElement.lang") == language
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert tab.locator("svg.topic").count() == len(TOPICS)
        assert tab.locator(".surge").count() == 1
        assert tab.locator(".traffic").count() == 1
        assert tab.locator("[aria-labelledby=alerts] tbody tr").count() == 1
        assert tab.locator("[aria-labelledby=now] tbody tr").count() == len(TOPICS)
        assert tab.get_by_role("img").count() == len(TOPICS)
        assert tab.get_by_role("heading", level=1).count() == 1
        assert not tab.locator("button").is_visible(), "a saved page has a pause button"

    def test_the_page_updates_until_it_is_paused(self, show: Any) -> None:
        live_board = board()
        with serving(lambda: live_board.page("en"), 0) as address:
            tab = show(address)
            assert tab.locator("h1").text_content() == "No surge of negative opinion now"
            live_board.add(tuple(build_assessment(30, topic, 50, "surge", True) for topic in TOPICS))
            wait_until(lambda: tab.locator(".surge").count() == 4, every=0.5)
            assert tab.locator("h1").text_content() == f"Negative opinion surges: {', '.join(TOPICS)}"
            tab.locator("button").focus()
            tab.keyboard.press("Enter")
            assert tab.locator("button").get_attribute("aria-pressed") == "true"
            live_board.add(tuple(build_assessment(31, topic, 5, "as expected") for topic in TOPICS))
            tab.wait_for_timeout(600)
            assert tab.locator("h1").text_content().startswith("Negative opinion surges")
            tab.keyboard.press("Enter")
            wait_until(lambda: tab.locator("h1").text_content() == "No surge of negative opinion now", every=0.5)
            tab.close()  # before its server stops


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_escaped_and_the_page_has_a_headline_from_the_first_window(language: Any) -> None:
    empty = Board(params(3), max_windows=20, seconds=2)
    assert f">{texts()['opinion.empty'][language]}</h1>" in empty.page(language)
    empty.add((build_assessment(0, TOPICS[1], 1, "too little history"),))
    page = empty.page(language)
    assert f">{texts()['opinion.learning'][language]}</h1>" in page
    assert "<script>alert" not in page
    assert not re.search(r"https?://", page)


def send_get(address: str, path: str, host: str | None = None) -> tuple[int, str]:
    name, port = address.removeprefix("http://").rstrip("/").split(":")
    connection = http.client.HTTPConnection(name, int(port), timeout=PATIENCE)
    connection.request("GET", path, headers={"Host": host or f"{name}:{port}"})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_only_the_page_is_served_and_only_to_this_machine() -> None:
    with serving(lambda: "负面", 0) as address:
        assert send_get(address, "/") == (200, "负面")
        assert send_get(address, "/etc/passwd") == (404, "not found\n")
        assert send_get(address, "/", host="evil.example:80") == (404, "not found\n")
        port = int(address.rstrip("/").rpartition(":")[2])
        with pytest.raises(SetupError, match=f"port {port} of 127.0.0.1: Address already in use; choose another"):
            serving(str, port).__enter__()
