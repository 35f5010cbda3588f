"""The pages in a real browser: they can be read at every width, in light and dark, by eye, keyboard and ear."""

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
from tests.unit.examples.test_year import lived
from tests.unit.monitor.test_page import SCORE, TIMES, TOLD
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
MONITORED = {**TOLD, "window": {"texts": 500, "left_out": None, **TIMES}}
MONITORED["feedback"] = {"answers": 180, "score": SCORE, "change": SCORE, "overconfidence": SCORE}
OTHERS = ["year", "drift", "documents"]


def documents(_: None, language: Any) -> str:
    """Return the first of the Data Docs, which are in English."""
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
    """Open the page of a report; when the test is over, it must have said nothing and asked nobody."""
    said: list[str] = []
    asked: list[str] = []

    def show(report: Any, language: Any = "en", width: int = 1600, scheme: str = "light", make: Any = page) -> Any:
        file = tmp_path / f"{language}.html"
        file.write_text(make(report, language), encoding="utf-8")
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


def overlaps(picture: Any) -> list[tuple[str, str]]:
    """Return the texts of a drawing that overlap."""
    boxes = picture.evaluate(BOXES)
    return [(first[0], second[0]) for first, second in combinations(boxes, 2) if meet(first[1:], second[1:])]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", FRAMES)
@pytest.mark.parametrize("make", [sample.report, sample.bare, sample.hostile], ids=["report", "bare", "hostile"])
def test_the_meter_fits_and_can_be_read(show: Open, make: Any, width: int, language: Any) -> None:
    report = make()
    opened = show(report, language, width)
    assert opened.evaluate("document.documentElement.lang") == language
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    (picture,) = opened.locator("svg.picture:visible").all()
    assert FRAMES[width] in picture.get_attribute("class")
    if width > 320:
        assert min(picture.evaluate(SIZES)) >= SMALLEST
    assert picture.locator(".point").count() == len(report["budgets"])
    marks = picture.locator(".mark").evaluate_all(CORNERS)
    assert len(marks) == picture.locator(".number").count() == opened.locator(".marks li:visible").count() >= 4
    assert not [pair for pair in combinations(marks, 2) if meet(*pair)]
    assert not overlaps(picture)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", FRAMES)
@pytest.mark.parametrize(("make", "report"), [(year, lived()), (drift, MONITORED), (documents, None)], ids=OTHERS)
def test_the_other_pages_fit_and_can_be_read(show: Open, make: Any, report: Any, width: int, language: Any) -> None:
    opened = show(report, language, width, make=make)
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    for picture in opened.locator("svg.picture:visible").all():
        assert FRAMES[width] in picture.get_attribute("class")
        assert not overlaps(picture)
        assert width == 320 or min(picture.evaluate(SIZES)) >= SMALLEST


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
