"""Lever: raw texts retrieved for the problem, instead of a sample of the corpus.

Queries are the texts of the pool without their labels, because only labels count towards the budget. The lever alone
does not change training; `pretrain` and `self_training` use the retrieved texts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from satiety.levers.base import LEVERS, Lever, StudyContext, StudyInputs
from satiety.levers.retrieve import Retrieve, retrieve


@LEVERS.register("retrieve")
class RetrieveLever(Retrieve, Lever):
    """Use retrieved documents as raw texts."""

    position: ClassVar = 10
    max_in_use: ClassVar = 1
    code: ClassVar = ("satiety.levers.retrieve",)

    def transform_inputs(self, inputs: StudyInputs, context: StudyContext) -> StudyInputs:
        retrieved = retrieve(
            context.corpus, context.pool, context.test, stratum=lambda _: "", embed=context.embed, params=self
        )
        return replace(inputs, documents=tuple(retrieved.documents) or inputs.documents)
