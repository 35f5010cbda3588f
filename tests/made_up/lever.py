"""Examples with their text doubled: a lever that precomputes its examples and adds them in each run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from satiety.levers.base import LEVERS, Lever, RunContext, StudyContext

if TYPE_CHECKING:
    from satiety.core.records import Example


@LEVERS.register("made_up")
class MadeUp(Lever):
    """Also learn from each text doubled."""

    position: ClassVar = 35

    def precompute(self, context: StudyContext) -> tuple[Example, ...]:
        return tuple(
            replace(
                example,
                id=f"{example.id}/twice",
                inputs={**example.inputs, "text": f"{example.text} {example.text}"},
                answer=example.answer.move(()) if example.answer and example.answer.mentions else example.answer,
                origin="made_up",
                parent=example.id,
            )
            for example in context.pool
        )

    def transform_train(self, examples: tuple[Example, ...], run: RunContext) -> tuple[Example, ...]:
        ids = {example.id for example in examples}
        return (*examples, *(copy for copy in run.precomputed if copy.parent in ids))
