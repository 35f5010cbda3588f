"""The pages in a real browser: legible at every width, in light and dark, with keyboard and screen reader."""

from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from examples.year.page import page as year
from satiety.monitor.page import page as drift
from satiety.validate.pages import render_pages
from satiety.worth.page import page
from tests.patience import PATIENCE, wait_until
from tests.pipeline.server import CHROMIUM, FLAGS
from tests.unit.examples.test_year import simulate_year
from tests.unit.monitor.test_page import REPORT, SCORE, TIMES
from tests.unit.report.palette import DARK, LIGHT
from tests.unit.worth import sample

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("services"),
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]
FRAMES = {320: "narrow", 400: "narrow", 800: "wide", 1600: "wide"}
SMALLEST = 11.0
"""Pixels: smaller letters in a picture are not legible on a phone."""
SIZES = """svg => [...svg.querySelectorAll('text')].map(text =>
  parseFloat(getComputedStyle(text).fontSize) * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width)"""
BOXES = """svg => [...svg.querySelectorAll('text')].map(text => {
  const {left, top, right, bottom} = text.getBoundingClientRect();
  return [text.textContent, left, top, right, bottom] })"""
CORNERS = """marks => marks.map(mark => { const {left, top, right, bottom} = mark.getBoundingClientRect();
  return [left, top, right, bottom] })"""
FOCUSED = """() => { const element = document.activeElement;
  return element.getAttribute('href') ?? element.getAttribute('aria-label') ?? element.textContent }"""
Open = Callable[..., Any]
MONITORED = {**REPORT, "window": {"texts": 500, "left_out": None, **TIMES}}
MONITORED["feedback"] = {"answers": 180, "score": SCORE, "change": SCORE, "overconfidence": SCORE}
OTHER_PAGES = ["year", "drift", "documents"]


def render_documents(_: None, language: Any) -> str:
    """Return the index of the Data Docs, which are in English."""
    return render_pages([], {"train": {"negative": 12, "positive": 9, "neutral": 4}})["index.html"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield launched
        launched.close()


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Return a function that opens the page of a report; it must not log anything or use the network."""
    messages: list[str] = []
    urls: list[str] = []

    def show(report: Any, language: Any = "en", width: int = 1600, scheme: str = "light", make: Any = page) -> Any:
        file = tmp_path / f"{language}.html"
        file.write_text(make(report, language), encoding="utf-8")
        tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        tab.set_default_timeout(1000 * PATIENCE)
        tab.on("console", lambda message: messages.append(message.text))
        tab.on("pageerror", lambda error: messages.append(str(error)))
        tab.on("request", lambda request: urls.append(request.url))
        tab.goto(file.as_uri())
        return tab

    yield show
    for context in browser.contexts:
        context.close()
    assert not messages
    assert all(url.startswith("file:") for url in urls)


def find_overlaps(picture: Any) -> list[tuple[str, str]]:
    """Return the pairs of texts of a picture that overlap."""
    boxes = picture.evaluate(BOXES)
    return [(first[0], second[0]) for first, second in combinations(boxes, 2) if do_overlap(first[1:], second[1:])]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", FRAMES)
@pytest.mark.parametrize("make", [sample.report, sample.bare, sample.hostile], ids=["report", "bare", "hostile"])
def test_the_worth_page_fits_the_window_and_is_legible(show: Open, make: Any, width: int, language: Any) -> None:
    report = make()
    tab = show(report, language, width)
    assert tab.evaluate("document.documentElement.lang") == language
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    (picture,) = tab.locator("svg.picture:visible").all()
    assert FRAMES[width] in picture.get_attribute("class")
    if width > 320:
        assert min(picture.evaluate(SIZES)) >= SMALLEST
    assert picture.locator(".point").count() == len(report["budgets"])
    marks = picture.locator(".mark").evaluate_all(CORNERS)
    assert len(marks) == picture.locator(".number").count() == tab.locator(".marks li:visible").count() >= 4
    assert not [pair for pair in combinations(marks, 2) if do_overlap(*pair)]
    assert not find_overlaps(picture)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", FRAMES)
@pytest.mark.parametrize(
    ("make", "report"), [(year, simulate_year()), (drift, MONITORED), (render_documents, None)], ids=OTHER_PAGES
)
def test_other_pages_fit_the_window_and_are_legible(
    show: Open, make: Any, report: Any, width: int, language: Any
) -> None:
    tab = show(report, language, width, make=make)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    for picture in tab.locator("svg.picture:visible").all():
        assert FRAMES[width] in picture.get_attribute("class")
        assert not find_overlaps(picture)
        assert width == 320 or min(picture.evaluate(SIZES)) >= SMALLEST


def do_overlap(first: list[float], second: list[float]) -> bool:
    """Return whether two texts overlap by more than the space that the font leaves around letters."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return width > 1 and height > 0.3 * min(first[3] - first[1], second[3] - second[1])


def test_every_lever_forecast_and_answer_has_a_row(show: Open) -> None:
    report = sample.report()
    tab = show(report)
    assert tab.locator("[aria-labelledby=levers] details tbody tr").count() == len(report["levers"])
    assert tab.locator("[aria-labelledby=forecast] tbody tr").count() == len(report["forecast"])
    assert tab.locator("[aria-labelledby=next] tbody tr").count() == len(report["next"]["front"])
    assert tab.locator("[aria-labelledby=answers] tbody tr").count() == 5


@pytest.mark.parametrize(("scheme", "palette"), [("light", LIGHT), ("dark", DARK)])
def test_the_page_uses_the_color_scheme_of_the_browser(show: Open, scheme: str, palette: dict[str, str]) -> None:
    tab = show(sample.report(), scheme=scheme)
    for name, colour in {"backgroundColor": palette["paper"], "color": palette["ink"]}.items():
        expected = "rgb({}, {}, {})".format(*(int(colour[i : i + 2], 16) for i in (1, 3, 5)))
        assert tab.evaluate(f"getComputedStyle(document.body).{name}") == expected


def test_the_keyboard_opens_folds_and_scrolls_tables(show: Open) -> None:
    tab = show(sample.report(), width=400)
    fold = tab.locator("[aria-labelledby=levers] details").first
    fold.locator("summary").focus()
    tab.keyboard.press("Enter")
    assert fold.get_attribute("open") is not None
    tab.keyboard.press("Tab")
    assert tab.evaluate(FOCUSED) == "At 0 labels"
    assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    tab.keyboard.press("ArrowRight")
    wait_until(lambda: tab.evaluate("document.activeElement.scrollLeft") > 0, every=0.5)


def test_the_keyboard_reaches_every_link_fold_and_table(show: Open) -> None:
    tab = show(sample.report())
    expected = [link.evaluate("link => link.getAttribute('href')") for link in tab.locator("nav a").all()]
    expected += [fold.text_content() for fold in tab.locator("summary").all()]
    expected += [
        table.get_attribute("aria-label") for table in tab.locator("[role=region]").all() if table.is_visible()
    ]
    reached = []
    for _ in expected:
        tab.keyboard.press("Tab")
        reached.append(tab.evaluate(FOCUSED))
    assert sorted(reached) == sorted(expected)


@pytest.mark.parametrize(("language", "title"), [("en", "Learning curve of macro-F1"), ("zh", "macro-F1 随标注数变化")])
def test_the_page_has_landmarks_headings_and_table_headers(show: Open, language: Any, title: str) -> None:
    tab = show(sample.report(), language)
    assert tab.get_by_role("img", name=title).count() == 1
    for landmark in ("banner", "navigation", "main", "contentinfo"):
        assert tab.get_by_role(landmark).count() == 1
    assert tab.get_by_role("heading", level=1).count() == 1
    assert tab.get_by_role("heading", level=2).count() == 8
    first = tab.get_by_role("table").first
    assert first.get_by_role("columnheader").count() == 5
    assert first.get_by_role("rowheader").count() == 5


def test_print_shows_folded_rows(show: Open) -> None:
    tab = show(sample.report(), width=718, scheme="dark")
    row = tab.locator("[aria-labelledby=levers] details tbody tr").first
    assert not row.is_visible()
    tab.emulate_media(media="print")
    assert row.is_visible()
    assert not tab.locator("nav").is_visible()
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
