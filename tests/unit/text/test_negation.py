"""Negations and numbers stay where they are, whatever a random edit does around them."""

import random

import pytest

from satiety.levers.augment import AUGMENTERS
from satiety.levers.augment.word_edits import find_words
from satiety.text.negation import is_negation_or_number

TEXTS = {
    "en": "I don't think the 3 waiters were not friendly, and nobody waited two hours without a drink",
    "zh": "我没有觉得这三个服务员不友好，也没人等了两个小时，房间并非不干净",
}


@pytest.mark.parametrize(
    "word",
    [
        "not",
        "NOT",
        "isn't",
        "isn’t",
        "dont",
        "42",
        "3rd",
        "seven",
        "seventeen",
        "ninety",
        "dozen",
        "mustnt",
        "不",
        "没有",
        "不舒服",
        "别",
        "无",
        "三个",
        "第二",
    ],
)
def test_negations_and_numbers_are_recognised(word: str) -> None:
    assert is_negation_or_number(word)


@pytest.mark.parametrize("word", ["note", "knot", "nice", "want", "tent", "特别", "非常", "舒服", "别人", "iPhone", ""])
def test_other_words_are_not(word: str) -> None:
    assert not is_negation_or_number(word)


@pytest.mark.parametrize("language", list(TEXTS))
@pytest.mark.parametrize("augmenter", ["drop", "swap"])
def test_no_copy_loses_or_moves_a_negation_or_a_number(augmenter: str, language: str) -> None:
    text = TEXTS[language]
    fixed = [text[start:end] for start, end in find_words(text) if is_negation_or_number(text[start:end])]
    assert len(fixed) > 3
    edits = {"drop": {"probability": 0.5, "copies": 50}, "swap": {"alpha": 0.9, "copies": 50}}[augmenter]
    copies = [copy.text for copy in AUGMENTERS[augmenter](**edits).rewrite(text, language, random.Random(1))]
    assert len(set(copies)) > 10
    for copy in copies:
        position = 0
        for word in fixed:
            position = copy.index(word, position) + len(word)
