"""Lever: raw text that bears on the problem, where there would be any of the corpus.

What is searched for are the texts of the pool without their labels: text is free, labels are what is counted. By itself
it changes nothing a model learns from; `pretrain` and `pseudo` take their text from it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar

from pydantic import Field, SerializeAsAny

from satiety.retrieve import RETRIEVERS, Retrieve, Retriever, retrieve
from satiety.worth.levers.base import LEVERS, Around, Lever, World

SAMPLE = {"kind": "bm25", "documents": 3, "k1": 1.2, "b": 0.75}


@LEVERS.register("retrieve")
class RetrieveLever(Lever):
    """Take the raw text from what retrieval finds."""

    place: ClassVar = 10
    code: ClassVar = ("satiety.retrieve",)

    retriever: SerializeAsAny[Annotated[Retriever, RETRIEVERS.choice("hybrid")]] = Field(
        default_factory=RETRIEVERS.default("hybrid"), examples=[SAMPLE]
    )
    """How documents are found, as in the block `retrieve`."""
    prefix: str = Field(examples=[""])
    """Before every text that is embedded."""
    near_duplicate: float = Field(gt=0, le=1, examples=[0.8])
    """Similarity from which a document is a copy of a test text, and goes."""

    def surround(self, around: Around, world: World) -> Around:
        section = Retrieve(retriever=self.retriever, prefix=self.prefix, near_duplicate=self.near_duplicate)
        found = retrieve(world.corpus, world.pool, world.test, stratum=lambda _: "", embed=world.embed, params=section)
        return replace(around, documents=tuple(found.documents) or around.documents)
