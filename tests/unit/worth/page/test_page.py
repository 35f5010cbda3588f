"""The whole page: what is on it, in which order, in both languages, and that no value becomes markup."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from satiety.worth.page import SECTIONS, page
from satiety.worth.page.words import WORDS
from tests.unit.worth.page import sample
from tests.unit.worth.page.drawing import Tree

REPORTS = {"report": sample.report, "bare": sample.bare, "hostile": sample.hostile}
Make = Callable[[], dict[str, Any]]


@pytest.fixture(params=["en", "zh"])
def language(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.mark.parametrize("make", REPORTS.values(), ids=REPORTS)
class TestEveryReport:
    def test_is_closed_in_its_language_and_complete(self, make: Make, language: Any) -> None:
        root = Tree(page(make(), language)).root
        (html,) = root.every("html")
        assert html.attributes["lang"] == language
        assert [node.attributes["aria-labelledby"] for node in html.every("section")] == list(SECTIONS)

    def test_headings_go_down_by_one(self, make: Make, language: Any) -> None:
        root = Tree(page(make(), language)).root

        def levels(node: Any) -> list[int]:
            here = [int(node.tag[1])] if node.tag in {"h1", "h2", "h3"} else []
            return here + [level for child in node.children for level in levels(child)]

        found = levels(root)
        assert found[0] == 1
        assert found.count(1) == 1
        assert all(after - before <= 1 for before, after in pairwise(found))

    def test_has_no_script_and_asks_nobody(self, make: Make, language: Any) -> None:
        text = page(make(), language)
        root = Tree(text).root
        assert not {node.tag for node in walk(root)} & {"script", "link", "img", "iframe", "object"}
        assert not [name for node in walk(root) for name in node.attributes if name.startswith("on") or name == "src"]
        (policy,) = (one.attributes["content"] for one in root.every("meta") if "http-equiv" in one.attributes)
        assert policy == "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
        assert "url(" not in text

    def test_names_are_unique_and_every_link_leads_somewhere(self, make: Make, language: Any) -> None:
        nodes = list(walk(Tree(page(make(), language)).root))
        names = [node.attributes["id"] for node in nodes if "id" in node.attributes]
        assert len(names) == len(set(names))
        led = {str(node.attributes["href"])[1:] for node in nodes if node.tag == "a"}
        for attribute in ("aria-labelledby", "aria-describedby"):
            led |= {str(node.attributes[attribute]) for node in nodes if attribute in node.attributes}
        assert led <= set(names)

    def test_every_table_can_be_walked(self, make: Make, language: Any) -> None:
        root = Tree(page(make(), language)).root
        tables = list(root.every("table"))
        boxes = [node for node in root.every("div") if node.attributes.get("role") == "region"]
        assert len(tables) == len(boxes) > 0
        for box, table in zip(boxes, tables, strict=True):
            (caption,) = table.every("caption")
            assert caption.text
            assert box.attributes["tabindex"] == "0"
            assert box.attributes["aria-label"] == caption.text
            assert all(head.attributes["scope"] in {"row", "col"} for head in table.every("th"))
            assert len({len(row.children) for row in table.every("tr")}) == 1

    def test_is_the_same_for_the_same_report(self, make: Make, language: Any) -> None:
        assert page(make(), language) == page(make(), language)


def walk(node: Any) -> Any:
    yield node
    for child in node.children:
        yield from walk(child)


def test_every_lever_has_a_row_under_its_budget(language: Any) -> None:
    report = sample.report()
    (section,) = (one for one in sections(report, language) if one.attributes["aria-labelledby"] == "levers")
    folds = list(section.every("details"))
    assert [len(next(iter(fold.every("tbody"))).children) for fold in folds] == [
        sum(row["budget"] == n for row in report["levers"]) for n in report["budgets"]
    ]
    assert [n for n, fold in zip(report["budgets"], folds, strict=True) if "open" in fold.attributes] == [60]


def sections(report: dict[str, Any], language: Any) -> list[Any]:
    return list(Tree(page(report, language)).root.every("section"))


@pytest.mark.parametrize(
    ("section", "said"),
    [
        (
            "levers",
            ["more than 240", "fewer than 15", "stopped early", "▼ harmful", "□ not worth it here", "○ inconclu"],
        ),
        ("credit", ["pseudo × retrieve", "all together", "beyond the budgets measured"]),
        ("forecast", ["not reachable with this model", "392 [304, 571]", "[548, ∞]", "0.720 [0.652, 0.841]"]),
        ("next", ["Label 60 more", "✓ chosen", "0.626 [0.608, 0.644]", "plain"]),
        ("answers", ["reveals 60 more", "below 60", "12 refused", "✓ right", "have made the score 0.702"]),
        (
            "agreement",
            ["Of the 12 gains", "sees 11 the same way: share 0.917 [0.646, 0.985]", "+0.014 [+0.003, +0.026]"],
        ),
        (
            "measured",
            ["40 of 240 cells", "augment after 4 orders, retrieve after 6", "5 of 6 intervals", "1,000", "lora"],
        ),
    ],
)
def test_a_section_says(section: str, said: list[str]) -> None:
    (found,) = (one for one in sections(sample.report(), "en") if one.attributes["aria-labelledby"] == section)
    text = found.text.replace("\u00a0", " ")
    assert not [words for words in said if words not in text]


def test_what_was_not_measured_is_said_to_be(language: Any) -> None:
    said = {one.attributes["aria-labelledby"]: one.text for one in sections(sample.bare(), language)}
    index = ("en", "zh").index(language)
    for name in ("credit", "forecast", "answers"):
        assert WORDS["none"][index] in said[name]
    assert WORDS["no agreement"][index] in said["agreement"]


@pytest.mark.parametrize(("limit", "told"), [(0.84, True), (1.0, False)])
def test_a_limit_that_is_only_where_fits_end_is_not_told(limit: float, told: bool) -> None:
    report = sample.report()
    report["fit"]["asymptote"] = {"value": limit, "low": 0.6, "high": 1.0}
    (section,) = (one for one in sections(report, "en") if one.attributes["aria-labelledby"] == "forecast")
    assert (f"which tends to {limit:.3f}" in section.text) is told
    assert ("cannot tell where it ends" in section.text) is not told


def test_a_known_answer_read_wrong_is_on_top_of_the_page() -> None:
    report = sample.report()
    report["calibration"]["copy"][0]["holds"] = False
    report["calibration"]["leak"]["refused"] = 0
    text = page(report, "en")
    assert "✗ 3 of 5 read right" in text
    assert text.count("✗ wrong") == 2


def test_agreement_without_a_difference(language: Any) -> None:
    report = sample.report()
    report["agreement"]["disagreements"] = []
    assert WORDS["no disagreement"][("en", "zh").index(language)] in page(report, language)


def test_evidence_may_be_in_both_languages() -> None:
    report = sample.report()
    report["next"]["evidence"] = [{"en": "because of it", "zh": "因为它"}]
    assert "because of it" in page(report, "en")
    assert "因为它" in page(report, "zh")


def test_no_lever_was_measured(language: Any) -> None:
    assert "<svg" in page(sample.report() | {"levers": []}, language)


def test_one_budget(language: Any) -> None:
    report = sample.bare()
    only = {
        "budgets": [15],
        "curve": report["curve"][:1],
        "levers": [row for row in report["levers"] if row["budget"] == 15],
    }
    assert "<svg" in page(report | only, language)
