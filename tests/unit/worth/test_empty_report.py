"""A problem that has no linear head is said not to be measured, wherever the meter is read."""

import pytest

from cli.report import _describe_worth
from cli.worth import describe_sanity_checks
from flows.artifacts import render_meter, tabulate_levers
from satiety.problems import PROBLEMS
from satiety.report.render import Language
from satiety.worth.page import page
from satiety.worth.report import build_empty_report
from tests.unit.worth.material import worth

TOLD = build_empty_report(PROBLEMS["translate"].sample(), worth(), 140, 60)
MESSAGE = "Not measured: the meter trains linear heads on a frozen encoder, but the answers of translate are generated"


@pytest.mark.parametrize(
    ("language", "message"), [("en", MESSAGE), ("zh", "没有测量：计量器在冻结的编码器上训练线性头")]
)
def test_the_page_says_so_and_what_to_do_instead(language: Language, message: str) -> None:
    shown = page(TOLD, language)
    assert message in shown
    assert TOLD["next"]["sentence"][language] in shown
    assert "<svg" not in shown
    assert f'lang="{language}"' in shown


def test_who_reads_the_report_finds_it_in_the_usual_shape() -> None:
    assert MESSAGE in _describe_worth(TOLD)
    assert "none ran" in describe_sanity_checks(TOLD)
    assert MESSAGE in render_meter(TOLD)
    assert tabulate_levers(TOLD) == []
    assert (TOLD["metric"], TOLD["depth"], TOLD["curve"], TOLD["labels"], TOLD["test"]) == ("chrf", "none", [], 140, 60)
