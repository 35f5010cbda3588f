"""Lever: augmented copies of the labelled examples."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, ClassVar

from satiety.levers.augment import Augment, augment, join
from satiety.levers.base import LEVERS, Lever, RunContext, StudyContext

if TYPE_CHECKING:
    from satiety.core.records import Example


@LEVERS.register("augment")
class AugmentLever(Augment, Lever):
    """Also train on augmented copies of the labelled examples."""

    position: ClassVar = 30
    code: ClassVar = ("satiety.levers.augment",)

    def precompute(self, context: StudyContext) -> tuple[Example, ...]:
        return tuple(augment(context.pool, context.test, context.problem, self).examples[len(context.pool) :])

    def transform_train(self, examples: tuple[Example, ...], context: RunContext) -> tuple[Example, ...]:
        copies: dict[str, list[Example]] = defaultdict(list)
        for copy in context.precomputed:
            copies[copy.parent or copy.id].append(copy)
        return tuple(join(examples, (copy for example in examples for copy in copies[example.id])))
