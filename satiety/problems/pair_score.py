"""One number for a pair of texts: similarity in meaning, how well an answer fits a question.

Source: Cer et al. 2017, "SemEval-2017 Task 1: Semantic Textual Similarity" (arXiv:1708.00055), also for the cosine of
two embeddings as a baseline without labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from satiety.core.answers import Number
from satiety.core.records import Example
from satiety.problems.base import PROBLEMS, Prediction
from satiety.problems.one_number import OneNumber, number_of

if TYPE_CHECKING:
    from satiety.problems.base import Floats, ZeroShotModel

TEXTS = {
    "en": (
        ("A man plays the guitar.", "Somebody makes music."),
        ("A man plays the guitar.", "The shop opens at nine."),
    ),
    "zh": (("一个男人在弹吉他。", "有人在演奏音乐。"), ("一个男人在弹吉他。", "商店九点开门。")),
}


@PROBLEMS.register("pair_score")
class PairScore(OneNumber):
    """Predict one number for a pair of texts, such as their similarity."""

    inputs: ClassVar = ("text", "text_b")

    def zero_shot(self, train: Sequence[Example], examples: Sequence[Example], base: ZeroShotModel) -> list[Prediction]:
        """Predict the cosine of the two texts, rescaled to the training examples by least squares."""
        slope, intercept = _fit_line(_cosines(train, base), [number_of(example.answer) for example in train])
        return [Prediction(Number(float(slope * cosine + intercept))) for cosine in _cosines(examples, base)]

    def examples(self, language: str) -> list[Example]:
        numbers = (4.5, 1.0)
        return [
            Example(str(i), {"text": first, "text_b": second}, Number(numbers[i]))
            for i, (first, second) in enumerate(TEXTS[language])
        ]


def _cosines(examples: Sequence[Example], base: ZeroShotModel) -> Floats:
    """Return the cosine of the two texts of each example, shape (examples,)."""
    if not examples:
        return np.zeros(0)
    first, second = (base.embed([str(example.inputs[name]) for example in examples]) for name in PairScore.inputs)
    return np.asarray((first * second).sum(axis=1), dtype=np.float64)


def _fit_line(cosines: Floats, numbers: Sequence[float]) -> tuple[float, float]:
    """Return slope and intercept of the least-squares line; (1, 0) where it does not rise."""
    if len(set(cosines.tolist())) < 2:
        return 1.0, 0.0
    slope, intercept = np.polyfit(cosines, numbers, 1)
    return (float(slope), float(intercept)) if slope > 0 else (1.0, 0.0)
