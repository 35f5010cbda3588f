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

from satiety.errors import DataError
from satiety.heads import HEADS
from satiety.records import Example
from satiety.section import FIELDS

if TYPE_CHECKING:
    from satiety.heads.solver import Solver
    from satiety.problems import Prediction, Problem
    from satiety.records import Document
    from satiety.tuning.workbench import Workbench

Answering = Callable[[Sequence[Example], Sequence[str]], "list[Prediction]"]
"""Learns from examples, then answers for texts: confidences are calibrated on the examples people labelled."""


class SelfTraining(BaseModel):
    """How many raw texts are learned from, and how sure of them the model must be."""

    model_config = FIELDS

    rounds: int = Field(ge=1, le=10, default=3)
    """How often it learns, labels, and chooses anew."""
    quota: float = Field(gt=0, le=100, default=2.0)
    """Texts taken in the last round, for each labelled example; the rounds before take their share of it."""
    confidence: float = Field(ge=0, lt=1, default=0.6)
    """Least calibrated probability of a label that is taken."""

    def grow(
        self,
        examples: Sequence[Example],
        documents: Sequence[Document],
        answer: Answering,
        stratum: Callable[[Example], str],
    ) -> tuple[Example, ...]:
        """Return the examples and, after them, the documents that were taken, with the labels they were given."""
        taken: tuple[Example, ...] = ()
        shares = Counter(stratum(example) for example in examples if example.origin == "gold")
        for turn in range(1, self.rounds + 1):
            answers = answer([*examples, *taken], [document.text for document in documents])
            by_class: dict[str, list[Example]] = defaultdict(list)
            for example in self._sure(documents, answers):
                by_class[stratum(example)].append(example)
            quota = self.quota * turn / self.rounds
            taken = tuple(
                one for name, count in sorted(shares.items()) for one in by_class[name][: round(quota * count)]
            )
        return (*examples, *taken)

    def _sure(self, documents: Sequence[Document], answers: Sequence[Prediction]) -> Iterator[Example]:
        """Yield what is sure enough as examples, the surest first."""
        found = [pair for pair in zip(documents, answers, strict=True) if pair[1].confidence >= self.confidence]
        for document, prediction in sorted(found, key=lambda pair: -pair[1].confidence):
            yield Example(document.id, {"text": document.text}, prediction.answer, origin="pseudo")


def unlabelled(problem: Problem) -> str | None:
    """Return why a model of the problem cannot label raw texts for itself; None where it can."""
    if HEADS[problem.head].writes:
        return f"raw texts that a model labelled itself teach a linear head, and the problem {problem.kind!r} has none"
    if len(problem.inputs) > 1:
        return f"raw texts have no answer to the problem {problem.kind!r}, which asks for {', '.join(problem.inputs)}"
    if not problem.confident:
        return f"answers to the problem {problem.kind!r} come without a confidence, so none can be taken for sure"
    return None


def self_trained(bench: Workbench, solver: Solver) -> tuple[Example, ...]:
    """Follow the examples of a setting by raw texts that a head on the untouched model labelled.

    Raises:
        DataError: there is no raw text.
    """
    from satiety.tuning.inputs import teachable
    from satiety.tuning.solved import calibrated

    problem, setting, documents = bench.problem, bench.setting, bench.setting.documents
    assert setting.params.pseudo  # noqa: S101  # asked for
    if not documents:
        raise DataError(
            "finetune: there is no raw text for a lever of kind pseudo; put one of kind retrieve into `use`"
        )
    asked = problem.ask([document.text for document in documents])
    windows = bench.windows(asked)
    rows = bench.features(windows)

    def answer(examples: Sequence[Example], _: Sequence[str]) -> list[Prediction]:
        head = bench.solve(examples, teachable(bench.windows(examples), problem), solver)
        return problem.decode(asked, windows, calibrated(head, rows))

    return setting.params.pseudo.grow(setting.train, documents, answer, problem.stratum)
