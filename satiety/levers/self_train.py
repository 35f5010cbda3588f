"""Self-training: a model fitted to the labelled examples labels raw texts and is refitted on the confident ones.

Each round adds more pseudo-labels. Every class gets a share in proportion to its gold labels, so that no class
dominates. Confidences are calibrated before they are compared with the threshold.

Sources: Lee 2013, Pseudo-Label (ICML workshop); class-balanced, growing self-training: Zou et al. 2018,
arXiv:1810.07911; Wei et al. 2021, CReST, arXiv:2102.09559; calibration: Guo et al. 2017, arXiv:1706.04599.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from satiety.core.records import Example
from satiety.core.section import FIELDS
from satiety.heads import HEADS

if TYPE_CHECKING:
    from satiety.core.records import Document
    from satiety.problems import Prediction, Problem

Labeler = Callable[[Sequence[Example], Sequence[str]], "list[Prediction]"]
"""Function that fits a model to examples and predicts texts, with confidences calibrated on the gold examples."""


class SelfTraining(BaseModel):
    """Number of rounds and of pseudo-labels, and the confidence they need."""

    model_config = FIELDS

    rounds: int = Field(ge=1, le=10, default=3)
    """Number of rounds of fitting, pseudo-labelling and selection."""
    max_per_label: float = Field(gt=0, le=100, default=2.0)
    """Maximum number of pseudo-labels per gold label in the last round; earlier rounds use a proportional part."""
    confidence: float = Field(ge=0, lt=1, default=0.6)
    """Minimum calibrated probability of a pseudo-label."""

    def run_rounds(
        self,
        examples: Sequence[Example],
        documents: Sequence[Document],
        label_texts: Labeler,
        stratum: Callable[[Example], str],
    ) -> tuple[Example, ...]:
        """Return the examples, followed by the documents selected in the last round with their pseudo-labels."""
        pseudo_labelled: tuple[Example, ...] = ()
        shares = Counter(stratum(example) for example in examples if example.origin == "gold")
        for round_number in range(1, self.rounds + 1):
            # 1. refit on gold and pseudo-labels, and predict all documents
            predictions = label_texts([*examples, *pseudo_labelled], [document.text for document in documents])

            # 2. group the confident predictions by class, most confident first
            pairs = [pair for pair in zip(documents, predictions, strict=True) if pair[1].confidence >= self.confidence]
            examples_by_class: dict[str, list[Example]] = defaultdict(list)
            for document, prediction in sorted(pairs, key=lambda pair: -pair[1].confidence):
                example = Example(document.id, {"text": document.text}, prediction.answer, origin="pseudo_label")
                examples_by_class[stratum(example)].append(example)

            # 3. select the share of each class, growing with the rounds
            limit = self.max_per_label * round_number / self.rounds
            pseudo_labelled = tuple(
                example
                for name, count in sorted(shares.items())
                for example in examples_by_class[name][: round(limit * count)]
            )
        return (*examples, *pseudo_labelled)


def explain_unsupported(problem: Problem) -> str | None:
    """Return the reason why self-training does not support a problem; None where it does."""
    if HEADS[problem.head].is_generative:
        return f"self-training needs a linear head, which the problem {problem.kind!r} does not have"
    if len(problem.inputs) > 1:
        return (
            f"self-training needs raw texts as inputs, but the problem {problem.kind!r} has the inputs "
            f"{', '.join(problem.inputs)}"
        )
    if not problem.has_confidence:
        return f"self-training needs confidences, which predictions of the problem {problem.kind!r} do not have"
    return None
