"""One number per text, such as a rating, a price or a grade."""

from __future__ import annotations

from satiety.core.answers import Number
from satiety.core.records import Example
from satiety.problems.base import PROBLEMS
from satiety.problems.one_number import OneNumber

TEXTS = {
    "en": ("The delivery came a day early and everything works.", "It broke twice and nobody answers."),
    "zh": ("快递提前一天到了，东西都很好用。", "两次都坏了，写信也没有人回复。"),
}


@PROBLEMS.register("regress")
class Regress(OneNumber):
    """Predict one number per text, such as a rating."""

    def examples(self, language: str) -> list[Example]:
        numbers = (4.5, 1.0)
        return [Example(str(i), {"text": text}, Number(numbers[i])) for i, text in enumerate(TEXTS[language])]
