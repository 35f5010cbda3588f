"""The examples of a cell -> answers for texts, at one of two depths.

``quick``: a linear head on rows that a frozen encoder made, its strength chosen by cross-validation among the
cell's own labels. Nothing of it depends on how often an example is repeated. ``full``: the
pipeline's own fine-tuning, of which a share of the labels chooses the step. Both
learn from the same examples, so a lever is the same at both.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from satiety.heads.solver import Solver, Strengths
from satiety.inputs import Inputs
from satiety.problems import Prediction
from satiety.records import Example
from satiety.worth.reading import Reader, Reading, windows

if TYPE_CHECKING:
    from random import Random

    from satiety.heads.solver import Solved
    from satiety.problems import Problem, Window
    from satiety.problems.base import Floats
    from satiety.tuning.section import Finetune

Examples = tuple[Example, ...]
Stratum = Callable[[Example], str]
Answering = Callable[[Sequence[Inputs]], "list[Prediction]"]


class QuickSolver(Solver):
    """How the heads of the quick depth are solved: with fewer labels than the pipeline's, so by stronger penalties."""

    strengths: Strengths = Field(default=[0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003], min_length=1)
    """L2 penalties to choose from, as in ``finetune``."""


@dataclass(frozen=True)
class Quick:
    """Solves heads on what an encoder made of texts."""

    problem: Problem
    reader: Reader
    solver: Solver
    how: Reading

    @cached_property
    def tokenizer(self) -> Any:
        from satiety.training.encoder import load_tokenizer

        return load_tokenizer(self.reader.encoder)

    def windows(self, examples: Sequence[Example]) -> list[Window]:
        return windows(self.problem, examples, self.tokenizer, self.how)

    def solve(self, examples: Sequence[Example], seed: int) -> Solved | None:
        """Return the head for the examples; None where none of them has a label of the problem."""
        from satiety.tuning.solved import solved_head

        self.reader.read(examples)
        windows, rows = self.windows(examples), self._rows(examples)
        return solved_head(self.problem, windows, rows, examples, self.solver, seed)

    def answers(self, head: Solved, asked: Sequence[Example]) -> list[Prediction]:
        """Return the head's answers; their confidences are calibrated."""
        from satiety.tuning.solved import calibrated

        self.reader.read(asked)
        return self.problem.decode(asked, self._asked(asked), calibrated(head, self._rows(asked)))

    def respond(self, known: Sequence[Example], texts: Sequence[str], seed: int) -> list[Prediction]:
        """Learn from examples, then answer for texts: sure of nothing where no example has a label of the problem."""
        head = self.solve(known, seed)
        if head is None:
            return [Prediction(confidence=0.0) for _ in texts]
        return self.answers(head, self.problem.ask(texts))

    def _rows(self, examples: Sequence[Example]) -> list[Floats]:
        return [row for example in examples for row in self.reader.shelf[example.text]]

    @cached_property
    def _memory(self) -> dict[int, list[Window]]:
        return {}

    def _asked(self, asked: Sequence[Example]) -> list[Window]:
        """Return the windows of what is asked again and again: the test set, the documents."""
        key = hash(tuple(example.text for example in asked))
        if key not in self._memory:
            self._memory[key] = self.windows(asked)
        return self._memory[key]


@dataclass(frozen=True, slots=True)
class Full:
    """Fine-tunes as the pipeline does."""

    problem: Problem
    encoder: Path
    params: Finetune
    device: str
    scratch: Path
    """For checkpoints."""

    def learn(self, train: Sequence[Example], dev: Sequence[Example], key: str) -> Answering:
        """Fine-tune on what there is to learn from; dev, if any, chooses the step."""
        from satiety.training.checkpoint import store
        from satiety.tuning.finetune import finetune

        run = store(self.scratch / "checkpoints", key, seconds=60)
        result = finetune(self.encoder, self.problem, train, dev, params=self.params, store=run, device=self.device)
        run.clear()
        return result.tuned.predict


def parted(labels: Sequence[Example], dev: float, stratum: Stratum, draw: Random) -> tuple[Examples, Examples]:
    """Part labels into those that are learned from and those that choose the step, which are a share of every class.

    This comes before any lever acts, so none learns from what judges it. The first label of a class is always learned
    from, and what is held of fewer labels is held of more.
    """
    if not dev:
        return tuple(labels), ()
    step, classes = max(2, round(1 / dev)), Counter[str]()
    phases: dict[str, int] = defaultdict(lambda: draw.randrange(1, step))
    train: list[Example] = []
    held: list[Example] = []
    for one in labels:
        name = stratum(one)
        (held if classes[name] % step == phases[name] else train).append(one)
        classes[name] += 1
    return tuple(train), tuple(replace(one, split="dev") for one in held)
