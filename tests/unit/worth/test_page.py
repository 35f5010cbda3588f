"""The page of the meter: what is on it, in which order, in both languages, and that no value becomes markup."""

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from satiety.report.render import POLICY, texts
from satiety.worth.page import page, sanity_checks
from tests.unit.report.tree import Node, Tree
from tests.unit.worth import sample

SECTIONS = ["curve", "levers", "credit", "forecast", "next", "answers", "agreement", "measured"]
Make = Callable[[], dict[str, Any]]
every_report = pytest.mark.parametrize(
    "make", [sample.report, sample.bare, sample.hostile], ids=["report", "bare", "hostile"]
)


@pytest.fixture(params=["en", "zh"])
def language(request: pytest.FixtureRequest) -> Any:
    return request.param


def find_sections(report: dict[str, Any], language: Any) -> dict[str, Node]:
    section_nodes = Tree(page(report, language)).root.every("section")
    return {str(section.attributes["aria-labelledby"]): section for section in section_nodes}


@every_report
def test_page_is_complete_and_loads_nothing(make: Make, language: Any) -> None:
    text = page(make(), language)
    assert text == page(make(), language)
    root = Tree(text).root
    (html,) = root.every("html")
    assert html.attributes["lang"] == language
    assert [node.attributes["aria-labelledby"] for node in html.every("section")] == SECTIONS
    assert not {node.tag for node in root.walk()} & {"script", "link", "img", "iframe", "object"}
    assert not [name for node in root.walk() for name in node.attributes if name.startswith("on") or name == "src"]
    (policy,) = (node.attributes["content"] for node in root.every("meta") if "http-equiv" in node.attributes)
    assert policy == POLICY
    assert "url(" not in text
    levels = [int(node.tag[1]) for node in root.walk() if node.tag in {"h1", "h2", "h3"}]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(next_level - level <= 1 for level, next_level in pairwise(levels))


@every_report
def test_ids_are_unique_and_every_link_has_a_target(make: Make, language: Any) -> None:
    nodes = list(Tree(page(make(), language)).root.walk())
    names = [node.attributes["id"] for node in nodes if "id" in node.attributes]
    assert len(names) == len(set(names))
    links = {str(node.attributes["href"])[1:] for node in nodes if "href" in node.attributes}
    assert links <= set(names)


@every_report
def test_every_table_has_a_caption_and_headers(make: Make, language: Any) -> None:
    root = Tree(page(make(), language)).root
    regions = [node for node in root.every("div") if node.attributes.get("role") == "region"]
    assert len(root.every("table")) == len(regions) > 0
    for region in regions:
        (caption,) = region.every("caption")
        assert region.attributes["tabindex"] == "0"
        assert region.attributes["aria-label"] == caption.text
        assert all(head.attributes["scope"] in {"row", "col"} for head in region.every("th"))
        assert len({len(row.children) for row in region.every("tr")}) == 1


def test_every_lever_has_a_row_under_its_budget(language: Any) -> None:
    report = sample.report()
    folds = find_sections(report, language)["levers"].every("details")
    counts = [len(fold.every("tbody")[0].children) for fold in folds]
    assert counts == [sum(row["budget"] == budget for row in report["levers"]) for budget in report["budgets"]]
    assert [budget for budget, fold in zip(report["budgets"], folds, strict=True) if "open" in fold.attributes] == [60]


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("curve", ["baseline", "at 60 labels scores as high as 118 labels [82, 214]", "more than 240 labels [229"]),
        (
            "levers",
            ["more than 240", "fewer than 15", "stopped early", "▼ harmful", "□ not worth it here"],
        ),
        ("credit", ["self_training × retrieve", "all together", "beyond the budgets measured"]),
        ("forecast", ["not reachable with this model", "392 [304, 571]", "[548, ∞]", "0.720 [0.652, 0.841]"]),
        ("next", ["label 60 more texts", "✓ recommended", "0.626 [0.608, 0.644]", "baseline"]),
        ("answers", ["adds 60 more", "below 60", "12 rejected", "✓ passed", "raised the score to 0.702"]),
        ("agreement", ["11 of 12 gains", "share of 0.917 [0.646, 0.985]", "+0.014 [+0.003, +0.026]"]),
        ("measured", ["40 of 240 runs", "augment after 4 replicates, retrieve after 6", "5 of 6 intervals", "1,000"]),
    ],
)
def test_section_has_its_words(section: str, words: list[str]) -> None:
    text = " ".join(find_sections(sample.report(), "en")[section].text.replace("\u00a0", " ").split())
    assert not [word for word in words if word not in text]


def test_page_says_what_was_not_measured(language: Any) -> None:
    sections_by_name = find_sections(sample.bare(), language)
    for name in ("credit", "forecast", "answers"):
        assert texts()["worth.none"][language] in sections_by_name[name].text
    assert "worth.fine_tuned.replicates" in sections_by_name["agreement"].text


@pytest.mark.parametrize(("limit", "is_shown"), [(0.84, True), (1.0, False)])
def test_limit_at_the_bound_of_the_fit_is_not_shown(limit: float, is_shown: bool) -> None:
    report = sample.report()
    report["fit"]["asymptote"] = {"value": limit, "low": 0.6, "high": 1.0}
    text = find_sections(report, "en")["forecast"].text
    assert (f"which approaches {limit:.3f}" in text) is is_shown
    assert ("do not show its limit" in text) is not is_shown


def test_no_saved_run_is_said_in_words(language: Any) -> None:
    report = sample.report()
    report["saved"] |= {"runs": 0, "stopped": []}
    text = find_sections(report, language)["measured"].text
    assert texts()["worth.saved none"][language] in text
    assert "0 of 240" not in text


def test_page_says_where_zero_shot_is_the_baseline() -> None:
    rows = find_sections(sample.report(), "en")["measured"].every("tbody")[0].children
    assert [row.children[-1].text for row in rows] == ["yes", "no"]


def test_chinese_sentences_have_no_blank_before_a_number_beyond_the_budgets() -> None:
    assert not re.search("[\u4e00-\u9fff] (超过|不到)", page(sample.report(), "zh"))


def test_a_failed_check_is_on_top_of_the_page() -> None:
    report = sample.report()
    report["calibration"]["copy"][0]["holds"] = False
    report["calibration"]["leak"]["refused"] = 0
    text = page(report, "en")
    assert sanity_checks(report) == [True, True, False, True, False]
    assert "✗ sanity checks: 3 of 5 passed. Treat these results with caution." in text
    assert text.count("✗ failed") == 2


def test_a_hostile_name_is_never_an_element(language: Any) -> None:
    text = page(sample.hostile(), language)
    assert "<script" not in text
    assert "<b>b<" not in text
    assert "&lt;b&gt;b&lt;/b&gt;&lt;script&gt;" in text
    assert "&amp;lt;b&amp;gt;" not in text, "nothing is escaped twice"


def test_evidence_may_be_in_both_languages() -> None:
    report = sample.report()
    report["next"]["evidence"] = [{"en": "because of it", "zh": "因为它"}]
    assert "because of it" in page(report, "en")
    assert "因为它" in page(report, "zh")


@pytest.mark.parametrize("levers", [0, 1])
def test_page_has_a_figure_with_one_budget_and_few_levers(language: Any, levers: int) -> None:
    report = sample.bare()
    rows = [row for row in report["levers"] if row["budget"] == 15][:levers]
    one_budget = {"budgets": [15], "curve": report["curve"][:1], "levers": rows}
    assert "<svg" in page(report | one_budget, language)
    assert "<svg" in page(sample.report() | {"levers": rows}, language)


def test_the_headline_names_the_main_arrow() -> None:
    report = sample.report()
    report["headline"] |= {"lever": "self_training", "budget": 15}
    first = find_sections(report, "en")["curve"].every("li")[0]
    assert "self_training at 15 labels" in " ".join(first.text.split())
