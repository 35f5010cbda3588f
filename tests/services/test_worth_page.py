"""The meter's page in a real browser: it can be read at every width, in light and dark, by eye, keyboard and ear."""

from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from satiety.worth.page import page
from tests.patience import PATIENCE, wait_until
from tests.pipeline.server import CHROMIUM, FLAGS
from tests.unit.report.palette import DARK, LIGHT
from tests.unit.worth import sample

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("services"),
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]
FRAMES = {320: "narrow", 400: "narrow", 800: "wide", 1600: "wide"}
SMALLEST = 11.0
"""Pixels: type of the picture that is smaller than this cannot be read on a telephone."""
SIZES = """svg => [...svg.querySelectorAll('text')].map(one =>
  parseFloat(getComputedStyle(one).fontSize) * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width)"""
BOXES = """svg => [...svg.querySelectorAll('text')].map(one => {
  const {left, top, right, bottom} = one.getBoundingClientRect();
  return [one.textContent, left, top, right, bottom] })"""
CORNERS = """marks => marks.map(mark => { const {left, top, right, bottom} = mark.getBoundingClientRect();
  return [left, top, right, bottom] })"""
FOCUSED = """() => { const one = document.activeElement;
  return one.getAttribute('href') ?? one.getAttribute('aria-label') ?? one.textContent }"""
Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield launched
        launched.close()


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Open the page of a report; when the test is over, it must have said nothing and asked nobody."""
    said: list[str] = []
    asked: list[str] = []

    def show(report: dict[str, Any], language: Any = "en", width: int = 1600, scheme: str = "light") -> Any:
        file = tmp_path / f"{language}.html"
        file.write_text(page(report, language), encoding="utf-8")
        opened = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        opened.set_default_timeout(1000 * PATIENCE)
        opened.on("console", lambda message: said.append(message.text))
        opened.on("pageerror", lambda error: said.append(str(error)))
        opened.on("request", lambda request: asked.append(request.url))
        opened.goto(file.as_uri())
        return opened

    yield show
    for context in browser.contexts:
        context.close()
    assert not said
    assert all(url.startswith("file:") for url in asked)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", FRAMES)
@pytest.mark.parametrize("make", [sample.report, sample.bare, sample.hostile], ids=["report", "bare", "hostile"])
def test_it_fits_and_can_be_read(show: Open, make: Any, width: int, language: Any) -> None:
    report = make()
    opened = show(report, language, width)
    assert opened.evaluate("document.documentElement.lang") == language
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    (picture,) = [one for one in opened.locator("svg.picture").all() if one.is_visible()]
    assert FRAMES[width] in picture.get_attribute("class")
    if width > 320:
        assert min(picture.evaluate(SIZES)) >= SMALLEST
    assert picture.locator(".point").count() == len(report["budgets"])
    marks = 9 if "wide" in FRAMES[width] else 4
    assert picture.locator(".mark").count() == picture.locator(".number").count() >= marks - (make is sample.bare)
    assert (
        len([item for item in opened.locator(".marks li").all() if item.is_visible()])
        == picture.locator(".mark").count()
    )
    boxes, edge = picture.evaluate(BOXES), picture.bounding_box()
    assert not [one for one in boxes if one[1] < edge["x"] - 1 or one[3] > edge["x"] + edge["width"] + 16]
    assert not [(one[0], other[0]) for one, other in combinations(boxes, 2) if meet(one[1:], other[1:])]
    marks_drawn = picture.locator(".mark").evaluate_all(CORNERS)
    assert not [pair for pair in combinations(marks_drawn, 2) if meet(*pair)]


def meet(one: list[float], other: list[float]) -> bool:
    """Return whether two texts overlap by more than the room their font leaves around letters."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    return across > 1 and down > 0.3 * min(one[3] - one[1], other[3] - other[1])


def test_every_lever_has_its_row(show: Open) -> None:
    report = sample.report()
    opened = show(report)
    assert opened.locator("[aria-labelledby=levers] details tbody tr").count() == len(report["levers"])
    assert opened.locator("[aria-labelledby=forecast] tbody tr").count() == len(report["forecast"])
    assert opened.locator("[aria-labelledby=next] tbody tr").count() == len(report["next"]["front"])
    assert opened.locator("[aria-labelledby=answers] tbody tr").count() == 5


@pytest.mark.parametrize(("scheme", "palette"), [("light", LIGHT), ("dark", DARK)])
def test_it_follows_the_reader_s_scheme(show: Open, scheme: str, palette: dict[str, str]) -> None:
    opened = show(sample.report(), scheme=scheme)
    for name, colour in {"backgroundColor": palette["paper"], "color": palette["ink"]}.items():
        expected = "rgb({}, {}, {})".format(*(int(colour[i : i + 2], 16) for i in (1, 3, 5)))
        assert opened.evaluate(f"getComputedStyle(document.body).{name}") == expected


def test_the_keyboard_unfolds_and_scrolls(show: Open) -> None:
    opened = show(sample.report(), width=400)
    fold = opened.locator("[aria-labelledby=levers] details").first
    fold.locator("summary").focus()
    opened.keyboard.press("Enter")
    assert fold.get_attribute("open") is not None
    opened.keyboard.press("Tab")
    assert opened.evaluate(FOCUSED) == "At 0 labels"
    assert opened.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    opened.keyboard.press("ArrowRight")
    wait_until(lambda: opened.evaluate("document.activeElement.scrollLeft") > 0, every=0.5)


def test_the_keyboard_reaches_every_link_fold_and_table(show: Open) -> None:
    opened = show(sample.report())
    wanted = [one.evaluate("one => one.getAttribute('href')") for one in opened.locator("nav a").all()]
    wanted += [one.text_content() for one in opened.locator("summary").all()]
    wanted += [one.get_attribute("aria-label") for one in opened.locator("[role=region]").all() if one.is_visible()]
    reached = []
    for _ in wanted:
        opened.keyboard.press("Tab")
        reached.append(opened.evaluate(FOCUSED))
    assert sorted(reached) == sorted(wanted)


@pytest.mark.parametrize(("language", "title"), [("en", "Learning curve of macro_f1"), ("zh", "macro_f1 随标注数变化")])
def test_a_screen_reader_finds_its_way(show: Open, language: Any, title: str) -> None:
    opened = show(sample.report(), language)
    assert opened.get_by_role("img", name=title).count() == 1
    for landmark in ("banner", "navigation", "main", "contentinfo"):
        assert opened.get_by_role(landmark).count() == 1
    assert opened.get_by_role("heading", level=1).count() == 1
    assert opened.get_by_role("heading", level=2).count() == 8
    first = opened.get_by_role("table").first
    assert first.get_by_role("columnheader").count() == 5
    assert first.get_by_role("rowheader").count() == 5


def test_paper_shows_what_is_folded(show: Open) -> None:
    opened = show(sample.report(), width=718, scheme="dark")
    row = opened.locator("[aria-labelledby=levers] details tbody tr").first
    assert not row.is_visible()
    opened.emulate_media(media="print")
    assert row.is_visible()
    assert not opened.locator("nav").is_visible()
    assert opened.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
