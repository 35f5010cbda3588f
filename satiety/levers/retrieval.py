"""Lever: raw text that bears on the problem, where there would be any of the corpus.

What is searched for are the texts of the pool without their labels: text is free, labels are what is counted. By itself
it changes nothing a model learns from; `pretrain` and `pseudo` take their text from it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from satiety.levers.base import LEVERS, Lever, StudyContext, StudyInputs
from satiety.levers.retrieve import Retrieve, retrieve


@LEVERS.register("retrieve")
class RetrieveLever(Retrieve, Lever):
    """Take the raw text from what retrieval finds."""

    position: ClassVar = 10
    max_in_use: ClassVar = 1
    code: ClassVar = ("satiety.levers.retrieve",)

    def transform_inputs(self, inputs: StudyInputs, context: StudyContext) -> StudyInputs:
        retrieved = retrieve(
            context.corpus, context.pool, context.test, stratum=lambda _: "", embed=context.embed, params=self
        )
        return replace(inputs, documents=tuple(retrieved.documents) or inputs.documents)
