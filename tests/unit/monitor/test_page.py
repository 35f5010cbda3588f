"""The page of a look: what it says of a table and of traffic, in both languages, as people read it."""

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
TOLD: dict[str, Any] = {
    "metric": "macro_f1",
    "sentence": HARM,
    "unmeasured_metric": explain_unmeasured("macro_f1"),
    "drift": {"p": 0.01, "alarm": True, "tests": {}},
    "usual": SCORE,
    "today": SCORE,
    "feedback": None,
    "outside": SCORE,
    "labels": {"bad": {"usual": 0.5, "today": SCORE}},
    "only_shares": {"holds": True, "p": None},
    "cost": None,
    "error": 0.01,
    "terms": [],
    "clusters": [{"window": 0.5, "reference": 0.1, "terms": [], "examples": ["a `text`"]}],
    "strangest": [],
    "reference": 600,
    "alpha": 0.05,
    "harm": 0.03,
    "confidence_level": 0.95,
}
SPOKEN = {"en": "Score, from feedback", "zh": "据反馈的得分"}


def made(language: Language, window: dict[str, Any]) -> str:
    return page({**TOLD, "window": {"texts": 500, "left_out": None, **window}}, language)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_of_a_table_it_says_what_was_left_out_and_nothing_of_feedback(language: Language) -> None:
    written = made(language, TABLE)
    assert LEFT[language].replace("<b>", "&lt;b&gt;") in written
    assert SPOKEN[language] not in written
    assert "satiety feedback" not in written


@pytest.mark.parametrize("language", ["en", "zh"])
def test_of_traffic_it_says_when_and_how_to_give_feedback(language: Language) -> None:
    written = made(language, TIMES)
    assert "2026-11-26 22:13 UTC" in written
    assert "923" not in written
    assert SPOKEN[language] in written
    assert "<code>satiety feedback ID LABEL</code>" in written


@pytest.mark.parametrize(("language", "unmarked"), [("en", "no characteristic word"), ("zh", "没有特有的词")])
def test_commands_are_code_and_a_group_without_a_word_of_its_own_says_so(language: Language, unmarked: str) -> None:
    written = made(language, TIMES)
    assert "<code>satiety worth</code>" in written
    assert unmarked in written
    assert "a `text`" in written, "texts are shown as they are"
    assert written.count("`") == 2, "none but those of the text"


@pytest.mark.parametrize(("language", "words"), [("en", "shares are not reliable"), ("zh", "这些占比不可靠")])
def test_shares_whose_assumption_fails_are_not_told_as_certain(language: Language, words: str) -> None:
    window = {"texts": 500, "left_out": None, **TIMES}
    fails = page({**TOLD, "only_shares": {"holds": False, "p": 0.012}, "window": window}, language)
    assert words not in made(language, TIMES)
    assert words in fails
    assert "p = 0.012" in fails


def test_a_time_is_shown_in_utc() -> None:
    assert minute("2026-11-27T06:13:14+08:00") == "2026-11-26 22:13 UTC"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_texts_are_escaped_and_long_ones_cut_off(language: Language) -> None:
    report = {**TOLD, "strangest": ["<script>f(1)</script>", "x" * 999], "labels": {}, "window": TABLE | {"texts": 5}}
    written = page(report, language)
    assert "<script" not in written
    assert "x" * 199 + "…" in written
    assert "x" * 200 not in written
    assert written == page(report, language)
