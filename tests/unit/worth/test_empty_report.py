"""For a problem without a linear head, every rendering says that nothing was measured."""

import pytest

from cli.report import _describe_worth
from cli.worth import describe_sanity_checks
from flows.artifacts import render_meter, tabulate_levers
from satiety.problems import PROBLEMS
from satiety.report.render import Language
from satiety.worth.page import page
from satiety.worth.report import build_empty_report
from tests.unit.worth.material import worth

REPORT = build_empty_report(PROBLEMS["translate"].sample(), worth(), 140, 60)
MESSAGE = "Not measured: the meter trains linear heads on a frozen encoder, but the answers of translate are generated"


@pytest.mark.parametrize(
    ("language", "message"), [("en", MESSAGE), ("zh", "没有测量：计量器在冻结的编码器上训练线性头")]
)
def test_page_says_that_nothing_was_measured_and_what_to_do(language: Language, message: str) -> None:
    html = page(REPORT, language)
    assert message in html
    assert REPORT["next"]["sentence"][language] in html
    assert "<svg" not in html
    assert f'lang="{language}"' in html


def test_empty_report_can_be_rendered_everywhere() -> None:
    assert MESSAGE in _describe_worth(REPORT)
    assert "none ran" in describe_sanity_checks(REPORT)
    assert MESSAGE in render_meter(REPORT)
    assert tabulate_levers(REPORT) == []
    assert (REPORT["metric"], REPORT["depth"], REPORT["curve"], REPORT["labels"], REPORT["test"]) == (
        "chrf",
        "none",
        [],
        140,
        60,
    )


@pytest.mark.parametrize(("language", "message"), [("en", "the meter needs a test"), ("zh", "计量器需要测试集")])
def test_without_a_test_the_page_says_what_to_label(language: Language, message: str) -> None:
    report = build_empty_report(PROBLEMS["classify"].sample(), worth(), 64, 0)
    html = page(report, language)
    assert message in html
    assert "ingest.budget" in report["next"]["sentence"][language]
    assert "split: test" in html
