"""Lever: self-training, with the same rounds as the stage `finetune`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from satiety.levers.base import LEVERS, Lever, RunContext
from satiety.levers.self_train import SelfTraining

if TYPE_CHECKING:
    from satiety.core.records import Example


@LEVERS.register("self_training")
class SelfTrainingLever(SelfTraining, Lever):
    """Also train on raw texts that the model has pseudo-labelled itself."""

    position: ClassVar = 40
    max_in_use: ClassVar = 1
    uses_documents: ClassVar = True
    code: ClassVar = ("satiety.levers.self_train",)

    def transform_train(self, examples: tuple[Example, ...], context: RunContext) -> tuple[Example, ...]:
        return self.run_rounds(examples, context.documents, context.predict, context.problem.stratum)
