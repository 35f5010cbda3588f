"""One label per text, such as sentiment, topic or intent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import Field

from satiety.core.answers import Label
from satiety.core.records import Example
from satiety.problems.base import PROBLEMS, Prediction
from satiety.problems.one_label import OneLabel

if TYPE_CHECKING:
    from satiety.problems.base import ZeroShotModel

TEXTS = {
    "en": ("The delivery came a day early and everything works.", "It broke twice and nobody answers."),
    "zh": ("快递提前一天到了，东西都很好用。", "两次都坏了，写信也没有人回复。"),
}


@PROBLEMS.register("classify")
class Classify(OneLabel):
    """Predict one label per text."""

    names: dict[str, str] = Field(default_factory=dict)
    """Names of labels in words, such as ``{"0": "finance"}``, for the zero-shot baseline."""

    @classmethod
    def sample(cls) -> Self:
        return cls(labels=["bad", "good"], names={})

    def label_names(self) -> list[str]:
        names = [self.names.get(label, label) for label in self.classes]
        return [name if any(character.isalpha() for character in name) else "" for name in names]

    def zero_shot(self, train: Sequence[Example], examples: Sequence[Example], base: ZeroShotModel) -> list[Prediction]:
        """Predict the label whose name has the most similar embedding in the base model."""
        names = base.embed([self.names.get(label, label) for label in self.classes])
        similarity = base.embed([example.text for example in examples]) @ names.T
        return self.predict_from_weights(np.exp(similarity - similarity.max(axis=1, keepdims=True)))

    def examples(self, language: str) -> list[Example]:
        answers = [Label(self.classes[-1]), Label(self.classes[0])]
        return [Example(str(i), {"text": text}, answers[i]) for i, text in enumerate(TEXTS[language])]
