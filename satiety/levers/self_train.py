"""Self-training: a model of the labelled examples labels raw texts, and learns from those it is surest of.

Rounds take ever more of them; every class gives its share, as often as people gave it, so that no class drowns the
others; confidences are calibrated, so that "sure" means as often right as it says.

Source: Lee 2013, Pseudo-Label (ICML workshop); class-balanced, growing self-training: Zou et al. 2018,
arXiv:1810.07911; Wei et al. 2021, CReST, arXiv:2102.09559; calibration first: Guo et al. 2017, arXiv:1706.04599.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from satiety.core.records import Example
from satiety.core.section import FIELDS
from satiety.heads import HEADS

if TYPE_CHECKING:
    from satiety.core.records import Document
    from satiety.problems import Prediction, Problem

Labeler = Callable[[Sequence[Example], Sequence[str]], "list[Prediction]"]
"""Learns from examples, then answers for texts: confidences are calibrated on the examples people labelled."""


class SelfTraining(BaseModel):
    """How many raw texts are learned from, and how sure of them the model must be."""

    model_config = FIELDS

    rounds: int = Field(ge=1, le=10, default=3)
    """How often it learns, labels, and chooses anew."""
    max_per_label: float = Field(gt=0, le=100, default=2.0)
    """Texts taken in the last round, for each labelled example; the rounds before take their share of it."""
    confidence: float = Field(ge=0, lt=1, default=0.6)
    """Least calibrated probability of a label that is taken."""

    def run_rounds(
        self,
        examples: Sequence[Example],
        documents: Sequence[Document],
        label_texts: Labeler,
        stratum: Callable[[Example], str],
    ) -> tuple[Example, ...]:
        """Return the examples and, after them, the documents that were taken, with the labels they were given."""
        pseudo_labelled: tuple[Example, ...] = ()
        shares = Counter(stratum(example) for example in examples if example.origin == "gold")
        for round_number in range(1, self.rounds + 1):
            predictions = label_texts([*examples, *pseudo_labelled], [document.text for document in documents])
            examples_by_class: dict[str, list[Example]] = defaultdict(list)
            for example in self._iter_confident(documents, predictions):
                examples_by_class[stratum(example)].append(example)
            limit = self.max_per_label * round_number / self.rounds
            pseudo_labelled = tuple(
                example
                for name, count in sorted(shares.items())
                for example in examples_by_class[name][: round(limit * count)]
            )
        return (*examples, *pseudo_labelled)

    def _iter_confident(self, documents: Sequence[Document], predictions: Sequence[Prediction]) -> Iterator[Example]:
        """Yield what is sure enough as examples, the surest first."""
        confident = [pair for pair in zip(documents, predictions, strict=True) if pair[1].confidence >= self.confidence]
        for document, prediction in sorted(confident, key=lambda pair: -pair[1].confidence):
            yield Example(document.id, {"text": document.text}, prediction.answer, origin="pseudo")


def explain_unsupported(problem: Problem) -> str | None:
    """Return why a model of the problem cannot label raw texts for itself; None where it can."""
    if HEADS[problem.head].is_generative:
        return f"raw texts that a model labelled itself teach a linear head, and the problem {problem.kind!r} has none"
    if len(problem.inputs) > 1:
        return f"raw texts have no answer to the problem {problem.kind!r}, which asks for {', '.join(problem.inputs)}"
    if not problem.has_confidence:
        return f"answers to the problem {problem.kind!r} come without a confidence, so none can be taken for sure"
    return None
