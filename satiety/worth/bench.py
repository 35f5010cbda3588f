"""A cell -> its outcome: the labels of its chain, what the levers make of them, what is learned, what the test says."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from satiety.neardup import HeldOut
from satiety.worth.cellstore import Outcome
from satiety.worth.chains import chain
from satiety.worth.learning import Full, Quick, parted
from satiety.worth.levers import Lesson
from satiety.worth.plan import Plan
from satiety.worth.reading import Reader, name_of

if TYPE_CHECKING:
    from satiety.problems import Prediction
    from satiety.problems.base import Floats
    from satiety.records import Example
    from satiety.worth.cells import Cell


class Bench:
    """Evaluates cells of one study, one after another."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._quick = cache(self._reads)
        self._refused = {name_of(one.text): False for one in plan.pool} | dict(plan.refused)

    def evaluate(self, cell: Cell, key: str) -> Outcome:
        """Return what the cell gives; the same whatever was evaluated before."""
        begun = time.process_time()
        plan = self.plan
        if not cell.budget:
            return Outcome(plan.zero, time.process_time() - begun, zero_shot=True)
        order = chain(plan.pool, plan.problem.stratum, plan.params.seed, cell.chain)
        given, dev = self._parted(cell, order[: cell.budget])
        wanted = self._taught(cell, given, order)
        examples = self._clean(wanted) if cell.gated else wanted
        if cell.depth == "quick":
            tallies, zero_shot = self._quickly(cell, examples)
        else:
            tallies, zero_shot = self._fully(cell, examples, dev, key), False
        seconds = time.process_time() - begun
        return Outcome(tallies, seconds, zero_shot, refused=len(wanted) - len(examples), used=len(examples))

    def _parted(self, cell: Cell, labels: tuple[Example, ...]) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
        """Return what is learned from and, at full depth, what chooses the step."""
        plan = self.plan
        dev = plan.params.full.dev if cell.depth == "full" else 0.0
        return parted(labels, dev, plan.problem.stratum, random.Random(f"{plan.params.seed}/dev/{cell.chain}"))

    def _taught(self, cell: Cell, examples: tuple[Example, ...], order: tuple[Example, ...]) -> tuple[Example, ...]:
        plan = self.plan
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
            try:
                examples = plan.levers[name].teach(examples, lesson)
            except Exception as error:
                error.add_note(f"in lever {name}, at {cell.budget} labels, chain {cell.chain}")
                raise
        return examples

    def _clean(self, examples: Sequence[Example]) -> list[Example]:
        """Return those that give no test text away. What no lever announced is held against the test now, and once."""
        fresh = {name_of(one.text): one.text for one in examples}
        fresh = {name: text for name, text in fresh.items() if name not in self._refused}
        twins = self._held.twins(list(fresh.values())) if fresh else []
        self._refused |= {name: twin is not None for name, twin in zip(fresh, twins, strict=True)}
        return [one for one in examples if not self._refused[name_of(one.text)]]

    @cached_property
    def _held(self) -> HeldOut:
        return HeldOut.of(self.plan.test, self.plan.params.near_duplicate)

    def _answers(self, cell: Cell, known: Sequence[Example], texts: Sequence[str]) -> list[Prediction]:
        quick = self._quick(self.plan.around[cell.levers].encoder)
        return quick.respond(known, texts, self.plan.params.seed + cell.chain)

    def _quickly(self, cell: Cell, examples: Sequence[Example]) -> tuple[Floats, bool]:
        plan, quick = self.plan, self._quick(self.plan.around[cell.levers].encoder)
        head = quick.solve(examples, plan.params.seed + cell.chain)
        if head is None:
            return plan.zero, True
        return plan.problem.tally(plan.test, quick.answers(head, plan.test)), False

    def _fully(self, cell: Cell, examples: Sequence[Example], dev: Sequence[Example], key: str) -> Floats:
        plan, encoder = self.plan, self.plan.around[cell.levers].encoder
        params = plan.finetune.model_copy(update={"seed": plan.finetune.seed + cell.chain})
        full = Full(plan.problem, encoder, params, plan.device, plan.home)
        return plan.problem.tally(plan.test, full.learn(examples, dev, key)([example.inputs for example in plan.test]))

    def _reads(self, encoder: Path) -> Quick:
        plan = self.plan
        reader = Reader(plan.home, encoder, plan.problem, plan.params.reading, plan.device)
        return Quick(plan.problem, reader, plan.params.head, plan.params.reading)
