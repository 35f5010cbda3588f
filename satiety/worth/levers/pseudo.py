"""Lever: self-training. A model of the labelled examples labels raw texts, and learns from those it is surest of.

Rounds take ever more of them; every class gives its share, as often as people gave it, so that no class drowns the
others; confidences are calibrated, so that "sure" means as often right as it says.

Source: Lee 2013, Pseudo-Label (ICML workshop); class-balanced, growing self-training: Zou et al. 2018,
arXiv:1810.07911; Wei et al. 2021, CReST, arXiv:2102.09559; calibration first: Guo et al. 2017, arXiv:1706.04599.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from satiety.records import Example
from satiety.worth.levers.base import LEVERS, Lesson, Lever

if TYPE_CHECKING:
    from satiety.problems import Prediction
    from satiety.records import Document


@LEVERS.register("pseudo")
class Pseudo(Lever):
    """Learn from raw texts that the model labelled itself."""

    place: ClassVar = 40
    reads: ClassVar = True

    rounds: int = Field(ge=1, le=10, examples=[3])
    """How often it learns, labels, and chooses anew."""
    quota: float = Field(gt=0, le=100, examples=[1.0])
    """Texts taken in the last round, for each labelled example; the rounds before take their share of it."""
    confidence: float = Field(ge=0, lt=1, examples=[0.7])
    """Least calibrated probability of a label that is taken."""

    def teach(self, examples: tuple[Example, ...], lesson: Lesson) -> tuple[Example, ...]:
        taken: tuple[Example, ...] = ()
        gold = [example for example in examples if example.origin == "gold"]
        shares = Counter(map(lesson.problem.stratum, gold))
        for turn in range(1, self.rounds + 1):
            answers = lesson.answer([*examples, *taken], [document.text for document in lesson.documents])
            labelled = self._sure(lesson.documents, answers)
            taken = self._chosen(labelled, lesson, shares, self.quota * turn / self.rounds)
        return (*examples, *taken)

    def _sure(self, documents: Sequence[Document], answers: Sequence[Prediction]) -> list[tuple[float, Example]]:
        """Return what is sure enough as examples, the surest first."""
        made = [
            (answer.confidence, Example(document.id, document.text, answer.label, answer.spans, origin="pseudo"))
            for document, answer in zip(documents, answers, strict=True)
            if answer.confidence >= self.confidence
        ]
        return sorted(made, key=lambda one: -one[0])

    def _chosen(
        self, labelled: Sequence[tuple[float, Example]], lesson: Lesson, shares: Counter[str], quota: float
    ) -> tuple[Example, ...]:
        """Return the surest of each class, as many as its share of ``quota``."""
        by_class: dict[str, list[Example]] = defaultdict(list)
        for _, example in labelled:
            by_class[lesson.problem.stratum(example)].append(example)
        return tuple(
            example for name, count in sorted(shares.items()) for example in by_class[name][: round(quota * count)]
        )
