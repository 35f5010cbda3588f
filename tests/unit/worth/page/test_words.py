"""Wordings: both languages say the same, with the same values, and none is left over."""

import re
from typing import Any

import pytest

from satiety.worth.page import page, voice
from satiety.worth.page.words import SIGNS, WORDS
from tests.unit.worth.page import sample


@pytest.mark.parametrize("key", WORDS)
def test_both_languages_take_the_same_values(key: str) -> None:
    english, chinese = (sorted(re.findall(r"{(\w+)}", text)) for text in WORDS[key])
    assert english == chinese


def test_chinese_is_chinese() -> None:
    same = {key for key, (english, chinese) in WORDS.items() if english == chinese}
    assert same == {"eyebrow"}
    assert not [key for key, (english, _) in WORDS.items() if re.search("[\u3000-\u9fff\uff00-\uffef]", english)]


def test_every_verdict_has_words_and_a_sign_of_its_own() -> None:
    assert len(set(SIGNS.values())) == len(SIGNS) == 4
    assert set(SIGNS) <= set(WORDS)


def test_every_wording_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    used: set[str] = set()

    class Heard(dict[str, Any]):
        def __getitem__(self, key: str) -> Any:
            used.add(key)
            return super().__getitem__(key)

    monkeypatch.setattr(voice, "WORDS", Heard(WORDS))
    wrong, agreed, unclear = sample.report(), sample.report(), sample.report()
    unclear["agreement"] |= {"cells": 0, "agree": 0, "share": None, "disagreements": []}
    wrong["calibration"]["copy"][0]["holds"] = False
    agreed["agreement"]["disagreements"] = []
    agreed["fit"]["asymptote"]["value"] = 1.0
    agreed["levers"][0]["refused"] = 10
    for report in (sample.report(), sample.bare(), wrong, agreed, unclear, sample.report() | {"fit": None}):
        page(report, "en")
    assert used == set(WORDS)
