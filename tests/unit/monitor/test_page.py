"""The drift page of a table and of traffic, in both languages."""

from __future__ import annotations

from typing import Any

import pytest

from satiety.monitor.page import minute, page
from satiety.monitor.verdict import explain_unmeasured
from satiety.report.render import Language

SCORE = {"value": 0.5, "low": 0.4, "high": 0.6}
HARM = {"en": "Harmful drift.", "zh": "有害的漂移。"}
LEFT = {"en": "1 of 9 rows left out: <b>", "zh": "9 行中略去 1 行：<b>"}
TIMES = {"source": "traffic", "since": "2026-11-26T22:13:14.923+00:00", "until": "2026-11-26T23:59:59.999+00:00"}
TABLE = {"source": "t.csv", "since": None, "until": None, "left_out": {"sentence": LEFT}}
REPORT: dict[str, Any] = {
    "metric": "macro_f1",
    "sentence": HARM,
    "unmeasured_metric": explain_unmeasured("macro_f1"),
    "drift": {"p": 0.01, "alarm": True, "tests": {}},
    "usual": SCORE,
    "today": SCORE,
    "feedback": None,
    "outlier_share": SCORE,
    "labels": {"bad": {"usual": 0.5, "today": SCORE}},
    "only_shares": {"holds": True, "p": None},
    "cost": None,
    "error": 0.01,
    "terms": [],
    "clusters": [{"window": 0.5, "reference": 0.1, "terms": [], "examples": ["a `text`"]}],
    "outliers": [],
    "reference": 600,
    "alpha": 0.05,
    "harm": 0.03,
    "confidence_level": 0.95,
}
FEEDBACK = {"en": "Score, from feedback", "zh": "据反馈的得分"}


def render_page(language: Language, window: dict[str, Any]) -> str:
    return page({**REPORT, "window": {"texts": 500, "left_out": None, **window}}, language)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_of_a_table_names_left_out_rows_and_no_feedback(language: Language) -> None:
    html = render_page(language, TABLE)
    assert LEFT[language].replace("<b>", "&lt;b&gt;") in html
    assert FEEDBACK[language] not in html
    assert "satiety feedback" not in html


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_of_traffic_names_its_times_and_how_to_give_feedback(language: Language) -> None:
    html = render_page(language, TIMES)
    assert "2026-11-26 22:13 UTC" in html
    assert "923" not in html
    assert FEEDBACK[language] in html
    assert "<code>satiety feedback ID LABEL</code>" in html


@pytest.mark.parametrize(("language", "unmarked"), [("en", "no characteristic word"), ("zh", "没有特有的词")])
def test_commands_are_code_and_a_cluster_without_terms_is_marked(language: Language, unmarked: str) -> None:
    html = render_page(language, TIMES)
    assert "<code>satiety worth</code>" in html
    assert unmarked in html
    assert "a `text`" in html, "texts are shown as they are"
    assert html.count("`") == 2, "only those of the text"


@pytest.mark.parametrize(("language", "words"), [("en", "shares are not reliable"), ("zh", "这些占比不可靠")])
def test_shares_whose_assumption_fails_are_marked_as_unreliable(language: Language, words: str) -> None:
    window = {"texts": 500, "left_out": None, **TIMES}
    fails = page({**REPORT, "only_shares": {"holds": False, "p": 0.012}, "window": window}, language)
    assert words not in render_page(language, TIMES)
    assert words in fails
    assert "p = 0.012" in fails


def test_a_time_is_shown_in_utc() -> None:
    assert minute("2026-11-27T06:13:14+08:00") == "2026-11-26 22:13 UTC"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_texts_are_escaped_and_long_ones_cut_off(language: Language) -> None:
    report = {**REPORT, "outliers": ["<script>f(1)</script>", "x" * 999], "labels": {}, "window": TABLE | {"texts": 5}}
    html = page(report, language)
    assert "<script" not in html
    assert "x" * 199 + "…" in html
    assert "x" * 200 not in html
    assert html == page(report, language)
