"""The table of texts: both languages say the same, every text is used, and the words are the field's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from examples.year.page import page as year
from satiety.monitor.page import page as drift
from satiety.report import render
from satiety.report.render import LANGUAGES, Language, texts
from satiety.validate.pages import render_pages as docs
from satiety.validate.screening import RuleFinding, ScreenedTable, Witness
from satiety.validate.suites import Rule, Suite
from satiety.worth.page import page as worth
from tests.services.test_opinion_page import board, build_assessment
from tests.unit.examples.test_year import simulate_year
from tests.unit.monitor.test_page import REPORT, SCORE, TABLE, TIMES
from tests.unit.worth import sample

SENTENCES = (
    "satiety/package/card.py",
    "satiety/worth/advice.py",
    "satiety/worth/report.py",
    "satiety/monitor/verdict.py",
    "satiety/monitor/traffic_window.py",
)
LONGEST = 35
"""Words of a sentence."""
UNWANTED = "杠杆|你|开发标注|先知|\\bplain\\b|random order|\\bcell|pseudo|\\bquick\\b|full depth|\\blook\\b|rehears"


@pytest.mark.parametrize("key", texts())
def test_a_text_is_in_both_languages_with_the_same_values(key: str) -> None:
    english, chinese = (texts()[key][language] for language in LANGUAGES)
    assert set(texts()[key]) == set(LANGUAGES)
    fields = [sorted(re.findall(r"{(\w+)", text)) for text in (english, chinese)]
    assert fields[0] == fields[1]
    assert english != chinese
    assert not re.search("[\u3000-\u9fff\uff00-\uffef]", english)


def test_texts_have_short_sentences_and_no_unwanted_words() -> None:
    for key, text in texts().items():
        assert not re.search(UNWANTED, f"{text['en']} {text['zh']}", re.IGNORECASE), key
        assert all(len(sentence.split()) <= LONGEST for sentence in re.split(r"[.;:] ", text["en"])), key


def iterate_worth_reports() -> Iterator[dict[str, Any]]:
    yield from (sample.report(), sample.bare(), sample.report() | {"fit": None}, sample.report() | {"depth": "proxy"})
    failed, agreed, unclear = sample.report(), sample.report(), sample.report()
    failed["calibration"]["copy"][0]["holds"] = False
    agreed["agreement"]["disagreements"] = []
    agreed["fit"]["asymptote"]["value"] = 1.0
    agreed["levers"][0]["refused"] = 10
    unclear["saved"] |= {"runs": 0, "stopped": []}
    unclear["agreement"] |= {"runs": 0, "agree": 0, "share": None, "disagreements": []}
    yield from (failed, agreed, unclear)


def iterate_drift_reports() -> Iterator[dict[str, Any]]:
    kinds = ("mmd", "softmax", "labels", "length", "knn_distance", "vocabulary")
    tests = {kind: {"difference": 0.1, "threshold": 0.2, "p": place / 7} for place, kind in enumerate(kinds)}
    details = {
        "window": {"texts": 500, "left_out": None, **TIMES},
        "drift": {"p": 0.01, "tests": tests},
        "feedback": {"answers": 9, "score": SCORE, "change": SCORE, "overconfidence": SCORE},
        "cost": {"value": 9, "low": 1, "high": 20, "total": 60},
        "only_shares": {"holds": False, "p": 0.01},
        "terms": [{"word": "x", "reference": 0.1, "window": 0.2, "example": "x y"}],
        "outliers": ["x"],
    }
    yield {**REPORT, **details}
    yield {**REPORT, **details, "feedback": None, "terms": [], "labels": {}}
    yield {**REPORT, **details, "window": {"texts": 500, **TABLE}}


def iterate_findings() -> Iterator[RuleFinding]:
    for level in ("row", "table", "report"):
        for passed in (True, False):
            rule = Rule("expect_x", {}, level, "because")  # type: ignore[arg-type]
            yield RuleFinding(rule, passed, "x", "y", witnesses=() if passed else (Witness("a", "b", "c"),))


def write_every_page(language: Language) -> None:
    for report in iterate_worth_reports():
        worth(report, language)
    for report in iterate_drift_reports():
        drift(report, language)
    months = [build_month(decision) for decision in ("promoted", "kept", "refused", "none")]
    months[0]["world"]["planted"] = ["opening", "labels"]
    year({**simulate_year(), "months": [*months, *simulate_year()["months"]]}, language)
    live = board()
    live.page(language)
    for verdict in ("too little history", "surge"):
        live.add(tuple(replace(build_assessment(40, topic, 9, verdict), begins=False) for topic in "abc"))
        live.page(language)
    calm = type(live)(live.stream_params, 2, 1)
    calm.page(language)
    calm.add((build_assessment(1, "a", 1, "as expected"),))
    calm.page(language)
    docs([ScreenedTable(Suite("mine", Path(), ()), 9, [], [], list(iterate_findings()))], {"train": {"good": 1}})


def build_month(decision: str) -> dict[str, Any]:
    month = simulate_year()["months"][1]
    return {**month, "retraining": {**month["retraining"], "decision": decision}}


def find_sentence_keys() -> set[str]:
    """Return the keys of sentences, which stand in the code as they are: tests of each sentence call them."""
    source = "".join(Path(module).read_text(encoding="utf-8") for module in SENTENCES)
    return {
        key
        for key in re.findall(r'"(\w+\.[^"{}]+)"', source)
        if key.split(".")[0] in ("lever", "advice", "verdict", "scores")
    }


def test_every_text_is_used_and_every_used_text_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    used_keys: set[str] = set()

    class Recorded(dict[str, Any]):
        def __getitem__(self, key: str) -> Any:
            used_keys.add(key)
            return super().__getitem__(key)

    monkeypatch.setattr(render, "texts", lambda: Recorded(texts()))
    for language in LANGUAGES:
        write_every_page(language)
    assert set(texts()) == used_keys | find_sentence_keys()
