"""Text-to-text generation, such as translation or summarisation.

The headline metric is chrF (Popović 2015, W15-3049): F2 over character n-grams of order 1 to 6, suitable for Chinese
and English. BLEU (Papineni et al. 2002, P02-1040) is also reported, with Chinese references tokenised by character.
Both use sacreBLEU's counts (Post 2018, W18-6319) and are functions of sums over examples.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from pydantic import Field

from satiety.core.answers import Text
from satiety.core.records import Example
from satiety.problems.base import PROBLEMS, Prediction, Problem, ratio
from satiety.problems.windows import GeneratedText, Window, text_windows
from satiety.text.words import CJK

if TYPE_CHECKING:
    from satiety.core.answers import Answer
    from satiety.core.inputs import Inputs
    from satiety.problems.base import Floats, ZeroShotModel

ORDERS = 6
"""Largest order of chrF's character n-grams."""
BETA = 2
"""Weight of recall relative to precision in chrF."""
CHRF = 3 * ORDERS
"""Number of chrF's counts: for each order the n-grams of hypothesis, reference and both. BLEU's counts follow."""
TEXTS = {
    "en": (("The hotel in Paris is good.", "巴黎的酒店很好。"), ("This film is bad.", "这部电影很差。")),
    "zh": (("巴黎的酒店很好。", "The hotel in Paris is good."), ("这部电影很差。", "This film is bad.")),
}
_UNSPACED = re.compile(f"[{CJK}\u3001\u3002\uff01-\uff1f]")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
log = logging.getLogger(__name__)


@PROBLEMS.register("translate")
class Translate(Problem):
    """Generate a translation of a text (or any other text for it)."""

    headline: ClassVar = "chrf"
    metrics: ClassVar = ("chrf", "bleu")
    gold: ClassVar = "translation"
    answer: ClassVar = Text
    head: ClassVar = "seq2seq"

    max_new_tokens: int = Field(ge=1, le=1024, default=128, examples=[32])
    """Maximum number of tokens generated per window, including the end token. Examples with a longer translation are
    not used for training."""
    beams: int = Field(ge=1, le=16, default=1)
    """Beams of the beam search; 1 is greedy search."""

    @property
    def head_params(self) -> dict[str, Any]:
        return {"max_new_tokens": self.max_new_tokens, "beams": self.beams}

    def parse(self, cell: Any) -> Text:
        """Return the translation in a cell; a list has alternatives, the first one for training."""
        if isinstance(cell, list | tuple) and not cell:
            raise ValueError("the list of translations is empty")
        return Text.from_json(cell)

    def check(self, inputs: Inputs, answer: Answer) -> None:
        if not all(text.strip() for text in answer.texts):
            raise ValueError("the translation is empty")

    def merge(self, answers: Sequence[Answer]) -> Answer | None:
        """Return all translations of a text as alternatives, the most frequent first (ties in alphabetical order)."""
        counts = Counter(text for answer in answers for text in answer.texts)
        reference, *alternatives = sorted(counts, key=lambda text: (-counts[text], text))
        return Text(reference, tuple(alternatives))

    def fit_labels(self, examples: Sequence[Example]) -> Self:
        return self

    @property
    def classes(self) -> tuple[str, ...]:
        return ()

    def stratum(self, example: Example) -> str:
        return example.language or "und"

    def encode(self, examples: Sequence[Example], tokenizer: Any, max_length: int) -> list[Window]:
        """Return windows; only texts of a single window have the tokens of their translation as targets."""
        windows = text_windows(self, examples, tokenizer, max_length)
        parts = Counter(window.example for window in windows)
        targets = [self._tokens(example.answer, tokenizer) for example in examples]
        is_learnable = [
            bool(tokens) and parts[i] == 1 and len(tokens) <= self.max_new_tokens for i, tokens in enumerate(targets)
        ]
        if skipped := sum(map(bool, targets)) - sum(is_learnable):
            log.warning(
                "%s: %d examples are not used for training: the text is longer than `max_length`, or the translation "
                "longer than `max_new_tokens` (%d)",
                *(self.kind, skipped, self.max_new_tokens),
            )
        return [
            replace(window, targets=targets[window.example] if is_learnable[window.example] else [])
            for window in windows
        ]

    def _tokens(self, answer: Answer | None, tokenizer: Any) -> list[int]:
        if answer is None:
            return []
        return [*tokenizer(text_target=_text(answer), add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]

    def decode(
        self, examples: Sequence[Example], windows: Sequence[Window], logits: Sequence[GeneratedText]
    ) -> list[Prediction]:
        """Join the texts generated for an example's windows; the confidence is their mean."""
        parts: list[list[GeneratedText]] = [[] for _ in examples]
        for window, generated in zip(windows, logits, strict=True):
            parts[window.example].append(generated)
        return [
            Prediction(
                Text(_join([piece.text for piece in pieces])), float(np.mean([piece.confidence for piece in pieces]))
            )
            for pieces in parts
        ]

    def tally(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> Floats:
        """Return the counts of chrF (for the best reference) and of BLEU (for all), shape (examples, 28)."""
        rows = [_counts(_texts(e.answer), _text(p.answer)) for e, p in zip(gold, predicted, strict=True)]
        return np.array(rows, dtype=np.float64).reshape(len(gold), CHRF + 10)

    def metrics_from_counts(self, tallies: Floats) -> dict[str, Floats]:
        rows = tallies[..., CHRF:].reshape(-1, 10)
        bleu = np.array([_bleu(row) for row in rows]).reshape(tallies.shape[:-1])
        return {"chrf": _chrf(tallies[..., :CHRF]), "bleu": bleu}

    def zero_shot(self, train: Sequence[Example], examples: Sequence[Example], base: ZeroShotModel) -> list[Prediction]:
        """Predict the text that the base model generates before fine-tuning."""
        if base.generate is None:
            raise ValueError("translate: the zero-shot baseline needs a generative base model")
        return base.generate(examples)

    def confidence_correct(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> list[tuple[float, bool]]:
        """Return an empty list: the confidence of one wording is not the probability of a correct translation."""
        return []

    def confusions(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> list[tuple[str, str]]:
        return []

    def examples(self, language: str) -> list[Example]:
        return [
            Example(str(i), {"text": text}, Text(translation)) for i, (text, translation) in enumerate(TEXTS[language])
        ]

    def to_json(self, inputs: Inputs, answer: Answer | None) -> Any:
        return None if answer is None else _text(answer)

    def signature(self) -> dict[str, Any]:
        return {"type": "string"}


def _text(answer: Answer | None) -> str:
    return answer.text if isinstance(answer, Text) else ""


def _texts(answer: Answer | None) -> tuple[str, ...]:
    return answer.texts if isinstance(answer, Text) else ("",)


def _join(parts: Sequence[str]) -> str:
    """Join the parts of a text, with spaces between them where the script uses spaces."""
    joined = ""
    for part in filter(None, parts):
        is_tight = not joined or _UNSPACED.match(joined[-1]) or _UNSPACED.match(part[0])
        joined += part if is_tight else f" {part}"
    return joined


@cache
def _metrics(chinese: bool) -> tuple[Any, Any]:
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    return CHRF(char_order=ORDERS, beta=BETA), BLEU(tokenize="zh" if chinese else "13a", force=True)


def _counts(references: Sequence[str], hypothesis: str) -> list[int]:
    """Return sacreBLEU's counts of one text: ``CHRF`` counts of chrF, then ten of BLEU."""
    metrics = _metrics(bool(_HAN.search(references[0])))
    streams = [[reference] for reference in references]
    return [int(count) for metric in metrics for count in metric._extract_corpus_statistics([hypothesis], streams)[0]]


def _chrf(counts: Floats) -> Floats:
    """Return F-beta of precision and recall, averaged over the orders present in both texts; in [0, 1].

    Args:
        counts: summed, shape (..., CHRF).
    """
    hypothesis, reference, shared = np.moveaxis(counts.reshape(*counts.shape[:-1], ORDERS, 3), -1, 0)
    present = (hypothesis > 0) & (reference > 0)
    orders = present.sum(-1)
    precision = ratio((ratio(shared, hypothesis) * present).sum(-1), orders)
    recall = ratio((ratio(shared, reference) * present).sum(-1), orders)
    return ratio((1 + BETA**2) * precision * recall, BETA**2 * precision + recall)


def _bleu(counts: Floats) -> float:
    """Return BLEU in [0, 1] from sacreBLEU's summed counts, shape (10,)."""
    return float(_metrics(False)[1]._compute_score_from_stats(counts.tolist()).score) / 100
