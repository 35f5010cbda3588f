"""A paraphrase: the answer is a generated text, scored by its characters in common with the gold text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from satiety.core.answers import Text
from satiety.core.records import Example
from satiety.problems.base import PROBLEMS, Prediction, Problem
from satiety.problems.windows import GeneratedText, Window, text_windows

if TYPE_CHECKING:
    from satiety.core.answers import Answer
    from satiety.problems.base import Floats, ZeroShotModel

TEXTS = {
    "en": (("the film is good", "a good film"), ("rain in paris", "paris is wet")),
    "zh": (("巴黎的酒店很好。", "The hotel is good."), ("这部电影很差。", "This film is bad.")),
}


@PROBLEMS.register("made_up_writing")
class MadeUp(Problem):
    """Paraphrase a text."""

    headline: ClassVar = "common"
    metrics: ClassVar = ("common",)
    gold: ClassVar = "words"
    answer: ClassVar = Text
    head: ClassVar = "seq2seq"

    @property
    def head_params(self) -> dict[str, Any]:
        return {"max_new_tokens": 32}

    def parse(self, cell: Any) -> Text:
        return Text.from_json(cell)

    def fit_labels(self, examples: Sequence[Example]) -> Self:
        return self

    @property
    def classes(self) -> tuple[str, ...]:
        return ()

    def stratum(self, example: Example) -> str:
        return example.language

    def encode(self, examples: Sequence[Example], tokenizer: Any, max_length: int) -> list[Window]:
        def tokenize_answer(example: Example) -> list[int]:
            if example.answer is None:
                return []
            ids = tokenizer(text_target=_get_text(example.answer), add_special_tokens=False)["input_ids"]
            return [*ids, tokenizer.eos_token_id]

        windows = text_windows(self, examples, tokenizer, max_length)
        return [replace(window, targets=tokenize_answer(examples[window.example])) for window in windows]

    def decode(
        self, examples: Sequence[Example], windows: Sequence[Window], logits: Sequence[GeneratedText]
    ) -> list[Prediction]:
        generated: dict[int, list[GeneratedText]] = {i: [] for i in range(len(examples))}
        for window, generated_text in zip(windows, logits, strict=True):
            generated[window.example].append(generated_text)
        return [
            Prediction(Text(" ".join(part.text for part in parts)), min(part.confidence for part in parts))
            for parts in generated.values()
        ]

    def tally(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> Floats:
        """Return the similarity of each answer to the gold answer, and 1; shape (examples, 2)."""
        pairs = zip(gold, predicted, strict=True)
        return np.array(
            [[SequenceMatcher(None, _get_text(e.answer), _get_text(p.answer)).ratio(), 1.0] for e, p in pairs]
        )

    def metrics_from_counts(self, tallies: Floats) -> dict[str, Floats]:
        return {"common": tallies[..., 0] / np.maximum(tallies[..., 1], 1)}

    def zero_shot(self, train: Sequence[Example], examples: Sequence[Example], base: ZeroShotModel) -> list[Prediction]:
        assert base.generate is not None
        return base.generate(examples)

    def confidence_correct(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> list[tuple[float, bool]]:
        return []

    def confusions(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> list[tuple[str, str]]:
        return []

    def examples(self, language: str) -> list[Example]:
        return [Example(str(i), {"text": text}, Text(answer)) for i, (text, answer) in enumerate(TEXTS[language])]

    def signature(self) -> dict[str, Any]:
        return {"type": "string"}


def _get_text(answer: Answer | None) -> str:
    return answer.text if isinstance(answer, Text) else ""
