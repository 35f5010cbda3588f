"""Lever: self-training, as `finetune` does it. Of the levers so far the one that uses raw text directly."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from satiety.tuning.selftrain import SelfTraining
from satiety.worth.levers.base import LEVERS, Lesson, Lever

if TYPE_CHECKING:
    from satiety.records import Example


@LEVERS.register("pseudo")
class Pseudo(SelfTraining, Lever):
    """Learn from raw texts that the model labelled itself."""

    place: ClassVar = 40
    at_once: ClassVar = 1
    reads: ClassVar = True
    code: ClassVar = ("satiety.tuning.selftrain",)

    def teach(self, examples: tuple[Example, ...], lesson: Lesson) -> tuple[Example, ...]:
        return self.grow(examples, lesson.documents, lesson.answer, lesson.problem.stratum)
