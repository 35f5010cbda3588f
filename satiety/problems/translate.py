"""A text in another language for a text; so, too, a summary of it, or whatever else is a text for a text.

The score is chrF (Popović 2015, W15-3049): F2 over runs of one to six characters, which serves Chinese and English
alike. Beside it stands BLEU (Papineni et al. 2002, P02-1040), of Chinese references by characters. Both count as
sacreBLEU does (Post 2018, W18-6319), and are functions of sums over examples.
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
"""Longest run of characters that chrF counts."""
BETA = 2
"""How many times recall weighs as much as precision, in chrF."""
CHRF = 3 * ORDERS
"""Counts of chrF: of each order the runs written, those of the reference, and those in both. BLEU's follow."""
TEXTS = {
    "en": (("The hotel in Paris is good.", "巴黎的酒店很好。"), ("This film is bad.", "这部电影很差。")),
    "zh": (("巴黎的酒店很好。", "The hotel in Paris is good."), ("这部电影很差。", "This film is bad.")),
}
_UNSPACED = re.compile(f"[{CJK}\u3001\u3002\uff01-\uff1f]")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
log = logging.getLogger(__name__)


@PROBLEMS.register("translate")
class Translate(Problem):
    """Write a text for a text: its translation."""

    headline: ClassVar = "chrf"
    metrics: ClassVar = ("chrf", "bleu")
    gold: ClassVar = "translation"
    answer: ClassVar = Text
    head: ClassVar = "seq2seq"

    max_new_tokens: int = Field(ge=1, le=1024, default=128, examples=[32])
    """Tokens that are written to a window at most, the end's among them; of examples whose translation is longer
    nothing is learned."""
    beams: int = Field(ge=1, le=16, default=1)
    """Beginnings that are pursued side by side while writing; 1 takes the likeliest token each time."""

    @property
    def head_params(self) -> dict[str, Any]:
        return {"max_new_tokens": self.max_new_tokens, "beams": self.beams}

    def parse(self, cell: Any) -> Text:
        """Return one translation, or several that are as right: a list of them, the one to learn from first."""
        if isinstance(cell, list | tuple) and not cell:
            raise ValueError("there is no translation")
        return Text.from_json(cell)

    def check(self, inputs: Inputs, answer: Answer) -> None:
        if not all(text.strip() for text in answer.texts):
            raise ValueError("the translation is empty")

    def merge(self, answers: Sequence[Answer]) -> Answer | None:
        """Return a text's translations as alternatives; the commonest, of equals the first by its characters, leads."""
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
        """Return windows, with the tokens of the translation where one window holds the whole text."""
        windows = text_windows(self, examples, tokenizer, max_length)
        parts = Counter(window.example for window in windows)
        targets = [self._tokens(example.answer, tokenizer) for example in examples]
        is_learnable = [
            bool(tokens) and parts[i] == 1 and len(tokens) <= self.max_new_tokens for i, tokens in enumerate(targets)
        ]
        if skipped := sum(map(bool, targets)) - sum(is_learnable):
            log.warning(
                "%s: of %d examples nothing is learned: the text is longer than a window, or the translation than %d "
                "tokens (longest)",
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
        """Join what was written to a long text's windows; the confidence is the mean of theirs."""
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
        """Return the counts of chrF, against its nearest reference, and of BLEU, against all; shape (examples, 28)."""
        rows = [_counts(_texts(e.answer), _text(p.answer)) for e, p in zip(gold, predicted, strict=True)]
        return np.array(rows, dtype=np.float64).reshape(len(gold), CHRF + 10)

    def metrics_from_counts(self, tallies: Floats) -> dict[str, Floats]:
        rows = tallies[..., CHRF:].reshape(-1, 10)
        bleu = np.array([_bleu(row) for row in rows]).reshape(tallies.shape[:-1])
        return {"chrf": _chrf(tallies[..., :CHRF]), "bleu": bleu}

    def zero_shot(self, train: Sequence[Example], examples: Sequence[Example], base: ZeroShotModel) -> list[Prediction]:
        """Answer by what the base model writes of its own accord: it may have learned to translate."""
        if base.generate is None:
            raise ValueError("translate: before any training only the base model can answer")
        return base.generate(examples)

    def confidence_correct(self, gold: Sequence[Example], predicted: Sequence[Prediction]) -> list[tuple[float, bool]]:
        """Return nothing: a translation is more or less right, and its confidence is that of one wording of many."""
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
    """Return the parts of a text as one, with a blank between them where its script has blanks."""
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
    """Return what sacreBLEU counts of one text: CHRF numbers, and BLEU's ten."""
    metrics = _metrics(bool(_HAN.search(references[0])))
    streams = [[reference] for reference in references]
    return [int(count) for metric in metrics for count in metric._extract_corpus_statistics([hypothesis], streams)[0]]


def _chrf(counts: Floats) -> Floats:
    """Return F-beta of the mean precision and recall over the orders that both texts have; in [0, 1].

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
    """Return BLEU in [0, 1] of sacreBLEU's summed counts, shape (10,)."""
    return float(_metrics(False)[1]._compute_score_from_stats(counts.tolist()).score) / 100
