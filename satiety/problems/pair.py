"""One label for a pair of texts: entailment, duplicate questions, whether an answer fits a question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from satiety.core.answers import Label
from satiety.core.records import Example
from satiety.problems.base import PROBLEMS, Prediction
from satiety.problems.one_label import OneLabel

if TYPE_CHECKING:
    from satiety.problems.base import ZeroShotModel

TEXTS = {
    "en": (
        ("A man plays the guitar.", "Somebody makes music."),
        ("The shop opens at nine.", "It is never open."),
    ),
    "zh": (("一个男人在弹吉他。", "有人在演奏音乐。"), ("这家店九点开门。", "这家店从不开门。")),
}


@PROBLEMS.register("pair")
class Pair(OneLabel):
    """Predict one label for a pair of texts."""

    inputs: ClassVar = ("text", "text_b")

    @classmethod
    def sample(cls) -> Self:
        return cls(labels=["entailed", "not entailed"])

    def zero_shot(self, train: Sequence[Example], examples: Sequence[Example], base: ZeroShotModel) -> list[Prediction]:
        """Predict the label frequencies of the training examples: names of labels do not describe a relation."""
        counts = Counter(self.stratum(example) for example in train)
        weights = np.array([[counts[label] + 1.0 for label in self.classes]])
        return self.predict_from_weights(np.repeat(weights, len(examples), axis=0)) if examples else []

    def examples(self, language: str) -> list[Example]:
        answers = [Label(self.classes[0]), Label(self.classes[-1])]
        return [
            Example(str(i), {"text": first, "text_b": second}, answers[i])
            for i, (first, second) in enumerate(TEXTS[language])
        ]
