"""Lever: raw text that bears on the problem, where there would be any of the corpus.

What is searched for are the texts of the pool without their labels: text is free, labels are what is counted. By itself
it changes nothing a model learns from; `pretrain` and `pseudo` take their text from it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from satiety.retrieve import Retrieve, retrieve
from satiety.worth.levers.base import LEVERS, Around, Lever, World


@LEVERS.register("retrieve")
class RetrieveLever(Retrieve, Lever):
    """Take the raw text from what retrieval finds."""

    place: ClassVar = 10
    at_once: ClassVar = 1
    code: ClassVar = ("satiety.retrieve",)

    def surround(self, around: Around, world: World) -> Around:
        found = retrieve(world.corpus, world.pool, world.test, stratum=lambda _: "", embed=world.embed, params=self)
        return replace(around, documents=tuple(found.documents) or around.documents)
