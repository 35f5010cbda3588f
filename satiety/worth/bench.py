"""A cell -> its outcome: the labels of its chain, what the levers make of them, what is learned, what the test says."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from satiety.problems import Prediction
from satiety.worth.cellstore import Outcome
from satiety.worth.chains import chain
from satiety.worth.learning import Full, Quick
from satiety.worth.levers import Around, Lesson, Lever
from satiety.worth.reading import Reader, name_of

if TYPE_CHECKING:
    from satiety.problems import Problem
    from satiety.problems.base import Floats
    from satiety.records import Example
    from satiety.tuning.section import Finetune
    from satiety.worth.cells import Cell
    from satiety.worth.section import Worth


@dataclass(frozen=True, slots=True)
class Plan:
    """What all cells of a study share; plain data, that goes to every process once."""

    problem: Problem
    pool: tuple[Example, ...]
    test: tuple[Example, ...]
    params: Worth
    finetune: Finetune
    levers: Mapping[str, Lever]
    """By name, in the order they act; controls among them."""
    prepared: Mapping[str, Any]
    around: Mapping[tuple[str, ...], Around]
    """By lever set."""
    refused: frozenset[bytes]
    """Names of the texts that give away a test text."""
    zero: Floats
    """Tallies of answers without training, shape (examples, counts)."""
    guessed: Mapping[str, str | None]
    """The label that is answered without training, by id of the pool's examples; none for a head over tokens."""
    home: Path
    device: str

    def twin(self, cell: Cell) -> Cell:
        """Return the cell without the levers that change nothing in it: nobody reads what they find."""
        taught = tuple(name for name in cell.levers if self.levers[name].teaches)
        here, there = self.around[cell.levers], self.around.get(taught)
        reads = any(self.levers[name].reads for name in taught)
        same = there and here.encoder == there.encoder and (not reads or here.documents == there.documents)
        return replace(cell, levers=taught) if same else cell


class Bench:
    """Evaluates cells of one study, one after another."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._quick = cache(self._reads)

    def evaluate(self, cell: Cell, key: str) -> Outcome:
        """Return what the cell gives; the same whatever was evaluated before."""
        begun = time.process_time()
        plan = self.plan
        if not cell.budget:
            return Outcome(plan.zero, time.process_time() - begun, zero_shot=True)
        wanted = self._examples(cell)
        examples = [one for one in wanted if one.origin == "gold" or not cell.gated or self._clean(one)]
        tallies, zero_shot = (self._quickly if cell.depth == "quick" else self._fully)(cell, examples, key)
        seconds = time.process_time() - begun
        return Outcome(tallies, seconds, zero_shot, refused=len(wanted) - len(examples), used=len(examples))

    def _examples(self, cell: Cell) -> tuple[Example, ...]:
        plan = self.plan
        order = chain(plan.pool, plan.problem.stratum, plan.params.seed, cell.chain)
        examples = order[: cell.budget]
        for name in [name for name in plan.levers if name in cell.levers]:
            lesson = Lesson(
                problem=plan.problem,
                budget=cell.budget,
                order=order,
                test=plan.test,
                documents=plan.around[cell.levers].documents,
                prepared=plan.prepared[name],
                draw=random.Random(f"{plan.params.seed}/{name}/{cell.chain}/{cell.budget}"),  # no secret
                answer=lambda known, texts: self._answers(cell, known, texts),
            )
            examples = plan.levers[name].teach(examples, lesson)
        return examples

    def _clean(self, example: Example) -> bool:
        return name_of(example.text) not in self.plan.refused

    def _answers(self, cell: Cell, known: Sequence[Example], texts: Sequence[str]) -> list[Prediction]:
        quick = self._quick(self.plan.around[cell.levers].encoder)
        head = quick.solve(known, self.plan.params.seed)
        return quick.answers(head, texts) if head else [Prediction(confidence=0.0) for _ in texts]

    def _quickly(self, cell: Cell, examples: Sequence[Example], _: str) -> tuple[Floats, bool]:
        """Solve a head; where answering without training does better on the labels, not seen, that is the recipe."""
        plan, quick = self.plan, self._quick(self.plan.around[cell.levers].encoder)
        head = quick.solve(examples, plan.params.seed)
        if head is None or head.accuracy < self._guess(examples):
            return plan.zero, True
        return plan.problem.tally(plan.test, quick.answers(head, self._texts)), False

    def _guess(self, examples: Sequence[Example]) -> float:
        """Return the share of the labels that are guessed without training; 0 where nothing is guessed."""
        told = [one for one in examples if one.id in self.plan.guessed]
        return sum(self.plan.guessed[one.id] == one.label for one in told) / len(told) if told else 0.0

    def _fully(self, cell: Cell, examples: Sequence[Example], key: str) -> tuple[Floats, bool]:
        plan, encoder = self.plan, self.plan.around[cell.levers].encoder
        full = Full(plan.problem, encoder, plan.finetune, plan.params.full.dev, plan.device, plan.home)
        return plan.problem.tally(plan.test, full.learn(examples, cell.budget, key)(self._texts)), False

    @cached_property
    def _texts(self) -> tuple[str, ...]:
        return tuple(example.text for example in self.plan.test)

    def _reads(self, encoder: Path) -> Quick:
        plan = self.plan
        reader = Reader(plan.home, encoder, plan.problem, plan.params.reading, plan.device)
        return Quick(plan.problem, reader, plan.params.head, plan.params.reading)
