"""Lever: augmented copies of the labelled examples.

Copies by augmenters that read texts only are made once per study. Those by augmenters that read labels are made in each
run, from the labels of that run.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, ClassVar

from satiety.levers.augment import Augment, augment, join
from satiety.levers.base import LEVERS, Lever, RunContext, StudyContext

if TYPE_CHECKING:
    from collections.abc import Sequence

    from satiety.core.records import Example
    from satiety.problems import Problem


@LEVERS.register("augment")
class AugmentLever(Augment, Lever):
    """Also train on augmented copies of the labelled examples."""

    position: ClassVar = 30
    code: ClassVar = ("satiety.levers.augment",)

    def precompute(self, context: StudyContext) -> tuple[Example, ...]:
        self.check(context.problem)
        return tuple(self._copy(context.pool, context.test, context.problem, reads_labels=False))

    def transform_train(self, examples: tuple[Example, ...], context: RunContext) -> tuple[Example, ...]:
        # 1. the run's own labels: not those of its dev examples, and nothing that another lever added
        labelled = {example.id for example in context.order[: context.budget]}
        originals = [example for example in examples if example.id in labelled]

        # 2. their copies, which the run compares with the test texts like all that levers add
        copies: dict[str, list[Example]] = defaultdict(list)
        for copy in (*context.precomputed, *self._copy(originals, (), context.problem, reads_labels=True)):
            copies[copy.parent or copy.id].append(copy)
        return tuple(join(examples, (copy for example in examples for copy in copies[example.id])))

    def _copy(
        self, examples: Sequence[Example], held_out: Sequence[Example], problem: Problem, *, reads_labels: bool
    ) -> list[Example]:
        """Return copies by the augmenters that read labels, or by those that do not."""
        steps = [step for step in self.steps if step.reads_labels == reads_labels]
        params = self.model_copy(update={"steps": steps})
        return augment(examples, held_out, problem, params).examples[len(examples) :] if steps else []
